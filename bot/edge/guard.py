"""What stands before every page: whose site may ask, no packed bodies, request ids, strict headers."""

from __future__ import annotations

import secrets
from urllib.parse import urlsplit

from flask import Flask, Response, current_app, g, request
from flask_cors import CORS

from bot.edge.errors import BadRequest
from bot.edge.sessions import DOCTOR, DOCTOR_HEADER, is_doctors
from bot.edge.settings import Settings

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
ONE_YEAR = 31536000


def register(app: Flask, settings: Settings) -> None:
    """Put the guard before and after every view."""
    CORS(
        app,
        resources={r"/api/.*": {"origins": list(settings.origins)}},
        methods=["GET", "POST", "DELETE"],
        allow_headers=["Content-Type"],
        expose_headers=["Retry-After", "X-Request-Id"],
        supports_credentials=False,
        max_age=600,
        vary_header=True,
        always_send=False,
    )
    app.before_request(_begin)
    app.before_request(_refuse)
    app.after_request(_secure)


def site_of_origin() -> str | None:
    """Return the municipality whose site the request comes from, as configured."""
    settings: Settings = current_app.config["SETTINGS"]
    return settings.origins.get(request.headers.get("Origin", "").lower())


def channel() -> str:
    """Return who asks over the chat API: a person, or `vejviser doctor`, which shows our own secret."""
    settings: Settings = current_app.config["SETTINGS"]
    return DOCTOR if is_doctors(settings.secret, request.headers.get(DOCTOR_HEADER, "")) else "web"


def _begin() -> None:
    g.request_id = secrets.token_hex(8)  # always our own: one that came from outside could write into the log


def _refuse() -> None:
    if request.headers.get("Content-Encoding", "identity").strip().lower() not in {"", "identity"}:
        raise BadRequest("Send beskeden uden komprimering.", code="content_encoding", status=415)
    if request.method in {"POST", "PUT", "PATCH", "DELETE"} and _foreign(request.headers.get("Origin")):
        raise BadRequest("Siden må ikke bruge vejviseren. Bed den om at blive tilføjet.", code="origin", status=403)


def _foreign(origin: str | None) -> bool:
    """Return whether a browser says that another site asks, and that site was not configured."""
    settings: Settings = current_app.config["SETTINGS"]
    if origin is None or origin.lower() in settings.origins:
        return False
    try:
        return urlsplit(origin).netloc.lower() != request.host.lower()
    except ValueError:
        return True


def _secure(response: Response) -> Response:
    """Add what a view did not set itself."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if request.path.startswith("/api/"):
        response.headers.setdefault("Cache-Control", "no-store")
    if request.is_secure:
        response.headers.setdefault("Strict-Transport-Security", f"max-age={ONE_YEAR}")
    response.headers["X-Request-Id"] = g.get("request_id", "")
    return response
