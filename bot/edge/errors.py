"""Errors as the chat API speaks them: JSON in Danish, never a trace, and a number where a person is left alone."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from flask import Flask, Response, current_app, jsonify
from flask_limiter import RateLimitExceeded
from werkzeug.exceptions import HTTPException

MAX_BODY = 4096
ALONE = "Er nogen i fare, så ring 112."
_SAID = {
    403: "Det er ikke tilladt herfra.",
    404: "Siden findes ikke.",
    405: "Den metode bruges ikke her.",
    413: f"Beskeden er for stor. Den må højst fylde {MAX_BODY} bytes.",
    415: "Den slags indhold kan ikke læses.",
}


class BadRequest(Exception):
    """The request cannot be used; `field` is what is wrong, `more` what may be asked for instead."""

    def __init__(
        self,
        message: str,
        field: str | None = None,
        code: str = "bad_request",
        status: int = 400,
        more: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.message, self.field, self.code, self.status, self.more = message, field, code, status, more or {}


def register(app: Flask) -> None:
    """Let the app answer every error as JSON."""
    app.register_error_handler(BadRequest, _bad_request)
    app.register_error_handler(RateLimitExceeded, _too_many)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, _unexpected)


def where(error: BaseException) -> str:
    """Return file and line of an error: what a log may hold of it, since its message may quote the person."""
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    return f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else "?"


def _error(
    code: str, message: str, status: int, field: str | None = None, more: dict[str, Any] | None = None
) -> tuple[Response, int]:
    error = {"code": code, "message": message} | ({"field": field} if field else {}) | (more or {})
    return jsonify({"error": error}), status


def _bad_request(error: BadRequest) -> tuple[Response, int]:
    return _error(error.code, error.message, error.status, error.field, error.more)


def _too_many(error: RateLimitExceeded) -> tuple[Response, int]:
    limit = current_app.config["LIMITER"].current_limit
    seconds = max(1, round(limit.reset_at - time.time())) if limit else 60
    message = f"Der kom mange beskeder på kort tid. Vent {seconds} sekunder, og prøv igen. {ALONE}"
    response, status = _error("too_many_requests", message, 429)
    response.headers["Retry-After"] = str(seconds)
    return response, status


def _http_error(error: HTTPException) -> tuple[Response, int]:
    if (cause := getattr(error, "original_exception", None)) is not None:  # broke after the view, so Flask wrapped it
        return _unexpected(cause)
    status = error.code or 500
    code = (error.name or "error").lower().replace(" ", "_")
    response, status = _error(code, _SAID.get(status, "Det kunne ikke lade sig gøre."), status)
    if status == 405 and getattr(error, "valid_methods", None):
        response.headers["Allow"] = ", ".join(error.valid_methods)  # type: ignore[attr-defined]
    return response, status


def _unexpected(error: Exception) -> tuple[Response, int]:
    """Log where it broke, never what was written, and leave the person with a number."""
    current_app.config["LOG"].error("unexpected", error=type(error).__name__, where=where(error))
    return _error("internal", "Noget gik galt hos os. Er nogen i fare, så ring 112. Ellers prøv igen om lidt.", 500)
