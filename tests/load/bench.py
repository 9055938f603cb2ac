"""`make bench`: what the door costs, as a ratio to asking Rasa directly. Needs a running `make run`.

The same messages go to the door and to Rasa in turn, each as the first of a conversation, so both do the same work.
"""

from __future__ import annotations

import csv
import statistics
import time
import uuid
from collections.abc import Callable

import httpx

from tests.nlu.evaluation import SEEN

DOOR, RASA = "http://127.0.0.1:8000", "http://127.0.0.1:5005"
MESSAGES = 120  # under the rate of an address, 300 a minute


def main() -> None:
    """Print milliseconds of both, p50 and p95, and their ratio."""
    with SEEN.open(encoding="utf-8") as file:
        texts = [row["text"][:1000] for row in csv.DictReader(file) if row["kind"] == "answer"][:MESSAGES]
    with httpx.Client(timeout=10) as client:
        ways: dict[str, Callable[[str], httpx.Response]] = {
            "rasa": lambda text: client.post(
                f"{RASA}/webhooks/rest/webhook", json={"sender": uuid.uuid4().hex, "message": text}
            ),
            "door": lambda text: client.post(f"{DOOR}/api/v1/messages", json={"session": None, "text": text}),
        }
        took: dict[str, list[float]] = {name: [] for name in ways}
        for text in [*texts[:5], *texts]:
            for name, ask in ways.items():
                started = time.perf_counter()
                ask(text).raise_for_status()
                took[name].append((time.perf_counter() - started) * 1000)
    for name, times in took.items():
        times = sorted(times[5:])
        print(f"{name}: p50 {statistics.median(times):.1f} ms, p95 {times[int(len(times) * 0.95)]:.1f} ms")
    print(f"door / rasa: {statistics.median(took['door'][5:]) / statistics.median(took['rasa'][5:]):.2f}")


if __name__ == "__main__":
    main()
