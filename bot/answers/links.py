"""Short addresses of the plain pages: `/k/0259/tab` is `/kommune/0259/tabt_arbejdsfortjeneste`.

A topic is named by its first three letters; where another begins with them too, the first letters of its further words
follow (`aflb` for `aflastning_boern`). A topic that comes later may make a name already sent mean two; then the page
offers both.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Links:
    """Writes short addresses below the public address of the door (`https://vejviser.koege.dk`)."""

    home: str
    topics: tuple[str, ...]

    def page(self, municipality: str, topic: str) -> str:
        """Return the short address of a topic's page, without https://, which a phone does not need."""
        return f"{self.home.removeprefix('https://').rstrip('/')}/k/{municipality}/{short(topic, self.topics)}"


def short(topic: str, topics: Iterable[str]) -> str:
    """Return the shortest name of a topic's code that is no other's."""
    others = {name for other in topics if other != topic for name in _names(other)}
    return next((name for name in _names(topic) if name not in others), topic)


def meant(given: str, topics: Iterable[str]) -> list[str]:
    """Return the topics a name can mean: one, several after the table grew, or none."""
    topics = list(topics)
    exact = [topic for topic in topics if given in (topic, short(topic, topics))]
    return exact or [topic for topic in topics if given in _names(topic)]


def _names(topic: str) -> list[str]:
    """`aflastning_boern`: afl, aflb, aflab, aflastnb, aflastning_boern."""
    first, *further = topic.split("_")
    initials = "".join(word[0] for word in further)
    return list(dict.fromkeys([first[:3], *(first[:n] + initials for n in (3, 4, 7)), topic]))
