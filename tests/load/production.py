"""`make stack` in a folder and on ports of its own, to be loaded and hurt."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from bot.knowledge.load import ROOT
from bot.stack.supervision import Supervisor
from tests.load.topology import LOGS, RATES, family, memory_of, responds, wait_until

# Its ports: the stores and services from `base` on, `base + 99`, and the proxy's three.
PROXY, PLAIN = 80, 83
START_SECONDS = 320.0


@dataclass
class Production:
    """A running stack, reached through its proxy as everybody reaches it."""

    supervisor: Supervisor
    door: str
    seconds: float = 0.0
    stopped: set[str] = field(default_factory=set)

    def pids(self) -> dict[str, int]:
        """Return the process of each part that runs."""
        return {name: pid for name, _, pid in self.supervisor.states() if pid}

    def kill(self, name: str, sign: int = signal.SIGKILL) -> None:
        """Send a signal to the process that the supervisor started."""
        wait_until(lambda: name in self.pids(), name)
        os.kill(self.pids()[name], sign)

    def kill_worker(self) -> None:
        """Kill one of the door's workers; its master makes another."""
        os.kill(family(self.pids()["edge"])[1], signal.SIGKILL)

    def restart(self, name: str) -> None:
        """Stop and start a part in order, as an update does."""
        self.supervisor.line.stopProcess(name)
        self.supervisor.line.startProcess(name)

    def halve(self) -> None:
        """Take one of the door's two workers and one of the two Rasas away."""
        self.kill("edge", signal.SIGTTOU)  # gunicorn's way to have one worker fewer
        self.supervisor.line.stopProcess("rasa-2")
        self.stopped.add("rasa-2")
        wait_until(lambda: len(family(self.pids()["edge"])) == 2, "the door with one worker")

    def whole(self) -> None:
        """Bring back what `halve` took away."""
        self.kill("edge", signal.SIGTTIN)
        self.supervisor.line.startProcess("rasa-2")
        self.stopped.clear()
        wait_until(self.is_well, "the second Rasa")

    def is_well(self) -> bool:
        """Return whether every part that shall run does, each Rasa answers, and the door says that it is well."""
        down = {name for name, state, _ in self.supervisor.states() if state != "RUNNING"}
        return (
            down <= self.stopped
            and all(rasa_answers(pid) for name, pid in self.pids().items() if name.startswith("rasa"))
            and responds(lambda: httpx.get(f"{self.door}/api/v1/health", timeout=5, verify=False).is_success)
        )

    def memory(self) -> dict[str, dict[str, float]]:
        """Return `rss` and `pss` of each part, children included, in MB."""
        return {name: memory_of(pid) for name, pid in sorted(self.pids().items())}


def rasa_answers(pid: int) -> bool:
    """Return whether one Rasa does, asked past the balancer: it runs for seconds before its model is loaded."""

    def asked() -> bool:
        words = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
        return httpx.get(f"http://127.0.0.1:{words[words.index('-p') + 1]}/webhooks/rest/", timeout=5).is_success

    return responds(asked)


@contextlib.contextmanager
def production(base: int, workers: int = 2) -> Iterator[Production]:
    """Yield a stack that answers, with so many workers of the door and two Rasas; all of it ends afterwards."""
    with tempfile.TemporaryDirectory(prefix="vejviser-stack-") as folder:
        Path(folder).chmod(0o711)  # PostgreSQL runs as somebody else, who must get through to his own folder
        env = {**os.environ, **RATES, "VEJVISER_STACK_FOLDER": folder, "VEJVISER_WORKERS": str(workers)}
        ports = ["--https", base + PROXY, "--http", base + PLAIN, "--base", base]
        command = [sys.executable, "-W", "ignore", "-m", "bot", "stack", *map(str, ports)]
        LOGS.mkdir(parents=True, exist_ok=True)
        began = time.monotonic()
        with (LOGS / "stack.log").open("w") as log:
            process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=log, stderr=log, start_new_session=True)
        try:
            made = Production(Supervisor(Path(folder)), f"https://localhost:{base + PROXY}")
            wait_until(lambda: process.poll() is not None or made.is_well(), "make stack", START_SECONDS)
            if process.poll() is not None:
                raise RuntimeError(f"make stack ended; see {LOGS / 'stack.log'}")
            made.seconds = time.monotonic() - began
            yield made
        finally:
            process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(60)
