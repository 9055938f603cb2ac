"""The figures on the blind questions and dialogues may not fall below what was reached, less two points."""

import json
import subprocess

import pytest

from bot.knowledge.load import ROOT
from tests.nlu.evaluation import BLIND, SEEN, Figure, evaluate, play, questions
from tests.scenarios.test_conversation import Person

# The most that was reached, less two points.
FLOORS = {
    "kind of reaction": 0.909,
    "topic": 0.863,
    "topic, letters": 0.863,
    "topic or offered": 0.938,
    "topic or offered, letters": 0.946,
    "no wrong answer without the right one offered": 0.958,
    "unit": 0.853,
    "narrow facets": 0.884,
    "no narrow facet where none was asked": 0.859,
    "municipality": 0.934,
    "no municipality where none was named": 0.977,
    "crisis found": 0.858,
    "danger met with 112": 0.924,
    "near misses left alone": 0.849,
    "turns of dialogues": 0.867,
}


@pytest.fixture(scope="module")
def figures(backend, database):
    def answers(person):
        def ask(text):
            messages = person.writes(text[:1000]).messages
            return next(message["answer"] for message in reversed(messages) if message["answer"])

        return ask

    def first(text):
        return answers(Person(backend, database))(text)

    figures, records = evaluate(first, questions(BLIND))
    seen, _ = evaluate(first, questions(SEEN))
    in_dialogue, turns = play(lambda _id, municipality: answers(Person(backend, database, municipality=municipality)))
    figures |= in_dialogue
    _write({"figures": _plain(figures), "seen": _plain(seen), "records": records, "turns": turns})
    print("\n" + "\n".join(f"{name:48}{figure}" for name, figure in figures.items()))
    return figures


def _plain(figures: dict[str, Figure]) -> dict[str, dict[str, float]]:
    return {name: {"right": f.right, "of": f.of, "share": round(f.share, 4)} for name, f in figures.items()}


def _write(report: dict[str, object]) -> None:
    """Leave everything for `make evaluate`, which draws the report."""
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout.strip()
    build = ROOT / "build"
    build.mkdir(exist_ok=True)
    (build / "evaluation.json").write_text(json.dumps({"commit": commit, **report}, ensure_ascii=False, indent=1))


@pytest.mark.parametrize("name", FLOORS)
def test_understanding_has_not_got_worse(figures, name):
    assert figures[name].share >= FLOORS[name], str(figures[name])
