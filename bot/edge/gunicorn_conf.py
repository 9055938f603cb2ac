"""How gunicorn serves the door, at the desk and in the image: `gunicorn -c python:bot.edge.gunicorn_conf`.

One process, or VEJVISER_WORKERS of them; then rates need VEJVISER_RATE_STORAGE=redis://…, since those in memory are
each process's own.
"""

from __future__ import annotations

import threading
from typing import Any

from flask import Flask

from bot.edge.settings import door_workers
from bot.handoff.requests import Handoff
from bot.knowledge.database import make_engine
from bot.safety.conversations import Conversations

wsgi_app = "bot.edge.app:create_app()"
worker_class = "bot.edge.worker.ImpatientWorker"
workers = door_workers()
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
    for work in (lambda: _warm_up(worker.wsgi), Conversations().sweep, Handoff(make_engine()).sweep_forever):
        threading.Thread(target=work, daemon=True).start()


def _warm_up(app: Flask) -> None:
    Conversations().forget(app.config["RASA"].warm_up(app.config["CLOCK"]()))
