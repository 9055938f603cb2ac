"""What every view of the console needs."""

from __future__ import annotations

from flask import current_app
from flask_login import current_user
from sqlalchemy.engine import Engine

from bot.edge.context import directory, now
from bot.helpline.staff import Person, StaffBook

__all__ = ["book", "directory", "engine", "me", "now", "trace"]


def book() -> StaffBook:
    """Return the accounts."""
    found: StaffBook = current_app.config["STAFF"]
    return found


def engine() -> Engine:
    """Return the database."""
    found: Engine = current_app.config["ENGINE"]
    return found


def me() -> Person:
    """Return who is logged in, in a view that needs that."""
    person: Person = current_user._get_current_object()
    return person


def trace(action: str, about: str) -> None:
    """Write to the audit what the person who is logged in does."""
    book().note(me(), action, about, now())
