"""`make stack` for real: PostgreSQL, Redis, two Caddys, two Rasas, started as production and hurt a little."""

import http.server
import json
import os
import re
import signal
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from bot.knowledge.load import ROOT
from bot.stack.stores import find_programs
from bot.stack.supervision import Supervisor
from tests.conftest import free_port
from tests.load.production import rasa_answers
from tests.scenarios.test_exposure import LOOPBACK, family, listening

QUESTION = {"session": None, "text": "Hvor søger jeg tabt arbejdsfortjeneste i Køge?"}
PATIENCE_SECONDS = 300


@dataclass
class Running:
    """A stack that answers."""

    site: str
    folder: Path
    supervisor: Supervisor
    client: httpx.Client

    def pids(self):
        return {name: pid for name, _state, pid in self.supervisor.states() if pid}

    def ask(self, **more):
        return self.client.post("/api/v1/messages", json={**QUESTION, **more}).json()

    def well(self):
        return self.client.get("/api/v1/health").status_code == 200


def until(done, what):
    """Wait for something that comes, as fast as the machine is."""
    ends = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < ends:
        if done():
            return
        time.sleep(0.5)
    pytest.fail(f"never came: {what}")


@pytest.fixture(scope="module")
def place():
    with tempfile.TemporaryDirectory(prefix="vejviser-stack-") as made:
        Path(made).chmod(0o711)  # PostgreSQL runs as somebody else, who must get through to its own folder
        yield Path(made)


@pytest.fixture(scope="module")
def stack(model, place):
    folder = place / "data"
    base = free_port() // 100 * 100  # a hundred of them
    site = f"https://localhost:{base + 90}"
    ports = ["--https", base + 90, "--http", base + 92, "--base", base]
    command = [sys.executable, "-W", "ignore", "-m", "bot", "stack", *map(str, ports)]
    env = {name: value for name, value in os.environ.items() if not name.startswith("VEJVISER_")}
    env |= {"VEJVISER_STACK_FOLDER": str(folder), "VEJVISER_WORKERS": "2"}
    log = folder.with_name("log")
    with log.open("w") as out:
        process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=out, stderr=out, start_new_session=True)
    until(lambda: "Ctrl-C" in log.read_text() or process.poll() is not None, "make stack")
    if process.poll() is not None:
        pytest.fail(f"make stack ended:\n{log.read_text()[-3000:]}")
    trust = ssl.create_default_context(cafile=folder / "caddy" / "pki" / "authorities" / "local" / "root.crt")
    with httpx.Client(base_url=site, verify=trust, timeout=20) as client:
        running = Running(site, folder, Supervisor(folder), client)
        pids = running.pids()
        yield running
        pids |= running.pids()
    os.killpg(process.pid, signal.SIGINT)  # Ctrl-C
    assert process.wait(90) == 0
    assert not [name for name, pid in pids.items() if Path(f"/proc/{pid}").exists()], "Ctrl-C left something behind"


def test_a_question_is_answered_through_tls_and_any_rasa_goes_on_with_it(stack):
    said = stack.ask()
    assert said["messages"][0]["answer"]["topic"] == "tabt_arbejdsfortjeneste"
    assert said["messages"][0]["answer"]["municipality"]["code"] == "0259"
    for name, question in (("rasa-1", "Hvordan klager jeg?"), ("rasa-2", "Hvor lang tid tager det?")):
        stack.supervisor.line.stopProcess(name)
        said = stack.ask(session=said["session"], text=question)
        stack.supervisor.line.startProcess(name)
        until(lambda name=name: rasa_answers(stack.pids()[name]), f"{name} anew")
        assert said["messages"][0]["answer"]["kind"] == "answer", question
        assert said["messages"][0]["answer"]["topic"] == "tabt_arbejdsfortjeneste", question


class Echo(http.server.BaseHTTPRequestHandler):
    """Answers whoever asks how it is, and says every message back."""

    def do_GET(self):
        self.send_response(204)
        self.end_headers()

    def do_POST(self):
        said = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *_):
        pass


def test_a_message_that_meets_a_rasa_that_is_gone_keeps_its_words():
    """Not so with any Caddy before 2.11.2 that is not told to: a second try was a 502, held against the other Rasa."""
    found = find_programs()
    rasas = [http.server.ThreadingHTTPServer(("127.0.0.1", 0), Echo) for _ in range(2)]
    for rasa in rasas:
        threading.Thread(target=rasa.serve_forever, daemon=True).start()
    port = free_port()
    env = {"VEJVISER_BIND": "127.0.0.1", "VEJVISER_PORT": str(port), "CADDY_BUFFERS": found.caddy_buffers}
    env["VEJVISER_RASAS"] = "to " + " ".join(f"127.0.0.1:{rasa.server_port}" for rasa in rasas)
    command = [found.caddy, "run", "--config", ROOT / "deploy/caddy/balancer.Caddyfile", "--adapter", "caddyfile"]
    with subprocess.Popen(command, env={**os.environ, **env}, stderr=subprocess.DEVNULL) as balancer:
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
                until(lambda: answers(client), "the balancer")
                rasas[0].shutdown()
                rasas[0].server_close()
                heard = [client.post("/", content=b"hvad er kontaktperson") for _ in range(4)]
        finally:
            balancer.terminate()
            rasas[1].shutdown()
    assert [one.text for one in heard] == ["hvad er kontaktperson"] * 4


def answers(client):
    try:
        return client.get("/webhooks/rest/").is_success
    except httpx.HTTPError:
        return False


def test_only_the_proxy_could_be_reached_from_outside(stack):
    for name, pid in stack.pids().items():
        heard = set().union(*(listening(one) for one in family(pid)))
        assert heard or name == "jobs", f"{name} listens nowhere: this test would prove nothing"
        assert name == "proxy" or heard <= LOOPBACK, f"{name} listens on {heard}"


def test_nothing_runs_with_more_than_the_file_gives_it(stack):
    """The settings and secrets of a process are its own: Rasa has no use for the key of the sessions."""
    for name, wanted in (
        ("edge", True),
        ("helpline", True),
        ("rasa-1", False),
        ("actions", False),
        ("balancer", False),
    ):
        environment = Path(f"/proc/{stack.pids()[name]}/environ").read_bytes()
        assert (b"VEJVISER_SECRET=" in environment) is wanted, name
    assert b"VEJVISER_ENV=production" in Path(f"/proc/{stack.pids()['edge']}/environ").read_bytes()


@pytest.mark.parametrize("name", ["rasa-1", "balancer", "redis", "actions", "postgres", "edge"])
def test_what_is_killed_comes_back_and_meanwhile_nobody_is_met_with_silence(stack, name):
    before = stack.pids()[name]
    os.kill(before, signal.SIGKILL)
    for _ in range(5):
        said = stack.ask()
        text = said["messages"][0]["text"] if "messages" in said else said["error"]["message"]
        assert re.search(r"112|\d\d \d\d \d\d \d\d", text), said
    until(stack.well, f"health after {name} was killed")
    assert stack.pids()[name] != before
    assert stack.ask()["messages"][0]["answer"]["topic"] == "tabt_arbejdsfortjeneste"


def test_without_the_door_the_proxy_gives_a_number(stack):
    told = json.loads((ROOT / "deploy" / "caddy" / "down.json").read_text(encoding="utf-8"))

    def is_told():  # a worker whose master was killed a moment ago may answer once more
        response = stack.client.post("/api/v1/messages", json=QUESTION)
        assert re.search(r"112|\d\d \d\d \d\d \d\d", response.text), response.text
        return response.status_code == 502 and response.json() == told

    stack.supervisor.line.stopProcess("edge")
    try:
        until(is_told, "the proxy's own number")
        assert "112" in stack.client.get("/").text
    finally:
        stack.supervisor.line.startProcess("edge")
        until(stack.well, "the door")


def test_the_figures_are_not_for_the_outside(stack):
    kept = dict(line.split("=", 1) for line in (stack.folder / "secrets.env").read_text().splitlines())
    key = {"Authorization": f"Bearer {kept['VEJVISER_METRICS_TOKEN']}"}
    assert stack.client.get("/metrics", headers=key).status_code == 404


def test_no_log_holds_what_was_written(stack):
    """Rasa's channel logs the words of a message that the door no longer waits for, unless it is told not to."""
    environment = Path(f"/proc/{stack.pids()['balancer']}/environ").read_text()
    rasa = re.search(r"VEJVISER_RASAS=to (\S+)", environment)[1]
    log = stack.supervisor.logs / "rasa-1.log"

    def given_up():
        try:
            body = {"sender": "impatient", "message": "min bror hører stemmer i mormors gamle kælder"}
            httpx.post(f"http://{rasa}/webhooks/rest/webhook", json=body, timeout=0.01)
        except httpx.TimeoutException:
            pass
        return "rest.message.received.timeout" in log.read_text()

    until(given_up, "a line of the message that was given up")
    for file in stack.supervisor.logs.glob("*.log"):
        lines = file.read_text(errors="replace").splitlines()
        assert [line for line in lines if "kælder" in line or "tabt arbejdsfortjeneste" in line] == [], file.name


def test_commands_reach_the_same_database(stack):
    port = stack.site.rpartition(":")[2]
    command = [sys.executable, "-W", "ignore", "-m", "bot", "stack", "--base", str(int(port) - 90), "run"]
    env = {**os.environ, "VEJVISER_STACK_FOLDER": str(stack.folder)}
    add = ["user", "add", "anna", "--navn", "Anna A.", "--rolle", "volunteer", "--generate"]
    done = subprocess.run([*command, *add], cwd=ROOT, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    listed = subprocess.run([*command, "user", "list"], cwd=ROOT, env=env, capture_output=True, text=True)
    assert "anna" in listed.stdout
