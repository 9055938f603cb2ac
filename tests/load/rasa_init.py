"""The yardstick: what `rasa init` gives anybody, trained on its own example sentences and served as Rasa serves."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import rasa

from bot.knowledge.load import ROOT
from bot.training import ENVIRONMENT
from tests.load.topology import LOGS, Processes, answers

HOME = ROOT / "build" / f"rasa-init-{rasa.__version__}"


def train() -> Path:
    """Return the model of `rasa init --no-prompt`, trained once (about a minute) and kept below build/."""
    if not list(HOME.glob("models/*.tar.gz")):
        HOME.mkdir(parents=True, exist_ok=True)
        LOGS.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "rasa", "init", "--no-prompt", "--init-dir", str(HOME)]
        with (LOGS / "rasa-init.log").open("w") as log:
            subprocess.run(command, env=_environment(), stdout=log, stderr=log, check=True)
        (HOME / "rest.yml").write_text("rest:\n")
    return next(HOME.glob("models/*.tar.gz"))


@contextlib.contextmanager
def served(port: int) -> Iterator[Processes]:
    """Yield the bot as a process still to be started under the name `rasa init`, with Rasa's REST channel open."""
    model = train()
    command = f"{sys.executable} -m rasa run -i 127.0.0.1 -p {port} -m {model} --credentials rest.yml"
    checks = {"rasa init": lambda: answers(f"http://127.0.0.1:{port}", "hello")}
    processes = Processes(_environment(), {"rasa init": command}, checks, cwd=HOME)
    try:
        yield processes
    finally:
        processes.stop_all()


def _environment() -> dict[str, str]:
    return {**os.environ, **ENVIRONMENT}
