"""What stands around the door: rates, origins, headers, log, figures, and a start that refuses."""

import datetime as dt
import http.server
import json
import re
import secrets
import threading

import pytest

from bot.edge.app import create_app
from bot.edge.settings import ADDRESS_RATE, SESSION_RATE, Settings, SettingsError
from bot.knowledge.database import make_engine
from bot.knowledge.directory import Shelf
from tests.conftest import MONDAY, free_port

KEY = "kQ7v-3nXw0bT9yLr2Ms8Zf5HdUa1JgPc6EiO4tYxRqW"
KOEGE = "https://www.koege.dk"


@pytest.fixture(scope="module")
def shelf(database):
    """One reading of the table for all the doors of this file: reading it takes two seconds."""
    return Shelf(make_engine(database))


@pytest.fixture
def make(database, shelf):
    def door(limited=True, **environ):
        nobody = f"http://127.0.0.1:{free_port()}"
        settings = Settings.read({"VEJVISER_SECRET": KEY, **environ})
        app = create_app(
            nobody, f"{nobody}/webhook", database, clock=lambda: MONDAY, limited=limited, settings=settings
        )
        app.config["SHELF"] = shelf
        return app.test_client()

    return door


def post(door, text="hej", session=None, **options):
    return door.post("/api/v1/messages", json={"text": text, "session": session}, **options)


# -- rates -------------------------------------------------------------------------------------------------------


def test_the_session_that_asks_too_fast_is_told_when_to_come_back(make):
    door = make(VEJVISER_SESSION_RATE="3 per minute")
    session = post(door).get_json()["session"]
    assert [post(door, session=session).status_code for _ in range(4)] == [200, 200, 200, 429]
    refused = post(door, session=session)
    assert 1 <= int(refused.headers["Retry-After"]) <= 61
    error = refused.get_json()["error"]
    assert error["code"] == "too_many_requests" and "112" in error["message"]
    assert refused.headers["Retry-After"] in error["message"]
    assert post(door).status_code == 200, "another conversation from the same address goes on"


def test_a_new_conversation_each_time_does_not_help_an_address(make):
    door = make(VEJVISER_ADDRESS_RATE="3 per minute")
    assert [post(door).status_code for _ in range(4)] == [200, 200, 200, 429]
    assert post(door, environ_overrides={"REMOTE_ADDR": "127.0.0.2"}).status_code == 200
    assert door.get("/api/v1/health").status_code == 503, "health is not counted, and tells that Rasa is away"


def test_what_a_client_says_of_its_address_counts_only_behind_our_proxies(make):
    liar = make(VEJVISER_ADDRESS_RATE="1 per minute")
    codes = [post(liar, headers={"X-Forwarded-For": f"192.0.2.{n}"}).status_code for n in range(2)]
    assert codes == [200, 429]
    behind = make(VEJVISER_ADDRESS_RATE="1 per minute", VEJVISER_PROXIES="1")
    codes = [post(behind, headers={"X-Forwarded-For": f"192.0.2.{n}"}).status_code for n in (1, 2, 2)]
    assert codes == [200, 200, 429]


def test_the_defaults_let_people_through():
    assert int(SESSION_RATE.split()[0]) >= 60 and int(ADDRESS_RATE.split()[0]) >= 240
    assert SESSION_RATE.endswith("per minute") and ADDRESS_RATE.endswith("per minute")


def test_sixty_messages_of_one_session_pass(make):
    door = make()
    session = post(door).get_json()["session"]
    assert {post(door, session=session).status_code for _ in range(60)} == {200}


def test_a_storage_that_is_away_does_not_silence_the_door(make):
    door = make(VEJVISER_RATE_STORAGE=f"redis://127.0.0.1:{free_port()}", VEJVISER_ADDRESS_RATE="2 per minute")
    assert [post(door).status_code for _ in range(3)] == [200, 200, 429]


# -- origins and headers -----------------------------------------------------------------------------------------


def test_a_configured_site_may_ask_and_gives_its_municipality(make):
    door = make(VEJVISER_ORIGINS=f"{KOEGE}=0259, https://www.example.dk")
    preflight = door.options(
        "/api/v1/messages",
        headers={
            "Origin": KOEGE,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "content-type",
        },
    )
    assert preflight.status_code == 200
    assert preflight.headers["Access-Control-Allow-Origin"] == KOEGE
    assert "POST" in preflight.headers["Access-Control-Allow-Methods"]
    assert preflight.headers["Access-Control-Allow-Headers"].lower() == "content-type"
    assert "Access-Control-Allow-Credentials" not in preflight.headers
    reply = post(door, "hvor søger jeg tabt arbejdsfortjeneste?", headers={"Origin": KOEGE})
    assert reply.headers["Access-Control-Allow-Origin"] == KOEGE and "Origin" in reply.headers["Vary"]
    assert reply.get_json()["messages"][0]["answer"]["municipality"]["code"] == "0259"
    other = post(door, "hvor søger jeg tabt arbejdsfortjeneste?", headers={"Origin": "https://www.example.dk"})
    assert other.get_json()["messages"][0]["answer"]["municipality"] is None


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "null",
        "https://www.koege.dk.evil.example",
        "https://evil.example/www.koege.dk",
        "http://www.koege.dk",
        "https://www.koege.dk:8443",
        "https://www-koege.dk",
        "https://wwwxkoege.dk",
        "https://localhost@evil.example",
        "http://[",
        "*",
        "",
    ],
)
def test_a_forged_origin_gets_nothing(make, origin):
    door = make(VEJVISER_ORIGINS=f"{KOEGE}=0259")
    refused = post(door, headers={"Origin": origin})
    assert refused.status_code == 403 and refused.get_json()["error"]["code"] == "origin"
    read = door.get("/api/v1/topics", headers={"Origin": origin})
    assert "Access-Control-Allow-Origin" not in refused.headers and "Access-Control-Allow-Origin" not in read.headers
    session = post(door).get_json()["session"]
    assert door.delete(f"/api/v1/sessions/{session}", headers={"Origin": origin}).status_code == 403


def test_our_own_page_may_ask_without_being_configured(make):
    assert post(make(), headers={"Origin": "http://localhost"}).status_code == 200


@pytest.mark.parametrize(
    "path", ["/", "/api/v1/topics", "/nowhere", "/static/page.css", "/static/../app.py", "/metrics"]
)
def test_every_reply_is_shielded_and_numbered(make, path):
    door = make()
    first, second = (door.get(path, headers={"X-Request-Id": "mine\tforged"}) for _ in range(2))
    for response in (first, second):
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["X-Frame-Options"] == "DENY"
        assert response.headers["Referrer-Policy"] == "no-referrer"
        policy = response.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'") and "unsafe" not in policy and "*" not in policy
        assert "Set-Cookie" not in response.headers and "Access-Control-Allow-Origin" not in response.headers
        assert re.fullmatch(r"[0-9a-f]{16}", response.headers["X-Request-Id"])
    assert first.headers["X-Request-Id"] != second.headers["X-Request-Id"]


def test_https_is_remembered_behind_our_proxy(make):
    response = make(VEJVISER_PROXIES="1").get("/", headers={"X-Forwarded-Proto": "https"})
    assert "max-age=31536000" in response.headers["Strict-Transport-Security"]
    assert "Strict-Transport-Security" not in make().get("/").headers


# -- a start that refuses ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "environ",
    [
        {"VEJVISER_ENV": "production"},
        {"VEJVISER_ENV": "production", "VEJVISER_SECRET": "changeme"},
        {"VEJVISER_ENV": "production", "VEJVISER_SECRET": "please-change-me-please-change-me-please"},
        {"VEJVISER_ENV": "production", "VEJVISER_SECRET": "a" * 64},
        {"VEJVISER_ENV": "production", "VEJVISER_SECRET": KEY[:31]},
        {"VEJVISER_ENV": "prodction", "VEJVISER_SECRET": KEY},
        {"VEJVISER_ENV": "production", "VEJVISER_SECRET": KEY, "VEJVISER_ORIGINS": "http://www.koege.dk=0259"},
        {"VEJVISER_ORIGINS": "*"},
        {"VEJVISER_ORIGINS": "https://*.koege.dk=0259"},
        {"VEJVISER_ORIGINS": "https://www.koege.dk/side=0259"},
        {"VEJVISER_ORIGINS": "https://www.koege.dk=259"},
        {"VEJVISER_PROXIES": "many"},
    ],
)
def test_the_door_refuses_to_start(environ):
    with pytest.raises(SettingsError):
        Settings.read(environ)


def test_production_starts_with_a_random_key():
    for _ in range(50):
        assert Settings.read({"VEJVISER_ENV": "production", "VEJVISER_SECRET": secrets.token_urlsafe(32)}).production


def test_a_weak_key_given_in_code_is_refused_in_production_too(monkeypatch):
    monkeypatch.setenv("VEJVISER_ENV", "production")
    with pytest.raises(SettingsError):
        create_app(secret="test")


# -- log and figures ---------------------------------------------------------------------------------------------


def test_the_log_tells_what_happened_and_not_what_was_said(make, capsys):
    door = make()
    marker = "hemmelighedsfuld opvask"
    reply = post(door, f"{marker}: hvor søger jeg tabt arbejdsfortjeneste i Køge?")
    session = reply.get_json()["session"]
    post(door, f"{marker} igen", session=session)
    door.delete(f"/api/v1/sessions/{session}")
    door.get(f"/{marker}?q={marker}")
    written = capsys.readouterr().err
    lines = [json.loads(line) for line in written.splitlines()]
    assert marker not in written and session not in written and "127.0.0.1" not in written
    first, second = (line for line in lines if line["event"] == "message")
    assert first["topic"] == "tabt_arbejdsfortjeneste" and first["kind"] == "degraded" and first["channel"] == "web"
    assert first["ms"] > 0 and first["status"] == 200
    assert first["request_id"] == reply.headers["X-Request-Id"] != second["request_id"]
    assert first["session"] == second["session"] and re.fullmatch(r"[0-9a-f]{12}", first["session"])
    assert {line["route"] for line in lines if line["event"] == "request"} == {"/api/v1/sessions/<session>", None}


def figure(text, name):
    return float(re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)[1])


def test_the_figures_count_kinds_and_time(make):
    door = make()
    post(door, "noget andet")
    post(door, "noget andet")
    post(door, "hun vil tage sit eget liv")
    text = door.get("/metrics").text
    assert figure(text, 'vejviser_messages_total{channel="web",kind="degraded"}') == 2
    assert figure(text, 'vejviser_messages_total{channel="web",kind="crisis"}') == 1
    assert figure(text, 'vejviser_messages_total{channel="web",kind="fallback"}') == 0
    assert figure(text, 'vejviser_message_seconds_count{channel="web"}') == 3
    assert figure(text, "vejviser_rasa_breaker_open") == 0
    assert figure(text, "vejviser_stale_share") == door.get("/api/v1/health").get_json()["knowledge"]["stale_share"]
    post(door, "noget andet")
    assert figure(door.get("/metrics").text, "vejviser_rasa_breaker_open") == 1


def test_the_figures_are_for_this_machine_or_the_token(make):
    door = make(VEJVISER_METRICS_TOKEN="a-key-for-figures")
    away = {"REMOTE_ADDR": "192.0.2.1"}
    assert door.get("/metrics").status_code == 200
    assert door.get("/metrics", environ_overrides=away).status_code == 403
    assert door.get("/metrics", headers={"X-Forwarded-For": "127.0.0.1"}).status_code == 403
    assert door.get("/metrics", environ_overrides=away, headers={"Authorization": "Bearer "}).status_code == 403
    token = "Bearer a-key-for-figures"
    assert door.get("/metrics", environ_overrides=away, headers={"Authorization": token}).status_code == 200
    assert make().get("/metrics", environ_overrides=away, headers={"Authorization": "Bearer "}).status_code == 403
    assert make().get("/metrics", environ_overrides=away, headers={"Authorization": "Bearer None"}).status_code == 403


def test_after_three_failures_nobody_waits_for_rasa(database):
    """A Rasa that takes the call and says nothing, as one that hangs does."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        app = create_app(url, f"{url}/webhook", database, clock=lambda: MONDAY, secret="test")
        door = app.test_client()
        app.config["RASA"].timeout_seconds = 0.3
        for _ in range(3):
            post(door)
        reply = post(door, "hvor søger jeg tabt arbejdsfortjeneste i Køge?")
        silent.settimeout(0)
        for _ in range(3):
            silent.accept()[0].close()
        with pytest.raises(BlockingIOError):  # nobody called a fourth time
            silent.accept()
        assert reply.status_code == 200 and "56 67 67 67" in reply.get_json()["messages"][0]["text"]


class Talking(http.server.BaseHTTPRequestHandler):
    """A Rasa that says hello, after it has met the first messages as its server's `troubles` say."""

    def do_POST(self):
        message = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.heard.append(json.loads(message)["message"])
        trouble = self.server.troubles.pop(0) if self.server.troubles else None
        if trouble == "gone":
            self.close_connection = True
            return
        body = json.dumps([{"text": "Hej fra Rasa"}]).encode()
        self.send_response(trouble or 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def talking():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Talking) as rasa:
        rasa.heard, rasa.troubles = [], []
        threading.Thread(target=rasa.serve_forever, daemon=True).start()
        yield rasa
        rasa.shutdown()


@pytest.fixture
def before(database):
    def build(rasa):
        url = f"http://127.0.0.1:{rasa.server_port}"
        return create_app(url, None, database, clock=lambda: MONDAY, secret="test").test_client()

    return build


@pytest.mark.parametrize("troubles", [[502], [503], ["gone"], [502, "gone", 503]])
def test_what_came_to_a_rasa_that_is_gone_is_sent_again(before, talking, troubles):
    talking.troubles = list(troubles)
    reply = post(before(talking), "hvad er bostøtte")
    assert reply.get_json()["messages"][0]["text"] == "Hej fra Rasa"
    assert talking.heard == ["hvad er bostøtte"] * (len(troubles) + 1)


@pytest.mark.parametrize(("troubles", "times"), [([500], 1), ([502] * 9, 4), (["gone"] * 9, 4)])
def test_what_a_rasa_cannot_answer_is_not_sent_again_and_again(before, talking, troubles, times):
    talking.troubles = troubles
    reply = post(before(talking), "hvad er bostøtte i Køge")
    assert "56 67 67 67" in reply.get_json()["messages"][0]["text"]
    assert len(talking.heard) == times


def test_a_conversation_store_that_is_broken_does_not_silence_the_door(before, talking, tmp_path, monkeypatch):
    """Rasa answers, but its store cannot be swept: the answer still comes."""
    (tmp_path / "broken.db").write_bytes(b"this is no database" * 100)
    monkeypatch.setenv("VEJVISER_CONVERSATIONS", str(tmp_path / "broken.db"))
    reply = post(before(talking))
    assert reply.status_code == 200 and reply.get_json()["messages"][0]["text"] == "Hej fra Rasa"
    assert dt.datetime.fromisoformat(reply.get_json()["messages"][0]["answer"]["as_of"]) == MONDAY
