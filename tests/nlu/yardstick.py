"""The yardstick: what `rasa init` gives anybody, trained on our sentences and measured like our own model.

Its pipeline is Rasa's default (DIET over word and character counts). Rasa knows no topic metadata, so each topic is an
intent of its own, as anybody would write it. Run as a program, it reads a model and messages and prints JSON.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import resource
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import yaml

from bot.knowledge.load import ROOT
from bot.training import environment
from bot.training_data import sentences

HOME = ROOT / "build" / "yardstick"
PIPELINE = """\
recipe: default.v1
assistant_id: yardstick
language: da
pipeline:
- name: WhitespaceTokenizer
- name: RegexFeaturizer
- name: LexicalSyntacticFeaturizer
- name: CountVectorsFeaturizer
- name: CountVectorsFeaturizer
  analyzer: char_wb
  min_ngram: 1
  max_ngram: 4
- name: DIETClassifier
  epochs: {epochs}
  constrain_similarities: true
- name: EntitySynonymMapper
- name: ResponseSelector
  epochs: {epochs}
  constrain_similarities: true
- name: FallbackClassifier
  threshold: 0.3
  ambiguity_threshold: 0.1
"""


def train(epochs: int = 100) -> tuple[Path, float | None]:
    """Return the yardstick's model and the seconds its training took; trained once for each state of the sentences."""
    intents: dict[str, list[str]] = defaultdict(list)
    for sentence in sentences():
        intents[sentence.label].append(f"- {sentence.text}\n")
    nlu = {"nlu": [{"intent": name, "examples": "".join(lines)} for name, lines in intents.items()]}
    text = yaml.safe_dump(nlu, allow_unicode=True, width=10_000)
    state = hashlib.sha256((text + PIPELINE + str(epochs)).encode()).hexdigest()[:12]
    model, took = HOME / f"yardstick-{state}.tar.gz", HOME / f"yardstick-{state}.json"
    if not model.exists():
        HOME.mkdir(parents=True, exist_ok=True)
        (HOME / "nlu.yml").write_text(text, encoding="utf-8")
        (HOME / "config.yml").write_text(PIPELINE.format(epochs=epochs))
        command = (
            f"{sys.executable} -m rasa train nlu -c config.yml -u nlu.yml --out . --fixed-model-name {model.stem[:-4]}"
        )
        started = time.monotonic()
        with (HOME / "train.log").open("w") as log:
            subprocess.run(command.split(), cwd=HOME, env=environment(), stdout=log, stderr=log, check=True)
        took.write_text(json.dumps(time.monotonic() - started))
    return model, json.loads(took.read_text())


def measure(model: Path, texts: list[str], timed: list[str]) -> dict[str, Any]:
    """Return what a model says of the texts, and what that takes, measured in a process of its own.

    `rankings`: for each text the topic ranking, else the intent ranking. `acts`: the intents. `ms`: milliseconds for
    each of the timed texts after warming up. `mb`: the most memory the process held, in MB.
    """
    command = [sys.executable, "-W", "ignore", "-m", "tests.nlu.yardstick", str(model)]
    said = subprocess.run(
        command,
        cwd=ROOT,
        env=environment(),
        input=json.dumps({"texts": texts, "timed": timed}),
        capture_output=True,
        text=True,
        check=True,
    )
    result: dict[str, Any] = json.loads(said.stdout.splitlines()[-1])
    return result


async def _measure(model: str, texts: list[str], timed: list[str]) -> dict[str, Any]:
    from rasa.core.agent import Agent

    agent = Agent.load(model)
    rankings, acts = [], []
    for text in texts:
        parsed = await agent.parse_message(text)
        ranking = parsed.get("topic_ranking") or parsed["intent_ranking"]
        acts.append(parsed["intent"]["name"])
        rankings.append([(entry["name"], entry["confidence"]) for entry in ranking[:6]])
    times = []
    for text in timed:
        started = time.perf_counter()
        await agent.parse_message(text)
        times.append((time.perf_counter() - started) * 1000)
    return {
        "rankings": rankings,
        "acts": acts,
        "ms": times,
        "mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


if __name__ == "__main__":
    asked = json.load(sys.stdin)
    print(json.dumps(asyncio.run(_measure(sys.argv[1], asked["texts"], asked["timed"]))))
