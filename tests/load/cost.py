"""`python -m tests.load.cost`: what one message costs each part of a running `make stack`, for docs/scale.md.

Processor time instead of seconds on the clock: it says how many cores a rate needs, and hardly depends on what else the
machine does. Each message is the first of a conversation of its own, in the words of the questions that chose designs.
"""

from __future__ import annotations

import csv
import ssl
import time

import httpx

from bot.stack.start import CERTIFICATE, Stack
from tests.load.topology import memory_of, processor_seconds
from tests.nlu.evaluation import SEEN

MESSAGES = 200  # under the rate of an address, 300 a minute


def main() -> None:
    """Print a line for each part: milliseconds of processor time a message, and megabytes (PSS)."""
    stack = Stack()
    parts = {name: pid for name, _state, pid in stack.supervisor.states()}
    with SEEN.open(encoding="utf-8") as file:
        texts = [row["text"][:1000] for row in csv.DictReader(file) if row["kind"] == "answer"][:MESSAGES]
    with httpx.Client(base_url=stack.site, verify=ssl.create_default_context(cafile=CERTIFICATE), timeout=20) as client:
        for text in texts[:20]:
            _ask(client, text)
        before = {name: processor_seconds(pid) for name, pid in parts.items()}
        started = time.monotonic()
        for text in texts:
            _ask(client, text)
        took = time.monotonic() - started
    print(f"{len(texts)} messages, one after the other, {len(texts) / took:.1f} a second\n")
    print("| part | ms | MB |\n|---|---|---|")
    for name, pid in parts.items():
        milliseconds = (processor_seconds(pid) - before[name]) / len(texts) * 1000
        print(f"| {name} | {milliseconds:.1f} | {memory_of(pid)['pss']:.0f} |")


def _ask(client: httpx.Client, text: str) -> None:
    client.post("/api/v1/messages", json={"session": None, "text": text}).raise_for_status()


if __name__ == "__main__":
    main()
