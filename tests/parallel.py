"""Two halves of the suite at once (pytest-xdist): what goes together, whose ports are whose, what only one does.

Each worker has its own table, conversations and folders (they come from `tmp_path_factory`). Tests of one file go
together, because they share what the file starts; and all that talk with Rasa do, so that it is started once.
"""

from __future__ import annotations

import os
import socket
from random import SystemRandom

import pytest
from filelock import FileLock

from bot.knowledge.load import ROOT

PORTS = 5_000  # for each worker, below those that the kernel gives away by itself


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Say which worker's a test is (`--dist loadgroup`)."""
    for item in items:
        talks = "backend" in getattr(item, "fixturenames", ())
        item.add_marker(pytest.mark.xdist_group("rasa" if talks else item.nodeid.split("::")[0]))


def worker() -> int:
    """Return which worker of pytest-xdist this is; 0 without it."""
    return int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))


def free_port() -> int:
    """Return a port of this worker's own on which nobody listens."""
    first = 10_000 + worker() * PORTS
    while True:
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", SystemRandom().randrange(first, first + PORTS)))
            except OSError:
                continue
            return int(probe.getsockname()[1])


def one_at_a_time(what: str) -> FileLock:
    """Return a lock to hold while something is made that all workers use."""
    folder = ROOT / "build"
    folder.mkdir(exist_ok=True)
    return FileLock(folder / f"{what}.lock")
