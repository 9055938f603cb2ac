"""A gateway at the desk: GatewayAPI's wire format over real HTTP, and a page that looks like a telephone.

`vejviser sms simulate` shows SMS without an account; tests use the same server and switch its faults on.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import itertools
import json
import logging
import os
import secrets
import socket
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit

import httpx
import jwt
import smsutil
from flask import Flask, Response, current_app, jsonify, redirect, render_template, request, url_for
from werkzeug.serving import make_server

Fault = Literal["", "401", "429", "500", "slow", "cut", "cut_after", "odd"]
SLOW_SECONDS = 12.0  # longer than anybody waits for a gateway
NUMBER = "4512040000"
PHONE = "4520304050"
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


@dataclass(frozen=True)
class Bubble:
    """One message on the telephone."""

    id: int
    number: str
    text: str
    mine: bool
    at: str
    segments: int = 0
    reference: str = ""


@dataclass
class Gateway:
    """The gateway: what it knows of us, what it took, and which fault it plays for how many calls."""

    webhook: str
    secret: str
    token: str
    receiver: str = NUMBER
    scheme: str = "token"
    reports: bool = True
    fault: Fault = ""
    fault_left: int = 0
    retry_after: int = 1
    slow_seconds: float = SLOW_SECONDS
    now: Callable[[], float] = time.time
    calls: int = 0
    bubbles: list[Bubble] = field(default_factory=list)
    _ids: Any = field(default_factory=lambda: itertools.count(int(time.time() * 1000)))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def play(self, fault: Fault, times: int) -> None:
        """Play a fault for the next so many calls."""
        self.fault, self.fault_left = fault, times

    def next_fault(self) -> Fault:
        """Return the fault of this call."""
        with self._lock:
            self.calls += 1
            if self.fault_left <= 0:
                return ""
            self.fault_left -= 1
            return self.fault

    def write(self, number: str, text: str) -> int:
        """Show what the person wrote on the telephone; return its id."""
        message_id = next(self._ids)
        self._show(Bubble(message_id, number, text, True, _clock()))
        return int(message_id)

    def take(self, number: str, text: str, reference: str) -> str:
        """Show what Vejviser sent on the telephone; return its id."""
        message_id = next(self._ids)
        parts = len(smsutil.split(text).parts)
        self._show(Bubble(message_id, number, text, False, _clock(), parts, reference))
        return str(message_id)

    def _show(self, bubble: Bubble) -> None:
        with self._lock:
            self.bubbles.append(bubble)

    def sent_to(self, number: str) -> list[Bubble]:
        """Return what Vejviser sent to a number, in order."""
        with self._lock:
            return [bubble for bubble in self.bubbles if bubble.number == number and not bubble.mine]

    def deliver(self, message_id: int, number: str, text: str, sent_at: float | None = None, **more: Any) -> int:
        """Call the webhook with a message as the configured scheme does; return the status it answers with."""
        return self.call(self.message(message_id, number, text, sent_at, **more))

    def message(
        self, message_id: int, number: str, text: str, sent_at: float | None = None, **more: Any
    ) -> dict[str, Any]:
        """Return the payload of a message from a telephone."""
        at = self.now() if sent_at is None else sent_at
        if self.scheme == "body":
            event = {"msisdn": int(number), "receiver": int(self.receiver), "message": text, **more}
            return self._event(str(message_id), "messaging.inbound.sms", event, at)
        about = {"id": message_id, "msisdn": int(number), "receiver": int(self.receiver), "webhook_label": "vejviser"}
        return {**about, "message": text, "senttime": int(at), "country_code": "DK", "country_prefix": 45, **more}

    def report(self, gateway_id: str, reference: str, status: str = "DELIVERED") -> int:
        """Call the webhook with what became of a message."""
        event = {"msg_id": gateway_id, "reference": reference, "status": status}
        return self.call(self._event(str(uuid.uuid4()), "messaging.status.sms", event, self.now()), "body")

    def _event(self, event_id: str, kind: str, event: dict[str, Any], at: float) -> dict[str, Any]:
        timestamp = dt.datetime.fromtimestamp(at, dt.timezone.utc).isoformat()
        return {"event_id": event_id, "timestamp": timestamp, "event_type": kind, "event": event}

    def call(self, payload: dict[str, Any], scheme: str | None = None) -> int:
        """Post a signed payload to the webhook; 0 when nobody is there."""
        body = json.dumps(payload).encode()
        if (scheme or self.scheme) == "body":
            digest = hmac.new(self.secret.encode(), body, hashlib.sha256).hexdigest()
            headers = {"Signature": f"v1={digest}"}
        else:
            headers = {"X-Gwapi-Signature": jwt.encode(payload, self.secret, algorithm="HS256")}
        try:
            return httpx.post(
                self.webhook, content=body, headers={**headers, "Content-Type": "application/json"}, timeout=15
            ).status_code
        except httpx.HTTPError:
            return 0


def create_simulator(gateway: Gateway) -> Flask:
    """Return the server: `/mobile/single` for Vejviser, the telephone for people."""
    app = Flask(__name__)
    app.config["GATEWAY"] = gateway
    app.add_url_rule("/", "telephone", _telephone, methods=["GET", "POST"])
    app.add_url_rule("/beskeder", "bubbles", _bubbles)
    app.add_url_rule("/mobile/single", "single", _single, methods=["POST"])
    app.after_request(_secure)
    return app


def serve(gateway: Gateway, port: int) -> None:
    """Serve until stopped, on this machine only. The page looks every second, which no log needs to hold."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    make_server("127.0.0.1", port, create_simulator(gateway), threaded=True).serve_forever()


def environment(port: int, webhook: str, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the settings that make Vejviser use the simulator on a port; keys are made anew unless they are given."""
    door = urlsplit(webhook)
    return {
        "VEJVISER_SMS_PROVIDER": "gatewayapi",
        "VEJVISER_SMS_URL": f"http://127.0.0.1:{port}",
        "VEJVISER_SMS_NUMBER": environ.get("VEJVISER_SMS_NUMBER") or NUMBER,
        "VEJVISER_SMS_TOKEN": environ.get("VEJVISER_SMS_TOKEN") or secrets.token_urlsafe(24),
        "VEJVISER_SMS_WEBHOOK_SECRET": environ.get("VEJVISER_SMS_WEBHOOK_SECRET") or secrets.token_urlsafe(32),
        "VEJVISER_PUBLIC_URL": environ.get("VEJVISER_PUBLIC_URL") or f"{door.scheme}://{door.netloc}",
    }


# -- views -------------------------------------------------------------------------------------------------------


def _gateway() -> Gateway:
    gateway: Gateway = current_app.config["GATEWAY"]
    return gateway


def _telephone() -> Any:
    """Show the telephone of one number; a message sent from it goes to Vejviser at once."""
    gateway = _gateway()
    number = "".join(c for c in request.values.get("nummer", PHONE) if c.isdecimal())[:15] or PHONE
    status = request.args.get("status", "")
    if request.method == "POST":
        text = request.form.get("tekst", "").strip()[:1600]
        if text:
            answered = gateway.deliver(gateway.write(number, text), number, text)
            status = "" if answered == 204 else f"Vejviser svarede ikke ({answered or 'ingen forbindelse'})."
        return redirect(url_for("telephone", nummer=number, status=status or None), 303)
    bubbles = [bubble for bubble in gateway.bubbles if bubble.number == number]
    return render_template(
        "telefon.html", number=number, receiver=gateway.receiver, bubbles=bubbles, status=status, last=len(bubbles)
    )


def _bubbles() -> Response:
    """Return the telephone's messages after a count, for the page to show as they come."""
    number, after = request.args.get("nummer", PHONE), request.args.get("efter", 0, type=int)
    bubbles = [bubble for bubble in _gateway().bubbles if bubble.number == number]
    return jsonify([{"text": b.text, "mine": b.mine, "at": b.at, "segments": b.segments} for b in bubbles[after:]])


def _single() -> Any:
    """Take one message as GatewayAPI does, or play a fault."""
    gateway = _gateway()
    fault = gateway.next_fault()
    if fault == "401" or request.headers.get("Authorization") != f"Token {gateway.token}":
        return jsonify({"detail": "Unauthorized"}), 401
    if fault == "429":
        return jsonify({"detail": "Too many"}), 429, {"Retry-After": str(gateway.retry_after)}
    if fault == "500":
        return jsonify({"detail": "Internal"}), 500
    if fault == "cut":
        return _cut()
    body = request.get_json(force=True)
    number, reference = str(body["recipient"]), body.get("reference", "")
    message_id = gateway.take(number, body["message"], reference)
    if gateway.reports:
        threading.Thread(target=_report, args=(gateway, message_id, reference), daemon=True).start()
    if fault == "slow":
        time.sleep(gateway.slow_seconds)
    if fault == "cut_after":
        return _cut()
    if fault == "odd":
        return jsonify([message_id]), 202
    return jsonify({"msg_id": message_id, "recipient": int(number), "reference": reference}), 202


def _report(gateway: Gateway, message_id: str, reference: str) -> None:
    """Tell that a message arrived, until somebody hears it, as gateways do."""
    for seconds in (0.3, 1, 2, 4, 8, 16):
        time.sleep(seconds)
        if gateway.report(message_id, reference) == 204:
            return


def _cut() -> Response:
    """Hang up without a word."""
    request.environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
    return Response(status=500)


def _secure(response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("Cache-Control", "no-store")
    return response


def _clock() -> str:
    return dt.datetime.now().strftime("%H.%M")
