"""Plays the independent questions through the whole of Vejviser and counts what is right.

`questions.csv` was written by people who had not seen the training sentences. What counts as right: the answer names an
acceptable topic and the unit a social worker would send this person to first.
"""

from __future__ import annotations

import csv
import math
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

QUESTIONS = Path(__file__).with_name("questions.csv")
NARROW = {"hours", "contact", "time", "complaint", "cost"}
LETTERS = {"letter", "after_refusal", "sent_around", "story"}
KINDS = {"clarify": "answer", "fallback": "answer"}


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


def questions() -> list[dict[str, str]]:
    """Return the independent questions."""
    with QUESTIONS.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def evaluate(ask: Callable[[str], dict[str, Any]]) -> tuple[dict[str, Figure], list[dict[str, Any]]]:
    """Return the figures, and what was wrong. `ask` gives the answer object for a first message."""
    figures: dict[str, Figure] = defaultdict(Figure)
    wrong = []
    for row in questions():
        answer = ask(row["text"])
        for name, right in judge(row, answer):
            figures[name].add(right)
            if not right:
                wrong.append({"what": name, **row, "got": _got(answer)})
    return dict(figures), wrong


def judge(row: dict[str, str], answer: dict[str, Any]) -> Iterator[tuple[str, bool]]:
    """Yield each figure a question counts in, and whether it was right."""
    kind = KINDS.get(answer["kind"], answer["kind"])
    if row["kind"] == "crisis":
        yield "crisis found", kind == "crisis"
    elif "c061" <= row["id"] <= "c120":
        yield "near misses left alone", kind != "crisis"
    yield "kind of reaction", kind == row["kind"]
    if row["kind"] != "answer":
        return
    wanted = row["topics"].split(";")
    offered = [answer["topic"], *(candidate["topic"] for candidate in answer["candidates"])]
    right = answer["topic"] in wanted and answer["question"] != "topic"
    yield "topic", right
    yield ("topic, letters" if row["voice"] in LETTERS else "topic, other voices"), right
    yield "topic or offered", bool(set(offered) & set(wanted))
    if row["voice"] in LETTERS:
        yield "topic or offered, letters", bool(set(offered) & set(wanted))
    yield "no wrong answer without the right one offered", answer["topic"] is None or bool(set(offered) & set(wanted))
    department = answer["department"]
    yield "unit", bool(department) and department["type"] == row["unit"]
    facets = set(row["facets"].split(";"))
    if facets & NARROW:
        yield "narrow facets", bool(facets & NARROW & set(answer["facets"]))
    if row["municipality"]:
        found = answer["municipality"] or {}
        yield "municipality", found.get("code") == row["municipality"]


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
