"""The figures of SMS at /metrics, read from the database: the worker that sends is another process."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

from prometheus_client.core import GaugeMetricFamily

from bot.edge.sms.store import SmsStore
from bot.knowledge.sms import OUTBOUND


def sms_figures(store: SmsStore, ceiling: int, now: dt.datetime) -> Iterator[GaugeMetricFamily]:
    """Yield what it costs and what is stuck. Counts are of the rows kept: a day for segments, a week for the rest.

    Raises SQLAlchemyError.
    """
    figures = store.figures(now)
    segments = GaugeMetricFamily(
        "vejviser_sms_segments_today", "Segments sent since midnight, by municipality", labels=["municipality"]
    )
    for municipality, number in figures["segments"].items():
        segments.add_metric([municipality], number)
    yield segments
    messages = GaugeMetricFamily(
        "vejviser_sms_messages", "Messages out by state; failed are dead letters", labels=["state"]
    )
    for state in OUTBOUND:
        messages.add_metric([state], figures["states"].get(state, 0))
    yield messages
    for name, said, value in (
        ("unanswered", "Messages in that are not answered", figures["waiting"]),
        ("unanswered_seconds", "How long the oldest of them waits", figures["waited"]),
        ("undelivered", "Sent, but not delivered", figures["undelivered"]),
        ("ceiling", "Segments a day that may be sent", ceiling),
        ("ceiling_reached", "1 when today's segments are used up", used_up(figures, ceiling)),
    ):
        yield GaugeMetricFamily(f"vejviser_sms_{name}", said, value=value)


def used_up(figures: dict[str, Any], ceiling: int) -> bool:
    """Return whether today's segments are used up, of the store's figures."""
    return bool(figures["capped"] or sum(figures["segments"].values()) >= ceiling)
