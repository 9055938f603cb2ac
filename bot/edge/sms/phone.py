"""`POST /api/v1/sms`: an answer of the widget sent to a telephone, with a code by which its owner goes on by SMS.

Who asks chooses topic, municipality and number; the words are ours. So nothing else can be sent this way.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import secrets
from typing import Any

from flask import Response, current_app, jsonify

from bot.answers.find import find_answer
from bot.answers.links import Links
from bot.answers.sms import Sms, answer_sms
from bot.edge.context import directory as table
from bot.edge.context import json_body, now
from bot.edge.errors import BadRequest
from bot.edge.log import session_hash
from bot.edge.sessions import Session
from bot.edge.sms.dialogue import CODE_LENGTH, CODE_LETTERS
from bot.edge.sms.numbers import danish_mobile, sender_of
from bot.edge.sms.settings import SmsSettings
from bot.edge.sms.store import SmsStore, WayOn
from bot.knowledge.directory import Directory
from bot.knowledge.models import FACETS

A_DAY = 3
CODE_KEPT = dt.timedelta(hours=6)


def post_sms() -> tuple[Response, int]:
    """Queue one message to `phone` with the answer for `topic`, `municipality` and `facets`; 202 when it is queued."""
    settings: SmsSettings | None = current_app.config["SMS"]
    body = json_body()
    if settings is None:
        raise BadRequest("Der kan ikke sendes sms herfra.", code="no_sms", status=404)
    session = current_app.config["SESSIONS"].read(body.get("session"))
    if session is None:
        raise BadRequest("Samtalen kendes ikke. Stil et spørgsmål først.", "session", "unknown_session")
    directory = table()
    number = _number(body, directory)
    answer = find_answer(directory, *_about(body, directory), now=now(), facets=_facets(body))
    code = "".join(secrets.choice(CODE_LETTERS) for _ in range(CODE_LENGTH))
    links = Links(settings.public_url, tuple(directory.topics))
    place = answer.municipality["code"] if answer.municipality else None
    sms = Sms(answer_sms(answer, links, last=f"Svar {code} for at skrive videre"), municipality=place)
    _send(session, number, sms, WayOn(code, session.sender, now() + CODE_KEPT))
    return jsonify({"queued": True}), 202


def _send(session: Session, number: str, sms: Sms, way_on: WayOn) -> None:
    """Queue it, unless the number said STOP, or it or the conversation had three today. Raises BadRequest."""
    store: SmsStore = current_app.config["SMS_STORE"]
    sender, asked_by = sender_of(number, current_app.config["SETTINGS"].secret), session_hash(session.sender)
    if store.is_out(sender):
        raise BadRequest(
            "Vi kan ikke sende til det nummer. Har du skrevet STOP til os, så skriv START først.", "phone", "stopped"
        )
    if max(store.asked_today(now(), sender=sender), store.asked_today(now(), asked_by=asked_by)) >= A_DAY:
        raise BadRequest(
            f"Der kan sendes {A_DAY} sms'er om dagen. Du kan kopiere eller udskrive svaret i stedet.",
            "phone",
            "too_many_sms",
            429,
        )
    store.know(sender, number, now())
    store.queue(sender, sms, way_on, asked_by, now())
    with contextlib.suppress(Exception):  # a queue that is away is no loss: the worker looks by itself
        current_app.config["JOBS"].serve(sender)


def _number(body: dict[str, Any], directory: Directory) -> str:
    given = body.get("phone")
    number = danish_mobile(given) if isinstance(given, str) and len(given) <= 30 else None
    if number is None or number.removeprefix("45") in directory.phone_numbers:
        raise BadRequest("Skriv et dansk mobilnummer med otte cifre, fx 20 30 40 50.", "phone", "phone")
    return number


def _about(body: dict[str, Any], directory: Directory) -> tuple[str, str | None]:
    topic, place = body.get("topic"), body.get("municipality")
    if not isinstance(topic, str) or topic not in directory.topics:
        raise BadRequest("Emnet kendes ikke. Emnerne står på /api/v1/topics.", "topic", "unknown_topic")
    if place is not None and (not isinstance(place, str) or place not in directory.municipalities):
        raise BadRequest("Kommunekoden kendes ikke.", "municipality", "unknown_municipality")
    return topic, place


def _facets(body: dict[str, Any]) -> list[str]:
    facets = body.get("facets") or ["where"]
    if not isinstance(facets, list) or not all(isinstance(f, str) and f in FACETS for f in facets):
        raise BadRequest(f"Feltet facets skal være en liste af: {', '.join(FACETS)}.", "facets")
    return facets[:3]
