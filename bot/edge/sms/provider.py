"""What a gateway for SMS can do: prove who called, say what came, and send. One small module for each gateway."""

from __future__ import annotations

import datetime as dt
import email.utils
import json
import time
from dataclasses import dataclass
from typing import Any, Protocol

import httpx
from werkzeug.datastructures import Headers

# From the call to the end of the answer; each wait for a piece of it is shorter.
SEND_SECONDS = 10.0
_PATIENCE = httpx.Timeout(8.0, connect=2.0, write=2.0, pool=2.0)
_MOST_BYTES = 64 * 1024
# GatewayAPI tries again for up to 15 hours; what is older was kept by somebody to be sent once more.
OLDEST = dt.timedelta(hours=24)
EARLIEST = dt.timedelta(minutes=10)


class BadSignature(Exception):
    """The caller is not the gateway, or sends again what is long past. The text says which."""


class Unreadable(Exception):
    """The gateway called, and said something that is neither a message nor a report."""


class NotNow(Exception):
    """Sending may go better later. `after` is how many seconds the gateway asks to wait; `uncertain`: it may have
    sent the message although it did not say so.
    """

    def __init__(self, why: str, after: float = 0.0, uncertain: bool = False) -> None:
        super().__init__(why)
        self.after, self.uncertain = after, uncertain


class Refused(Exception):
    """The gateway will not send this, however often it is asked."""


@dataclass(frozen=True)
class Received:
    """A call of the webhook: the address as the gateway knows it, headers, and the body as it came."""

    url: str
    headers: Headers
    body: bytes


@dataclass(frozen=True)
class Inbound:
    """A message from a telephone. `number` has its country code, digits only. A long message comes in `parts`."""

    message_id: str
    number: str
    text: str
    written_at: dt.datetime
    part_of: str | None = None
    part: int = 1
    parts: int = 1


@dataclass(frozen=True)
class Report:
    """What became of a message we sent, known by our `reference` or the gateway's own id."""

    reference: str | None
    gateway_id: str | None
    delivered: bool


class Provider(Protocol):
    """One gateway."""

    name: str

    def verify(self, received: Received) -> dict[str, Any]:
        """Return what the gateway vouches for. Raises BadSignature."""

    def parse(self, payload: dict[str, Any], now: dt.datetime) -> Inbound | Report:
        """Return what a verified payload says. Raises BadSignature when it is old and Unreadable when it is neither."""

    def send(self, number: str, text: str, reference: str) -> str:
        """Send, and return the gateway's id. Raises NotNow and Refused."""


def storable(heard: Inbound | Report) -> Inbound | Report:
    """Return a message or report whose ids a database takes. Raises Unreadable for a null character in one."""
    ids = [heard.message_id, heard.part_of] if isinstance(heard, Inbound) else [heard.reference, heard.gateway_id]
    if any(given is not None and (not isinstance(given, str) or "\0" in given) for given in ids):
        raise Unreadable("id")
    return heard


def fresh(written_at: dt.datetime, now: dt.datetime) -> dt.datetime:
    """Return the moment a message was written. Raises BadSignature when it is old, or has not come yet."""
    if not now - OLDEST <= written_at <= now + EARLIEST:
        raise BadSignature("old")
    return written_at


def post(client: httpx.Client, url: str, **request: Any) -> dict[str, Any]:
    """Post to a gateway and return its JSON object, empty where it says something else: 2xx is yes, whatever it says.

    Raises NotNow for 408, 429, 5xx and a line that breaks, else Refused.
    """
    until = time.monotonic() + SEND_SECONDS
    try:
        with client.stream("POST", url, timeout=_PATIENCE, **request) as response:
            said = _answer(response, until)
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
        raise NotNow(type(error).__name__) from error
    except httpx.HTTPError as error:  # it heard us, and did not answer
        raise NotNow(type(error).__name__, uncertain=True) from error
    status = response.status_code
    if status in (408, 429) or status >= 500:
        raise NotNow(f"HTTP {status}", after=_retry_after(response.headers.get("Retry-After", "")))
    if not 200 <= status < 300:
        raise Refused(f"HTTP {status}")
    try:
        heard = json.loads(said)
    except (ValueError, RecursionError):
        return {}
    return heard if isinstance(heard, dict) else {}


def _answer(response: httpx.Response, until: float) -> bytes:
    """Return the body. Raises ReadTimeout where it does not end: our hold on the person ends too."""
    said = b""
    for piece in response.iter_bytes():
        said += piece
        if time.monotonic() > until or len(said) > _MOST_BYTES:
            raise httpx.ReadTimeout("endless", request=response.request)
    return said


def _retry_after(given: str) -> float:
    """Return the seconds of a Retry-After header, which may be a date; 0 when it is neither."""
    if given.isdecimal():
        return float(given)
    try:
        then = email.utils.parsedate_to_datetime(given)
    except (TypeError, ValueError):
        return 0.0
    return max(0.0, (then - dt.datetime.now(dt.timezone.utc)).total_seconds())
