"""Where the table lives, how it is reached, and its migrations."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, event
from sqlalchemy.engine import URL, Engine, make_url

from bot.knowledge.load import ROOT

DEFAULT_URL = f"sqlite:///{ROOT / 'var' / 'vejviser.db'}"
POOL_SIZE = 10  # the door's 32 threads hold a connection for milliseconds each
PATIENCE_SECONDS = 2
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
        return create_engine(parsed, future=True, pool_pre_ping=True)
    engine = create_engine(
        parsed,
        future=True,
        pool_pre_ping=True,
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


def migrate(engine: Engine) -> None:
    """Bring the tables up to the newest migration."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
