"""The figures: what is asked, where, and what is not answered. Counts only, and never of a few."""

from __future__ import annotations

from typing import Any

from flask import Flask, Response, abort, render_template, request

from bot import figures
from bot.edge.health import stale_share
from bot.helpline.access import add_to_menu, allowed
from bot.helpline.context import directory, engine, now
from bot.knowledge import corrections, editing
from bot.knowledge.hours import COPENHAGEN

READERS = ("coordinator", "administrator")


def register(app: Flask) -> None:
    """Add the page and its file."""
    app.add_url_rule("/tal", "figures", page)
    app.add_url_rule("/tal.csv", "figures_csv", as_csv)
    add_to_menu(app, "figures", "Tal")


@allowed(*READERS)
def page() -> Any:
    """Show a month, of one municipality or all."""
    seen, place = _seen()
    codes = [place.code] if place else list(directory().municipalities)
    if place:
        lines = editing.own_lines(engine(), place.code, now())
        stale = sum(one.stale for one in lines) / len(lines)
    else:
        stale = stale_share(directory(), now()) or 0
    reports = len(corrections.open_corrections(engine(), codes, now()))
    return render_template(
        "tal.html",
        seen=seen,
        place=place,
        stale=round(100 * stale),
        reports=reports + (0 if place else len(corrections.for_nobody(engine(), now()))),
        months=figures.months(engine()),
        places=sorted(directory().municipalities.values(), key=lambda one: one.name),
    )


@allowed(*READERS)
def as_csv() -> Any:
    """Hand the same figures out as CSV."""
    seen, place = _seen()
    name = f"vejviser-tal-{seen.month:%Y-%m}{'-' + place.code if place else ''}.csv"
    return Response(
        figures.as_csv(seen, place.full_name if place else "hele landet"),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _seen() -> tuple[figures.Month, Any]:
    asked, code = request.args.get("maaned", ""), request.args.get("kommune", "")
    month = figures.parse_month(asked) if asked else now().astimezone(COPENHAGEN).date().replace(day=1)
    if month is None or (code and code not in directory().municipalities):
        abort(404)
    return figures.monthly(engine(), directory(), month, code or None, now()), directory().municipalities.get(code)
