"""Gunicorn's threads, with an end to patience: who sends a request byte by byte does not keep a thread for himself."""

from __future__ import annotations

import contextlib
import socket
import time
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

HEADERS_SECONDS = 5.0
REQUEST_SECONDS = 15.0  # body, four seconds of Rasa, and the answer to a slow line


class ImpatientWorker(ThreadWorker):  # type: ignore[misc]
    """A thread reads blocking, without a limit of its own; here the main loop hangs up when the time is over."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._until: dict[Any, float] = {}

    def handle(self, conn: Any) -> Any:
        """Read one request and answer it, all of it in time."""
        self._until[conn] = time.monotonic() + HEADERS_SECONDS
        try:
            return super().handle(conn)
        finally:
            self._until.pop(conn, None)

    def handle_request(self, req: Any, conn: Any) -> Any:
        """The head is in; from here body and answer have their time."""
        self._until[conn] = time.monotonic() + REQUEST_SECONDS
        return super().handle_request(req, conn)

    def murder_pending(self) -> None:
        """Hang up on the late: called about once a second by the main loop."""
        super().murder_pending()
        now = time.monotonic()
        for conn, until in list(self._until.items()):
            if now > until:
                with contextlib.suppress(OSError):  # it may be gone already
                    conn.sock.shutdown(socket.SHUT_RDWR)
