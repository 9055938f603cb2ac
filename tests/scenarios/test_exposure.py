"""Nobody reaches Rasa or the actions from outside, and Rasa reports to nobody. Containers: `unit/test_deploy.py`."""

import os
import subprocess
from pathlib import Path

import httpx

from bot.training import environment, rasa_python

LOOPBACK = {"0100007F", "00000000000000000000000001000000", "0000000000000000FFFF00000100007F"}
LISTENING = "0A"


def family(pid):
    """The process and all below it."""
    children = [
        int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()
    ]
    return [pid, *(one for child in children for one in family(child))]


def listening(pid):
    """The local addresses, as the kernel writes them, on which a process takes calls."""
    inodes = set()
    for fd in Path(f"/proc/{pid}/fd").iterdir():
        try:
            target = os.readlink(fd)
        except FileNotFoundError:  # closed since the list was made
            continue
        if target.startswith("socket:["):
            inodes.add(target[8:-1])
    rows = [
        row.split()
        for table in ("tcp", "tcp6")
        for row in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]
    ]
    return {row[1].split(":")[0] for row in rows if row[3] == LISTENING and row[9] in inodes}


def test_rasa_and_the_actions_listen_on_loopback_only(backend):
    for name, process in backend.processes.items():
        heard = set().union(*(listening(pid) for pid in family(process.pid)))
        assert heard, f"{name} listens nowhere: this test would prove nothing"
        assert heard <= LOOPBACK, f"{name} listens on {heard}"


def test_rasa_has_no_interface_but_the_channel(backend):
    for path in ("/status", "/conversations/x/tracker", "/model/parse", "/domain"):
        assert httpx.get(backend.rasa_url + path).status_code in {404, 405}, path
    assert httpx.put(backend.rasa_url + "/model", json={"model_file": "/tmp/x"}).status_code == 404
    assert (
        httpx.post(backend.rasa_url + "/conversations/x/tracker/events", json={"event": "restart"}).status_code == 404
    )


def test_telemetry_is_off(backend):
    for process in backend.processes.values():
        started_with = Path(f"/proc/{process.pid}/environ").read_bytes().split(b"\0")
        assert b"RASA_TELEMETRY_ENABLED=false" in started_with
    code = "from rasa.telemetry import is_telemetry_enabled as on; print(on())"
    asked = subprocess.run(
        [rasa_python(), "-W", "ignore", "-c", code], env=environment(), capture_output=True, text=True
    )
    assert asked.stdout.split()[-1] == "False", asked.stderr
