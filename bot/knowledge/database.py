"""Where the table lives, how it is reached, and its migrations."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, event
from sqlalchemy.engine import URL, Connection, Engine, make_url
from sqlalchemy.exc import DisconnectionError, OperationalError
from sqlalchemy.pool import QueuePool

from bot.knowledge.load import ROOT

DEFAULT_URL = f"sqlite:///{ROOT / 'var' / 'vejviser.db'}"
POOL_SIZE = 10  # the door's 32 threads hold a connection for milliseconds each
PATIENCE_SECONDS = 2
LOCK_TRIES, LOCK_PAUSE_SECONDS = 100, 0.5
_MIGRATING = 0x76656A76  # any number, the same in every version: whose lock it is to migrate
# Connections to a file are kept as those to a server are, while it is the same file; nobody waits for one.
_SQLITE: dict[str, Any] = {
    "poolclass": QueuePool,
    "pool_size": POOL_SIZE,
    "max_overflow": -1,
    "connect_args": {"check_same_thread": False},
}
# What libpq is told: a server that is away is an error in seconds, and nobody waits for a lock longer than SQLite does.
_POSTGRESQL = {
    "connect_timeout": PATIENCE_SECONDS,
    "tcp_user_timeout": 4000,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 2,
    "options": "-c lock_timeout=5s -c statement_timeout=15s -c idle_in_transaction_session_timeout=60s",
    "application_name": "vejviser",
}


def database_url() -> str:
    """Return the address of the database: VEJVISER_DATABASE_URL, or var/vejviser.db below the project."""
    return os.environ.get("VEJVISER_DATABASE_URL", DEFAULT_URL)


def make_engine(url: str | None = None) -> Engine:
    """Return an engine; the folder of a SQLite file is made if it is missing.

    A server gets at most VEJVISER_POOL_SIZE connections from it (10), each tried before use. Whoever cannot have one
    within two seconds gets an error, and after a failed attempt the next second's get it at once: an answer with fewer
    facts is better than none.
    """
    parsed = make_url(url or database_url())
    if parsed.get_backend_name() == "sqlite":
        if parsed.database:
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(parsed, future=True, hide_parameters=True, **_SQLITE)
        _SameFile(parsed.database).watch(engine)
        return engine
    if parsed.drivername == "postgresql":  # SQLAlchemy 2.1 would take psycopg 3 for it, which Rasa does not have
        parsed = parsed.set(drivername="postgresql+psycopg2")
    engine = create_engine(
        parsed,
        future=True,
        pool_pre_ping=True,
        hide_parameters=True,  # an error nobody caught is printed with its statement, and those hold what people wrote
        pool_size=int(os.environ.get("VEJVISER_POOL_SIZE") or POOL_SIZE),
        max_overflow=0,
        pool_timeout=PATIENCE_SECONDS,
        connect_args=_connect_args(parsed),
    )
    event.listen(engine, "do_connect", _Doubt())
    return engine


def _connect_args(url: URL) -> dict[str, Any]:
    """Return what the driver is told besides; what the address says itself stands."""
    if url.get_backend_name() != "postgresql":
        return {}
    return {name: value for name, value in _POSTGRESQL.items() if name not in url.query}


class _SameFile:
    """Lets a kept connection be used only while its file is where it was: not one that was moved away or replaced."""

    def __init__(self, path: str | None) -> None:
        self._path = path

    def watch(self, engine: Engine) -> None:
        event.listen(engine, "connect", self._opened)
        event.listen(engine, "checkout", self._taken)

    def _opened(self, _connection: Any, record: Any) -> None:
        record.info["file"] = self._file()

    def _taken(self, _connection: Any, record: Any, _proxy: Any) -> None:
        if record.info["file"] != self._file():
            raise DisconnectionError("another file stands there now")

    def _file(self) -> tuple[int, int] | None:
        try:
            found = os.stat(self._path or "")
        except OSError:
            return None
        return found.st_dev, found.st_ino


class _Doubt:
    """Lets a thread in only to fail at once, for a second after another could not reach the server."""

    def __init__(self, seconds: float = 1.0) -> None:
        self._seconds, self._until = seconds, 0.0

    def __call__(self, dialect: Any, _record: Any, args: Any, options: Any) -> Any:
        if time.monotonic() < self._until:
            raise dialect.dbapi.OperationalError("the database did not answer a moment ago")
        try:
            return dialect.connect(*args, **options)
        except dialect.dbapi.OperationalError:
            self._until = time.monotonic() + self._seconds
            raise


@contextmanager
def snapshot(engine: Engine) -> Iterator[Connection]:
    """Give a connection that sees the whole database as it is at one moment, whatever others write meanwhile."""
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN")
        else:
            connection = connection.execution_options(isolation_level="REPEATABLE READ")
        yield connection


# -- migrations --------------------------------------------------------------------------------------------------


class UnknownRevision(Exception):
    """The database was migrated by a version of Vejviser that knows more than this one."""


class LosesData(Exception):
    """Going down would delete what is not kept elsewhere. `losses` says what, one sentence for each migration."""

    def __init__(self, losses: list[str]) -> None:
        super().__init__(" ".join(losses))
        self.losses = losses


def newest_revision() -> str:
    """Return the revision of the tables that this version of Vejviser works with."""
    return str(_scripts().get_current_head())


def revision(engine: Engine) -> str | None:
    """Return the revision of the tables in the database, None where there are none yet."""
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def migrate(engine: Engine) -> None:
    """Bring the tables up to the newest migration: once, however many processes try, and while others read and write.

    Raises UnknownRevision, and OperationalError when the tables stay locked.
    """
    _known(revision(engine))
    if revision(engine) != newest_revision():
        _move(engine, command.upgrade, "head")


def downgrade(engine: Engine, to: str, lose: bool = False) -> list[str]:
    """Bring the tables down to an older migration (`base`: none) and return what was lost by it.

    Raises LosesData, and changes nothing, unless told to `lose` it; UnknownRevision as `migrate`, also for a `to` that
    is not below.
    """
    present = _known(revision(engine))
    if present is None or (to != "base" and (to not in _revisions() or to >= present)):
        raise UnknownRevision(f"The tables are at {present}; below it there is no revision '{to}'.")
    steps = _scripts().iterate_revisions(present, to)
    losses = [f"{step.revision} ({step.doc}): {step.module.loses}" for step in steps if step.revision != to]
    if not lose:
        raise LosesData(losses)
    _move(engine, command.downgrade, to)
    return losses


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    return config


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())


def _revisions() -> set[str]:
    return {script.revision for script in _scripts().walk_revisions()}


def _known(found: str | None) -> str | None:
    if found is not None and found not in _revisions():
        raise UnknownRevision(
            f"The database is at revision {found}, which this version of Vejviser does not know: a newer one migrated "
            f"it. Run that version, or go down to {newest_revision()} with it first."
        )
    return found


def _move(engine: Engine, how: Callable[[Config, str], None], to: str) -> None:
    """Migrate in one transaction, alone. Whoever holds a table that is to change is waited for briefly, many times:
    everybody else queues behind us while we wait.
    """
    config = _config()
    for left in reversed(range(LOCK_TRIES)):
        try:
            with _alone(engine) as connection:
                config.attributes["connection"] = connection
                how(config, to)
            return
        except OperationalError as error:
            if not left or not _was_locked(error):
                raise
            time.sleep(LOCK_PAUSE_SECONDS)


@contextmanager
def _alone(engine: Engine) -> Iterator[Connection]:
    """Give a connection in a transaction in which nobody else migrates."""
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            # Rebuilding a table drops it, and what points to it must not go along.
            connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        elif engine.dialect.name == "postgresql":
            connection.exec_driver_sql("SET LOCAL lock_timeout = '60s'")
            connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_MIGRATING})")
            # Less than PostgreSQL's deadlock_timeout: of us and a door that wait for each other, we give way.
            connection.exec_driver_sql("SET LOCAL lock_timeout = '400ms'")
        try:
            yield connection
            connection.commit()
        finally:
            if engine.dialect.name == "sqlite":
                connection.rollback()  # inside a transaction SQLite does not hear the next line
                connection.exec_driver_sql("PRAGMA foreign_keys=ON")


def _was_locked(error: OperationalError) -> bool:
    refused = ("55P03", "40P01")  # no lock in time; a deadlock
    return getattr(error.orig, "pgcode", None) in refused or "locked" in str(error.orig)
