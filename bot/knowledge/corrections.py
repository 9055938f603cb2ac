"""What relatives and staff say is wrong, on the line and the column it is about, until an editor has decided."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, or_, select
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from bot.knowledge import editing
from bot.knowledge.hours import COPENHAGEN
from bot.knowledge.models import Change, CorrectionReport, Organization, SheetRow

COLUMNS = {
    "name": ("name", "full_name"),
    "phone": ("phone", "main_phone"),
    "hours": ("phone_hours",),
    "address": ("address", "town_hall_address"),
}
FIELDS = {
    "name": "navnet",
    "phone": "telefonnummeret",
    "hours": "åbningstiderne",
    "address": "adressen",
    "other": "noget andet",
    "how_to_apply": "hvordan man søger",
    "legal_basis": "loven",
}
STAFF = "staff"
# The line a report is about; one on a municipality without departments is about its own line.
_ABOUT = or_(
    and_(CorrectionReport.table_name != "municipality", SheetRow.id == CorrectionReport.record_id),
    and_(
        CorrectionReport.table_name == "municipality",
        SheetRow.municipality_code == CorrectionReport.record_id,
        SheetRow.sheet == editing.ONE_LINE,
    ),
)


class Resolved(Exception):
    """Somebody has decided about the report already."""


@dataclass(frozen=True)
class Correction:
    """One open report. `line` is the editor's line it is about, None for what only the shipped files decide."""

    id: int
    field: str
    column: str | None
    message: str
    by_staff: bool
    reported_at: dt.datetime
    line: editing.Line | None
    table: str
    record: str

    @property
    def about(self) -> str:
        """Return in Danish what is said to be wrong."""
        return FIELDS.get(self.field, self.field)


def report(engine: Engine, row_id: str, field: str, message: str, *, now: dt.datetime) -> int:
    """Keep what somebody of the staff says is wrong with an organization; returns the report's id. Raises NoRow.

    The message must hold no personal data; `field` is one of FIELDS.
    """
    with Session(engine, future=True) as session, session.begin():
        if session.get(Organization, row_id) is None:
            raise editing.NoRow(row_id)
        kept = CorrectionReport(
            table_name="organization",
            record_id=row_id,
            field=field,
            message=message,
            reported_by=STAFF,
            reported_at=now.astimezone(COPENHAGEN).replace(tzinfo=None),
        )
        session.add(kept)
        session.flush()
        return int(kept.id)


def open_corrections(engine: Engine, codes: Collection[str], now: dt.datetime) -> list[Correction]:
    """Return the open reports on the lines of these municipalities, oldest first."""
    return _open(engine, now, SheetRow.municipality_code.in_(list(codes)))


def for_nobody(engine: Engine, now: dt.datetime) -> list[Correction]:
    """Return the open reports on what no editor keeps: regional and national offices, topics, the law."""
    return _open(engine, now, SheetRow.id.is_(None))


def accept(
    engine: Engine,
    correction: int,
    column: str,
    value: str,
    *,
    who: str,
    source: str,
    now: dt.datetime,
    codes: Collection[str],
) -> list[Change]:
    """Make the change a report asks for and close it; returns the history's rows.

    Raises NoRow, Resolved, and as `editing.change`; then the report stays open.
    """
    line = _line(engine, correction, now)
    if line is None:
        raise editing.NoRow(str(correction))
    changes = editing.change(engine, line.id, {column: value}, who=who, source=source, now=now, codes=codes)
    _close(engine, correction, True, None, who, now)
    return changes


def close(
    engine: Engine, correction: int, *, accepted: bool, reason: str, who: str, now: dt.datetime, codes: Collection[str]
) -> None:
    """Close a report without changing its line here: turned down, or put right elsewhere. Says why.

    What no editor keeps may be closed by whoever looks after all municipalities. Raises NoRow, NotYours, Resolved, and
    BadEdit without a reason.
    """
    line = _line(engine, correction, now)
    if line is not None and line.municipality not in codes:
        raise editing.NotYours(line.municipality)
    if not reason.strip():
        raise editing.BadEdit([editing.Fault(None, "reason", "mangler", "Skriv kort, hvorfor.")])
    _close(engine, correction, accepted, reason.strip(), who, now)


def _open(engine: Engine, now: dt.datetime, which: Any) -> list[Correction]:
    query = (
        select(CorrectionReport, SheetRow)
        .outerjoin(SheetRow, _ABOUT)
        .where(CorrectionReport.resolved.is_(False), which)
        .order_by(CorrectionReport.id)
    )
    with Session(engine, future=True) as session:
        return [_seen(one, row, now) for one, row in session.execute(query)]


def _seen(one: CorrectionReport, row: SheetRow | None, now: dt.datetime) -> Correction:
    columns = COLUMNS.get(one.field, ())
    return Correction(
        id=one.id,
        field=one.field,
        column=next((column for column in columns if row is not None and column in row.cells), None),
        message=one.message,
        by_staff=one.reported_by == STAFF,
        reported_at=one.reported_at,
        line=editing.line_of(row, now) if row is not None else None,
        table=one.table_name,
        record=one.record_id,
    )


def _row(session: Session, one: CorrectionReport) -> SheetRow | None:
    about = select(SheetRow).join(CorrectionReport, _ABOUT).where(CorrectionReport.id == one.id)
    return session.execute(about).scalar_one_or_none()


def _line(engine: Engine, correction: int, now: dt.datetime) -> editing.Line | None:
    with Session(engine, future=True) as session:
        one = session.get(CorrectionReport, correction)
        if one is None:
            raise editing.NoRow(str(correction))
        if one.resolved:
            raise Resolved(f"Rettelsen er afgjort af {one.resolved_by} {editing.said_at(one.resolved_at)}.")
        row = _row(session, one)
        return editing.line_of(row, now) if row is not None else None


def _close(engine: Engine, correction: int, accepted: bool, reason: str | None, who: str, now: dt.datetime) -> None:
    with Session(engine, future=True) as session, session.begin():
        one = session.get(CorrectionReport, correction)
        one.resolved, one.accepted, one.reason = True, accepted, reason
        one.resolved_by, one.resolved_at = who, now.astimezone(dt.timezone.utc).replace(tzinfo=None)
