"""When the helpline calls people back: set by a coordinator, and what can be promised with it, shown at once."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

from flask import Flask, flash, redirect, render_template, request, url_for

from bot.answers.text import DAYS
from bot.handoff.promise import WISHES
from bot.handoff.requests import Handoff
from bot.helpline.access import add_to_menu, allowed
from bot.helpline.context import directory, now, trace
from bot.helpline.queue import handoff
from bot.knowledge.hours import BadHours, parse_hours
from bot.knowledge.models import WEEKDAYS

_TIME = r"(\d{1,2})(?:[.:](\d\d))?"
_SPAN = re.compile(rf"\s*(?:kl\.?\s*)?{_TIME}\s*(?:-|–|til)\s*{_TIME}\s*")
DEMO_HOURS = "Mo-Th 10:00-20:00; Fr 10:00-16:00"


class BadDesk(ValueError):
    """What was written is no time, day or number; the message says what to write."""


def register(app: Flask) -> None:
    """Add the page."""
    app.add_url_rule("/aabningstid", "desk", desk, methods=["GET", "POST"])
    add_to_menu(app, "desk", "Åbningstid")


@allowed("coordinator")
def desk() -> Any:
    """Show and set the week, the days it is closed, and how many calls an hour holds."""
    given = {name: request.form.get(name, "") for name in (*WEEKDAYS, "closed", "calls")}
    if request.method == "POST":
        try:
            hours = "; ".join(filter(None, (_hours(day, given[day]) for day in WEEKDAYS)))
            if not hours:
                raise BadDesk("Skriv mindst én åben dag.")
            handoff().set_desk(hours, _calls(given["calls"]), _days(given["closed"]))
            trace("desk", "")
            flash("Åbningstiden er gemt og gælder fra nu. Løfter, der allerede er givet, står ved magt.")
            return redirect(url_for("desk"))
        except BadDesk as error:
            flash(str(error), "error")
        except BadHours as error:
            flash(f"{error}. {error.instead}", "error")
    else:
        given = _shown(handoff())
    promises = [(WISHES[kept.wish], kept.said(now())) for kept in handoff().promises(directory().calendar, now())]
    days = [(day, DAYS[day]) for day in WEEKDAYS]
    return render_template("aabningstid.html", given=given, days=days, promises=promises)


def _shown(requests: Handoff) -> dict[str, str]:
    row = requests.desk()
    if row is None:
        return {"calls": "4"}
    shown: dict[str, str] = {"calls": str(row.calls_per_hour)}
    for span in parse_hours(row.hours):
        text = f"{span.opens:%H.%M}-{'24.00' if span.closes == dt.time(0) else format(span.closes, '%H.%M')}"
        shown[span.byday] = ", ".join(filter(None, (shown.get(span.byday), text)))
    shown["closed"] = "\n".join(f"{dt.date.fromisoformat(day):%d.%m.%Y}" for day in row.closed_days.split())
    return shown


def _hours(day: str, text: str) -> str:
    """Return a day of the week as OpenStreetMap hours from `10-16, 17-20`. Raises BadDesk."""
    if not text.strip():
        return ""
    spans = []
    for part in text.split(","):
        match = _SPAN.fullmatch(part)
        times = [f"{int(match[h]):02}:{match[h + 1] or '00'}" for h in (1, 3)] if match else []
        if len(times) < 2 or not "00:00" <= times[0] < times[1] <= "24:00" or any(time[3:] > "59" for time in times):
            raise BadDesk(f"{DAYS[day].capitalize()}: '{text}' er ikke tider. Skriv fx 10-16 eller 10-12.30, 17-20.")
        spans.append("-".join(times))
    return f"{day.capitalize()} {','.join(spans)}"


def _days(text: str) -> list[dt.date]:
    days = []
    for word in text.replace(",", " ").split():
        try:
            days.append(dt.datetime.strptime(word, "%d.%m.%Y").date())
        except ValueError as error:
            raise BadDesk(f"'{word}' er ikke en dato. Skriv fx 24.12.2026.") from error
    return days


def _calls(text: str) -> int:
    if not re.fullmatch(r"[1-9]\d?", text.strip(), re.ASCII):
        raise BadDesk("Skriv, hvor mange opkald I når på en time, fx 4.")
    return int(text)
