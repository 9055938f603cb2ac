"""What is doubtful in the training data: near-duplicates, labels that neighbours contradict, imbalance, personal data.

Two views of likeness, because each is blind where the other sees: character n-grams find copies with small changes, the
sentence encoder finds the same thing said in other words. Needs what Rasa brings, so it runs at the desk only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import TfidfVectorizer

from bot.knowledge.places import fold
from bot.safety.redact import redact
from bot.training_data import Sentence, sentences

COPY, SAME = 0.85, 0.97  # cosine from which two sentences are alike: by n-grams, by encoder
NEIGHBOURS = 8


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
