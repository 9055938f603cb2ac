"""What a person who asks to be called is promised, and that it can be kept."""

import datetime as dt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.handoff.promise import LONGEST, SHORTEST, desk_spans, interval, promise, promises
from bot.knowledge.hours import COPENHAGEN, Calendar
from tests.conftest import CLOCKS, MONDAY

HOURS = "Mo,Tu,Th 10:00-16:00; We 10:00-16:00,17:00-20:00; Fr 10:00-13:00"
SUNDAY = CLOCKS["sunday evening"]


def spans(now, hours=HOURS, closed=(), calendar=None):
    return desk_spans(hours, closed, calendar or Calendar(), now)


def said(now, due=(), calls=4, **options):
    return {found.wish: found.said(now) for found in promises(spans(now, **options), list(due), calls, now)}


def at(year, month, day, hour, minute=0, fold=0):
    return dt.datetime(year, month, day, hour, minute, tzinfo=COPENHAGEN, fold=fold)


def test_on_a_monday_morning():
    assert said(MONDAY) == {
        "today": "i dag mellem kl. 10 og 12",
        "tomorrow_morning": "i morgen tirsdag mellem kl. 10 og 12",
        "evening": "onsdag den 25. november mellem kl. 17 og 19",
    }


def test_on_a_sunday_at_half_past_ten_in_the_evening_nothing_is_promised_for_today():
    assert said(SUNDAY) == {
        "tomorrow_morning": "i morgen mandag mellem kl. 10 og 12",
        "evening": "onsdag den 25. november mellem kl. 17 og 19",
    }


def test_a_quarter_before_closing_it_is_too_late_for_today():
    assert "today" in said(at(2026, 11, 23, 15, 20))
    assert said(at(2026, 11, 23, 15, 20))["today"] == "i dag mellem kl. 15.30 og 16"
    assert "today" not in said(at(2026, 11, 23, 15, 45))


def test_on_friday_afternoon_only_what_there_is():
    assert said(at(2026, 11, 27, 14), hours="Mo-Fr 10:00-13:00") == {
        "soonest": "mandag den 30. november mellem kl. 10 og 12"
    }


def test_christmas_is_closed(directory):
    eve = CLOCKS["christmas eve"]  # a Thursday
    kept = said(eve, calendar=directory.calendar)
    assert kept == {"evening": "onsdag den 30. december mellem kl. 17 og 19"}, "Christmas days are holidays"
    without_evenings = said(eve, hours="Mo-Fr 10:00-16:00", calendar=directory.calendar)
    assert without_evenings == {"soonest": "mandag den 28. december mellem kl. 10 og 12"}
    before = at(2026, 12, 23, 15, 50)
    assert "tomorrow_morning" not in said(before, calendar=directory.calendar)


def test_days_on_which_houses_differ_are_promised_to_nobody(directory):
    evening = at(2026, 4, 30, 20)
    assert said(evening, hours="Mo-Fr 10:00-16:00", calendar=directory.calendar) == {
        "soonest": "mandag den 4. maj mellem kl. 10 og 12"
    }


def test_the_helplines_own_closed_day():
    assert "tomorrow_morning" not in said(MONDAY, closed=[dt.date(2026, 11, 24)])


@pytest.mark.parametrize(
    "now, until_three",
    [(at(2026, 10, 25, 1, 30), 2.5), (at(2026, 10, 25, 2, 30, fold=1), 0.5), (at(2026, 3, 29, 1, 30), 0.5)],
    ids=["before it goes back", "after it went back", "before it goes forward"],
)
def test_on_the_nights_the_clock_changes_hours_are_hours(now, until_three):
    night = promise("today", spans(now, hours="24/7"), [], 4, now)
    assert night.ends - night.begins == LONGEST and night.begins == now, "two hours, whatever the clock shows"
    early = promise("today", spans(now, hours="Su 03:00-06:00"), [], 4, now)
    assert interval(early.begins, early.ends, now) == "i dag mellem kl. 3 og 5"
    assert early.begins - now.astimezone(dt.timezone.utc) == dt.timedelta(hours=until_three)


def test_the_queue_moves_the_promise():
    # Four calls an hour: eight are due by noon, so the ninth is promised later.
    noon = at(2026, 11, 23, 12)
    assert said(MONDAY, [noon] * 7)["today"] == "i dag mellem kl. 10 og 12"
    assert said(MONDAY, [noon] * 8)["today"] == "i dag mellem kl. 10.15 og 12.15"
    assert said(MONDAY, [noon] * 12)["today"] == "i dag mellem kl. 11.15 og 13.15"
    assert said(MONDAY, [noon] * 24).get("today") is None, "the day is full"
    assert said(MONDAY, [noon] * 24)["tomorrow_morning"] == "i morgen tirsdag mellem kl. 10 og 12"


def test_nobodys_time_is_given_away():
    # Twelve are due by 13: all the time there is. One more before that would break a promise.
    one = at(2026, 11, 23, 13)
    assert said(MONDAY, [one] * 12)["today"] == "i dag mellem kl. 11.15 og 13.15"
    assert said(MONDAY, [one] * 11)["today"] == "i dag mellem kl. 10 og 12"


def test_another_try_takes_nobodys_time_either():
    # Sixteen are due by 14: all the time there is. Whoever did not pick up is called after them.
    two, hour = at(2026, 11, 23, 14), dt.timedelta(hours=1)
    assert (
        promise("soonest", spans(MONDAY), [two] * 16, 4, MONDAY, hour).said(MONDAY) == "i dag mellem kl. 12.15 og 14.15"
    )
    assert promise("soonest", spans(MONDAY), [two] * 15, 4, MONDAY, hour).said(MONDAY) == "i dag mellem kl. 11 og 13"


def test_behind_with_some_nothing_more_is_promised_before_them():
    friday, two = at(2026, 11, 20, 13), at(2026, 11, 23, 14)
    assert said(MONDAY, [friday, *[two] * 16])["today"] == "i dag mellem kl. 12.30 og 14.30"


def test_those_who_were_not_called_in_time_still_stand_in_the_queue():
    late = at(2026, 11, 20, 13)
    assert said(MONDAY, [late] * 8)["today"] == "i dag mellem kl. 10.15 og 12.15"


def test_a_desk_that_is_never_open_promises_nothing():
    assert promises([], [], 4, MONDAY) == []


def test_an_interval_is_said_as_people_say_it():
    assert interval(at(2026, 11, 23, 13), at(2026, 11, 23, 15), MONDAY) == "i dag mellem kl. 13 og 15"
    assert interval(at(2026, 11, 30, 9, 15), at(2026, 11, 30, 11, 15), MONDAY) == (
        "mandag den 30. november mellem kl. 9.15 og 11.15"
    )


moments = st.integers(0, 60 * 24 * 60).map(lambda minutes: at(2026, 10, 1, 0) + dt.timedelta(minutes=minutes))


@settings(max_examples=120, deadline=None)
@given(now=moments, rests=st.lists(st.integers(0, 72), max_size=30), calls=st.integers(1, 12))
def test_whatever_is_promised_lies_in_open_time_and_can_be_kept(now, rests, calls):
    open_time = spans(now)
    due: list[dt.datetime] = []
    for hours in rests:  # each asks in turn and is promised something, some of them for later
        rest = dt.timedelta(hours=hours)
        found = promise("soonest", open_time, due, calls, now, rest)
        if found is None:
            continue
        assert SHORTEST <= found.ends - found.begins <= LONGEST
        assert now + rest <= found.begins
        assert any(opens <= found.begins and found.ends <= closes for opens, closes in open_time)
        due.append(found.ends)
    # Called in the order they are due, one after the other, everybody is called before the interval ends.
    takes = dt.timedelta(hours=1) / calls
    queue, worked = sorted(due), dt.timedelta(0)
    for opens, closes in open_time:
        opens = max(opens, now)
        while queue and opens < closes:
            step = min(takes - worked, closes - opens)
            opens, worked = opens + step, worked + step
            if worked == takes:
                assert opens <= queue.pop(0)
                worked = dt.timedelta(0)


@settings(max_examples=60, deadline=None)
@given(now=moments, waiting=st.integers(0, 20))
def test_one_more_in_the_queue_never_makes_it_earlier(now, waiting):
    open_time = spans(now)
    due = [now + dt.timedelta(hours=1)] * waiting
    fewer = promise("soonest", open_time, due, 3, now)
    more = promise("soonest", open_time, [*due, now + dt.timedelta(hours=1)], 3, now)
    assert more is None or (fewer is not None and fewer.begins <= more.begins)
