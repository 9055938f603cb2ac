"""When what runs by itself last succeeded, kept in the database: the one that asks is another process.

A sweep that has stopped is seen by nobody until conversations are too old; a backup, until it is needed.
"""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Callable

from sqlalchemy import insert, select, update
from sqlalchemy.engine import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from bot.knowledge.models import Heartbeat

SWEEPS = ("conversations", "requests")
SMS = ("jobs", "sms")  # the worker lives; what it keeps of SMS was swept
BACKUP = "backup"


def beat(engine: Engine, name: str, now: dt.datetime) -> None:
    """Write down that something succeeded. That it cannot be written is never a reason to fail."""
    moment = now.astimezone(dt.timezone.utc).replace(tzinfo=None)
    # Written before anything is read: SQLite then waits for another that writes, where it would refuse a reader.
    change = update(Heartbeat).where(Heartbeat.name == name).values(at=moment)
    with contextlib.suppress(SQLAlchemyError), Session(engine, future=True) as session:
        if not session.execute(change.execution_options(synchronize_session=False)).rowcount:
            session.execute(insert(Heartbeat).values(name=name, at=moment))
        session.commit()


def beating(engine: Engine, name: str) -> Callable[[], None]:
    """Return what writes down, by the machine's clock, that something succeeded."""
    return lambda: beat(engine, name, dt.datetime.now(dt.timezone.utc))


def beats(engine: Engine) -> dict[str, dt.datetime]:
    """Return when each last succeeded, UTC; what never did is not there. Raises SQLAlchemyError."""
    with Session(engine, future=True) as session:
        rows = session.execute(select(Heartbeat)).scalars()
        return {row.name: row.at.replace(tzinfo=dt.timezone.utc) for row in rows}
