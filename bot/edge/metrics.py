"""Figures for operations, as Prometheus reads them: only from this machine, or with the token.

Two kinds. What a door counts (messages, seconds) is counted in each worker, and prometheus_client adds the workers up
where there are several (its multiprocess mode; the folder is made in `bot.edge.server`). What is so at this moment
(what waits, how old, which part is up) is asked of the parts when the page is read, whichever worker reads it.
"""

from __future__ import annotations

import hmac
import ipaddress
import os
from collections.abc import Iterator
from typing import Any, get_args

from flask import Flask, Response, current_app, request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from sqlalchemy.exc import SQLAlchemyError

from bot.answers.answer import Kind
from bot.edge.context import directory, now
from bot.edge.errors import BadRequest
from bot.edge.health import oldest_fact, stale_share
from bot.edge.server import SHARED
from bot.edge.sms.figures import sms_figures
from bot.heartbeat import BACKUP, SMS, SWEEPS, beats

_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 4, 5)
# Why an answer was given without Rasa, from what the line to it says (`bot.edge.rasa`, `bot.edge.turn`).
CAUSES = {
    "breaker open": "breaker",
    "no reply": "no_reply",
    "actions down": "actions",
    "unexpected": "unexpected",
    "ConnectError": "unreachable",
    **dict.fromkeys(("ConnectTimeout", "ReadTimeout", "WriteTimeout", "PoolTimeout"), "timeout"),
}
OTHER_CAUSE = "error"  # an HTTP error or an answer that is none


class Metrics:
    """What one door counts. Degraded, fallback and crisis are kinds of messages; rates are for Prometheus."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.messages = Counter(
            "vejviser_messages", "Messages answered, by kind and channel", ["kind", "channel"], registry=self.registry
        )
        for kind in get_args(Kind):
            self.messages.labels(kind, "web")  # a kind that never happened is 0, not missing
        self.degraded = Counter(
            "vejviser_degraded", "Messages answered without Rasa, by cause", ["cause"], registry=self.registry
        )
        for cause in {*CAUSES.values(), OTHER_CAUSE}:
            self.degraded.labels(cause)
        self.seconds = Histogram(
            "vejviser_message_seconds", "From message to answer", ["channel"], registry=self.registry, buckets=_SECONDS
        )
        self.seconds.labels("web")
        self.requests = Counter("vejviser_requests", "Requests, by status", ["status"], registry=self.registry)
        self.breaker = Gauge(
            "vejviser_rasa_breaker_open",
            "1 while one of the workers leaves Rasa alone",
            registry=self.registry,
            multiprocess_mode="livemax",
        )


def register(app: Flask) -> None:
    """Give the app its figures and their page."""
    app.config["METRICS"] = Metrics()
    app.add_url_rule("/metrics", "metrics", page)


def count(status: int, seconds: float, said: dict[str, Any]) -> None:
    """Count one request, and the message in it if there was one."""
    figures: Metrics = current_app.config["METRICS"]
    figures.requests.labels(str(status)).inc()
    figures.breaker.set(current_app.config["RASA"].breaker.is_open)  # each worker has one of its own
    if said:
        figures.messages.labels(said["kind"] or "none", said["channel"]).inc()
        figures.seconds.labels(said["channel"]).observe(seconds)
        if said["cause"]:
            figures.degraded.labels(said["cause"]).inc()


def page() -> Response:
    """Return the figures to those who may see them."""
    if not (_from_here() or _has_token()):
        raise BadRequest("Tallene kan kun læses på maskinen selv eller med nøglen.", code="forbidden", status=403)
    counted, asked = current_app.config["METRICS"].registry, CollectorRegistry()
    if SHARED in os.environ:
        counted = CollectorRegistry()
        MultiProcessCollector(counted)
    asked.register(_Moment())
    return Response(generate_latest(counted) + generate_latest(asked), content_type=CONTENT_TYPE_LATEST)


class _Moment(Collector):
    """What is so while the page is read."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield the figures. What the database would tell is missing while it is away, and then that is told."""
        rasa, limiter = current_app.config["RASA"], current_app.config["LIMITER"]
        up = _family("vejviser_part_up", "1 when a part answers", "part")
        up.add_metric(["rasa"], rasa.is_up())
        up.add_metric(["actions"], rasa.actions_are_up(2))
        if not current_app.config["SETTINGS"].rate_storage.startswith("memory"):
            up.add_metric(["redis"], limiter.storage.check())
        try:
            current_app.config["SHELF"].ping()
            stored = list(_stored())
        except SQLAlchemyError:
            stored = None
        up.add_metric(["database"], stored is not None)
        yield up
        yield from stored or []


def _stored() -> Iterator[GaugeMetricFamily]:
    """Yield what the database tells. Raises SQLAlchemyError."""
    moment = now()
    table = directory()
    yield _value("vejviser_stale_share", "Share of departments shown whose facts are old", stale_share(table, moment))
    yield _value("vejviser_oldest_fact_days", "Age of the oldest dated fact shown", oldest_fact(table, moment))
    calls = _family("vejviser_callbacks", "Open requests for a human, and those past what was promised", "state")
    for state, number in current_app.config["HANDOFF"].figures(moment).items():
        calls.add_metric([state], number)
    yield calls
    sms = current_app.config["SMS"]
    last = _family("vejviser_last_success_timestamp_seconds", "When a task last succeeded; 0: never", "task")
    seen = beats(current_app.config["ENGINE"])
    for name in (*SWEEPS, BACKUP, *(SMS if sms else ())):
        last.add_metric([name], seen[name].timestamp() if name in seen else 0)
    yield last
    if sms:
        yield from sms_figures(current_app.config["SMS_STORE"], sms.ceiling, moment)


def _family(name: str, said: str, label: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, said, labels=[label])


def _value(name: str, said: str, value: float | None) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, said, value=float("nan") if value is None else value)


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
