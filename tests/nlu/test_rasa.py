import asyncio
import http.server
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import httpx
import pytest
from jsonschema import ValidationError
from rasa.core.actions.action import RemoteAction
from rasa.shared.core.events import Event
from rasa.utils.endpoints import EndpointConfig

from bot.knowledge.load import ROOT
from bot.processes import backend_environment
from bot.rasa import shorten_the_way_to_actions
from tests.parallel import free_port

SLOT = {"event": "slot", "timestamp": None, "name": "topic", "value": "bostoette"}
RASAS_OWN = RemoteAction._validate_action_result


@pytest.fixture
def action(monkeypatch):
    for owner, name in ((RemoteAction, "_validate_action_result"), (EndpointConfig, "session")):
        monkeypatch.setattr(owner, name, getattr(owner, name))  # put back afterwards
    monkeypatch.setattr(Event, "resolve_by_type", staticmethod(Event.resolve_by_type))
    shorten_the_way_to_actions()
    return RemoteAction("action_answer", None)


def test_a_reply_as_it_should_be_is_taken(action):
    assert action._validate_action_result({"events": [SLOT, {"event": "restart"}], "responses": [{"text": "hej"}]})
    assert action._validate_action_result({})


REFUSED = [
    {"events": [{**SLOT, "name": 7}], "responses": []},
    {"events": [{"event": "slot", "name": "topic"}], "responses": []},
    {"events": [SLOT, {"event": "no such event"}], "responses": []},
    {"events": [{"name": "topic"}], "responses": []},
    {"events": [{"event": "entities", "entities": [{"entity": "place"}]}], "responses": []},
    {"events": [], "responses": ["hej"]},
    ["hej"],
]


@pytest.mark.parametrize("reply", REFUSED)
def test_a_reply_that_is_not_is_refused_as_by_rasa(action, reply):
    for check in (action._validate_action_result, lambda reply: RASAS_OWN(action, reply)):
        with pytest.raises(ValidationError):
            check(reply)


def test_the_actions_are_called_on_one_connection(action):
    lines = []

    class Actions(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self):
            super().setup()
            lines.append(self.client_address)

        def do_POST(self):
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            body = json.dumps({"events": [], "responses": [{"text": asked["next_action"]}]}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    async def call_twice(endpoint):
        return [await endpoint.request(json={"next_action": name}) for name in ("action_answer", "action_remind")]

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Actions) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        replies = asyncio.run(call_twice(EndpointConfig(f"http://127.0.0.1:{server.server_port}/webhook")))
        server.shutdown()
    assert [reply["responses"][0]["text"] for reply in replies] == ["action_answer", "action_remind"]
    assert len(lines) == 1


def test_rasa_answers_without_tensorflow(backend):
    message = {"sender": "lean", "message": "hej"}
    assert httpx.post(f"{backend.rasa_url}/webhooks/rest/webhook", json=message, timeout=20).json()
    read = Path(f"/proc/{backend.processes['rasa'].pid}/maps").read_text()
    assert "/numpy/" in read and "/tensorflow/" not in read


def test_rasa_does_not_stay_up_without_a_model(model, tmp_path):
    """Its table is away while it starts: what runs it starts it again."""
    command = [sys.executable, "-m", "bot.rasa", "run", "-i", "127.0.0.1", "-p", str(free_port()), "-m", str(model)]
    places = {
        "VEJVISER_DATABASE_URL": f"sqlite:///{tmp_path}/empty.db",
        "VEJVISER_CONVERSATIONS": f"sqlite:///{tmp_path}/conversations.db",
    }
    env = {**os.environ, **backend_environment(free_port(), free_port()), **places}
    ended = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=120)
    assert ended.returncode == 1
    assert "The model could not be loaded" in ended.stderr
