"""The loop that keeps understanding good: what was least certain goes out as a CSV, and comes back labelled.

An editor fills in `act`, and for a question `topic` and `facets`, in the rows worth learning from; a row without an act
is left alone. What comes back joins the training data, everything or nothing.
"""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path
from typing import Any, TextIO

from bot.knowledge.directory import Directory
from bot.knowledge.models import FACETS
from bot.knowledge.sheets import defused, fused, split_csv
from bot.safety.redact import redact, without_marks
from bot.training_data import NLU, plain, sentences

LEARNT = "learnt.yml"
COLUMNS = ["text", "certainty", "heard", "best", "second", "third", "act", "topic", "facets"]
CERTAIN = 0.5


class MissesError(Exception):
    """A labelled file that cannot be merged; `problems` says what is wrong in which row."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__(f"{len(problems)} fejl")
        self.problems = problems


@dataclass(frozen=True)
class Labelled:
    """One sentence an editor labelled."""

    text: str
    act: str
    topic: str | None
    facets: tuple[str, ...]


def misses(messages: Iterable[dict[str, Any]], most: int = 200) -> list[dict[str, str]]:
    """Return the least certain messages as rows of the CSV, least certain first, each text once.

    `messages` are Rasa's parsed user messages. Certainty is the lower of the act's and, for a question, the best
    topic's. Messages that are certain, and those without letters, are left out.
    """
    rows: dict[str, dict[str, str]] = {}
    for message in messages:
        text, act = message.get("text") or "", message.get("intent") or {}
        ranking = message.get("topic_ranking") or []
        certainty = float(act.get("confidence") or 0)
        if act.get("name") in ("ask", "nlu_fallback") and ranking:
            certainty = min(certainty, float(ranking[0]["confidence"]))
        if certainty >= CERTAIN or not re.search(r"[^\W\d_]{2}", text):
            continue
        topics = [f"{topic['name']} {topic['confidence']:.2f}" for topic in ranking[:3]]
        row = dict.fromkeys(COLUMNS, "")
        row.update(text=text, certainty=f"{certainty:.2f}", heard=str(act.get("name") or ""))
        row.update(zip(("best", "second", "third"), topics))
        rows[text] = row
    return sorted(rows.values(), key=lambda row: float(row["certainty"]))[:most]


def write_misses(rows: list[dict[str, str]], file: TextIO) -> None:
    """Write the rows as CSV that a spreadsheet opens and takes no text in it for a formula."""
    writer = csv.DictWriter(file, COLUMNS)
    writer.writeheader()
    for row in rows:
        writer.writerow({**row, "text": defused(row["text"])})


def merge(path: Path, directory: Directory, folder: Path = NLU) -> str:
    """Add the labelled rows of a CSV file to `learnt.yml` in the folder and return the difference as a unified diff.

    Raises MissesError when a label is no code of the table, a text holds personal data, or a sentence is known already;
    then nothing is changed.
    """
    trained = sentences(folder)
    acts, known = {sentence.act for sentence in trained}, {plain(sentence.text) for sentence in trained}
    problems: list[str] = []
    new: list[Labelled] = []
    for number, row in enumerate(_read(path), 2):
        if not row["act"]:
            continue
        labelled = _labelled(row)
        wrong = list(_wrong(labelled, acts, directory))
        if plain(labelled.text) in known:
            wrong.append("sætningen findes allerede i data/nlu; slet rækken")
        known.add(plain(labelled.text))
        problems += [f"række {number}: {what}" for what in wrong]
        new.append(labelled)
    if problems:
        raise MissesError(problems)
    target = folder / LEARNT
    before = target.read_text(encoding="utf-8") if target.exists() else ""
    after = _with(before, new) if new else before
    if after != before:
        target.write_text(after, encoding="utf-8")
    name = f"data/nlu/{LEARNT}"
    return "".join(unified_diff(before.splitlines(True), after.splitlines(True), f"a/{name}", f"b/{name}"))


def _read(path: Path) -> list[dict[str, str]]:
    try:
        header, rows = split_csv(path.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError as error:
        raise MissesError(["filen er ikke UTF-8; gem den som 'CSV UTF-8'"]) from error
    if missing := {"text", "act", "topic", "facets"} - set(header):
        raise MissesError([f"kolonnen {name} mangler" for name in sorted(missing)])
    return [dict.fromkeys(header, "") | dict(zip(header, cells)) for _, cells in rows if cells]


def _labelled(row: dict[str, str]) -> Labelled:
    text = without_marks(fused(row["text"])).lstrip()
    facets = tuple(part for part in re.split(r"[;, ]+", row["facets"]) if part)
    return Labelled(text, row["act"], row["topic"] or None, facets)


def _wrong(labelled: Labelled, acts: set[str], directory: Directory) -> Iterable[str]:
    if labelled.act not in acts:
        yield f"act '{labelled.act}' kendes ikke. Brug: {', '.join(sorted(acts))}"
    if labelled.act == "ask" and labelled.topic is None:
        yield "topic mangler. Et spørgsmål (ask) skal have et emne"
    if labelled.topic and labelled.act != "ask":
        yield f"topic '{labelled.topic}' hører kun til act ask"
    if labelled.topic and labelled.topic not in directory.topics:
        yield f"topic '{labelled.topic}' kendes ikke. Emnerne: vejviser knowledge stats --all"
    for facet in labelled.facets:
        if facet not in FACETS:
            yield f"facet '{facet}' kendes ikke. Brug: {', '.join(FACETS)}"
    if not labelled.text:
        yield "teksten er tom"
    elif redact(labelled.text)[1]:
        yield "teksten indeholder personlige oplysninger. Skriv den om uden dem"


def _with(before: str, new: list[Labelled]) -> str:
    """Return the file with the sentences appended, grouped by their labels as in the other files."""
    groups: dict[tuple[str, str | None, tuple[str, ...]], list[str]] = defaultdict(list)
    for labelled in new:
        groups[labelled.act, labelled.topic, labelled.facets].append(labelled.text)
    lines = [before or '# Messages that were not understood, labelled by editors.\nversion: "3.1"\nnlu:\n']
    for (act, topic, facets), texts in groups.items():
        lines.append(f"- intent: {act}\n")
        if topic or facets:
            lines.append("  metadata:\n" + (f"    topic: {topic}\n" if topic else ""))
            lines.append(f"    facets: [{', '.join(facets)}]\n")
        lines.append("  examples: |\n" + "".join(f"    - {text}\n" for text in texts))
    return "".join(lines)
