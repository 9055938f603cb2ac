"""How gunicorn serves the door, at the desk and in the image: `gunicorn -c python:bot.edge.gunicorn_conf`.

One process: the figures at /metrics and the rates in memory are its own. More doors: VEJVISER_RATE_STORAGE=redis://…
"""

from __future__ import annotations

import threading
from typing import Any

from bot.handoff.requests import Handoff
from bot.knowledge.database import make_engine
from bot.safety.conversations import Conversations

wsgi_app = "bot.edge.app:create_app()"
worker_class = "bot.edge.worker.ImpatientWorker"
workers = 1
threads = 32  # a slow client holds one for five seconds at most
keepalive = 5
timeout = 30
graceful_timeout = 10
backlog = 256
worker_connections = 500
# Our longest line is a look-up with five parameters, our longest field a forwarded address.
limit_request_line = 2048
limit_request_fields = 40
limit_request_field_size = 4096


def post_worker_init(_worker: Any) -> None:
    """Sweep by the clock, so that conversations and requests for a human go on a silent night too."""
    for sweep in (Conversations().sweep, Handoff(make_engine()).sweep_forever):
        threading.Thread(target=sweep, name="sweep", daemon=True).start()
