"""Which part is up, said truly."""

from __future__ import annotations

import datetime as dt
from typing import Any

from flask import Response, current_app, jsonify
from sqlalchemy.exc import SQLAlchemyError

from bot.edge.context import directory, now
from bot.edge.rasa import Rasa
from bot.knowledge.directory import Directory, is_stale


def health() -> tuple[Response, int]:
    """Return 200 when every part answers, else 503 with the failing parts named."""
    rasa: Rasa = current_app.config["RASA"]
    parts = {
        "rasa": "ok" if rasa.is_up() else "down",
        "actions": "ok" if rasa.actions_are_up(2) else "down",
        "database": "ok",
    }
    knowledge: dict[str, Any] = {}
    try:
        current_app.config["SHELF"].ping()
        table = directory()
        knowledge = {
            "municipalities": len(table.municipalities),
            "topics": len(table.topics),
            "stale_share": stale_share(table, now()),
        }
    except SQLAlchemyError:
        parts["database"] = "down"
    failing = [name for name, state in parts.items() if state != "ok"]
    status = "ok" if not failing else "failing: " + ", ".join(failing)
    return jsonify({"status": status, **parts, "knowledge": knowledge}), 503 if failing else 200


def oldest_fact(table: Directory, moment: dt.datetime) -> int | None:
    """Return the age in days of the oldest dated department shown; most have no date at all (`stale_share`)."""
    dated = [org.as_of for org in table.organizations if org.contact_points and org.as_of]
    return (moment.date() - min(dated)).days if dated else None


def stale_share(table: Directory, moment: dt.datetime) -> float | None:
    """Return the share of departments with something to show whose facts are old."""
    shown = [org for org in table.organizations if org.contact_points]
    return round(sum(is_stale(org, moment.date()) for org in shown) / len(shown), 3) if shown else None
