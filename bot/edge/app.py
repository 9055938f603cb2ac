"""The one public door: the chat API of version 1.

Everything outward speaks JSON in Danish; Rasa is reached over loopback and never trusted to answer. What stands around
it has modules of its own: `settings`, `guard` (origins, headers), `limits`, `errors`, `log`, `metrics`, `health`,
`lookups`, `pages`, `openapi`, `feedback`, `callbacks`, `sms`. A message itself is answered in `turn`.
"""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from flask import Flask, Response, current_app, jsonify
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.middleware.proxy_fix import ProxyFix

from bot.edge import callbacks, errors, feedback, guard, limits, log, metrics, openapi, pages
from bot.edge.context import directory_or_none, json_body
from bot.edge.context import now as moment
from bot.edge.errors import MAX_BODY, BadRequest
from bot.edge.health import health
from bot.edge.lookups import lookup, municipalities, topics, unknown_municipality
from bot.edge.rasa import Rasa
from bot.edge.sessions import Session, Sessions
from bot.edge.settings import Settings
from bot.edge.sms import webhook
from bot.edge.sms.settings import SmsSettings
from bot.edge.turn import MAX_TEXT, Desk
from bot.knowledge.database import make_engine
from bot.knowledge.directory import Directory, Shelf, UnknownMunicipality
from bot.safety.conversations import Conversations
from bot.safety.text import tidy

NOT_FORGOTTEN = (
    "Noget gik galt hos os, og jeg nåede ikke at slette det hele. Skriv »slet samtalen« igen om lidt. "
    "Skriver du ikke mere, bliver samtalen slettet af sig selv efter et døgn, og et ønske om at blive ringet op senest "
    "14 dage efter det lovede tidspunkt. Er nogen i fare, så ring 112."
)


def create_app(
    rasa_url: str | None = None,
    actions_url: str | None = None,
    database_url: str | None = None,
    clock: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.timezone.utc),
    secret: str | None = None,
    limited: bool = True,
    settings: Settings | None = None,
    sms: SmsSettings | None = None,
) -> Flask:
    """Return the door. Addresses default to VEJVISER_RASA_URL, VEJVISER_ACTIONS_URL and VEJVISER_DATABASE_URL.

    `limited=False` takes the rates away, for a test that writes faster than people do. Raises SettingsError.
    """
    settings = settings or Settings.read(secret=secret)
    sms = sms or SmsSettings.read()
    app = Flask(__name__)
    engine = make_engine(database_url)
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    app.url_map.merge_slashes = False  # no redirects: what is not a page of ours is not found
    app.config.update(
        MAX_CONTENT_LENGTH=MAX_BODY,
        SETTINGS=settings,
        ENGINE=engine,
        LOG=log.make_log(),
        SHELF=Shelf(engine),
        RASA=Rasa.of_environment(rasa_url, actions_url),
        CLOCK=clock,
        CONVERSATIONS=Conversations(),
        SESSIONS=Sessions(settings.secret),
    )
    app.config["DESK"] = Desk(app.config["RASA"], app.config["LOG"])
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
    webhook.register(app, engine, limiter, sms)
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
    directory = directory_or_none()
    municipality = _site_municipality(body.get("municipality"), directory)
    desk: Desk = current_app.config["DESK"]
    sender = session.sender
    said = desk.answer(sender, text, municipality, directory, moment(), session.told, human=callbacks.passed_on)
    callbacks.offer_human(sender, said.messages)
    messages = said.messages
    if said.to_forget and not _forgotten(sender):
        messages = [{**message, "text": NOT_FORGOTTEN} for message in messages[:1]]
    log.answered(sender, messages, guard.channel(), said.cause)
    session = replace(session, told=said.told)
    return jsonify({"session": current_app.config["SESSIONS"].id_of(session), "messages": messages})


def delete_session(session: str) -> tuple[Response, int]:
    """Delete everything that was kept of a conversation, at once. Raises BadRequest when that cannot be done now."""
    sender = _session(session).sender
    with contextlib.suppress(SQLAlchemyError):  # a code that stays opens a conversation that is gone, for some hours
        current_app.config["SMS_STORE"].forget_codes(sender)
    if not _forgotten(sender):
        raise BadRequest(NOT_FORGOTTEN, code="not_forgotten", status=503)
    return jsonify({"deleted": True}), 200


def _forgotten(sender: str) -> bool:
    """Delete what was said and what was asked of the helpline, as far as it goes; return whether all of it is gone: it
    is not when a database is away or has no room.
    """
    done = True
    for forget in (current_app.config["CONVERSATIONS"].forget, callbacks.forget):
        try:
            forget(sender)
        except SQLAlchemyError as error:
            current_app.config["LOG"].error("not forgotten", why=type(error).__name__)
            done = False
    return done


def _session(given: Any) -> Session:
    sessions: Sessions = current_app.config["SESSIONS"]
    session = sessions.new() if given is None else sessions.read(given)
    if session is None:
        raise BadRequest(
            "Vi kender ikke samtalen. Begynd en ny ved at sende session: null.", "session", "unknown_session"
        )
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
