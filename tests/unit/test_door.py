"""The door without Rasa behind it: bad input, look-ups, and never silent."""

import json

import pytest

from bot.edge.app import create_app
from bot.safety.redact import redact
from bot.safety.text import tidy
from tests.conftest import CLOCKS, MONDAY, free_port


@pytest.fixture
def door(database):
    nobody = f"http://127.0.0.1:{free_port()}"
    return create_app(nobody, f"{nobody}/webhook", database, clock=lambda: MONDAY, secret="test").test_client()


def post(door, **body):
    return door.post("/api/v1/messages", data=json.dumps(body), content_type="application/json")


@pytest.mark.parametrize(
    ("body", "field", "code"),
    [
        ({"text": ""}, "text", "empty_text"),
        ({"text": "  \u200b\n "}, "text", "empty_text"),
        ({"text": "a" * 1001}, "text", "text_too_long"),
        ({"text": 5}, "text", "bad_request"),
        ({}, "text", "bad_request"),
        ({"text": "hej", "municipality": "9999"}, "municipality", "unknown_municipality"),
        ({"text": "hej", "municipality": 259}, "municipality", "bad_request"),
        ({"text": "hej", "session": "gættet"}, "session", "unknown_session"),
        ({"text": "hej", "session": 7}, "session", "unknown_session"),
        ({"text": "hej", "session": "\ud800"}, "session", "unknown_session"),
        ({"text": "hej", "municipality": "²"}, "municipality", "unknown_municipality"),
        ({"text": "hej", "municipality": "\ud800"}, "municipality", "unknown_municipality"),
    ],
)
def test_bad_fields_are_named_in_danish(door, body, field, code):
    response = post(door, **body)
    assert response.status_code == 400
    error = response.get_json()["error"]
    assert (error["field"], error["code"]) == (field, code)
    assert error["message"].endswith((".", "?", ")"))


def test_an_unknown_municipality_gets_near_names(door):
    assert "Køge (0259)" in post(door, text="hej", municipality="0258").get_json()["error"]["message"]
    assert "Køge" in post(door, text="hej", municipality="Koge").get_json()["error"]["message"]


@pytest.mark.parametrize(
    ("data", "content_type", "status"),
    [
        (b"{", "application/json", 400),
        (b"[1]", "application/json", 400),
        (b"\xff\xfe", "application/json", 400),
        (b'{"text": "hej"}', "text/plain", 415),
        (json.dumps({"text": "hej", "fyld": "x" * 5000}).encode(), "application/json", 413),
    ],
)
def test_what_is_not_a_message_is_refused_as_json(door, data, content_type, status):
    response = door.post("/api/v1/messages", data=data, content_type=content_type)
    assert response.status_code == status
    assert response.get_json()["error"]["message"]


def test_unknown_pages_and_methods_answer_json(door):
    assert door.get("/findes/ikke").get_json()["error"]["code"] == "not_found"
    assert door.get("/api/v1/messages").status_code == 405


def test_somebody_elses_key_does_not_open_a_session(door, database):
    session = post(door, text="hej").get_json()["session"]
    other = create_app("http://127.0.0.1:1", "http://127.0.0.1:1", database, secret="another").test_client()
    assert post(other, text="hej", session=session).status_code == 400
    assert post(door, text="hej", session=session).get_json()["session"] == session


def test_with_rasa_away_a_keyword_still_finds_the_department(door):
    response = post(door, text="hvor søger jeg tabt arbejdsfortjeneste i Køge?")
    assert response.status_code == 200
    (message,) = response.get_json()["messages"]
    assert message["answer"]["kind"] == "degraded"
    assert "Specialrådgivningen" in message["text"] and "56 67 67 67" in message["text"] and "112" in message["text"]


def test_with_rasa_away_any_message_gets_numbers(door):
    (message,) = post(door, text="noget helt andet", municipality="0259").get_json()["messages"]
    assert "56 67 67 67" in message["text"] and "112" in message["text"]


def test_with_the_database_away_too_112_is_still_said(tmp_path):
    app = create_app("http://127.0.0.1:1", "http://127.0.0.1:1", f"sqlite:///{tmp_path}/ingen.db", secret="test")
    (message,) = post(app.test_client(), text="hjælp").get_json()["messages"]
    assert "112" in message["text"]
    assert app.test_client().get("/api/v1/health").status_code == 503


def test_what_breaks_after_the_answer_was_made_leaves_a_number_too(database):
    app = create_app("http://127.0.0.1:1", "http://127.0.0.1:1", database, secret="test")

    @app.after_request
    def break_down(response):
        raise RuntimeError("min bror hører stemmer")

    response = post(app.test_client(), text="hjælp")
    assert response.status_code == 500 and "112" in response.get_json()["error"]["message"]
    assert "stemmer" not in response.text


def test_danger_needs_no_rasa(database):
    sunday = CLOCKS["sunday evening"]  # the doctor on call answers
    door = create_app("http://127.0.0.1:1", "http://127.0.0.1:1", database, clock=lambda: sunday, secret="test")
    (message,) = post(door.test_client(), text="hun vil tage sit eget liv", municipality="0851").get_json()["messages"]
    assert message["answer"]["kind"] == "crisis"
    assert "112" in message["text"] and "70 15 03 00" in message["text"]


def test_personal_data_is_taken_out_and_said(door):
    first, _second = post(door, text="min mor har cpr 010150-1234, hvem kan hjælpe?").get_json()["messages"]
    assert "taget private oplysninger ud" in first["text"]


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("cpr 010150-1234", "cpr [fjernet]"),
        ("010150 1234 og 0101501234", "[fjernet] og [fjernet]"),
        ("ring 22 33 44 55", "ring [fjernet]"),
        ("skriv til mor@hjemme.dk", "skriv til [fjernet]"),
        ("§ 42 i 2023, 4600 Køge, 19 år", "§ 42 i 2023, 4600 Køge, 19 år"),
        ("jeg har ringet til 56 67 67 67", "jeg har ringet til 56 67 67 67"),
    ],
)
def test_redaction(text, clean):
    assert redact(text, frozenset({"56676767"}))[0] == clean


def test_tidy_keeps_danish_and_drops_what_cannot_be_seen():
    assert tidy("a\u0000b\u200bc\n\n d\u0065\u0301") == "abc dé"


def test_health_names_the_parts_that_are_down(door):
    response = door.get("/api/v1/health")
    body = response.get_json()
    assert response.status_code == 503
    assert (body["rasa"], body["actions"], body["database"]) == ("down", "down", "ok")
    assert body["knowledge"]["municipalities"] == 98 and body["knowledge"]["topics"] == 61


def test_lookup_on_a_date(door):
    def sections(**query):
        body = door.get(
            "/api/v1/lookup", query_string={"municipality": "0259", "topic": "tabt_arbejdsfortjeneste", **query}
        )
        return [f"{law['law']} {law['section']}" for law in body.get_json()["legal_basis"]]

    assert sections(on="2023-06-01") == ["serviceloven § 42"]
    assert sections(on="2026-11-21") == sections() == ["barnets lov § 87"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"topic": "bostotte"}, "topic"),
        ({}, "topic"),
        ({"topic": "bostoette", "municipality": "0000"}, "municipality"),
        ({"topic": "bostoette", "on": "i går"}, "on"),
        ({"topic": "bostoette", "age": "nan"}, "age"),
        ({"topic": "bostoette", "municipality": "²"}, "municipality"),
        ({"topic": "bostoette", "facets": "farve"}, "facets"),
    ],
)
def test_lookup_names_what_is_wrong(door, query, field):
    response = door.get("/api/v1/lookup", query_string=query)
    assert response.status_code == 400
    assert response.get_json()["error"]["field"] == field


def test_lists_of_municipalities_and_topics(door):
    assert len(door.get("/api/v1/municipalities").get_json()["municipalities"]) == 98
    assert len(door.get("/api/v1/topics").get_json()["topics"]) == 61


def test_the_page_asks_nobody_else(door):
    page = door.get("/")
    own = page.text.replace("http-equiv", "").replace("http://localhost/widget.js", "")
    assert page.status_code == 200 and "http" not in own
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'")


def test_answers_hold_for_the_moment_of_the_clock(database):
    app = create_app(
        "http://127.0.0.1:1", "http://127.0.0.1:1", database, clock=lambda: CLOCKS["christmas eve"], secret="x"
    )
    body = app.test_client().get("/api/v1/lookup", query_string={"topic": "akut_psykiatri", "municipality": "0259"})
    assert body.get_json()["as_of"] == "2026-12-24T19:00:00+01:00"
