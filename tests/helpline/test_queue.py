"""The pages of the queue: who sees what, what is told to who comes second, and the helpline's own hours."""

import datetime as dt
import os
import re
import subprocess
import sys

import pytest
from click.testing import CliRunner

from bot.cli import app as vejviser
from bot.handoff.requests import Handoff, Wish
from bot.helpline.staff import DEVELOPER, IDLE, StaffBook
from bot.knowledge.database import make_engine
from bot.knowledge.hours import Calendar
from bot.knowledge.load import ROOT
from bot.processes import development_login
from tests.conftest import MONDAY
from tests.helpline.conftest import enter, token_of

NUMBER = "20 12 34 56"


@pytest.fixture
def handoff(table):
    found = Handoff(make_engine(table))
    found.set_desk("Mo-Fr 10:00-16:00", 4, [])
    return found


@pytest.fixture
def request_id(handoff):
    words = "Det handler om: en særlig sag"
    return handoff.place("mor", Wish("call", words, "20123456", "today", "bostoette", "0259"), Calendar(), MONDAY).id


def posts(client, path, **data):
    return client.post(path, data={**data, "csrf_token": token_of(client, "/mig")}, follow_redirects=True).text


def test_the_list_shows_neither_words_nor_number(logged_in, request_id):
    page = logged_in("vera").get("/koe").text
    assert "Bostøtte" in page and "i dag mellem kl. 10 og 12" in page
    assert "særlig sag" not in page and NUMBER not in page


def test_the_words_before_it_is_taken_and_the_number_after(logged_in, request_id):
    vera, viggo = logged_in("vera"), logged_in("viggo")
    before = vera.get(f"/koe/{request_id}").text
    assert "særlig sag" in before and NUMBER not in before
    assert NUMBER in posts(vera, f"/koe/{request_id}/tag")
    other = viggo.get(f"/koe/{request_id}").text
    assert "Vera Frivillig har taget henvendelsen" in other and "særlig sag" not in other and NUMBER not in other
    assert "Vera Frivillig var hurtigere" in posts(viggo, f"/koe/{request_id}/tag")
    assert NUMBER in posts(vera, f"/koe/{request_id}/tag"), "pressed twice it is still hers"


def test_who_takes_a_call_sees_that_others_asked_for_the_same_number(logged_in, handoff, request_id):
    other = handoff.place("far", Wish("call", "noget andet", "20123456", "today"), Calendar(), MONDAY).id
    handoff.place("andre", Wish("call", "noget tredje", "20123457", "today"), Calendar(), MONDAY)
    vera = logged_in("vera")
    assert "samme nummer" not in vera.get(f"/koe/{request_id}").text, "not before it is taken"
    taken = posts(vera, f"/koe/{request_id}/tag")
    assert "samme nummer" in taken and taken.count(f"/koe/{other}") == 1
    handoff.withdraw("far", MONDAY)
    assert "samme nummer" not in vera.get(f"/koe/{request_id}").text


def test_who_comes_after_it_was_withdrawn_is_told(logged_in, handoff, request_id):
    vera = logged_in("vera")
    handoff.withdraw("mor", MONDAY)
    assert "trukket tilbage" in posts(vera, f"/koe/{request_id}/tag")
    assert NUMBER not in vera.get(f"/koe/{request_id}").text
    handoff.forget("mor")
    assert vera.get(f"/koe/{request_id}").status_code == 404


def test_a_step_with_a_request_that_is_not_ones_own_changes_nothing(logged_in, handoff, request_id):
    vera, viggo = logged_in("vera"), logged_in("viggo")
    posts(vera, f"/koe/{request_id}/tag")
    for step in ("slip", "faerdig", "intet-svar", "tilbage", "genaabn"):
        assert "ikke din" in posts(viggo, f"/koe/{request_id}/{step}")
    assert "ikke gemt" in posts(viggo, f"/koe/{request_id}/note", note="x")
    assert viggo.get(f"/koe/{request_id}/beskeder").status_code == 404
    row = handoff.get(request_id)
    assert row.state == "claimed" and row.note == ""


def test_what_somebody_has_taken_and_left_is_seen_and_a_coordinator_lays_it_back(logged_in, handoff, request_id, clock):
    clock.now = MONDAY + dt.timedelta(hours=1, minutes=50)
    vera, viggo, karl = logged_in("vera"), logged_in("viggo"), logged_in("karl")
    posts(vera, f"/koe/{request_id}/tag")
    clock.now += dt.timedelta(minutes=11)  # it was promised until twelve, and all are still at work
    seen = viggo.get("/koe").text
    assert "Vera Frivillig har den" in seen and "For sent" in seen and "Læg tilbage" not in seen
    assert "ikke din" in posts(viggo, f"/koe/{request_id}/slip")
    assert "Læg tilbage i køen" in karl.get("/koe").text
    assert "ligger i køen igen" in posts(karl, f"/koe/{request_id}/slip")
    assert "Tag den" in viggo.get("/koe").text
    assert "Lagde en henvendelse tilbage" in logged_in("anna").get("/spor").text


def test_a_call_left_behind_comes_back_by_itself_when_the_queue_is_looked_at(logged_in, handoff, request_id, clock):
    posts(logged_in("vera"), f"/koe/{request_id}/tag")
    clock.now += IDLE + dt.timedelta(minutes=1)
    assert logged_in("viggo").get("/koe/nyt").get_json()["waiting"] == 1


def test_the_mark_of_the_queue_is_the_same_in_every_process(table, request_id):
    """Python salts its hashes anew in each process; two consoles would make each other's pages load for ever."""
    code = (
        "import datetime as dt; from bot.helpline.app import create_app; from bot.helpline import queue;"
        f"app = create_app('', '', {table!r}, clock=lambda: dt.datetime.fromisoformat({MONDAY.isoformat()!r}),"
        " secret='test')\nwith app.app_context(): print(queue._stamp(app.config['HANDOFF'].queue()))"
    )
    said = {
        subprocess.run(
            [sys.executable, "-W", "ignore", "-c", code],
            cwd=ROOT, env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True,
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert len(said) == 1 and len(said.pop().strip()) == 16


def test_each_reading_leaves_a_trace_without_words(logged_in, request_id):
    vera = logged_in("vera")
    vera.get(f"/koe/{request_id}")
    posts(vera, f"/koe/{request_id}/tag")
    page = logged_in("anna").get("/spor").text
    assert len(re.findall("Læste en henvendelse", page)) == 2 and "Tog en henvendelse" in page
    assert "særlig" not in page and NUMBER not in page


def test_done_undone_and_done(logged_in, handoff, request_id):
    vera = logged_in("vera")
    posts(vera, f"/koe/{request_id}/tag")
    assert "Fortryd" in posts(vera, f"/koe/{request_id}/faerdig")
    assert NUMBER in posts(vera, f"/koe/{request_id}/genaabn")
    assert "Personen kan se" in posts(vera, f"/koe/{request_id}/intet-svar")
    assert handoff.get(request_id).attempts == 1


def test_an_empty_queue_says_what_to_do_and_a_missing_desk_too(console, logged_in):
    page = logged_in("vera").get("/koe").text
    assert "Lad siden stå åben" in page and "En koordinator skal først sætte" in page


def test_the_open_queue_shows_that_somebody_is_there_and_keeps_nobody_logged_in(console, handoff, clock):
    vera = enter(console, "vera")
    assert not handoff.somebody_is_there(clock.now)
    assert vera.get("/koe/nyt").get_json()["waiting"] == 0
    assert handoff.somebody_is_there(clock.now)
    for _ in range(4):
        clock.now += IDLE / 3
        status = vera.get("/koe/nyt").status_code
    assert status == 302, "asking by itself is not doing something"


# -- the hours ---------------------------------------------------------------------------------------------------


def test_the_week_is_set_as_people_write_it(logged_in, handoff):
    karl = logged_in("karl")
    week = {"MO": "10-16", "WE": "kl. 10 - 12.30, 17 til 20", "FR": "9:30-24"}
    page = posts(karl, "/aabningstid", **week, calls="6", closed="24.12.2026, 31.12.2026")
    assert "er gemt" in page and 'value="10.00-12.30, 17.00-20.00"' in page and 'value="09.30-24.00"' in page
    desk = handoff.desk()
    assert desk.hours == "Mo 10:00-16:00; We 10:00-12:30,17:00-20:00; Fr 09:30-24:00"
    assert (desk.calls_per_hour, desk.closed_days) == (6, "2026-12-24 2026-12-31")
    assert "i dag mellem kl. 10 og 12" in page


@pytest.mark.parametrize(
    "wrong, said",
    [
        ({"MO": "ti til fire"}, "Mandag: &#39;ti til fire&#39; er ikke tider. Skriv fx 10-16"),
        ({"MO": "16-10"}, "Mandag"),
        ({"MO": "10-25"}, "Mandag"),
        ({"MO": "10.75-12"}, "Mandag"),
        ({"MO": ""}, "mindst én åben dag"),
        ({"closed": "juleaften"}, "Skriv fx 24.12.2026"),
        ({"closed": "31.02.2026"}, "er ikke en dato"),
        ({"calls": "0"}, "hvor mange opkald"),
        ({"calls": "mange"}, "hvor mange opkald"),
    ],
)
def test_what_is_no_time_is_named_and_nothing_is_lost(logged_in, handoff, wrong, said):
    given = {"MO": "10-16", "calls": "6", "closed": "24.12.2026", **wrong}
    page = posts(logged_in("karl"), "/aabningstid", **given)
    assert said in page and handoff.desk().hours == "Mo-Fr 10:00-16:00"
    assert all(f'value="{given[name]}"' in page for name in ("MO", "calls") if given[name])
    assert given["closed"] in page


# -- at the desk -------------------------------------------------------------------------------------------------


def test_accounts_are_made_from_the_command_line(table, monkeypatch):
    monkeypatch.setenv("VEJVISER_DATABASE_URL", table)
    run = lambda *words, **more: CliRunner().invoke(vejviser, ["user", *words], **more)  # noqa: E731
    made = run("add", "ny", "--navn", "Ny", "--rolle", "volunteer", "--rolle", "editor:0259", "--generate")
    assert made.exit_code == 0
    password = made.output.strip().rpartition(" ")[2]
    book = StaffBook(make_engine(table))
    assert book.check("ny", password, MONDAY) is not None
    assert "ny\tNy\tvolunteer, editor:0259" in run("list").output or "editor:0259, volunteer" in run("list").output
    assert "er taget" in run("add", "ny", "--navn", "x", "--rolle", "volunteer", "--oidc").output
    assert "findes ikke. Brug: volunteer" in run("add", "x", "--navn", "x", "--rolle", "chef", "--oidc").output
    changed = run("password", "ny", input="fem små fisk svømmer\nfem små fisk svømmer\n")
    assert changed.exit_code == 0 and book.check("ny", "fem små fisk svømmer", MONDAY) is not None
    assert run("remove", "ny").exit_code == 0 and run("remove", "ny").exit_code == 2


def test_make_run_makes_a_login_with_a_new_password_each_time(table, monkeypatch):
    monkeypatch.setenv("VEJVISER_DATABASE_URL", table)
    said = [development_login() for _ in range(2)]
    assert said[0] != said[1] and all(line.startswith(f"{DEVELOPER} / ") for line in said)
    book = StaffBook(make_engine(table))
    assert book.check(DEVELOPER, said[0].partition(" / ")[2], MONDAY) is None
    assert book.check(DEVELOPER, said[1].partition(" / ")[2], MONDAY) is not None
    assert book.development_logins() == [DEVELOPER]
    assert Handoff(make_engine(table)).desk() is not None, "demo hours"
    monkeypatch.setenv("VEJVISER_ENV", "production")
    assert DEVELOPER not in development_login()
