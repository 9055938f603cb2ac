"""How gunicorn serves the door, at the desk and in the image: `gunicorn -c python:bot.edge.gunicorn_conf`.

One process, or VEJVISER_WORKERS of them; then rates need VEJVISER_RATE_STORAGE=redis://…, since those in memory are
each process's own.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import threading
from collections.abc import Callable
from typing import Any

from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from bot.edge.log import make_log
from bot.edge.server import ServerLog, child_exit, on_exit, on_starting, pre_fork  # noqa: F401  gunicorn's hooks, by name
from bot.edge.settings import Settings, door_workers
from bot.edge.tireless import forever
from bot.handoff.requests import Handoff
from bot.heartbeat import SWEEPS, beating
from bot.knowledge.database import make_engine
from bot.knowledge.places import gazetteer
from bot.safety.conversations import Conversations

wsgi_app = "bot.edge.app:create_app()"
logger_class = ServerLog
worker_class = "bot.edge.worker.ImpatientWorker"
workers = door_workers()
SWEPT_SECONDS = 600.0
threads = 32  # a slow client holds one for five seconds at most
keepalive = 5
timeout = 30
graceful_timeout = 10
backlog = 256
worker_connections = 500
# Our longest line is a look-up with five parameters, our longest field the token of a webhook: it holds a whole SMS.
limit_request_line = 2048
limit_request_fields = 40
limit_request_field_size = 8190


def post_worker_init(worker: Any) -> None:
    """Warm what stands behind the door, and sweep by the clock: conversations and requests go on a silent night too."""
    threading.Thread(target=lambda: _warm_up(worker.wsgi), daemon=True).start()
    engine, log, settings = make_engine(), make_log(), Settings.read()
    conversations, handoff = Conversations(), Handoff(engine)

    def sweep_conversations(now: dt.datetime) -> None:
        conversations.forget_older(now, settings.keep_hours)

    def sweep_requests(now: dt.datetime) -> None:
        handoff.sweep(now, settings.callback_days, settings.keep_hours)

    for name, sweep in zip(SWEEPS, (sweep_conversations, sweep_requests)):
        done = beating(engine, name)

        def work(sweep: Callable[[dt.datetime], None] = sweep, done: Callable[[], None] = done) -> None:
            sweep(dt.datetime.now(dt.timezone.utc))  # Rasa stamps by the machine's clock
            done()

        threading.Thread(target=forever, args=(name, work, SWEPT_SECONDS, log), name=name, daemon=True).start()


def _warm_up(app: Flask) -> None:
    with contextlib.suppress(SQLAlchemyError):  # a table that is away is read by the first who needs it
        gazetteer(app.config["SHELF"].current())
    Conversations().forget(app.config["RASA"].warm_up(app.config["CLOCK"]()))
