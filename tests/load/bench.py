"""`make bench`: ratios, while `make run` is up.

The door to Rasa alone, SMS to the widget, and how soon a volunteer sees a first result to a plain look-up.

Needs a running `make run`, at its usual ports or at those in VEJVISER_BENCH="8000 5005 8100 8010" (door, Rasa,
telephone, console).
The same messages go each way in turn, each as the first of a conversation, so all do the same work.
"""

from __future__ import annotations

import csv
import os
import statistics
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx

from bot.helpline.app import create_app
from bot.helpline.staff import DEVELOPER
from tests.nlu.evaluation import SEEN

DOOR, RASA, TELEPHONE, CONSOLE = (
    f"http://127.0.0.1:{port}" for port in os.environ.get("VEJVISER_BENCH", "8000 5005 8100 8010").split()
)
TYPED = ["tabt arbejdsfortjeneste", "§ 85 bostøtte", "efterværn", "kontanthjælp køge", "støtte i skolen"]
MESSAGES = 120  # under the rate of an address, 300 a minute
AT_ONCE = 4  # as many as the worker has threads
PATIENCE_SECONDS = 120


def main() -> None:
    """Print milliseconds of each way, p50 and p95, messages a second by widget and by SMS, and the ratios."""
    with SEEN.open(encoding="utf-8") as file:
        texts = [row["text"][:1000] for row in csv.DictReader(file) if row["kind"] == "answer"][:MESSAGES]
    with httpx.Client(timeout=20) as client:
        door_and_rasa(client, texts)
        first_result(client)
        time.sleep(60)  # the rate of an address begins anew
        widget, sms = by_widget(client, texts), by_sms(client, texts)
    print(f"widget: {widget:.1f} messages/s, sms: {sms:.1f} messages/s, {AT_ONCE} at once")
    print(f"sms / widget: {sms / widget:.2f}")


def door_and_rasa(client: httpx.Client, texts: list[str]) -> None:
    """Ask both the same, and print what each takes."""
    ways: dict[str, Callable[[str], httpx.Response]] = {
        "rasa": lambda text: client.post(
            f"{RASA}/webhooks/rest/webhook", json={"sender": uuid.uuid4().hex, "message": text}
        ),
        "door": lambda text: _ask_door(client, text),
    }
    _compare(ways, texts, "door", "rasa")


def first_result(client: httpx.Client) -> None:
    """Type as a volunteer does, and look the same up at the door."""
    page, token, cookies = _logged_in(client)
    typed = [text[: n + 3] for text, n in zip(TYPED * 20, list(range(20)) * 5)]
    ways: dict[str, Callable[[str], httpx.Response]] = {
        "lookup": lambda _: client.get(f"{DOOR}/api/v1/lookup?municipality=0259&topic=bostoette"),
        "first result": lambda text: client.post(
            page, json={"q": text, "kommune": "Køge"}, headers={"X-CSRFToken": token}, cookies=cookies
        ),
    }
    _compare(ways, typed, "first result", "lookup")


def _compare(ways: dict[str, Callable[[str], httpx.Response]], texts: list[str], one: str, other: str) -> None:
    """Ask each way in turn and print p50, p95 and the ratio of the medians."""
    took: dict[str, list[float]] = {name: [] for name in ways}
    for text in [*texts[:5], *texts]:
        for name, ask in ways.items():
            started = time.perf_counter()
            ask(text).raise_for_status()
            took[name].append((time.perf_counter() - started) * 1000)
    for name, times in took.items():
        times = sorted(times[5:])
        print(f"{name}: p50 {statistics.median(times):.1f} ms, p95 {times[int(len(times) * 0.95)]:.1f} ms")
    print(f"{one} / {other}: {statistics.median(took[one][5:]) / statistics.median(took[other][5:]):.2f}")


def _logged_in(client: httpx.Client) -> tuple[str, str, dict[str, str]]:
    """Log the developer of `make run` in without the password, which only the screen knows."""
    app = create_app()
    staff, browser = app.config["STAFF"], app.test_client()
    with browser.session_transaction() as session:
        session["_user_id"] = staff.begin(staff.by_login(DEVELOPER).id, app.config["CLOCK"]()).token
    page = browser.get("/mig").text  # puts the token against forged posts into the session
    cookie = browser.get_cookie("helpline")
    assert cookie is not None
    token = page.split('name="csrf" content="')[1].split('"')[0]
    return f"{CONSOLE}/opslag/soeg", token, {"helpline": cookie.value}


def by_widget(client: httpx.Client, texts: list[str]) -> float:
    """Return how many messages a second the widget's way answers."""
    started = time.perf_counter()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for response in pool.map(lambda text: _ask_door(client, text), texts):
            response.raise_for_status()
    return len(texts) / (time.perf_counter() - started)


def by_sms(client: httpx.Client, texts: list[str]) -> float:
    """Return how many messages a second go from the telephones in to the replies on them, each from its own number."""
    first = int(time.time()) % 10_000 * 1000
    numbers = [f"4520{first + n:08d}" for n in range(len(texts))]

    def write(pair: tuple[str, str]) -> None:
        form = {"nummer": pair[0], "tekst": pair[1]}
        assert client.post(TELEPHONE, data=form).status_code == 303

    started = time.perf_counter()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(write, zip(numbers, texts)))
    for number in numbers:
        while not _has_reply(client, number):
            assert time.perf_counter() - started < PATIENCE_SECONDS, f"no reply to {number}"
            time.sleep(0.02)
    return len(texts) / (time.perf_counter() - started)


def _ask_door(client: httpx.Client, text: str) -> httpx.Response:
    return client.post(f"{DOOR}/api/v1/messages", json={"session": None, "text": text})


def _has_reply(client: httpx.Client, number: str) -> bool:
    bubbles = client.get(f"{TELEPHONE}/beskeder", params={"nummer": number}).json()
    return any(not bubble["mine"] for bubble in bubbles)


if __name__ == "__main__":
    main()
