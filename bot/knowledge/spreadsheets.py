"""A municipality's lines as a spreadsheet and back: CSV for one sheet, XLSX for all of them.

Each line carries its id and a mark of what it said when it was exported, so an import knows which line is meant and
whether somebody changed it since. An import is first compared: what would change, and every fault by its cell. Then
all of it is done, or nothing. A line that is left out stays as it is; one is taken away by writing `ja` under `slet`.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
import zipfile
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any

from openpyxl import Workbook, load_workbook
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from sqlalchemy import select
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from bot.knowledge import editing
from bot.knowledge import models as m
from bot.knowledge.editing import Edit
from bot.knowledge.labels import COLUMNS, SHEETS, WORDS, column_named, from_danish, to_danish
from bot.knowledge.models import Change
from bot.knowledge.sheets import LOCAL, defused, fused, split_csv

ID, MARK, DELETE = "id", "mærke", "slet"
CODES = "koder"
MAX_BYTES = 2_000_000
_MAX_UNPACKED = 10_000_000
_MAX_ROWS = 5_000
_MAX_CELL = 5_000


class BadFile(ValueError):
    """The file cannot be read as a spreadsheet of ours; says why and what to do."""


@dataclass(frozen=True)
class CellFault:
    """Something wrong in a file, by its cell."""

    sheet: str
    cell: str
    what: str
    instead: str = ""

    def __str__(self) -> str:
        place = f"Ark '{self.sheet}'" + (f", celle {self.cell}" if self.cell else "")
        remedy = f" {self.instead}" if self.instead else ""
        return f"{place}: {self.what}.{remedy}"


@dataclass
class Preview:
    """What an import would do: the history's rows it would write, or the faults that keep it from doing anything."""

    changes: list[Change]
    faults: list[CellFault]
    untouched: int


@dataclass(frozen=True)
class _Cells:
    """One line of a file: its number, and text and heading by position."""

    sheet: str
    number: int
    cells: dict[str, str]
    letters: dict[str, str]


# -- out ---------------------------------------------------------------------------------------------------------


def export_csv(engine: Engine, code: str, sheet: str, now: dt.datetime) -> bytes:
    """Return one sheet of a municipality as CSV with semicolons and a byte order mark, as Danish Excel opens it."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    writer.writerow(_headings(sheet))
    writer.writerows(_table(engine, code, sheet, now))
    return out.getvalue().encode("utf-8-sig")


def export_xlsx(engine: Engine, code: str, now: dt.datetime) -> bytes:
    """Return all sheets of a municipality as XLSX, with lists to choose from and a sheet of the codes."""
    book = Workbook()
    book.remove(book.active)
    for sheet, danish in SHEETS.items():
        page = book.create_sheet(danish)
        _fill(page, [_headings(sheet), *_table(engine, code, sheet, now)])
        _choices(page, sheet)
    _fill(book.create_sheet(CODES), _codes(engine))
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _headings(sheet: str) -> list[str]:
    return [*(COLUMNS[column] for column in LOCAL[sheet]), DELETE, ID, MARK]


def _table(engine: Engine, code: str, sheet: str, now: dt.datetime) -> list[list[str]]:
    lines = editing.own_lines(engine, code, now, sheet)
    return [
        [*(defused(to_danish(column, line.cells[column])) for column in LOCAL[sheet]), "", line.id, line.version]
        for line in lines
    ]


def _fill(page: Any, rows: Iterable[list[str]]) -> None:
    for number, row in enumerate(rows, 1):
        for column, text in enumerate(row, 1):
            cell = page.cell(number, column)
            cell.number_format = "@"  # text: no phone number becomes a sum, no date an American one
            cell.alignment = Alignment(vertical="top", wrap_text=len(text) > 40)
            if text:
                cell.value, cell.data_type = text, "s"
            if number == 1:
                cell.font, cell.fill = Font(bold=True), PatternFill("solid", fgColor="E8EEF4")
                page.column_dimensions[get_column_letter(column)].width = 14 if len(text) < 12 else 24
    page.freeze_panes = "A2"


def _choices(page: Any, sheet: str) -> None:
    for number, column in enumerate(LOCAL[sheet], 1):
        if column in WORDS:
            choice = DataValidation(type="list", formula1=f'"{",".join(WORDS[column].values())}"', allow_blank=True)
            choice.showErrorMessage = False  # our own preview explains better
            page.add_data_validation(choice)
            choice.add(f"{get_column_letter(number)}2:{get_column_letter(number)}{_MAX_ROWS}")


def _codes(engine: Engine) -> list[list[str]]:
    kinds = {"department_type": "art", "topic": "emne"}
    query = select(m.TaxonomyTerm).order_by(m.TaxonomyTerm.taxonomy, m.TaxonomyTerm.code)
    with Session(engine, future=True) as session:
        terms = session.execute(query).scalars().all()
    return [["kolonne", "kode", "navn"], *([kinds[term.taxonomy], term.code, defused(term.name)] for term in terms)]


# -- in ----------------------------------------------------------------------------------------------------------


def import_file(
    engine: Engine,
    code: str,
    name: str,
    content: bytes,
    *,
    who: str,
    source: str,
    now: dt.datetime,
    codes: Collection[str],
    dry: bool = False,
) -> Preview:
    """Compare a filled spreadsheet with a municipality's lines and, if nothing is wrong and not `dry`, apply it whole.

    Raises BadFile (no spreadsheet of ours) and NotYours. Anything else wrong is a fault in the result, and then nothing
    was changed.
    """
    if code not in codes:
        raise editing.NotYours(code)
    faults: list[CellFault] = []
    found = _read(name, content, faults)
    current = {line.id: line for line in editing.own_lines(engine, code, now)}
    edits: list[Edit] = []
    places: list[_Cells] = []
    seen: dict[str, _Cells] = {}
    for line in found:
        edit = _compare(line, current, seen, faults, lambda row_id: _last(engine, code, row_id))
        if edit:
            edits.append(edit)
            places.append(line)
    changes: list[Change] = []
    if edits:
        try:
            dry_run = dry or bool(faults)
            changes = editing.edit_all(engine, code, edits, who=who, source=source, now=now, codes=codes, dry=dry_run)
        except editing.BadEdit as bad:
            of_row = {edit.id or str(number): place for number, (edit, place) in enumerate(zip(edits, places))}
            faults += [_at_cell(fault, of_row, current) for fault in bad.faults]
        except editing.RowChanged as late:
            faults.append(CellFault(SHEETS[places[0].sheet], "", str(late).rstrip(".")))
    faults.sort(key=lambda fault: (list(SHEETS.values()).index(fault.sheet), _cell_order(fault.cell)))
    return Preview([] if faults else changes, faults, len(current.keys() - seen.keys()))


def _last(engine: Engine, code: str, row_id: str) -> str:
    """Return who changed a line last, and when; empty when it was no editor."""
    latest = editing.history(engine, {code}, row_id, 1)
    return f" af {latest[0].changed_by} {editing.said_at(latest[0].changed_at)}" if latest else ""


def _compare(
    line: _Cells,
    current: dict[str, editing.Line],
    seen: dict[str, _Cells],
    faults: list[CellFault],
    by_whom: Callable[[str], str],
) -> Edit | None:
    """Return what a line of the file asks for, or None when it asks for nothing or is wrong."""

    def fault(column: str, what: str, instead: str = "") -> None:
        faults.append(CellFault(SHEETS[line.sheet], f"{line.letters[column]}{line.number}", what, instead))

    row_id, delete = line.cells[ID], line.cells.get(DELETE, "").casefold()
    cells = {column: cell for column, cell in line.cells.items() if column in LOCAL[line.sheet]}
    if delete not in ("", "ja", "nej"):
        fault(DELETE, f"'{delete}' kendes ikke", "Skriv ja for at slette linjen, ellers ingenting.")
        return None
    if not row_id:
        return None if delete == "ja" else Edit(line.sheet, None, cells)
    if row_id in seen:
        fault(ID, f"samme id som linje {seen[row_id].number}", "Slet indholdet i id og mærke på den nye linje.")
        return None
    seen[row_id] = line
    now = current.get(row_id)
    if now is None or now.sheet != line.sheet:
        fault(ID, "linjen findes ikke mere hos jer", "Hent arket igen. Er linjen ny, så lad id og mærke stå tomme.")
        return None
    changed = {column: cell for column, cell in cells.items() if cell != now.cells[column]}
    asked = delete == "ja"
    if not asked and (not changed or editing.version_of(cells) == line.cells[MARK]):
        return None  # as it is in the table, or as it was exported: somebody else's change is not taken back
    if line.cells[MARK] != now.version:
        what = f"'{now.title}' er blevet ændret{by_whom(row_id)}, siden arket blev hentet"
        fault(ID, what, "Hent arket igen, og skriv ændringen i det nye.")
        return None
    return Edit(line.sheet, row_id, {} if asked else changed, asked, now.version)


def _at_cell(fault: editing.Fault, places: dict[str, _Cells], current: dict[str, editing.Line]) -> CellFault:
    place = places.get(fault.row or "")
    if place is None:  # a line that is not in the file, such as one that a new line is a copy of
        line = current[fault.row or ""]
        return CellFault(SHEETS[line.sheet], "", f"linjen '{line.title}': {fault}".rstrip("."))
    letter = place.letters.get(fault.column, "A")
    return CellFault(SHEETS[place.sheet], f"{letter}{place.number}", fault.what, fault.instead)


def _cell_order(cell: str) -> tuple[int, int, str]:
    match = re.fullmatch(r"([A-Z]+)(\d+)", cell)
    return (int(match[2]), len(match[1]), match[1]) if match else (0, 0, "")


def _read(name: str, content: bytes, faults: list[CellFault]) -> list[_Cells]:
    if len(content) > MAX_BYTES:
        raise BadFile("Filen er for stor. Den må højst fylde 2 MB.")
    if zipfile.is_zipfile(io.BytesIO(content)):
        pages = _read_xlsx(content, faults)
    elif name.lower().endswith((".xlsx", ".xls", ".ods")):
        raise BadFile("Filen kan ikke læses som regneark. Gem den som .xlsx eller som 'CSV UTF-8'.")
    else:
        pages = [_read_csv(content)]
    found = []
    for sheet, header, rows in pages:
        columns = [_column(sheet, heading) for heading in header]
        letters = {column: get_column_letter(n) for n, column in enumerate(columns, 1) if column}
        missing = [COLUMNS[column] for column in LOCAL[sheet] if column not in letters]
        missing += [needed for needed in (ID, MARK) if needed not in letters]
        if missing:
            what = f"kolonnen mangler: {', '.join(missing)}"
            faults.append(CellFault(SHEETS[sheet], "", what, "Hent arket igen, og ret i det."))
            continue
        twice = sorted({column for column in columns if column and columns.count(column) > 1})
        for n, (heading, column) in enumerate(zip(header, columns), 1):
            if heading and (column is None or column in twice):
                what = f"kolonnen '{heading}' " + ("kendes ikke" if column is None else "står der to gange")
                faults.append(CellFault(SHEETS[sheet], f"{get_column_letter(n)}1", what, "Slet den."))
        if twice:
            continue
        for number, cells in rows:
            if any(cells[len(columns) :]):
                place = f"{get_column_letter(len(columns) + 1)}{number}"
                what = "der står noget til højre for den sidste kolonne"
                faults.append(
                    CellFault(SHEETS[sheet], place, what, "Slet det. I CSV: sæt felter med ; i anførselstegn.")
                )
            line: dict[str, str] = {}
            for column, cell in zip(columns, cells):
                if column:
                    line[column] = from_danish(column, fused(cell)) if column in LOCAL[sheet] else cell
                    if len(cell) > _MAX_CELL:
                        place = f"{letters[column]}{number}"
                        faults.append(CellFault(SHEETS[sheet], place, "teksten er for lang", "Skriv den kortere."))
            full = dict.fromkeys(letters, "") | line
            if any(full.values()):
                found.append(_Cells(sheet, number, full, letters))
    return found


def _column(sheet: str, heading: str) -> str | None:
    own = heading.strip().casefold()
    return own if own in (ID, MARK, DELETE) else column_named(sheet, heading)


def _read_csv(content: bytes) -> tuple[str, list[str], list[tuple[int, list[str]]]]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadFile("Filen er ikke UTF-8. Gem den som 'CSV UTF-8', eller som .xlsx.") from error
    if "\0" in text:
        raise BadFile("Filen er ikke et regneark. Gem den som .xlsx eller som 'CSV UTF-8'.")
    try:
        header, rows = split_csv(text)
    except csv.Error as error:
        raise BadFile("Filen kan ikke læses som CSV. Gem den igen som 'CSV UTF-8', eller som .xlsx.") from error
    if len(rows) > _MAX_ROWS:
        raise BadFile(f"Arket har for mange linjer. Det må højst have {_MAX_ROWS}.")

    def fit(sheet: str) -> float:
        return len({column_named(sheet, heading) for heading in header} - {None}) / len(LOCAL[sheet])

    best = max(LOCAL, key=fit)
    if fit(best) < 0.5:
        raise BadFile("Det ligner ingen af jeres ark. Hent et ark her, og ret i det.")
    # Numbered as a spreadsheet shows them: one line each, although a cell may hold a line break.
    return best, header, [(number, cells) for number, (_, cells) in enumerate(rows, 2)]


def _read_xlsx(content: bytes, faults: list[CellFault]) -> list[tuple[str, list[str], list[tuple[int, list[str]]]]]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            if sum(part.file_size for part in packed.infolist()) > _MAX_UNPACKED:
                raise BadFile("Filen er for stor, når den pakkes ud. Slet tomme linjer og billeder.")
        book = load_workbook(io.BytesIO(content), data_only=False, keep_links=False)
    except (zipfile.BadZipFile, KeyError, ValueError, TypeError, OSError, SyntaxError) as error:
        if isinstance(error, BadFile):
            raise
        raise BadFile("Filen kan ikke læses som regneark. Gem den igen som .xlsx.") from error
    danish = {name: sheet for sheet, name in SHEETS.items()}
    pages = []
    for page in book.worksheets:
        name = page.title.strip().casefold()
        if name == CODES:
            continue
        if name not in danish:
            known = ", ".join(SHEETS.values())
            raise BadFile(f"Arket '{page.title}' kendes ikke. Kendte ark: {known}. Slet det, eller ret navnet.")
        if page.max_row > _MAX_ROWS + 1:
            raise BadFile(f"Arket '{page.title}' har for mange linjer. Det må højst have {_MAX_ROWS}.")
        rows = []
        for number, cells in enumerate(page.iter_rows(), 1):
            rows.append((number, [_text(cell, name, faults) for cell in cells]))
        if rows:
            pages.append((danish[name], rows[0][1], rows[1:]))
    if not pages:
        raise BadFile("Der er ingen af jeres ark i filen. Hent et ark her, og ret i det.")
    return pages


def _text(cell: Any, sheet: str, faults: list[CellFault]) -> str:
    """Return a cell as the text a person sees; a formula is a fault, because its result is not ours to compute."""
    value = cell.value
    if value is None:
        return ""
    if cell.data_type == "f":
        faults.append(CellFault(sheet, cell.coordinate, "der står en formel", "Skriv selve værdien."))
        return ""
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if value.time() == dt.time(0) else value.isoformat(" ", "minutes")
    if isinstance(value, (dt.date, dt.time)):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()
