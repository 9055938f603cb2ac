import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.answers.answer import Hours
from bot.answers.text import week_text
from bot.knowledge.hours import COPENHAGEN, BadHours, Calendar, Day, Openness, danish_hours, openness, parse_hours, week
from bot.knowledge.models import Schedule, ScheduleException


def schedules(text):
    return [Schedule(byday=i.byday, opens_at=i.opens, closes_at=i.closes) for i in parse_hours(text)]


def at(text, moment, calendar=None, office=True):
    calendar = calendar or Calendar()
    kind = calendar.office_day if office else calendar.line_day
    return openness(schedules(text), moment, kind, closed_on_holidays=office)


def local(*parts, fold=0):
    return dt.datetime(*parts, tzinfo=COPENHAGEN, fold=fold)


WEEK = "Mo-We 10:00-14:00; Th 10:00-17:00; Fr 10:00-12:00"


def test_open_closed_and_next_opening():
    assert at(WEEK, local(2026, 11, 23, 10, 0)) == Openness(True, closes=local(2026, 11, 23, 14, 0))
    evening = at(WEEK, local(2026, 11, 22, 22, 30))
    assert (evening.now, evening.next_opening) == (False, local(2026, 11, 23, 10, 0))
    friday = at(WEEK, local(2026, 11, 27, 12, 0))
    assert (friday.now, friday.next_opening) == (False, local(2026, 11, 30, 10, 0))


def test_no_hours_is_unknown_not_closed():
    assert openness([], local(2026, 11, 23, 10, 0), Calendar().office_day, True) == Openness(None, None, None)


def test_public_holiday_closes_an_office_and_leaves_a_helpline_unknown():
    christmas_day = local(2026, 12, 25, 11, 0)
    assert at(WEEK, christmas_day).now is False
    assert at(WEEK, christmas_day).next_opening == local(2026, 12, 28, 10, 0)
    assert at(WEEK, christmas_day, office=False).now is None


def test_great_prayer_day_is_a_working_day_since_2024():
    assert at("Fr 10:00-12:00", local(2026, 5, 1, 11, 0)).now is True


def test_exceptions_of_the_year_and_of_one_municipality():
    calendar = Calendar(
        [
            ScheduleException(municipality_code="0101", month=12, day=24, status="unknown", reason="juleaftensdag"),
            ScheduleException(municipality_code=None, month=12, day=24, status="closed", reason="juleaftensdag"),
            ScheduleException(municipality_code="0259", date=dt.date(2026, 11, 23), status="closed", reason="flytning"),
        ]
    )
    assert calendar.office_day(dt.date(2026, 12, 24), "0259") is Day.CLOSED
    assert calendar.office_day(dt.date(2026, 12, 24), "0101") is Day.UNKNOWN
    assert calendar.office_day(dt.date(2026, 11, 23), "0259") is Day.CLOSED
    assert calendar.office_day(dt.date(2026, 11, 23), "0101") is Day.PLAIN


def test_night_hours_go_on_past_midnight_and_on_holidays():
    doctor = "Mo-Fr 00:00-08:00,16:00-24:00; Sa,Su,PH 00:00-24:00"
    sunday = at(doctor, local(2026, 11, 22, 22, 30), office=False)
    assert (sunday.now, sunday.closes) == (True, local(2026, 11, 23, 8, 0))
    assert at(doctor, local(2026, 11, 23, 12, 0), office=False).next_opening == local(2026, 11, 23, 16, 0)
    assert at(doctor, local(2026, 12, 25, 12, 0), office=False).now is True


def test_what_comes_after_a_day_nobody_knows_is_no_next_opening():
    calendar = Calendar([ScheduleException(month=5, day=1, status="unknown", reason="1. maj")])
    assert at(WEEK, local(2026, 4, 30, 19, 0), calendar) == Openness(False, None, None)
    assert at(WEEK, local(2026, 4, 30, 9, 0), calendar).next_opening == local(2026, 4, 30, 10, 0)


def test_around_the_clock_has_no_closing_time():
    assert at("24/7", local(2026, 12, 24, 19, 0), office=False) == Openness(True, None, None)


@pytest.mark.parametrize("fold", [0, 1])
def test_both_hours_of_the_night_the_clocks_go_back(fold):
    moment = local(2026, 10, 25, 2, 30, fold=fold)
    night = at("Sa 18:00-24:00; Su 00:00-07:00", moment)
    assert night.now is True
    assert night.closes - moment == dt.timedelta(hours=5.5 - fold)


def test_the_hour_that_does_not_exist_in_march():
    opens = at("Su 03:00-05:00", local(2026, 3, 29, 1, 30)).next_opening
    assert opens - local(2026, 3, 29, 1, 30) == dt.timedelta(minutes=30)


@pytest.mark.parametrize("text", ["Mo-Fr 08:00-13:00; Th 14:30-16:00", "Mo-Fri 9-15", "hverdage 9-15", "9"])
def test_bad_hours_say_what_to_write(text):
    with pytest.raises(BadHours) as error:
        parse_hours(text)
    assert text in str(error.value)
    assert error.value.instead.startswith("Skriv")


TIMES = st.times().map(lambda time: time.replace(second=0, microsecond=0))


@given(st.sampled_from("Mo Tu We Th Fr Sa Su".split()), TIMES, TIMES)
def test_any_interval_survives_parsing_and_never_crosses_midnight(day, opens, closes):
    intervals = parse_hours(f"{day} {opens:%H:%M}-{closes:%H:%M}")
    assert 1 <= len(intervals) <= 2
    assert all(i.closes == dt.time(0) or i.opens < i.closes for i in intervals)
    minutes = sum(
        ((i.closes.hour * 60 + i.closes.minute) or 1440) - i.opens.hour * 60 - i.opens.minute for i in intervals
    )
    wanted = (closes.hour * 60 + closes.minute) - (opens.hour * 60 + opens.minute)
    assert minutes == (wanted if wanted > 0 else wanted + 1440)


def test_a_week_reads_as_people_say_it():
    hours = [Hours(*line) for line in week(schedules("Mo-We 09:00-15:00; Th 09:00-12:00,14:30-17:00"))]
    assert week_text(hours) == "mandag-onsdag kl. 9-15, torsdag kl. 9-12 og 14.30-17"


def test_days_may_be_written_in_danish():
    danish = parse_hours("ma-to 09:00-14:00; Fr 09:00-12:00; lø,sø 10:00-11:00; helligdage 10:00-11:00")
    assert danish == parse_hours("Mo-Th 09:00-14:00; Fr 09:00-12:00; Sa,Su 10:00-11:00; PH 10:00-11:00")
    assert danish_hours("Mo-We 10:00-14:00; PH off") == "ma-on 10:00-14:00; helligdage off"
    with pytest.raises(BadHours, match="'mandag 9-15' er ikke åbningstider"):
        parse_hours("mandag 9-15")
