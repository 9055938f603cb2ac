"""Where the table lives, and its migrations."""

from __future__ import annotations

import os
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine
from sqlalchemy.engine import Engine

from bot.knowledge.load import ROOT

DEFAULT_URL = f"sqlite:///{ROOT / 'var' / 'vejviser.db'}"


def database_url() -> str:
    """Return the address of the database: VEJVISER_DATABASE_URL, or var/vejviser.db below the project."""
    return os.environ.get("VEJVISER_DATABASE_URL", DEFAULT_URL)


def make_engine(url: str | None = None) -> Engine:
    """Return an engine; the folder of a SQLite file is made if it is missing."""
    url = url or database_url()
    if url.startswith("sqlite:///"):
        Path(url.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
    return create_engine(url, future=True, pool_pre_ping=True)


def migrate(engine: Engine) -> None:
    """Bring the tables up to the newest migration."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
