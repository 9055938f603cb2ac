"""Figures for operations, as Prometheus reads them: only from this machine, or with the token."""

from __future__ import annotations

import contextlib
import hmac
import ipaddress
from typing import Any, get_args

from flask import Flask, Response, current_app, request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from sqlalchemy.exc import SQLAlchemyError

from bot.answers.answer import Kind
from bot.edge.context import directory, now
from bot.edge.errors import BadRequest
from bot.edge.health import stale_share
from bot.edge.sms.figures import SmsFigures

_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 4, 5)


class Metrics:
    """The figures of one door. Degraded, fallback and crisis are kinds of messages; rates are for Prometheus."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.messages = Counter(
            "vejviser_messages", "Messages answered, by kind and channel", ["kind", "channel"], registry=self.registry
        )
        for kind in get_args(Kind):
            self.messages.labels(kind, "web")  # a kind that never happened is 0, not missing
        self.seconds = Histogram(
            "vejviser_message_seconds", "From message to answer", ["channel"], registry=self.registry, buckets=_SECONDS
        )
        self.requests = Counter("vejviser_requests", "Requests, by status", ["status"], registry=self.registry)
        self.breaker = Gauge("vejviser_rasa_breaker_open", "1 while Rasa is left alone", registry=self.registry)
        self.stale = Gauge(
            "vejviser_stale_share", "Share of departments shown whose facts are old", registry=self.registry
        )
        self.sms = SmsFigures(self.registry)


def register(app: Flask) -> None:
    """Give the app its figures and their page."""
    app.config["METRICS"] = Metrics()
    app.add_url_rule("/metrics", "metrics", page)


def count(status: int, seconds: float, said: dict[str, Any]) -> None:
    """Count one request, and the message in it if there was one."""
    figures: Metrics = current_app.config["METRICS"]
    figures.requests.labels(str(status)).inc()
    if said:
        figures.messages.labels(said["kind"] or "none", said["channel"]).inc()
        figures.seconds.labels(said["channel"]).observe(seconds)


def page() -> Response:
    """Return the figures to those who may see them."""
    if not (_from_here() or _has_token()):
        raise BadRequest("Tallene kan kun læses på maskinen selv eller med nøglen.", code="forbidden", status=403)
    figures: Metrics = current_app.config["METRICS"]
    figures.breaker.set(current_app.config["RASA"].breaker.is_open)
    try:
        figures.stale.set(stale_share(directory(), now()) or 0)
    except SQLAlchemyError:
        figures.stale.set(float("nan"))
    if sms := current_app.config["SMS"]:
        with contextlib.suppress(SQLAlchemyError):
            figures.sms.read(current_app.config["SMS_STORE"], sms.ceiling, now())
    return Response(generate_latest(figures.registry), content_type=CONTENT_TYPE_LATEST)


def _from_here() -> bool:
    """Return whether this machine asks. Behind a proxy on it everybody seems to, so a forwarded request never does."""
    if any(name in request.headers for name in ("X-Forwarded-For", "Forwarded", "X-Real-Ip", "Via")):
        return False
    try:
        return ipaddress.ip_address(request.remote_addr or "").is_loopback
    except ValueError:
        return False


def _has_token() -> bool:
    token = current_app.config["SETTINGS"].metrics_token
    given = request.headers.get("Authorization", "")
    return bool(token) and hmac.compare_digest(given.encode(), f"Bearer {token}".encode())
