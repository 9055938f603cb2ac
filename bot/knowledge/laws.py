"""References to law in a text ("§ 85", "par. 107", "SEL 85", "82b"), and what carries the same help today.

People know help by the section it had when they got it. So a reference leads to the topics that stand or stood under
it, and an old one names the section that took its place.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from bot.knowledge.directory import Directory
from bot.knowledge.places import fold

# How each law is called and shortened, folded; genitives ("servicelovens") are understood besides.
LAWS = {
    "serviceloven": ("serviceloven", "servicelov", "lov om social service", "sel"),
    "barnets lov": ("barnets lov", "barnetslov", "bl"),
    "aktivloven": ("aktivloven", "lov om aktiv socialpolitik", "las"),
    "LAB-loven": ("lab-loven", "labloven", "lov om en aktiv beskaeftigelsesindsats", "lab"),
    "LOB-loven": ("lob-loven", "lob"),
    "retssikkerhedsloven": ("retssikkerhedsloven", "rsl"),
    "forvaltningsloven": ("forvaltningsloven", "fvl"),
    "sundhedsloven": ("sundhedsloven", "sul"),
    "psykiatriloven": ("psykiatriloven",),
    "pensionsloven": ("pensionsloven", "lov om social pension"),
    "sygedagpengeloven": ("sygedagpengeloven", "sdpl"),
    "ældreloven": ("aeldreloven",),
    "folkeskoleloven": ("folkeskoleloven",),
    "dagtilbudsloven": ("dagtilbudsloven",),
    "STU-loven": ("stu-loven",),
    "ungeindsatsloven": ("ungeindsatsloven",),
    "værgemålsloven": ("vaergemaalsloven",),
    "fremtidsfuldmagtsloven": ("fremtidsfuldmagtsloven",),
    "boligstøtteloven": ("boligstoetteloven",),
    "almenboligloven": ("almenboligloven",),
    "digitalpostloven": ("digitalpostloven",),
}
_CALLED = {name: law for law, names in LAWS.items() for name in names}
_LAW = "|".join(sorted(map(re.escape, _CALLED), key=len, reverse=True))
_SIGN = r"(?:§+|paragraf(?:fen|ferne|fer)?|pgf|prg|par)\.? ?"
_NUMBER = r"(?P<number>\d{1,3}) ?(?P<letter>[a-d](?![a-z0-9]))?"
_REFERENCES = [
    re.compile(rf"\b(?P<law>{_LAW})s? {_SIGN}{_NUMBER}"),
    re.compile(rf"(?<![a-z]){_SIGN}{_NUMBER}(?:,? stk\.? ?\d+)?,? (?:i |efter )?(?P<law>{_LAW})s?\b"),
    re.compile(rf"\b(?P<law>{_LAW})s? {_NUMBER}(?! ?(?:aar|timer|kr))"),
    re.compile(rf"(?<![a-z]){_SIGN}{_NUMBER}"),
    re.compile(r"(?<![\d.,])(?P<number>8[235]) ?(?P<letter>[a-d])(?![a-z0-9])"),  # said so of these alone: "82b-forløb"
]


@dataclass(frozen=True)
class LawReference:
    """A section named in a text. `law` is None where the text does not say; `today` names what took its place."""

    section: str
    law: str | None
    topics: tuple[str, ...]
    today: str | None = None


class LawBook:
    """The sections of the table, in force or not, and the topics they carry; made once from the directory."""

    def __init__(self, directory: Directory) -> None:
        self._topics: dict[tuple[str | None, str], list[str]] = defaultdict(list)
        self._today: dict[tuple[str, str], str] = {}
        for word in directory.words:  # what a bare "§ 85" means first
            if bare := re.fullmatch(r"§ (\d+(?: [a-z])?)", word.word):
                self._add(None, bare[1], word.topic)
        for topic, rows in directory.law.items():
            for row in rows:
                for section in _sections(row.section):
                    self._add(row.law, section, topic)
                if row.replaces and row.replaces.law != row.law:
                    for section in _sections(row.replaces.section):
                        self._today.setdefault((row.replaces.law, section), f"{row.law} {row.section}")

    def _add(self, law: str | None, section: str, topic: str) -> None:
        for key in ((law, section), (None, section)):
            if topic not in self._topics[key]:
                self._topics[key].append(topic)

    def find(self, text: str) -> list[LawReference]:
        """Return the references in a text in the order they stand, each once; an unknown section has no topics."""
        folded = fold(text)
        found: dict[int, LawReference] = {}
        for pattern in _REFERENCES:
            for match in pattern.finditer(folded):
                if match.start("number") not in found:
                    found[match.start("number")] = self._reference(match)
        return list(dict.fromkeys(found[start] for start in sorted(found)))

    def _reference(self, match: re.Match[str]) -> LawReference:
        groups = match.groupdict()
        law = _CALLED.get(groups.get("law") or "")
        section = " ".join(filter(None, (groups["number"], groups["letter"])))
        topics = self._topics.get((law, section), [])
        today = self._today.get((law, section)) if law else self._only_today(section, topics)
        return LawReference(section, law, tuple(topics[:3]), today)

    def _only_today(self, section: str, topics: list[str]) -> str | None:
        """Where no law is named, an old section counts as old only if nothing in force has its number."""
        successors = {today for (_, old), today in self._today.items() if old == section}
        return successors.pop() if len(successors) == 1 and len(topics) == 1 else None


def _sections(text: str) -> Iterable[str]:
    """Return the sections of a row of the table: "§ 85 a, stk. 1" is 85 a, "§§ 113-116" four."""
    if span := re.match(r"§§ (\d+)-(\d+)", text):
        return [str(number) for number in range(int(span[1]), int(span[2]) + 1)]
    match = re.match(r"§ (\d+)(?: ([a-z])\b)?", text)
    return [" ".join(filter(None, match.groups()))] if match else []
