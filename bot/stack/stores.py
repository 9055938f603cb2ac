"""PostgreSQL, Redis and Caddy from Debian: found, or installed where we may; and PostgreSQL's folder on first start."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import click

from bot.knowledge.load import ROOT

DEBIAN_POSTGRES = Path("/usr/lib/postgresql")
ACCOUNT = "postgres"  # whom PostgreSQL runs as when we are root, which it refuses


@dataclass(frozen=True)
class Programs:
    """Where the programs are. `postgres` is a folder: its server, initdb and psql are of one version.

    `caddy_buffers` is the line Caddy needs to still have the words of a message it sends to the next (CADDY_BUFFERS).
    """

    postgres: Path
    redis: Path
    caddy: Path
    caddy_buffers: str = ""


def find_programs() -> Programs:
    """Return where the programs are, after installing what is missing if we are root on Debian.

    Raises click.ClickException that says what to install.
    """
    if missing := [package for package, path in _look().items() if path is None]:
        _install(missing)
    found = _look()
    if missing := [package for package, path in found.items() if path is None]:
        raise click.ClickException(
            f"make stack mangler {' og '.join(missing)}. Installer først: sudo apt-get install {' '.join(missing)}"
        )
    postgres, redis, caddy = (path for path in found.values() if path)
    version = subprocess.run([str(caddy), "version"], capture_output=True, text=True, check=False).stdout
    # Debian's 2.6.2; later ones do not know the line, and from 2.11.2 on none is needed (caddyserver/caddy#7546).
    is_old = re.match(r"v?2\.(?:[0-5]\.|6\.[0-3]\b)", version)
    return Programs(postgres, redis, caddy, "buffer_requests" if is_old else "")


def _look() -> dict[str, Path | None]:
    """Return the folder of PostgreSQL's programs and the other two programs, by Debian package."""
    versions = [path.parent for path in DEBIAN_POSTGRES.glob("*/bin/postgres") if (path.parent / "initdb").exists()]
    newest = max(versions, key=lambda folder: int(re.sub(r"\D", "", folder.parent.name) or 0), default=None)
    if newest is None and (elsewhere := shutil.which("postgres")) and shutil.which("initdb"):
        newest = Path(elsewhere).resolve().parent  # not Debian: what is on PATH
    redis, caddy = shutil.which("redis-server"), shutil.which("caddy")
    return {
        "postgresql": newest,
        "redis-server": Path(redis) if redis else None,
        "caddy": Path(caddy) if caddy else None,
    }


def _install(packages: list[str]) -> None:
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return
    click.echo(f"Installerer {', '.join(packages)} fra Debian ...")
    # RUNLEVEL=1: Debian shall not start services of its own; ours run on other ports, in a folder of their own.
    env = {**os.environ, "RUNLEVEL": "1", "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update"], ["install", "-y", "--no-install-recommends", *packages]):
        subprocess.run(["apt-get", "-q", *command], env=env, capture_output=True, check=False)


def account() -> str | None:
    """Return whom PostgreSQL is to run as, None for whoever starts it."""
    return ACCOUNT if os.geteuid() == 0 else None


def make_cluster(programs: Programs, folder: Path, environment: Mapping[str, str]) -> None:
    """Make PostgreSQL's folder as the container would, its administrator with a password. Raises ClickException."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, mode=0o700)
    key = folder.with_name("postgres.key")
    key.touch(mode=0o600)
    key.write_text(environment["POSTGRES_PASSWORD"])
    if user := account():
        entry = pwd.getpwnam(user)
        for path in (folder, key):
            os.chown(path, entry.pw_uid, entry.pw_gid)
    options = environment["POSTGRES_INITDB_ARGS"].split()
    command = [str(programs.postgres / "initdb"), "-D", str(folder), "-U", "postgres", f"--pwfile={key}", *options]
    done = _as_account(command)
    key.unlink()
    if done.returncode:
        raise click.ClickException(f"PostgreSQL kunne ikke lave sin mappe {folder}:\n{done.stderr[-1500:]}")


def _as_account(command: list[str]) -> subprocess.CompletedProcess[str]:
    user = account()
    if user:
        command = ["runuser", "-u", user, "--", *command]
    return subprocess.run(command, cwd="/", capture_output=True, text=True, check=False)


def fill_cluster(programs: Programs, port: int, environment: Mapping[str, str]) -> None:
    """Make our role and the two databases. Raises click.ClickException."""
    psql = [str(programs.postgres / "psql"), "-X", "-q", "-h", "127.0.0.1", "-p", str(port), "-U", "postgres"]
    env = {**os.environ, **environment, "PGPASSWORD": environment["POSTGRES_PASSWORD"]}
    file = ROOT / "deploy" / "postgres" / "init.sql"
    done = subprocess.run([*psql, "-f", str(file), "postgres"], env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise click.ClickException(f"PostgreSQL kunne ikke få sine databaser:\n{done.stderr[-1500:]}")


def is_ready(programs: Programs, port: int) -> bool:
    """Return whether PostgreSQL takes connections."""
    command = [str(programs.postgres / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(port)]
    return subprocess.run(command, check=False).returncode == 0
