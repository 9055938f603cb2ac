"""Starts Rasa, the actions and the door together, waits until all answer, and stops them together."""

from __future__ import annotations

import os
import shlex
import sys
import threading
import time

import click
import httpx
from honcho.manager import Manager
from honcho.printer import Message, Printer

from bot.knowledge.load import ROOT
from bot.training import environment, model_path

START_LIMIT_SECONDS = 120
LOGS = ROOT / "var" / "log"


class _LogFiles(Printer):
    """Writes what each process says to a file of its own instead of the screen."""

    def __init__(self) -> None:
        super().__init__(output=sys.stderr)
        LOGS.mkdir(parents=True, exist_ok=True)
        self._files = {name: (LOGS / f"{name}.log").open("w") for name in ("rasa", "actions", "edge")}

    def write(self, message: Message) -> None:
        """Append one line to the log of its process; what the manager itself says is dropped."""
        if file := self._files.get(message.name):
            line = message.data.decode(errors="replace") if isinstance(message.data, bytes) else message.data
            file.write(line.rstrip("\n") + "\n")
            file.flush()


def commands(port: int, rasa_port: int, actions_port: int) -> dict[str, str]:
    """Return the command line of each process. Everything but the door listens on loopback only."""
    python = shlex.quote(sys.executable)
    model = shlex.quote(str(model_path()))
    return {
        "actions": f"{python} -m rasa_sdk --actions actions.actions --port {actions_port}",
        "rasa": f"{python} -m rasa run -i 127.0.0.1 -p {rasa_port} -m {model}",
        "edge": f"{python} -m gunicorn -c python:bot.edge.gunicorn_conf --bind 127.0.0.1:{port}",
    }


def backend_environment(rasa_port: int, actions_port: int) -> dict[str, str]:
    """Return what the processes must know of each other; the action server listens where SANIC_HOST says."""
    return environment() | {
        "SANIC_HOST": "127.0.0.1",
        "VEJVISER_RASA_URL": f"http://127.0.0.1:{rasa_port}",
        "VEJVISER_ACTIONS_URL": f"http://127.0.0.1:{actions_port}/webhook",
    }


def run_all(port: int, rasa_port: int, actions_port: int) -> int:
    """Start everything, print the address when it answers, and wait for Ctrl-C. Returns the exit code."""
    env = backend_environment(rasa_port, actions_port)
    manager = Manager(_LogFiles())
    for name, command in commands(port, rasa_port, actions_port).items():
        manager.add_process(name, f"exec {command}", env={**os.environ, **env}, cwd=str(ROOT))
    threading.Thread(target=_announce, args=(manager, port), daemon=True).start()
    manager.loop()
    return int(manager.returncode or 0)


def _announce(manager: Manager, port: int) -> None:
    """Wait for the health page and tell the address; give up with the names of the silent parts."""
    url = f"http://127.0.0.1:{port}"
    click.echo("Starter ", nl=False)
    started = time.monotonic()
    state = "intet svar"
    while time.monotonic() - started < START_LIMIT_SECONDS:
        try:
            state = httpx.get(f"{url}/api/v1/health", timeout=5).json()["status"]
            if state == "ok":
                click.echo(
                    f" klar efter {time.monotonic() - started:.0f} s.\n\n  Vejviser: {url}\n\n"
                    f"Ctrl-C stopper. Log: {LOGS}"
                )
                return
        except (httpx.HTTPError, ValueError, KeyError):
            pass
        time.sleep(1)
        click.echo(".", nl=False)
    click.echo(f"\nVejviser kom ikke op ({state}). Se {LOGS}.", err=True)
    manager.terminate()
