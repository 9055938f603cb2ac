"""A PostgreSQL and a Redis of the tests' own, thrown away after them. Debian's are installed where they are missing.

Nothing is written to disk on purpose (fsync off), and PostgreSQL sorts as Danes do, so that nobody leans on the order
of bytes.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.parallel import free_port, one_at_a_time

QUICK = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=300", "shared_buffers=64MB")


def _program(name: str, package: str) -> str:
    """The path of a server's program; its Debian package is installed when it is missing and we may."""

    def found() -> str | None:
        kept = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), reverse=True)
        return str(kept[0]) if kept else shutil.which(name)

    if not found() and os.geteuid() == 0 and shutil.which("apt-get"):
        with one_at_a_time("apt-get"):
            if not found():
                _install(package)
    path = found()
    if path is None:
        pytest.fail(f"The databases are tested with {name}. Install it: sudo apt-get install {package}", pytrace=False)
    return path


def _install(package: str) -> None:
    print(f"\nInstalling {package} with apt-get, for the tests of the databases ...", flush=True)
    environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}  # Debian shall start none
    for command in ("apt-get update", f"apt-get install -y --no-install-recommends {package}"):
        subprocess.run(command.split(), capture_output=True, check=False, env=environ)


class Postgres:
    """A running cluster. `url()` names one of its databases."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.port = folder, port
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, name: str = "postgres") -> str:
        return f"postgresql://vejviser@127.0.0.1:{self.port}/{name}"

    def start(self) -> None:
        settings = [f"-c{one}" for one in (*QUICK, f"unix_socket_directories={self.folder}")]
        command = [_program("postgres", "postgresql"), "-D", str(self.folder / "data"), "-p", str(self.port)]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                _as_nobody([*command, "-h", "127.0.0.1", *settings]), stdout=log, stderr=log, cwd=self.folder
            )
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    break
            time.sleep(0.1)
        else:
            pytest.fail(f"PostgreSQL did not come up:\n{(self.folder / 'log').read_text()[-2000:]}")
        while "ready to accept connections" not in (self.folder / "log").read_text().rsplit("starting PostgreSQL")[-1]:
            time.sleep(0.05)

    def stop(self) -> None:
        """Stop at once; connections break."""
        subprocess.run(
            _as_nobody([_program("pg_ctl", "postgresql"), "-D", str(self.folder / "data"), "-m", "fast", "-w", "stop"]),
            capture_output=True,
            check=True,
            cwd=self.folder,
        )
        if self._process is not None:
            self._process.wait(20)
            self._process = None


def _as_nobody(command: list[str]) -> list[str]:
    """PostgreSQL refuses root: then Debian's own user of that name runs it."""
    return ["runuser", "-u", "postgres", "--", *command] if os.geteuid() == 0 else command


@contextmanager
def postgres() -> Iterator[Postgres]:
    """A fresh PostgreSQL on loopback."""
    initdb = _program("initdb", "postgresql")
    folder = Path(tempfile.mkdtemp(prefix="vejviser-postgres-"))
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
    try:
        locale = ["--encoding=UTF8", "--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=da-DK"]
        command = [initdb, "-D", str(folder / "data"), "-U", "vejviser", "-A", "trust", "-N", *locale]
        made = subprocess.run(_as_nobody(command), capture_output=True, text=True, cwd=folder)
        assert made.returncode == 0, made.stderr
        server = Postgres(folder, free_port())
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Redis:
    """A running Redis. What is in it goes when it stops."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.port = folder, port
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, number: int = 0) -> str:
        return f"redis://127.0.0.1:{self.port}/{number}"

    def start(self) -> None:
        program = _program("redis-server", "redis-server")
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", str(self.folder)]
        with (self.folder / "redis.log").open("ab") as log:
            self._process = subprocess.Popen([program, *options], stdout=log, stderr=log)
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        pytest.fail(f"Redis did not come up:\n{(self.folder / 'redis.log').read_text()[-2000:]}")

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(20)
            self._process = None


@contextmanager
def redis(folder: Path) -> Iterator[Redis]:
    """A fresh Redis on loopback."""
    server = Redis(folder, free_port())
    server.start()
    try:
        yield server
    finally:
        server.stop()
