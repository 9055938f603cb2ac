"""Which department a text names: a kind ("jobcentret", "PPR") or one by its local name ("Center for Børn og Unge")."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass

from bot.knowledge.directory import Directory
from bot.knowledge.places import fold

_SHORTEST_LOCAL_NAME = 12
_START = 5  # letters of a name's first word, by which it is found among thousands
_WORD = re.compile(r"\w+")
_ENDING = r"(?:e?n|e?t|e?ns|e?ts|s)?"


@dataclass(frozen=True)
class DepartmentMention:
    """A department named in a text: its kind, the name as the table has it, and whose it is when the name is local."""

    type: str
    name: str
    municipality: str | None = None


class DepartmentNames:
    """The names of departments, made once from the directory."""

    def __init__(self, directory: Directory) -> None:
        names = [
            (name.split(" (")[0], DepartmentMention(kind.code, kind.term.name))
            for kind in directory.department_types.values()
            for name in (kind.also_called or "").split(";")
            if name
        ]
        names += [
            (name, DepartmentMention(org.department_type, org.name, org.municipality_code))
            for org in directory.organizations
            if org.department_type and len(name := re.split(r" [(–-]", org.name)[0]) >= _SHORTEST_LOCAL_NAME
        ]
        self._names = [
            (folded := fold(name), re.compile(rf"\b{re.escape(folded)}{_ENDING}\b"), mention)
            for name, mention in sorted(names, key=lambda pair: -len(pair[0]))
        ]
        self._by_start: dict[str, list[int]] = defaultdict(list)
        for position, (folded, _, _) in enumerate(self._names):
            for first in _WORD.findall(folded)[:1]:
                self._by_start[first[:_START]].append(position)

    def find(self, text: str, municipality: str | None = None) -> list[DepartmentMention]:
        """Return the departments a text names, the longest name first, each kind once.

        A local name counts in its own municipality, and where none is named.
        """
        rest = fold(text)
        found: dict[str, DepartmentMention] = {}
        starts = {word[:length] for word in _WORD.findall(rest) for length in range(1, _START + 1)}
        for position in sorted(position for start in starts for position in self._by_start.get(start, ())):
            name, pattern, mention = self._names[position]
            if name not in rest:  # most are not, and this is the quickest way to know
                continue
            if mention.municipality and municipality and mention.municipality != municipality:
                continue
            rest, count = pattern.subn(" ", rest)  # "familieafdeling" is not found again in "børne- og familieafdeling"
            if count:
                found.setdefault(mention.type, mention)
        return list(found.values())
