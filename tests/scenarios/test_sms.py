"""Whole conversations by SMS with the trained model behind them, and kills in the middle of others."""

from __future__ import annotations

import os
import random
import re
import shlex
import signal
import subprocess
import sys
import time
from collections import Counter

import httpx
import pytest

from bot.edge.sms.dialogue import FORGOTTEN
from bot.edge.sms.simulator import NUMBER, Gateway, create_simulator
from bot.edge.sms.store import ON_ITS_WAY
from bot.knowledge.load import ROOT
from tests.conftest import free_port, wait_for
from tests.databases import copy_database
from tests.sms import MOTHER, SECRET, TOKEN, WEBHOOK_SECRET, listening, make_town


@pytest.fixture(scope="module")
def town(backend, shipped, tmp_path_factory):
    with make_town(tmp_path_factory.mktemp("sms"), shipped, backend) as town:
        yield town


@pytest.fixture
def number(request):
    """A telephone of each test's own."""
    return f"452030{abs(hash(request.node.name)) % 10000:04d}"


def test_a_relative_sends_two_words_and_gets_one_useful_sms(town, number):
    said = town.writes("tabt arbejdsfortjeneste køge", number)
    assert "Familiecenter Køge" in said and "56 67 67 67" in said and "barnets lov § 87" in said
    assert "vejviser.koege.dk/k/0259/tab" in said and "Kilde koege.dk" in said
    assert town.gateway.sent_to(number)[0].segments == 1


def test_the_municipality_is_asked_for_once_and_a_postal_code_is_an_answer(town, number):
    said = town.writes("tabt arbejdsfortjeneste", number)
    assert "Hvilken kommune? Svar med kommune eller postnummer." in said
    assert "Familiecenter Køge" in town.writes("4600", number)
    assert "barnets lov § 87" in town.writes("hvilken paragraf?", number)
    again = town.writes("bostøtte", number)
    assert "Socialafdelingen" in again and "Hvilken kommune" not in again, "the place is remembered"


def test_who_does_not_say_where_is_not_asked_again(town, number):
    town.writes("tabt arbejdsfortjeneste", number)
    said = town.writes("det vil jeg ikke sige", number)
    assert "Hvilken kommune?" not in said and re.search(r"(\d\d ){3}\d\d", said), said


def test_a_choice_is_made_by_number_or_by_words(town, number):
    said = town.writes("bostøtte i Nykøbing", number)
    assert re.search(r"^1\. \w+\n2\. \w+", said, re.MULTILINE), said
    second = re.search(r"^2\. (.+)$", said, re.MULTILINE)[1]
    assert second in town.writes("2", number)
    other = number[:-1] + str((int(number[-1]) + 1) % 10)
    town.writes("bostøtte i Nykøbing", other)
    assert second in town.writes(second.lower(), other)


def test_an_age_is_chosen_by_number_too(town, number):
    said = town.writes("støtte i hjemmet i Køge", number)
    if "1. Under 18" in said:
        assert "Socialafdelingen" in town.writes("2", number)
    else:
        assert re.search(r"(\d\d ?){4}", said), said


def test_delete_in_any_words_deletes(town, number):
    town.writes("tabt arbejdsfortjeneste køge", number)
    assert town.writes("slet samtalen tak", number) == FORGOTTEN
    assert "§ 87" not in town.writes("hvilken paragraf?", number), "nothing is remembered"


def test_danger_that_only_the_model_hears_is_one_segment_too(town, number):
    said = town.writes("hun ligger på gulvet og er blå i hovedet", number)
    assert said.startswith("Ring 112 nu") and town.gateway.sent_to(number)[0].segments == 1


def test_what_the_widget_began_goes_on_by_sms(town, number):
    question = {"text": "tabt arbejdsfortjeneste i Køge"}
    session = httpx.post(f"{town.door}/api/v1/messages", json=question).json()["session"]
    about = {"topic": "tabt_arbejdsfortjeneste", "municipality": "0259", "phone": number[2:], "session": session}
    assert httpx.post(f"{town.door}/api/v1/sms", json=about).status_code == 202
    town.work()
    code = re.search(r"Svar (\w{5}) for", town.gateway.sent_to(number)[0].text)[1]
    assert "barnets lov § 87" in town.writes(f"{code} hvilken paragraf er det?", number)


# -- kills ---------------------------------------------------------------------------------------------------------


class Machine:
    """A door and a worker as in production, each a process that can be killed; nobody understands behind them."""

    def __init__(self, folder, shipped, gateway_url):
        self.url = copy_database(shipped, folder)
        self.port, nobody = free_port(), f"http://127.0.0.1:{free_port()}"
        self._logs, self._running = folder, {}
        self._env = {
            **os.environ,
            "VEJVISER_DATABASE_URL": self.url,
            "VEJVISER_CONVERSATIONS": str(folder / "conversations.db"),
            "VEJVISER_JOBS": str(folder / "jobs.db"),
            "VEJVISER_RASA_URL": nobody,
            "VEJVISER_ACTIONS_URL": f"{nobody}/webhook",
            "VEJVISER_SECRET": SECRET,
            "VEJVISER_SMS_PROVIDER": "gatewayapi",
            "VEJVISER_SMS_URL": gateway_url,
            "VEJVISER_SMS_NUMBER": NUMBER,
            "VEJVISER_SMS_TOKEN": TOKEN,
            "VEJVISER_SMS_WEBHOOK_SECRET": WEBHOOK_SECRET,
            "VEJVISER_PUBLIC_URL": f"http://127.0.0.1:{self.port}",
        }
        python = shlex.quote(sys.executable)
        self._commands = {
            "edge": f"{python} -W ignore -m gunicorn -c python:bot.edge.gunicorn_conf --bind 127.0.0.1:{self.port}",
            "jobs": f"{python} -W ignore -m bot.jobs.worker",
        }

    def start(self, name):
        with (self._logs / f"{name}.log").open("a") as log:
            self._running[name] = subprocess.Popen(
                shlex.split(self._commands[name]),
                cwd=ROOT,
                env=self._env,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def wait(self):
        wait_for(f"http://127.0.0.1:{self.port}/api/v1/contact", self._logs)

    def kill(self, name):
        """kill -9, and every child with it: gunicorn has one."""
        process = self._running.pop(name)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(20)

    def end(self):
        for name in list(self._running):
            self.kill(name)


@pytest.mark.parametrize("seed", [1, 2])
def test_kills_between_receiving_and_answering_lose_nothing_and_double_nothing(shipped, tmp_path, seed):
    """The gateway tries again, and reports, as real ones do; a message counts once it was taken with 2xx."""
    chance = random.Random(seed)
    gateway = Gateway("", WEBHOOK_SECRET, TOKEN)
    with listening(create_simulator(gateway)) as gateway_url:
        machine = Machine(tmp_path, shipped, gateway_url)
        gateway.webhook = f"http://127.0.0.1:{machine.port}/sms/gatewayapi"
        places = ["Køge", "Aalborg", "Odense", "Roskilde", "Vejle", "Herning"]
        numbers = [f"4520305{n:03d}" for n in range(6)]
        waiting = [
            (1000 + i * 10 + n, number, f"bostøtte {place}", time.time() - 100 + i)
            for i, place in enumerate(places)
            for n, number in enumerate(numbers)
        ]
        expected = len(waiting)
        try:
            machine.start("edge")
            machine.start("jobs")
            machine.wait()
            for victim in ("jobs", "edge", "jobs", "both", "jobs", ""):
                batch, waiting = waiting[:6], waiting[6:]
                for message_id, number, text, sent_at in batch:
                    while gateway.deliver(message_id, number, text, sent_at) != 204:
                        time.sleep(0.2)
                    if chance.random() < 0.3:
                        assert gateway.deliver(message_id, number, text, sent_at) == 204, "the gateway doubts, too"
                time.sleep(chance.uniform(0.0, 1.2))
                for name in ("edge", "jobs") if victim == "both" else filter(None, [victim]):
                    machine.kill(name)
                    machine.start(name)
                machine.wait()
            until = time.monotonic() + 120
            while len({bubble.reference for bubble in gateway.bubbles}) < expected and time.monotonic() < until:
                time.sleep(0.5)
            time.sleep(3)
        finally:
            machine.end()
        references = Counter(bubble.reference for bubble in gateway.bubbles)
        assert len(references) == expected, "nothing is lost"
        assert max(references.values()) == 1, "nothing is doubled"
        for number in numbers:
            said = [bubble.text for bubble in gateway.sent_to(number)]
            heard = [place for text in said for place in places if re.search(rf"(?m)^{place}|: {place}", text)]
            assert heard == places, "and each person's answers come in order"
        log = (tmp_path / "edge.log").read_text() + (tmp_path / "jobs.log").read_text()
        assert "bostøtte" not in log and not any(number in log for number in (*numbers, MOTHER))


def test_a_kill_after_the_gateway_took_it_and_before_we_know_is_settled_by_its_report(shipped, tmp_path):
    """The narrowest place: it hangs with its answer, and we are killed. Nothing is sent again, also not later."""
    gateway = Gateway("", WEBHOOK_SECRET, TOKEN, slow_seconds=5.0)
    with listening(create_simulator(gateway)) as gateway_url:
        machine = Machine(tmp_path, shipped, gateway_url)
        gateway.webhook = f"http://127.0.0.1:{machine.port}/sms/gatewayapi"
        try:
            machine.start("edge")
            machine.start("jobs")
            machine.wait()
            gateway.play("slow", 1)
            assert gateway.deliver(1, MOTHER, "bostøtte Køge") == 204
            until = time.monotonic() + 60
            while not gateway.sent_to(MOTHER) and time.monotonic() < until:
                time.sleep(0.01)
            machine.kill("jobs")
            machine.start("jobs")
            time.sleep(ON_ITS_WAY.total_seconds() + 15)
            assert len(gateway.sent_to(MOTHER)) == 1
            assert gateway.deliver(2, MOTHER, "bostøtte Aalborg") == 204
            while len(gateway.sent_to(MOTHER)) < 2 and time.monotonic() < until + 60:
                time.sleep(0.1)
            assert "Aalborg" in gateway.sent_to(MOTHER)[1].text, "and the next is not held up"
        finally:
            machine.end()
