"""What Rasa keeps of conversations: read for learning, deleted when the person says so, gone after a day.

Rasa's SQL tracker store owns the table; this only reads and deletes. Texts in it were redacted before Rasa saw them.
SQLite overwrites what is deleted (`secure_delete`); PostgreSQL does not at once: see docs/databases.md.
"""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import column, delete, inspect, select, table
from sqlalchemy.engine import Engine

from bot.knowledge.database import make_engine
from bot.knowledge.load import ROOT

_EVENTS = table("events", column("id"), column("sender_id"), column("type_name"), column("timestamp"), column("data"))


def conversations_url() -> str:
    """Return the address of Rasa's tracker store: VEJVISER_CONVERSATIONS, a path or an address, else a file in var/."""
    return _url(os.environ.get("VEJVISER_CONVERSATIONS") or ROOT / "var" / "conversations.db")


def _url(place: str | Path) -> str:
    return str(place) if "://" in str(place) else f"sqlite:///{place}"


class Conversations:
    """The events of all conversations."""

    def __init__(self, place: str | Path | None = None) -> None:
        """Open the store at a path or an address, by default where Rasa keeps it. It need not exist yet."""
        self._engine: Engine = make_engine(_url(place) if place else conversations_url())

    def messages(self) -> Iterator[dict[str, Any]]:
        """Yield what persons wrote, oldest first, as Rasa parsed it (`text`, `intent`, `topic_ranking` ...)."""
        if not self._exists():
            return
        wanted = select(_EVENTS.c.data).where(_EVENTS.c.type_name == "user").order_by(_EVENTS.c.id)
        with self._engine.connect() as connection:
            for (data,) in connection.execute(wanted):
                yield json.loads(data).get("parse_data") or {}

    def forget(self, sender: str) -> None:
        """Delete everything of one conversation."""
        self._delete(_EVENTS.c.sender_id == sender)

    def forget_older(self, now: dt.datetime, hours: float) -> None:
        """Delete every conversation in which nothing was said for so many hours before `now`."""
        limit = now.timestamp() - hours * 3600
        living = select(_EVENTS.c.sender_id).where(_EVENTS.c.timestamp >= limit)
        self._delete(_EVENTS.c.sender_id.not_in(living))

    def _delete(self, which: Any) -> None:
        if self._exists():
            with self._engine.begin() as connection:
                connection.execute(delete(_EVENTS).where(which))

    def _exists(self) -> bool:
        return bool(inspect(self._engine).has_table("events"))
