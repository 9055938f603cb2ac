"""`python -m tests.load.cost`: what a message costs each part of a running `make stack`, and what a country asks of it.

Prints the tables of docs/scale.md. Processor time instead of seconds on the clock: it says how many cores a rate needs,
and hardly depends on what else the machine does. Each message is the first of a conversation of its own, in the words
of the questions that chose designs.
"""

from __future__ import annotations

import csv
import math
import ssl
import time
from collections.abc import Mapping
from typing import NamedTuple

import httpx
from sqlalchemy import func, select
from sqlalchemy.engine import Engine

from bot.knowledge.database import make_engine
from bot.stack.start import CERTIFICATE, Stack
from tests.load.topology import memory_of, processor_seconds
from tests.nlu.evaluation import SEEN

MESSAGES = 200  # under the rate of an address, 300 a minute

# What is assumed of the country; docs/scale.md says why. Nobody has measured it.
INHABITANTS = 60_000  # of a mean municipality
MUNICIPALITIES = {"one municipality": 1, "30 municipalities": 30, "all 98, a national campaign": 98}
SHARE = 1 / 500  # of the inhabitants begin a conversation in the hour after
TURNS = 5  # messages of a conversation
PEAK = 3  # how much busier the busiest minute is than the mean of the hour
FILLED = 0.6  # how much of a core is planned with
KEPT_HOURS = 24


class Cost(NamedTuple):
    """Of one process: milliseconds of processor time for a message that passes it, and megabytes."""

    ms: float
    mb: float


class Need(NamedTuple):
    """What a number of municipalities needs: messages a second in the busiest minute, processes, cores, gigabytes."""

    rate: float
    rasas: int
    doors: int
    cores: int
    memory: int
    conversations_mb: int


def need(costs: Mapping[str, Cost], municipalities: int, bytes_a_message: float) -> Need:
    """Return what so many municipalities need. `costs` has rasa, edge (a process of the door) and the other parts."""
    hour = municipalities * INHABITANTS * SHARE * TURNS
    rate = hour / 3600 * PEAK

    def processes(part: str) -> int:
        """As many as bear the rate, and one that may be missing."""
        return math.ceil(rate * costs[part].ms / 1000 / FILLED) + 1

    rasas, doors = processes("rasa"), processes("edge")
    cores = max(2, math.ceil(rate * sum(cost.ms for cost in costs.values()) / 1000 / FILLED))
    many = {"rasa": rasas, "edge": doors}
    memory = math.ceil(sum(cost.mb * many.get(part, 1) for part, cost in costs.items()) / 1024)
    # A day of a campaign: four such hours' worth of messages.
    return Need(rate, rasas, doors, cores, memory, math.ceil(hour * 4 * bytes_a_message / 1_000_000))


def rows(costs: Mapping[str, Cost], bytes_a_message: float) -> list[str]:
    """Return the lines of the table of sums."""
    out = []
    for name, number in MUNICIPALITIES.items():
        rate, *rest = need(costs, number, bytes_a_message)
        out.append(f"| {name} | {rate:.1f} | {' | '.join(map(str, rest))} |")
    return out


def main() -> None:
    """Print both tables."""
    stack = Stack()
    parts = {name: pid for name, _state, pid in stack.supervisor.states()}
    events = make_engine(stack.services["edge"].environment["VEJVISER_CONVERSATIONS"])
    with SEEN.open(encoding="utf-8") as file:
        texts = [row["text"][:1000] for row in csv.DictReader(file) if row["kind"] == "answer"][: MESSAGES + 20]
    trust = ssl.create_default_context(cafile=CERTIFICATE)
    with httpx.Client(base_url=stack.site, verify=trust, timeout=20) as client:
        for text in texts[MESSAGES:]:
            _ask(client, text)
        size = _size(events)
        before = {name: processor_seconds(pid) for name, pid in parts.items()}
        started = time.monotonic()
        for text in texts[:MESSAGES]:
            _ask(client, text)
        took = time.monotonic() - started
    ms = {name: (processor_seconds(pid) - before[name]) / MESSAGES * 1000 for name, pid in parts.items()}
    mb = {name: memory_of(pid)["pss"] for name, pid in parts.items()}
    ms["rasa"], mb["rasa"] = ms.pop("rasa-1") + ms.pop("rasa-2"), (mb.pop("rasa-1") + mb.pop("rasa-2")) / 2
    mb["edge"] /= int(stack.services["edge"].environment["VEJVISER_WORKERS"])
    costs = {name: Cost(round(ms[name], 1), round(mb[name])) for name in sorted(ms, key=ms.__getitem__, reverse=True)}
    bytes_a_message = (_size(events) - size) / MESSAGES
    print(
        f"{MESSAGES} messages, one after the other, {MESSAGES / took:.1f} a second; {bytes_a_message:.0f} bytes each\n"
    )
    print("\n".join(f"| {name} | {cost.ms} | {cost.mb} |" for name, cost in costs.items()), "\n")
    print("\n".join(rows(costs, round(bytes_a_message))))


def _ask(client: httpx.Client, text: str) -> None:
    client.post("/api/v1/messages", json={"session": None, "text": text}).raise_for_status()


def _size(engine: Engine) -> int:
    with engine.connect() as connection:
        return int(connection.execute(select(func.pg_total_relation_size("events"))).scalar_one())


if __name__ == "__main__":
    main()
