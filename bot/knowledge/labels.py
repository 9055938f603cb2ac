"""The Danish an editor reads for sheets, columns and codes. In files and database the English names stay."""

from __future__ import annotations

from bot.knowledge.hours import danish_hours, english_hours
from bot.knowledge.sheets import LOCAL

SHEETS = {
    "municipality.csv": "kommunen",
    "departments.csv": "afdelinger",
    "units.csv": "enheder",
    "processing_times.csv": "svartider",
    "service_notes.csv": "noter",
    "closing_days.csv": "lukkedage",
}
COLUMNS = {
    "name": "navn",
    "full_name": "fulde navn",
    "region": "region",
    "aliases": "byer og andre navne",
    "postal_codes": "postnumre",
    "website": "hjemmeside",
    "main_phone": "hovednummer",
    "email": "e-mail",
    "town_hall_address": "rådhusets adresse",
    "type": "art",
    "parent": "hører under",
    "minimum_age": "fra alder",
    "maximum_age": "til alder",
    "first_for": "nævnes først for",
    "phone": "telefon",
    "secure_mail": "sikker post",
    "address": "adresse",
    "walk_in": "kan man bare komme",
    "drop_in": "kan man bare komme",
    "opening_hours": "åbningstid",
    "phone_hours": "telefontid",
    "topics": "emner",
    "topic": "emne",
    "text": "tekst",
    "weeks": "uger",
    "facet": "spørgsmål",
    "way_in": "vejen ind",
    "referral_from": "henvisning fra",
    "month": "måned",
    "day": "dag",
    "date": "dato",
    "status": "status",
    "reason": "anledning",
    "notes": "egne noter",
    "sources": "kilder",
    "as_of": "set efter",
    "confidence": "hvor sikkert",
}
_DROP_IN = {"yes": "ja", "partly": "delvis", "no": "nej", "appointment": "efter aftale", "unknown": "ved ikke"}
WORDS: dict[str, dict[str, str]] = {
    "walk_in": _DROP_IN,
    "drop_in": _DROP_IN,
    "confidence": {"high": "sikkert", "medium": "nogenlunde", "low": "usikkert"},
    "status": {"closed": "lukket", "unknown": "ved ikke"},
    "facet": {
        "where": "hvor",
        "legal": "loven",
        "hours": "åbningstid",
        "contact": "kontakt",
        "how": "hvordan",
        "what": "hvad",
        "who": "hvem",
        "time": "hvor lang tid",
        "complaint": "klage",
        "cost": "pris",
        "documents": "papirer",
    },
}
HOURS = ("opening_hours", "phone_hours")
# What only the shipped files decide: how the place is recognised in what people write.
LOCKED = {"municipality.csv": ("name", "full_name", "region", "aliases", "postal_codes")}
# Not read aloud: changing these says nothing about whether the facts are right.
UNSPOKEN = ("notes", "first_for", "parent")


def to_danish(column: str, cell: str) -> str:
    """Return a cell as an editor reads it."""
    return danish_hours(cell) if column in HOURS else WORDS.get(column, {}).get(cell, cell)


def from_danish(column: str, cell: str) -> str:
    """Return a cell as the table keeps it; what is no known word is left for the check to name."""
    if column in HOURS:
        return english_hours(cell.strip())
    codes = {danish: code for code, danish in WORDS.get(column, {}).items()}
    return codes.get(cell.strip().casefold(), cell.strip())


def column_named(sheet: str, heading: str) -> str | None:
    """Return the column with that Danish heading or English name in a sheet, or None."""
    wanted = heading.strip().casefold()
    return next((column for column in LOCAL[sheet] if wanted in (column, COLUMNS[column])), None)


def title(sheet: str, cells: dict[str, str]) -> str:
    """Return what an editor would call a line."""
    if sheet == "municipality.csv":
        return cells["full_name"]
    if sheet == "closing_days.csv":
        return f"{cells['reason']} ({cells['date'] or cells['day'] + '/' + cells['month']})"
    if "name" in cells:
        return cells["name"]
    text = cells["text"] if len(cells["text"]) <= 60 else cells["text"][:57] + "..."
    return f"{cells['topic']}: {text}"
