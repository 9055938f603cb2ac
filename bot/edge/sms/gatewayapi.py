"""GatewayAPI (gatewayapi.eu): sends over its Mobile Messaging API; hears both kinds of webhook it has."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import json
import re
from typing import Any

import httpx
import jwt

from bot.edge.sms.provider import BadSignature, Inbound, Received, Report, Unreadable, fresh, post
from bot.edge.sms.settings import SmsSettings


class GatewayApi:
    """The account of one municipality at GatewayAPI."""

    name = "gatewayapi"

    def __init__(self, settings: SmsSettings) -> None:
        self._settings = settings
        self._client = httpx.Client(headers={"Authorization": f"Token {settings.token}"})

    def verify(self, received: Received) -> dict[str, Any]:
        """Return the payload the gateway signed.

        Its older webhooks sign a token that holds the message and does not cover the body: the body is not read. Its
        newer ones sign the body. Raises BadSignature.
        """
        secret = self._settings.webhook_secret
        payload: Any
        if token := received.headers.get("X-Gwapi-Signature"):
            try:
                payload = jwt.decode(token, secret, algorithms=["HS256"])
            except jwt.PyJWTError as error:
                raise BadSignature(type(error).__name__) from error
            return dict(payload)
        given = received.headers.get("Signature", "")
        expected = f"v1={hmac.new(secret.encode(), received.body, hashlib.sha256).hexdigest()}"
        if not hmac.compare_digest(given.strip().lower().encode(), expected.encode()):
            raise BadSignature("signature" if given else "unsigned")
        try:
            payload = json.loads(received.body)
        except (ValueError, RecursionError) as error:
            raise Unreadable("JSON") from error
        return payload if isinstance(payload, dict) else {}

    def parse(self, payload: dict[str, Any], now: dt.datetime) -> Inbound | Report:
        """Return the message or report in a verified payload. Raises BadSignature when it is old, and Unreadable."""
        try:
            return _event(payload, now) if "event_type" in payload else _callback(payload, now)
        except (AttributeError, KeyError, TypeError, ValueError, OverflowError, OSError) as error:
            raise Unreadable(type(error).__name__) from error

    def send(self, number: str, text: str, reference: str) -> str:
        """Send one message; `reference` comes back in its report. Raises NotNow and Refused."""
        body = {"sender": self._settings.number, "message": text, "recipient": int(number), "reference": reference}
        sent = post(self._client, f"{self._settings.url}/mobile/single", json=body)
        return str(sent.get("msg_id") or "")


def _event(payload: dict[str, Any], now: dt.datetime) -> Inbound | Report:
    """The newer kind: an envelope of id, time and type around the event."""
    event = payload["event"]
    if "status" in payload["event_type"]:
        delivered = str(event.get("status", "")).lower() not in _FAILED
        return Report(event.get("reference"), str(event.get("msg_id") or "") or None, delivered)
    written_at = fresh(dt.datetime.fromisoformat(payload["timestamp"].replace("Z", "+00:00")), now)
    number = _digits(event.get("msisdn") or event["sender"])
    return Inbound(str(payload["event_id"]), number, str(event.get("message") or ""), written_at, *_part(event))


def _callback(payload: dict[str, Any], now: dt.datetime) -> Inbound | Report:
    """The older kind: the message or the report itself."""
    if "status" in payload and "message" not in payload:
        return Report(payload.get("userref"), str(payload["id"]), str(payload["status"]).lower() not in _FAILED)
    written_at = fresh(dt.datetime.fromtimestamp(float(payload["senttime"]), dt.timezone.utc), now)
    number = _digits(payload["msisdn"])
    return Inbound(str(payload["id"]), number, str(payload.get("message") or ""), written_at, *_part(payload))


_FAILED = frozenset(["undeliverable", "undelivered", "rejected", "expired", "failed", "deleted", "skipped"])


def _digits(number: Any) -> str:
    digits = str(number).removeprefix("+")
    if not re.fullmatch(r"[0-9]{6,15}", digits):
        raise ValueError("number")
    return digits


def _part(message: dict[str, Any]) -> tuple[str | None, int, int]:
    """Read where a part of a long message belongs from its user data header (3GPP TS 23.040, 9.2.3.24)."""
    header = bytes.fromhex(str(message.get("udh") or ""))
    at = 1  # the first octet is the length of the rest
    while at + 2 <= len(header):
        kind, length = header[at], header[at + 1]
        data = header[at + 2 : at + 2 + length]
        if (kind, len(data)) in ((0x00, 3), (0x08, 4)):
            *reference, parts, part = data
            if 1 <= part <= parts and parts > 1:
                return bytes(reference).hex(), part, parts
        at += 2 + length
    return None, 1, 1
