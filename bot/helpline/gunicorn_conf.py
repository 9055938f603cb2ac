"""How gunicorn serves the console: as it serves the door, with the table read before the first caller rings."""

from __future__ import annotations

import contextlib
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from bot.answers.search import index
from bot.edge import gunicorn_conf as door
from bot.edge.gunicorn_conf import *  # noqa: F403  every setting of the door's: patience, threads, limits

workers = 1  # for the volunteers of one house; VEJVISER_WORKERS is the door's
wsgi_app = "bot.helpline.app:create_app()"
limit_request_line = 4096  # a page that was asked for before the login stands in the address


def post_worker_init(worker: Any) -> None:  # type: ignore[no-redef]  # the door's, and more
    """Sweep by the clock as the door does, and read the table: the first search shall not wait for it."""
    door.post_worker_init(worker)
    with contextlib.suppress(SQLAlchemyError):  # a database that is away is told on the page
        index(worker.wsgi.config["SHELF"].current()).find("a")
