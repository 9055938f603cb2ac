"""supervisord keeps the processes running: its configuration, and the line to it."""

from __future__ import annotations

import hashlib
import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xmlrpc.client import ServerProxy

from supervisor.xmlrpc import SupervisorTransport

from bot.knowledge.load import ROOT


@dataclass(frozen=True)
class Program:
    """One process to keep: started again whenever it ends, until it is told to stop."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    user: str | None = None
    stop_signal: str = "TERM"


class Supervisor:
    """The supervisor of one data folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = folder / "supervisord.conf"
        self.logs = folder / "log"
        # Not in the folder: the path of a socket may be 107 bytes long.
        key = hashlib.sha256(str(folder).encode()).hexdigest()[:12]
        self._socket = Path(tempfile.gettempdir()) / f"vejviser-stack-{key}.sock"

    def write(self, programs: list[Program]) -> None:
        """Write the configuration. It holds the secrets of the processes, so nobody else may read it."""
        self.logs.mkdir(parents=True, exist_ok=True)
        head: dict[str, dict[str, Any]] = {
            "unix_http_server": {"file": self._socket, "chmod": "0700"},
            "rpcinterface:supervisor": {
                "supervisor.rpcinterface_factory": "supervisor.rpcinterface:make_main_rpcinterface"
            },
            "supervisorctl": {"serverurl": f"unix://{self._socket}"},
            "supervisord": {
                "pidfile": self.folder / "supervisord.pid",
                "logfile": self.logs / "supervisord.log",
                "childlogdir": self.logs,
                **({"user": "root"} if os.geteuid() == 0 else {}),
            },
        }
        sections = head | {f"program:{one.name}": self._section(one) for one in programs}
        lines = []
        for name, values in sections.items():
            lines += [f"[{name}]", *(f"{key}={_escaped(str(value))}" for key, value in values.items()), ""]
        self.config.touch(mode=0o600)
        self.config.write_text("\n".join(lines), encoding="utf-8")

    def _section(self, program: Program) -> dict[str, Any]:
        return {
            "command": shlex.join(program.command),
            "environment": ",".join(f'{name}="{value}"' for name, value in program.environment.items()),
            "directory": ROOT,
            "autostart": "false",  # in order, see bot/stack/start.py
            "autorestart": "true",
            "startsecs": 1,
            "startretries": 1000,
            "stopsignal": program.stop_signal,
            "stopwaitsecs": 20,
            "killasgroup": "true",
            "redirect_stderr": "true",
            "stdout_logfile": self.logs / f"{program.name}.log",
            "stdout_logfile_maxbytes": "10MB",
            "stdout_logfile_backups": 2,
            **({"user": program.user} if program.user else {}),
        }

    def begin(self) -> subprocess.Popen[bytes]:
        """Start supervisord. Nothing of the shell's environment goes along but path, home and language."""
        env = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
        command = [sys.executable, "-W", "ignore", "-m", "supervisor.supervisord", "-n", "-c", str(self.config)]
        return subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    @property
    def line(self) -> Any:
        """Return supervisord's own interface. Its calls raise OSError when it is not running."""
        transport = SupervisorTransport(None, None, f"unix://{self._socket}")
        return ServerProxy("http://127.0.0.1", transport=transport).supervisor

    def is_running(self) -> bool:
        """Return whether supervisord answers."""
        try:
            return bool(self.line.getState())
        except OSError:
            return False

    def restart(self, name: str) -> None:
        """Stop a process in order if it runs, and start it again. Raises OSError when nothing is running."""
        if any(one == name and state == "RUNNING" for one, state, _ in self.states()):
            self.line.stopProcess(name)
        self.line.startProcess(name)

    def states(self) -> list[tuple[str, str, int]]:
        """Return name, state and pid (0 for none) of each process. Raises OSError when nothing is running."""
        return [(one["name"], one["statename"], one["pid"]) for one in self.line.getAllProcessInfo()]


def _escaped(value: str) -> str:
    if "\n" in value:
        raise ValueError("a line break in the environment")
    return value.replace("%", "%%")
