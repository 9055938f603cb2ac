"""Everything in order: secrets, PostgreSQL and Redis, the table, then the rest; and what is told at the end."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import click
import httpx

from bot.knowledge.load import ROOT
from bot.processes import wait_until
from bot.stack import stores
from bot.stack.supervision import Program, Supervisor
from bot.stack.topology import Service, on_loopback, services

FOLDER = Path(os.environ.get("VEJVISER_STACK_FOLDER") or ROOT / "var" / "stack")
CERTIFICATE = FOLDER / "caddy" / "pki" / "authorities" / "local" / "root.crt"
SECRETS = ("VEJVISER_SECRET", "VEJVISER_POSTGRES_PASSWORD", "VEJVISER_REDIS_PASSWORD", "VEJVISER_METRICS_TOKEN")
ENVIRONMENTS = {"rasa": ROOT / ".venv", "living": ROOT / ".venv-living"}
STORES = ("postgres", "redis")
PATIENCE_SECONDS = 300  # two Rasas load their models at once, on whatever the machine has


class Stack:
    """The topology of docker-compose.yml on loopback.

    `https` and the port after it are the proxy's, for the door and the console; `base` and those after it the rest's.
    """

    def __init__(
        self, https: int = 8043, http: int = 8080, base: int = 8200, environ: Mapping[str, str] = os.environ
    ) -> None:
        self.site, self.console = f"https://localhost:{https}", f"https://127.0.0.1:{https + 1}"
        self.supervisor = Supervisor(FOLDER)
        own = {
            "VEJVISER_SITE": self.site,
            "VEJVISER_HELPLINE_SITE": self.console,
            "VEJVISER_TLS": "internal",
        }
        given = services({**environ, **kept_secrets(), **own})
        sms = ("sms",) if environ.get("VEJVISER_SMS_PROVIDER") else ()
        given = {name: one for name, one in given.items() if set(one.profiles) <= set(sms)}
        self.ports = {one.name: base + i for i, one in enumerate(one for one in given.values() if one.port)}
        self.services = on_loopback(given, self.ports)
        proxy = self.services["proxy"]
        more = {"VEJVISER_HTTP_PORT": str(http), "VEJVISER_ALIVE_PORT": str(base + 99), "XDG_DATA_HOME": str(FOLDER)}
        self.services["proxy"] = replace(proxy, environment={**proxy.environment, **more})

    def programs(self, found: stores.Programs) -> list[Program]:
        """Return what supervisord keeps running: every service but those that run once."""
        return [self._program(one, found) for one in self.services.values() if not one.once]

    def _program(self, service: Service, found: stores.Programs) -> Program:
        program, *rest = service.command
        environment = {**service.environment, "PATH": f"{_bin(service.image)}:{os.environ.get('PATH', os.defpath)}"}
        if service.name == "postgres":
            place = ["-D", str(FOLDER / "postgres"), "-h", "127.0.0.1", "-p", str(service.port), "-k", ""]
            command = (str(found.postgres / "postgres"), *place, *rest)
            return Program(service.name, command, environment, user=stores.account(), stop_signal="INT")
        if service.image == "caddy":
            environment["CADDY_BUFFERS"] = found.caddy_buffers
        where = shutil.which(program, path=environment["PATH"]) or program
        return Program(service.name, (where, *rest), environment)

    def run(self) -> int:
        """Start everything, tell the addresses when all answer, and stay until Ctrl-C. Returns the exit code.

        Raises click.ClickException where something does not come up.
        """
        if self.supervisor.is_running():
            raise click.ClickException("make stack kører allerede. Stop den: vejviser stack stop")
        found = stores.find_programs()
        self.supervisor.write(self.programs(found))
        process = self.supervisor.begin()
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        try:
            self._start(found)
            return process.wait()
        except KeyboardInterrupt:
            return 0
        finally:
            process.terminate()  # supervisord has the Ctrl-C as well; this is for our own end
            process.wait()

    def _start(self, found: stores.Programs) -> None:
        click.echo("Starter ", nl=False)
        started = time.monotonic()
        self._until(lambda: "" if self.supervisor.is_running() else "supervisord")
        fresh = FOLDER / "postgres.ready"
        database = self.services["postgres"].environment
        if not fresh.exists():
            stores.make_cluster(found, FOLDER / "postgres", database)
        for name in STORES:
            self.supervisor.line.startProcess(name, False)
        self._until(lambda: "" if stores.is_ready(found, self.ports["postgres"]) else "postgres")
        if not fresh.exists():
            stores.fill_cluster(found, self.ports["postgres"], database)
            fresh.touch()
        for service in self.services.values():
            if service.once:
                self._once(self._program(service, found))
        for name, state, _ in self.supervisor.states():
            if state != "RUNNING" and name not in STORES:
                self.supervisor.line.startProcess(name, False)
        self._until(self._what_is_missing)
        click.echo(f" klar efter {time.monotonic() - started:.0f} s.\n\n{self.told()}")

    def _once(self, program: Program) -> None:
        done = subprocess.run(
            program.command,
            cwd=ROOT,
            env={**program.environment, "HOME": os.environ.get("HOME", "/")},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise click.ClickException(f"{program.name} gik i stå:\n{(done.stdout + done.stderr)[-2000:]}")

    def _until(self, what: Callable[[], str]) -> None:
        missing = wait_until(what, PATIENCE_SECONDS)
        if missing:
            raise click.ClickException(f"make stack kom ikke op ({missing}). Se {self.supervisor.logs}.")

    def _what_is_missing(self) -> str:
        """Return what does not answer yet; nothing when all of it does."""
        down = [name for name, state, _ in self.supervisor.states() if state != "RUNNING"]
        for name in ("rasa-1", "rasa-2"):
            if not _answers(f"http://127.0.0.1:{self.ports[name]}/webhooks/rest/"):
                down.append(name)
        if not down:
            for name, address in (("edge", f"{self.site}/api/v1/health"), ("helpline", f"{self.console}/login")):
                if not _answers(address):
                    down.append(name)
        return ", ".join(down)

    def told(self) -> str:
        """Return the addresses, and how to see to it, in Danish."""
        ports = ", ".join(f"{name} {port}" for name, port in self.ports.items())
        return (
            f"  Vejviser:      {self.site}  (døren selv: http://127.0.0.1:{self.ports['edge']})\n"
            f"  Hjælpelinjen:  {self.console}  (log ind: vejviser stack run user add ...)\n"
            f"  Certifikatet er Caddys eget: {CERTIFICATE}\n"
            f"  Porte på 127.0.0.1: {ports}\n\n"
            f"Ctrl-C stopper. Log: {self.supervisor.logs}. Se også: vejviser stack status"
        )

    def command(self, arguments: tuple[str, ...]) -> int:
        """Run one `vejviser` command where the door runs: same database, same secrets. Returns its exit code."""
        edge = self.services["edge"]
        python = str(_bin(edge.image) / "python")
        env = {**os.environ, **edge.environment}
        return subprocess.run([python, "-W", "ignore", "-m", "bot", *arguments], env=env, check=False).returncode


def kept_secrets() -> dict[str, str]:
    """Return the secrets of this machine's stack, made on first start and kept in var/stack/."""
    file = FOLDER / "secrets.env"
    if not file.exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)
        file.write_text("".join(f"{name}={secrets.token_urlsafe(32)}\n" for name in SECRETS))
    return dict(line.split("=", 1) for line in file.read_text().splitlines())


def _bin(image: str) -> Path:
    """Return where the programs of an image are here: the living Python's if installed, else Rasa's for all."""
    wanted = ENVIRONMENTS.get(image, ENVIRONMENTS["rasa"])
    return (wanted if wanted.exists() else ENVIRONMENTS["rasa"]) / "bin"


def _answers(address: str) -> bool:
    try:
        # Our own certificate on loopback: whether it answers is asked, not who it is.
        return httpx.get(address, timeout=5, verify=False).is_success
    except httpx.HTTPError:
        return False
