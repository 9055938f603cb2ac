"""What an editor does to her own lines: change, confirm, add, take away, undo. Spoken a second later.

Every step is one transaction: the table's edition is counted up first, so two editors wait for each other; then the
lines are changed, checked like a file with everything beside them, written to the tables of facts, and the history
gets a row per field. If anything is wrong nothing is changed.

Whoever changes a fact vouches for the whole line on that day: one date and one list of sources hold for a line.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from sqlalchemy import func, select
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from bot.knowledge.directory import is_old
from bot.knowledge.hours import COPENHAGEN, danish_hours
from bot.knowledge.labels import COLUMNS, HOURS, LOCKED, SHEETS, UNSPOKEN, WORDS, title, to_danish
from bot.knowledge.load import check_municipality, next_version, replace_municipality
from bot.knowledge.models import Change, Municipality, SheetRow
from bot.knowledge.rows import WHOLE, lines
from bot.knowledge.sheets import LOCAL, SOURCED, BadCell, Problem, as_of, sources

ONE_LINE = "municipality.csv"


class NoRow(LookupError):
    """No line has that id."""


class NotYours(PermissionError):
    """The line belongs to a municipality the editor does not look after."""


@dataclass(frozen=True)
class Fault:
    """Something wrong with a line, for the form or the sheet it came from."""

    row: str | None
    column: str
    what: str
    instead: str = ""

    def __str__(self) -> str:
        named = COLUMNS.get(self.column, self.column)
        said = f"{named}: {self.what}" if named else self.what
        return f"{said}. {self.instead}".strip()


class BadEdit(ValueError):
    """The lines would not be right. `faults` says what and what to write instead; nothing was changed."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__(" ".join(map(str, faults)))
        self.faults = list(faults)


class RowChanged(Exception):
    """Somebody else changed the line in the meantime; nothing was changed. `changes` are theirs, newest first."""

    def __init__(self, named: str, changes: Sequence[Change]) -> None:
        who = f" af {changes[0].changed_by} {said_at(changes[0].changed_at)}" if changes else ""
        super().__init__(f"'{named}' er blevet ændret{who}. Hent linjen igen, og ret den nye.")
        self.changes = list(changes)


@dataclass(frozen=True)
class Edit:
    """What is to become of one line: new text in some columns, or the line taken away. `id` None: a new line."""

    sheet: str
    id: str | None
    cells: Mapping[str, str] = field(default_factory=dict)
    remove: bool = False
    version: str | None = None


@dataclass(frozen=True)
class Line:
    """A line as an editor sees it. `link` is the page to look at; `hidden`: a citizen never sees it."""

    id: str
    municipality: str
    sheet: str
    title: str
    cells: dict[str, str]
    version: str
    stale: bool
    hidden: bool
    link: str | None
    edited: bool
    conflict: bool
    removed: bool


def said_at(utc: dt.datetime) -> str:
    """Return a moment of the history (UTC) as local Danish text."""
    return f"{utc.replace(tzinfo=dt.timezone.utc).astimezone(COPENHAGEN):%d.%m.%Y kl. %H.%M}"


def version_of(cells: Mapping[str, str]) -> str:
    """Return a short mark that differs when a line does. It begins with v, so that a spreadsheet sees no number."""
    return "v" + hashlib.sha256(json.dumps(dict(sorted(cells.items()))).encode()).hexdigest()[:10]


def own_lines(engine: Engine, code: str, now: dt.datetime, sheet: str | None = None) -> list[Line]:
    """Return the lines of a municipality; what is stale comes first, undated before all, then the oldest."""
    with Session(engine, future=True) as session:
        rows = [row for row in _rows(session, code) if not row.removed and sheet in (None, row.sheet)]
        found = [(line_of(row, now), _date(row.cells)) for row in rows]
    found.sort(key=lambda pair: (not pair[0].stale, (pair[1] or dt.date.min) if pair[0].stale else dt.date.min))
    return [line for line, _ in found]


def stale(engine: Engine, code: str, now: dt.datetime) -> list[Line]:
    """Return the lines of a municipality that are over two years old or undated, oldest first."""
    return [line for line in own_lines(engine, code, now) if line.stale]


def line_of(row: SheetRow, now: dt.datetime) -> Line:
    """Return a row of the database as an editor sees it."""
    links = (url for url, _title in sources(row.cells["sources"]) if url)
    return Line(
        id=row.id,
        municipality=row.municipality_code,
        sheet=row.sheet,
        title=title(row.sheet, row.cells),
        cells=dict(row.cells),
        version=version_of(row.cells),
        stale=is_old(_date(row.cells), now.astimezone(COPENHAGEN).date()),
        hidden=row.cells["confidence"] == "low",
        link=next(links, None),
        edited=row.edited,
        conflict=bool(row.incoming or row.fault),
        removed=row.removed,
    )


def get_line(engine: Engine, row_id: str, codes: Collection[str], now: dt.datetime) -> Line:
    """Return one line. Raises NoRow and NotYours."""
    with Session(engine, future=True) as session:
        return line_of(_own(session, row_id, codes), now)


def change(
    engine: Engine,
    row_id: str,
    cells: Mapping[str, str],
    *,
    who: str,
    source: str,
    now: dt.datetime,
    codes: Collection[str],
    version: str | None = None,
) -> list[Change]:
    """Write new text into some columns of one line, as seen today and known from `source`; returns the history's rows.

    `codes` are the municipalities the editor looks after, `version` the mark of the line she saw.
    Raises NoRow, NotYours, RowChanged and BadEdit.
    """
    with Session(engine, future=True) as session:
        row = _own(session, row_id, codes)
    edit = Edit(row.sheet, row_id, cells, version=version)
    return edit_all(engine, row.municipality_code, [edit], who=who, source=source, now=now, codes=codes)


def confirm(
    engine: Engine, row_id: str, *, who: str, now: dt.datetime, codes: Collection[str], version: str | None = None
) -> list[Change]:
    """Say that a line still is right: its date becomes today's and it is shown; its sources stay.

    `version` is the mark of the line she saw: nobody vouches for a number that came after. Raises as `change`.
    """
    with Session(engine, future=True) as session:
        row = _own(session, row_id, codes)
        renewed = _vouched(session, row, now, "")
    source = renewed["sources"]
    return change(engine, row_id, renewed, who=who, source=source, now=now, codes=codes, version=version)


def add(
    engine: Engine,
    code: str,
    sheet: str,
    cells: Mapping[str, str],
    *,
    who: str,
    source: str,
    now: dt.datetime,
    codes: Collection[str],
) -> list[Change]:
    """Add a line. Raises NotYours and BadEdit."""
    return edit_all(engine, code, [Edit(sheet, None, cells)], who=who, source=source, now=now, codes=codes)


def remove(
    engine: Engine,
    row_id: str,
    *,
    who: str,
    source: str,
    now: dt.datetime,
    codes: Collection[str],
    version: str | None = None,
) -> list[Change]:
    """Take a line away; it can be brought back with `undo`. `version` is as for `change`. Raises as `change`."""
    with Session(engine, future=True) as session:
        row = _own(session, row_id, codes)
    edit = Edit(row.sheet, row_id, remove=True, version=version)
    return edit_all(engine, row.municipality_code, [edit], who=who, source=source, now=now, codes=codes)


def edit_all(
    engine: Engine,
    code: str,
    edits: Sequence[Edit],
    *,
    who: str,
    source: str,
    now: dt.datetime,
    codes: Collection[str],
    dry: bool = False,
) -> list[Change]:
    """Do all of it to one municipality or, if anything is wrong, nothing. Returns the history's rows, also when `dry`.

    Raises NotYours, NoRow, RowChanged and BadEdit (whose faults have the edit's number as `row` where the line is new).
    """
    if code not in codes:
        raise NotYours(code)
    with _transaction(engine, dry) as session:
        work = _Work(session, code, who, source, now)
        for number, edit in enumerate(edits):
            work.do(edit, number)
        work.finish()
        session.flush()
        session.expunge_all()
        return work.changes


def undo(engine: Engine, batch: str, *, who: str, now: dt.datetime, codes: Collection[str]) -> list[Change]:
    """Put everything back that was saved together. Raises NoRow, NotYours, RowChanged (changed since) and BadEdit."""
    with _transaction(engine) as session:
        done = session.execute(select(Change).where(Change.batch == batch).order_by(Change.id)).scalars().all()
        if not done:
            raise NoRow(batch)
        code = done[0].municipality_code
        if code not in codes:
            raise NotYours(code)
        work = _Work(session, code, who, "", now)
        for one in done:
            work.put_back(one)
        work.finish()
        session.flush()
        session.expunge_all()
        return work.changes


def settle(
    engine: Engine, row_id: str, theirs: bool, *, who: str, now: dt.datetime, codes: Collection[str]
) -> list[Change]:
    """End a conflict with the files: take what they say (`theirs`), or keep the line as it is. Raises as `change`."""
    with _transaction(engine) as session:
        row = _own(session, row_id, codes)
        work = _Work(session, row.municipality_code, who, "de leverede filer", now)
        if theirs:
            work.follow_files(row)
        row.incoming = None
        if not row.edited:
            row.fault = None
        work.finish()
        session.flush()
        session.expunge_all()
        return work.changes


def history(engine: Engine, codes: Collection[str], row_id: str | None = None, limit: int = 200) -> list[Change]:
    """Return the newest changes of some municipalities, or of one line of theirs, newest first."""
    query = select(Change).where(Change.municipality_code.in_(list(codes))).order_by(Change.id.desc()).limit(limit)
    if row_id is not None:
        query = query.where(Change.record_id == row_id)
    with Session(engine, future=True) as session:
        return list(session.execute(query).scalars())


@contextmanager
def _transaction(engine: Engine, dry: bool = False) -> Iterator[Session]:
    """One writer at a time: counting the edition up takes the lock before anything is read."""
    with Session(engine, future=True, expire_on_commit=False) as session:
        next_version(session)
        yield session
        if not dry:
            session.commit()


def _own(session: Session, row_id: str, codes: Collection[str]) -> SheetRow:
    row = session.get(SheetRow, row_id)
    if row is None:
        raise NoRow(row_id)
    if row.municipality_code not in codes:
        raise NotYours(row.municipality_code)
    return row


def _rows(session: Session, code: str) -> list[SheetRow]:
    query = select(SheetRow).where(SheetRow.municipality_code == code).order_by(SheetRow.position)
    rows = session.execute(query).scalars().all()
    return sorted(rows, key=lambda row: list(SHEETS).index(row.sheet))


def _date(cells: Mapping[str, str]) -> dt.date | None:
    try:
        return as_of(cells["as_of"]).date
    except BadCell:
        return None


def _vouched(session: Session, row: SheetRow, now: dt.datetime, source: str) -> dict[str, str]:
    """Return the evidence of a line an editor has looked at today."""
    kept = source or row.cells.get("sources") or _own_word(session, row.municipality_code)
    return {"sources": kept, "as_of": now.astimezone(COPENHAGEN).date().isoformat(), "confidence": "high"}


def _own_word(session: Session, code: str) -> str:
    name = session.execute(select(Municipality.full_name).where(Municipality.code == code)).scalar_one()
    return f"Oplyst af {name}"


class _Work:
    """The edits of one transaction."""

    def __init__(self, session: Session, code: str, who: str, source: str, now: dt.datetime) -> None:
        self.session, self.code, self.who, self.source, self.now = session, code, who[:80], source.strip(), now
        self.batch = str(uuid.uuid4())
        self.changes: list[Change] = []
        self.faults: list[Fault] = []
        self.new: dict[str, int] = {}

    def do(self, edit: Edit, number: int) -> None:
        """Do one edit; what is wrong with it is kept for the end, so that all faults are told at once."""
        if edit.id is None:
            self._add(edit, number)
            return
        row = _own(self.session, edit.id, {self.code})
        if row.removed or (edit.version and edit.version != version_of(row.cells)):
            raise RowChanged(title(row.sheet, row.cells), self._changes_of(row.id))
        if edit.remove:
            if row.sheet == ONE_LINE:
                self.faults.append(Fault(row.id, "", "kommunens egen linje kan ikke slettes"))
                return
            row.removed = True
            self._note(row, WHOLE, title(row.sheet, row.cells), None)
            return
        changed = self._clean(row.id, row.sheet, edit.cells, row.cells)
        if any(column not in (*SOURCED, *UNSPOKEN) for column in changed):
            changed = {**_vouched(self.session, row, self.now, self.source), **changed}
        self._write(row, {**row.cells, **changed})

    def _add(self, edit: Edit, number: int) -> None:
        if edit.sheet == ONE_LINE:
            self.faults.append(Fault(str(number), "", "kommunen har kun én linje"))
            return
        row = SheetRow(
            id=str(uuid.uuid4()), municipality_code=self.code, sheet=edit.sheet, cells={}, removed=False, position=0
        )
        last = self.session.execute(select(func.max(SheetRow.position)).where(SheetRow.shipped.is_(None))).scalar_one()
        row.position = max(last or 0, 10_000) + 1  # after the lines of the files
        empty = dict.fromkeys(LOCAL[edit.sheet], "")
        cells = self._clean(str(number), edit.sheet, edit.cells, empty)
        given = {column: cell for column, cell in cells.items() if cell}
        row.cells = {**empty, **_vouched(self.session, row, self.now, self.source), **given}
        self.new[row.id] = number
        self.session.add(row)
        self.session.flush()
        self._note(row, WHOLE, None, title(edit.sheet, row.cells))

    def put_back(self, one: Change) -> None:
        """Undo one row of the history."""
        row = _own(self.session, one.record_id, {self.code})
        if one.field == WHOLE:
            if row.removed == (one.after is not None) or self._is_newer(one):
                raise RowChanged(title(row.sheet, row.cells), self._changes_of(row.id))
            row.removed = one.after is not None
            self._note(row, WHOLE, one.after, one.before)
        elif (row.cells.get(one.field) or None) != one.after or row.removed:
            raise RowChanged(title(row.sheet, row.cells), self._changes_of(row.id))
        else:
            self._write(row, {**row.cells, one.field: one.before or ""})

    def _is_newer(self, one: Change) -> bool:
        """Return whether something was saved on the line after what `one` was saved with."""
        later = (Change.record_id == one.record_id, Change.id > one.id)
        others = select(Change.id).where(*later, Change.batch.not_in((one.batch, self.batch)))
        return self.session.execute(others.limit(1)).first() is not None

    def follow_files(self, row: SheetRow) -> None:
        """Make an editor's line the files' line again."""
        if row.shipped is None:
            row.removed = True
            self._note(row, WHOLE, title(row.sheet, row.cells), None)
        else:
            if row.removed:
                row.removed = False
                self._note(row, WHOLE, None, title(row.sheet, row.cells))
            self._write(row, dict(row.shipped))

    def finish(self) -> None:
        """Check the municipality's lines as they now are, and make the facts from them. Raises BadEdit."""
        self.session.flush()
        sheets = lines(self.session, self.code)[self.code]
        checked = check_municipality(self.session, self.code, sheets, self.now.astimezone(COPENHAGEN).date())
        at = {(line.file, line.line): line.id for rows in sheets.values() for line in rows}
        self.faults += [self._fault(problem, at) for problem in checked.problems]
        if self.faults:
            raise BadEdit(self.faults)
        replace_municipality(self.session, self.code, checked)

    def _fault(self, problem: Problem, at: Mapping[tuple[str, int], str | None]) -> Fault:
        row = at.get((problem.file, problem.line))
        if row in self.new:
            row = str(self.new[row])
        what, instead = problem.what, problem.instead
        if problem.column in HOURS:
            what, instead = danish_hours(what), danish_hours(instead)
        elif problem.column in WORDS and "Skriv en af" in instead:
            instead = f"Skriv en af: {', '.join(WORDS[problem.column].values())}."
        return Fault(row, problem.column, what, instead)

    def _clean(self, where: str, sheet: str, given: Mapping[str, str], before: Mapping[str, str]) -> dict[str, str]:
        """Return the columns that get another text; one that may not be changed here is a fault."""
        changed = {}
        for column, cell in given.items():
            if column not in LOCAL[sheet]:
                self.faults.append(Fault(where, column, "kolonnen kendes ikke"))
            elif (clean := cell.strip()) != before.get(column, ""):
                if column in LOCKED.get(sheet, ()):
                    named = f"Skriv igen: {before[column]}" if before.get(column) else "Lad feltet stå tomt."
                    self.faults.append(Fault(where, column, "kan ikke rettes her", named))
                changed[column] = clean
        return changed

    def _write(self, row: SheetRow, cells: dict[str, str]) -> None:
        for column, cell in cells.items():
            if cell != (old := row.cells.get(column, "")):
                self._note(row, column, old or None, cell or None)
        row.cells, row.fault = cells, None

    def _note(self, row: SheetRow, column: str, before: str | None, after: str | None) -> None:
        note = Change(
            batch=self.batch,
            municipality_code=self.code,
            table_name=row.sheet,
            record_id=row.id,
            field=column,
            before=before,
            after=after,
            source=self.source or None,
            changed_by=self.who,
            changed_at=self.now.astimezone(dt.timezone.utc).replace(tzinfo=None),
        )
        self.changes.append(note)
        self.session.add(note)

    def _changes_of(self, row_id: str) -> list[Change]:
        query = select(Change).where(Change.record_id == row_id).order_by(Change.id.desc())
        return list(self.session.execute(query).scalars())


def said(change: Change) -> str:
    """Return one row of the history as a Danish sentence."""
    if change.field == WHOLE:
        return f"linjen tilføjet: {change.after}" if change.after else f"linjen slettet: {change.before}"
    before, after = (to_danish(change.field, cell) if cell else "(tomt)" for cell in (change.before, change.after))
    return f"{COLUMNS.get(change.field, change.field)}: {before} → {after}"
