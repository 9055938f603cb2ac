"""Starts Rasa, the actions, the door, the console and what SMS needs; waits until all answer; stops them together."""

from __future__ import annotations

import datetime as dt
import os
import shlex
import sys
import threading
import time
from collections.abc import Callable

import click
import httpx
from honcho.manager import Manager
from honcho.printer import Message, Printer

from bot.edge.sms.settings import SmsSettings
from bot.edge.sms.simulator import environment as environment_of_simulator
from bot.handoff.requests import Handoff
from bot.helpline.desk import DEMO_HOURS
from bot.helpline.staff import DEVELOPER, Role, StaffBook
from bot.helpline.users import new_password
from bot.knowledge.database import make_engine
from bot.knowledge.load import ROOT
from bot.training import environment, model_path, rasa_python

START_LIMIT_SECONDS = 120
LOGS = ROOT / "var" / "log"
PROCESSES = ("rasa", "actions", "edge", "helpline", "jobs", "sms")


class _LogFiles(Printer):
    """Writes what each process says to a file of its own instead of the screen."""

    def __init__(self) -> None:
        super().__init__(output=sys.stderr)
        LOGS.mkdir(parents=True, exist_ok=True)
        self._files = {name: (LOGS / f"{name}.log").open("w") for name in PROCESSES}

    def write(self, message: Message) -> None:
        """Append one line to the log of its process; what the manager itself says is dropped."""
        if file := self._files.get(message.name):
            line = message.data.decode(errors="replace") if isinstance(message.data, bytes) else message.data
            file.write(line.rstrip("\n") + "\n")
            file.flush()


def commands(port: int, rasa_port: int, actions_port: int, helpline_port: int = 8010) -> dict[str, str]:
    """Return the command line of each process. Everything but the door listens on loopback only."""
    python, rasa = shlex.quote(sys.executable), shlex.quote(rasa_python())
    served = f"-m {shlex.quote(str(model_path()))} --logging-config-file deploy/logging.yml"
    return {
        "actions": f"{rasa} -m rasa_sdk --actions actions.actions --port {actions_port}",
        "rasa": f"{rasa} -m bot.rasa run -i 127.0.0.1 -p {rasa_port} {served}",
        "edge": f"{python} -m gunicorn -c python:bot.edge.gunicorn_conf --bind 127.0.0.1:{port}",
        "helpline": f"{python} -m gunicorn -c python:bot.helpline.gunicorn_conf --bind 127.0.0.1:{helpline_port}",
    }


def backend_environment(rasa_port: int, actions_port: int) -> dict[str, str]:
    """Return what the processes must know of each other; the action server listens where SANIC_HOST says."""
    return environment() | {
        "SANIC_HOST": "127.0.0.1",
        "VEJVISER_RASA_URL": f"http://127.0.0.1:{rasa_port}",
        "VEJVISER_ACTIONS_URL": f"http://127.0.0.1:{actions_port}/webhook",
    }


def sms_commands(port: int, sms_port: int) -> tuple[dict[str, str], dict[str, str]]:
    """Return the command lines that SMS needs, and what all processes must know for it.

    With a gateway configured that is the worker. Without one, at the desk, a simulated gateway plays its part; in
    production there is no SMS then. Raises SettingsError.
    """
    python = shlex.quote(sys.executable)
    worker = {"jobs": f"{python} -m bot.jobs.worker"}
    if SmsSettings.read():
        return worker, {}
    if os.environ.get("VEJVISER_ENV") == "production":
        return {}, {}
    webhook = f"http://127.0.0.1:{port}/sms/gatewayapi"
    simulator = f"{python} -m bot sms simulate --port {sms_port} --webhook {webhook}"
    return worker | {"sms": simulator}, environment_of_simulator(sms_port, webhook)


def run_all(port: int, rasa_port: int, actions_port: int, sms_port: int, helpline_port: int) -> int:
    """Start everything, print the addresses when they answer, and wait for Ctrl-C. Returns the exit code."""
    more, sms_env = sms_commands(port, sms_port)
    env = backend_environment(rasa_port, actions_port) | sms_env
    console = f"http://127.0.0.1:{helpline_port}"
    rooms = f"  Vejviser:          http://127.0.0.1:{port}\n"
    rooms += f"  Hjælpelinjen:      {console}  (log ind: {development_login()})\n"
    if "sms" in more:
        rooms += f"  Sms uden telefon:  http://127.0.0.1:{sms_port}\n"
    manager = Manager(_LogFiles())
    for name, command in {**commands(port, rasa_port, actions_port, helpline_port), **more}.items():
        manager.add_process(name, f"exec {command}", env={**os.environ, **env}, cwd=str(ROOT))
    threading.Thread(target=_announce, args=(manager, port, console, rooms), daemon=True).start()
    manager.loop()
    return int(manager.returncode or 0)


def development_login() -> str:
    """Make the developer's account with every role and a new password, and demo hours; return what to type in.

    Nothing of it in production, which refuses to start while such an account is open.
    """
    if os.environ.get("VEJVISER_ENV") == "production":
        return "vejviser user add"
    engine = make_engine()
    staff, handoff = StaffBook(engine), Handoff(engine)
    if handoff.desk() is None:
        handoff.set_desk(DEMO_HOURS, 4, [])
    password = new_password()
    if known := staff.by_login(DEVELOPER):
        staff.set_password(known.id, password)
    else:
        roles = map(Role.read, ("volunteer", "coordinator", "administrator", "editor:0259"))
        now = dt.datetime.now(dt.timezone.utc)
        staff.add(DEVELOPER, "Ulla Udvikler", password, roles, now, development=True)
    return f"{DEVELOPER} / {password}"


def _announce(manager: Manager, port: int, console: str, rooms: str) -> None:
    """Wait for the health page and tell the address; give up with the names of the silent parts."""
    url = f"http://127.0.0.1:{port}"

    def missing() -> str:
        state: str = httpx.get(f"{url}/api/v1/health", timeout=5).json()["status"]
        if state == "ok" and not httpx.get(f"{console}/login", timeout=5).is_success:
            state = "helpline"
        return "" if state == "ok" else state

    click.echo("Starter ", nl=False)
    started = time.monotonic()
    if state := wait_until(missing):
        click.echo(f"\nVejviser kom ikke op ({state}). Se {LOGS}.", err=True)
        manager.terminate()
    else:
        click.echo(f" klar efter {time.monotonic() - started:.0f} s.\n\n{rooms}\nCtrl-C stopper. Log: {LOGS}")


def wait_until(missing: Callable[[], str], seconds: float = START_LIMIT_SECONDS) -> str:
    """Ask every second what is missing, with a dot for each time; return what still is when it took too long."""
    started = time.monotonic()
    state = "intet svar"
    while time.monotonic() - started < seconds:
        try:
            if not (state := missing()):
                return ""
        except (httpx.HTTPError, ValueError, KeyError):
            pass
        time.sleep(1)
        click.echo(".", nl=False)
    return state
