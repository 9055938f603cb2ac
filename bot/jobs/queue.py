"""Where jobs wait: huey, in a SQLite file by default, in Redis when there is more than one worker.

The queue holds whose turn it is and nothing else. What is to be done stands in the database, so a queue that is lost,
or a job that is killed, loses nothing: the worker looks there at start and every few seconds.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from huey import RedisHuey, SqliteHuey
from huey.api import Huey
from redis import ConnectionPool

from bot.edge.settings import SettingsError
from bot.knowledge.load import ROOT

MANY = 200
# The gateway waits while the webhook puts somebody in line; the worker asks for a second at a time.
_PATIENCE = {"socket_connect_timeout": 1, "socket_timeout": 3}


def make_huey(environ: Mapping[str, str] = os.environ) -> Huey:
    """Return the queue at VEJVISER_JOBS: `redis://…` or the path of a SQLite file. Raises SettingsError."""
    place = environ.get("VEJVISER_JOBS") or str(ROOT / "var" / "jobs.db")
    if place.startswith(("redis://", "rediss://")):
        pool = ConnectionPool.from_url(place, **_PATIENCE)
        return RedisHuey("vejviser", connection_pool=pool, results=False)
    if "://" in place:
        raise SettingsError(f"VEJVISER_JOBS: '{place}' is neither redis://… nor the path of a file.")
    Path(place).parent.mkdir(parents=True, exist_ok=True)
    return SqliteHuey("vejviser", filename=place, results=False)


def _elsewhere(sender: str) -> None:
    raise RuntimeError("jobs are done by the worker")


class Jobs:
    """The jobs by name. The door puts them in line; the worker, which gives the function, does them."""

    def __init__(self, huey: Huey, serve: Callable[[str], None] = _elsewhere) -> None:
        self.huey = huey

        def task(sender: str) -> None:  # huey knows a job by the module and name of its function: the same for both
            serve(sender)

        self._serve = huey.task(name="serve")(task)

    def are_many(self) -> bool:
        """Return whether so much is in line that looking for more would only make the line longer."""
        return int(self.huey.pending_count()) > MANY

    def serve(self, sender: str, delay: float = 0.0) -> None:
        """Put one person in line: their messages answered, and what waits for them sent."""
        if delay > 0:
            self._serve.schedule((sender,), delay=delay)
        else:
            self._serve(sender)
