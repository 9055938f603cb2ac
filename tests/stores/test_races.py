"""Two at the same moment, on either engine: one wins, nothing is lost, nothing is promised twice."""

import datetime as dt
import threading
from dataclasses import replace

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot.answers.sms import Sms
from bot.edge.sms.store import SmsStore
from bot.edge.turn import Heard
from bot.handoff.models import HandoffTally
from bot.handoff.requests import Handoff, NotPossible
from bot.helpline.staff import Role, StaffBook
from bot.knowledge import editing
from bot.knowledge import models as m
from bot.knowledge.database import make_engine, migrate
from bot.knowledge.hours import Calendar
from bot.knowledge.load import load
from bot.knowledge.sms import SmsInbound, SmsOutbound, SmsPerson
from tests.conftest import MONDAY
from tests.stores.conftest import CALL, MOTHER, receive


def at_once(count, act):
    """Let `act(number)` happen in so many threads at the same moment; returns what each returned or raised."""
    gate, outcomes = threading.Barrier(count), [None] * count

    def run(number):
        gate.wait(20)
        try:
            outcomes[number] = act(number)
        except Exception as error:
            outcomes[number] = error

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return outcomes


def test_no_more_is_promised_than_the_helpline_can_keep(engine):
    """Eight ask for the same hour, in which four can be called and two have been promised already."""
    handoff = Handoff(engine)
    calendar = Calendar()
    handoff.set_desk("Mo 10:00-11:00", 4, [])
    wish = replace(CALL, wish="today")
    outcomes = at_once(8, lambda n: handoff.place(f"nr. {n}", wish, calendar, MONDAY))
    refused = [one for one in outcomes if isinstance(one, NotPossible)]
    assert all(one.code == "no_wish" for one in refused)
    kept = [one for one in outcomes if one is not None and one not in refused]
    assert len(kept) + len(refused) == 8 and not any(isinstance(one, Exception) for one in kept), outcomes
    waiting = [
        row for row in handoff.queue() if row.state == "waiting" and row.promised_to <= MONDAY + dt.timedelta(hours=1)
    ]
    assert len(waiting) <= 4, "an hour has room for four"
    assert kept


def test_one_conversation_asks_once_however_often_it_is_sent(engine):
    handoff = Handoff(engine)
    outcomes = at_once(6, lambda n: handoff.place("samme", replace(CALL, summary=f"nr. {n}"), Calendar(), MONDAY))
    assert not any(isinstance(one, Exception) for one in outcomes), outcomes
    assert len([row for row in handoff.queue() if row.sender == "samme"]) == 1


def test_one_volunteer_gets_the_call(engine):
    handoff, staff = Handoff(engine), StaffBook(engine)
    people = [staff.add(f"nr{n}", "Navn", None, [Role("volunteer")], MONDAY) for n in range(5)]
    request = handoff.of(MOTHER)
    outcomes = at_once(5, lambda n: handoff.claim(request.id, people[n], MONDAY))
    assert sorted(outcomes) == [False] * 4 + [True]


def test_sweeping_from_many_processes_counts_each_once(engine):
    handoff = Handoff(engine)
    handoff.withdraw(MOTHER, MONDAY)
    later = MONDAY + dt.timedelta(hours=2)
    outcomes = at_once(4, lambda _: handoff.sweep(later))
    # A sweep that met another at the same count gives way, and is there again in ten minutes.
    assert any(one is None for one in outcomes)
    handoff.sweep(later)
    with Session(engine, future=True) as session:
        counted = select(func.sum(HandoffTally.count)).where(HandoffTally.outcome == "withdrawn")
        assert session.execute(counted).scalar() == 1
    assert handoff.of(MOTHER).number is None


def test_the_same_sms_twice_is_kept_once_and_answered_once(engine):
    store = SmsStore(engine)
    kept = at_once(4, lambda _: receive(store, "77", "bostøtte køge"))
    assert sorted(kept) == [False] * 3 + [True]
    inbound = store.next_inbound(MOTHER)
    answered = at_once(4, lambda _: store.answer(inbound, Sms("svar"), "answer", MONDAY))
    assert sorted(answered) == [False] * 3 + [True]
    with Session(engine, future=True) as session:
        mine = select(func.count()).select_from(SmsOutbound).where(SmsOutbound.inbound_id == inbound.id)
        assert session.execute(mine).scalar() == 1


def test_a_newcomer_who_sends_several_at_once_is_one_person(engine):
    store = SmsStore(engine)
    with Session(engine, future=True) as session:
        session.query(SmsPerson).delete()
        session.commit()
    assert at_once(5, lambda n: receive(store, f"new {n}", "hej")) == [True] * 5
    with Session(engine, future=True) as session:
        assert session.execute(select(func.count()).select_from(SmsPerson)).scalar() == 1


def test_the_parts_of_a_long_message_that_come_together_are_joined_once(engine):
    store = SmsStore(engine)
    texts = ["hvor søger ", "jeg tabt ", "arbejdsfortjeneste ", "i Køge?"]
    assert at_once(4, lambda n: receive(store, f"part {n}", texts[n], n + 1, 4)) == [True] * 4
    assert store.next_inbound(MOTHER).text == "".join(texts)


def test_the_last_part_and_the_clock_lose_nothing_between_them(engine):
    store = SmsStore(engine)
    later = MONDAY + dt.timedelta(seconds=61)
    receive(store, "part 1", "tabt arbejds", 1, 2)
    outcomes = at_once(
        2, lambda n: receive(store, "part 2", "fortjeneste", 2, 2, later) if n else store.join_late(Heard, later)
    )
    assert not any(isinstance(one, Exception) for one in outcomes), outcomes
    store.join_late(Heard, later + dt.timedelta(seconds=61))
    with Session(engine, future=True) as session:
        waits = select(SmsInbound.text).where(SmsInbound.sender == MOTHER, SmsInbound.state == "received")
        said = session.execute(waits.order_by(SmsInbound.id)).scalars().all()
    assert "".join(said) == "tabt arbejdsfortjeneste"


def test_one_job_has_a_person(engine):
    store = SmsStore(engine)
    until = MONDAY + dt.timedelta(seconds=30)
    assert sorted(at_once(5, lambda n: store.hold(MOTHER, f"job {n}", until, MONDAY))) == [False] * 4 + [True]


def test_two_editors_of_one_line_one_is_told(engine):
    line = next(one for one in editing.own_lines(engine, "0259", MONDAY) if one.sheet == "departments.csv")

    def edit(n):
        cells = {"phone": f"56 67 00 0{n}"}
        options = {"source": "selv", "now": MONDAY, "codes": {"0259"}, "version": line.version}
        return editing.change(engine, line.id, cells, who=f"nr. {n}", **options)

    outcomes = at_once(3, edit)
    assert sum(isinstance(one, list) for one in outcomes) == 1, outcomes
    assert sum(isinstance(one, editing.RowChanged) for one in outcomes) == 2, outcomes


def test_a_name_that_is_too_long_is_told_before_the_database_has_to(engine):
    line = next(one for one in editing.own_lines(engine, "0259", MONDAY) if one.sheet == "departments.csv")
    with pytest.raises(editing.BadEdit, match="er på 200 tegn"):
        editing.change(engine, line.id, {"name": "x" * 200}, who="Rie", source="", now=MONDAY, codes={"0259"})


def test_two_load_an_empty_database_at_once(kind, beside, made):
    url = made(beside=beside(kind))
    engine = make_engine(url)
    migrate(engine)
    outcomes = at_once(2, lambda _: load(make_engine(url)))
    assert not any(isinstance(one, Exception) for one in outcomes), outcomes
    with Session(engine, future=True) as session:
        assert session.execute(select(func.count()).select_from(m.Municipality)).scalar() == 98
        assert session.execute(select(m.TableVersion.edition)).scalar() == 2
    engine.dispose()
