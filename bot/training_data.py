"""The sentences the model learns from, with their labels, as they stand in data/nlu."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import yaml

from bot.knowledge.load import ROOT
from bot.knowledge.places import fold

NLU = ROOT / "data" / "nlu"


@dataclass(frozen=True)
class Sentence:
    """One training sentence with its labels. `facets` is None where the sentence says nothing of them."""

    file: str
    act: str
    topic: str | None
    facets: tuple[str, ...] | None
    text: str

    @property
    def label(self) -> str:
        """Its topic, or its act where it has none."""
        return self.topic or self.act


def sentences(folder: Path = NLU) -> list[Sentence]:
    """Return every training sentence in the order of the files."""
    found = []
    for path in sorted(folder.glob("*.yml")):
        for block in yaml.safe_load(path.read_text(encoding="utf-8"))["nlu"]:
            labels = block.get("metadata") or {}
            facets = tuple(labels["facets"]) if "facets" in labels else None
            for line in block["examples"].splitlines():
                found.append(Sentence(path.name, block["intent"], labels.get("topic"), facets, line.removeprefix("- ")))
    return found


def plain(text: str) -> str:
    """Return what makes two sentences the same: folded, without punctuation; a text of nothing else stays itself."""
    return re.sub(r"\W+", " ", fold(text)).strip() or text
