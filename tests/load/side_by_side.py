"""Two or more ways asked the same in turn, so that whatever else the machine does falls on all of them alike."""

from __future__ import annotations

import random
import statistics
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx

from tests.load.conversations import Texts
from tests.load.figures import spread

Way = Callable[[str], object]
WARM = 6
CLIENTS = 8
TURNS = 3


def in_turn(ways: Mapping[str, Way], texts: Texts, rounds: int) -> dict[str, dict[str, float]]:
    """Return the spread of each way over so many sentences, after a few to warm up.

    Each way gets the sentence in a wording of its own, and the order is drawn anew for each.
    """
    chance = random.Random(3)
    took: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(WARM + rounds):
        order = chance.sample(list(ways), len(ways))
        for name, text in zip(order, texts.wordings(len(order))):
            began = time.perf_counter()
            ways[name](text)
            took[name].append((time.perf_counter() - began) * 1000)
    return {name: spread(times[WARM:]) for name, times in took.items()}


def at_once(ways: Mapping[str, Way], texts: Texts, messages: int, clients: int = CLIENTS) -> dict[str, float]:
    """Return messages a second of each way with so many clients: the middle of three blocks, in turn."""
    rates: dict[str, list[float]] = {name: [] for name in ways}
    for block in range(3):
        for name in list(ways) if block % 2 else list(ways)[::-1]:
            asked = [texts.next() for _ in range(messages // 3)]
            began = time.perf_counter()
            with ThreadPoolExecutor(clients) as pool:
                list(pool.map(ways[name], asked))
            rates[name].append(len(asked) / (time.perf_counter() - began))
    return {name: round(statistics.median(found), 1) for name, found in rates.items()}


class ByRest:
    """The way to a Rasa by its REST channel. Each client has conversations of three messages.

    Who `may_be_silent` has no sentence for what it does not understand, as Rasa's own example has none.
    """

    def __init__(self, address: str, may_be_silent: bool = False) -> None:
        self._line, self._may_be_silent = httpx.Client(base_url=address, timeout=60), may_be_silent
        self._client = threading.local()

    def __call__(self, text: str) -> None:
        mine = self._client.__dict__
        n = mine["n"] = mine.get("n", -1) + 1
        if n % TURNS == 0:
            mine["sender"] = uuid.uuid4().hex
        body = {"sender": mine["sender"], "message": text}
        said = _answered(self._line.post("/webhooks/rest/webhook", json=body))
        assert said or self._may_be_silent, "no answer"


class ByDoor:
    """The way through the door, as the widget goes it. Each client has conversations of so many messages."""

    def __init__(self, address: str, turns: int = TURNS) -> None:
        self._line, self._turns = httpx.Client(base_url=address, timeout=60), turns
        self.degraded = 0  # answered without Rasa, on a machine that is too busy to measure on
        self._client = threading.local()

    def __call__(self, text: str) -> None:
        mine = self._client.__dict__
        n = mine["n"] = mine.get("n", -1) + 1
        session = mine["session"] if n % self._turns else None
        reply = _answered(self._line.post("/api/v1/messages", json={"session": session, "text": text}))
        mine["session"] = reply["session"]
        kinds = {message["answer"]["kind"] for message in reply["messages"] if message["answer"]}
        self.degraded += "degraded" in kinds


class ByPost:
    """The way to a plain server: one post of JSON on a kept-alive line."""

    def __init__(self, address: str) -> None:
        self._line = httpx.Client(base_url=address, timeout=60)

    def __call__(self, text: str) -> None:
        _answered(self._line.post("/", json={"message": text}))

    def is_up(self) -> bool:
        """Return whether it answers. Raises httpx.HTTPError while nobody listens."""
        return self._line.post("/", json={"message": "hej"}).is_success


def _answered(response: httpx.Response) -> Any:
    response.raise_for_status()
    return response.json()
