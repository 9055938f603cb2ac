"""What the server around the door adds: gunicorn's own lines as JSON, and figures that all its workers share."""

from __future__ import annotations

import json
import logging
import os
import shutil
import sys
import tempfile
import time
from typing import Any

from gunicorn.glogging import Logger

from bot.edge.errors import where
from bot.edge.settings import SettingsError

SHARED = "PROMETHEUS_MULTIPROC_DIR"  # prometheus_client writes its figures to files there when this is set


class ServerLog(Logger):  # type: ignore[misc]
    """Gunicorn's log. What a worker complains of quotes requests and addresses, so only its kind and place are kept."""

    def setup(self, cfg: Any) -> None:
        """Set up as gunicorn does, but with our lines."""
        super().setup(cfg)
        for handler in self.error_log.handlers:
            handler.setFormatter(_Lines())


class _Lines(logging.Formatter):
    """One line of JSON. The master speaks of its workers only and may say what it likes."""

    def __init__(self) -> None:
        super().__init__()
        self._master = os.getpid()

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        line: dict[str, Any] = {"event": "server"}
        error = sys.exc_info()[1] if record.levelno >= logging.WARNING else None
        if os.getpid() == self._master or record.levelno < logging.WARNING:
            line["text"] = record.getMessage()
        if error is not None:
            line |= {"error": type(error).__name__, "where": where(error)}
        if isinstance(error, SettingsError):  # says which setting is wrong: whoever starts us must read it
            line["text"] = str(error)
        line |= {"level": record.levelname.lower()}
        line["timestamp"] = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{record.msecs:03.0f}Z"
        return json.dumps(line, ensure_ascii=False)


# -- hooks of gunicorn ---------------------------------------------------------------------------------------------


def on_starting(_server: Any) -> None:
    """Give the workers a folder for their figures, new each time: those of a former life count no more."""
    os.environ[SHARED] = tempfile.mkdtemp(prefix="vejviser-figures-")


def child_exit(_server: Any, worker: Any) -> None:
    """Take out of the figures what holds only while a worker lives. What it counted stays."""
    from prometheus_client.multiprocess import mark_process_dead  # reads the environment when it is imported

    mark_process_dead(worker.pid)


def on_exit(_server: Any) -> None:
    """Leave nothing behind."""
    shutil.rmtree(os.environ[SHARED], ignore_errors=True)
