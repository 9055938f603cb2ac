"""What the server around the door adds: gunicorn's own lines as JSON, and figures that all its workers share."""

from __future__ import annotations

import datetime as dt
import gc
import json
import logging
import os
import shutil
import sys
import tempfile
from typing import Any

from gunicorn.glogging import Logger
from prometheus_client import values
from prometheus_client.multiprocess import mark_process_dead

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
        quiet_libraries()


class _Lines(logging.Formatter):
    """One line of JSON. The master speaks of its workers only and may say what it likes."""

    def __init__(self) -> None:
        super().__init__()
        self._master = os.getpid()

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        said = _error_of(record)
        if os.getpid() == self._master or record.levelno < logging.WARNING:
            said["text"] = record.getMessage()
        if isinstance(error := sys.exc_info()[1], SettingsError):  # which setting is wrong: who starts us must read it
            said["text"] = str(error)
        return _json("server", record, said)


def _error_of(record: logging.LogRecord) -> dict[str, Any]:
    """Return kind and place of the error that is being handled while a complaint is written."""
    error = sys.exc_info()[1] if record.levelno >= logging.WARNING else None
    return {"error": type(error).__name__, "where": where(error)} if error else {}


def _json(event: str, record: logging.LogRecord, said: dict[str, Any]) -> str:
    stamp = dt.datetime.fromtimestamp(record.created, dt.timezone.utc).isoformat().replace("+00:00", "Z")
    return json.dumps(
        {"event": event, **said, "level": record.levelname.lower(), "timestamp": stamp}, ensure_ascii=False
    )


class _Complaints(logging.Formatter):
    """One line of JSON for what a library warns of: which, what kind, where; its words may quote anything."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        return _json("library", record, {"library": record.name} | _error_of(record))


def quiet_libraries() -> None:
    """Let whatever libraries complain of be lines of ours, on standard error, without their words."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Complaints())
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)


# -- hooks of gunicorn ---------------------------------------------------------------------------------------------


def on_starting(_server: Any) -> None:
    """Give the workers a folder for their figures, new each time: those of a former life count no more."""
    os.environ[SHARED] = tempfile.mkdtemp(prefix="vejviser-figures-")
    values.ValueClass = values.get_value_class()  # it may have been imported, and have looked, before


def child_exit(_server: Any, worker: Any) -> None:
    """Take out of the figures what holds only while a worker lives. What it counted stays."""
    mark_process_dead(worker.pid)


def on_exit(_server: Any) -> None:
    """Leave nothing behind."""
    shutil.rmtree(os.environ[SHARED], ignore_errors=True)


def pre_fork(_server: Any, _worker: Any) -> None:
    """Leave what the master has read out of every collection, so that its memory stays shared with the workers."""
    gc.freeze()
