"""The line to Rasa: one kept-alive connection pool on loopback, four seconds, and an error instead of silence."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import time
from dataclasses import dataclass, field
from typing import Any

import httpx

from bot.edge.breaker import Breaker

TIMEOUT_SECONDS = 4.0
AGAIN_SECONDS = (0.1, 0.4, 1.0)  # together more than the second after which the balancer asks the Rasas again
WARM_UP_SECONDS = 120.0
_WARM_UP = "Hvad er bostøtte?"
_CHANNEL = "/webhooks/rest/webhook"


class RasaSilent(Exception):
    """Rasa did not answer in time, answered with an error, or had nothing to say (as when an action fails)."""


@dataclass
class Reply:
    """One message of Rasa's: text, buttons, the answer object when an action sent one, and a wish to be forgotten."""

    text: str
    buttons: list[dict[str, str]] = field(default_factory=list)
    answer: dict[str, Any] | None = None
    forget: bool = False


class Rasa:
    """Rasa's REST channel, behind a circuit breaker."""

    def __init__(self, url: str, actions_url: str, breaker: Breaker | None = None) -> None:
        self._client = httpx.Client(base_url=url)
        self.timeout_seconds = TIMEOUT_SECONDS
        self._actions_health = actions_url.removesuffix("/webhook") + "/health"
        self._actions_doubted = False
        self.breaker = breaker or Breaker()

    @classmethod
    def of_environment(cls, url: str | None = None, actions_url: str | None = None) -> Rasa:
        """Return the line to where VEJVISER_RASA_URL and VEJVISER_ACTIONS_URL say; an address given here wins."""
        return cls(
            url or os.environ.get("VEJVISER_RASA_URL", "http://127.0.0.1:5005"),
            actions_url or os.environ.get("VEJVISER_ACTIONS_URL", "http://127.0.0.1:5055/webhook"),
        )

    def say(self, sender: str, text: str, municipality: str | None, now: dt.datetime) -> list[Reply]:
        """Send one message and return the replies, at least one. Raises RasaSilent."""
        if not self.breaker.allows():
            raise RasaSilent("breaker open")
        metadata = {"municipality": municipality, "now": now.isoformat()}
        try:
            replies = _join(self._post({"sender": sender, "message": text, "metadata": metadata}).json())
        except (httpx.HTTPError, ValueError, TypeError, AttributeError) as error:
            self.breaker.failed()
            raise RasaSilent(type(error).__name__) from error
        # Having nothing to say is no failure of the line: else one person's odd message could shut out everybody.
        self.breaker.succeeded()
        if not replies:
            self._actions_doubted = True
            raise RasaSilent("no reply")
        if any(reply.answer for reply in replies):
            self._actions_doubted = False
        elif self._actions_doubted and not self.actions_are_up(0.5):
            # Rasa's fixed sentences need no action, but whoever gets one now gets nothing else: better a number.
            raise RasaSilent("actions down")
        return replies

    def _post(self, message: dict[str, Any]) -> httpx.Response:
        """Post a message, and again what came to a Rasa that ended over it, while there is time. Raises HTTPError.

        Nothing is done twice: Rasa saves what a message changed as the last thing before it answers.
        """
        ends = time.monotonic() + self.timeout_seconds
        pauses = iter(AGAIN_SECONDS)
        while True:
            left = max(ends - time.monotonic(), 0.05)
            try:
                return self._client.post(_CHANNEL, json=message, timeout=left).raise_for_status()
            except (httpx.HTTPStatusError, httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError) as error:
                pause = next(pauses, self.timeout_seconds)
                if not _is_of_nobody(error) or time.monotonic() + pause >= ends:
                    raise
            time.sleep(pause)

    def warm_up(self, now: dt.datetime) -> str:
        """Ask one question with all the patience it needs, so that the first person does not pay for what is read late.

        Returns the sender it was asked as, to be forgotten. Waits until Rasa is there; gives up silently.
        """
        sender = f"warm-up-{os.getpid()}"
        body = {"sender": sender, "message": _WARM_UP, "metadata": {"municipality": None, "now": now.isoformat()}}
        deadline = time.monotonic() + WARM_UP_SECONDS
        while time.monotonic() < deadline:
            with contextlib.suppress(httpx.HTTPError):
                self._client.post(_CHANNEL, json=body, timeout=WARM_UP_SECONDS).raise_for_status()
                break
            time.sleep(1)
        return sender

    def is_up(self) -> bool:
        """Return whether Rasa's channel answers."""
        try:
            return self._client.get("/webhooks/rest/", timeout=2).is_success
        except httpx.HTTPError:
            return False

    def actions_are_up(self, seconds: float) -> bool:
        """Return whether the action server answers within so many seconds."""
        try:
            return httpx.get(self._actions_health, timeout=seconds).is_success
        except httpx.HTTPError:
            return False


def _is_of_nobody(error: httpx.HTTPError) -> bool:
    """Return whether no Rasa had a say in an error: a line that broke, or a balancer's own 502 and 503."""
    if isinstance(error, httpx.HTTPStatusError):
        return error.response.status_code in (httpx.codes.BAD_GATEWAY, httpx.codes.SERVICE_UNAVAILABLE)
    return True


def _join(parts: list[dict[str, Any]]) -> list[Reply]:
    """Put the answer object, which Rasa sends as a message of its own, back beside its text."""
    replies: list[Reply] = []
    for part in parts:
        if "custom" in part and replies:
            replies[-1].answer = part["custom"].get("answer") or replies[-1].answer
            replies[-1].forget = bool(part["custom"].get("forget"))
        elif part.get("text"):
            replies.append(Reply(part["text"], part.get("buttons") or []))
    return replies
