"""The real gunicorn with our settings: those who dawdle are hung up on, and nobody waits for them."""

import contextlib
import os
import socket
import subprocess
import sys
import time

import httpx
import pytest

from bot.edge.gunicorn_conf import threads
from bot.edge.worker import HEADERS_SECONDS
from bot.knowledge.load import ROOT
from bot.processes import commands
from tests.conftest import free_port


@pytest.fixture(scope="module")
def served(database, tmp_path_factory):
    """The door alone, served as `vejviser run` does."""
    port, nobody = free_port(), f"http://127.0.0.1:{free_port()}"
    env = {**os.environ, "VEJVISER_RASA_URL": nobody, "VEJVISER_ACTIONS_URL": f"{nobody}/webhook"}
    command = commands(port, 1, 1)["edge"].split()
    assert command[0] == sys.executable
    with (tmp_path_factory.mktemp("edge") / "edge.log").open("w") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=log, stderr=log)
    try:
        for _ in range(240):
            with contextlib.suppress(httpx.HTTPError):
                if httpx.get(f"http://127.0.0.1:{port}/", timeout=2).is_success:
                    break
            time.sleep(0.25)
        assert ask(port).status_code == 200  # reads the table
        yield port
    finally:
        process.terminate()
        process.wait(20)


def ask(port):
    return httpx.post(f"http://127.0.0.1:{port}/api/v1/messages", json={"text": "hej"}, timeout=20)


def test_more_dawdlers_than_threads_do_not_shut_the_door(served):
    """Twice as many as there are threads send a head that never ends, a byte every half second."""
    dawdlers = [socket.create_connection(("127.0.0.1", served)) for _ in range(2 * threads)]
    for dawdler in dawdlers:
        dawdler.sendall(b"POST /api/v1/messages HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
    began = time.monotonic()
    waited = ask(served)
    assert waited.status_code == 200
    assert time.monotonic() - began < 2.5 * (HEADERS_SECONDS + 1)
    deadline = began + 3 * (HEADERS_SECONDS + 1)
    open_ = set(dawdlers)
    while open_ and time.monotonic() < deadline:
        for dawdler in list(open_):
            try:
                dawdler.sendall(b"a")
            except OSError:
                open_.discard(dawdler)
        time.sleep(0.5)
    for dawdler in dawdlers:
        dawdler.close()
    assert not open_, f"{len(open_)} dawdlers still hold on"
    began = time.monotonic()
    assert ask(served).status_code == 200
    assert time.monotonic() - began < 1


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET /" + b"a" * 4000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", b" 414 "),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X-A: b\r\n" * 100 + b"\r\n", b" 431 "),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nX-A: " + b"a" * 9000 + b"\r\n\r\n", b" 431 "),
        (b"GET /static/../app.py HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", b" 404 "),
        (b"GET /static/%2e%2e%2fapp.py HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", b" 404 "),
        (b"\x16\x03\x01 what is this\r\n\r\n", b" 400 "),
    ],
)
def test_what_is_too_long_or_odd_is_refused_at_the_socket(served, head, status):
    with socket.create_connection(("127.0.0.1", served), timeout=10) as line:
        line.sendall(head)
        answer = line.recv(4096)
    assert status in answer.split(b"\r\n")[0] + b" " and b"Traceback" not in answer


def test_a_chunked_flood_is_cut_off(served):
    """A body that does not say how long it is: refused at the limit, not read to its end."""
    with socket.create_connection(("127.0.0.1", served), timeout=10) as line:
        line.sendall(
            b"POST /api/v1/messages HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n" + b"1000\r\n" + b"a" * 4096 + b"\r\n1000\r\n" + b"a" * 4096 + b"\r\n"
        )
        assert line.recv(4096).split()[1] in {b"400", b"413"}, "cut off: too large, or no JSON any more"
