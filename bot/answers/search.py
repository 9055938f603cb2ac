"""Finding a topic while somebody still types: every name, old name, paragraph and everyday word, from memory.

No model and no database: words are looked up by their beginnings in a sorted list, so that an answer to three letters
takes about a millisecond. What the words do not find, the assistant's understanding may (see `bot.helpline.lookup`).
"""

from __future__ import annotations

import re
import threading
from bisect import bisect_left
from dataclasses import dataclass

from rapidfuzz.distance import DamerauLevenshtein

from bot.knowledge.directory import Directory
from bot.knowledge.laws import LawBook
from bot.knowledge.places import fold, gazetteer

MOST = 9  # as many as there are digits to choose with
_WORD = re.compile(r"[a-z0-9]+")
# How a name of each kind ranks, and how it is said beside the topic's title.
_KINDS = {
    "title": (0, ""),
    "name": (1, ""),
    "old_name": (2, "før kaldt"),
    "abbreviation": (2, "forkortet"),
    "paragraph": (3, ""),
    "everyday": (4, "siges også"),
    "term": (5, "ordforklaring"),
    "unit": (6, "afdeling i kommunen"),
}


@dataclass(frozen=True)
class Hit:
    """A thing found: a topic (code), or a term of the glossary with what it means. `why` is what matched."""

    title: str
    why: str
    topic: str | None = None
    explained: str | None = None


@dataclass(frozen=True)
class Found:
    """What a text found; `municipality` (code) when the text names one, `today` when it names an old section."""

    hits: list[Hit]
    municipality: str | None = None
    today: str | None = None


@dataclass(frozen=True)
class _Entry:
    kind: str
    words: tuple[str, ...]
    text: str
    topic: str | None
    explained: str | None = None


class Index:
    """The names of one reading of the table."""

    def __init__(self, directory: Directory) -> None:
        self.directory = directory
        self.places = gazetteer(directory)
        self._laws = LawBook(directory)
        entries = [_entry("title", row.title, row.code) for row in directory.topics.values()]
        entries += [_entry(word.kind, word.word, word.topic) for word in directory.words]
        entries += [
            _entry("paragraph", f"{law.law} {law.section}", topic)
            for topic, rows in directory.law.items()
            for law in rows
            if not law.law.startswith("(")
        ]
        entries += [_entry("term", term.term, None, term.explanation) for term in directory.glossary]
        self._entries = [entry for entry in entries if entry.words]
        self._units: dict[str, list[_Entry]] = {}
        for org in directory.organizations:
            if org.municipality_code and org.parent_id and org.services:
                first = min(org.services, key=lambda service: service.topic not in (org.first_for or "").split(";"))
                self._units.setdefault(org.municipality_code, []).append(_entry("unit", org.name, first.topic))
        postings = sorted({(word, n) for n, entry in enumerate(self._entries) for word in entry.words})
        self._words = [word for word, _ in postings]
        self._holders = [n for _, n in postings]

    def find(self, text: str, municipality: str | None = None) -> Found:
        """Return the best hits for what has been typed so far, at most nine, each topic once.

        Every word must begin one of a name's words; a municipality named in the text is taken out of it. With a
        municipality (code) its departments are searched by name as well.
        """
        place = self.places.find(text).concerned
        if place is not None:
            text = f"{text[: place.start]} {text[place.end :]}".strip() or text
            municipality = place.code
        tokens = _WORD.findall(fold(text))
        laws = self._laws.find(text)
        found: dict[str, tuple[tuple[float, ...], Hit]] = {}
        for law in laws:
            for position, topic in enumerate(law.topics):
                said = f"{law.law or ''} § {law.section}".strip()
                _keep(found, (-1.0, position), Hit(self._title(topic), said, topic))
        if tokens:
            for entry in self._candidates(tokens):
                self._rank(found, entry, tokens)
            for entry in self._units.get(municipality or "", []):
                self._rank(found, entry, tokens)
        for topic in [hit.title for _, hit in found.values() if hit.topic]:
            found.pop(f"term/{fold(topic)}", None)  # the card explains it better
        ranked = sorted(found.values(), key=lambda pair: (pair[0], pair[1].title))
        today = next((law.today for law in laws if law.today), None)
        return Found([hit for _, hit in ranked[:MOST]], place.code if place else None, today)

    def _candidates(self, tokens: list[str]) -> list[_Entry]:
        """Return the entries in which every token begins a word; a token that begins none is read with a slip."""
        sets = [self._beginning(token) or self._near(token) for token in tokens]
        telling = [one for one in sets if one]
        if not telling or (len(telling) < len(sets) and len(tokens) < 3):
            return []
        return [self._entries[n] for n in set.intersection(*telling)]

    def _beginning(self, token: str) -> set[int]:
        first = bisect_left(self._words, token)
        last = bisect_left(self._words, token + "\x7f")
        return set(self._holders[first:last])

    def _near(self, token: str) -> set[int]:
        """Return the entries with a word one slip away, compared as far as it has been typed."""
        if len(token) < 5 or token.isdigit():
            return set()
        first = bisect_left(self._words, token[0])
        last = bisect_left(self._words, token[0] + "\x7f")
        return {
            self._holders[n]
            for n in range(first, last)
            if DamerauLevenshtein.distance(token, self._words[n][: len(token)], score_cutoff=1) <= 1
        }

    def _rank(self, found: dict[str, tuple[tuple[float, ...], Hit]], entry: _Entry, tokens: list[str]) -> None:
        matched = [any(word.startswith(token) for word in entry.words) for token in tokens]
        if entry.kind == "unit" and not all(matched):
            return
        rank, said = _KINDS[entry.kind]
        whole = entry.words[: len(tokens)] == tuple(tokens)
        begins = entry.words[0].startswith(tokens[0])
        title = self._title(entry.topic) if entry.topic else entry.text
        plain = entry.kind == "title" or fold(entry.text) == fold(title)
        why = said if entry.topic is None else "" if plain else f"{said} {entry.text}".strip()
        exact = whole and len(entry.words) == len(tokens)
        key = (entry.topic is None, not exact, not begins, rank, len(entry.words))
        _keep(found, key, Hit(title, why, entry.topic, entry.explained))

    def _title(self, topic: str) -> str:
        return str(self.directory.topics[topic].title)


def _entry(kind: str, text: str, topic: str | None, explained: str | None = None) -> _Entry:
    return _Entry(kind, tuple(_WORD.findall(fold(text))), text, topic, explained)


def _keep(found: dict[str, tuple[tuple[float, ...], Hit]], key: tuple[float, ...], hit: Hit) -> None:
    name = hit.topic or f"term/{fold(hit.title)}"
    if name not in found or key < found[name][0]:
        found[name] = (key, hit)


_building = threading.Lock()
_latest: Index | None = None


def index(directory: Directory) -> Index:
    """Return the index of a reading of the table, made once for it (about a second, with the names of places).

    While one caller makes the next one, the others go on with the last: a table that was edited stalls nobody.
    """
    global _latest
    if _latest is not None and _latest.directory is directory:
        return _latest
    if not _building.acquire(blocking=_latest is None):
        return _latest  # type: ignore[return-value]  # there is one: only then it does not wait
    try:
        if _latest is None or _latest.directory is not directory:
            _latest = Index(directory)
        return _latest
    finally:
        _building.release()
