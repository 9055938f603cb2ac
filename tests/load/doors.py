"""The doors beside each other: the door to Rasa alone, a volunteer's first result to a look-up, SMS to the widget."""

from __future__ import annotations

import datetime as dt
import itertools
import re
import secrets
import time
from concurrent.futures import ThreadPoolExecutor

import httpx

from bot.helpline.staff import Role, StaffBook
from bot.knowledge.database import make_engine
from tests.load.conversations import Texts
from tests.load.side_by_side import ByDoor, ByRest, Way, in_turn
from tests.load.topology import Desk

TYPED = ("tabt arbejdsfortjeneste", "§ 85 bostøtte", "efterværn", "kontanthjælp køge", "støtte i skolen")
AT_ONCE = 4  # as many as the worker has threads
PATIENCE_SECONDS = 120


def door_and_rasa(desk: Desk, texts: Texts, rounds: int) -> dict[str, dict[str, float]]:
    """Return the spread of a message by Rasa's REST channel and by the door."""
    return in_turn({"Rasa + actions": ByRest(desk.rasa), "door": ByDoor(desk.door)}, texts, rounds)


def first_result(desk: Desk, texts: Texts, rounds: int) -> dict[str, dict[str, float]]:
    """Return the spread of a plain look-up and of what a volunteer sees while typing."""
    with httpx.Client(timeout=20) as client:
        token = _log_in(client, desk)
        typed = itertools.cycle(text[: length + 3] for text in TYPED for length in range(20))

        def look_up(_: str) -> None:
            client.get(f"{desk.door}/api/v1/lookup?municipality=0259&topic=bostoette").raise_for_status()

        def type_on(_: str) -> None:
            body = {"q": next(typed), "kommune": "Køge"}
            client.post(f"{desk.console}/opslag/soeg", json=body, headers={"X-CSRFToken": token}).raise_for_status()

        return in_turn({"look-up": look_up, "first result": type_on}, texts, rounds)


def _log_in(client: httpx.Client, desk: Desk) -> str:
    """Log a volunteer in as a person does, and return the token that the pages' posts carry."""
    login, password = f"maaler{secrets.randbelow(10**6)}", secrets.token_urlsafe(16)
    staff = StaffBook(make_engine(desk.table_url))
    staff.add(login, "Måler", password, [Role.read("volunteer")], dt.datetime.now(dt.timezone.utc))
    form = client.get(f"{desk.console}/login").text
    token = re.findall(r'name="csrf_token"[^>]*value="([^"]+)"', form)[0]
    fields = {"login": login, "password": password, "csrf_token": token}
    client.post(f"{desk.console}/login", data=fields, follow_redirects=True).raise_for_status()
    return re.findall(r'name="csrf" content="([^"]+)"', client.get(f"{desk.console}/opslag").text)[0]


def sms_and_widget(desk: Desk, texts: Texts, messages: int) -> dict[str, float]:
    """Return messages a second by the widget's way and from telephone to telephone, each a conversation of its own."""
    by_widget: Way = ByDoor(desk.door, turns=1)
    asked, written = ([texts.next() for _ in range(messages)] for _ in range(2))
    began = time.perf_counter()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(by_widget, asked))
    widget = messages / (time.perf_counter() - began)
    return {"widget": round(widget, 1), "SMS": round(_by_sms(desk, written), 1)}


def _by_sms(desk: Desk, texts: list[str]) -> float:
    """Return how many messages a second go from the telephones in to the replies on them, each from its own number."""
    first = secrets.randbelow(10**4) * 1000
    numbers = [f"4520{first + n:08d}" for n in range(len(texts))]
    with httpx.Client(base_url=desk.telephone, timeout=20) as client:

        def write(number: str, text: str) -> None:
            assert client.post("/", data={"nummer": number, "tekst": text}).status_code == 303

        def has_reply(number: str) -> bool:
            bubbles = client.get("/beskeder", params={"nummer": number}).json()
            return any(not bubble["mine"] for bubble in bubbles)

        began = time.perf_counter()
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(write, numbers, texts))
        for number in numbers:
            while not has_reply(number):
                if time.perf_counter() - began > PATIENCE_SECONDS:
                    raise TimeoutError(f"no reply by SMS to {number}")
                time.sleep(0.02)
        return len(texts) / (time.perf_counter() - began)
