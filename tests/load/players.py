"""Many people at once at one door, each with a conversation of their own; what came of each message is written down.

Two ways. `closed`: so many people, each writing again the moment the answer is there: what the place bears, and how
long a message takes with so many in the house. `arriving`: messages come at a rate, as strangers do, whether or not the
place keeps up; a message's time runs from when it was due, so a stall is paid by all who came during it (no coordinated
omission).
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.load.conversations import Conversation, Turn
from tests.load.figures import spread

PATIENCE_SECONDS = 20.0  # the widget's
AGAIN_SECONDS = (1.5, 4.0)  # the pauses after which the widget sends again what the line lost
NOT_DELETED = "jeg nåede ikke at slette"  # what the door says when it cannot delete now
PHONE = re.compile(r"\b112\b|\b\d\d \d\d \d\d \d\d\b")


@dataclass
class Said:
    """One message: when it was due (monotonic), what it took, and what came back.

    `problem` is empty when all is well, else `lost` (no answer to any try of the widget), `silent` (an answer
    without words), `numberless` (a degraded answer without a number to call) or `wrong` (danger that was not met with
    112). `retried`: the first try was not answered.
    """

    due: float
    ms: float
    turn: Turn
    kind: str = ""
    problem: str = ""
    why: str = ""
    retried: bool = False
    answer: dict[str, Any] = field(default_factory=dict)

    @property
    def degraded(self) -> bool:
        """Whether it was answered without Rasa, or told in words, with a number, that nothing can be deleted now."""
        return self.kind == "degraded"


class Person:
    """One conversation on its way."""

    def __init__(self, client: httpx.AsyncClient, conversation: Conversation) -> None:
        self._client, self.conversation = client, conversation
        self._session: str | None = None
        self._turns = iter(conversation.turns)
        self.next: Turn | None = next(self._turns, None)

    async def write(self, due: float) -> Said:
        """Do the next thing of the conversation; tried again when no answer comes, as the widget does by itself."""
        turn = self.next
        assert turn is not None
        self.next = next(self._turns, None)
        said = Said(due, 0.0, turn)
        for pause in (*AGAIN_SECONDS, None):
            try:
                response = await self._send(turn)
                if response.status_code < 500:
                    self._judge(said, response)
                    break
                said.why = str(response.status_code)
                if pause is None and NOT_DELETED in response.text and PHONE.search(response.text):
                    said.kind = "degraded"
                    break
            except httpx.HTTPError as error:
                said.why = type(error).__name__
            if pause is None:
                said.problem = "lost"
            else:
                said.retried = True
                await asyncio.sleep(pause)
        said.ms = (time.monotonic() - due) * 1000
        return said

    async def _send(self, turn: Turn) -> httpx.Response:
        if turn.deed == "delete":
            return await self._client.delete(f"/api/v1/sessions/{self._session}")
        if turn.deed == "call":
            body = {"session": self._session, "kind": "call", "wish": "soonest", "number": "20 30 40 50"}
            return await self._client.post("/api/v1/callbacks", json=body)
        body = {"session": self._session, "text": turn.text, "municipality": self.conversation.municipality}
        return await self._client.post("/api/v1/messages", json=body)

    def _judge(self, said: Said, response: httpx.Response) -> None:
        try:
            body = response.json()
        except ValueError:
            said.problem, said.why = "silent", "no JSON"
            return
        if said.turn.deed != "say":
            said.kind = said.turn.deed
            if not response.is_success and response.status_code != 409:  # 409: no call can be promised today, in words
                said.problem, said.why = "lost", f"{response.status_code}"
            return
        if not response.is_success:
            said.problem, said.why = "lost", f"{response.status_code} {body.get('error', {}).get('code')}"
            return
        self._session = body["session"]
        texts = [message["text"] for message in body["messages"]]
        answers = [message["answer"] for message in body["messages"] if message["answer"]]
        said.answer = answers[0] if answers else {}
        said.kind = said.answer.get("kind", "")
        if not texts or not all(text.strip() for text in texts):
            said.problem = "silent"
        elif said.degraded and not PHONE.search("\n".join(texts)):
            said.problem = "numberless"
        elif NOT_DELETED in texts[0]:
            said.kind = "degraded"
        elif said.turn.kind == "crisis" and "112" not in texts[0]:
            said.problem = "wrong"


@contextlib.asynccontextmanager
async def line_to(door: str) -> AsyncIterator[httpx.AsyncClient]:
    """Yield a client without limits of its own. On loopback the door's certificate is one nobody has signed."""
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    async with httpx.AsyncClient(base_url=door, timeout=PATIENCE_SECONDS, limits=limits, verify=False) as line:
        yield line


async def closed(door: str, talks: Iterator[Conversation], people: int, seconds: float) -> tuple[list[Said], float]:
    """Return what so many people wrote in so many seconds without a pause, and the seconds until the last answer."""
    began, said = time.monotonic(), list[Said]()
    await write(door, talks, people, 0.0, said, lambda: time.monotonic() - began >= seconds)
    return said, time.monotonic() - began


async def write(
    door: str,
    talks: Iterator[Conversation],
    people: int,
    pause: float,
    said: list[Said],
    enough: Callable[[], bool],
    seed: int = 1,
) -> None:
    """Let so many people write, pausing so many seconds on average between messages, and note what comes of each."""
    chance = random.Random(seed)

    async def live(line: httpx.AsyncClient) -> None:
        while not enough():
            person = Person(line, next(talks))
            while person.next and not enough():
                await asyncio.sleep(chance.expovariate(1 / pause) if pause else 0)
                said.append(await person.write(time.monotonic()))

    async with line_to(door) as line:
        await asyncio.gather(*(live(line) for _ in range(people)))


async def arriving(
    door: str,
    talks: Iterator[Conversation],
    rate: float,
    seconds: float,
    seed: int = 1,
) -> list[Said]:
    """Return what came of messages that arrive at a rate (a second, Poisson) for so many seconds."""
    chance, said, idle, under_way = random.Random(seed), [], [], set()

    async def one(person: Person, due: float) -> None:
        said.append(await person.write(due))
        if person.next:
            idle.append(person)

    async with line_to(door) as line:
        due = began = time.monotonic()
        while due - began < seconds:
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            # Somebody in mid-conversation writes again, or somebody new comes: about four messages a conversation.
            waits = idle and chance.random() < 0.75
            person = idle.pop(chance.randrange(len(idle))) if waits else Person(line, next(talks))
            task = asyncio.create_task(one(person, due))
            under_way.add(task)
            task.add_done_callback(under_way.discard)
            due += chance.expovariate(rate)
        await asyncio.gather(*under_way)
    return said


def came_to(said: Iterable[Said], seconds: float) -> dict[str, float]:
    """Return messages a second, the percentiles, and how many were retried, degraded, lost, silent or wrong."""
    said = list(said)
    problems = Counter(message.problem for message in said)
    return {
        **spread([message.ms for message in said if message.problem != "lost"]),
        "n": len(said),
        "1/s": round(len(said) / seconds, 1),
        "retried": sum(message.retried for message in said),
        "degraded": sum(message.degraded for message in said),
        "lost": problems["lost"],
        "silent": problems["silent"] + problems["numberless"],
        "wrong": problems["wrong"],
    }
