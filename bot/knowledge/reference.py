"""docs/table.md, generated from the models so that it cannot lie."""

from __future__ import annotations

import inspect

from bot.knowledge import sms
from bot.knowledge.models import Base, Sourced


def table_reference() -> str:
    """Return the reference of every table and column as Markdown."""
    lines = [
        "# The knowledge table",
        "",
        "Generated from `bot/knowledge/models.py` and `bot/knowledge/sms.py` by",
        "`vejviser knowledge docs > docs/table.md`. Tables that state facts have a link table `<name>_source` to the",
        "pages the fact was read from.",
    ]
    assert sms.Base is Base  # its tables are known when it is imported
    mappers = {mapper.local_table.name: mapper.class_ for mapper in Base.registry.mappers}
    for table in sorted(Base.metadata.tables.values(), key=lambda table: table.name):
        if table.name not in mappers:
            continue
        lines += ["", f"## {table.name}", "", inspect.getdoc(mappers[table.name]) or "", ""]
        lines += ["| column | type | may be empty | note |", "|---|---|---|---|"]
        for column in sorted(table.columns, key=lambda column: hasattr(Sourced, column.name)):  # its own columns first
            points = ", ".join(f"`{key.target_fullname}`" for key in column.foreign_keys)
            note = " ".join(filter(None, [column.doc, f"To {points}." if points else ""]))
            lines.append(f"| {column.name} | {column.type} | {'yes' if column.nullable else 'no'} | {note} |")
    return "\n".join(lines) + "\n"
