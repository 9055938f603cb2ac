"""`POST /api/v1/sms`: an answer of the widget sent to a telephone, with a code by which its owner goes on by SMS."""

from __future__ import annotations

from typing import Any

from flask import Response, current_app, jsonify

from bot.answers.find import find_answer
from bot.edge.context import directory as table
from bot.edge.context import json_body, known_municipality, known_topic, now
from bot.edge.errors import BadRequest
from bot.edge.log import session_hash
from bot.edge.sms.outbox import NotSent, Outbox
from bot.knowledge.models import FACETS


def post_sms() -> tuple[Response, int]:
    """Queue one message to `phone` with the answer for `topic`, `municipality` and `facets`; 202 when it is queued."""
    outbox: Outbox | None = current_app.config["OUTBOX"]
    body = json_body()
    if outbox is None:
        raise BadRequest("Der kan ikke sendes sms herfra.", code="no_sms", status=404)
    session = current_app.config["SESSIONS"].read(body.get("session"))
    if session is None:
        raise BadRequest("Vi kender ikke samtalen. Stil et spørgsmål først.", "session", "unknown_session")
    directory, phone = table(), body.get("phone")
    topic, place, facets = known_topic(body, directory), known_municipality(body, directory), _facets(body)
    answer = find_answer(directory, topic, place, now=now(), facets=facets)
    try:
        given = phone if isinstance(phone, str) else ""
        outbox.send(given, answer, directory, now(), session.sender, session_hash(session.sender))
    except NotSent as error:
        status = 429 if error.code == "too_many_sms" else 400
        raise BadRequest(error.message, "phone", error.code, status) from error
    return jsonify({"queued": True}), 202


def _facets(body: dict[str, Any]) -> list[str]:
    facets = body.get("facets") or ["where"]
    if not isinstance(facets, list) or not all(isinstance(f, str) and f in FACETS for f in facets):
        raise BadRequest(f"Feltet facets skal være en liste af: {', '.join(FACETS)}.", "facets")
    return facets[:3]
