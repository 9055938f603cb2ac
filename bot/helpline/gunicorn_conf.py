"""How gunicorn serves the console: as it serves the door, but for what comes in after the start."""

from __future__ import annotations

from bot.edge.gunicorn_conf import *  # noqa: F403 - the same patience, threads and limits

wsgi_app = "bot.helpline.app:create_app()"
limit_request_line = 4096  # a page that was asked for before the login stands in the address
