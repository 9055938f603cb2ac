"""Many people at one door: what it bears, and that nobody is ever given another's answer."""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx

from bot.knowledge.directory import Directory
from tests.load.conversations import Conversation, Texts, Turn, conversations
from tests.load.players import Person, Said, arriving, came_to, closed, line_to

PEOPLE = (1, 5, 20, 50, 100, 200)
LEVEL_SECONDS = 8.0
ARRIVING_SECONDS = 12.0
SHARES = (0.5, 0.8)  # of the most that was borne
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


@dataclass
class Marked:
    """A conversation that must keep its topic and its municipality in every answer."""

    topic: str
    title: str
    code: str
    place: str
    turns: int

    def conversation(self) -> Conversation:
        """Return it: the topic by its button, the municipality when asked, then buttons that name neither."""
        asked = itertools.islice(itertools.cycle(BUTTONS), self.turns - 2)
        return Conversation(self.topic, [Turn(self.title), Turn(self.place), *map(Turn, asked)])


@dataclass
class Isolation:
    """What came of it. `mixed` names answers with another's topic or municipality, `vague` those that name none."""

    turns: int = 0
    own: int = 0
    vague: int = 0
    degraded: int = 0
    lost: int = 0
    mixed: list[str] = field(default_factory=list)

    def judge(self, marked: Marked, n: int, said: Said) -> None:
        """Count the answer to the n-th turn of a conversation."""
        self.turns += 1
        if said.problem:
            self.lost += 1
        elif said.degraded:
            self.degraded += 1
        else:
            topic, place = said.answer.get("topic"), (said.answer.get("municipality") or {}).get("code")
            wanted = (marked.topic, None if n == 0 else marked.code)
            for got, own in zip((topic, place), wanted):
                if got is not None and got != own:
                    self.mixed.append(f"{marked.topic}/{marked.code} turn {n} '{said.turn.text}': {topic}/{place}")
                    return
            if (topic, place) == wanted:
                self.own += 1
            else:
                self.vague += 1


def isolation(door: str, directory: Directory, turns: int) -> tuple[Isolation, float]:
    """Return what came of so many interleaved turns in conversations of ten, and the seconds."""
    result, began = Isolation(), time.monotonic()
    asyncio.run(_interleave(door, marks(directory), turns, result))
    return result, time.monotonic() - began


def marks(directory: Directory, seed: int = 5) -> Iterator[Marked]:
    """Yield conversations without end, over all municipalities and all topics that keep their code at every age."""
    chance = random.Random(seed)
    changing = set(directory.age_rules) | {"klage", "sagsbehandlingstid"}  # of a benefit these two are facets
    topics = sorted((code, topic.title) for code, topic in directory.topics.items() if code not in changing)
    places = sorted((code, place.name) for code, place in directory.municipalities.items())
    while True:
        (topic, title), (code, place) = chance.choice(topics), chance.choice(places)
        yield Marked(topic, title, code, place, 10)


async def _interleave(door: str, marked: Iterator[Marked], turns: int, result: Isolation) -> None:
    """Let a few writers take turns among many conversations, so that neighbours on the wire are strangers."""
    chance, started = random.Random(9), 0
    waiting: list[tuple[Marked, Person, int]] = []

    async def writer(line: httpx.AsyncClient) -> None:
        nonlocal started
        while started < turns:
            started += 1
            if len(waiting) < IN_THE_HOUSE:
                mark = next(marked)
                mark_person = (mark, Person(line, mark.conversation()), 0)
            else:
                mark_person = waiting.pop(chance.randrange(len(waiting)))
            mark, person, n = mark_person
            result.judge(mark, n, await person.write(time.monotonic()))
            if person.next:
                waiting.append((mark, person, n + 1))

    async with line_to(door) as line:
        await asyncio.gather(*(writer(line) for _ in range(8)))
