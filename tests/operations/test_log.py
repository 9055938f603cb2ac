"""The log of a real door has the lines and fields that docs/operations.md says, and nothing that somebody wrote."""

import ast
import json
import re
import socket
import subprocess
import time

import httpx
import pytest

from bot.knowledge.load import ROOT
from bot.processes import commands
from tests.operations.conftest import SECRET, served
from tests.servers import free_port

MARKER = "hemmelighedsfuld opvask"
ALWAYS = {"event", "level", "timestamp"}
IN_A_REQUEST = {"request_id"}
LEVELS = {"info", "warning", "error"}


def documented():
    """Fields by event, from the table in the page."""
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([a-z ]+)` \| ([^|]*) \| [^|]+ \| [^|]+ \|$", page, re.MULTILINE)
    return {event: set(re.findall(r"`(\w+)`", fields)) for event, fields in rows}


def written():
    """Fields by event, as the code of all processes writes them."""
    found = {}
    for path in (ROOT / "bot").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in LEVELS):
                continue
            owner = ast.unparse(node.func.value)
            if not re.search(r"(?i)log(ger)?\b|\['LOG'\]", owner):
                continue
            for event in re.findall(r"'([a-z ]+)'", ast.unparse(node.args[0])):
                found.setdefault(event, set()).update(word.arg for word in node.keywords if word.arg)
    return found


def test_every_line_that_the_code_can_write_is_documented():
    page, code = documented(), written()
    code["message"] |= {"session", "kind", "topic", "channel", "cause"}  # added where a request held a message
    code |= {"server": {"text", "error", "where"}, "library": {"library", "error", "where"}}  # bot/edge/server.py
    assert len(code) > 12 and page == code


@pytest.fixture(scope="module")
def lines(door):
    """What a door wrote while all kinds of things were asked of it."""
    said = f"{MARKER}: hvor søger jeg tabt arbejdsfortjeneste i Køge?"
    session = door.ask(said).json()["session"]
    door.ask(f"{MARKER} igen", session=session, headers={"X-Request-Id": MARKER.replace(" ", "-")})
    door.ask(f"{MARKER}, hun vil tage sit eget liv")
    with httpx.Client(base_url=door.url) as client:
        client.get(f"/{MARKER}", params={"q": MARKER})
        client.get("/api/v1/lookup", params={"topic": MARKER, "municipality": "0259"})
        client.post(
            "/api/v1/messages", content=f'{{"text": "{MARKER}"'.encode(), headers={"Content-Type": "application/json"}
        )
        client.post(
            "/api/v1/feedback", json={"topic": "bostoette", "municipality": "0259", "facet": "where", "reason": MARKER}
        )
        client.delete(f"/api/v1/sessions/{session}")
        client.get("/api/v1/health")
    host, port = door.url.removeprefix("http://").split(":")
    for head in (
        f"GET /{MARKER}",
        f"GET /{MARKER.replace(' ', '-') * 200} HTTP/1.1\r\nHost: x\r\n\r\n",
        "hemmelighedsfuld\r\n\r\n",
    ):
        with socket.create_connection((host, int(port)), timeout=10) as line:  # what gunicorn itself complains of
            line.sendall(f"{head}\r\n\r\n".encode())
            line.recv(1000)
    time.sleep(0.5)
    return door.lines(), session


def test_every_line_is_json_with_exactly_the_documented_fields(lines):
    fields, seen = documented(), set()
    for text in lines[0]:
        line = json.loads(text)
        event = line["event"]
        seen.add(event)
        assert line["level"] in LEVELS and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", line["timestamp"])
        given = set(line) - ALWAYS - IN_A_REQUEST
        if event in ("server", "library"):
            assert given <= fields[event]
        else:
            assert given == fields[event], event
            by_itself = event == "task failed"  # two sweeps of one SQLite file may meet; the next round comes
            assert by_itself or re.fullmatch("[0-9a-f]{16}", line["request_id"])
    assert {"message", "request", "rasa silent", "server"} <= seen
    complaints = [line for line in map(json.loads, lines[0]) if line["event"] == "server" and line["level"] != "info"]
    assert complaints and all("where" in line and "text" not in line for line in complaints), "of three bad requests"


def test_a_line_of_a_message_says_how_it_was_answered(lines):
    messages = [json.loads(text) for text in lines[0] if '"event": "message"' in text]
    first, second, third = messages
    assert (first["kind"], first["topic"], first["cause"], first["channel"]) == (
        "degraded",
        "tabt_arbejdsfortjeneste",
        "unreachable",
        "web",
    )
    assert third["kind"] == "crisis" and third["cause"] is None
    assert first["session"] == second["session"] != third["session"] and first["ms"] > 0


def test_nothing_that_somebody_wrote_and_no_address_and_no_secret_is_in_it(lines):
    text, session = "\n".join(lines[0]), lines[1]
    for word in (MARKER, "hemmelighedsfuld", "opvask", session, SECRET, "eget liv"):
        assert word not in text, word
    assert all("127.0.0.1" not in line or '"Listening at' in line for line in lines[0])


def test_a_setting_that_stops_the_start_can_be_read_in_the_log(shipped, tmp_path):
    done = subprocess.run(
        commands(1, 1, 1)["edge"].split(),
        cwd=ROOT,
        env={"VEJVISER_ENV": "production", "VEJVISER_SECRET": "short", "PATH": "/usr/bin", "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode
    lines = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
    assert any("VEJVISER_SECRET is too short" in line.get("text", "") for line in lines), done.stderr


def test_a_library_that_complains_is_a_line_of_ours(shipped, tmp_path):
    """Flask-Limiter, when its Redis is away."""
    with served(tmp_path, shipped, VEJVISER_RATE_STORAGE=f"redis://:a-secret-word@127.0.0.1:{free_port()}/2") as one:
        assert one.ask(f"{MARKER}").status_code == 200
        assert one.figures()['vejviser_part_up{part="redis"}'] == 0
        lines = [json.loads(line) for line in one.lines()]
    complaints = [line for line in lines if line["event"] == "library"]
    assert complaints and {line["library"] for line in complaints} == {"flask-limiter"}
    assert not {"127.0.0.1", "a-secret-word"} & set(re.findall(r"[\w.-]+", json.dumps(complaints)))
