"""From a telephone to the answer on it, without Rasa: what is kept, in which order, how often, and what it costs."""

import datetime as dt
import re
import threading

import httpx
import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from bot.answers import conversation as talk
from bot.answers.degraded import degraded_turn
from bot.answers.links import Links
from bot.answers.sms import Sms, render_sms
from bot.edge.app import create_app
from bot.edge.sms.dialogue import (
    ASKED,
    CANNOT_CALL,
    CODE_LETTERS,
    FORGOTTEN,
    FULL,
    HELP,
    MOST_AN_HOUR,
    NO_CALL,
    REGRET,
    RING,
    STARTED,
    STILL_CALLED,
    STOPPED,
    TOO_MANY,
    keyword,
)
from bot.edge.sms.provider import NotNow, Report
from bot.edge.sms.store import WayOn, without_cut_numbers
from bot.edge.turn import speak
from bot.handoff.models import HandoffMessage, HandoffRequest
from bot.handoff.requests import Wish
from bot.knowledge.database import make_engine
from bot.knowledge.directory import Shelf
from bot.knowledge.sms import SmsInbound, SmsNumber, SmsOutbound, SmsPerson
from tests.conftest import CLOCKS, vejviser
from tests.databases import taken_away
from tests.sms import MOTHER, make_town, metrics

FATHER = "4520304051"
NOBODY = "http://127.0.0.1:1"


@pytest.fixture(scope="module")
def shelf(database):
    """One reading of the table for every town."""
    shelf = Shelf(make_engine(database))
    shelf.current()
    return shelf


@pytest.fixture
def build(tmp_path, shipped, shelf):
    """Build a town; the table in it is the one already read."""
    open_towns = []

    def make(**environ):
        manager = make_town(tmp_path, shipped, **environ)
        town = manager.__enter__()
        open_towns.append(manager)
        town.app.config["SHELF"] = town.office._shelf = shelf
        return town

    yield make
    for manager in open_towns:
        manager.__exit__(None, None, None)


@pytest.fixture
def town(build):
    return build()


def rows(town, model):
    with Session(make_engine(town.url), future=True) as session:
        return list(session.execute(select(model)).scalars())


# -- receiving -----------------------------------------------------------------------------------------------------


def test_a_question_is_answered_with_one_sms(town):
    said = town.writes("tabt arbejdsfortjeneste køge")
    assert "Familiecenter Køge" in said and "barnets lov § 87" in said and "Kilde koege.dk" in said
    assert len(town.gateway.sent_to(MOTHER)) == 1 and town.gateway.sent_to(MOTHER)[0].segments <= 2


def test_the_webhook_answers_before_anything_is_done(town):
    assert town.deliver("bostøtte køge") == 204
    assert town.gateway.calls == 0 and rows(town, SmsInbound)[0].state == "received"
    town.work()
    assert town.gateway.calls == 1 and rows(town, SmsInbound)[0].state == "answered"


def test_the_same_message_twice_is_answered_once_also_after_a_restart(town, build):
    town.deliver("bostøtte køge", message_id=5)
    town.deliver("bostøtte køge", message_id=5)
    town.work()
    assert town.deliver("bostøtte køge", message_id=5) == 204, "a late copy"
    town.work()
    town.later(3600)
    assert len(town.gateway.sent_to(MOTHER)) == 1


@pytest.mark.parametrize("scheme", ["token", "body"])
def test_who_is_not_the_gateway_is_refused(town, scheme):
    town.gateway.scheme, town.gateway.secret = scheme, "x" * 40
    assert town.deliver("bostøtte køge") == 403
    assert httpx.post(town.gateway.webhook, json={"id": 1}).status_code == 403
    assert not rows(town, SmsInbound)


@pytest.mark.parametrize("scheme", ["token", "body"])
def test_a_call_that_is_sent_again_a_day_later_is_refused(town, scheme):
    town.gateway.scheme = scheme
    payload = town.gateway.message(77, MOTHER, "bostøtte køge", town.now.timestamp())
    assert town.gateway.call(payload) == 204
    town.work()
    assert town.gateway.call(payload) == 204, "at once: known by its id"
    town.now += dt.timedelta(hours=25)
    assert town.gateway.call(payload) == 403, "later: by its time"
    town.work()
    assert len(town.gateway.sent_to(MOTHER)) == 1


def test_without_its_database_the_door_asks_the_gateway_to_come_again(town):
    with taken_away(town.url):
        assert town.deliver("bostøtte køge", message_id=9) == 503
    assert town.deliver("bostøtte køge", message_id=9) == 204
    town.work()
    assert len(town.gateway.sent_to(MOTHER)) == 1


def test_a_queue_that_is_lost_loses_no_message(town):
    town.deliver("bostøtte køge")
    town.office.jobs.huey.flush()
    town.work()
    assert not town.gateway.sent_to(MOTHER)
    town.later(10)
    assert len(town.gateway.sent_to(MOTHER)) == 1


def test_messages_are_answered_in_the_order_they_were_written(town):
    now = town.now.timestamp()
    town.deliver("bostøtte aalborg", sent_at=now - 5, message_id=2)
    town.deliver("bostøtte køge", sent_at=now - 20, message_id=3)
    town.deliver("bostøtte odense", sent_at=now - 1, message_id=1)
    town.work()
    said = [bubble.text for bubble in town.gateway.sent_to(MOTHER)]
    assert [name for text in said for name in ("Køge", "Aalborg", "Odense") if name in text] == [
        "Køge",
        "Aalborg",
        "Odense",
    ]


def test_many_jobs_at_once_answer_each_message_once_and_in_order(town):
    places = ("Køge", "Aalborg", "Odense", "Roskilde", "Vejle", "Herning")
    for number, place in enumerate(places):
        town.deliver(f"bostøtte {place}", sent_at=town.now.timestamp() - 60 + number)
    sender = town.sender()
    threads = [threading.Thread(target=town.office.serve, args=(sender,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    town.work()
    said = [bubble.text for bubble in town.gateway.sent_to(MOTHER)]
    assert len(said) == len(places) and all(place in text for place, text in zip(places, said))


def test_the_parts_of_a_long_message_are_joined_whichever_comes_first(town):
    text = "Vi har brug for hjælp til vores datter, der er meget syg, og vi ved ikke, hvor vi skal gå hen. " * 2
    text += "Hvor søger vi tabt arbejdsfortjeneste i Køge?"
    cut = text.index("arbejdsfortjeneste") + 7
    town.deliver(text[cut:], udh="050003A70202")
    town.work()
    assert not town.gateway.sent_to(MOTHER)
    town.deliver(text[:cut], udh="050003A70201")
    town.work()
    (answer,) = town.gateway.sent_to(MOTHER)
    assert "barnets lov § 87" in answer.text


def test_null_characters_in_parts_are_left_out_and_the_space_at_the_cut_stays(town):
    town.deliver("tabt arbejdsfortjeneste\0 ", udh="050003AC0201")
    assert rows(town, SmsInbound)[0].text == "tabt arbejdsfortjeneste "
    town.deliver("i\0 Køge", udh="050003AC0202")
    town.work()
    assert "barnets lov § 87" in town.gateway.sent_to(MOTHER)[0].text


def test_an_id_that_no_database_takes_is_unreadable(town):
    assert town.deliver("bostøtte køge", message_id="7\0") == 400 and not rows(town, SmsInbound)
    assert town.gateway.report("x", "y\0") == 400
    assert town.deliver("bostøtte køge", message_id="7" * 200) == 204
    assert rows(town, SmsInbound)[0].message_id == "7" * 80


def test_a_part_that_never_comes_is_not_waited_for(town):
    town.deliver("tabt arbejdsfortjeneste i Køge, og så er der også", udh="050003A80201")
    town.later(20)
    assert not town.gateway.sent_to(MOTHER)
    town.later(60)
    assert "barnets lov § 87" in town.gateway.sent_to(MOTHER)[0].text


def test_half_a_cpr_number_at_the_cut_is_kept_by_nobody(town):
    assert without_cut_numbers("hans cpr er 01019", 1, 2) == "hans cpr er  "
    assert without_cut_numbers("jeg bor i 4600", 1, 2) == "jeg bor i 4600"
    town.deliver("Bostøtte i Køge til min søn med cpr 0101", udh="050003A90201")
    town.deliver("50-1234, hvor er det?", udh="050003A90202")
    town.deliver("Bostøtte i Køge til min søn med cpr 010150-", udh="050003AA0201", number=FATHER)
    kept = town.everything_kept()
    assert b"010150" not in kept and b"1234, hvor" not in kept
    town.work()
    assert "Socialafdelingen" in town.gateway.sent_to(MOTHER)[0].text


@pytest.mark.parametrize("text", ["", "   ", "🙂🙂", "?!", "\u200b"])
def test_pictures_and_signs_get_a_kind_sentence_with_a_number(town, text):
    said = town.writes(text)
    assert "112" in said and "ord" in said


def test_pictures_get_the_municipalitys_own_number_where_it_is_known(build):
    assert "Køge Kommune: 56 67 67 67" in build(VEJVISER_SMS_MUNICIPALITY="0259").writes("🙂")


# -- danger and keywords -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["stop, jeg vil dø", "SLET alt, hun vil tage sit eget liv", "hjælp, han har en kniv"])
def test_danger_goes_before_every_keyword(town, text):
    said = town.writes(text)
    assert said.startswith("Ring 112 nu") and town.gateway.sent_to(MOTHER)[0].segments == 1


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("STOP", "stop"),
        ("stop.", "stop"),
        ("Start!", "start"),
        (" slet ", "forget"),
        ("HJÆLP", "help"),
        ("hjaelp", "help"),
        ("Hjælp!!!", "help"),
        ("stop nu den sag", None),
        ("hjælp til min søn", None),
        ("slettet", None),
        ("Ring", "ring"),
        ("ring mig op!", "ring"),
        ("RING OP.", "ring"),
        ("skal jeg ring op til dem", None),
        ("Ring 112!", "help"),
        ("ring 1813", None),
        ("Slet 1", None),
        ("stop 2", None),
        ("1 stop", None),
    ],
)
def test_keywords_are_words_by_themselves_in_any_case(text, word):
    assert keyword(text) == word


def test_a_number_beside_a_keyword_is_not_lost(town):
    town.handoff.set_desk(HOURS, 4, [])
    assert town.writes("Ring 112") == HELP and not rows(town, HandoffRequest)
    town.writes("slet 1")
    town.writes("stop 2")
    assert rows(town, SmsPerson) and "Socialafdelingen" in town.writes("bostøtte køge")


def test_stop_is_confirmed_once_and_then_there_is_silence_but_not_in_danger(town):
    assert town.writes("STOP") == STOPPED
    assert town.writes("stop") == "" and town.writes("bostøtte køge") == ""
    assert town.writes("HJÆLP") == HELP, "who asks for help is told of 112"
    assert town.writes("han vil tage sit eget liv").startswith("Ring 112 nu")
    assert town.writes("bostøtte køge") == ""
    assert town.writes("Start") == STARTED
    assert "Socialafdelingen" in town.writes("bostøtte køge")


def test_help_says_112_first(town):
    assert town.writes("hjælp") == HELP and HELP.startswith("Er nogen i fare, så ring 112")


def test_delete_lets_everything_go_and_the_number_when_it_is_confirmed(town):
    town.writes("bostøtte køge")
    assert [row.number for row in rows(town, SmsNumber)] == [MOTHER]
    assert town.writes("SLET") == FORGOTTEN
    assert rows(town, SmsNumber) == [] and rows(town, SmsPerson) == []
    assert MOTHER.encode() not in town.everything_kept().replace(b"\x00", b"")
    assert town.writes("bostøtte køge"), "and one can begin again"


def test_who_writes_again_at_once_after_delete_is_answered(town):
    town.deliver("SLET")
    town.deliver("bostøtte køge")
    town.work()
    said = [bubble.text for bubble in town.gateway.sent_to(MOTHER)]
    assert said[0] == FORGOTTEN and "Socialafdelingen" in said[1]


def test_a_long_message_in_one_call_is_not_too_big(town):
    long = "æøå " * 380 + "bostøtte i Køge"
    town.gateway.scheme = "body"
    assert town.deliver(long) == 204
    assert httpx.post(town.gateway.webhook, content=b"x" * 20_000).status_code == 413


def test_a_machine_that_answers_us_does_not_go_on_for_ever(town):
    said = [town.writes("tak for din besked") for _ in range(MOST_AN_HOUR + 3)]
    assert said[MOST_AN_HOUR] == TOO_MANY and said[MOST_AN_HOUR + 1 :] == ["", ""]
    assert town.writes("hun vil dø, hun har taget piller").startswith("Ring 112 nu")
    town.now += dt.timedelta(hours=1, minutes=1)
    assert town.writes("bostøtte køge")


# -- what is kept --------------------------------------------------------------------------------------------------


def test_nothing_private_is_kept_logged_or_sent_on(town, capfd):
    private = "bostøtte i Køge til Anders Mikkelsen, 010150-1234, anders.mikkelsen@gmail.com"
    town.deliver(private)
    before = town.everything_kept()
    town.work()
    for piece in (b"Mikkelsen", b"010150", b"gmail"):
        assert piece not in before and piece not in town.everything_kept()
    (kept,) = rows(town, SmsInbound)
    assert kept.text == "" and kept.redacted, "the text goes when it is answered"
    assert rows(town, SmsOutbound)[0].text == ""
    out, err = capfd.readouterr()
    log = out + err + repr(town.log)
    assert "bostøtte" not in log and MOTHER not in log and "20304050" not in log
    assert "Private oplysninger er taget ud" in town.gateway.sent_to(MOTHER)[0].text
    assert "Private" not in town.writes("hans nummer er 20 99 88 77, bostøtte køge"), "told once"


def test_the_number_stands_in_one_table_and_is_gone_after_a_day(town):
    town.writes("bostøtte køge")
    town.now += dt.timedelta(hours=23)
    town.office.delete_old()
    assert len(rows(town, SmsNumber)) == 1
    town.now += dt.timedelta(hours=2)
    town.office.delete_old()
    assert rows(town, SmsNumber) == [] and rows(town, SmsPerson) == []
    assert len(rows(town, SmsInbound)) == 1, "its id is known for a week"
    town.now += dt.timedelta(days=7)
    town.office.delete_old()
    assert rows(town, SmsInbound) == [] and rows(town, SmsOutbound) == []


# -- sending -------------------------------------------------------------------------------------------------------


def test_too_many_requests_are_tried_again_when_the_gateway_said(town):
    town.gateway.retry_after = 40
    town.gateway.play("429", 1)
    town.deliver("bostøtte køge")
    town.work()
    assert town.gateway.calls == 1
    town.later(35)
    assert town.gateway.calls == 1, "not before"
    town.later(20)
    assert len(town.gateway.sent_to(MOTHER)) == 1 and town.gateway.calls == 2


def test_their_fault_is_tried_again_ever_more_slowly_and_then_given_up(town):
    town.gateway.play("500", 100)
    town.deliver("bostøtte køge")
    town.work()
    for _ in range(200):
        town.later(5)
    assert town.gateway.calls == 8
    (letter,) = town.store.dead_letters()
    assert (letter.error, letter.attempts) == ("HTTP 500", 8) and letter.text
    assert 'vejviser_sms_messages{state="failed"} 1.0' in metrics(town)
    assert [entry for entry in town.log if entry["event"] == "sms dead letter"]


def test_waits_double_up_to_a_limit_and_differ(town):
    office = town.office
    waits = [office.wait(attempt, NotNow("x")) for attempt in range(10)]
    assert waits[:4] == [2, 4, 8, 16] and waits[-1] == 300
    office._chance = lambda: 0.0
    assert office.wait(3, NotNow("x")) == 8 and office.wait(0, NotNow("x", after=60)) == 60
    assert office.wait(0, NotNow("x", uncertain=True)) >= 30, "until a report can have come"


def test_a_wrong_key_is_not_tried_again_but_listed_and_sent_when_it_is_mended(town, monkeypatch):
    monkeypatch.setenv("VEJVISER_DATABASE_URL", town.url)
    town.gateway.play("401", 1)
    town.deliver("bostøtte køge")
    town.work()
    town.later(600)
    assert town.gateway.calls == 1
    listed = vejviser("sms", "failed").stdout
    assert "HTTP 401" in listed and "1 beskeder" in listed
    assert MOTHER not in listed and "Socialafdelingen" not in listed
    assert "1 beskeder er sat i kø" in vejviser("sms", "retry").stdout
    town.now = dt.datetime.now(dt.timezone.utc)
    town.later(10)
    assert len(town.gateway.sent_to(MOTHER)) == 1
    assert "0 beskeder" in vejviser("sms", "failed").stdout


def test_order_is_kept_while_the_first_waits(town):
    town.gateway.play("429", 1)
    town.deliver("bostøtte køge")
    town.work()
    town.deliver("bostøtte aalborg")
    town.work()
    assert town.gateway.sent_to(MOTHER) == [], "the second does not overtake"
    assert town.writes("bostøtte odense", number=FATHER), "and others do not wait"
    town.later(10)
    said = [bubble.text for bubble in town.gateway.sent_to(MOTHER)]
    assert len(said) == 2 and "Køge" in said[0] and "Aalborg" in said[1]


def test_danger_waits_for_no_message_that_the_gateway_put_off(town):
    town.gateway.retry_after = 3600
    town.gateway.play("429", 1)
    assert town.writes("bostøtte køge") == ""
    assert town.writes("jeg vil ikke leve mere").startswith("Ring 112 nu")
    assert town.writes("bostøtte aalborg") == "", "the others keep their order"
    town.later(4000)
    said = [bubble.text for bubble in town.gateway.sent_to(MOTHER)]
    assert len(said) == 3 and "Køge" in said[1] and "Aalborg" in said[2]


def test_danger_waits_half_a_minute_at_most_whatever_the_gateway_asks(town):
    town.gateway.retry_after = 3600
    town.gateway.play("429", 4)
    assert town.writes("hun vil tage sit eget liv") == ""
    assert town.writes("bostøtte køge", number=FATHER) == "", "an ordinary one waits as long as asked"
    for _ in range(10):
        town.later(31)
    assert town.gateway.sent_to(MOTHER)[0].text.startswith("Ring 112 nu") and not town.gateway.sent_to(FATHER)


def test_nobody_waits_for_a_reply_in_danger_that_is_put_off(town):
    town.gateway.play("429", 1)
    assert town.writes("hun vil tage sit eget liv") == ""
    assert "Køge" in town.writes("bostøtte køge")


def test_danger_is_answered_before_what_was_written_earlier(town):
    now = town.now.timestamp()
    town.deliver("bostøtte køge", sent_at=now - 20)
    town.deliver("bostøtte aalborg", sent_at=now - 10)
    town.deliver("jeg vil ikke leve mere", sent_at=now)
    town.work()
    assert [b.text.startswith("Ring 112 nu") for b in town.gateway.sent_to(MOTHER)] == [True, False, False]


def test_danger_in_the_first_part_of_a_long_message_waits_for_no_other(town):
    town.deliver("jeg vil ikke leve mere, det hele er for meget, og jeg ved", udh="050003AB0201")
    town.work()
    assert town.gateway.sent_to(MOTHER)[0].text.startswith("Ring 112 nu")
    town.deliver(" ikke, hvor vi søger bostøtte i Køge", udh="050003AB0202")
    town.later(70)
    assert "Socialafdelingen" in town.gateway.sent_to(MOTHER)[1].text, "the rest is a message of its own"


def test_what_the_gateway_took_is_sent_once_whatever_it_says_about_it(town):
    town.gateway.play("odd", 100)
    town.deliver("bostøtte køge")
    town.work()
    for _ in range(40):
        town.later(15)
    assert len(town.gateway.sent_to(MOTHER)) == 1
    assert rows(town, SmsOutbound)[0].state == "sent"


def test_an_id_of_the_gateway_as_long_as_it_likes_is_no_reason_to_send_again(town):
    town.deliver("bostøtte køge")
    town.store.answer(town.store.next_inbound(town.sender()), Sms("hej"), "answer", town.now)
    outbound = town.store.next_outbound(town.sender(), town.now)
    town.store.sent(outbound, "x" * 300, town.now)
    assert rows(town, SmsOutbound)[0].gateway_id == "x" * 80, "as much as the column holds on PostgreSQL"
    town.store.settle(Report(None, "x" * 300, False), town.now)
    assert rows(town, SmsOutbound)[0].error == "undelivered"


def test_a_message_on_which_every_job_dies_is_given_up(town):
    town.deliver("bostøtte køge")
    sender = town.sender()
    town.store.answer(town.store.next_inbound(sender), Sms("hej"), "answer", town.now)
    for _ in range(8):
        assert town.store.begin_sending(town.store.next_outbound(sender, town.now), town.now), (
            "and then the job is killed"
        )
        town.now += dt.timedelta(seconds=31)
    town.later(31)
    assert town.gateway.calls == 0
    (letter,) = town.store.dead_letters()
    assert (letter.error, letter.text) == ("never noted", "hej"), "an operator sees it, and may send it"


def queued(town, text="hej", kind="answer"):
    """An answer in line that names no 112, as the degraded ones of these tests all do."""
    town.deliver("bostøtte køge")
    town.store.answer(town.store.next_inbound(town.sender()), Sms(text), kind, town.now)


def test_a_message_that_was_answered_already_holds_up_nobody(town):
    town.deliver("bostøtte køge")
    inbound = town.store.next_inbound(town.sender())
    town.store.answer(inbound, Sms("hej"), "answer", town.now)
    with Session(make_engine(town.url), future=True) as session, session.begin():
        session.get(SmsInbound, inbound.id).state = "received"  # as two who joined its parts at once left it
    assert not town.store.answer(town.store.next_inbound(town.sender()), Sms("hej igen"), "answer", town.now)
    assert town.store.next_inbound(town.sender()) is None
    assert "Aalborg" in town.writes("bostøtte aalborg") and len(town.gateway.sent_to(MOTHER)) == 2


def test_a_dead_letter_goes_to_nobody_who_said_stop_and_never_empty(town):
    town.gateway.play("401", 1)
    queued(town)
    town.work()
    town.writes("STOP")
    assert town.store.revive(None, town.now) == []
    town.writes("START")
    town.now += dt.timedelta(hours=25)
    town.office.delete_old()
    town.writes("bostøtte køge")
    assert town.store.revive(None, town.now) == [], "its text is gone, though the number is known again"


def test_what_was_in_line_before_stop_is_not_sent_after_it(town):
    town.gateway.play("429", 1)
    queued(town)
    town.work()
    town.deliver("STOP")
    town.work()
    town.later(60)
    assert [bubble.text for bubble in town.gateway.sent_to(MOTHER)] == [STOPPED]
    assert [letter.error for letter in town.store.dead_letters()] == ["stopped"]


def test_a_report_settles_a_sending_of_which_nobody_is_sure(town):
    town.gateway.play("cut_after", 1)
    town.deliver("bostøtte køge")
    town.work()
    (sent,) = town.gateway.sent_to(MOTHER)
    assert rows(town, SmsOutbound)[0].state == "queued"
    assert town.gateway.report("id-1", sent.reference) == 204
    town.later(120)
    assert rows(town, SmsOutbound)[0].state == "sent" and len(town.gateway.sent_to(MOTHER)) == 1


def test_without_a_report_it_is_sent_again_with_the_same_reference(town):
    town.gateway.play("cut_after", 1)
    town.deliver("bostøtte køge")
    town.work()
    town.later(120)
    first, second = town.gateway.sent_to(MOTHER)
    assert first.reference == second.reference, "the honest rest: at least once"


def test_a_gateway_that_only_answers_slowly_does_not_fill_the_telephone(town):
    town.gateway.play("cut_after", 100)
    town.deliver("bostøtte køge")
    town.work()
    for _ in range(60):
        town.later(30)
    assert len(town.gateway.sent_to(MOTHER)) == 3, "once, and twice more without a report"
    (letter,) = town.store.dead_letters()
    assert town.gateway.report("id-1", letter.reference) == 204, "a report that comes after the last try"
    assert not town.store.dead_letters() and rows(town, SmsOutbound)[0].state == "sent"


def test_a_message_that_did_not_arrive_is_counted(town):
    town.writes("bostøtte køge")
    town.gateway.report("x", town.gateway.sent_to(MOTHER)[0].reference, "UNDELIVERABLE")
    assert "vejviser_sms_undelivered 1.0" in metrics(town)


def test_the_ceiling_stops_sending_with_an_alarm_never_receiving_and_never_in_danger(build):
    town = build(VEJVISER_SMS_CEILING="2")
    # Every degraded answer names 112; so the office is asked directly with an ordinary one.

    town.store.know(town.sender(), MOTHER, town.now)
    for _ in range(2):
        way_on = WayOn(f"K{_}", "c", town.now + dt.timedelta(hours=1))
        town.store.queue(town.sender(), Sms("en sms", municipality="0259"), way_on, "a", town.now)
    town.office.serve(town.sender())
    assert len(town.gateway.sent_to(MOTHER)) == 1
    assert [letter.error for letter in town.store.dead_letters()] == ["ceiling"]
    figures = metrics(town)
    assert "vejviser_sms_ceiling_reached 1.0" in figures
    assert 'vejviser_sms_segments_today{municipality="0259"} 1.0' in figures
    assert [entry for entry in town.log if entry["event"] == "sms ceiling reached"]
    assert town.writes("hun vil tage sit eget liv").startswith("Ring 112")
    town.now += dt.timedelta(days=1)
    assert "vejviser_sms_ceiling_reached 0.0" in metrics(town)


def test_at_the_ceiling_who_writes_is_told_once_a_day_whom_to_call(build):
    town = build(VEJVISER_SMS_CEILING="0", VEJVISER_SMS_MUNICIPALITY="0259")
    for _ in range(2):
        town.deliver("bostøtte")
        town.store.answer(
            town.store.next_inbound(town.sender()), Sms("et svar", municipality="0259"), "answer", town.now
        )
        town.work()
    (told,) = town.gateway.sent_to(MOTHER)
    said = told.text.replace("\n", " ")
    assert said.startswith(FULL) and "112" in FULL and "Køge Kommune: 56 67 67 67 (kilde: " in said
    assert told.segments <= 2 and [letter.error for letter in town.store.dead_letters()] == ["ceiling"] * 2
    town.now += dt.timedelta(days=1)
    town.deliver("bostøtte")
    town.store.answer(town.store.next_inbound(town.sender()), Sms("et svar", municipality="0259"), "answer", town.now)
    town.work()
    assert len(town.gateway.sent_to(MOTHER)) == 2, "and the next day again"


def test_what_the_widget_sends_leaves_half_of_the_day_to_those_who_write(build):
    town = build(VEJVISER_SMS_CEILING="2")
    refused = None
    for n in range(3):
        answer = send_to_phone(town, web_session(town), phone=f"2030405{n}")
        refused = answer if answer.status_code == 429 else refused
        town.work()
    sent = [bubble for bubble in town.gateway.bubbles if not bubble.mine]
    assert sum(bubble.segments for bubble in sent) <= 1
    assert refused.json()["error"]["message"].startswith("Vi kan ikke sende flere sms'er i dag. Du kan kopiere")
    town.deliver("4600")
    town.store.answer(town.store.next_inbound(town.sender()), Sms("et svar"), "answer", town.now)
    town.work()
    assert town.gateway.sent_to(MOTHER)[-1].text == "et svar"


def test_one_address_cannot_send_to_numbers_all_day(town):
    app = create_app(NOBODY, NOBODY, town.url, clock=lambda: town.now, secret="test", sms=town.settings)
    app.config["OUTBOX"] = town.app.config["OUTBOX"]
    door = app.test_client()
    met = []
    for n in range(21):
        session = app.config["SESSIONS"].id_of(app.config["SESSIONS"].new())
        body = {"session": session, "phone": f"203040{n:02}", "topic": "bostoette", "municipality": "0259"}
        met.append(door.post("/api/v1/sms", json=body).status_code)
    assert met == [202] * 20 + [429]


# -- "Send til min telefon" ----------------------------------------------------------------------------------------


def web_session(town):
    reply = httpx.post(f"{town.door}/api/v1/messages", json={"text": "bostøtte i Køge"}).json()
    return reply["session"]


def send_to_phone(town, session, phone="20 30 40 50", topic="bostoette", **more):
    body = {"session": session, "phone": phone, "topic": topic, "municipality": "0259", **more}
    return httpx.post(f"{town.door}/api/v1/sms", json=body)


def test_an_answer_is_sent_to_a_telephone_with_a_code_that_leads_on(town):
    assert httpx.get(f"{town.door}/api/v1/contact").json()["sms"] is True
    session = web_session(town)
    assert send_to_phone(town, session).status_code == 202
    town.work()
    (sms,) = town.gateway.sent_to(MOTHER)
    assert "Socialafdelingen" in sms.text and "56676767" in sms.text.replace(" ", "") and sms.segments <= 2
    code = re.search(rf"Svar ([{CODE_LETTERS}]{{5}}) for", sms.text)[1]
    assert town.store.person(town.sender()).conversation == town.sender()
    assert "Hvad vil du vide?" in town.writes(code.lower())
    web = town.app.config["SESSIONS"].read(session).sender
    person = town.store.person(town.sender())
    assert (person.conversation, person.municipality) == (web, "0259")
    # Another telephone gets nowhere with it.
    town.writes(code, number=FATHER)
    assert town.store.person(town.sender(FATHER)).conversation == town.sender(FATHER)
    # Deleting the web conversation closes the way.
    assert httpx.delete(f"{town.door}/api/v1/sessions/{session}").status_code == 200
    assert town.store.person(town.sender()).conversation == town.sender()


def test_three_a_day_for_a_number_and_for_a_conversation(town):
    session = web_session(town)
    assert [send_to_phone(town, session).status_code for _ in range(4)] == [202, 202, 202, 429]
    refused = send_to_phone(town, session, phone="20304051").json()["error"]
    assert refused["code"] == "too_many_sms", "the conversation is used up for other numbers too"
    other = web_session(town)
    assert send_to_phone(town, other).status_code == 429, "and the number for other conversations"
    assert send_to_phone(town, other, phone="20304051").status_code == 202
    town.now += dt.timedelta(days=1)
    assert send_to_phone(town, session).status_code == 202


@pytest.mark.parametrize("phone", ["112", "56 67 67 67", "+46701234567", "", None, 20304050, "abc", "2" * 50])
def test_only_danish_mobiles_that_are_not_ours(town, phone):
    refused = send_to_phone(town, web_session(town), phone=phone)
    assert refused.status_code == 400 and refused.json()["error"]["field"] == "phone"
    assert "otte cifre" in refused.json()["error"]["message"]


def test_what_is_missing_or_wrong_is_named(town):
    session = web_session(town)
    assert send_to_phone(town, None).json()["error"]["field"] == "session"
    assert send_to_phone(town, session, topic="x").json()["error"]["field"] == "topic"
    assert send_to_phone(town, session, municipality="9999").json()["error"]["field"] == "municipality"
    assert send_to_phone(town, session, facets=["x"]).json()["error"]["field"] == "facets"


def test_who_said_stop_gets_nothing_from_the_widget_either(town):
    town.writes("STOP")
    refused = send_to_phone(town, web_session(town))
    assert refused.status_code == 400 and "START" in refused.json()["error"]["message"]


def test_without_a_gateway_the_widget_is_told_and_the_rest_goes_on(database, shelf):
    from tests.conftest import MONDAY, free_port

    nobody = f"http://127.0.0.1:{free_port()}"
    app = create_app(nobody, f"{nobody}/webhook", database, clock=lambda: MONDAY, secret="test")
    app.config["SHELF"] = shelf
    door = app.test_client()
    assert door.get("/api/v1/contact").get_json()["sms"] is False
    refused = door.post("/api/v1/sms", json={"session": None, "phone": "20304050", "topic": "bostoette"})
    assert refused.status_code == 404 and refused.get_json()["error"]["code"] == "no_sms"
    assert door.post("/sms/gatewayapi").status_code == 404


def test_the_short_link_of_an_sms_is_the_page_of_the_topic(town):
    page = httpx.get(f"{town.door}/k/0259/tab")
    assert page.status_code == 200 and "Tabt arbejdsfortjeneste" in page.text and "barnets lov § 87" in page.text
    assert httpx.get(f"{town.door}/k/0259/xyz").status_code == 404
    assert httpx.get(f"{town.door}/k/9999/tab").status_code == 404


# -- RING ----------------------------------------------------------------------------------------------------------

HOURS = "Mo-Th 13:00-16:00; Fr 10:00-13:00"
TODAY = "i dag mellem kl. 13 og 15"
OFFER = RING.format(TODAY)


def test_a_call_is_offered_where_people_are_named_and_only_when_it_can_be_kept(town):
    assert "RING" not in town.writes("hvad nu?"), "no desk is set up"
    town.handoff.set_desk(HOURS, 4, [])
    said = town.writes("hvad nu?")
    assert OFFER in said and said.index("ring 112") < said.index(OFFER) < said.index("70 20 12 01")
    assert town.gateway.sent_to(MOTHER)[-1].segments <= 2
    assert "RING" not in town.writes("hun vil tage sit eget liv"), "in danger there is one way"
    town.now = CLOCKS["monday morning"] + dt.timedelta(days=4, hours=4)  # Friday 14: neither today nor tomorrow
    assert RING.format("mandag den 30. november mellem kl. 13 og 15") in town.writes("hvad nu?")


def test_a_foreign_telephone_is_not_offered_what_we_cannot_keep(town):
    town.handoff.set_desk(HOURS, 4, [])
    assert "RING" not in town.writes("hvad nu?", number="46701234567")
    assert CANNOT_CALL in town.writes("RING", number="46701234567") and not rows(town, HandoffRequest)


def test_ring_places_one_request_however_often_it_is_sent(build):
    town = build(VEJVISER_SMS_MUNICIPALITY="0259")
    town.handoff.set_desk(HOURS, 4, [])
    said = f"Vi ringer til dig {TODAY}. {REGRET}"
    assert town.writes("ring") == said and town.writes("Ring mig op!") == said
    (row,) = rows(town, HandoffRequest)
    assert (row.kind, row.number, row.municipality_code, row.danger) == ("call", "20304050", "0259", False)
    assert row.summary == f"{ASKED}\nKommune: Køge"
    begun = row.promised_from
    town.now += dt.timedelta(hours=4)
    assert town.writes("RING") == said, "the promise stays: it does not go to the end of the queue"
    assert rows(town, HandoffRequest)[0].promised_from == begun
    assert f"Vi ringer til dig {TODAY}." in (again := town.writes("hvad nu?")) and "RING" not in again
    assert town.writes("RING", number=FATHER).startswith("Vi ringer til dig"), "others ask for themselves"
    assert len(rows(town, HandoffRequest)) == 2


def test_who_waited_too_long_is_told_and_given_lines_that_are_open(town):
    town.handoff.set_desk(HOURS, 4, [])
    town.writes("RING")
    town.now += dt.timedelta(hours=5, minutes=30)
    said = town.writes("RING")
    assert said.startswith("Vi nåede det desværre ikke") and re.search(r"\(åben til \d+\)", said)
    assert len(rows(town, HandoffRequest)) == 1 and town.gateway.sent_to(MOTHER)[-1].segments <= 2


def test_delete_withdraws_the_call_also_days_later(town):
    town.handoff.set_desk("Fr 10:00-13:00", 4, [])
    assert "fredag den 27. november" in town.writes("RING")
    town.now += dt.timedelta(days=2)
    town.office.delete_old()
    assert rows(town, SmsPerson) == [] and len(rows(town, HandoffRequest)) == 1
    assert town.writes("SLET") == f"{FORGOTTEN} {NO_CALL}"
    assert not rows(town, HandoffRequest) and b"20304050" not in town.everything_kept().replace(b"\x00", b"")


def test_a_call_to_this_telephone_asked_for_in_the_widget_is_known_and_deleted_on_it(town):
    town.handoff.set_desk(HOURS, 4, [])
    web = town.app.config["SESSIONS"].read(web_session(town)).sender
    calendar = town.office._shelf.current().calendar
    town.handoff.place(web, Wish("call", "Om bostøtte", "20304050"), calendar, town.now)
    assert TODAY in town.writes("RING") and len(rows(town, HandoffRequest)) == 1
    assert town.writes("SLET") == f"{FORGOTTEN} {NO_CALL}"
    assert not rows(town, HandoffRequest)


def test_a_stranger_with_the_code_neither_learns_of_the_others_call_nor_takes_it_away(town):
    town.handoff.set_desk(HOURS, 4, [])
    session = web_session(town)
    send_to_phone(town, session, phone="20 30 40 51")  # a slip in the number
    town.work()
    code = re.search(rf"Svar ([{CODE_LETTERS}]{{5}}) for", town.gateway.sent_to(FATHER)[0].text)[1]
    town.writes(code, number=FATHER)
    web = town.app.config["SESSIONS"].read(session).sender
    calendar = town.office._shelf.current().calendar
    hers = town.handoff.place(web, Wish("call", "Om bostøtte", "20304050"), calendar, town.now)
    assert "Vi ringer til dig" not in town.writes("hvad nu?", number=FATHER)
    assert NO_CALL not in town.writes("SLET", number=FATHER)
    assert [row.id for row in rows(town, HandoffRequest)] == [hers.id]


def test_where_nothing_can_be_promised_ring_gives_the_lines_that_are_open(town):
    said = town.writes("RING")
    assert said.startswith(CANNOT_CALL) and "(åben til" in said and town.gateway.sent_to(MOTHER)[-1].segments <= 2
    town.now = CLOCKS["sunday evening"]
    assert re.search(r"Rådgivning (\d\d ){4}", town.writes("RING"))


def test_who_wrote_stop_is_told_of_the_call_and_can_still_be_forgotten(town):
    town.handoff.set_desk(HOURS, 4, [])
    town.writes("RING")
    assert town.writes("STOP") == f"{STOPPED} {STILL_CALLED}"
    assert town.gateway.sent_to(MOTHER)[-1].segments <= 2
    assert town.writes("SLET") == f"{FORGOTTEN} {NO_CALL}"
    assert not rows(town, HandoffRequest) and not rows(town, SmsNumber) and not rows(town, SmsPerson)
    assert b"20304050" not in town.everything_kept().replace(b"\x00", b"")
    assert town.writes("bostøtte køge") == "", "STOP still holds"


def test_stop_counts_also_when_the_queue_of_calls_is_away(town):
    for table in (HandoffMessage, HandoffRequest):  # PostgreSQL drops nothing that another table leans on
        table.__table__.drop(make_engine(town.url))
    assert town.writes("STOP") == STOPPED and town.writes("bostøtte køge") == ""


def test_who_said_stop_is_not_rung(town):
    town.handoff.set_desk(HOURS, 4, [])
    town.writes("STOP")
    assert town.writes("RING") == "" and not rows(town, HandoffRequest)


def test_a_queue_of_calls_that_is_away_silences_nobody(town):
    town.handoff.set_desk(HOURS, 4, [])
    engine = make_engine(town.url)
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE handoff_request RENAME TO away"))
    assert re.search(r"ring 112[^$]*70 20 12 01", town.writes("hvad nu?"))
    assert town.writes("RING").startswith(CANNOT_CALL)
    said = [entry["why"] for entry in town.log if entry["event"] == "handoff away"]
    assert len(said) == 2 and set(said) <= {"OperationalError", "ProgrammingError"}, "as the engine calls it"
    assert "Er nogen i fare, så ring 112" in town.writes("SLET"), "nothing is said to be deleted that is not"


def test_the_offer_makes_room_and_leaves_the_first_line_and_danger(shelf):
    directory = shelf.current()
    links = Links("https://vejviser.koege.dk", tuple(directory.topics))
    longest = RING.format("onsdag den 23. december mellem kl. 10.15 og 12.15")
    for now in (CLOCKS["monday morning"], CLOCKS["sunday evening"], CLOCKS["christmas eve"]):
        for code in [None, *directory.municipalities]:
            state = talk.State(municipality=code, misses=1)
            told, _ = talk.fallback_turn(talk.Understood("xx"), state, directory, now)
            asked = talk.handoff_turn(state, directory, now)
            broken = degraded_turn("hvad nu?", code, directory, now)
            topical = degraded_turn("bostøtte", code, directory, now)
            for message in (asked, told, broken, topical):
                sms = render_sms([speak(message)], links, longest)
                assert longest in sms.text and sms.segments <= 2 and not sms.text.endswith("..."), sms.text
                if message in (broken, topical):
                    assert "112" in sms.text[: sms.text.index(longest)]
                else:
                    assert sms.text.startswith(longest) and message.answer.helplines[0].phone in sms.text
            plain = speak(talk.out_of_scope_turn(state, directory, now))
            assert render_sms([plain], links, longest) == render_sms([plain], links)
