"""What the templates need to speak Danish: moments, numbers, names of roles and states."""

from __future__ import annotations

import datetime as dt

from babel.dates import format_date, format_datetime
from flask import Flask

from bot.answers.find import spaced
from bot.answers.text import host_of, when
from bot.edge.pages import linked
from bot.helpline.context import now
from bot.knowledge.hours import COPENHAGEN

ROLES = {
    "volunteer": "Frivillig",
    "editor": "Redaktør",
    "coordinator": "Koordinator",
    "administrator": "Administrator",
}
ACTIONS = {
    "login": "Loggede ind",
    "login_failed": "Forkert adgangskode",
    "logout": "Loggede ud",
    "password": "Skiftede adgangskode",
    "read": "Læste en henvendelse",
    "claim": "Tog en henvendelse",
    "release": "Lagde en henvendelse tilbage",
    "done": "Lukkede en henvendelse",
    "no_answer": "Ringede uden svar",
    "hand_back": "Gav ordet tilbage til chatbotten",
    "reopen": "Fortrød en lukning",
    "desk": "Ændrede åbningstiden",
    "sms": "Sendte et opslag som sms",
    "user_add": "Oprettede konto",
    "user_change": "Ændrede konto",
    "user_password": "Gav ny adgangskode",
}


def register(app: Flask) -> None:
    """Give the templates their words."""
    app.jinja_env.filters.update(linked=linked, spaced=spaced, host=host_of, soon=soon, moment=moment, month=month)
    app.jinja_env.globals.update(ROLES=ROLES, ACTIONS=ACTIONS)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True


def soon(at: dt.datetime) -> str:
    """Return a moment near today for people: `i dag kl. 13`."""
    return when(at.isoformat(), now().isoformat())


def month(first: dt.date) -> str:
    """Return a month for people: `november 2026`."""
    return format_date(first, "MMMM yyyy", locale="da")


def moment(at: dt.datetime | None) -> str:
    """Return a moment of the past for people: `21. nov. kl. 10.05`."""
    return format_datetime(at, "d. MMM 'kl.' HH.mm", tzinfo=COPENHAGEN, locale="da") if at else ""
