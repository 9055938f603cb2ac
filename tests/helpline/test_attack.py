"""Whatever is sent to ask for a human, or typed into the look-up: an answer or a refusal, never a 5xx."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.edge.app import create_app as create_door
from bot.edge.sessions import Session
from bot.handoff.requests import Handoff
from bot.helpline.app import create_app
from bot.knowledge.database import make_engine
from tests.conftest import MONDAY
from tests.helpline.conftest import NOBODY, enter, token_of
from tests.unit.test_attack import CODES, JSON, TEXTS, WILD

MANY = settings(
    max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@pytest.fixture
def door(table):
    Handoff(make_engine(table)).set_desk("24/7", 99, [])
    return create_door(NOBODY, f"{NOBODY}/webhook", table, clock=lambda: MONDAY, secret="test", limited=False)


BODIES = st.fixed_dictionaries(
    {},
    optional={
        "kind": st.sampled_from(["call", "chat"]) | JSON,
        "summary": TEXTS | JSON,
        "number": st.sampled_from(["20123456", "112", "+4520123456", "²" * 8]) | WILD | JSON,
        "wish": st.sampled_from(["today", "soonest", "evening"]) | JSON,
        "topic": st.sampled_from(["bostoette"]) | JSON,
        "municipality": CODES | JSON,
        "extra": JSON,
    },
)


@MANY
@given(body=BODIES | JSON)
def test_any_wish(door, body):
    if isinstance(body, dict):
        body = {"session": door.config["SESSIONS"].id_of(Session("mor")), **body}
    answer = door.test_client().post("/api/v1/callbacks", data=json.dumps(body), content_type="application/json")
    assert answer.status_code in {201, 400, 409, 413}, answer.text
    if answer.status_code != 201:
        assert answer.get_json()["error"]["message"] and "Traceback" not in answer.text


@MANY
@given(session=WILD, after=WILD)
def test_any_session_and_message(door, session, after):
    client = door.test_client()
    path = f"/api/v1/callbacks/{session.encode('utf-8', 'replace').hex()}"
    for answer in (client.get(path, query_string={"after": after.encode("utf-8", "replace")}), client.delete(path)):
        assert answer.status_code == (400 if session else 404), answer.text
    known = door.config["SESSIONS"].id_of(Session("mor"))
    sent = client.get(f"/api/v1/callbacks/{known}", query_string={"after": after.encode("utf-8", "replace")})
    assert sent.status_code in {200, 400}


@pytest.fixture
def vera(table, clock):
    app = create_app(NOBODY, f"{NOBODY}/webhook", table, clock=clock, secret="test", limited=False)
    client = enter(app, "vera")
    return client, {"X-CSRFToken": token_of(client, "/mig")}


@MANY
@given(q=TEXTS | JSON, place=CODES | JSON)
def test_anything_typed(vera, q, place):
    client, headers = vera
    for path in ("/opslag/soeg", "/opslag/forstaa"):
        body = json.dumps({"q": q, "kommune": place})
        answer = client.post(path, data=body, content_type="application/json", headers=headers)
        assert answer.status_code in {200, 400}, answer.text
        if answer.status_code == 200:
            assert len(answer.get_json()["hits"]) <= 9


@MANY
@given(topic=WILD, place=WILD | CODES, other=WILD | CODES)
def test_any_card(vera, topic, place, other):
    given = {"emne": topic, "kommune": place or "", "ogsaa": other or ""}
    query = {name: value.encode("utf-8", "replace") for name, value in given.items()}
    answer = vera[0].get("/opslag", query_string=query)
    # No database takes a null character: it is refused before it gets there.
    assert answer.status_code in ({400} if "\0" in "".join(given.values()) else {200, 404})
    assert "<script>" not in answer.text
