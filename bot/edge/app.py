"""The one public door: the chat API of version 1; its pages and the feedback on answers have modules of their own.

Everything outward speaks JSON in Danish; Rasa is reached over loopback and never trusted to answer.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import re
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
from flask import Flask, Response, current_app, jsonify, request
from itsdangerous import BadSignature, URLSafeSerializer
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException

from bot.answers.answer import Answer, iso
from bot.answers.conversation import Message, State, crisis_turn
from bot.answers.degraded import degraded_turn
from bot.answers.find import find_answer
from bot.answers.text import render
from bot.edge.rasa import Rasa, RasaSilent
from bot.knowledge.database import make_engine
from bot.knowledge.directory import Directory, Shelf, UnknownMunicipality, UnknownTopic, is_stale
from bot.knowledge.hours import COPENHAGEN
from bot.knowledge.load import ROOT
from bot.knowledge.models import FACETS
from bot.knowledge.places import Gazetteer, near_names
from bot.safety.conversations import Conversations
from bot.safety.crisis import is_crisis
from bot.safety.redact import redact
from bot.safety.text import tidy

MAX_BODY = 4096
MAX_TEXT = 1000
REDACTED = "Jeg har taget private oplysninger ud af din besked. Jeg har ikke brug for dem."


class BadRequest(Exception):
    """The request cannot be used; `field` is what is wrong."""

    def __init__(self, message: str, field: str | None = None, code: str = "bad_request", status: int = 400) -> None:
        super().__init__(message)
        self.message, self.field, self.code, self.status = message, field, code, status


def create_app(
    rasa_url: str | None = None,
    actions_url: str | None = None,
    database_url: str | None = None,
    clock: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.timezone.utc),
    secret: str | None = None,
) -> Flask:
    """Return the door. Addresses default to VEJVISER_RASA_URL, VEJVISER_ACTIONS_URL and VEJVISER_DATABASE_URL."""
    from bot.edge import feedback, pages  # here, because they use the pieces of this module

    app = Flask(__name__)
    engine = make_engine(database_url)
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    app.config.update(
        MAX_CONTENT_LENGTH=MAX_BODY,
        SHELF=Shelf(engine),
        RASA=Rasa(rasa_url or os.environ.get("VEJVISER_RASA_URL", "http://127.0.0.1:5005")),
        ACTIONS_URL=actions_url or os.environ.get("VEJVISER_ACTIONS_URL", "http://127.0.0.1:5055/webhook"),
        CLOCK=clock,
        CONVERSATIONS=Conversations(),
        SESSIONS=URLSafeSerializer(secret or session_secret(), salt="session"),
    )
    pages.register(app)
    feedback.register(app, engine)
    app.add_url_rule("/api/v1/messages", view_func=post_message, methods=["POST"])
    app.add_url_rule("/api/v1/sessions/<session>", view_func=delete_session, methods=["DELETE"])
    app.add_url_rule("/api/v1/health", view_func=health)
    app.add_url_rule("/api/v1/municipalities", view_func=municipalities)
    app.add_url_rule("/api/v1/topics", view_func=topics)
    app.add_url_rule("/api/v1/lookup", view_func=lookup)
    app.register_error_handler(BadRequest, _bad_request)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, _unexpected)
    app.after_request(_secure)
    return app


def session_secret() -> str:
    """Return the key that signs session ids: VEJVISER_SECRET, else one made on first start and kept in var/."""
    if given := os.environ.get("VEJVISER_SECRET"):
        return given
    kept = Path(ROOT / "var" / "session.key")
    if not kept.exists():
        kept.parent.mkdir(exist_ok=True)
        kept.touch(mode=0o600)
        kept.write_text(secrets.token_urlsafe(32))
    return kept.read_text()


# -- the conversation --------------------------------------------------------------------------------------------


def post_message() -> Response:
    """Take one message and give the reply of the chat API: always something useful once the request is well made."""
    body = _body()
    sender, session = _session(body.get("session"))
    text = _text(body)
    now = _now()
    directory = _directory_or_none()
    municipality = _site_municipality(body.get("municipality"), directory)
    clean, redacted = redact(text, _known_numbers(directory))
    if directory is not None and is_crisis(clean):
        place = Gazetteer(directory).find(clean).concerned
        code = place.code if place else municipality
        messages = [_speak(crisis_turn(State(municipality=code), directory, now))]
    else:
        messages = _ask_rasa(sender, clean, municipality, directory, now)
    if redacted:
        messages.insert(0, {"text": REDACTED, "buttons": [], "answer": None})
    return jsonify({"session": session, "messages": messages})


def _ask_rasa(
    sender: str, text: str, municipality: str | None, directory: Directory | None, now: dt.datetime
) -> list[dict[str, Any]]:
    try:
        replies = current_app.config["RASA"].say(sender, text, municipality, now)
    except RasaSilent:
        return [_speak(degraded_turn(text, municipality, directory, now))]
    conversations: Conversations = current_app.config["CONVERSATIONS"]
    if any(reply.forget for reply in replies):
        conversations.forget(sender)
    conversations.forget_older_sometimes(dt.datetime.now(dt.timezone.utc))  # Rasa stamps events by the machine's clock
    small_talk = Answer(kind="smalltalk", as_of=iso(now, COPENHAGEN) or "").to_json()
    return [{"text": r.text, "buttons": r.buttons, "answer": r.answer or small_talk} for r in replies]


def delete_session(session: str) -> tuple[Response, int]:
    """Delete everything that was kept of a conversation, at once."""
    sender, _ = _session(session)
    current_app.config["CONVERSATIONS"].forget(sender)
    return jsonify({"deleted": True}), 200


def _speak(message: Message) -> dict[str, Any]:
    return {"text": message.text, "buttons": message.buttons, "answer": message.answer.to_json()}


def _body() -> dict[str, Any]:
    if request.mimetype != "application/json":
        raise BadRequest(
            "Send beskeden som JSON (Content-Type: application/json).", code="unsupported_media_type", status=415
        )
    try:
        body = json.loads(request.get_data(cache=False))
    except (ValueError, RecursionError) as error:
        raise BadRequest("Beskeden er ikke gyldig JSON.", code="invalid_json") from error
    if not isinstance(body, dict):
        raise BadRequest("Beskeden skal være et JSON-objekt med feltet text.", code="invalid_json")
    return body


def _session(given: Any) -> tuple[str, str]:
    """Return Rasa's sender id and the signed id the person carries; a new pair on the first turn."""
    signer = current_app.config["SESSIONS"]
    sender: Any = None
    if given is None:
        sender = secrets.token_urlsafe(16)
        return sender, signer.dumps(sender)
    if isinstance(given, str):
        with contextlib.suppress(BadSignature, UnicodeError):
            sender = signer.loads(given)
    if not isinstance(sender, str):
        raise BadRequest("Samtalen kendes ikke. Begynd en ny ved at sende session: null.", "session", "unknown_session")
    return sender, given


def _text(body: dict[str, Any]) -> str:
    text = body.get("text")
    if not isinstance(text, str):
        raise BadRequest("Feltet text mangler eller er ikke tekst.", "text")
    if len(text) > MAX_TEXT:
        raise BadRequest(f"Beskeden er for lang. Skriv højst {MAX_TEXT} tegn.", "text", "text_too_long")
    tidied = tidy(text).lstrip("/")  # a leading slash is Rasa's own command language
    if not tidied:
        raise BadRequest("Beskeden er tom. Skriv, hvad det handler om.", "text", "empty_text")
    return tidied


def _site_municipality(code: Any, directory: Directory | None) -> str | None:
    if code is None or directory is None:
        return None
    if not isinstance(code, str):
        raise BadRequest('Kommunekoden skal være tekst med fire cifre, fx "0259".', "municipality")
    try:
        return directory.municipality(code).code
    except UnknownMunicipality as error:
        raise _unknown_municipality(error, directory) from error


def _unknown_municipality(error: UnknownMunicipality, directory: Directory) -> BadRequest:
    given = tidy(str(error))
    near = error.near or near_names(directory, given)
    message = f"Kommunekoden '{given[:40]}' kendes ikke. Mente du {', '.join(near)}?"
    return BadRequest(message, "municipality", "unknown_municipality")


# -- look-ups ----------------------------------------------------------------------------------------------------


def lookup() -> Response:
    """Return the answer object for `municipality`, `topic` and the date `on`, without a conversation."""
    directory = _directory()
    given = request.args
    facets = [facet for facet in given.get("facets", "where").split(",") if facet]
    if unknown := [facet for facet in facets if facet not in FACETS]:
        raise BadRequest(f"Facetten '{unknown[0][:40]}' kendes ikke. Brug: {', '.join(FACETS)}.", "facets")
    try:
        on = dt.date.fromisoformat(given["on"]) if "on" in given else None
    except ValueError as error:
        raise BadRequest("Skriv datoen som år-måned-dag, fx 2026-11-21.", "on") from error
    age = given.get("age")
    if age is not None and not re.fullmatch(r"\d{1,3}(\.5)?", age, re.ASCII):
        raise BadRequest("Skriv alderen som et tal, fx 17 eller 17.5.", "age")
    if "topic" not in given:
        raise BadRequest("Feltet topic mangler. Emnerne står på /api/v1/topics.", "topic")
    try:
        answer = find_answer(
            directory,
            given["topic"],
            given.get("municipality") or None,
            now=_now(),
            facets=facets,
            age=float(age) if age else None,
            on=on,
        )
    except UnknownTopic as error:
        near = f" Mente du {', '.join(error.near)}?" if error.near else " Emnerne står på /api/v1/topics."
        raise BadRequest(f"Emnet '{str(error)[:40]}' kendes ikke.{near}", "topic", "unknown_topic") from error
    except UnknownMunicipality as error:
        raise _unknown_municipality(error, directory) from error
    return jsonify({**answer.to_json(), "text": render(answer)})


def municipalities() -> Response:
    """Return the municipalities with code, name and region, by name."""
    rows = sorted(_directory().municipalities.values(), key=lambda row: row.name)
    return jsonify({"municipalities": [{"code": row.code, "name": row.name, "region": row.region} for row in rows]})


def topics() -> Response:
    """Return the topics with code, title, group and one sentence each."""
    rows = _directory().topics.values()
    return jsonify(
        {
            "topics": [
                {"topic": row.code, "title": row.title, "group": row.topic_group, "description": row.description}
                for row in rows
            ]
        }
    )


def health() -> tuple[Response, int]:
    """Return 200 when every part answers, else 503 with the failing parts named."""
    parts = {"rasa": "ok" if current_app.config["RASA"].is_up() else "down", "actions": "ok", "database": "ok"}
    try:
        url = current_app.config["ACTIONS_URL"].removesuffix("/webhook") + "/health"
        httpx.get(url, timeout=2).raise_for_status()
    except httpx.HTTPError:
        parts["actions"] = "down"
    knowledge: dict[str, Any] = {}
    try:
        shelf: Shelf = current_app.config["SHELF"]
        shelf.ping()
        directory = shelf.current()
        shown = [org for org in directory.organizations if org.contact_points]
        stale = sum(is_stale(org, _now().date()) for org in shown)
        knowledge = {
            "municipalities": len(directory.municipalities),
            "topics": len(directory.topics),
            "stale_share": round(stale / len(shown), 3) if shown else None,
        }
    except SQLAlchemyError:
        parts["database"] = "down"
    failing = [name for name, state in parts.items() if state != "ok"]
    status = "ok" if not failing else "failing: " + ", ".join(failing)
    return jsonify({"status": status, **parts, "knowledge": knowledge}), 503 if failing else 200


# -- pieces ------------------------------------------------------------------------------------------------------


def _now() -> dt.datetime:
    now: dt.datetime = current_app.config["CLOCK"]()
    return now


def _directory() -> Directory:
    shelf: Shelf = current_app.config["SHELF"]
    return shelf.current()


def _directory_or_none() -> Directory | None:
    try:
        return _directory()
    except SQLAlchemyError:
        return None


def _known_numbers(directory: Directory | None) -> frozenset[str]:
    return directory.phone_numbers if directory else frozenset()


def _error(code: str, message: str, status: int, field: str | None = None) -> tuple[Response, int]:
    error = {"code": code, "message": message} | ({"field": field} if field else {})
    return jsonify({"error": error}), status


def _bad_request(error: BadRequest) -> tuple[Response, int]:
    return _error(error.code, error.message, error.status, error.field)


def _http_error(error: HTTPException) -> tuple[Response, int]:
    said = {
        404: "Siden findes ikke.",
        405: "Den metode bruges ikke her.",
        413: f"Beskeden er for stor. Den må højst fylde {MAX_BODY} bytes.",
    }
    status = error.code or 500
    return _error(
        (error.name or "error").lower().replace(" ", "_"), said.get(status, "Det kunne ikke lade sig gøre."), status
    )


def _unexpected(error: Exception) -> tuple[Response, int]:
    """Log where it broke, never what was written, and leave the person with a number."""
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    where = f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else "?"
    current_app.logger.error("%s at %s", type(error).__name__, where)
    return _error("internal", "Noget gik galt hos os. Er nogen i fare, så ring 112. Ellers prøv igen om lidt.", 500)


def _secure(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response
