"""The municipalities' lines as they live in the database: what the files brought, and what editors made of it.

The facts are made from these lines, so an editor's change goes through the same check as a file. A line nobody has
touched follows the files. A line an editor changed or confirmed stays hers, as a whole: she vouched for all of it on
that day. When the files come with something else for it, that is kept beside it as a conflict until she has looked.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Collection, Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.knowledge.models import SheetRow, stable_id
from bot.knowledge.sheets import LOCAL, SOURCED, Line, Problem

WHOLE = "row"  # in place of a column: the line itself came or went
_KEYS = {
    "municipality.csv": ("organization", ()),
    "departments.csv": ("organization", ("type", "name")),
    "units.csv": ("organization/unit", ("name",)),
    "processing_times.csv": ("processing_time", ("topic", "text")),
    "service_notes.csv": ("service_note", ("topic", "facet", "text")),
    "closing_days.csv": ("schedule_exception", ("month", "day", "date")),
}


def identify(code: str, sheets: dict[str, list[Line]]) -> None:
    """Give each line of a municipality's files its id: the same in every new table, whatever its source and date."""
    for name, lines in sheets.items():
        for key, twins in _twins(name, lines).items():
            for number, line in enumerate(twins, 1):
                line.id = _id(code, name, key, number)


def _recognise(local: dict[str, dict[str, list[Line]]], rows: Iterable[SheetRow]) -> bool:
    """Give the lines of the files the ids they have in the table. Returns whether some differ from `identify`'s.

    Lines of one name are told apart by what the files said of each the last time: by order alone the second would
    inherit the first one's id when that one leaves, and with it what an editor made of it.
    """
    known: dict[tuple[str, str, tuple[str, ...]], dict[str, dict[str, str]]] = defaultdict(dict)
    for row in rows:
        if row.shipped is not None:
            known[row.municipality_code, row.sheet, _key(row.sheet, row.shipped)][row.id] = row.shipped
    differ = False
    for code, sheets in local.items():
        for name, lines in sheets.items():
            for key, twins in _twins(name, lines).items():
                before = known[code, name, key]
                pairs = [(_alike(line.cells, cells), line, id) for line in twins for id, cells in before.items()]
                ids: dict[int, str] = {}
                for _, line, id in sorted(pairs, key=lambda pair: -pair[0]):
                    if line.line not in ids and id not in ids.values():
                        ids[line.line] = id
                fresh = (id for number in itertools.count(1) if (id := _id(code, name, key, number)) not in before)
                for line in twins:
                    differ |= line.id != (found := ids.get(line.line) or next(fresh))
                    line.id = found
    return differ


def _twins(sheet: str, lines: Iterable[Line]) -> dict[tuple[str, ...], list[Line]]:
    found: dict[tuple[str, ...], list[Line]] = defaultdict(list)
    for line in lines:
        found[_key(sheet, line.cells)].append(line)
    return found


def _key(sheet: str, cells: dict[str, str]) -> tuple[str, ...]:
    return tuple(cells.get(column, "") for column in _KEYS[sheet][1])


def _id(code: str, sheet: str, key: tuple[str, ...], number: int) -> str:
    return stable_id(_KEYS[sheet][0], code, *key, *([number] if number > 1 else []))


def _alike(cells: dict[str, str], others: dict[str, str]) -> int:
    return sum(cell == others.get(column) for column, cell in cells.items())


def merge(session: Session, local: dict[str, dict[str, list[Line]]]) -> bool:
    """Bring the lines of the files in. Returns whether the table's differ: a line is an editor's, or has another id."""
    known = {row.id: row for row in session.execute(select(SheetRow).order_by(SheetRow.position)).scalars()}
    differ = _recognise(local, known.values())
    for code, sheets in local.items():
        for name, lines in sheets.items():
            for position, line in enumerate(lines):
                row = known.pop(line.id, None)
                if row is None:
                    row = SheetRow(id=line.id, municipality_code=code, sheet=name, cells=line.cells, removed=False)
                    session.add(row)
                elif row.edited:
                    differ = True
                    row.incoming = _differences(row, line.cells)
                else:
                    row.cells = line.cells
                row.position, row.shipped, row.fault = position, line.cells, None
    for row in known.values():
        if not row.edited:
            session.delete(row)
            continue
        differ = True
        row.fault = None
        if row.shipped is not None:
            row.shipped, row.incoming = None, None if row.removed else {WHOLE: ""}
    session.flush()
    return differ


def _differences(row: SheetRow, cells: dict[str, str]) -> dict[str, str] | None:
    """Return what the files now say of an editor's line, where they say something new that she does not."""
    before, waiting = row.shipped or {}, row.incoming or {}
    new = {
        column: cell
        for column, cell in cells.items()
        if cell != row.cells.get(column) and (column in waiting or cell != before.get(column))
    }
    return new if new.keys() - SOURCED.keys() else None  # another date or source for the same facts is no conflict


def lines(session: Session, code: str | None = None) -> dict[str, dict[str, list[Line]]]:
    """Return the lines the facts are made from, of one municipality or all, by code and sheet."""
    query = select(SheetRow).order_by(SheetRow.municipality_code, SheetRow.position)
    if code is not None:
        query = query.where(SheetRow.municipality_code == code)
    found: dict[str, dict[str, list[Line]]] = {}
    for row in session.execute(query).scalars():
        sheets = found.setdefault(row.municipality_code, {name: [] for name in LOCAL})
        cells = row.shipped if row.fault else None if row.removed else row.cells
        if cells is not None:
            into = sheets[row.sheet]
            into.append(Line(f"{row.municipality_code}/{row.sheet}", len(into) + 2, cells, row.id))
    return found


def set_aside(session: Session, problems: Iterable[Problem]) -> None:
    """Mark the editors' lines that these problems point at: the files' own lines hold until somebody has looked.

    Where two lines do not go together it is the editor's that waits, whichever of them comes first.
    """
    every = [line for sheets in lines(session).values() for found in sheets.values() for line in found]
    at = {(line.file, line.line): line.id for line in every}
    for problem in problems:
        named = filter(None, ((problem.file, problem.line), problem.beside))
        rows = (session.get(SheetRow, at.get(place, "")) for place in named)
        if (row := next((row for row in rows if row is not None and row.edited), None)) is not None:
            row.fault = _fault(problem)
    session.flush()


def set_aside_place(session: Session, problems: Iterable[Problem]) -> None:
    """Mark all that editors made of the municipalities in which these problems are.

    For what no line of an editor is named in: the files came to need a line that she has taken away.
    """
    first = {problem.file.partition("/")[0]: problem for problem in reversed(list(problems))}
    for row in session.execute(select(SheetRow).where(SheetRow.municipality_code.in_(list(first)))).scalars():
        if row.edited and not row.fault:
            row.fault = _fault(first[row.municipality_code])
    session.flush()


def _fault(problem: Problem) -> str:
    return f"{problem.column}: {problem.what}. {problem.instead}".strip()


def conflicts(session: Session, codes: Collection[str] | None = None) -> list[SheetRow]:
    """Return the editors' lines that the files contradict, or that no longer fit; `codes` limits the municipalities."""
    rows = session.execute(select(SheetRow).order_by(SheetRow.municipality_code, SheetRow.position)).scalars()
    return [row for row in rows if (row.incoming or row.fault) and (codes is None or row.municipality_code in codes)]
