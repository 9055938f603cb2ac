"""The door and the console are killed (-9) while people ask for a call: nothing promised is lost or doubled."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time

import httpx
import pytest

from bot.edge.sessions import Session, Sessions
from bot.handoff.requests import Handoff, Wish
from bot.knowledge.database import make_engine
from bot.knowledge.hours import Calendar
from bot.knowledge.load import ROOT
from tests.conftest import free_port, wait_for
from tests.helpline.conftest import PASSWORD

PEOPLE = 60
KILLS = 4
SECRET = "kill-test-kill-test-kill-test-kill"


class Process:
    """A door or a console under gunicorn, killed and started again as `restart: always` does."""

    def __init__(self, conf, port, env, logs):
        self._command = [sys.executable, "-W", "ignore", "-m", "gunicorn", "-c", f"python:{conf}"]
        self._command += ["--bind", f"127.0.0.1:{port}"]
        self.url, self._env, self._logs, self._conf = f"http://127.0.0.1:{port}", env, logs, conf

    def start(self, page):
        with (self._logs / f"{self._conf}.log").open("a") as log:
            self.running = subprocess.Popen(
                self._command, cwd=ROOT, env=self._env, stdout=log, stderr=log, start_new_session=True
            )
        wait_for(self.url + page, self._logs)

    def kill(self):
        os.killpg(self.running.pid, signal.SIGKILL)  # our own process group: the arbiter and its worker
        self.running.wait(20)


@pytest.fixture
def processes(table, tmp_path):
    handoff = Handoff(make_engine(table))
    handoff.set_desk("24/7", 60, [])
    env = {
        **os.environ,
        "VEJVISER_DATABASE_URL": table,
        "VEJVISER_CONVERSATIONS": str(tmp_path / "conversations.db"),
        "VEJVISER_SECRET": SECRET,
        "VEJVISER_CALLBACK_RATE": "1000 per hour",  # they all have one address here
        "VEJVISER_RASA_URL": "http://127.0.0.1:1",
        "VEJVISER_ACTIONS_URL": "http://127.0.0.1:1/webhook",
    }
    door = Process("bot.edge.gunicorn_conf", free_port(), env, tmp_path)
    console = Process("bot.helpline.gunicorn_conf", free_port(), env, tmp_path)
    yield door, console, handoff
    for process in (door, console):
        if hasattr(process, "running") and process.running.poll() is None:
            process.kill()


def test_a_request_that_was_answered_is_there_and_one_that_was_not_can_be_sent_again(processes):
    door, _, handoff = processes
    door.start("/api/v1/municipalities")
    sessions, dice = Sessions(SECRET), random.Random(7)
    asked, tries, first_broken = {}, [0] * PEOPLE, []
    line = httpx.Client(timeout=5, limits=httpx.Limits(max_keepalive_connections=0))

    def ask(n):
        session = sessions.id_of(Session(f"person-{n}"))
        body = {"session": session, "number": f"201234{n:02}", "summary": f"Sag {n}", "wish": "today"}
        time.sleep(dice.random() * 15)
        while n not in asked:
            tries[n] += 1
            try:
                answer = line.post(f"{door.url}/api/v1/callbacks", json=body)
                if answer.status_code == 201:
                    asked[n] = answer.json()["callback"]
            except httpx.HTTPError:
                first_broken.append(n)
                time.sleep(0.05)

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(PEOPLE)]
    [thread.start() for thread in threads]
    for _ in range(KILLS):
        time.sleep(0.4 + dice.random())
        door.kill()
        kept = {row.number for row in handoff.queue()}
        assert {f"201234{n:02}" for n in list(asked)} <= kept, "what was promised is in the queue"
        door.start("/api/v1/municipalities")
    [thread.join(120) for thread in threads]
    rows = handoff.queue()
    assert sorted(row.number for row in rows) == [f"201234{n:02}" for n in range(PEOPLE)], "all of them, each once"
    assert len(set(first_broken)) > 5, "lines did break"
    print(f"{PEOPLE} people, {sum(tries)} tries, {KILLS} kills, {len(set(first_broken))} lines broken, none lost")


def test_what_somebody_has_taken_stays_taken_when_the_console_is_killed(processes):
    _, console, handoff = processes
    console.start("/login")
    now, calendar = dt.datetime.now(dt.timezone.utc), Calendar()
    for n in range(8):
        wish = handoff.promises(calendar, now)[0].wish
        handoff.place(f"person-{n}", Wish("call", "x", f"2012340{n}", wish), calendar, now)
    client = httpx.Client(base_url=console.url, timeout=5)

    def token(path):
        return re.search(r'<meta name="csrf" content="([^"]+)"', client.get(path).text)[1]

    client.post("/login", data={"login": "vera", "password": PASSWORD, "csrf_token": token("/login")})
    taken = set()
    for n, row in enumerate(handoff.queue()):
        csrf = token("/mig")
        killer = threading.Timer(0.04 * n, console.kill)  # before, during and after the step
        killer.start()
        with contextlib.suppress(httpx.HTTPError):
            if client.post(f"/koe/{row.id}/tag", data={"csrf_token": csrf}).status_code == 302:
                taken.add(row.id)
        killer.join()
        mine = {waiting.id for waiting in handoff.queue() if waiting.state == "claimed"}
        assert taken <= mine and len(handoff.queue()) == 8
        console.start("/login")
    assert client.get("/koe").status_code == 200, "the login outlives the process, too"
    print(f"8 steps, 8 kills, {len(taken)} answered in time, {len(mine)} taken, none lost")
