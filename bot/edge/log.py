"""One line of JSON for each request, without a word of what was written and without an address."""

from __future__ import annotations

import hashlib
import hmac
import sys
import time
from collections.abc import MutableMapping
from typing import Any

import structlog
from flask import Flask, Response, current_app, g, request
from sqlalchemy.engine import Engine

from bot.edge import metrics
from bot.edge.context import directory_or_none, now
from bot.edge.sessions import DOCTOR
from bot.figures import Counts, key_of


def make_log() -> Any:
    """Return a logger that writes JSON lines to standard error."""
    return structlog.wrap_logger(
        structlog.PrintLogger(sys.stderr),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _with_request_id,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
    )


def make_counts(engine: Engine, logger: Any) -> Counts:
    """Return the counter of answers; what it cannot write it says in the log."""
    return Counts(engine, lambda error: logger.warning("figures not written", error=type(error).__name__))


def register(app: Flask) -> None:
    """Time every request, and write and count it when it is answered."""
    app.before_request(_begin)
    app.after_request(_end)


def answered(sender: str, messages: list[dict[str, Any]], channel: str, cause: str | None) -> None:
    """Note what a message was answered with: the line of the request tells it, and the figures count it.

    `cause`: why it was answered without Rasa. What `vejviser doctor` asks is in the log, but not in the statistics.
    """
    answer: dict[str, Any] = next((message["answer"] for message in messages if message["answer"]), {})
    g.answered = {
        "session": session_hash(sender),
        "kind": answer.get("kind"),
        "topic": answer.get("topic"),
        "channel": channel,
        "cause": metrics.CAUSES.get(cause, metrics.OTHER_CAUSE) if cause else None,
    }
    if channel == DOCTOR:
        return
    try:
        directory = directory_or_none()
        current_app.config["FIGURES"].add(key_of(answer, now(), directory.calendar if directory else None))
    except Exception as error:  # a figure is never worth an answer
        current_app.config["LOG"].error("figures", error=type(error).__name__)


def session_hash(sender: str) -> str:
    """Return what stands for a conversation in the log: useless without our key, and not the id itself."""
    key = current_app.config["SETTINGS"].secret.encode()
    return hmac.new(key, sender.encode(), hashlib.sha256).hexdigest()[:12]


def _with_request_id(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    if g and "request_id" in g:
        event["request_id"] = g.request_id
    return event


def _begin() -> None:
    g.began = time.perf_counter()


def _end(response: Response) -> Response:
    seconds = time.perf_counter() - g.get("began", time.perf_counter())
    # The rule, not the path: a path may hold a session id or anything else a person typed.
    route = request.url_rule.rule if request.url_rule else None
    said = g.get("answered") or {}
    current_app.config["LOG"].info(
        "message" if said else "request",
        method=request.method if request.url_rule else None,
        route=route,
        status=response.status_code,
        ms=round(seconds * 1000, 1),
        **said,
    )
    metrics.count(response.status_code, seconds, said)
    return response
