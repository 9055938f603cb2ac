"""A door as it is served in production: gunicorn, several workers, a table and a log of its own."""

import contextlib
import os
import shlex
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from bot.knowledge.load import ROOT
from bot.processes import commands
from tests.databases import copy_database, new_database
from tests.servers import free_port

SECRET = "kQ7v-3nXw0bT9yLr2Ms8Zf5HdUa1JgPc6EiO4tYxRqW"


@dataclass
class Door:
    """A running door: its address, what it was started with, what it wrote."""

    url: str
    environ: dict[str, str]
    log: Path
    process: subprocess.Popen[bytes]

    def ask(self, text, session=None, **options):
        return httpx.post(f"{self.url}/api/v1/messages", json={"text": text, "session": session}, timeout=20, **options)

    def figures(self):
        """The figures by name and labels."""
        text = httpx.get(f"{self.url}/metrics", timeout=20).text
        return {
            name: float(value) for name, value in (line.rsplit(" ", 1) for line in text.splitlines() if line[0] != "#")
        }

    def lines(self):
        return self.log.read_text().splitlines()


@contextlib.contextmanager
def served(folder, shipped, workers=1, rasa_url=None, actions_url=None, table=None, conversations=None, **environ):
    """Serve a door in a folder of its own until the end."""
    log, port = folder / f"edge-{free_port()}.log", free_port()
    table = table or copy_database(shipped, folder)
    nobody = f"http://127.0.0.1:{free_port()}"
    env = {
        **{name: value for name, value in os.environ.items() if not name.startswith("VEJVISER_")},
        "VEJVISER_DATABASE_URL": table,
        "VEJVISER_CONVERSATIONS": conversations or new_database(shipped, folder),
        "VEJVISER_SECRET": SECRET,
        "VEJVISER_RASA_URL": rasa_url or nobody,
        "VEJVISER_ACTIONS_URL": actions_url or f"{nobody}/webhook",
        "TMPDIR": str(folder),
        **environ,
    }
    command = [*shlex.split(commands(port, 1, 1)["edge"]), "--workers", str(workers)]
    with log.open("w") as file:
        process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=file, stderr=file)
    door = Door(f"http://127.0.0.1:{port}", env, log, process)
    try:
        for _ in range(240):
            with contextlib.suppress(httpx.HTTPError):
                if httpx.get(f"{door.url}/", timeout=2).is_success:
                    break
            time.sleep(0.25)
        yield door
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture(scope="module")
def door(shipped, tmp_path_factory):
    """A door with two workers, and nobody behind it."""
    with served(tmp_path_factory.mktemp("door"), shipped, workers=2, VEJVISER_ADDRESS_RATE="3000 per minute") as door:
        yield door
