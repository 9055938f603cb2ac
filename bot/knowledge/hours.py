"""Opening hours: written as OpenStreetMap `opening_hours`, kept as intervals, answered in local time.

A citizen hears "lukket" only when the hours of that very day are known. Three values are therefore in play
everywhere: True, False, and None for "we do not know".
"""

from __future__ import annotations

import datetime as dt
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from zoneinfo import ZoneInfo

import holidays
from opening_hours import OpeningHours, ParserError, State  # type: ignore[attr-defined]

from bot.knowledge.models import PUBLIC_HOLIDAY, WEEKDAYS, Schedule, ScheduleException

COPENHAGEN = ZoneInfo("Europe/Copenhagen")
MIDNIGHT = dt.time(0)
LOOK_AHEAD = dt.timedelta(days=21)
_PLAIN_MONDAY = dt.date(2026, 1, 12)  # a week without a Danish public holiday
_HOLIDAY_THURSDAY = dt.date(2026, 4, 2)  # skærtorsdag, a public holiday on a weekday


_DANISH_DAYS = {
    "Mo": "ma",
    "Tu": "ti",
    "We": "on",
    "Th": "to",
    "Fr": "fr",
    "Sa": "lø",
    "Su": "sø",
    "PH": "helligdage",
}
_ENGLISH_DAYS = {danish: english for english, danish in _DANISH_DAYS.items()}
_ENGLISH_DAY = re.compile(rf"\b({'|'.join(_DANISH_DAYS)})\b")
_DANISH_DAY = re.compile(rf"\b({'|'.join(_ENGLISH_DAYS)})\b", re.IGNORECASE)


class BadHours(ValueError):
    """The text is not opening hours, or can be read in two ways. `instead` is what to write."""

    def __init__(self, message: str, instead: str) -> None:
        super().__init__(message)
        self.instead = instead


@dataclass(frozen=True, order=True)
class Interval:
    """Open from `opens` to `closes` on `byday`; never across midnight, and 00:00 as an end means midnight."""

    byday: str
    opens: dt.time
    closes: dt.time


def parse_hours(text: str) -> list[Interval]:
    """Return the intervals of OpenStreetMap `opening_hours`, by day, those that cross midnight cut in two.

    A rule for PH (public holidays) gives intervals for the day PH. Raises BadHours when the text cannot be read,
    and when a later rule silently replaces an earlier one for the same day, as the specification has it
    (https://wiki.openstreetmap.org/wiki/Key:opening_hours/specification) and few people mean.
    """
    whole = _intervals(text)
    parts = sorted({interval for rule in text.split(";") for interval in _intervals(rule)})
    if parts != whole:
        raise BadHours(
            f"'{text}' nævner samme dag to gange, og den sidste regel sletter den første",
            "Skriv hver dag én gang med komma mellem tiderne, fx Th 08:00-13:00,14:30-16:00.",
        )
    return whole


def danish_hours(text: str) -> str:
    """Return hours with the days in Danish, as `parse_hours` reads them too: `ma-on 10:00-14:00; to 10:00-17:00`."""
    return _ENGLISH_DAY.sub(lambda day: _DANISH_DAYS[day[0]], text)


def english_hours(text: str) -> str:
    """Return hours with the days as OpenStreetMap writes them."""
    return _DANISH_DAY.sub(lambda day: _ENGLISH_DAYS[day[0].lower()], text)


def _intervals(text: str) -> list[Interval]:
    rules = english_hours(text.strip())
    try:
        plain = OpeningHours(rules)
        holiday = OpeningHours(rules, country="DK")
    except ParserError as error:
        raise BadHours(f"'{text}' er ikke åbningstider", "Skriv fx Mo-We 10:00-14:00; Th 10:00-17:00.") from error
    days = [(byday, plain, _PLAIN_MONDAY + dt.timedelta(days=n)) for n, byday in enumerate(WEEKDAYS)]
    if PUBLIC_HOLIDAY in rules or "24/7" in rules:
        days.append((PUBLIC_HOLIDAY, holiday, _HOLIDAY_THURSDAY))
    found = []
    for byday, hours, day in days:
        start = dt.datetime.combine(day, MIDNIGHT)
        for opens, closes, state, _comment in hours.intervals(start, start + dt.timedelta(days=1)):
            if state == State.OPEN:
                found.append(Interval(byday, opens.time(), closes.time()))
    return sorted(found)


class Day(Enum):
    """What kind of day a date is for an office."""

    PLAIN = "plain"
    HOLIDAY = "holiday"
    CLOSED = "closed"
    UNKNOWN = "unknown"


class Calendar:
    """Danish public holidays, and the days on which municipal offices differ from the week."""

    def __init__(self, exceptions: Iterable[ScheduleException] = ()) -> None:
        self._holidays = holidays.country_holidays("DK")
        self._exceptions: dict[tuple[int, int], list[ScheduleException]] = defaultdict(list)
        for row in exceptions:
            day = (row.date.month, row.date.day) if row.date else (row.month, row.day)
            self._exceptions[day].append(row)

    def office_day(self, date: dt.date, municipality: str | None = None) -> Day:
        """Return the kind of day for an office of that municipality (code), or of any when None."""
        for row in self._exceptions.get((date.month, date.day), ()):
            if row.municipality_code in (None, municipality) and row.date in (None, date):
                return Day(row.status)
        return Day.HOLIDAY if date in self._holidays else Day.PLAIN

    def line_day(self, date: dt.date) -> Day:
        """Return the kind of day for a helpline: what its hours are on days such as 24 December, nobody has told us."""
        kind = self.office_day(date)
        return Day.UNKNOWN if kind is Day.CLOSED else kind


@dataclass(frozen=True)
class Openness:
    """Whether somebody answers at a moment. `now` is None, and so are the times, where it is not known."""

    now: bool | None = None
    closes: dt.datetime | None = None
    next_opening: dt.datetime | None = None


UNKNOWN = Openness()


def openness(
    schedules: Sequence[Schedule],
    now: dt.datetime,
    day_kind: Callable[[dt.date], Day],
    closed_on_holidays: bool,
) -> Openness:
    """Return whether the schedules are open at `now` (aware), until when, and when they open next.

    `closed_on_holidays` tells what a missing PH row means: offices are closed, helplines are not known.
    Looks three weeks ahead, and no further than the first day whose hours are not known.
    """
    if not schedules:
        return UNKNOWN
    today = now.astimezone(COPENHAGEN).date()
    if _day_intervals(schedules, today, day_kind(today), closed_on_holidays) is None:
        return UNKNOWN
    for opens, closes in open_spans(schedules, today, day_kind, closed_on_holidays):
        if now < opens:
            return Openness(now=False, next_opening=opens)
        if now < closes:
            always = closes - now > dt.timedelta(days=8)
            return Openness(now=True, closes=None if always else closes)
    return Openness(now=False)


def _day_intervals(
    schedules: Sequence[Schedule], date: dt.date, kind: Day, closed_on_holidays: bool
) -> list[Schedule] | None:
    """Return the rows that hold on the date, or None when that cannot be known."""
    plain = [row for row in schedules if row.byday == WEEKDAYS[date.weekday()]]
    on_holidays = [row for row in schedules if row.byday == PUBLIC_HOLIDAY]
    if kind is Day.PLAIN or _same_hours(plain, on_holidays):
        return plain
    if kind is Day.HOLIDAY and on_holidays:
        return on_holidays
    if kind is Day.CLOSED or (kind is Day.HOLIDAY and closed_on_holidays):
        return []
    return None


def _same_hours(one: Sequence[Schedule], other: Sequence[Schedule]) -> bool:
    """Return whether two days have the same hours: what is open around the clock is so on any day."""
    return bool(one) and {(row.opens_at, row.closes_at) for row in one} == {
        (row.opens_at, row.closes_at) for row in other
    }


def open_spans(
    schedules: Sequence[Schedule],
    today: dt.date,
    day_kind: Callable[[dt.date], Day],
    closed_on_holidays: bool,
) -> Iterator[tuple[dt.datetime, dt.datetime]]:
    """Yield the open spans (in UTC) from today on for three weeks, joined where one ends as the next begins.

    Ends with the first day whose hours are not known.
    """
    current: tuple[dt.datetime, dt.datetime] | None = None
    for ahead in range(LOOK_AHEAD.days):
        date = today + dt.timedelta(days=ahead)
        rows = _day_intervals(schedules, date, day_kind(date), closed_on_holidays)
        if rows is None:
            break  # what comes after a day nobody knows is no next opening
        for row in sorted(rows, key=lambda row: row.opens_at):
            end = date + dt.timedelta(days=1) if row.closes_at == MIDNIGHT else date
            span = (_local(date, row.opens_at), _local(end, row.closes_at))
            if current and span[0] == current[1]:
                current = (current[0], span[1])
                continue
            if current:
                yield current
            current = span
    if current:
        yield current


def _local(date: dt.date, time: dt.time) -> dt.datetime:
    """Return the moment in UTC, so that differences are right across a change of clocks."""
    return dt.datetime.combine(date, time, COPENHAGEN).astimezone(dt.timezone.utc)


def week(schedules: Sequence[Schedule]) -> list[tuple[str, str, str]]:
    """Return (days, opens, closes) for people: neighbouring days with the same hours put together, MO-SU then PH."""
    by_hours: dict[str, list[tuple[str, str]]] = {}
    for byday in (*WEEKDAYS, PUBLIC_HOLIDAY):
        hours = sorted(
            (f"{row.opens_at:%H:%M}", "24:00" if row.closes_at == MIDNIGHT else f"{row.closes_at:%H:%M}")
            for row in schedules
            if row.byday == byday
        )
        if hours:
            by_hours[byday] = hours
    groups: list[tuple[list[str], list[tuple[str, str]]]] = []
    for byday, hours in by_hours.items():
        previous = groups[-1] if groups else None
        if previous and previous[1] == hours and byday != PUBLIC_HOLIDAY and _follows(previous[0][-1], byday):
            previous[0].append(byday)
        else:
            groups.append(([byday], hours))
    return [
        (days[0] if len(days) == 1 else f"{days[0]}-{days[-1]}", opens, closes)
        for days, hours in groups
        for opens, closes in hours
    ]


def _follows(first: str, second: str) -> bool:
    return WEEKDAYS.index(second) == WEEKDAYS.index(first) + 1
