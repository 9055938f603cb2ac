"""Plays independent questions and dialogues through the whole of Vejviser and counts what is right.

Everything here was written by people who had not seen the training sentences. `questions_blind.csv` and
`dialogues_blind.yml` were not looked at while anything was built; `questions_seen.csv` was used to choose between
designs, and so was `danger_seen.csv` for the two nets that find danger. What counts as right: the answer names an
acceptable topic and the unit a social worker would send this person to first. Where two readers of a question
disagreed, what either called right is right. An emergency answer never counts as the right topic or unit.
"""

from __future__ import annotations

import csv
import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

BLIND = Path(__file__).with_name("questions_blind.csv")
SEEN = Path(__file__).with_name("questions_seen.csv")
DANGER_SEEN = Path(__file__).with_name("danger_seen.csv")
DIALOGUES = Path(__file__).with_name("dialogues_blind.yml")
NARROW = {"hours", "contact", "time", "complaint", "cost"}
LETTERS = {"letter", "after_refusal", "sent_around", "story"}
# A question may be asked back, and what cannot be understood may be met with guesses.
KINDS = {"answer": {"answer", "clarify", "fallback"}, "fallback": {"fallback", "clarify"}}


@dataclass
class Figure:
    """So many right of so many; `low` and `high` are the 95 % interval (Wilson)."""

    right: int = 0
    of: int = 0

    def add(self, right: bool) -> None:
        self.right, self.of = self.right + bool(right), self.of + 1

    @property
    def share(self) -> float:
        return self.right / self.of if self.of else float("nan")

    def interval(self) -> tuple[float, float]:
        if not self.of:
            return (float("nan"), float("nan"))
        z, n, p = 1.96, self.of, self.share
        middle = (p + z * z / (2 * n)) / (1 + z * z / n)
        half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
        return middle - half, middle + half

    def __str__(self) -> str:
        low, high = self.interval()
        return f"{self.share:6.1%}  ({self.right}/{self.of}, 95 %: {low:.1%} to {high:.1%})"


def questions(path: Path) -> list[dict[str, str]]:
    """Return the questions of a set."""
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def dialogues() -> list[dict[str, Any]]:
    """Return the dialogues, each with `turns` of `says` and `expect`."""
    return list(yaml.safe_load(DIALOGUES.read_text(encoding="utf-8")))


def evaluate(
    ask: Callable[[str], dict[str, Any]], rows: Iterable[dict[str, str]]
) -> tuple[dict[str, Figure], list[dict[str, Any]]]:
    """Return the figures, and for each question what was answered and judged. `ask` answers a first message."""
    figures: dict[str, Figure] = defaultdict(Figure)
    records = []
    for row in rows:
        answer = ask(row["text"])
        verdicts = dict(judge(row, answer))
        for name, right in verdicts.items():
            figures[name].add(right)
        records.append({**row, "got": _got(answer), "verdicts": verdicts})
    return dict(figures), records


def judge(row: dict[str, str], answer: dict[str, Any]) -> Iterator[tuple[str, bool]]:
    """Yield each figure a question counts in, and whether it was right."""
    wanted_kinds = row["kind"].split(";")
    if "crisis" in wanted_kinds:
        yield "crisis found", answer["kind"] == "crisis"
        yield "danger met with 112", any(line["phone"] == "112" for line in answer["helplines"])
    elif row["near_miss"]:
        yield "near misses left alone", answer["kind"] != "crisis"
    yield "kind of reaction", any(answer["kind"] in KINDS.get(kind, {kind}) for kind in wanted_kinds)
    if wanted_kinds != ["answer"]:
        return
    wanted = set(row["topics"].split(";"))
    offered = {answer["topic"], *(candidate["topic"] for candidate in answer["candidates"])}
    right = answer["topic"] in wanted and answer["kind"] in KINDS["answer"] and answer["question"] != "topic"
    yield "topic", right
    yield "topic or offered", bool(offered & wanted)
    if row["voice"] in LETTERS:
        yield "topic, letters", right
        yield "topic or offered, letters", bool(offered & wanted)
    yield "no wrong answer without the right one offered", answer["topic"] is None or bool(offered & wanted)
    department = answer["department"] or {}
    yield "unit", department.get("type") in row["unit"].split(";") and answer["kind"] in KINDS["answer"]
    narrow = set(row["facets"].split(";")) & NARROW
    if row.get("facets_disputed"):
        pass  # one reader saw a narrow question, the other did not
    elif narrow:
        yield "narrow facets", bool(narrow & set(answer["facets"]))
    else:
        yield "no narrow facet where none was asked", not NARROW & set(answer["facets"][:1])
    found = (answer["municipality"] or {}).get("code") or ""
    if row["municipality"]:
        yield "municipality", found in row["municipality"].split(";")
    else:
        yield "no municipality where none was named", not found


def play(
    says: Callable[[str, str | None], Callable[[str], dict[str, Any]]],
) -> tuple[dict[str, Figure], list[dict[str, Any]]]:
    """Play the dialogues. `says(voice, municipality)` begins one and returns who answers its messages in turn."""
    turns, whole = Figure(), Figure()
    records = []
    for dialogue in dialogues():
        ask = says(dialogue["id"], dialogue.get("municipality"))
        fine = True
        for turn in dialogue["turns"]:
            answer = ask(turn["says"])
            wrong = [name for name, right in judge_turn(turn.get("expect") or {}, answer) if not right]
            turns.add(not wrong)
            fine = fine and not wrong
            records.append({"dialogue": dialogue["id"], **turn, "wrong": wrong, "got": _got(answer)})
        whole.add(fine)
    return {"turns of dialogues": turns, "whole dialogues": whole}, records


def judge_turn(expect: dict[str, Any], answer: dict[str, Any]) -> Iterator[tuple[str, bool]]:
    """Yield what a turn must hold and whether it does."""
    department = answer["department"] or {}
    got = {
        "kind": {answer["kind"]},
        "topics": {answer["topic"]},
        "units": {department.get("type")},
        "facets": set(answer["facets"]),
        "municipality": {(answer["municipality"] or {}).get("code")},
    }
    for name, wanted in expect.items():
        acceptable = set(wanted) if isinstance(wanted, list) else {wanted}
        if wanted and not (name == "facets" and acceptable == {"where"}):
            yield name, bool(got[name] & acceptable)


def _got(answer: dict[str, Any]) -> dict[str, Any]:
    department = answer["department"] or {}
    return {
        "kind": answer["kind"],
        "topic": answer["topic"],
        "offered": [candidate["topic"] for candidate in answer["candidates"]],
        "question": answer["question"],
        "facets": answer["facets"],
        "unit": department.get("type"),
        "municipality": (answer["municipality"] or {}).get("code"),
    }
