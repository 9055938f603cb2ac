"""Figures without content: counted beside the answer, never in its way, and never pointing at few."""

import csv
import datetime as dt
import io
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from bot import figures
from bot.edge.app import create_app
from bot.figures import Counts, Key, Number, hidden, key_of, monthly
from bot.knowledge.hours import COPENHAGEN
from bot.knowledge.models import Usage
from tests.conftest import CLOCKS, MONDAY, free_port

TODAY = MONDAY.date()
NOVEMBER = dt.date(2026, 11, 1)
JANUARY = dt.datetime(2027, 1, 4, 10, 0, tzinfo=COPENHAGEN)


def rows(engine):
    with Session(engine, future=True) as session:
        found = session.execute(select(Usage)).scalars()
        return {Key(one.day, one.topic, one.municipality_code, one.kind, one.out_of_hours): one.count for one in found}


def counted(engine, numbers, code="0259", kind="answer", day=TODAY, out=False):
    counts = Counts(engine)
    for topic, number in numbers.items():
        counts._pending[Key(day, topic, code, kind, out)] += number
    counts.flush()


# -- counting ----------------------------------------------------------------------------------------------------


@pytest.fixture
def door(table):
    nobody = f"http://127.0.0.1:{free_port()}"
    url = str(table.url)
    return create_app(nobody, f"{nobody}/webhook", url, clock=lambda: MONDAY, secret="x" * 40, limited=False)


def ask(door, words):
    return door.test_client().post("/api/v1/messages", json={"session": None, "text": words, "municipality": "0259"})


def test_a_message_leaves_one_count_and_none_of_its_words(door, table):
    assert ask(door, "hvor søger jeg bostøtte til min bror Frederik?").status_code == 200
    ask(door, "min bror vil tage sit liv")
    door.config["FIGURES"].flush()
    assert rows(table) == {
        Key(MONDAY.date(), "bostoette", "0259", "degraded", False): 1,
        Key(MONDAY.date(), "", "0259", "crisis", False): 1,
    }
    with Session(table, future=True) as session:
        assert "Frederik" not in str(session.execute(text("SELECT * FROM usage")).all())
    columns = {column.name for column in Usage.__table__.columns}
    assert columns == {"id", "day", "topic", "municipality_code", "kind", "out_of_hours", "count"}


def test_a_table_that_cannot_be_written_silences_nothing_and_loses_nothing(door, table):
    failures = []
    door.config["FIGURES"] = Counts(table, failures.append)
    with table.begin() as connection:
        connection.execute(text("ALTER TABLE usage RENAME TO usage_away"))
    said = ask(door, "hvor søger jeg bostøtte?").get_json()["messages"][0]
    assert said["answer"]["topic"] == "bostoette" and said["answer"]["department"]["phone"]
    door.config["FIGURES"].flush()
    assert failures
    with table.begin() as connection:
        connection.execute(text("ALTER TABLE usage_away RENAME TO usage"))
    assert rows(table) == {}
    ask(door, "hvor søger jeg bostøtte?")
    door.config["FIGURES"].flush()
    assert sum(rows(table).values()) == 2


def test_no_table_at_all_and_a_counter_that_breaks(door, table):
    with table.begin() as connection:
        connection.execute(text("DROP TABLE usage"))
    assert ask(door, "hvor søger jeg bostøtte?").status_code == 200
    door.config["FIGURES"]._pending.clear()
    door.config["FIGURES"] = None
    assert ask(door, "hvor søger jeg bostøtte?").get_json()["messages"][0]["answer"]["department"]["phone"]


def test_counts_reach_the_table_by_themselves(table):
    counts = Counts(table)
    key = Key(MONDAY.date(), "bostoette", "0259", "answer", False)
    counts.add(key)
    counts.add(key)
    for _ in range(100):
        if rows(table):
            break
        counts._wake.wait(0.1)
    assert rows(table) == {key: 2}


def test_counts_of_two_doors_add_up(table):
    for _ in range(2):
        counted(table, {"bostoette": 3})
    assert list(rows(table).values()) == [6]


def test_old_counts_go(table):
    counted(table, {"bostoette": 3}, day=dt.date(2025, 1, 1))
    counted(table, {"bostoette": 3})
    assert [key.day for key in rows(table)] == [MONDAY.date()]


@pytest.mark.parametrize(
    ("moment", "out"),
    [
        (MONDAY, False),
        (CLOCKS["sunday evening"], True),
        (MONDAY.replace(hour=8, minute=59), True),
        (MONDAY.replace(hour=15), True),
        (dt.datetime(2026, 12, 24, 10, tzinfo=COPENHAGEN), True),
        (dt.datetime(2026, 12, 25, 10, tzinfo=COPENHAGEN), True),
    ],
)
def test_out_of_hours_is_a_weekday_from_nine_to_three(directory, moment, out):
    assert key_of({"kind": "answer"}, moment, directory.calendar).out_of_hours is out


def test_what_an_answer_is_counted_as():
    place = {"municipality": {"code": "0259"}, "topic": "bostoette"}
    own, generic = {"generic": False}, {"generic": True}
    assert key_of({"kind": "answer", "department": own, **place}, MONDAY).kind == "answer"
    assert key_of({"kind": "answer", "department": generic, **place}, MONDAY).kind == "unanswered"
    assert key_of({"kind": "answer", "department": None, **place}, MONDAY).kind == "unanswered"
    assert key_of({"kind": "crisis", **place}, MONDAY).topic == "", "who asked of what in danger is nobody's figure"
    assert key_of({}, MONDAY) == Key(MONDAY.date(), "", "", "degraded", False)


# -- few are hidden ----------------------------------------------------------------------------------------------


def possible(parts, hide):
    """Every way to fill the hidden parts so that the sum stays: what a reader who subtracts is left with."""
    left = sum(parts[name] for name in hide)
    names = sorted(hide)
    return [
        dict(zip(names, ways)) for ways in itertools.product(range(left + 1), repeat=len(names)) if sum(ways) == left
    ]


@given(st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 12), min_size=1, max_size=4))
def test_no_total_gives_a_small_number_away(parts):
    hide = hidden(parts)
    small = {name for name, count in parts.items() if 0 < count < 5}
    assert small <= hide
    if not small:
        assert not hide
    elif sum(parts.values()) >= 5:  # else the total is hidden as well
        assert sum(parts[name] for name in hide) >= 5
        for name in small:
            assert len({way[name] for way in possible(parts, hide)}) > 1


def test_a_municipalitys_month(table, directory):
    counted(table, {"bostoette": 20, "tabt_arbejdsfortjeneste": 9})
    counted(table, {"bostoette": 2}, kind="fallback", out=True)
    seen = monthly(table, directory, NOVEMBER, "0259", JANUARY)
    assert seen.over and seen.total == Number(31)
    assert {part.code: part.number.value for part in seen.topics} == {"bostoette": 22, "tabt_arbejdsfortjeneste": 9}
    assert {part.code: part.number.value for part in seen.kinds} == {"answer": None, "fallback": None}
    assert {part.number.value for part in seen.hours} == {None}
    assert seen.share(seen.kinds, "fallback") is None


def test_the_share_that_was_not_understood(table, directory):
    counted(table, {"bostoette": 15})
    counted(table, {"": 5}, kind="fallback", out=True)
    seen = monthly(table, directory, NOVEMBER, "0259", JANUARY)
    assert (seen.share(seen.kinds, "fallback"), seen.share(seen.hours, "out")) == (25, 25)
    assert seen.share(seen.kinds, "crisis") == 0


def test_a_month_with_four_messages_shows_nothing(table, directory):
    counted(table, {"bostoette": 4})
    seen = monthly(table, directory, NOVEMBER, "0259", JANUARY)
    assert seen.total == Number(None)
    assert {part.number.value for parts in (seen.topics, seen.kinds) for part in parts} == {None}


def test_what_was_answered_cannot_be_found_from_what_was_not(table, directory):
    counted(table, {"bostoette": 8, "merudgifter_boern": 9}, kind="unanswered")
    counted(table, {"bostoette": 1, "merudgifter_boern": 30})
    seen = monthly(table, directory, NOVEMBER, "0259", JANUARY)
    assert {part.code: part.number.value for part in seen.unanswered} == {"bostoette": None, "merudgifter_boern": None}


def test_what_is_hidden_alone_cannot_be_found_from_the_sum(table, directory):
    unanswered = {"bostoette": 10, "merudgifter_boern": 20, "tabt_arbejdsfortjeneste": 30}
    counted(table, unanswered, kind="unanswered")
    counted(table, {"bostoette": 2, "merudgifter_boern": 20, "tabt_arbejdsfortjeneste": 30})
    seen = monthly(table, directory, NOVEMBER, "0259", JANUARY)
    shown = {part.code: part.number.value for part in seen.unanswered}
    assert shown == {"bostoette": None, "merudgifter_boern": None, "tabt_arbejdsfortjeneste": 30}
    assert {part.code: part.number.value for part in seen.kinds}["unanswered"] == 60


def test_where_only_one_topic_lacks_answers_their_sum_is_hidden_too(table, directory):
    counted(table, {"bostoette": 10}, kind="unanswered")
    counted(table, {"bostoette": 2, "merudgifter_boern": 40})
    seen = monthly(table, directory, NOVEMBER, "0259", JANUARY)
    assert {part.number.value for part in (*seen.unanswered, *seen.kinds)} == {None}


def test_the_country_and_an_unfinished_month_are_rounded(table, directory):
    counted(table, {"bostoette": 33})
    counted(table, {"bostoette": 2}, code="0253")
    country = monthly(table, directory, NOVEMBER, None, JANUARY)
    assert str(country.total) == "ca. 40", "33 and 2: what Greve asked cannot be found by subtracting Køge"
    now = monthly(table, directory, NOVEMBER, "0259", MONDAY)
    assert not now.over and str(now.total) == "ca. 30"
    assert monthly(table, directory, NOVEMBER, "0253", JANUARY).total == Number(None)


def test_the_csv_hides_the_same_and_holds_no_formula(table, directory):
    counted(table, {"bostoette": 20, "=cmd": 9, "merudgifter_boern": 3})
    said = figures.as_csv(monthly(table, directory, NOVEMBER, "0259", JANUARY), "Køge").decode("utf-8-sig")
    cells = list(csv.reader(io.StringIO(said), delimiter=";"))
    numbers = {row[3]: row[4] for row in cells if row[2] == "emner"}
    assert numbers["'=cmd"] == "skjult", "so that the sum does not tell the three"
    assert sorted(numbers.values()) == ["20", "skjult", "skjult"]
    assert not [cell for row in cells for cell in row if cell.startswith(("=", "+", "-", "@"))]
