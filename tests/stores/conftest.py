"""The same on SQLite and on PostgreSQL, in every run: what lives in the database, and what comes when it goes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import select
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from bot.answers.sms import Sms
from bot.backup import tables
from bot.edge.sms.provider import Inbound
from bot.edge.sms.store import SmsStore, WayOn
from bot.edge.turn import Heard
from bot.handoff.models import HandoffTally
from bot.handoff.requests import Handoff, Wish
from bot.helpline.staff import Role, StaffBook
from bot.knowledge import editing
from bot.knowledge import models as m
from bot.knowledge.database import make_engine, migrate
from bot.knowledge.hours import Calendar
from bot.knowledge.load import load
from tests.conftest import MONDAY
from tests.databases import copy_database, drop_database, new_database
from tests.servers import Redis, redis

KINDS = ("sqlite", "postgresql")
MOTHER, SON = "moder", "søn"
CALL = Wish("call", "Det handler om: bostøtte til min søn på Ærø", "20123456", "soonest", "bostoette", "0259")


@pytest.fixture(scope="session")
def beside(request, tmp_path_factory) -> Callable[[str], str]:
    """The address of an empty database of a kind, beside which others are made."""

    def empty(kind: str) -> str:
        if kind == "postgresql":
            return str(request.getfixturevalue("postgresql").url())
        return f"sqlite:///{tmp_path_factory.mktemp('beside')}/empty.db"

    return empty


@pytest.fixture(scope="session")
def stocks(beside, tmp_path_factory) -> Callable[[str], str]:
    """A database of a kind with something in every table, to be copied; made at the first asking."""
    made: dict[str, str] = {}

    def stock(kind: str) -> str:
        if kind not in made:
            url = new_database(beside(kind), tmp_path_factory.mktemp("stock"))
            engine = make_engine(url)
            migrate(engine)
            load(engine)
            _live(engine)
            engine.dispose()
            made[kind] = url
        return made[kind]

    return stock


@pytest.fixture(params=KINDS)
def kind(request) -> str:
    return str(request.param)


@pytest.fixture
def made(tmp_path) -> Iterator[Callable[..., str]]:
    """Make databases that go after the test: `made(beside=…)` an empty one, `made(of=…)` a copy."""
    urls: list[str] = []

    def make(beside: str = "", of: str = "") -> str:
        urls.append(copy_database(of, tmp_path) if of else new_database(beside, tmp_path))
        return urls[-1]

    yield make
    for url in urls:
        drop_database(url)


@pytest.fixture
def url(kind, stocks, made) -> str:
    """The address of a database with something in every table, on each engine in turn."""
    return made(of=stocks(kind))


@pytest.fixture
def engine(url) -> Iterator[Engine]:
    engine = make_engine(url)
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory) -> Iterator[Redis]:
    with redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


def _live(engine: Engine) -> None:
    """Let people write, ask, edit and complain, so that no table is empty."""
    staff, handoff, store = StaffBook(engine), Handoff(engine), SmsStore(engine)
    vera = staff.add("vera", "Vera Åse Frivillig", "fire glade giraffer løber", [Role("volunteer")], MONDAY)
    staff.note(staff.begin(vera, MONDAY), "login", "", MONDAY)
    handoff.set_desk("Mo-Fr 10:00-16:00", 4, [dt.date(2026, 12, 23)])
    handoff.place(MOTHER, CALL, Calendar(), MONDAY)
    request = handoff.place(SON, CALL, Calendar(), MONDAY)
    handoff.claim(request.id, vera, MONDAY)
    assert handoff.say(request.id, "person", "kan I høre mig?", MONDAY)
    receive(store, "1", "bostøtte køge")
    answer = Sms("Bostøtte i Køge: 56 67 67 67", choices=["1"], municipality="0259")
    store.answer(store.next_inbound(MOTHER), answer, "answer", MONDAY)
    store.queue(SON, answer, WayOn("BCDFG", SON, MONDAY + dt.timedelta(hours=6)), "web", MONDAY)
    store.opt_out(SON, True, MONDAY)
    line = editing.own_lines(engine, "0259", MONDAY)[0]
    editing.change(engine, line.id, {"notes": "set på Ærø"}, who="Rie", source="selv", now=MONDAY, codes={"0259"})
    about = {"topic": "bostoette", "municipality_code": "0259"}
    with Session(engine, future=True) as session:
        session.add_all(
            [
                m.Feedback(**about, facet="where", helped=3, not_helped=1),
                m.FeedbackReason(**about, facet="hours", reason="ingen tog den", given_on=MONDAY.date()),
                m.Heartbeat(name="backup", at=dt.datetime(2026, 11, 23, 3, 0)),
                m.Usage(**about, day=MONDAY.date(), kind="answer", out_of_hours=False, count=7),
                m.CorrectionReport(
                    table_name="organization",
                    record_id=line.id,
                    field="phone",
                    message="nummeret går til en fax",
                    reported_at=dt.datetime(2026, 11, 23, 10, 0, 0, 123456),
                ),
                HandoffTally(day=MONDAY.date(), kind="call", outcome="done", in_time=True, count=2),
            ]
        )
        session.commit()
        bare = [table.name for table in tables() if session.execute(select(table).limit(1)).first() is None]
    assert bare == [], "every table has rows"


def receive(
    store: SmsStore, message_id: str, text: str, part: int = 1, parts: int = 1, now: dt.datetime = MONDAY
) -> bool:
    """Keep an SMS from the mother."""
    message = Inbound(message_id, "4520304050", text, now, "long" if parts > 1 else None, part, parts)
    return store.receive("gatewayapi", message, MOTHER, Heard(text), Heard, now)
