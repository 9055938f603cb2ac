"""The whole table in memory, indexed by the questions asked of it.

A few thousand rows are read once (half a second) and kept as detached model objects. A look-up then costs
microseconds, and goes on working when the database is away. `current` reads the table anew when its version
changes, so an edit is spoken about a second later.
"""

from __future__ import annotations

import datetime as dt
import difflib
import re
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

from sqlalchemy import select
from sqlalchemy.engine import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, selectinload

from bot.knowledge import models as m
from bot.knowledge.database import snapshot
from bot.knowledge.hours import Calendar

STALE_AFTER_MONTHS = 24


class UnknownMunicipality(LookupError):
    """No municipality has that code. `near` holds the names that resemble it."""

    def __init__(self, code: str, near: list[str]) -> None:
        super().__init__(code)
        self.near = near


class UnknownTopic(LookupError):
    """No topic has that code. `near` holds the codes that resemble it."""

    def __init__(self, code: str, near: list[str]) -> None:
        super().__init__(code)
        self.near = near


class Directory:
    """One reading of the table. Only facts a citizen may see are indexed; `low` ones stay in the database."""

    def __init__(self, session: Session) -> None:
        def rows(model: type, *options: Any) -> list[Any]:
            return list(session.execute(select(model).options(*options)).scalars())

        def shown(model: Any, *options: Any) -> list[Any]:
            return [row for row in rows(model, selectinload(model.sources), *options) if row.shown]  # type: ignore[attr-defined]

        phones = selectinload(m.Organization.contact_points).selectinload(m.ContactPoint.schedules)
        doors = selectinload(m.Organization.locations)
        self.municipalities: dict[str, m.Municipality] = {
            row.code: row
            for row in rows(
                m.Municipality,
                selectinload(m.Municipality.aliases),
                selectinload(m.Municipality.service_areas),
            )
        }
        self.topics: dict[str, m.Topic] = {
            row.code: row for row in rows(m.Topic, selectinload(m.Topic.term), selectinload(m.Topic.documents))
        }
        self.words: list[m.TopicWord] = rows(m.TopicWord)
        self.department_types: dict[str, m.DepartmentType] = {
            row.code: row
            for row in rows(
                m.DepartmentType, selectinload(m.DepartmentType.term), selectinload(m.DepartmentType.sources)
            )
        }
        self.organizations: list[m.Organization] = shown(
            m.Organization,
            phones,
            doors.selectinload(m.Location.schedules),
            doors.selectinload(m.Location.addresses),
            selectinload(m.Organization.services),
            selectinload(m.Organization.parent),
        )
        self.roots = {
            row.municipality_code: row for row in self.organizations if row.municipality_code and not row.parent_id
        }
        self.handlers = _group(
            ((org.municipality_code, service.topic), org) for org in self.organizations for service in org.services
        )
        self.by_type = _group(
            ((org.municipality_code or org.region, org.department_type), org)
            for org in self.organizations
            if org.department_type
        )
        self.law = _group(
            (row.topic, row)
            for row in sorted(shown(m.LegalBasis, selectinload(m.LegalBasis.replaces)), key=lambda row: row.position)
        )
        self.processing_times = _group(((row.municipality_code, row.topic), row) for row in shown(m.ProcessingTime))
        self.notes = _group(((row.municipality_code, row.topic), row) for row in shown(m.ServiceNote))
        self.helplines: dict[str, m.Helpline] = {
            row.id: row
            for row in shown(m.Helpline, selectinload(m.Helpline.contact_points).selectinload(m.ContactPoint.schedules))
        }
        self.age_rules = _group((row.topic, row) for row in rows(m.AgeRule))
        self.situation_rules = _group(
            (row.topic, row) for row in sorted(rows(m.SituationRule), key=lambda row: row.position)
        )
        self.glossary: list[m.GlossaryTerm] = shown(m.GlossaryTerm)
        callable_at: list[Any] = [*self.organizations, *self.helplines.values()]
        self.phone_numbers = frozenset(point.value for owner in callable_at for point in owner.contact_points)
        exceptions = shown(m.ScheduleException)
        # A municipality's own day goes before the day of all municipalities.
        self.calendar = Calendar(sorted(exceptions, key=lambda row: row.municipality_code is None))
        session.expunge_all()

    @classmethod
    def read(cls, engine: Engine) -> Directory:
        """Read the table. Raises SQLAlchemyError when the database is away."""
        with snapshot(engine) as connection, Session(connection, future=True) as session:
            return cls(session)

    def municipality(self, code: str) -> m.Municipality:
        """Return the municipality with that four-digit code, or raise UnknownMunicipality with near names."""
        if found := self.municipalities.get(code):
            return found
        near = [row.name for row in self.municipalities.values() if row.name.casefold().startswith(code.casefold()[:3])]
        if re.fullmatch("[0-9]{1,9}", code):
            by_distance = sorted(self.municipalities.values(), key=lambda row: abs(int(row.code) - int(code)))
            near = [f"{row.name} ({row.code})" for row in by_distance]
        raise UnknownMunicipality(code, near[:3])

    def topic(self, code: str) -> m.Topic:
        """Return the topic with that code, or raise UnknownTopic with near codes."""
        if found := self.topics.get(code):
            return found
        raise UnknownTopic(code, difflib.get_close_matches(code, list(self.topics), 3))


def is_stale(fact: m.Sourced, today: dt.date) -> bool:
    """Return whether a contact fact is older than two years, or of unknown age."""
    return is_old(fact.as_of, today)


def is_old(date: dt.date | None, today: dt.date) -> bool:
    """Return whether a date is more than two years ago, or unknown."""
    if date is None:
        return True
    return (today.year - date.year) * 12 + today.month - date.month > STALE_AFTER_MONTHS


def _group(pairs: Iterable[tuple[Any, Any]]) -> dict[Any, list[Any]]:
    grouped: dict[Any, list[Any]] = defaultdict(list)
    for key, value in pairs:
        grouped[key].append(value)
    return dict(grouped)


class Shelf:
    """Keeps the latest reading of a table, and looks at most once a second whether there is a newer one."""

    def __init__(self, engine: Engine, clock: Callable[[], float] = time.monotonic) -> None:
        self._engine = engine
        self._clock = clock
        self._lock = threading.Lock()
        self._directory: Directory | None = None
        self._version: tuple[str, int] | None = None
        self._looked = 0.0

    def current(self) -> Directory:
        """Return the directory of the table as it is now; the last one read when the database is away.

        Raises SQLAlchemyError when the table could never be read.
        """
        if self._directory is None or self._clock() - self._looked >= 1:
            # Whoever has a table to read from does not wait for the one who looks: the database may be slow to fail.
            if self._lock.acquire(blocking=self._directory is None):
                try:
                    self._refresh()
                finally:
                    self._lock.release()
        assert self._directory is not None
        return self._directory

    def ping(self) -> None:
        """Raise SQLAlchemyError when the database does not answer."""
        with Session(self._engine, future=True) as session:
            session.execute(select(m.TableVersion.id)).first()

    def _refresh(self) -> None:
        self._looked = self._clock()
        try:
            with Session(self._engine, future=True) as session:
                found = session.execute(select(m.TableVersion.fingerprint, m.TableVersion.edition)).one_or_none()
            version = (found.fingerprint, found.edition) if found else None
            if self._directory is None or version != self._version:
                self._directory, self._version = Directory.read(self._engine), version
        except SQLAlchemyError:
            if self._directory is None:
                raise
