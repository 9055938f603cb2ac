"""Topics that a text names in so many words: the words of the table, in any spelling."""

from __future__ import annotations

import re

from bot.knowledge.directory import Directory
from bot.knowledge.places import fold, gazetteer

_SHORTEST = 4
_AROUND_A_PLACE = frozenset("i fra paa til ved kommune".split())


def named_topic(text: str, directory: Directory) -> str | None:
    """Return the topic whose longest word or phrase of the table stands in the text, or None."""
    padded = _padded(text)
    found = [
        (len(word.word), word.topic)
        for word in directory.words
        if len(word.word) >= _SHORTEST and _padded(word.word) in padded
    ]
    return max(found)[1] if found else None


def names_only(text: str, topic: str, directory: Directory) -> bool:
    """Return whether a text is a topic's name and perhaps a place, nothing else: "tabt arbejdsfortjeneste køge"."""
    left = text
    for place in reversed(gazetteer(directory).find(text).found):
        left = left[: place.start] + left[place.end :]
    padded = _padded(left)
    phrases = sorted((_padded(word.word) for word in directory.words if word.topic == topic), key=len, reverse=True)
    phrase = next((phrase for phrase in phrases if phrase in padded), None)
    return phrase is not None and set(padded.replace(phrase, " ", 1).split()) <= _AROUND_A_PLACE


def _padded(text: str) -> str:
    return f" {' '.join(re.findall(r'[a-z0-9§]+', fold(text)))} "
