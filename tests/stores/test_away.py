"""A database or a Redis that goes, hangs or comes back: whoever writes gets an answer, and what was kept is there."""

import contextlib
import http.server
import json
import socket
import sqlite3
import threading
from contextlib import contextmanager

import pytest
from sqlalchemy import text
from sqlalchemy.exc import TimeoutError

from bot.edge.app import NOT_FORGOTTEN, create_app
from bot.edge.settings import Settings
from bot.handoff.requests import Handoff
from bot.jobs.queue import Jobs, make_huey
from bot.knowledge.database import POOL_SIZE, make_engine
from bot.knowledge.directory import Shelf
from tests.conftest import MONDAY
from tests.databases import taken_away
from tests.servers import postgres
from tests.sms import MOTHER, make_town
from tests.stores.conftest import CALL

NOBODY = "http://127.0.0.1:1"
QUESTION = "hvor søger jeg tabt arbejdsfortjeneste i Køge?"


def door_of(url, rasa=NOBODY, **options):
    return create_app(rasa, f"{NOBODY}/webhook", url, clock=lambda: MONDAY, secret="test", **options)


def writes(app, text=QUESTION, session=None):
    response = app.test_client().post("/api/v1/messages", json={"session": session, "text": text})
    assert response.status_code == 200, response.text
    return response.get_json()


def said(reply):
    return "\n".join(message["text"] for message in reply["messages"])


def test_postgresql_is_restarted(shipped_on_a_server_of_its_own):
    server, url = shipped_on_a_server_of_its_own
    app = door_of(url, limited=False)
    assert "56 67 67 67" in said(writes(app))
    server.stop()
    app.config["SHELF"]._looked = 0
    for _ in range(3):
        assert "56 67 67 67" in said(writes(app)), "as last read"
    assert app.test_client().get("/api/v1/health").get_json()["database"] == "down"
    newcomer = door_of(url)
    assert "112" in said(writes(newcomer)), "a door that never saw the table"
    server.start()
    app.config["SHELF"]._engine.dispose()
    handoff = Handoff(make_engine(url))
    handoff.set_desk("24/7", 60, [])
    handoff.place("moder", CALL, app.config["SHELF"].current().calendar, MONDAY)
    assert handoff.of("moder").number == "20123456"


@pytest.fixture
def shipped_on_a_server_of_its_own():
    from bot.knowledge.database import migrate
    from bot.knowledge.load import load

    with postgres() as server:
        engine = make_engine(server.url())
        migrate(engine)
        load(engine)
        engine.dispose()
        yield server, server.url()


@contextmanager
def silent_server():
    """Something that takes calls and never says a word; gives the address, and who called."""
    calls = []
    with socket.create_server(("127.0.0.1", 0), backlog=100) as listener:

        def answer():
            while True:
                try:
                    calls.append(listener.accept()[0])
                except OSError:
                    return

        threading.Thread(target=answer, daemon=True).start()
        yield f"postgresql://vejviser@127.0.0.1:{listener.getsockname()[1]}/vejviser", calls
        listener.shutdown(socket.SHUT_RDWR)
    for call in calls:
        call.close()


def test_a_server_that_hangs_holds_nobody(monkeypatch, tmp_path):
    """One waits two seconds for it, and those who come right after are told at once."""
    monkeypatch.setenv("VEJVISER_CONVERSATIONS", str(tmp_path / "conversations.db"))
    with silent_server() as (url, calls):
        app = door_of(url, limited=False)
        for _ in range(3):
            assert "112" in said(writes(app))
        # Each message asks for the table, the queue and the chat; together they called no more than once a second.
        assert 1 <= len(calls) <= 4, len(calls)


def test_a_pool_that_is_empty_is_an_error_and_not_a_wait(url, kind, monkeypatch):
    if kind == "sqlite":  # a file has room for all
        engine = make_engine(url)
        with contextlib.ExitStack() as held:
            assert len({held.enter_context(engine.connect()) for _ in range(POOL_SIZE + 5)}) == POOL_SIZE + 5
        engine.dispose()
        return
    assert make_engine(url).pool.size() == POOL_SIZE
    monkeypatch.setenv("VEJVISER_POOL_SIZE", "1")
    engine = make_engine(url)
    with engine.connect(), pytest.raises(TimeoutError):
        engine.connect()
    engine.dispose()


def test_while_one_looks_whether_the_table_is_newer_the_others_read_the_one_they_have(stocks, made):
    url = made(of=stocks("sqlite"))
    shelf = Shelf(make_engine(url))
    first = shelf.current()
    shelf._looked = 0.0
    lock = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
    lock.execute("BEGIN EXCLUSIVE")  # whoever looks now waits for five seconds
    looking = threading.Thread(target=shelf.current)
    looking.start()
    while not shelf._lock.locked():
        pass
    shelf._looked = 0.0
    assert shelf.current() is first
    assert looking.is_alive(), "one waits, the other was not held"
    lock.rollback()
    looking.join(20)


class _Forgets(http.server.BaseHTTPRequestHandler):
    """Rasa, as it answers "slet samtalen"."""

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        answer = {"kind": "smalltalk", "as_of": MONDAY.isoformat()}
        body = json.dumps([{"text": "Samtalen er slettet."}, {"custom": {"answer": answer, "forget": True}}]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def test_nobody_is_told_that_all_is_deleted_when_it_is_not(url):
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Forgets) as rasa:
        threading.Thread(target=rasa.serve_forever, daemon=True).start()
        app = door_of(url, f"http://127.0.0.1:{rasa.server_port}", limited=False)
        session = writes(app)["session"]
        sender = app.config["SESSIONS"].read(session).sender
        handoff = Handoff(make_engine(url))
        handoff.place(sender, CALL, app.config["SHELF"].current().calendar, MONDAY)
        with taken_away(url):
            assert said(writes(app, "slet samtalen", session)) == NOT_FORGOTTEN
        assert handoff.of(sender) is not None
        assert said(writes(app, "slet samtalen", session)) == "Samtalen er slettet."
        assert handoff.of(sender) is None
        rasa.shutdown()


def test_who_deletes_is_told_when_what_was_said_cannot_be_deleted(url, made, monkeypatch):
    store = made(beside=url)
    monkeypatch.setenv("VEJVISER_CONVERSATIONS", store)
    app = door_of(url, limited=False)
    client, session = app.test_client(), writes(app)["session"]
    sender = app.config["SESSIONS"].read(session).sender
    handoff = Handoff(make_engine(url))
    handoff.place(sender, CALL, app.config["SHELF"].current().calendar, MONDAY)
    kept = make_engine(store)
    with kept.begin() as connection:
        connection.execute(text("CREATE TABLE events (sender_id VARCHAR(255))"))
        connection.execute(text("INSERT INTO events VALUES (:sender)"), {"sender": sender})
    assert client.delete(f"/api/v1/sessions/{writes(app)['session']}").status_code == 200
    with taken_away(store):
        refused = client.delete(f"/api/v1/sessions/{session}")
    error = refused.get_json()["error"]
    assert (refused.status_code, error["code"], error["message"]) == (503, "not_forgotten", NOT_FORGOTTEN)
    assert "112" in error["message"]
    assert handoff.of(sender) is None, "what can be deleted is"
    assert client.delete(f"/api/v1/sessions/{session}").get_json() == {"deleted": True}
    with kept.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM events")).scalar() == 0


# -- Redis -------------------------------------------------------------------------------------------------------


def test_jobs_in_redis_are_done_and_without_it_no_sms_is_lost(stocks, tmp_path, redis_server):
    with make_town(tmp_path, stocks("sqlite")) as town:
        jobs = Jobs(make_huey({"VEJVISER_JOBS": redis_server.url()}), town.office.serve)
        town.app.config["JOBS"] = town.office.jobs = jobs
        assert "Køge" in town.writes("bostøtte køge")
        redis_server.stop()
        try:
            assert town.deliver("bostøtte aalborg") == 204, "it stands in the database"
        finally:
            redis_server.start()
        town.later(10)
        assert "Aalborg" in town.gateway.sent_to(MOTHER)[-1].text


def test_two_doors_count_together_in_redis_and_without_it_each_for_itself(database, redis_server, caplog):
    environ = {"VEJVISER_SECRET": "test", "VEJVISER_RATE_STORAGE": redis_server.url(3)}
    settings = Settings.read({**environ, "VEJVISER_SESSION_RATE": "3 per minute"})
    doors = [create_app(NOBODY, f"{NOBODY}/webhook", database, settings=settings).test_client() for _ in range(2)]

    def post(number, session):
        return doors[number].post("/api/v1/messages", json={"session": session, "text": "hej"})

    session = post(0, None).get_json()["session"]
    assert [post(number, session).status_code for number in (0, 1, 0)] == [200, 200, 200]
    assert post(1, session).status_code == 429, "three a minute, through whichever door"
    redis_server.stop()
    try:
        assert [post(1, session).status_code for _ in range(4)] == [200, 200, 200, 429]
        assert "Rate limit storage unreachable" in caplog.text
    finally:
        redis_server.start()


def test_many_at_the_moment_redis_goes_are_all_answered(database, redis_server):
    settings = Settings.read({"VEJVISER_SECRET": "test", "VEJVISER_RATE_STORAGE": redis_server.url(4)})
    app = create_app(NOBODY, f"{NOBODY}/webhook", database, settings=settings)
    assert writes(app)
    redis_server.stop()
    try:
        codes, gate = [], threading.Barrier(8)

        def one():
            gate.wait(20)
            codes.append(app.test_client().post("/api/v1/messages", json={"session": None, "text": "hej"}).status_code)

        threads = [threading.Thread(target=one) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert codes == [200] * 8
    finally:
        redis_server.start()
