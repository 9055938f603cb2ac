"""Twilio: the same three things, over its REST API. Which of its regions holds the data is the address it is set to."""

from __future__ import annotations

import datetime as dt
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
from twilio.request_validator import RequestValidator

from bot.edge.sms.provider import BadSignature, Inbound, Received, Report, Unreadable, post
from bot.edge.sms.settings import SmsSettings


class Twilio:
    """One account at Twilio."""

    name = "twilio"

    def __init__(self, settings: SmsSettings) -> None:
        self._settings = settings
        self._client = httpx.Client(auth=(settings.account, settings.token))

    def verify(self, received: Received) -> dict[str, Any]:
        """Return the form the gateway signed together with our address. Raises BadSignature."""
        try:
            form = dict(parse_qsl(received.body.decode(), keep_blank_values=True, strict_parsing=False))
        except UnicodeDecodeError as error:
            raise BadSignature("encoding") from error
        given = received.headers.get("X-Twilio-Signature", "")
        if not given or not RequestValidator(self._settings.token).validate(received.url, form, given):
            raise BadSignature("signature" if given else "unsigned")
        return form | {"_query": dict(parse_qsl(urlsplit(received.url).query))}

    def parse(self, payload: dict[str, Any], now: dt.datetime) -> Inbound | Report:
        """Return the message or report in a verified form. Its time is ours: Twilio signs none. Raises Unreadable."""
        message_id = payload.get("MessageSid") or payload.get("SmsSid")
        status = payload.get("MessageStatus")
        if not message_id:
            raise Unreadable("MessageSid")
        if status and status != "received":
            delivered = status not in ("failed", "undelivered", "canceled")
            return Report(payload["_query"].get("reference"), message_id, delivered)
        number = str(payload.get("From", "")).removeprefix("+")
        if not number.isdecimal():
            raise Unreadable("From")
        return Inbound(message_id, number, payload.get("Body") or "", now)

    def send(self, number: str, text: str, reference: str) -> str:
        """Send one message; its reports come to the webhook with the reference. Raises NotNow and Refused."""
        settings = self._settings
        callback = f"{settings.public_url}/sms/{self.name}?{urlencode({'reference': reference})}"
        form = {"To": f"+{number}", "From": f"+{settings.number}", "Body": text, "StatusCallback": callback}
        sent = post(self._client, f"{settings.url}/2010-04-01/Accounts/{settings.account}/Messages.json", data=form)
        return str(sent.get("sid") or "")
