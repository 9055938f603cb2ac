"""How much one address and one conversation may ask. In memory, or in Redis when there is more than one door."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from typing import Any

from flask import Flask, current_app, request
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address

from bot.edge.settings import Settings

View = Callable[..., Any]


def make_limiter(app: Flask, settings: Settings, enabled: bool = True) -> Limiter:
    """Return the limiter, with the rate of an address on every view.

    Without its storage it counts in memory, and whoever writes in the moment that goes away is let through: each time
    it says so in the log. It asks the storage again after 1, 2, 4 ... seconds.
    """
    is_elsewhere = not settings.rate_storage.startswith("memory")
    return Limiter(
        app=app,
        key_func=get_remote_address,
        default_limits=[settings.address_rate],
        default_limits_exempt_when=lambda: request.method == "OPTIONS",
        storage_uri=settings.rate_storage,
        strategy="moving-window",
        storage_options={"socket_connect_timeout": 1, "socket_timeout": 1} if is_elsewhere else {},
        in_memory_fallback_enabled=is_elsewhere,
        swallow_errors=True,
        enabled=enabled,
    )


def per_session(limiter: Limiter, rate: str, view: View) -> View:
    """Return the view with the rate of a conversation beside that of the address."""
    limited: View = limiter.limit(
        rate, key_func=lambda: _sender() or "", exempt_when=lambda: _sender() is None, override_defaults=False
    )(view)
    return limited


def _sender() -> str | None:
    """Return the conversation the request belongs to if its signature is ours; other faults are told later."""
    with contextlib.suppress(ValueError, RecursionError, LookupError, TypeError, AttributeError):
        session = current_app.config["SESSIONS"].read(json.loads(request.get_data())["session"])
        return session.sender if session else None
    return None
