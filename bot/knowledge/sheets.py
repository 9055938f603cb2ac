"""The CSV files an editor keeps: which columns they have, what may stand in a cell, and clear words when it does not.

Read by `load`. A file may be separated by comma or semicolon and may start with a byte order mark, because
Danish Excel writes it so. Messages are Danish: the person who reads them edits a spreadsheet.
"""

from __future__ import annotations

import csv
import datetime as dt
import difflib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import phonenumbers

from bot.knowledge.hours import BadHours, parse_hours
from bot.knowledge.models import CONFIDENCE, FACETS

REGIONS = ("Hovedstaden", "Sjælland", "Syddanmark", "Midtjylland", "Nordjylland")


@dataclass(frozen=True)
class Problem:
    """Something wrong in a file: where, what, and what to write instead."""

    file: str
    line: int
    column: str
    what: str
    instead: str = ""
    beside: tuple[str, int] | None = None  # file and line of the other one, where two do not go together

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.column}: {self.what}. {self.instead}".rstrip()


class BadCell(ValueError):
    """A cell cannot be used. `instead` is what to write."""

    def __init__(self, what: str, instead: str = "") -> None:
        super().__init__(what)
        self.instead = instead


@dataclass(frozen=True)
class AsOf:
    """The date of a source: its first day (None when undated) and the words it was written in."""

    date: dt.date | None
    text: str


@dataclass
class Line:
    """One line of a sheet as written: text by column, where it stands, and the id it keeps whatever is changed."""

    file: str
    line: int
    cells: dict[str, str]
    id: str | None = None


@dataclass
class Row:
    """One parsed line: values by column, and where it stands."""

    file: str
    line: int
    values: dict[str, Any] = field(default_factory=dict)
    id: str | None = None

    def __getitem__(self, column: str) -> Any:
        return self.values[column]

    def problem(self, column: str, what: str, instead: str = "", beside: Row | None = None) -> Problem:
        """Return a Problem that points at this row, and at the one `beside` which it does not go."""
        return Problem(self.file, self.line, column, what, instead, (beside.file, beside.line) if beside else None)


Parser = Callable[[str], Any]


def text(cell: str) -> str | None:
    """Return the text, or None for an empty cell."""
    return cell or None


def needed(parser: Parser) -> Parser:
    """Return the parser for a column that may not be empty."""

    def parse(cell: str) -> Any:
        if not cell:
            raise BadCell("mangler", "Feltet skal udfyldes.")
        return parser(cell)

    return parse


def one_of(*allowed: str) -> Parser:
    """Return a parser that takes one of these words and nothing else."""

    def parse(cell: str) -> str:
        if cell not in allowed:
            near = difflib.get_close_matches(cell, allowed, 1)
            hint = f"Mente du '{near[0]}'? " if near else ""
            raise BadCell(f"'{cell}' kendes ikke", f"{hint}Skriv en af: {', '.join(allowed)}.")
        return cell

    return parse


def words(cell: str) -> list[str]:
    """Return the parts of a cell that holds several values separated by semicolons."""
    return [part.strip() for part in cell.split(";") if part.strip()]


def phone(cell: str) -> str | None:
    """Return the digits of a Danish number: eight, or a short number such as 112, 1813, 116111."""
    if not cell:
        return None
    digits = re.sub(r"[\s-]", "", cell).removeprefix("+45")
    instead = "Skriv 8 cifre, fx 56676767."
    if not re.fullmatch("[0-9]{2,15}", digits):
        raise BadCell(f"'{cell}' er ikke et telefonnummer", instead)
    number = phonenumbers.parse(digits, "DK")
    if not (
        (len(digits) == 8 and phonenumbers.is_valid_number(number))
        or phonenumbers.is_valid_short_number_for_region(number, "DK")
    ):
        raise BadCell(f"'{cell}' er ikke et dansk telefonnummer", instead)
    return digits


def own_phone(cell: str) -> str | None:
    """Return the digits of a municipality's number, which is never that of the emergency services."""
    digits = phone(cell)
    if digits and phonenumbers.is_emergency_number(digits, "DK"):
        raise BadCell(f"'{cell}' er alarmnummeret", "Skriv afdelingens eget nummer, fx 56676767.")
    return digits


def email(cell: str) -> str | None:
    """Return the address, checked for shape only."""
    if cell and not re.fullmatch(r"[^@\s]+@[^@\s]+\.[a-zæøå]{2,}", cell, re.IGNORECASE):
        raise BadCell(f"'{cell}' er ikke en e-mailadresse", "Skriv fx raadhus@koege.dk.")
    return cell or None


def url(cell: str) -> str | None:
    """Return an https address."""
    if cell and not re.match(r"https?://[^\s]+$", cell):
        raise BadCell(f"'{cell}' er ikke en adresse på nettet", "Skriv fx https://www.koege.dk/borger.")
    return cell or None


def hours(cell: str) -> list[Any]:
    """Return the intervals of OpenStreetMap opening hours."""
    try:
        return list(parse_hours(cell)) if cell else []
    except BadHours as error:
        raise BadCell(str(error), error.instead) from error


def day(cell: str) -> dt.date | None:
    """Return an ISO date."""
    try:
        return dt.date.fromisoformat(cell) if cell else None
    except ValueError as error:
        raise BadCell(f"'{cell}' er ikke en dato", "Skriv år-måned-dag, fx 2024-01-01.") from error


def number(cell: str) -> float | None:
    """Return a number; comma or point."""
    if cell and not re.fullmatch(r"[0-9]{1,3}([.,][0-9]{1,2})?", cell):
        raise BadCell(f"'{cell}' er ikke et tal", "Skriv fx 18 eller 17,5.")
    return float(cell.replace(",", ".")) if cell else None


def whole(cell: str) -> int | None:
    """Return a whole number of at most three digits: years, weeks, a day, a month."""
    if cell and not re.fullmatch("[0-9]{1,3}", cell):
        raise BadCell(f"'{cell}' er ikke et helt tal under 1000", "Skriv fx 8, eller lad feltet stå tomt.")
    return int(cell) if cell else None


def as_of(cell: str) -> AsOf:
    """Return the date of a source: 2020-03-30, 2020-03, 2020, `ca. 2020-03`, `tidligst 2022` or `udateret`.

    "Tidligst" gives only a lower bound, so its date counts as unknown.
    """
    match = re.fullmatch(r"(ca\. |tidligst )?(\d{4})(?:-(\d\d))?(?:-(\d\d))?", cell, re.ASCII)
    if cell == "udateret":
        return AsOf(None, cell)
    try:
        if not match:
            raise ValueError(cell)
        first = dt.date(int(match[2]), int(match[3] or 1), int(match[4] or 1))
    except ValueError as error:
        raise BadCell(
            f"'{cell}' er ikke en kildedato" if cell else "mangler",
            "Skriv fx 2026-03-30, 2026-03, ca. 2020 eller udateret.",
        ) from error
    return AsOf(None if match[1] == "tidligst " else first, cell)


def sources(cell: str) -> list[tuple[str | None, str | None]]:
    """Return (url, title) pairs, separated by semicolons. A title may follow its url, or stand alone."""
    found: list[tuple[str | None, str | None]] = []
    for part in words(cell):
        match = re.match(r"(https?://\S+)(?:\s+(.*))?$", part)
        found.append((match[1], match[2]) if match else (None, part))
    return found


def postal_codes(cell: str) -> list[tuple[int, int]]:
    """Return (from, to) pairs of `1000-1799;2100`."""
    found = []
    for part in words(cell):
        match = re.fullmatch(r"(\d{4})(?:-(\d{4}))?", part, re.ASCII)
        if not match:
            raise BadCell(f"'{part}' er ikke et postnummer", "Skriv fx 4600 eller 1000-1799, adskilt af semikolon.")
        found.append((int(match[1]), int(match[2] or match[1])))
    return found


Columns = dict[str, Parser]

# `confidence` and the date are always demanded; `sources` where a citizen may see the fact (checked in load).
SOURCED: Columns = {
    "sources": sources,
    "as_of": as_of,
    "confidence": needed(one_of(*CONFIDENCE)),
}
DROP_IN = one_of("yes", "partly", "no", "appointment", "unknown")
PROCESSING_TIMES: Columns = {
    "topic": needed(text),
    "text": needed(text),
    "weeks": whole,
    **SOURCED,
}

NATIONAL: dict[str, Columns] = {
    "topics.csv": {
        "code": needed(text),
        "name": needed(text),
        "group": needed(text),
        "covers": needed(text),
        "department_type": needed(text),
        "old_reference": text,
    },
    "topic_guides.csv": {
        "topic": needed(text),
        "title": needed(text),
        "description": needed(text),
        "audience": needed(text),
        "assessment": needed(text),
        "step_1": needed(text),
        "step_2": text,
        "step_3": text,
        "tonight": needed(text),
        "without_consent": needed(text),
        "complaint": text,
        "documents": text,
        "cost": text,
    },
    "topic_words.csv": {
        "topic": needed(text),
        "word": needed(text),
        "kind": needed(one_of("name", "old_name", "abbreviation", "paragraph", "everyday")),
    },
    "department_types.csv": {
        "code": needed(text),
        "level": needed(one_of("municipal", "regional", "national", "health")),
        "name": needed(text),
        "does": needed(text),
        "minimum_age": whole,
        "maximum_age": whole,
        "self_contact": text,
        "way_in": text,
        "also_called": text,
        **SOURCED,
    },
    "legal_basis.csv": {
        "topic": needed(text),
        "law": needed(text),
        "law_title": text,
        "section": text,
        "valid_from": day,
        "valid_to": day,
        "replaces": text,
        "applies_to": text,
        "department_type": needed(text),
        "key_facts": text,
        "complaint": text,
        "apply_url": url,
        **SOURCED,
    },
    "helplines.csv": {
        "id": needed(text),
        "name": needed(text),
        "kind": needed(text),
        "region": text,
        "phone": phone,
        "sms_or_chat": text,
        "hours": hours,
        "hours_note": text,
        "url": url,
        **SOURCED,
    },
    "offices.csv": {
        "type": needed(text),
        "name": needed(text),
        "phone": phone,
        "phone_hours": hours,
        "website": text,
        "notes": text,
        **SOURCED,
    },
    "regional_psychiatry.csv": {
        "region": needed(one_of(*REGIONS)),
        "type": needed(text),
        "name": needed(text),
        "phone": phone,
        "address": text,
        "opening_hours": hours,
        "covers": words,
        "referral_needed": one_of("yes", "no"),
        "notes": text,
        **SOURCED,
    },
    "glossary.csv": {
        "term": needed(text),
        "explanation": needed(text),
        "municipality": text,
        **SOURCED,
    },
    "age_transitions.csv": {
        "age": needed(number),
        "from_type": text,
        "to_type": text,
        "text": needed(text),
        "municipality": text,
        **SOURCED,
    },
    "age_rules.csv": {
        "topic": needed(text),
        "minimum_age": whole,
        "maximum_age": whole,
        "moves_to": needed(text),
        "text": needed(text),
    },
    "situation_rules.csv": {
        "topic": needed(text),
        "words": text,
        "minimum_age": whole,
        "maximum_age": whole,
        "department_type": needed(text),
        "reason": needed(text),
    },
    "processing_times.csv": PROCESSING_TIMES,
    "closing_days.csv": {
        "month": whole,
        "day": whole,
        "date": day,
        "status": needed(one_of("closed", "unknown")),
        "reason": needed(text),
        **SOURCED,
    },
}

LOCAL: dict[str, Columns] = {
    "municipality.csv": {
        "name": needed(text),
        "full_name": needed(text),
        "region": needed(one_of(*REGIONS)),
        "aliases": words,
        "postal_codes": postal_codes,
        "website": text,
        "main_phone": own_phone,
        "email": email,
        "town_hall_address": text,
        **SOURCED,
    },
    "departments.csv": {
        "type": needed(text),
        "name": needed(text),
        "parent": text,
        "minimum_age": whole,
        "maximum_age": whole,
        "first_for": words,
        "phone": own_phone,
        "email": email,
        "secure_mail": text,
        "address": text,
        "walk_in": needed(DROP_IN),
        "opening_hours": hours,
        "phone_hours": hours,
        "topics": words,
        "notes": text,
        **SOURCED,
    },
    "processing_times.csv": PROCESSING_TIMES,
    "service_notes.csv": {
        "topic": needed(text),
        "facet": needed(one_of(*FACETS)),
        "text": needed(text),
        **SOURCED,
    },
    "units.csv": {
        "type": needed(text),
        "name": needed(text),
        "topics": words,
        "drop_in": needed(DROP_IN),
        "way_in": text,
        "referral_from": text,
        "minimum_age": number,
        "maximum_age": number,
        "notes": text,
        **SOURCED,
    },
    "closing_days.csv": NATIONAL["closing_days.csv"],
}
OPTIONAL_LOCAL = ("processing_times.csv", "service_notes.csv", "units.csv", "closing_days.csv")


def read_lines(path: Path, name: str, columns: Columns, problems: list[Problem]) -> list[Line]:
    """Return the lines of one CSV file, in order, as they are written.

    A missing column, an unknown column or a file that is not UTF-8 is one problem for the whole file.
    """
    try:
        content = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        problems.append(Problem(name, 1, "", "filen er ikke UTF-8", "Gem den som 'CSV UTF-8'."))
        return []
    header, rows = split_csv(content)
    for column in columns.keys() - set(header):
        problems.append(Problem(name, 1, column, "kolonnen mangler", "Sæt den ind i første linje."))
    for column in sorted(set(header) - columns.keys()):
        problems.append(Problem(name, 1, column, "kolonnen kendes ikke", f"Kendte: {', '.join(columns)}."))
    if set(header) != set(columns):
        return []
    found = []
    for line, cells in rows:
        if not any(cells):
            continue
        if len(cells) != len(header):
            what = f"linjen har {len(cells)} felter, men der er {len(header)} kolonner"
            problems.append(Problem(name, line, "", what, "Sæt felter med komma i anførselstegn."))
        else:
            found.append(Line(name, line, dict(zip(header, cells))))
    return found


def split_csv(content: str) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Return the header of a CSV text, and (line number, cells) of all that follows."""
    content = content.replace("\0", "")  # no database takes it
    separator = ";" if content.split("\n", 1)[0].count(";") > content.split("\n", 1)[0].count(",") else ","
    reader = csv.reader(content.splitlines(keepends=True), delimiter=separator)
    header = [cell.strip() for cell in next(reader, [])]
    rows, start = [], reader.line_num + 1
    for cells in reader:
        rows.append((start, [cell.strip() for cell in cells]))
        start = reader.line_num + 1
    return header, rows


def parse_lines(lines: Iterable[Line], columns: Columns, problems: list[Problem]) -> list[Row]:
    """Return the lines parsed; every fault is added to `problems` and its line left out."""
    rows = []
    for line in lines:
        row = Row(line.file, line.line, id=line.id)
        faults = len(problems)
        for column, cell in line.cells.items():
            try:
                row.values[column] = columns[column](cell)
            except BadCell as error:
                problems.append(row.problem(column, str(error), error.instead))
        if len(problems) == faults:
            rows.append(row)
    return rows


_FORMULA = re.compile(r"'*[=+\-@\t\r]")


def defused(cell: str) -> str:
    """Return text that no spreadsheet takes for a formula (https://owasp.org/www-community/attacks/CSV_Injection)."""
    return f"'{cell}" if _FORMULA.match(cell) else cell


def fused(cell: str) -> str:
    """Return the text that `defused` was given."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell
