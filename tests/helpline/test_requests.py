"""Asking for a human: by the door's API, in the queue, and away again by the clock. No bot is needed for any of it."""

import datetime as dt
import threading

import pytest
from jsonschema import Draft202012Validator
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from bot.edge.app import create_app
from bot.handoff.models import HandoffMessage, HandoffRequest, HandoffTally
from bot.handoff.requests import AWAY, CHAT_GIVES_UP, CHAT_PROMISE, PRESENT, SECOND_THOUGHT, Handoff, Wish
from bot.handoff.said import BEHIND, CLAIMED, GIVEN_BACK, LEFT
from bot.helpline.staff import Role, StaffBook
from bot.knowledge.database import make_engine
from tests.conftest import CLOCKS, MONDAY
from tests.databases import everything_in
from tests.helpline.conftest import NOBODY

NUMBER = "20 12 34 56"
SUMMARY = "Det handler om: Bostøtte\nKommune: Køge\nJeg vil gerne vide: hvordan jeg søger"


@pytest.fixture
def handoff(table):
    found = Handoff(make_engine(table))
    found.set_desk("Mo-Th 10:00-16:00; Fr 10:00-13:00", 4, [])
    return found


@pytest.fixture
def book(table):
    return StaffBook(make_engine(table))


@pytest.fixture
def vera(book):
    return book.by_login("vera").id


@pytest.fixture
def viggo(book):
    return book.by_login("viggo").id


class Mother:
    """Somebody in the widget."""

    def __init__(self, app):
        self.door, self.app = app.test_client(), app
        self.session = self.writes("hej")["session"]

    def writes(self, words):
        body = {"session": getattr(self, "session", None), "text": words}
        return self.door.post("/api/v1/messages", json=body).get_json()

    def asks(self, **changed):
        body = {"session": self.session, "kind": "call", "summary": SUMMARY, "number": NUMBER, "wish": "today"}
        return self.door.post("/api/v1/callbacks", json=body | changed)

    def looks(self, after=0):
        answer = self.door.get(f"/api/v1/callbacks/{self.session}?after={after}")
        assert answer.status_code == 200
        return answer.get_json()

    @property
    def sender(self):
        return self.app.config["SESSIONS"].read(self.session).sender


@pytest.fixture
def door(table, clock, handoff):
    return create_app(NOBODY, f"{NOBODY}/webhook", table, clock=clock, secret="test", limited=False)


@pytest.fixture
def mother(door):
    return Mother(door)


def is_there(book, staff_id, clock):
    """Somebody sits with the queue open."""
    person = book.begin(staff_id, clock.now)
    book.find(person.token, clock.now, acts=False)
    return person


# -- the person's side -------------------------------------------------------------------------------------------


def test_what_is_offered_is_what_can_be_kept(mother, clock):
    offered = mother.writes("jeg vil tale med et menneske om bostøtte i Køge")["messages"][0]["answer"]["callback"]
    assert offered["chat"] is False
    assert [(call["wish"], call["text"]) for call in offered["calls"]] == [
        ("today", "i dag mellem kl. 10 og 12"),
        ("tomorrow_morning", "i morgen tirsdag mellem kl. 10 og 12"),
    ]
    assert len(offered["summary"]) == 3 and offered["summary"][0].startswith("Det handler om:")
    clock.now = CLOCKS["sunday evening"]
    offered = mother.writes("jeg vil tale med et menneske")["messages"][0]["answer"]["callback"]
    assert [call["text"] for call in offered["calls"]] == ["i morgen mandag mellem kl. 10 og 12"]


def test_the_interval_that_was_shown_is_promised_also_after_midnight(mother, handoff, clock):
    clock.now = MONDAY.replace(hour=23, minute=52)
    (shown,) = mother.writes("jeg vil tale med et menneske")["messages"][0]["answer"]["callback"]["calls"]
    assert (shown["wish"], shown["text"]) == ("tomorrow_morning", "i morgen tirsdag mellem kl. 10 og 12")
    clock.now += dt.timedelta(minutes=11)
    placed = mother.asks(wish=shown["wish"], begins=shown["begins"])
    assert placed.get_json()["callback"]["text"] == "Vi ringer til dig i dag mellem kl. 10 og 12."
    (row,) = handoff.queue()
    assert row.promised_from == dt.datetime.fromisoformat(shown["begins"])


def test_an_interval_that_was_shown_and_is_lost_is_said_with_those_that_are_left(mother, handoff, clock, door):
    today, _ = mother.writes("jeg vil tale med et menneske")["messages"][0]["answer"]["callback"]["calls"]
    for _ in range(8):
        assert Mother(door).asks().status_code == 201
    lost = mother.asks(begins=today["begins"])
    assert lost.status_code == 409 and handoff.of(mother.sender) is None, "no later hour in silence"
    error = lost.get_json()["error"]
    assert error["code"] == "no_wish"
    assert [call["text"] for call in error["calls"]] == [
        "i dag mellem kl. 10.15 og 12.15",
        "i morgen tirsdag mellem kl. 10 og 12",
    ]
    assert mother.asks(begins=error["calls"][0]["begins"]).status_code == 201
    clock.now += dt.timedelta(minutes=40)
    late = Mother(door)
    assert late.asks(begins=today["begins"]).status_code == 409


@pytest.mark.parametrize(
    "begins", ["i morgen", 7, "2026-11-23T10:00", "9999-12-31T23:45:00+00:00", "0001-01-01T00:00:00+01:00", "\0", []]
)
def test_a_beginning_that_was_never_shown_is_refused(mother, begins):
    refused = mother.asks(begins=begins)
    assert refused.status_code == 400 and refused.get_json()["error"]["field"] == "begins"


def test_only_open_time_is_promised_whatever_is_said_to_have_been_shown(mother):
    for begins in ("2026-11-23T08:00:00+01:00", "2026-11-23T10:07:00+01:00", "2026-11-23T15:45:00+01:00"):
        assert mother.asks(begins=begins).status_code == 409


def test_without_a_desk_nothing_is_offered(table, clock):
    app = create_app(NOBODY, f"{NOBODY}/webhook", table, clock=clock, secret="test", limited=False)
    mother = Mother(app)
    assert mother.writes("jeg vil tale med et menneske")["messages"][0]["answer"]["callback"] is None
    refused = mother.asks()
    assert refused.status_code == 409 and refused.get_json()["error"]["code"] == "no_wish"


def test_a_call_is_promised_looked_at_and_withdrawn(mother, handoff, table):
    placed = mother.asks()
    assert placed.status_code == 201
    assert placed.get_json()["callback"]["text"] == "Vi ringer til dig i dag mellem kl. 10 og 12."
    assert mother.looks()["callback"]["state"] == "waiting"
    assert handoff.of(mother.sender).number == "20123456"
    gone = mother.door.delete(f"/api/v1/callbacks/{mother.session}").get_json()["callback"]
    assert gone["state"] == "withdrawn" and "Nummeret er slettet" in gone["text"]
    assert handoff.queue() == []
    assert "20123456" not in _everything(table) and "Bostøtte" not in _file(table, b"Det handler om")


def _everything(table):
    with make_engine(table).connect() as connection:
        rows = connection.execute(text("SELECT * FROM handoff_request")).all()
        return str(rows) + str(connection.execute(text("SELECT * FROM handoff_message")).all())


def _file(table, needle):
    return needle.decode() if needle in everything_in(table) else ""


def test_what_is_taken_back_is_not_in_the_file_either(mother, table):
    mother.asks(summary="Det handler om: en meget særlig sag")
    assert _file(table, "særlig sag".encode())
    mother.door.delete(f"/api/v1/callbacks/{mother.session}")
    assert not _file(table, "særlig sag".encode()) and not _file(table, b"20123456")


def test_sent_again_it_is_there_once_and_changed(mother, handoff):
    for wish in ("today", "today", "tomorrow_morning"):
        assert mother.asks(wish=wish).status_code == 201
    (row,) = handoff.queue()
    assert row.wish == "tomorrow_morning"


def test_at_the_same_time_it_is_there_once(door, handoff):
    mother = Mother(door)
    met = []
    barrier = threading.Barrier(6)

    def ask():
        client = Mother.__new__(Mother)
        client.door, client.session = door.test_client(), mother.session
        barrier.wait()
        met.append(client.asks().status_code)

    threads = [threading.Thread(target=ask) for _ in range(6)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert met == [201] * 6 and len(handoff.queue()) == 1


def test_personal_data_are_taken_out_of_the_summary(mother, handoff):
    answer = mother.asks(summary="Min søn Kasper Holm, cpr 010150-1234\nring til ham på 22 33 44 55")
    assert answer.get_json()["redacted"] is True
    (row,) = handoff.queue()
    assert "Kasper" not in row.summary and "1234" not in row.summary and "22 33" not in row.summary
    assert row.summary.count("\n") == 1


def test_danger_in_the_summary_is_answered_at_once(mother, handoff):
    standing = mother.asks(summary="hun vil tage sit eget liv").get_json()["callback"]
    assert standing["text"].startswith("Er nogen i fare nu, så ring 112.")
    assert standing["helplines"][0]["phone"] == "112"
    assert handoff.queue()[0].danger


@pytest.mark.parametrize(
    "changed, status, field",
    [
        ({"number": "112"}, 400, "number"),
        ({"number": "90 20 20 20"}, 400, "number"),
        ({"number": "12 34 56"}, 400, "number"),
        ({"number": "+46 8 123 456 78"}, 400, "number"),
        ({"number": None}, 400, "number"),
        ({"number": 20123456}, 400, "number"),
        ({"wish": "i morgen"}, 400, "wish"),
        ({"wish": "evening"}, 409, "wish"),
        ({"kind": "brev"}, 400, "kind"),
        ({"summary": "x" * 501}, 400, "summary"),
        ({"summary": ["x"]}, 400, "summary"),
        ({"topic": "findes_ikke"}, 400, "topic"),
        ({"municipality": "9999"}, 400, "municipality"),
        ({"session": None}, 400, "session"),
        ({"session": "opdigtet"}, 400, "session"),
        ({"kind": "chat"}, 409, None),
    ],
)
def test_what_cannot_be_is_refused_by_name(mother, handoff, changed, status, field):
    answer = mother.asks(**changed)
    error = answer.get_json()["error"]
    assert (answer.status_code, error.get("field")) == (status, field), error
    assert error["message"].endswith((".", "56.")) and handoff.queue() == []


@pytest.mark.parametrize("number", ["20123456", "+45 20 12 34 56", "0045 20123456", "(20) 12-34-56", "4520123456"])
def test_a_number_may_be_written_in_many_ways(mother, handoff, number):
    assert mother.asks(number=number).status_code == 201
    assert handoff.queue()[0].number == "20123456"


def test_a_stranger_sees_and_withdraws_nothing(mother, door):
    mother.asks()
    other = Mother(door)
    assert other.looks() == {"callback": None, "messages": []}
    other.door.delete(f"/api/v1/callbacks/{other.session}")
    assert mother.looks()["callback"]["state"] == "waiting"
    assert other.door.get(f"/api/v1/callbacks/{mother.session}x").status_code == 400


def test_deleting_the_conversation_deletes_the_request(mother, handoff, table):
    mother.asks()
    assert mother.door.delete(f"/api/v1/sessions/{mother.session}").status_code == 200
    assert handoff.queue() == [] and "20123456" not in _everything(table)


def test_late_is_said_with_lines_that_are_open(mother, handoff, clock):
    mother.asks()
    clock.now = MONDAY + dt.timedelta(hours=2, minutes=1)
    standing = mother.looks()["callback"]
    assert standing["late"] and standing["state"] == "waiting"
    assert standing["text"] == (
        "Vi nåede det desværre ikke til tiden. Det er vi kede af. Du står stadig i køen, og vi ringer. "
        "Her kan du ringe nu:"
    )
    assert standing["helplines"] and all(line["open_now"] for line in standing["helplines"])


def test_a_request_moves_the_promise_of_the_next(door):
    for n in range(8):
        assert Mother(door).asks(number=f"2012345{n}").status_code == 201
    ninth = Mother(door).asks().get_json()["callback"]
    assert ninth["text"] == "Vi ringer til dig i dag mellem kl. 10.15 og 12.15."


def test_those_who_ask_at_the_same_moment_are_not_promised_the_same_time(table, handoff, directory):
    barrier, placed = threading.Barrier(12), []

    def ask(n):
        mine = Handoff(make_engine(table))  # a connection of one's own, as another process has
        barrier.wait()
        placed.append(mine.place(f"{n}", Wish("call", "hej", f"201234{n:02}", "today"), directory.calendar, MONDAY))

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(12)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    by_noon = [row for row in placed if row.promised_to <= MONDAY + dt.timedelta(hours=2)]
    assert len(placed) == 12 and len(by_noon) == 8, "four an hour"


def test_who_did_not_pick_up_takes_nobodys_time(handoff, vera, directory):
    calendar = directory.calendar
    first = handoff.place("0", Wish("call", "", "20123400", "today"), calendar, MONDAY)
    handoff.claim(first.id, vera, MONDAY)
    for n in range(1, 13):
        handoff.place(f"{n}", Wish("call", "", f"201234{n:02}", "today"), calendar, MONDAY)
    assert handoff.no_answer(first.id, vera, calendar, MONDAY)
    due = sorted(row.promised_to for row in handoff.queue())
    for n, ends in enumerate(due, 1):
        assert MONDAY + n * dt.timedelta(minutes=15) <= ends, "called one after the other, all are called in time"


def test_replies_fit_the_openapi_document(mother, door, book, clock, viggo):
    document = door.test_client().get("/api/v1/openapi.json").get_json()

    def fits(answer, path, method):
        operation = document["paths"][path][method]["responses"][str(answer.status_code)]
        schema = operation["content"]["application/json"]["schema"] | {"components": document["components"]}
        Draft202012Validator(schema).validate(answer.get_json())

    fits(mother.asks(), "/api/v1/callbacks", "post")
    fits(mother.asks(number="1"), "/api/v1/callbacks", "post")
    fits(mother.asks(kind="chat"), "/api/v1/callbacks", "post")
    for method in ("get", "delete"):
        for session in (mother.session, "x"):
            answer = getattr(mother.door, method)(f"/api/v1/callbacks/{session}")
            fits(answer, "/api/v1/callbacks/{session}", method)
    is_there(book, viggo, clock)
    handoffs = mother.writes("jeg vil tale med et menneske")
    assert handoffs["messages"][0]["answer"]["callback"]["chat"] is True
    fits(mother.door.post("/api/v1/messages", json={"text": "hej"}), "/api/v1/messages", "post")


# -- the helpline's side -----------------------------------------------------------------------------------------


def test_of_two_who_reach_for_it_one_gets_it(mother, handoff, vera, viggo, table):
    mother.asks()
    (row,) = handoff.queue()
    for _ in range(20):
        barrier, won = threading.Barrier(2), []

        def reach(who, barrier=barrier, won=won):
            mine = Handoff(make_engine(table))  # a connection of one's own, as another process has
            barrier.wait()
            won.append((mine.claim(row.id, who, MONDAY), who))

        threads = [threading.Thread(target=reach, args=(who,)) for who in (vera, viggo)]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
        assert sorted(got for got, _ in won) == [False, True]
        winner = next(who for got, who in won if got)
        assert handoff.get(row.id).claimed_by == winner
        assert handoff.release(row.id, winner)


def test_only_who_took_it_can_go_on_with_it(mother, handoff, vera, viggo, directory):
    mother.asks()
    (row,) = handoff.queue()
    calendar = directory.calendar
    assert handoff.claim(row.id, vera, MONDAY)
    assert not handoff.done(row.id, viggo, MONDAY)
    assert not handoff.release(row.id, viggo) and not handoff.write_note(row.id, viggo, "x")
    assert not handoff.hand_back(row.id, viggo, MONDAY) and not handoff.no_answer(row.id, viggo, calendar, MONDAY)
    assert handoff.write_note(row.id, vera, "ringer igen i morgen") and handoff.get(row.id).note
    assert mother.looks()["callback"]["text"] == "En frivillig har læst det, du skrev, og ringer til dig."
    assert mother.asks().status_code == 409, "too late to change"
    assert handoff.done(row.id, vera, MONDAY) and not handoff.done(row.id, vera, MONDAY)


def test_a_call_promised_late_is_kept_until_it_is_late_by_fourteen_days(mother, handoff, clock):
    handoff.set_desk("Mo-Fr 10:00-16:00", 4, [clock.now.date() + dt.timedelta(days=day) for day in range(17)])
    assert mother.asks(wish="soonest").status_code == 201
    (row,) = handoff.queue()
    assert row.promised_to - row.created_at > dt.timedelta(days=15)
    handoff.sweep(row.promised_to + dt.timedelta(days=13))
    assert handoff.get(row.id).number == "20123456"
    handoff.sweep(row.promised_to + dt.timedelta(days=14, seconds=1))
    assert handoff.get(row.id) is None


def test_a_call_whose_taker_has_left_goes_back_to_the_others(mother, handoff, book, vera, viggo, clock):
    mother.asks()
    (row,) = handoff.queue()
    begun = book.begin(vera, clock.now)
    assert handoff.claim(row.id, vera, clock.now)
    clock.now += dt.timedelta(minutes=29)
    book.find(begun.token, clock.now)  # she looks something up for the caller
    clock.now += dt.timedelta(minutes=29)
    handoff.free_left(clock.now)
    assert handoff.get(row.id).claimed_by == vera, "she is still at it"
    clock.now += dt.timedelta(minutes=2)
    handoff.free_left(clock.now)
    freed = handoff.get(row.id)
    assert (freed.state, freed.claimed_by, freed.in_time) == ("waiting", None, None)
    assert freed.promised_to == row.promised_to and freed.number == "20123456"
    assert not handoff.done(row.id, vera, clock.now)
    late = MONDAY + dt.timedelta(hours=4)
    assert handoff.claim(row.id, viggo, late) and handoff.done(row.id, viggo, late)
    assert handoff.get(row.id).in_time is False


def test_the_clock_lays_it_back_too(mother, handoff, vera, clock):
    mother.asks()
    (row,) = handoff.queue()
    handoff.claim(row.id, vera, clock.now)
    handoff.sweep(clock.now + AWAY + dt.timedelta(seconds=1))
    assert handoff.get(row.id).state == "waiting"


@pytest.mark.parametrize("close", ["closed", "deleted"])
def test_a_closed_account_holds_no_call(mother, handoff, book, vera, clock, close):
    mother.asks()
    (row,) = handoff.queue()
    handoff.claim(row.id, vera, clock.now)
    if close == "closed":
        book.change(vera, "Vera", [Role("volunteer")], active=False)
    else:
        book.remove("vera")
    assert (handoff.get(row.id).state, handoff.get(row.id).claimed_by) == ("waiting", None)


def test_late_is_said_also_when_somebody_has_taken_it_and_not_called(mother, handoff, vera, clock):
    mother.asks()
    (row,) = handoff.queue()
    handoff.claim(row.id, vera, clock.now)
    clock.now = MONDAY + dt.timedelta(hours=2, minutes=1)
    standing = mother.looks()["callback"]
    assert standing["late"] and standing["state"] == "claimed"
    assert standing["text"] == f"{CLAIMED} {BEHIND} Her kan du ringe nu:"
    assert standing["helplines"] and all(line["open_now"] for line in standing["helplines"])


@pytest.mark.parametrize(("hours", "in_time"), [(1, True), (2.75, True), (3.5, False)])
def test_in_time_is_who_was_called_not_what_was_taken(mother, handoff, vera, clock, hours, in_time):
    mother.asks()
    (row,) = handoff.queue()
    handoff.claim(row.id, vera, clock.now)
    handoff.release(row.id, vera)
    assert handoff.get(row.id).in_time is None, "put back, nobody was called"
    handoff.claim(row.id, vera, clock.now)
    handoff.done(row.id, vera, clock.now + dt.timedelta(hours=hours))
    assert handoff.get(row.id).in_time is in_time


def test_three_tries_and_then_it_ends(mother, handoff, vera, directory, clock):
    mother.asks()
    (row,) = handoff.queue()
    said = []
    for _ in range(3):
        assert handoff.claim(row.id, vera, clock.now)
        assert handoff.no_answer(row.id, vera, directory.calendar, clock.now)
        said.append(mother.looks()["callback"]["text"])
        clock.now += dt.timedelta(hours=2)
    assert said[0] == "Vi ringede kl. 10 og fik ikke fat i dig. Vi prøver igen i dag mellem kl. 11 og 13."
    assert said[1] == "Vi ringede kl. 12 og fik ikke fat i dig. Vi prøver igen i dag mellem kl. 13 og 15."
    assert said[2].startswith("Vi har ringet uden at få fat i dig.") and handoff.queue() == []
    assert mother.looks()["callback"]["helplines"], "lines to call instead"
    assert mother.asks(wish="tomorrow_morning").status_code == 201, "and it can be asked for again"


def test_a_slip_can_be_undone_for_an_hour(mother, handoff, vera, viggo, clock):
    mother.asks()
    (row,) = handoff.queue()
    handoff.claim(row.id, vera, clock.now)
    handoff.done(row.id, vera, clock.now)
    assert [ended.id for ended in handoff.ended_by(vera, clock.now)] == [row.id]
    assert not handoff.reopen(row.id, viggo, clock.now)
    assert handoff.reopen(row.id, vera, clock.now + dt.timedelta(minutes=59))
    assert handoff.get(row.id).number == "20123456"
    handoff.done(row.id, vera, clock.now)
    handoff.sweep(clock.now + SECOND_THOUGHT)
    assert handoff.get(row.id).number is None
    assert not handoff.reopen(row.id, vera, clock.now + SECOND_THOUGHT)


def test_everything_goes_by_the_clock(mother, handoff, vera, clock, table):
    mother.asks()
    (row,) = handoff.queue()
    handoff.sweep(row.promised_to + dt.timedelta(days=14))
    assert handoff.get(row.id), "a request that waits is kept as long as it may"
    handoff.sweep(row.promised_to + dt.timedelta(days=14, seconds=1))
    assert handoff.get(row.id) is None and "20123456" not in _everything(table) and not _file(table, b"20123456")
    with Session(make_engine(table), future=True) as session:
        (left,) = session.execute(select(HandoffTally)).scalars().all()
        assert (left.day, left.kind, left.outcome, left.in_time, left.count) == (
            MONDAY.date(),
            "call",
            "expired",
            False,
            1,
        )


def test_what_became_of_requests_is_counted_once(door, handoff, vera, clock, table):
    for n in range(3):
        asked = Mother(door)
        asked.asks(number=f"2012345{n}")
        row = handoff.of(asked.sender)
        handoff.claim(row.id, vera, clock.now + dt.timedelta(hours=3 * (n == 2)))
        handoff.done(row.id, vera, clock.now)
    for _ in range(3):
        handoff.sweep(clock.now + SECOND_THOUGHT)
    with Session(make_engine(table), future=True) as session:
        rows = session.execute(select(HandoffTally.outcome, HandoffTally.in_time, HandoffTally.count)).all()
    assert sorted(rows) == [("done", False, 1), ("done", True, 2)]


# -- a chat taken over -------------------------------------------------------------------------------------------


@pytest.fixture
def talk(mother, handoff, book, viggo, clock):
    """A chat that Viggo has taken over, with his queue open."""
    person = is_there(book, viggo, clock)
    assert mother.asks(kind="chat").get_json()["callback"]["text"].startswith("Vi finder et menneske til dig.")
    (row,) = handoff.queue()
    assert handoff.claim(row.id, viggo, clock.now)
    return row.id, person


def test_a_chat_goes_both_ways_and_the_bot_is_silent(mother, handoff, talk, clock, viggo):
    request_id, _ = talk
    assert mother.looks()["callback"]["text"] == "Du skriver nu med et menneske."
    assert mother.writes("hvor søger jeg bostøtte i Køge?")["messages"] == []
    assert [m.text for m in handoff.messages(request_id)] == ["hvor søger jeg bostøtte i Køge?"]
    assert handoff.say(request_id, "staff", "Hej. Lad os se på det sammen.", clock.now)
    seen = mother.looks()["messages"]
    assert [(m["author"], m["text"]) for m in seen][-1] == ("staff", "Hej. Lad os se på det sammen.")
    assert mother.looks(after=seen[-1]["id"])["messages"] == []
    assert handoff.hand_back(request_id, viggo, clock.now)
    assert mother.looks()["callback"]["text"] == "Du skriver med chatbotten igen."
    assert mother.writes("hvor søger jeg bostøtte i Køge?")["messages"][0]["answer"]["topic"] == "bostoette"
    assert not handoff.say(request_id, "staff", "er du der?", clock.now)


def test_what_is_private_never_reaches_the_chat(mother, handoff, talk):
    said = mother.writes("jeg hedder Mette Jensen, cpr 010150-1234")["messages"]
    assert "taget private oplysninger ud" in said[0]["text"]
    (message,) = handoff.messages(talk[0])
    assert "1234" not in message.text and "Jensen" not in message.text and "[fjernet]" in message.text


def test_the_net_for_danger_is_on_in_a_chat_too(mother, handoff, talk):
    said = mother.writes("hun vil tage sit eget liv")["messages"]
    assert said[0]["answer"]["kind"] == "crisis" and "112" in said[0]["text"]
    (message,) = handoff.messages(talk[0])
    assert message.danger and handoff.get(talk[0]).danger, "and the human sees it"


@pytest.mark.parametrize("words", ["slet samtalen", "Slet alt!", "SLET CHATTEN."])
def test_the_wish_to_delete_goes_to_no_volunteer(mother, handoff, talk, words):
    before = len(handoff.messages(talk[0]))
    assert mother.writes(words)["messages"], "the bot answers it"
    assert len(handoff.messages(talk[0])) == before
    assert mother.writes("slet ikke noget, jeg vil bare skrive")["messages"] == []


def test_nobody_writes_to_an_empty_chair(mother, handoff, talk, clock, book):
    clock.now += PRESENT + dt.timedelta(seconds=1)
    assert mother.writes("hvor søger jeg bostøtte i Køge?")["messages"][0]["answer"]["topic"] == "bostoette"
    standing = mother.looks()["callback"]
    assert standing["text"].startswith(f"{LEFT} {GIVEN_BACK}"), "what was written meanwhile was read by nobody"
    assert standing["helplines"] and handoff.get(talk[0]).state == "unreached"


def test_a_chat_that_nobody_takes_becomes_a_call(mother, handoff, book, viggo, clock):
    is_there(book, viggo, clock)
    mother.asks(kind="chat")
    clock.now += CHAT_PROMISE + dt.timedelta(seconds=1)
    late = mother.looks()["callback"]
    assert late["late"] and "ingen fri ved chatten" in late["text"] and late["helplines"]
    assert mother.asks(kind="call").status_code == 201
    (row,) = handoff.queue()
    assert (row.kind, row.number) == ("call", "20123456")
    assert mother.asks(kind="chat").status_code == 409, "a promised call is not lost for a chat"


def test_a_chat_that_nobody_takes_ends_by_the_clock(mother, handoff, book, viggo, clock):
    is_there(book, viggo, clock)
    mother.asks(kind="chat")
    handoff.sweep(clock.now + CHAT_GIVES_UP + dt.timedelta(seconds=1))
    standing = mother.looks()["callback"]
    assert standing["state"] == "expired" and standing["helplines"]


def test_what_was_written_goes_after_a_day_and_the_rest_after_fourteen(mother, handoff, talk, viggo, clock, table):
    mother.writes("noget meget særligt")
    handoff.hand_back(talk[0], viggo, clock.now)
    handoff.sweep(clock.now + dt.timedelta(hours=23))
    assert handoff.messages(talk[0])
    handoff.sweep(clock.now + dt.timedelta(hours=25))
    assert handoff.messages(talk[0]) == [] and handoff.get(talk[0])
    assert not _file(table, "meget særligt".encode())
    with Session(make_engine(table), future=True) as session:
        assert session.execute(select(HandoffMessage)).first() is None
        assert session.execute(select(HandoffRequest)).first() is not None


def test_the_conversation_goes_on_when_the_requests_cannot_be_reached(mother, table):
    with make_engine(table).begin() as connection:
        connection.execute(text("DROP TABLE handoff_message"))
        connection.execute(text("DROP TABLE handoff_request"))
    answer = mother.writes("hvor søger jeg bostøtte i Køge?")["messages"][0]["answer"]
    assert answer["topic"] == "bostoette" and answer["callback"] is None
    assert mother.app.config["HANDOFF_BREAKER"].is_open, "and the next do not wait for them"
