"""Many people at one door: what it bears, and that nobody is ever given another's answer."""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx

from bot.knowledge.directory import Directory
from tests.load.conversations import Conversation, Texts, Turn, conversations
from tests.load.players import Person, Said, arriving, came_to, closed, line_to

PEOPLE = (1, 5, 20, 50, 100, 200)
LEVEL_SECONDS = 7.0
ARRIVING_SECONDS = 10.0
SHARES = (0.5, 0.8)  # of the most that was borne
WRITERS = 8
IN_THE_HOUSE = 24  # conversations open at once while mix-ups are looked for
# What the widget's own buttons send, so that the encoder is not needed and ten thousand turns take minutes.
BUTTONS = ("Hvornår har de åbent?", "Hvilken paragraf er det?", "Hvor lang tid tager det?", "Hvordan klager man?")


def load(door: str, texts: Texts, seed: int) -> list[dict[str, Any]]:
    """Return a row for each number of people who write without a pause, and for each rate at which messages come."""
    talks = conversations(texts, seed)
    rows: list[dict[str, Any]] = []
    asyncio.run(closed(door, talks, 4, 3.0))  # warm
    for people in PEOPLE:
        said, seconds = asyncio.run(closed(door, talks, people, LEVEL_SECONDS))
        rows.append({"who": f"{people} at once", **came_to(said, seconds)})
    most = max(row["1/s"] for row in rows)
    for share in SHARES:
        said = asyncio.run(arriving(door, talks, most * share, ARRIVING_SECONDS))
        rows.append({"who": f"{most * share:.1f} a second", **came_to(said, ARRIVING_SECONDS)})
    return rows


Named = tuple[str | None, str | None]  # topic and municipality of an answer


@dataclass(frozen=True)
class Marked:
    """A conversation that must keep its topic and its municipality in every answer."""

    topic: str
    title: str
    code: str
    place: str
    turns: int = 10

    def conversation(self) -> Conversation:
        """Return it: the topic by its button, the municipality when asked, then buttons that name neither."""
        asked = itertools.islice(itertools.cycle(BUTTONS), self.turns - 2)
        return Conversation(self.topic, [Turn(self.title), Turn(self.place), *map(Turn, asked)])


@dataclass
class Isolation:
    """What came of so many turns.

    `own`: answers with the topic and the municipality of their conversation; `vague`: with neither's or no other's;
    `doubted`: with another's, by conversation, turn and what was said. What is said in the same way to who is alone in
    the house was misunderstood (`odd`), the rest was `mixed` up.
    """

    turns: int = 0
    own: int = 0
    vague: int = 0
    degraded: int = 0
    lost: int = 0
    odd: int = 0
    doubted: list[tuple[Marked, int, Named]] = field(default_factory=list)
    mixed: list[tuple[Marked, int, Named]] = field(default_factory=list)
    _hurt: set[int] = field(default_factory=set)

    def judge(self, marked: Marked, n: int, said: Said, talk: int) -> None:
        """Count the answer to the n-th turn of a conversation, which has a number of its own."""
        self.turns += 1
        if said.problem or said.degraded:
            self.lost += bool(said.problem)
            self.degraded += said.degraded
            self._hurt.add(talk)  # what was not heard cannot be kept
            return
        topic, place = heard = named(said)
        own = (marked.topic, marked.code if n else place)
        if place not in (None, marked.code) or (topic not in (None, marked.topic) and talk not in self._hurt):
            self.doubted.append((marked, n, heard))
        elif heard == own:
            self.own += 1
        else:
            self.vague += 1

    def settle(self, alone: Callable[[Marked], list[Named]]) -> None:
        """Tell what was mixed up from what was misunderstood, by asking again with nobody else in the house."""
        repeated = {marked: alone(marked) for marked in {marked for marked, _, _ in self.doubted}}
        self.mixed = [doubt for doubt in self.doubted if repeated[doubt[0]][doubt[1]] != doubt[2]]
        self.odd = len(self.doubted) - len(self.mixed)


def named(said: Said) -> Named:
    """Return the topic and the municipality that an answer is for."""
    return said.answer.get("topic"), (said.answer.get("municipality") or {}).get("code")


def isolation(door: str, directory: Directory, turns: int) -> tuple[Isolation, float]:
    """Return what came of so many interleaved turns in conversations of ten, and the seconds."""
    result, began = Isolation(), time.monotonic()
    asyncio.run(_interleave(door, marks(directory), turns, result))
    seconds = time.monotonic() - began
    result.settle(lambda marked: asyncio.run(_alone(door, marked)))
    return result, seconds


async def _alone(door: str, marked: Marked) -> list[Named]:
    async with line_to(door) as line:
        person = Person(line, marked.conversation())
        return [named(await person.write(time.monotonic())) for _ in range(marked.turns)]


def marks(directory: Directory, seed: int = 5) -> Iterator[Marked]:
    """Yield conversations without end, over all municipalities and all topics that keep their code at every age."""
    chance = random.Random(seed)
    changing = set(directory.age_rules) | {"klage", "sagsbehandlingstid"}  # of a benefit these two are facets
    topics = sorted((code, topic.title) for code, topic in directory.topics.items() if code not in changing)
    places = sorted((code, place.name) for code, place in directory.municipalities.items())
    while True:
        (topic, title), (code, place) = chance.choice(topics), chance.choice(places)
        yield Marked(topic, title, code, place)


async def _interleave(door: str, marked: Iterator[Marked], turns: int, result: Isolation) -> None:
    """Let a few writers take turns among many conversations, so that neighbours on the wire are strangers."""
    chance, numbers, left = random.Random(9), itertools.count(), iter(range(turns))
    waiting: list[tuple[int, Marked, Person, int]] = []

    async def writer(line: httpx.AsyncClient) -> None:
        for _ in left:
            if len(waiting) < IN_THE_HOUSE:
                mark = next(marked)
                talk, person, n = next(numbers), Person(line, mark.conversation()), 0
            else:
                talk, mark, person, n = waiting.pop(chance.randrange(len(waiting)))
            result.judge(mark, n, await person.write(time.monotonic()), talk)
            if person.next:
                waiting.append((talk, mark, person, n + 1))

    async with line_to(door) as line:
        await asyncio.gather(*(writer(line) for _ in range(WRITERS)))
