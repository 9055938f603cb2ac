"""Databases of the tests' own, on SQLite or PostgreSQL: copied, looked through, taken away. An address says which."""

from __future__ import annotations

import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import inspect, text
from sqlalchemy.engine import Connection, Engine, make_url

from bot.knowledge.database import make_engine


def new_database(beside: str, folder: Path) -> str:
    """The address of an empty database: in the folder, or on the same server."""
    return _new(beside, folder, "")


def copy_database(url: str, folder: Path) -> str:
    """The address of a copy. Nobody else may use the original meanwhile."""
    return _new(url, folder, url)


def _new(beside: str, folder: Path, original: str) -> str:
    name = f"test_{uuid.uuid4().hex[:12]}"
    if is_sqlite(beside):
        path = folder / f"{name}.db"
        if original:
            shutil.copy(_file(original), path)
        return f"sqlite:///{path}"
    template = f" TEMPLATE {make_url(original).database}" if original else ""
    _command(beside, f"CREATE DATABASE {name}{template}")
    return make_url(beside).set(database=name).render_as_string(hide_password=False)


def drop_database(url: str) -> None:
    """Free the room it takes; a file goes with its folder."""
    if not is_sqlite(url):
        _command(url, f"DROP DATABASE {make_url(url).database} WITH (FORCE)")


@contextmanager
def own_engine(url: str) -> Iterator[Engine]:
    """An engine on a database that goes afterwards."""
    engine = make_engine(url)
    yield engine
    engine.dispose()
    drop_database(url)


def everything_in(url: str) -> bytes:
    """What is kept: the bytes of all files beside a SQLite database, or every row of every table as text."""
    if is_sqlite(url):
        return b"".join(path.read_bytes() for path in _file(url).parent.iterdir() if path.is_file())
    with _connected(url) as connection:
        tables = inspect(connection).get_table_names()
        rows = [row for name in tables for (row,) in connection.execute(text(f'SELECT t::text FROM "{name}" t'))]
    return "\n".join(rows).encode()


@contextmanager
def taken_away(url: str) -> Iterator[None]:
    """The database is not there; who was in it is thrown out."""
    if is_sqlite(url):
        path, away = _file(url), _file(url).with_suffix(".away")
        path.rename(away)
        path.mkdir()  # else SQLite would begin an empty one
        yield
        path.rmdir()
        away.rename(path)
        return
    name = make_url(url).database
    _command(url, f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    _command(url, f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
    yield
    _command(url, f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    time.sleep(1.1)  # so long nobody tries again who has just failed


def is_sqlite(url: str) -> bool:
    return url.startswith("sqlite:")


def _file(url: str) -> Path:
    return Path(make_url(url).database)


def _command(url: str, command: str) -> None:
    server = make_url(url).set(database="postgres").render_as_string(hide_password=False)
    with _connected(server) as connection:
        connection.execute(text(command))


@contextmanager
def _connected(url: str) -> Iterator[Connection]:
    """A connection on which every statement is a transaction; the server forgets it afterwards."""
    engine = make_engine(url)
    with engine.connect() as connection:
        yield connection.execution_options(isolation_level="AUTOCOMMIT")
    engine.dispose()
