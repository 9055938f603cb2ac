"""A table with ten times the rows: every municipality nine times more under made-up codes, with all that hangs on it.

Made-up municipality 3259 is Køge's (0259) third copy, "Køgebæk", its places are "Herfølgebæk" and so on, and all that
points at Køge is copied with it: departments, numbers, hours, addresses, deadlines, notes, links to sources. What is
national (topics, law, words) is not copied: Denmark would not have ten times the law.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from sqlalchemy import Table, func, insert, select
from sqlalchemy.engine import Connection, Engine

from bot.knowledge.models import Base, stable_id

ENDINGS = ("lund", "strup", "bæk", "sted", "holt", "vang", "skov", "høj", "rød")
NAMED = {"municipality": ("name", "full_name"), "municipality_alias": ("alias",)}


def grow(engine: Engine) -> tuple[int, int]:
    """Copy the municipalities of a table nine times over; return how many rows it had and has."""
    with engine.begin() as connection:
        before = _rows(connection)
        originals = {
            table.name: [dict(row._mapping) for row in connection.execute(select(table))]
            for table in Base.metadata.sorted_tables
        }
        for copy, ending in enumerate(ENDINGS, 1):
            _copy(connection, originals, copy, ending)
        after = _rows(connection)
    return before, after


def _copy(connection: Connection, originals: dict[str, list[dict[str, Any]]], copy: int, ending: str) -> None:
    """Write one copy of every row that a municipality owns, directly or through another row."""
    new: dict[str, dict[Any, Any]] = defaultdict(dict)  # for each table the new key of an old one
    for table in Base.metadata.sorted_tables:
        rows = []
        for old in originals[table.name]:
            points_at = {
                column.name: new[key.column.table.name].get(old[column.name])
                for column in table.columns
                for key in column.foreign_keys
                if old[column.name] is not None and key.column.table.name != table.name
            }
            if table.name != "municipality" and not any(points_at.values()):
                continue
            row = {**old, **{name: key for name, key in points_at.items() if key}}
            row.update({name: f"{old[name]}{ending}" for name in NAMED.get(table.name, ()) if old[name]})
            if table.name == "municipality":
                new[table.name][old["code"]] = row["code"] = f"{copy}{old['code'][1:]}"
            elif "id" in table.columns:
                new[table.name][old["id"]] = row["id"] = stable_id("copy", copy, table.name, old["id"])
            rows.append(row)
        _point_at_themselves(table, rows, new[table.name])
        if rows:
            connection.execute(insert(table), rows)


def _point_at_themselves(table: Table, rows: list[dict[str, Any]], new: dict[Any, Any]) -> None:
    """Let copies point at copies in their own table: a department at its municipality's root."""
    for column in table.columns:
        if any(key.column.table is table for key in column.foreign_keys):
            for row in rows:
                row[column.name] = new.get(row[column.name], row[column.name])


def _rows(connection: Connection) -> int:
    return sum(
        connection.execute(select(func.count()).select_from(table)).scalar_one()
        for table in Base.metadata.sorted_tables
    )
