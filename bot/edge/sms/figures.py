"""The figures of SMS at /metrics, read from the database: the worker that sends is another process."""

from __future__ import annotations

import datetime as dt

from prometheus_client import CollectorRegistry, Gauge

from bot.edge.sms.store import SmsStore
from bot.knowledge.sms import OUTBOUND


class SmsFigures:
    """What it costs and what is stuck. Counts are of the rows kept: a day for segments, a week for the rest."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._segments = Gauge(
            "vejviser_sms_segments_today",
            "Segments sent since midnight, by municipality",
            ["municipality"],
            registry=registry,
        )
        self._messages = Gauge(
            "vejviser_sms_messages", "Messages out by state; failed are dead letters", ["state"], registry=registry
        )
        self._waiting = Gauge("vejviser_sms_unanswered", "Messages in that are not answered", registry=registry)
        self._undelivered = Gauge("vejviser_sms_undelivered", "Sent, but not delivered", registry=registry)
        self._ceiling = Gauge("vejviser_sms_ceiling", "Segments a day that may be sent", registry=registry)
        self._reached = Gauge("vejviser_sms_ceiling_reached", "1 when today's segments are used up", registry=registry)

    def read(self, store: SmsStore, ceiling: int, now: dt.datetime) -> None:
        """Take the counts of this moment. Raises SQLAlchemyError."""
        figures = store.figures(now)
        self._segments.clear()
        for municipality, segments in figures["segments"].items():
            self._segments.labels(municipality).set(segments)
        for state in OUTBOUND:
            self._messages.labels(state).set(figures["states"].get(state, 0))
        self._waiting.set(figures["waiting"])
        self._undelivered.set(figures["undelivered"])
        self._ceiling.set(ceiling)
        self._reached.set(figures["capped"] or sum(figures["segments"].values()) >= ceiling)
