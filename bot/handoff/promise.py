"""When somebody is called back: what the helpline can keep, from its hours, its holidays and its queue.

Pure functions of moments. An interval is promised only if those who were promised one before it, and this one, can all
be called in the open time until it ends (the test of earliest deadline first).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from babel.dates import format_date

from bot.answers.text import clock, when
from bot.knowledge.hours import COPENHAGEN, Calendar, Day, open_spans, parse_hours
from bot.knowledge.models import Schedule

LONGEST = dt.timedelta(hours=2)  # an interval somebody can wait by the phone
SHORTEST = dt.timedelta(minutes=30)
STEP = dt.timedelta(minutes=15)
EVENING = dt.time(17)
NOON = dt.time(12)
# What a person may wish; the last one is offered where none of the others can be kept, and used for another try.
WISHES = {
    "today": "I dag",
    "tomorrow_morning": "I morgen formiddag",
    "evening": "En aften",
    "soonest": "Så snart vi har åbent",
}
Span = tuple[dt.datetime, dt.datetime]


@dataclass(frozen=True)
class Promise:
    """An interval in which somebody is called. Moments are aware."""

    wish: str
    begins: dt.datetime
    ends: dt.datetime

    def said(self, now: dt.datetime) -> str:
        """Return it for people: `i dag mellem kl. 13 og 15`."""
        return interval(self.begins, self.ends, now)


def interval(begins: dt.datetime, ends: dt.datetime, now: dt.datetime) -> str:
    """Return an interval of one day for people: `i morgen tirsdag mellem kl. 10 og 12`.

    Tomorrow has its weekday: it is read after midnight too.
    """
    day, _, time = when(begins.isoformat(), now.isoformat()).rpartition(" kl. ")
    if day == "i morgen":
        day = f"{day} {format_date(begins.astimezone(COPENHAGEN).date(), 'EEEE', locale='da')}"
    return f"{day} mellem kl. {time} og {clock(ends.isoformat())}"


def desk_spans(hours: str, closed: Iterable[dt.date], calendar: Calendar, now: dt.datetime) -> list[Span]:
    """Return the open spans of a desk (OpenStreetMap hours) for three weeks, in UTC.

    It is closed on public holidays, on the days it says itself, and on days such as 24 December and 5 June, on which
    houses differ: nothing is promised for a day that nobody knows. Raises BadHours.
    """
    rows = [Schedule(byday=row.byday, opens_at=row.opens, closes_at=row.closes) for row in parse_hours(hours)]
    away = frozenset(closed)

    def kind(date: dt.date) -> Day:
        return Day.CLOSED if date in away or calendar.office_day(date) is not Day.PLAIN else Day.PLAIN

    return list(open_spans(rows, now.astimezone(COPENHAGEN).date(), kind, closed_on_holidays=True))


def promises(spans: Sequence[Span], due: Sequence[dt.datetime], calls_per_hour: int, now: dt.datetime) -> list[Promise]:
    """Return what can be kept of each wish; where nothing can, the soonest there is; nothing for a desk never open.

    `due` are the ends of the intervals already promised to those who still wait.
    """
    wished = [promise(wish, spans, due, calls_per_hour, now) for wish in WISHES if wish != "soonest"]
    kept = [found for found in wished if found]
    soonest = None if kept else promise("soonest", spans, due, calls_per_hour, now)
    return kept or ([soonest] if soonest else [])


def promise(
    wish: str,
    spans: Sequence[Span],
    due: Sequence[dt.datetime],
    calls_per_hour: int,
    now: dt.datetime,
    rest: dt.timedelta = dt.timedelta(0),
) -> Promise | None:
    """Return the first interval for a wish that can be kept, or None. `spans` are in UTC, `due` as for `promises`.

    It begins no sooner than `rest` from now; others can be called meanwhile, so `spans` are whole all the same.
    """
    takes = dt.timedelta(hours=1) / calls_per_hour
    for first, last in _windows(wish, spans, now, now + rest):
        begins = _up_to_quarter(first)
        while begins + SHORTEST <= last:
            ends = min(begins + LONGEST, last)
            if _fits(ends, spans, due, takes, now):
                return Promise(wish, begins, ends)
            begins += STEP
    return None


def still(
    wish: str,
    begins: dt.datetime,
    spans: Sequence[Span],
    due: Sequence[dt.datetime],
    calls_per_hour: int,
    now: dt.datetime,
) -> Promise | None:
    """Return the interval of a wish that was shown as beginning then, if it can be kept now; else None.

    So what was shown is what is promised, also after midnight, when tomorrow is another day, and while others ask.
    """
    takes = dt.timedelta(hours=1) / calls_per_hour
    for opens, closes in spans:
        last = min(closes, _at(begins.astimezone(COPENHAGEN).date(), NOON)) if wish == "tomorrow_morning" else closes
        ends = min(begins + LONGEST, last)
        is_in = opens <= begins or opens <= now  # one that has begun may have begun with the interval
        if is_in and begins == _up_to_quarter(begins) and max(opens, begins, now) + SHORTEST <= ends:
            return Promise(wish, begins, ends) if _fits(ends, spans, due, takes, now) else None
    return None


def _windows(wish: str, spans: Sequence[Span], now: dt.datetime, not_before: dt.datetime) -> Iterable[Span]:
    """Yield the open time that a wish allows, day by day."""
    today = now.astimezone(COPENHAGEN).date()
    for opens, closes in spans:
        day = opens.astimezone(COPENHAGEN).date()
        first, last = max(opens, not_before), closes
        if wish == "today" and day != today:
            continue
        if wish == "tomorrow_morning":
            if day != today + dt.timedelta(days=1):
                continue
            last = min(last, _at(day, NOON))
        if wish == "evening":
            if day == today:
                continue  # tonight is "today"
            first = max(first, _at(day, EVENING))
        if first < last:
            yield first, last


def _fits(
    ends: dt.datetime, spans: Sequence[Span], due: Sequence[dt.datetime], takes: dt.timedelta, now: dt.datetime
) -> bool:
    """Return whether one more that ends then can be called in time, and takes nobody's time who was promised it."""
    none = dt.timedelta(0)

    def room(until: dt.datetime) -> int:
        open_time = (max(min(closes, until) - max(opens, now), none) for opens, closes in spans)
        return int(sum(open_time, none) / takes)

    def before(until: dt.datetime) -> int:
        return sum(other <= until for other in due)

    later = {other for other in due if other > ends}
    return before(ends) < room(ends) and all(before(other) < room(other) for other in later)


def _up_to_quarter(moment: dt.datetime) -> dt.datetime:
    """Return the next quarter of an hour; quarters are the same in every zone of ours."""
    past = dt.timedelta(minutes=moment.minute % 15, seconds=moment.second, microseconds=moment.microsecond)
    return moment - past + (STEP if past else dt.timedelta(0))


def _at(day: dt.date, time: dt.time) -> dt.datetime:
    return dt.datetime.combine(day, time, COPENHAGEN).astimezone(dt.timezone.utc)
