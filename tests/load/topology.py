"""What is measured, started as `make run` does but on its own ports, table and store; and what it holds in memory."""

from __future__ import annotations

import contextlib
import os
import secrets
import shlex
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from bot.handoff.requests import Handoff
from bot.helpline.desk import DEMO_HOURS
from bot.knowledge.database import make_engine, migrate
from bot.knowledge.load import ROOT, load
from bot.processes import backend_environment, commands, sms_commands

START_SECONDS = 150.0
LOGS = ROOT / "build" / "bench-logs"
# The rates of an address would stop a load that comes from one address; they are switched off in nothing else.
RATES = {
    "VEJVISER_SESSION_RATE": "100000 per minute",
    "VEJVISER_ADDRESS_RATE": "1000000 per minute",
    "VEJVISER_CALLBACK_RATE": "100000 per hour",
}


@dataclass
class Processes:
    """Processes by name, each the leader of a session of its own, so that it goes with all its children."""

    env: Mapping[str, str] = field(default_factory=dict)
    commands: dict[str, str] = field(default_factory=dict)
    checks: dict[str, Callable[[], bool]] = field(default_factory=dict)  # whether it answers
    cwd: Path = ROOT
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def begin(self, *names: str) -> dict[str, float]:
        """Start these together and return the seconds until each answered; who has no check is not waited for."""
        began = time.monotonic()
        for name in names:
            self.start(name)
        return self.ready(*names, began=began)

    def ready(self, *names: str, began: float) -> dict[str, float]:
        """Wait until each answers and return the seconds from `began`. Raises TimeoutError."""
        took: dict[str, float] = {}

        def look() -> bool:
            for name in names:
                if name not in took and responds(self.checks.get(name, lambda: True)):
                    took[name] = round(time.monotonic() - began, 1)
            return len(took) == len(names)

        wait_until(look, ", ".join(names))
        return took

    def start(self, name: str) -> None:
        """Start one."""
        LOGS.mkdir(parents=True, exist_ok=True)
        with (LOGS / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(
                shlex.split(self.commands[name]),
                cwd=self.cwd,
                env={**os.environ, **self.env},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def stop(self, name: str, sign: int = signal.SIGTERM) -> None:
        """Stop one and its children; who does not go in ten seconds is killed."""
        process = self.running.pop(name)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, sign)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)

    def stop_all(self) -> None:
        """Stop whatever runs."""
        for name in list(self.running):
            self.stop(name)

    def is_well(self) -> bool:
        """Return whether everything that runs here answers."""
        return all(responds(self.checks.get(name, lambda: True)) for name in list(self.running))

    def memory(self) -> dict[str, dict[str, float]]:
        """Return `rss` and `pss` of each, children included, in MB. PSS shares out what processes have in common."""
        return {name: memory_of(pid) for name, pid in self.pids().items()}

    def pids(self) -> dict[str, int]:
        """Return the process of each part that runs."""
        return {name: process.pid for name, process in self.running.items()}


@dataclass
class Desk(Processes):
    """The processes of `make run` on ports from `base` on: door, Rasa, actions, console, telephone."""

    base: int = 8500
    folder: Path = Path()

    @property
    def table(self) -> Path:
        """The SQLite file of its table."""
        return self.folder / "table.db"

    @property
    def table_url(self) -> str:
        """The address of its table."""
        return f"sqlite:///{self.table}"

    @property
    def door(self) -> str:
        """The door's address."""
        return f"http://127.0.0.1:{self.base}"

    @property
    def rasa(self) -> str:
        """Rasa's address."""
        return f"http://127.0.0.1:{self.base + 1}"

    @property
    def actions(self) -> str:
        """The action server's address."""
        return f"http://127.0.0.1:{self.base + 2}"

    @property
    def console(self) -> str:
        """The console's address."""
        return f"http://127.0.0.1:{self.base + 3}"

    @property
    def telephone(self) -> str:
        """The simulated telephone's address."""
        return f"http://127.0.0.1:{self.base + 4}"


class Keeper:
    """Starts again what has died, a second later, as `restart: always` does."""

    def __init__(self, processes: Processes) -> None:
        self._processes, self._over = processes, threading.Event()
        self._thread = threading.Thread(target=self._keep, daemon=True)

    def __enter__(self) -> Keeper:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _keep(self) -> None:
        while not self._over.wait(0.2):
            for name, process in list(self._processes.running.items()):
                if process.poll() is not None and not self._over.wait(1.0):
                    self._processes.start(name)


@contextlib.contextmanager
def desk(base: int = 8500, table: Path | None = None, more: Mapping[str, str] | None = None) -> Iterator[Desk]:
    """Yield a desk with nothing running yet, on a copy of `table` (else the shipped one); all ends with it."""
    with tempfile.TemporaryDirectory(prefix="vejviser-bench-") as name:
        folder = Path(name)
        path = folder / "table.db"
        if table is None:
            make_table(path)
        else:
            shutil.copy(table, path)
        sms, sms_env = sms_commands(base, base + 4)
        env = {
            **backend_environment(base + 1, base + 2),
            **sms_env,
            **RATES,
            "VEJVISER_DATABASE_URL": f"sqlite:///{path}",
            "VEJVISER_CONVERSATIONS": f"sqlite:///{folder}/conversations.db",
            "VEJVISER_JOBS": str(folder / "jobs.db"),
            "VEJVISER_SECRET": secrets.token_urlsafe(32),
            "VEJVISER_SMS_CEILING": "1000000",
            **(more or {}),
        }
        made = Desk(env, {**commands(base, base + 1, base + 2, base + 3), **sms}, base=base, folder=folder)
        made.checks = {
            "actions": lambda: httpx.get(f"{made.actions}/health", timeout=2).is_success,
            "rasa": lambda: answers(made.rasa, "hej"),
            "edge": lambda: httpx.get(f"{made.door}/api/v1/health", timeout=5).is_success,
            "helpline": lambda: httpx.get(f"{made.console}/login", timeout=5).is_success,
            "sms": lambda: httpx.get(made.telephone, timeout=5).is_success,
        }
        try:
            yield made
        finally:
            made.stop_all()


def make_table(path: Path) -> Path:
    """Load the shipped table into a SQLite file and return it."""
    engine = make_engine(f"sqlite:///{path}")
    migrate(engine)
    load(engine)
    Handoff(engine).set_desk(DEMO_HOURS, 4, [])  # so that a call can be asked for
    engine.dispose()
    return path


def answers(rasa: str, greeting: str) -> bool:
    """Return whether a Rasa at this address answers a greeting with words."""
    body = {"sender": "bench-start", "message": greeting}
    reply = httpx.post(f"{rasa}/webhooks/rest/webhook", json=body, timeout=30)
    return reply.is_success and bool(reply.json())


def wait_until(check: Callable[[], bool], what: str, seconds: float = START_SECONDS) -> None:
    """Wait until a check holds. Raises TimeoutError with what did not come."""
    until = time.monotonic() + seconds
    while not responds(check):
        if time.monotonic() > until:
            raise TimeoutError(f"{what} did not answer within {seconds:.0f} s; see {LOGS}")
        time.sleep(0.1)


def responds(check: Callable[[], bool]) -> bool:
    """Return what a check says; an address that does not answer yet is no answer."""
    with contextlib.suppress(httpx.HTTPError, ValueError, OSError):
        return check()
    return False


def memory_of(pid: int) -> dict[str, float]:
    """Return `rss` and `pss` of a process and all that descend from it, in MB."""
    total = {"rss": 0.0, "pss": 0.0}
    for member in family(pid):
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{member}/smaps_rollup").read_text().splitlines():
                name, _, rest = line.partition(":")
                if name.lower() in total:
                    total[name.lower()] += int(rest.split()[0]) / 1024
    return {name: round(mb, 1) for name, mb in total.items()}


def processor_seconds(pid: int) -> float:
    """Return the processor time of a process, all that descend from it, and those they have buried."""
    ticks = 0
    for member in family(pid):
        with contextlib.suppress(OSError):
            ticks += sum(map(int, Path(f"/proc/{member}/stat").read_text().rpartition(")")[2].split()[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


def family(pid: int) -> list[int]:
    """Return a process and all that descend from it, from /proc."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError):
            after_name = stat.read_text().rpartition(")")[2].split()
            children.setdefault(int(after_name[1]), []).append(int(stat.parent.name))
    found = [pid]
    for member in found:
        found.extend(children.get(member, []))
    return found
