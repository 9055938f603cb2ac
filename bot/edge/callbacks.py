"""Asking for a human: offered beside an answer, asked for, looked at, withdrawn; and a chat a human has taken over.

Whoever asks is known by the conversation alone. What breaks here never silences the bot.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, NoReturn, TypeVar

from flask import Flask, Response, current_app, jsonify, request
from sqlalchemy.engine import Engine
from sqlalchemy.exc import SQLAlchemyError

from bot.answers.answer import wants_human
from bot.edge.breaker import Breaker
from bot.edge.context import directory as table
from bot.edge.context import directory_or_none, json_body, known_municipality, known_topic, now
from bot.edge.errors import BadRequest
from bot.edge.sessions import Session
from bot.edge.turn import Heard, asks_to_be_forgotten
from bot.handoff.promise import WISHES
from bot.handoff.requests import MAX_SUMMARY, Handoff, NotPossible, Wish, danish_number
from bot.handoff.said import calls, offer, standing
from bot.knowledge.directory import Directory
from bot.safety.crisis import is_crisis
from bot.safety.redact import redact
from bot.safety.text import tidy

MOST_LINES = 6
PAUSE_SECONDS = 5.0
T = TypeVar("T")
FARTHEST = dt.timedelta(days=60)  # no interval is shown so far from now


def register(app: Flask, engine: Engine) -> None:
    """Add the routes to the door; requests are kept in the database of the table."""
    app.config.update(HANDOFF=Handoff(engine), HANDOFF_BREAKER=Breaker(failures=1, pause_seconds=PAUSE_SECONDS))
    rate = app.config["SETTINGS"].callback_rate
    slowed = app.config["LIMITER"].limit(rate, override_defaults=False)(post_callback)
    app.add_url_rule("/api/v1/callbacks", view_func=slowed, methods=["POST"])
    app.add_url_rule("/api/v1/callbacks/<session>", view_func=get_callback)
    app.add_url_rule("/api/v1/callbacks/<session>", view_func=delete_callback, methods=["DELETE"])


# -- hooks of the conversation -----------------------------------------------------------------------------------


def passed_on(sender: str, heard: Heard) -> bool:
    """Give a message, redacted already, to the human who has taken over; False when the bot has the word.

    It has it for the wish to delete the conversation, which a human cannot grant.
    """
    if asks_to_be_forgotten(heard.text):
        return False

    def give() -> bool:
        taken = _handoff().taken_over(sender, now())
        return taken is not None and _handoff().say(taken.id, "person", heard.text, now(), heard.danger)

    return _unless_away(give) or False


def offer_human(sender: str, messages: list[dict[str, Any]]) -> None:
    """Put beside an answer that names people to talk to what the helpline itself can offer now."""
    directory = directory_or_none()
    wanting = [m["answer"] for m in messages if m["answer"] and wants_human(m["answer"])]
    if not wanting or directory is None:
        return
    calendar = directory.calendar
    can = _unless_away(lambda: (_handoff().promises(calendar, now(), sender), _handoff().somebody_is_there(now())))
    if can is None:
        return
    kept, chat = can
    for answer in wanting:
        offered = offer(answer, kept, chat, now())
        answer["callback"] = asdict(offered) if offered else None


def _unless_away(ask: Callable[[], T]) -> T | None:
    """Return what the requests say, None when they are away: then nobody else waits for them for some seconds."""
    breaker: Breaker = current_app.config["HANDOFF_BREAKER"]
    if not breaker.allows():
        return None
    try:
        said = ask()
    except SQLAlchemyError as error:
        breaker.failed()
        current_app.config["LOG"].warning("handoff away", why=type(error).__name__)
        return None
    breaker.succeeded()
    return said


def forget(sender: str) -> None:
    """Delete what a conversation asked of the helpline: "slet samtalen" means all of it."""
    _handoff().forget(sender)


# -- the routes --------------------------------------------------------------------------------------------------


def post_callback() -> tuple[Response, int]:
    """Put a request into the queue; sent again with the same conversation it changes the one that waits."""
    body = json_body()
    session = _session(body.get("session"))
    directory = table()
    summary, redacted = _summary(body, directory)
    wish = _wish(body, summary, directory)
    try:
        _handoff().place(session.sender, wish, directory.calendar, now())
    except NotPossible as error:
        more = {}
        if error.code == "no_wish":
            kept = _handoff().promises(directory.calendar, now(), session.sender)
            more["calls"] = [asdict(call) for call in calls(kept, now())]
        raise BadRequest(error.message, error.field, error.code, 409, more) from error
    return jsonify({**_state(session), "redacted": redacted}), 201


def get_callback(session: str) -> Response:
    """Return how it stands, and what a human wrote after the message `after`."""
    return jsonify(_state(_session(session), _after()))


def delete_callback(session: str) -> Response:
    """Withdraw the open request: number, summary and note are gone at once, what was said in a chat after a day."""
    known = _session(session)
    _handoff().withdraw(known.sender, now())
    return jsonify(_state(known))


def _state(session: Session, after: int = 0) -> dict[str, Any]:
    _handoff().taken_over(session.sender, now())  # who has gone gives the word back
    row = _handoff().of(session.sender)
    if row is None:
        return {"callback": None, "messages": []}
    written = _handoff().messages(row.id, after)
    return {
        "callback": standing(row, directory_or_none(), now()).to_json(),
        "messages": [{"id": m.id, "author": m.author, "text": m.text} for m in written],
    }


def _handoff() -> Handoff:
    found: Handoff = current_app.config["HANDOFF"]
    return found


def _session(given: Any) -> Session:
    session: Session | None = current_app.config["SESSIONS"].read(given) if given is not None else None
    if session is None:
        raise BadRequest("Vi kender ikke samtalen. Skriv først en besked i chatten.", "session", "unknown_session")
    return session


def _after() -> int:
    given = request.args.get("after", "0")
    if not (given.isascii() and given.isdigit() and len(given) <= 18):
        raise BadRequest("Feltet after skal være et tal: nummeret på den sidste besked.", "after")
    return int(given)


def _summary(body: dict[str, Any], directory: Directory) -> tuple[str, bool]:
    text = body.get("summary", "")
    if not isinstance(text, str):
        raise BadRequest("Feltet summary skal være tekst.", "summary")
    if len(text) > MAX_SUMMARY:
        raise BadRequest(f"Teksten er for lang. Skriv højst {MAX_SUMMARY} tegn.", "summary", "text_too_long")
    kept = [line for line in map(tidy, text.splitlines()) if line][:MOST_LINES]
    cleaned = [redact(line, directory.phone_numbers) for line in kept]
    return "\n".join(clean for clean, _ in cleaned), any(was for _, was in cleaned)


def _wish(body: dict[str, Any], summary: str, directory: Directory) -> Wish:
    kind, wish, number = body.get("kind", "call"), body.get("wish", "soonest"), body.get("number")
    if kind not in ("call", "chat"):
        raise BadRequest("Feltet kind skal være call eller chat.", "kind")
    if not isinstance(wish, str) or wish not in WISHES:
        raise BadRequest(f"Feltet wish skal være en af: {', '.join(WISHES)}.", "wish")
    topic = None if body.get("topic") is None else known_topic(body, directory)
    municipality = known_municipality(body, directory)
    digits = None
    if kind == "call":
        if not isinstance(number, str):
            raise BadRequest("Skriv et dansk telefonnummer med otte cifre, fx 20 12 34 56.", "number")
        try:
            digits = danish_number(number[:40])
        except NotPossible as error:
            raise BadRequest(error.message, error.field) from error
    in_danger = is_crisis(str(body.get("summary")))
    return Wish(kind, summary, digits, wish, topic, municipality, in_danger, _begins(body.get("begins")))


def _begins(given: Any) -> dt.datetime | None:
    if given is None:
        return None
    try:
        moment = dt.datetime.fromisoformat(given)
    except (TypeError, ValueError):
        return _not_shown()
    is_near = moment.tzinfo and abs(moment - now()) < FARTHEST
    return moment.astimezone(dt.timezone.utc) if is_near else _not_shown()


def _not_shown() -> NoReturn:
    raise BadRequest("Feltet begins skal være et af de tidspunkter, der blev vist (callback.calls).", "begins")
