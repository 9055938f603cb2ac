"""The whole database as one file, and back: from SQLite or PostgreSQL, to either.

A ZIP with a file of JSON lines for each table, in the order of its key, and `manifest.json`: the revision of the
tables, and for each of them its rows and the SHA-256 of its file. Taken at one moment, whatever is written meanwhile;
restored whole or not at all, and only what reads back the same.

It holds what the database holds, telephone numbers of who waits for a call among it, and not the conversations: see
docs/databases.md.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import itertools
import json
import zipfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, BinaryIO

from sqlalchemy import Date, DateTime, Integer, String, Time, delete, func, insert, select, text
from sqlalchemy.engine import Connection, Engine

from bot.handoff import models as handoff
from bot.knowledge import sms
from bot.knowledge.database import migrate, newest_revision, revision, snapshot
from bot.knowledge.load import parents_first

FORMAT = 1
MANIFEST = "manifest.json"
_AT_ONCE = 500


class BackupError(Exception):
    """The backup cannot be taken or used; the message says why, and what to do. Nothing was changed."""


@dataclass(frozen=True)
class Part:
    """One table in a backup."""

    rows: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """What a backup holds."""

    revision: str
    taken_at: str
    tables: dict[str, Part] = field(default_factory=dict)
    format: int = FORMAT

    @property
    def rows(self) -> int:
        """Return how many rows it holds."""
        return sum(part.rows for part in self.tables.values())


def backup(engine: Engine, file: BinaryIO, now: dt.datetime) -> Manifest:
    """Write a backup, which need not be a file one can seek in, and return its manifest. Raises BackupError."""
    _at_newest(engine)
    manifest = Manifest(newest_revision(), now.astimezone(dt.timezone.utc).isoformat(timespec="seconds"))
    with snapshot(engine) as connection, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        _without_hurry(connection)
        for table in tables():
            with archive.open(_name(table.name), "w") as member:
                manifest.tables[table.name] = _measured(_lines(connection, table), member)
        archive.writestr(MANIFEST, json.dumps(asdict(manifest), indent=1))
    return manifest


def restore(engine: Engine, file: BinaryIO, replace: bool = False) -> Manifest:
    """Put a backup into a database that is empty, or whose contents it shall `replace`; return its manifest.

    Raises BackupError when the file is damaged, of another revision, or the database holds something.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            manifest = _verified(archive)
            if revision(engine) is None:
                migrate(engine)
            _at_newest(engine)
            with engine.begin() as connection:
                _without_hurry(connection)
                _make_room(connection, replace)
                for table in tables():
                    _fill(connection, table, archive)
                    if _measured(_lines(connection, table)) != manifest.tables[table.name]:
                        raise BackupError(f"Table {table.name} does not read back as it was. Nothing was changed.")
            return manifest
    except (zipfile.BadZipFile, KeyError, ValueError, EOFError) as error:
        raise BackupError(f"The file is damaged, or no backup of Vejviser ({error}). Take another one.") from error


def tables() -> list[Any]:
    """Return every table of ours, parents first. Rasa's is not among them, wherever it stands."""
    return [*sms.Base.metadata.sorted_tables, *handoff.Base.metadata.sorted_tables]


def _name(table: str) -> str:
    return f"{table}.jsonl"


def _at_newest(engine: Engine) -> None:
    if (found := revision(engine)) != newest_revision():
        raise BackupError(
            f"The tables are at revision {found}, this Vejviser works with {newest_revision()}. Run: vejviser migrate"
        )


def _without_hurry(connection: Connection) -> None:
    """Lift the limits that keep a door from hanging: whoever reads what we write may be slow."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
        connection.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")


def _lines(connection: Connection, table: Any) -> Iterator[bytes]:
    """Yield the rows as JSON lines, in the order of the bytes of their key on every engine."""
    of_bytes = connection.dialect.name == "postgresql"
    keys = [
        column.collate("C") if of_bytes and isinstance(column.type, String) else column for column in table.primary_key
    ]
    query = select(table).order_by(*keys).execution_options(stream_results=True)
    for row in connection.execute(query).mappings():
        plain = {name: _plain(value) for name, value in row.items()}
        yield json.dumps(plain, ensure_ascii=False, sort_keys=True).encode() + b"\n"


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, dt.datetime | dt.date | dt.time) else value


def _measured(lines: Iterator[bytes], out: Any = None) -> Part:
    """Count and hash lines, and write them where there is somewhere."""
    rows, digest = 0, hashlib.sha256()
    for line in lines:
        rows += 1
        digest.update(line)
        if out is not None:
            out.write(line)
    return Part(rows, digest.hexdigest())


def _verified(archive: zipfile.ZipFile) -> Manifest:
    """Return the manifest of a backup all of which is there and as it was written. Raises BackupError and others."""
    kept = json.loads(archive.read(MANIFEST))
    if kept["format"] != FORMAT:
        raise BackupError(f"The backup has format {kept['format']}, this Vejviser reads format {FORMAT}.")
    if kept["revision"] != newest_revision():
        raise BackupError(
            f"The backup was taken at revision {kept['revision']}, this Vejviser works with {newest_revision()}. "
            "Restore it with the version that took it; then migrate."
        )
    parts = {name: Part(**part) for name, part in kept["tables"].items()}
    if wrong := parts.keys() ^ {table.name for table in tables()}:
        raise BackupError(f"The backup and this Vejviser differ in tables: {', '.join(sorted(wrong))}.")
    for name, part in parts.items():
        with archive.open(_name(name)) as member:
            if _measured(iter(member)) != part:
                raise BackupError(f"The backup is damaged: {name} is not what was written. Take another one.")
    return Manifest(**{**kept, "tables": parts})


def _make_room(connection: Connection, replace: bool) -> None:
    for table in reversed(tables()):
        if replace:
            connection.execute(delete(table))
        elif connection.execute(select(table).limit(1)).first() is not None:
            raise BackupError(
                f"The database is not empty: there are rows in {table.name}. Restore into an empty one, or say "
                "--replace to delete what is there. Nothing was changed."
            )


def _fill(connection: Connection, table: Any, archive: zipfile.ZipFile) -> None:
    kinds = {column.name: _reader(column) for column in table.columns}
    with archive.open(_name(table.name)) as member:
        rows: Iterator[dict[str, Any]] = (
            {name: kinds[name](value) if value is not None else None for name, value in json.loads(line).items()}
            for line in io.TextIOWrapper(member, encoding="utf-8")
        )
        if any(key.column.table is table for key in table.foreign_keys):
            rows = iter(parents_first(list(rows)))
        while some := list(itertools.islice(rows, _AT_ONCE)):
            connection.execute(insert(table), some)
    if connection.dialect.name == "postgresql":
        _count_on(connection, table)


def _reader(column: Any) -> Any:
    kind = getattr(column.type, "impl", column.type)  # of Moment: what it stands in the database as
    for known, read in ((DateTime, dt.datetime), (Date, dt.date), (Time, dt.time)):
        if isinstance(kind, known):
            return read.fromisoformat
    return lambda value: value


def _count_on(connection: Connection, table: Any) -> None:
    """Let PostgreSQL number new rows after those that came with their numbers."""
    numbered = [key for key in table.primary_key if isinstance(key.type, Integer) and not key.foreign_keys]
    for key in numbered:
        last = connection.execute(select(func.max(key))).scalar_one()
        if last is not None:
            sequence = text("SELECT setval(pg_get_serial_sequence(:table, :key), :last)")
            connection.execute(sequence, {"table": table.name, "key": key.name, "last": last})
