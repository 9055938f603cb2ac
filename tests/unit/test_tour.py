"""`docs/tour.md` leads where it says: every name stands in its file, and a real message passes them in that order."""

import ast
import json
import re
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import yaml
from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher

from actions.actions import ActionAnswer, directory
from bot.edge.app import create_app
from bot.knowledge.load import ROOT
from bot.knowledge.places import gazetteer
from tests.conftest import MONDAY

TOUR = (ROOT / "docs" / "tour.md").read_text(encoding="utf-8")
# gunicorn's own part, what is data, and an error: there is no call of ours to see.
NOT_CALLED = ("ImpatientWorker", "Answer", "RasaSilent")
FILE = r"`([\w/.-]+\.(?:py|ts|yml|html))`"


def section(title):
    return TOUR.split(f"\n## {title}\n")[1].split("\n## ")[0]


def names(text):
    """The (file, name) of each `name()` and `Class` in order; it belongs to the file named last."""
    file, found = None, []
    for path, name in re.findall(rf"{FILE}|`([A-Za-z_][\w.]*(?=\(\))|[A-Z]\w+)(?:\(\))?`", text):
        file = path or file
        if name:
            found.append((file, name))
    return found


def defined(path):
    """The functions and classes of a Python file by the line they begin on, with the class before a method's name."""
    found = {}

    def walk(node, prefix):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.ClassDef):
                begins = min([child.lineno, *(decorator.lineno for decorator in child.decorator_list)])
                found[begins] = f"{prefix}{child.name}"
                walk(child, f"{prefix}{child.name}.")

    walk(ast.parse(path.read_text(encoding="utf-8")), "")
    return found


def test_every_name_stands_in_the_file_it_is_said_to():
    told = names(TOUR)
    assert len(told) > 80
    for file, name in told:
        path = ROOT / file
        assert path.is_file(), file
        if path.suffix == ".py":
            assert name in defined(path).values(), f"{file}: {name}"
        else:
            word = re.escape(name.rpartition(".")[2])
            assert re.search(rf"\b{word}\b", path.read_text(encoding="utf-8")), f"{file}: {name}"


def test_rasa_reads_a_message_in_the_order_told():
    pipeline = [step["name"] for step in yaml.safe_load((ROOT / "config.yml").read_text())["pipeline"]]
    ours = [name.rpartition(".")[2] for name in pipeline if name.startswith("bot.nlu.")]
    told = [name for file, name in names(section("In Rasa")) if file.startswith("bot/nlu/") and "." not in name]
    assert told == ours


class Rasa(BaseHTTPRequestHandler):
    """Stands where Rasa stands: hands the message to the real action as understood, and speaks its REST channel."""

    def do_POST(self):
        sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        understood = {
            "text": sent["message"],
            "intent": {"name": "ask", "confidence": 0.98},
            "topic_ranking": [{"name": "tabt_arbejdsfortjeneste", "confidence": 0.97}],
            "facets": ["where"],
            "places": {"municipality": "0259", "ambiguous": [], "unknown": None},
            "metadata": sent["metadata"],
        }
        dispatcher = CollectingDispatcher()
        tracker = Tracker(sent["sender"], {}, understood, [], False, None, {}, "action_listen")
        ActionAnswer().run(dispatcher, tracker, {})
        replies = [{"text": said["text"], "buttons": said["buttons"]} for said in dispatcher.messages]
        replies += [{"custom": said["custom"]} for said in dispatcher.messages if said["custom"]]
        body = json.dumps(replies).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def calls():
    """The (file, name) of every call of ours while the test runs, in every thread, in order."""
    found, known = [], {}

    def note(frame, event, argument):
        code = frame.f_code
        if event != "call" or not code.co_filename.startswith((f"{ROOT}/bot/", f"{ROOT}/actions/")):
            return
        file = code.co_filename
        if file not in known:
            known[file] = defined(Path(file))
        if name := known[file].get(code.co_firstlineno):
            found.append((str(Path(file).relative_to(ROOT)), name))

    threading.setprofile(note)
    sys.setprofile(note)
    yield found
    sys.setprofile(None)
    threading.setprofile(None)


@pytest.fixture
def door(database):
    """The door, and whoever stands where Rasa stands; everything read that a first message would have to wait for."""
    gazetteer(directory())
    server = HTTPServer(("127.0.0.1", 0), Rasa)
    here = f"http://127.0.0.1:{server.server_port}"
    door = create_app(here, f"{here}/webhook", database, clock=lambda: MONDAY, secret="tour").test_client()
    gazetteer(door.application.config["SHELF"].current())
    yield door, server
    server.server_close()


def post(door):
    text = "hvor søger jeg tabt arbejdsfortjeneste i Køge?"
    return door.post("/api/v1/messages", json={"session": None, "text": text}).get_json()["messages"][0]


def assert_passed(calls, *titles):
    rest = iter(calls)
    for file, name in names("".join(map(section, titles))):
        if (file.startswith("bot/") or file.startswith("actions/")) and name not in NOT_CALLED:
            assert (file, name) in rest, f"{file}: {name} is not called where the tour says"


def test_a_real_message_passes_the_functions_in_the_order_told(door, calls):
    door, server = door
    threading.Thread(target=server.serve_forever, daemon=True).start()
    message = post(door)
    server.shutdown()
    assert message["answer"]["kind"] == "answer"
    assert_passed(calls, "Through the door", "The answer", "Back out")


def test_without_rasa_it_passes_what_is_told_of_that(door, calls):
    door, server = door
    server.server_close()
    assert post(door)["answer"]["kind"] == "degraded"
    told = section("When a part is dead").split("\n- ")[1]
    assert told.startswith("**Rasa hangs")
    rest = iter(calls)
    assert all(call in rest for call in names(told) if call[1] not in NOT_CALLED)
