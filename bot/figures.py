"""Figures without content: how many messages a day were answered how, on which topic and in which municipality.

Written by the door (`Counts`), read by the console (`monthly`). A count holds no text, no session, no time of day. What
is shown never points at few: numbers under five are hidden, and so are as many others that a total does not give them
away; for the whole country, and for a month that is not over, numbers are rounded to tens, so that neither subtracting
municipalities nor looking twice tells more.
"""

from __future__ import annotations

import atexit
import csv
import datetime as dt
import io
import re
import threading
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import delete, insert, select, update
from sqlalchemy.engine import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from bot.handoff.models import HandoffTally
from bot.knowledge.directory import Directory
from bot.knowledge.hours import COPENHAGEN, Calendar, Day
from bot.knowledge.models import Usage
from bot.knowledge.sheets import defused

FEWEST = 5
KEEP_DAYS = 400
OFFICE_HOURS = (dt.time(9), dt.time(15))
UNANSWERED = "unanswered"
KINDS = {
    "answer": "svar med kommunens egne oplysninger",
    UNANSWERED: "svar uden kommunens egne oplysninger",
    "clarify": "spurgte tilbage",
    "handoff": "ville tale med et menneske",
    "fallback": "ikke forstået",
    "out_of_scope": "uden for det, vi hjælper med",
    "crisis": "tegn på fare",
    "smalltalk": "hilsen og tak",
    "degraded": "nødsvar, mens noget var nede",
}


class Key(NamedTuple):
    """What one message is counted under."""

    day: dt.date
    topic: str
    municipality_code: str
    kind: str
    out_of_hours: bool


def key_of(answer: Mapping[str, Any], now: dt.datetime, calendar: Calendar | None = None) -> Key:
    """Return what an answer (as JSON) given at `now` is counted under. A crisis is never counted on a topic."""
    local = now.astimezone(COPENHAGEN)
    code = (answer.get("municipality") or {}).get("code") or ""
    kind = str(answer.get("kind") or "degraded")
    department = answer.get("department")
    if kind == "answer" and (department is None or department.get("generic")):
        kind = UNANSWERED
    open_ = OFFICE_HOURS[0] <= local.time() < OFFICE_HOURS[1] and local.weekday() < 5
    in_hours = open_ and (calendar or Calendar()).office_day(local.date(), code or None) is Day.PLAIN
    topic = "" if kind == "crisis" else str(answer.get("topic") or "")
    return Key(local.date(), topic, code, kind, not in_hours)


class Counts:
    """Adds to the table of counts once a second, in a thread of its own: an answer never waits for it or fails by it.

    What could not be written is kept and tried again. A process that is killed loses the last second.
    """

    def __init__(self, engine: Engine, failed: Callable[[Exception], None] = lambda error: None) -> None:
        self._engine, self._failed = engine, failed
        self._pending: Counter[Key] = Counter()
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._swept: dt.date | None = None

    def add(self, key: Key) -> None:
        """Count one message."""
        with self._lock:
            self._pending[key] += 1
            if self._thread is None:  # at the first message: a thread does not survive gunicorn's fork
                self._thread = threading.Thread(target=self._run, name="figures", daemon=True)
                self._thread.start()
                atexit.register(self.flush)
        self._wake.set()

    def flush(self) -> None:
        """Write what is pending. When the table cannot be written, it stays pending."""
        with self._lock:
            pending, self._pending = self._pending, Counter()
        if not pending:
            return
        try:
            self._write(pending)
        except SQLAlchemyError as error:
            with self._lock:
                self._pending.update(pending)
            self._failed(error)

    def _run(self) -> None:
        pause = threading.Event()
        while True:
            self._wake.wait()
            self._wake.clear()
            pause.wait(1)
            self.flush()

    def _write(self, pending: Counter[Key]) -> None:
        last = max(key.day for key in pending)
        with Session(self._engine, future=True) as session, session.begin():
            for key, count in pending.items():
                mine = [getattr(Usage, name) == value for name, value in key._asdict().items()]
                more = update(Usage).where(*mine).values(count=Usage.count + count)
                if not session.execute(more.execution_options(synchronize_session=False)).rowcount:
                    session.execute(insert(Usage).values(**key._asdict(), count=count))
            if self._swept != last:
                old = delete(Usage).where(Usage.day < last - dt.timedelta(days=KEEP_DAYS))
                session.execute(old.execution_options(synchronize_session=False))
                self._swept = last


# -- what is shown -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Number:
    """A number that may be shown: exact, rounded to tens (`about`), or None where it would point at few."""

    value: int | None
    about: bool = False

    def __str__(self) -> str:
        if self.value is None:
            return "skjult"
        return f"ca. {self.value}" if self.about and self.value else str(self.value)


@dataclass(frozen=True)
class Part:
    """One bar: a code, what it is called, and its number."""

    code: str
    name: str
    number: Number


@dataclass(frozen=True)
class Month:
    """The figures of one municipality, or of all (`municipality` None), in one calendar month."""

    month: dt.date
    municipality: str | None
    over: bool
    total: Number
    topics: list[Part]
    unanswered: list[Part]
    kinds: list[Part]
    hours: list[Part]
    handoffs: list[Part]

    def share(self, parts: list[Part], code: str) -> int | None:
        """Return a part in per cent of all messages; None where it is hidden, or there are none."""
        part = next((part.number.value for part in parts if part.code == code), 0)
        if part is None or not self.total.value:
            return None
        share = 100 * part / self.total.value
        return min(100, 5 * round(share / 5)) if self.total.about else round(share)


def hidden(parts: Mapping[str, int], also: Collection[str] = ()) -> set[str]:
    """Return the parts not to show beside their sum: those under five, `also` these, and enough others to keep them
    unknown.

    The hidden parts together are at least five and at least two, unless there are no others (then the sum must go too).
    """
    small = {name for name, count in parts.items() if 0 < count < FEWEST} | set(also)
    rest = sorted((count, name) for name, count in parts.items() if count >= FEWEST and name not in small)
    while small and rest and (len(small) == 1 or sum(parts[name] for name in small) < FEWEST):
        small.add(rest.pop(0)[1])
    return small


def months(engine: Engine) -> list[dt.date]:
    """Return the first days of the months there are figures for, newest first."""
    with Session(engine, future=True) as session:
        days = session.execute(select(Usage.day).distinct()).scalars()
        return sorted({day.replace(day=1) for day in days}, reverse=True)


def parse_month(text: str) -> dt.date | None:
    """Return the first day of a month written as 2026-11, or None."""
    match = re.fullmatch(r"(\d{4})-(0[1-9]|1[0-2])", text, re.ASCII)
    return dt.date(int(match[1]), int(match[2]), 1) if match and 2020 <= int(match[1]) <= 2100 else None


def monthly(engine: Engine, directory: Directory, month: dt.date, code: str | None, now: dt.datetime) -> Month:
    """Return what may be shown of a month (its first day), for a municipality or, with `code` None, for all."""
    end = (month + dt.timedelta(days=32)).replace(day=1)
    query = select(Usage).where(Usage.day >= month, Usage.day < end)
    if code is not None:
        query = query.where(Usage.municipality_code == code)
    topics: Counter[str] = Counter()
    lacking: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    hours: Counter[str] = Counter(in_hours=0, out=0)
    with Session(engine, future=True) as session:
        for row in session.execute(query).scalars():
            topics[row.topic] += row.count
            kinds[row.kind] += row.count
            hours["out" if row.out_of_hours else "in_hours"] += row.count
            if row.kind == UNANSWERED:
                lacking[row.topic] += row.count
        handoffs = _handoffs(session, month, end) if code is None else Counter()
    over = now.astimezone(COPENHAGEN).date() >= end
    show = _exactly if over and code is not None else _about
    total = kinds.total()
    few = 0 < total < FEWEST
    # A topic less those without an answer is a number too: where that is small, the unanswered part must not be told.
    unsafe = {topic for topic, count in lacking.items() if 0 < topics[topic] - count < FEWEST}
    not_said = hidden(lacking, unsafe)
    sum_too = {UNANSWERED} if len(not_said) == 1 else set()  # the sum would tell the only one
    named = {code: topic.title for code, topic in directory.topics.items()} | {"": "uden emne"}
    return Month(
        month=month,
        municipality=code,
        over=over,
        total=Number(None) if few else show({"": total}, set())[""],
        topics=_parts(show(topics, hidden(topics)), topics, named),
        unanswered=_parts(show(lacking, not_said), lacking, named),
        kinds=_parts(show(kinds, hidden(kinds, sum_too)), kinds, KINDS),
        handoffs=_parts(
            show(handoffs, hidden(handoffs)), handoffs, {"kept": "i tide", "late": "for sent eller slet ikke"}
        ),
        hours=_parts(show(hours, hidden(hours)), hours, {"in_hours": "hverdage kl. 9-15", "out": "uden for kontortid"}),
    )


def _handoffs(session: Session, month: dt.date, end: dt.date) -> Counter[str]:
    """Return how many who wanted a human were taken within what was promised; who changed her mind is not counted."""
    query = select(HandoffTally).where(HandoffTally.day >= month, HandoffTally.day < end)
    counts: Counter[str] = Counter()
    for row in session.execute(query.where(HandoffTally.outcome != "withdrawn")).scalars():
        counts["kept" if row.in_time else "late"] += row.count
    return counts


def _exactly(parts: Mapping[str, int], hide: set[str]) -> dict[str, Number]:
    return {name: Number(None if name in hide else count) for name, count in parts.items()}


def _about(parts: Mapping[str, int], _hide: set[str]) -> dict[str, Number]:
    """Rounded numbers give nothing away by subtraction, so only the small ones are hidden."""
    return {
        name: Number(None if 0 < count < FEWEST else 0 if not count else max(10, (count + 5) // 10 * 10), about=True)
        for name, count in parts.items()
    }


def _parts(numbers: Mapping[str, Number], counts: Mapping[str, int], names: Mapping[str, str]) -> list[Part]:
    """The shown ones by size, then the hidden ones by name: their order must not tell their size."""
    parts = [Part(code, names.get(code, code), number) for code, number in numbers.items()]
    return sorted(parts, key=lambda part: (part.number.value is None, -(part.number.value or 0), part.name))


def as_csv(figures: Month, where: str) -> bytes:
    """Return the figures as CSV for Danish Excel, with nothing in it that a spreadsheet takes for a formula."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    writer.writerow(["måned", "område", "tal", "navn", "antal"])
    rows = [("beskeder i alt", "", figures.total)]
    for title, parts in (
        ("emner", figures.topics),
        ("emner uden egne oplysninger", figures.unanswered),
        ("svarets art", figures.kinds),
        ("tidspunkt", figures.hours),
        ("bad om et menneske", figures.handoffs),
    ):
        rows += [(title, part.name, part.number) for part in parts]
    for title, name, number in rows:
        writer.writerow([f"{figures.month:%Y-%m}", defused(where), title, defused(name), str(number)])
    return out.getvalue().encode("utf-8-sig")
