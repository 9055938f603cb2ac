"""What is doubtful in the training data: near-duplicates, labels that neighbours contradict, imbalance, personal data.

Two views of likeness, because each is blind where the other sees: character n-grams find copies with small changes, the
sentence encoder finds the same thing said in other words.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import TfidfVectorizer

from bot.knowledge.load import ROOT
from bot.knowledge.places import fold
from bot.safety.redact import redact

NLU = ROOT / "data" / "nlu"
COPY, SAME = 0.85, 0.97  # cosine from which two sentences are alike: by n-grams, by encoder
NEIGHBOURS = 8


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


def ngram_vectors(texts: list[str]) -> csr_matrix:
    """Return rows of unit length over character 3-5-grams."""
    return TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), min_df=2, dtype=np.float32).fit_transform(
        [fold(text) for text in texts]
    )


def nearest(
    rows: csr_matrix | np.ndarray, others: csr_matrix | np.ndarray, count: int
) -> Iterator[list[tuple[int, float]]]:
    """Yield for each row of `rows` the `count` nearest of `others` as (position, cosine), nearest first."""
    for start in range(0, rows.shape[0], 256):
        likeness = rows[start : start + 256] @ others.T
        dense = likeness.toarray() if hasattr(likeness, "toarray") else likeness
        for row in dense:
            best = np.argpartition(-row, min(count, len(row) - 1))[:count]
            yield sorted(((int(i), float(row[i])) for i in best), key=lambda pair: -pair[1])


def doubts(found: list[Sentence], vectors: csr_matrix | np.ndarray, alike: float) -> Iterator[str]:
    """Yield the near-duplicates and the sentences whose nearest neighbours nearly all carry one other label."""
    for i, near in enumerate(nearest(vectors, vectors, NEIGHBOURS + 1)):
        others = [(j, cosine) for j, cosine in near if j != i]
        yield from (
            f"alike {cosine:.2f}  {found[i].label} | {found[i].text}  <>  {found[j].label} | {found[j].text}"
            for j, cosine in others
            if cosine >= alike and i < j
        )
        label, times = Counter(found[j].label for j, _ in others[:NEIGHBOURS]).most_common(1)[0]
        if label != found[i].label and times >= NEIGHBOURS - 1:
            yield f"label?  {found[i].label} but neighbours {label}  | {found[i].file} | {found[i].text}"


def report(with_encoder: bool) -> Iterator[str]:
    """Yield the report line by line; with the encoder it takes about ten minutes."""
    found = sentences()
    counts = Counter(sentence.label for sentence in found)
    for label, count in sorted(counts.items(), key=lambda pair: pair[1]):
        yield f"count   {count:5} {label}"
    yield from (f"personal  {s.file} | {s.text}" for s in found if redact(s.text)[1])
    texts = [sentence.text for sentence in found]
    yield "-- by character n-grams"
    yield from doubts(found, ngram_vectors(texts), COPY)
    if with_encoder:
        from bot.nlu.encoder import encode

        yield "-- by the sentence encoder"
        yield from doubts(found, encode(texts), SAME)
