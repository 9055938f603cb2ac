"""Finding the right department while the caller talks."""

from __future__ import annotations

import secrets
from typing import Any

from flask import Flask, abort, current_app, flash, jsonify, redirect, render_template, request, url_for

from bot.answers.conversation import CRISIS_LINES
from bot.answers.find import find_answer, helpline
from bot.answers.search import Found, index
from bot.answers.text import age_of, helpline_line, law_line, phone_state, render, say_aloud, week_text
from bot.edge.pages import GROUPS
from bot.edge.rasa import RasaSilent
from bot.edge.sms.outbox import NotSent, Outbox
from bot.helpline.access import EVERYBODY, add_to_menu, allowed
from bot.helpline.context import directory, now, trace
from bot.knowledge.directory import Directory, UnknownTopic
from bot.knowledge.models import FACETS
from bot.knowledge.places import near_names
from bot.safety.conversations import Conversations
from bot.safety.crisis import is_crisis
from bot.safety.redact import redact, without_marks
from bot.safety.text import tidy

LONGEST_QUERY = 300


def register(app: Flask) -> None:
    """Add the page, its two questions, and the SMS where something can send one."""
    app.jinja_env.filters.update(week=week_text, age=age_of, line=helpline_line)
    app.jinja_env.globals.update(phone_state=phone_state, law_line=law_line)
    app.add_url_rule("/opslag", "lookup", lookup)
    app.add_url_rule("/opslag/soeg", "search", search, methods=["POST"])
    app.add_url_rule("/opslag/forstaa", "understand", understand, methods=["POST"])
    if app.config["OUTBOX"]:
        app.add_url_rule("/opslag/sms", "lookup_sms", lookup_sms, methods=["POST"])
    app.config["CONVERSATIONS"] = Conversations()
    add_to_menu(app, "lookup", "Opslag")


@allowed(*EVERYBODY)
def lookup() -> Any:
    """Show the field, and the card of a topic in one municipality or in two side by side."""
    table = directory()
    topic = request.args.get("emne") or None
    places, unknown = [], []
    for name in ("kommune", "ogsaa"):
        given = tidy(request.args.get(name, ""))[:60]
        code = municipality_of(given, table) if given else None
        places.append(code)
        if given and code is None:
            unknown.append((given, near_names(table, given)))
    cards = []
    if topic is not None:
        try:
            cards = [_card(table, topic, code) for code in dict.fromkeys(code for code in places if code)]
            cards = cards or [_card(table, topic, None)]
        except UnknownTopic:
            abort(404)
    return render_template(
        "opslag.html",
        topic=topic,
        names=[table.municipalities[code].name if code else "" for code in places],
        unknown=unknown,
        cards=cards,
        groups=_groups(table) if topic is None else [],
        municipalities=sorted(row.name for row in table.municipalities.values()),
        can_sms=bool(current_app.config["OUTBOX"]),
    )


@allowed(*EVERYBODY)
def search() -> Any:
    """Return what the words typed so far find, from memory."""
    text, place = _asked()
    return jsonify(_found(index(directory()).find(text, place), place))


@allowed(*EVERYBODY)
def understand() -> Any:
    """Return what the assistant understands of a whole sentence; nothing of it is kept."""
    text, place = _asked()
    table = directory()
    clean, _ = redact(text, table.phone_numbers)
    said = without_marks(clean)
    lines = [helpline(table, key, now()) for key in CRISIS_LINES] if is_crisis(text) else []
    answer: dict[str, Any] = {"hits": [], "danger": [helpline_line(line) for line in lines if line], "silent": False}
    sender = f"helpline-{secrets.token_urlsafe(12)}"
    try:
        replies = current_app.config["RASA"].say(sender, said, place, now()) if said else []
    except RasaSilent:
        return jsonify({**answer, "silent": True})
    finally:
        current_app.config["CONVERSATIONS"].forget(sender)
    codes: dict[str, None] = {}
    for reply in replies:
        understood = reply.answer or {}
        codes |= dict.fromkeys(filter(None, [understood.get("topic")]))
        codes |= dict.fromkeys(one["topic"] for one in understood.get("candidates") or [])
        place = (understood.get("municipality") or {}).get("code") or place
    hits = [{"title": table.topics[code].title, "why": "", "topic": code} for code in codes if code in table.topics]
    return jsonify({**answer, "hits": hits, **_place(table, place)})


@allowed("volunteer", "coordinator")
def lookup_sms() -> Any:
    """Send the card to the caller's phone, if the caller said yes."""
    table = directory()
    topic, code = request.form.get("emne", ""), request.form.get("kommune") or None
    back = redirect(url_for("lookup", emne=topic, kommune=code))
    if topic not in table.topics or (code and code not in table.municipalities):
        abort(404)
    if request.form.get("samtykke") != "ja":
        flash("Spørg, om det er i orden at sende en sms, og sæt kryds.", "error")
        return back
    outbox: Outbox = current_app.config["OUTBOX"]
    try:
        outbox.send(request.form.get("nummer", ""), find_answer(table, topic, code, now=now()), table, now())
    except NotSent as error:
        flash(error.message, "error")
        return back
    trace("sms", f"{topic}/{code or ''}")
    flash("Sms'en er på vej. Nummeret slettes efter et døgn.")
    return back


def municipality_of(given: str, table: Directory) -> str | None:
    """Return the code of a municipality named by code, name, town, or the beginning of only one name; else None."""
    if given in table.municipalities:
        return given
    if place := index(table).places.find(given, alone=True).concerned:
        return place.code
    begins = [row.code for row in table.municipalities.values() if row.name.casefold().startswith(given.casefold())]
    return begins[0] if len(begins) == 1 else None


def _asked() -> tuple[str, str | None]:
    body = request.get_json()
    if not isinstance(body, dict):
        abort(400)
    text, place = body.get("q"), body.get("kommune")
    if not isinstance(text, str) or not isinstance(place, str | None):
        abort(400)
    return tidy(text)[:LONGEST_QUERY], municipality_of(tidy(place or "")[:60], directory()) if place else None


def _found(found: Found, place: str | None) -> dict[str, Any]:
    table = directory()
    hits = [{"title": hit.title, "why": hit.why, "topic": hit.topic, "explained": hit.explained} for hit in found.hits]
    return {"hits": hits, "today": found.today, **_place(table, found.municipality or place)}


def _place(table: Directory, code: str | None) -> dict[str, Any]:
    return {"municipality": {"code": code, "name": table.municipalities[code].name} if code else None}


def _card(table: Directory, topic: str, code: str | None) -> dict[str, Any]:
    answer = find_answer(table, topic, code, now=now(), facets=FACETS)
    return {"answer": answer, "aloud": say_aloud(answer), "text": render(answer)}


def _groups(table: Directory) -> list[tuple[str, list[Any]]]:
    groups: dict[str, list[Any]] = {}
    for row in table.topics.values():
        groups.setdefault(row.topic_group, []).append(row)
    return [(title, groups[name]) for name, title in GROUPS.items() if name in groups]
