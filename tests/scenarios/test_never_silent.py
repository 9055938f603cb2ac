"""One part after the other is killed, taken away or frozen in mid-conversation: nobody is left without a number.

The parts here are this test's own: those of the session go on for the other tests.
"""

import os
import re
import shlex
import signal
import subprocess
import time

import pytest

from bot.edge.app import create_app
from bot.edge.breaker import PAUSE_SECONDS
from bot.knowledge.load import ROOT
from bot.processes import backend_environment, commands
from tests.conftest import MONDAY, free_port, wait_for
from tests.databases import copy_database, new_database, taken_away

QUESTION = "hvor søger jeg tabt arbejdsfortjeneste i Køge?"
FOLLOW_UP = "hvilken paragraf?"
PHONE = re.compile(r"\b112\b|\b\d\d \d\d \d\d \d\d\b")


class Parts:
    """Rasa and the actions, each of which can be stopped and started."""

    def __init__(self, model, database, conversations, logs):
        self._ports = {"port": free_port(), "rasa_port": free_port(), "actions_port": free_port()}
        self.rasa_url = f"http://127.0.0.1:{self._ports['rasa_port']}"
        self.actions_url = f"http://127.0.0.1:{self._ports['actions_port']}/webhook"
        self._env = {
            **os.environ,
            **backend_environment(self._ports["rasa_port"], self._ports["actions_port"]),
            "VEJVISER_DATABASE_URL": database,
            "VEJVISER_CONVERSATIONS": conversations,
        }
        self._logs = logs
        self.running = {}

    def start(self, name):
        with (self._logs / f"{name}.log").open("a") as log:
            command = shlex.split(commands(**self._ports)[name])
            self.running[name] = subprocess.Popen(command, cwd=ROOT, env=self._env, stdout=log, stderr=log)

    def wait(self, name):
        url = {"rasa": f"{self.rasa_url}/webhooks/rest/", "actions": self.actions_url.replace("webhook", "health")}[
            name
        ]
        wait_for(url, self._logs)

    def kill(self, name):
        self.running[name].kill()
        self.running.pop(name).wait(20)

    def end(self):
        for process in self.running.values():
            process.send_signal(signal.SIGCONT)
            process.kill()
        for process in self.running.values():
            process.wait(20)


@pytest.fixture(scope="module")
def place(model, shipped, tmp_path_factory):
    """A table and a conversation store of this test's own, and the parts that use them."""
    folder = tmp_path_factory.mktemp("never-silent")
    table, conversations = copy_database(shipped, folder), new_database(shipped, folder)
    parts = Parts(model, table, conversations, folder)
    try:
        for name in ("actions", "rasa"):
            parts.start(name)
        for name in ("actions", "rasa"):
            parts.wait(name)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("VEJVISER_CONVERSATIONS", conversations)
            app = create_app(
                parts.rasa_url,
                parts.actions_url,
                table,
                clock=lambda: MONDAY,
                secret="test",
                limited=False,
            )
        yield parts, app, table
    finally:
        parts.end()


class Mother:
    """Somebody in the middle of a conversation about lost earnings in Køge."""

    def __init__(self, app):
        self._door, self._session = app.test_client(), None
        assert self.writes(QUESTION) == "answer" and "56 67 67 67" in self.text
        assert self.writes(FOLLOW_UP) == "answer" and "barnets lov § 87" in self.text

    def writes(self, text):
        began = time.monotonic()
        response = self._door.post("/api/v1/messages", json={"session": self._session, "text": text})
        self.seconds = time.monotonic() - began
        assert response.status_code == 200, response.text
        body = response.get_json()
        self._session = body["session"]
        self.text = "\n".join(message["text"] for message in body["messages"])
        return body["messages"][0]["answer"]["kind"]

    def is_helped(self, kinds=("degraded",), times=5):
        """Whatever she writes is answered with a number, and a question about a department with its own."""
        for text in (QUESTION, FOLLOW_UP, "noget helt andet", "hvad gør jeg nu?", QUESTION)[:times]:
            assert self.writes(text) in kinds, self.text
            assert PHONE.search(self.text), self.text
            if text == QUESTION:
                assert "56 67 67 67" in self.text

    def goes_on(self):
        """The conversation is there again by itself, and remembers what it was about."""
        time.sleep(PAUSE_SECONDS + 0.2)
        assert self.writes(FOLLOW_UP) == "answer", self.text
        assert "barnets lov § 87" in self.text
        assert self.writes(QUESTION) == "answer" and "56 67 67 67" in self.text

    def health(self):
        response = self._door.get("/api/v1/health")
        parts = response.get_json()
        return response.status_code, {name for name in ("rasa", "actions", "database") if parts[name] != "ok"}


def test_rasa_is_killed(place):
    parts, app, _ = place
    mother = Mother(app)
    parts.kill("rasa")
    mother.is_helped()
    assert mother.health() == (503, {"rasa"})
    assert mother.writes("hun vil tage sit eget liv") == "crisis" and "112" in mother.text
    parts.start("rasa")
    parts.wait("rasa")
    mother.goes_on()
    assert mother.health() == (200, set())


def test_the_actions_are_killed(place):
    parts, app, _ = place
    mother = Mother(app)
    parts.kill("actions")
    mother.is_helped()
    assert mother.health() == (503, {"actions"})
    parts.start("actions")
    parts.wait("actions")
    mother.goes_on()
    assert mother.health() == (200, set())


def test_the_database_is_taken_away(place):
    parts, app, table = place
    mother = Mother(app)
    with taken_away(table):
        time.sleep(1.1)  # the door and the actions look once a second
        assert mother.writes(QUESTION) == "answer" and "56 67 67 67" in mother.text, (
            "from the last reading of the table"
        )
        assert mother.health() == (503, {"database"})
        parts.kill("rasa")
        mother.is_helped()
        parts.start("rasa")  # starts without its table
        newcomer = create_app(parts.rasa_url, parts.actions_url, table, clock=lambda: MONDAY, secret="test")
        reply = newcomer.test_client().post("/api/v1/messages", json={"text": QUESTION}).get_json()
        assert PHONE.search(reply["messages"][0]["text"]), "a door that never saw the table still says 112"
        mother.is_helped(kinds=("degraded", "answer", "clarify", "fallback"), times=1)
    if parts.running["rasa"].poll() is not None:  # what runs it starts it again, as `restart: always` does
        parts.start("rasa")
    parts.wait("rasa")
    mother.goes_on()
    assert mother.health() == (200, set())


def test_rasa_hangs(place):
    parts, app, _ = place
    mother = Mother(app)
    parts.running["rasa"].send_signal(signal.SIGSTOP)
    waited = []
    for text in (QUESTION, "noget helt andet", FOLLOW_UP, QUESTION, "og hvad nu?", QUESTION):
        assert mother.writes(text) == "degraded" and PHONE.search(mother.text)
        waited.append(mother.seconds)
    assert max(waited) < 5.5, "four seconds and the answer"
    assert min(waited[3:]) < 1, f"after three failures nobody waits, but they waited {waited}"
    assert mother.health() == (503, {"rasa"})
    parts.running["rasa"].send_signal(signal.SIGCONT)
    parts.wait("rasa")
    mother.goes_on()
    assert mother.health() == (200, set())
