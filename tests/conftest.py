"""Real parts for every test: a loaded table, a trained model, Rasa and its actions on loopback.

The tables are SQLite files, or databases of a PostgreSQL of the tests' own with VEJVISER_TEST_DATABASE=postgresql.
"""

from __future__ import annotations

import datetime as dt
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from sqlalchemy.engine import Engine

from bot.edge.rasa import Rasa
from bot.knowledge.database import make_engine, migrate
from bot.knowledge.directory import Directory
from bot.knowledge.hours import COPENHAGEN
from bot.knowledge.load import ROOT, load
from bot.safety.conversations import Conversations
from tests.databases import copy_database, is_sqlite, new_database, own_engine
from tests.parallel import free_port, one_at_a_time, pytest_collection_modifyitems
from tests.servers import Postgres, postgres

__all__ = ["free_port", "pytest_collection_modifyitems"]

CLOCKS = {
    "sunday evening": dt.datetime(2026, 11, 22, 22, 30, tzinfo=COPENHAGEN),
    "christmas eve": dt.datetime(2026, 12, 24, 19, 0, tzinfo=COPENHAGEN),
    "monday morning": dt.datetime(2026, 11, 23, 10, 0, tzinfo=COPENHAGEN),
    "clocks go back": dt.datetime(2026, 10, 25, 2, 30, tzinfo=COPENHAGEN, fold=1),
}
MONDAY = CLOCKS["monday morning"]


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Postgres]:
    """A PostgreSQL of this run's own."""
    with postgres() as server:
        yield server


@pytest.fixture(scope="session")
def empty(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """An empty database beside which others are made: this says on which engine the whole run is."""
    kind = os.environ.get("VEJVISER_TEST_DATABASE") or "sqlite"
    if kind == "postgresql":
        server: Postgres = request.getfixturevalue("postgresql")
        return server.url()
    assert kind == "sqlite", f"VEJVISER_TEST_DATABASE is '{kind}'; it must be sqlite or postgresql"
    return f"sqlite:///{tmp_path_factory.mktemp('empty')}/empty.db"


@pytest.fixture(scope="session")
def shipped(empty: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The shipped table in a database to be copied: no door ever opens it."""
    url = new_database(empty, tmp_path_factory.mktemp("shipped"))
    engine = make_engine(url)
    migrate(engine)
    load(engine)
    engine.dispose()
    return url


@pytest.fixture(scope="session", autouse=True)
def database(shipped: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The shipped table in a database of its own, conversations beside it; what asks the environment finds both."""
    folder = tmp_path_factory.mktemp("table")
    url = copy_database(shipped, folder)
    conversations = folder / "conversations.db" if is_sqlite(url) else new_database(url, folder)
    os.environ["VEJVISER_DATABASE_URL"] = url
    os.environ["VEJVISER_CONVERSATIONS"] = str(conversations)
    return url


@pytest.fixture
def table(shipped: str, tmp_path: Path) -> Iterator[Engine]:
    """The shipped table in a database that the test may change."""
    with own_engine(copy_database(shipped, tmp_path)) as engine:
        yield engine


@pytest.fixture(scope="session")
def directory(database: str) -> Directory:
    return Directory.read(make_engine(database))


@pytest.fixture(scope="session")
def model() -> Path:
    from bot.training import ensure_model

    with one_at_a_time("training"):
        return ensure_model()


@dataclass
class Backend:
    """Rasa and the action server, running."""

    rasa_url: str
    actions_url: str
    processes: dict[str, subprocess.Popen[bytes]]


@pytest.fixture(scope="session")
def backend(model: Path, database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    from bot.processes import backend_environment, commands

    ports = {"port": free_port(), "rasa_port": free_port(), "actions_port": free_port()}
    env = {**os.environ, **backend_environment(ports["rasa_port"], ports["actions_port"])}
    logs = tmp_path_factory.mktemp("logs")
    processes = {}
    for name in ("actions", "rasa"):
        with (logs / f"{name}.log").open("w") as log:
            command = shlex.split(commands(**ports)[name])
            processes[name] = subprocess.Popen(command, cwd=ROOT, env=env, stdout=log, stderr=log)
    started = Backend(
        f"http://127.0.0.1:{ports['rasa_port']}", f"http://127.0.0.1:{ports['actions_port']}/webhook", processes
    )
    for url in (f"{started.rasa_url}/webhooks/rest/", started.actions_url.replace("webhook", "health")):
        wait_for(url, logs)
    # As the door does at start: what is read late costs the first question its four seconds on a busy machine.
    Conversations().forget(Rasa(started.rasa_url, started.actions_url).warm_up(MONDAY))
    yield started
    for process in processes.values():
        process.terminate()
    for process in processes.values():
        process.wait(20)


def wait_for(url: str, logs: Path) -> None:
    """Wait until an address answers; fail with the ends of the logs when it does not."""
    for _ in range(240):
        try:
            if httpx.get(url, timeout=2).is_success:
                return
        except httpx.HTTPError:
            time.sleep(0.5)
    tails = "\n".join(path.read_text()[-2000:] for path in logs.iterdir())
    pytest.fail(f"{url} did not come up:\n{tails}")


def vejviser(*arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    """Run the command as a person would."""
    command = [sys.executable, "-W", "ignore", "-m", "bot", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, **options)  # type: ignore[call-overload]
