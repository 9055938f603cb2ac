"""Topics that a text names in so many words: the words of the table, in any spelling."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator

from bot.knowledge.directory import Directory
from bot.knowledge.places import fold, gazetteer

_SHORTEST = 4
_BEGINNING = 5  # letters of the first word by which phrases are looked up; what follows may be inflected
# What may follow a phrase: nothing, "bostøtten", "kontaktpersonens", "plejehjemmet", "frikortene".
_ENDING = re.compile(r"(?:(?<=[a-z]{6})(?:[mn]?en|[mn]?et|n|er|erne|ene|r|rne))?s? ")
_AROUND_A_PLACE = frozenset("i fra paa til ved kommune".split())


def named_topic(text: str, directory: Directory) -> str | None:
    """Return the topic whose longest word or phrase of the table stands in the text, or None."""
    found = [(len(word), topic) for _, word, topic in _standing(_padded(text), directory) if len(word) >= _SHORTEST]
    return max(found)[1] if found else None


def names_only(text: str, topic: str, directory: Directory) -> bool:
    """Return whether a text is a topic's name and perhaps a place, nothing else: "tabt arbejdsfortjeneste køge"."""
    left = text
    for place in reversed(gazetteer(directory).find(text).found):
        left = left[: place.start] + left[place.end :]
    padded = _padded(left)
    phrases = [phrase for phrase, _, named in _standing(padded, directory) if named == topic]
    return bool(phrases) and set(padded.replace(max(phrases, key=len), " ", 1).split()) <= _AROUND_A_PLACE


def _standing(padded: str, directory: Directory) -> Iterator[tuple[str, str, str]]:
    """Yield what of the table stands in a text, in any inflection: as it stands there, as it is written, its topic."""
    by_beginning = _phrases(directory)
    for beginning in {word[:_BEGINNING] for word in padded.split()}:
        for phrase, word, topic in by_beginning.get(beginning, ()):
            found = (_ENDING.match(padded, at.end()) for at in re.finditer(re.escape(phrase), padded))
            if ending := next(filter(None, found), None):
                yield phrase + ending[0], word, topic


@functools.lru_cache(maxsize=2)
def _phrases(directory: Directory) -> dict[str, list[tuple[str, str, str]]]:
    """Return the words and phrases of a reading of the table by how they begin, so that more rows take no longer."""
    by_beginning: dict[str, list[tuple[str, str, str]]] = {}
    for word in directory.words:
        phrase = _padded(word.word).rstrip()
        by_beginning.setdefault(phrase.lstrip()[:_BEGINNING].split(" ")[0], []).append((phrase, word.word, word.topic))
    return by_beginning


def _padded(text: str) -> str:
    return f" {' '.join(re.findall(r'[a-z0-9§]+', fold(text)))} "
