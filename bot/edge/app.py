"""The one public door: the chat API of version 1.

Everything outward speaks JSON in Danish; Rasa is reached over loopback and never trusted to answer. What stands around
it has modules of its own: `settings`, `guard` (origins, headers), `limits`, `errors`, `log`, `metrics`, `health`,
`pages`, `feedback`.
"""

from __future__ import annotations

import datetime as dt
import os
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from flask import Flask, Response, current_app, jsonify
from werkzeug.middleware.proxy_fix import ProxyFix

from bot.answers.answer import Answer, iso
from bot.answers.conversation import Message, State, crisis_turn
from bot.answers.degraded import degraded_turn
from bot.edge import callbacks, errors, feedback, guard, limits, log, metrics, openapi, pages
from bot.edge.context import directory_or_none, json_body
from bot.edge.context import now as moment
from bot.edge.errors import MAX_BODY, BadRequest
from bot.edge.health import health
from bot.edge.lookups import lookup, municipalities, topics, unknown_municipality
from bot.edge.rasa import Rasa, RasaSilent
from bot.edge.sessions import Session, Sessions
from bot.edge.settings import Settings
from bot.knowledge.database import make_engine
from bot.knowledge.directory import Directory, Shelf, UnknownMunicipality
from bot.knowledge.hours import COPENHAGEN
from bot.knowledge.places import gazetteer
from bot.safety.conversations import Conversations
from bot.safety.crisis import is_crisis
from bot.safety.redact import redact, without_marks
from bot.safety.text import tidy

MAX_TEXT = 1000
REDACTED = "Jeg har taget private oplysninger ud af din besked. Jeg har ikke brug for dem."
WHAT_IS_IT_ABOUT = "Skriv gerne, hvad det handler om, uden navne og numre. Er nogen i fare, så ring 112."


def create_app(
    rasa_url: str | None = None,
    actions_url: str | None = None,
    database_url: str | None = None,
    clock: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.timezone.utc),
    secret: str | None = None,
    limited: bool = True,
    settings: Settings | None = None,
) -> Flask:
    """Return the door. Addresses default to VEJVISER_RASA_URL, VEJVISER_ACTIONS_URL and VEJVISER_DATABASE_URL.

    `limited=False` takes the rates away, for a test that writes faster than people do. Raises SettingsError.
    """
    settings = settings or Settings.read(secret=secret)
    app = Flask(__name__)
    engine = make_engine(database_url)
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    app.url_map.merge_slashes = False  # no redirects: what is not a page of ours is not found
    app.config.update(
        MAX_CONTENT_LENGTH=MAX_BODY,
        SETTINGS=settings,
        LOG=log.make_log(),
        SHELF=Shelf(engine),
        RASA=Rasa(
            rasa_url or os.environ.get("VEJVISER_RASA_URL", "http://127.0.0.1:5005"),
            actions_url or os.environ.get("VEJVISER_ACTIONS_URL", "http://127.0.0.1:5055/webhook"),
        ),
        CLOCK=clock,
        CONVERSATIONS=Conversations(),
        SESSIONS=Sessions(settings.secret),
    )
    if settings.proxies:
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=settings.proxies, x_proto=settings.proxies, x_host=settings.proxies
        )
    app.config["FIGURES"] = log.make_counts(engine, app.config["LOG"])
    log.register(app)
    guard.register(app, settings)
    errors.register(app)
    limiter = app.config["LIMITER"] = limits.make_limiter(app, settings, limited)
    pages.register(app)
    feedback.register(app, engine)
    callbacks.register(app, engine)
    app.add_url_rule(
        "/api/v1/messages", view_func=limits.per_session(limiter, settings.session_rate, post_message), methods=["POST"]
    )
    app.add_url_rule("/api/v1/sessions/<session>", view_func=delete_session, methods=["DELETE"])
    app.add_url_rule("/api/v1/municipalities", view_func=municipalities)
    app.add_url_rule("/api/v1/topics", view_func=topics)
    app.add_url_rule("/api/v1/lookup", view_func=lookup)
    app.add_url_rule("/api/v1/openapi.json", "openapi", openapi.page)
    app.add_url_rule("/api/v1/health", view_func=limiter.exempt(health))
    metrics.register(app)
    return app


# -- the conversation --------------------------------------------------------------------------------------------


def post_message() -> Response:
    """Take one message and give the reply of the chat API: always something useful once the request is well made."""
    body = json_body()
    session = _session(body.get("session"))
    text = _text(body)
    now = moment()
    directory = directory_or_none()
    municipality = _site_municipality(body.get("municipality"), directory)
    try:
        messages, session = _answer(session, text, municipality, directory, now)
    except Exception as error:  # whatever it is, somebody waits for a number
        current_app.config["LOG"].error("unexpected", error=type(error).__name__, where=errors.where(error))
        messages = [_speak(_last_resort(municipality, directory, now))]
    log.answered(session.sender, messages)
    return jsonify({"session": current_app.config["SESSIONS"].id_of(session), "messages": messages})


def _answer(
    session: Session, text: str, municipality: str | None, directory: Directory | None, now: dt.datetime
) -> tuple[list[dict[str, Any]], Session]:
    clean, redacted = redact(text, directory.phone_numbers if directory else frozenset())
    danger = is_crisis(text)  # before redaction, which must never be able to hide it
    with_human = callbacks.passed_on(session, clean, danger)
    if directory is not None and danger:
        place = gazetteer(directory).find(clean).concerned
        code = place.code if place else municipality
        messages = [_speak(crisis_turn(State(municipality=code), directory, now))]
    elif with_human:
        messages = []  # the bot is silent meanwhile
    elif redacted and not re.search(r"[^\W\d_]", without_marks(clean)):
        messages = [{"text": WHAT_IS_IT_ABOUT, "buttons": [], "answer": _small_talk(now)}]
    else:
        messages = _ask_rasa(session.sender, without_marks(clean), municipality, directory, now)
    callbacks.offer_human(session, messages)
    if redacted and not session.told:
        messages.insert(len(messages) if danger else 0, {"text": REDACTED, "buttons": [], "answer": None})
    return messages, replace(session, told=session.told or redacted)


def _last_resort(municipality: str | None, directory: Directory | None, now: dt.datetime) -> Message:
    """Return numbers to call without looking at the message again: it may be what broke."""
    try:
        return degraded_turn("", municipality, directory, now)
    except Exception:
        return degraded_turn("", None, None, now)


def _ask_rasa(
    sender: str, text: str, municipality: str | None, directory: Directory | None, now: dt.datetime
) -> list[dict[str, Any]]:
    try:
        replies = current_app.config["RASA"].say(sender, text, municipality, now)
    except RasaSilent as silence:
        current_app.config["LOG"].warning("rasa silent", why=str(silence))
        return [_speak(degraded_turn(text, municipality, directory, now))]
    if any(reply.forget for reply in replies):
        current_app.config["CONVERSATIONS"].forget(sender)
        callbacks.forget(sender)
    return [{"text": r.text, "buttons": r.buttons, "answer": r.answer or _small_talk(now)} for r in replies]


def _small_talk(now: dt.datetime) -> dict[str, Any]:
    return Answer(kind="smalltalk", as_of=iso(now, COPENHAGEN) or "").to_json()


def delete_session(session: str) -> tuple[Response, int]:
    """Delete everything that was kept of a conversation, at once."""
    sender = _session(session).sender
    current_app.config["CONVERSATIONS"].forget(sender)
    callbacks.forget(sender)
    return jsonify({"deleted": True}), 200


def _speak(message: Message) -> dict[str, Any]:
    return {"text": message.text, "buttons": message.buttons, "answer": message.answer.to_json()}


def _session(given: Any) -> Session:
    sessions: Sessions = current_app.config["SESSIONS"]
    session = sessions.new() if given is None else sessions.read(given)
    if session is None:
        raise BadRequest("Samtalen kendes ikke. Begynd en ny ved at sende session: null.", "session", "unknown_session")
    return session


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
    if directory is None:
        return None
    if code is None:
        site = guard.site_of_origin()
        return site if site in directory.municipalities else None
    if not isinstance(code, str):
        raise BadRequest('Kommunekoden skal være tekst med fire cifre, fx "0259".', "municipality")
    try:
        return directory.municipality(code).code
    except UnknownMunicipality as error:
        raise unknown_municipality(error, directory) from error
