"""`make bench`: what the door costs beside Rasa alone, and how soon a volunteer sees a first result, as
a ratio to a plain look-up of the API. Needs a running `make run`.

The same messages go to the door and to Rasa in turn, each as the first of a conversation, so both do the same work.
"""

from __future__ import annotations

import csv
import statistics
import time
import uuid
from collections.abc import Callable

import httpx

from bot.helpline.app import create_app
from bot.helpline.staff import DEVELOPER
from tests.nlu.evaluation import SEEN

DOOR, RASA, CONSOLE = "http://127.0.0.1:8000", "http://127.0.0.1:5005", "http://127.0.0.1:8010"
TYPED = ["tabt arbejdsfortjeneste", "§ 85 bostøtte", "efterværn", "kontanthjælp køge", "støtte i skolen"]
MESSAGES = 120  # under the rate of an address, 300 a minute


def main() -> None:
    """Print milliseconds of each, p50 and p95, and the ratios."""
    with SEEN.open(encoding="utf-8") as file:
        texts = [row["text"][:1000] for row in csv.DictReader(file) if row["kind"] == "answer"][:MESSAGES]
    with httpx.Client(timeout=10) as client:
        ways: dict[str, Callable[[str], httpx.Response]] = {
            "rasa": lambda text: client.post(
                f"{RASA}/webhooks/rest/webhook", json={"sender": uuid.uuid4().hex, "message": text}
            ),
            "door": lambda text: client.post(f"{DOOR}/api/v1/messages", json={"session": None, "text": text}),
        }
        _compare(ways, texts, "door", "rasa")
        page, token, cookies = _logged_in(client)
        typed = [text[: n + 3] for text, n in zip(TYPED * 20, list(range(20)) * 5)]
        _compare(
            {
                "lookup": lambda _: client.get(f"{DOOR}/api/v1/lookup?municipality=0259&topic=bostoette"),
                "first result": lambda text: client.post(
                    page, json={"q": text, "kommune": "Køge"}, headers={"X-CSRFToken": token}, cookies=cookies
                ),
            },
            typed,
            "first result",
            "lookup",
        )


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


if __name__ == "__main__":
    main()
