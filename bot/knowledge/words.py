"""Topics that a text names in so many words: the words of the table, in any spelling."""

from __future__ import annotations

import re

from bot.knowledge.directory import Directory
from bot.knowledge.places import fold

_SHORTEST = 4


def named_topic(text: str, directory: Directory) -> str | None:
    """Return the topic whose longest word or phrase of the table stands in the text, or None."""
    padded = _padded(text)
    found = [
        (len(word.word), word.topic)
        for word in directory.words
        if len(word.word) >= _SHORTEST and _padded(word.word) in padded
    ]
    return max(found)[1] if found else None


def _padded(text: str) -> str:
    return f" {' '.join(re.findall(r'[a-z0-9§]+', fold(text)))} "
