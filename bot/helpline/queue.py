"""Those who wait for a human: the queue, one request, and a chat that one has taken over.

What a person wrote, and the number, are read on the page of one request only, and each reading leaves a trace.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from flask import Flask, abort, current_app, flash, jsonify, redirect, render_template, request, url_for

from bot.handoff.models import HandoffRequest
from bot.handoff.promise import WISHES, interval
from bot.handoff.requests import MAX_MESSAGE, TRIES, Handoff
from bot.handoff.said import is_late
from bot.helpline.access import add_to_menu, allowed
from bot.helpline.context import book, directory, me, now, trace
from bot.safety.text import tidy

TAKERS = ("volunteer", "coordinator")
GONE_HOME = "En, hvis konto er slettet,"
GONE = "Henvendelsen er der ikke mere. Den er trukket tilbage eller slettet."
# What one does with one's own request: the way, what it is called in the trace, and what is said.
STEPS: dict[str, tuple[str, Callable[[Handoff, str], bool], str]] = {
    "slip": ("release", lambda desk, key: _release(desk, key), "Henvendelsen ligger i køen igen."),
    "faerdig": ("done", lambda desk, key: desk.done(key, me().id, now()), "Henvendelsen er lukket."),
    "intet-svar": (
        "no_answer",
        lambda desk, key: desk.no_answer(key, me().id, directory().calendar, now()),
        "Noteret. Personen kan se, at I har prøvet.",
    ),
    "tilbage": ("hand_back", lambda desk, key: desk.hand_back(key, me().id, now()), "Chatbotten har ordet igen."),
    "genaabn": ("reopen", lambda desk, key: desk.reopen(key, me().id, now()), "Henvendelsen er din igen."),
}


def register(app: Flask) -> None:
    """Add the pages."""
    app.config["HANDOFF"] = Handoff(app.config["ENGINE"])
    app.jinja_env.globals.update(interval=interval, WISHES=WISHES, TRIES=TRIES)
    app.add_url_rule("/koe", "queue", queue)
    app.add_url_rule("/koe/nyt", "queue_news", queue_news)
    app.add_url_rule("/koe/<key>", "request_page", request_page)
    app.add_url_rule("/koe/<key>/tag", "claim", claim, methods=["POST"])
    app.add_url_rule("/koe/<key>/note", "note", note, methods=["POST"])
    app.add_url_rule("/koe/<key>/beskeder", "messages", messages)
    app.add_url_rule("/koe/<key>/beskeder", "write", write, methods=["POST"])
    for step in STEPS:
        app.add_url_rule(f"/koe/<key>/{step}", "act", act, methods=["POST"], defaults={"step": step})
    add_to_menu(app, "queue", "Køen")


@allowed(*TAKERS)
def queue() -> Any:
    """Show who waits, who is being helped by whom, and what one can still undo."""
    handoff().free_left(now())
    rows = handoff().queue()
    names = {staff.id: staff.name for staff in book().all()}
    return render_template(
        "koe.html",
        mine=[row for row in rows if row.claimed_by == me().id],
        waiting=[row for row in rows if row.state == "waiting"],
        others=[
            (r, names.get(r.claimed_by, GONE_HOME)) for r in rows if r.state == "claimed" and r.claimed_by != me().id
        ],
        may_free=me().has("coordinator"),
        is_late=is_late,
        undo=handoff().ended_by(me().id, now()),
        title_of=_title,
        place_of=_place,
        stamp=_stamp(rows),
        now=now(),
        desk=handoff().desk(),
    )


@allowed(*TAKERS, polls=True)
def queue_news() -> Any:
    """Return how many wait, and a stamp that changes when the queue does."""
    handoff().free_left(now())
    rows = handoff().queue()
    waiting = [row for row in rows if row.state == "waiting"]
    return jsonify({"waiting": len(waiting), "chats": sum(r.kind == "chat" for r in waiting), "stamp": _stamp(rows)})


@allowed(*TAKERS)
def request_page(key: str) -> Any:
    """Show one request: the number to who has taken it, the words also to who may want to, to others who has it."""
    row = _row(key)
    mine = row.claimed_by == me().id
    if mine or row.state == "waiting":
        trace("read", key)
    taker = book().get(row.claimed_by) if row.claimed_by else None
    same = handoff().to_number(row.number) if mine and row.number else []
    return render_template(
        "henvendelse.html",
        same=[other for other in same if other.id != row.id],
        row=row,
        mine=mine and row.state == "claimed",
        readable=mine or row.state == "waiting",
        taker=taker.name if taker else "",
        messages=handoff().messages(key) if mine else [],
        title_of=_title,
        place_of=_place,
        now=now(),
    )


@allowed(*TAKERS)
def claim(key: str) -> Any:
    """Take a request; who comes second is told who has it."""
    row = _row(key)
    if handoff().claim(key, me().id, now()):
        trace("claim", key)
        return redirect(url_for("request_page", key=key))
    row = _row(key)
    if row.claimed_by == me().id and row.state == "claimed":
        return redirect(url_for("request_page", key=key))
    taker = book().get(row.claimed_by) if row.claimed_by else None
    flash(f"{taker.name} var hurtigere og har taget henvendelsen." if taker and not row.ended_at else GONE, "error")
    return redirect(url_for("queue"))


@allowed(*TAKERS)
def act(key: str, step: str) -> Any:
    """Take one of `STEPS` with one's own request."""
    action, do, said = STEPS[step]
    _row(key)
    if do(handoff(), key):
        trace(action, key)
        flash(said)
    else:
        flash("Det kunne ikke lade sig gøre. Henvendelsen er ikke din længere, eller den er trukket tilbage.", "error")
    return redirect(url_for("request_page", key=key) if step == "genaabn" else url_for("queue"))


@allowed(*TAKERS)
def note(key: str) -> Any:
    """Keep a note with one's own request."""
    _row(key)
    if handoff().write_note(key, me().id, request.form.get("note", "").strip()):
        flash("Noten er gemt.")
    else:
        flash("Noten er ikke gemt. Henvendelsen er ikke din længere.", "error")
    return redirect(url_for("request_page", key=key))


@allowed(*TAKERS, polls=True)
def messages(key: str) -> Any:
    """Return what was written in one's own chat after a message."""
    row = _row(key)
    after = request.args.get("efter", "0")
    if row.claimed_by != me().id or not (after.isascii() and after.isdigit() and len(after) <= 18):
        abort(404)
    written = [
        {"id": m.id, "author": m.author, "text": m.text, "danger": m.danger}
        for m in handoff().messages(key, int(after))
    ]
    return jsonify({"messages": written, "state": row.state})


@allowed(*TAKERS)
def write(key: str) -> Any:
    """Write to the person in one's own chat."""
    row = _row(key)
    body = request.get_json()
    text = tidy(body["text"])[:MAX_MESSAGE] if isinstance(body, dict) and isinstance(body.get("text"), str) else ""
    if row.claimed_by != me().id or row.kind != "chat":
        abort(404)
    if not text:
        abort(400)
    return jsonify({"sent": handoff().say(key, "staff", text, now())})


def handoff() -> Handoff:
    """Return the requests."""
    found: Handoff = current_app.config["HANDOFF"]
    return found


def _row(key: str) -> HandoffRequest:
    row = handoff().get(key)
    if row is None:
        abort(404)
    return row


def _stamp(rows: list[HandoffRequest]) -> str:
    seen = [(row.id, row.state, row.promised_to.isoformat(), is_late(row, now())) for row in rows]
    return hashlib.sha256(repr(seen).encode()).hexdigest()[:16]  # the same in every process, which `hash` is not


def _release(desk: Handoff, key: str) -> bool:
    """Lay one's own request back, and as a coordinator also a call of somebody who has left."""
    return desk.release(key, me().id) or (me().has("coordinator") and desk.release_for(key))


def _title(row: HandoffRequest) -> str:
    topic = directory().topics.get(row.topic or "")
    return topic.title if topic else "Emnet står i teksten"


def _place(row: HandoffRequest) -> str:
    place = directory().municipalities.get(row.municipality_code or "")
    return place.name if place else ""
