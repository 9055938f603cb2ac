"""The line to Rasa: one kept-alive connection pool on loopback, four seconds, and an error instead of silence."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

import httpx

TIMEOUT_SECONDS = 4.0


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
    """Rasa's REST channel."""

    def __init__(self, url: str) -> None:
        self._client = httpx.Client(base_url=url, timeout=TIMEOUT_SECONDS)

    def say(self, sender: str, text: str, municipality: str | None, now: dt.datetime) -> list[Reply]:
        """Send one message and return the replies, at least one. Raises RasaSilent."""
        metadata = {"municipality": municipality, "now": now.isoformat()}
        try:
            response = self._client.post(
                "/webhooks/rest/webhook", json={"sender": sender, "message": text, "metadata": metadata}
            )
            response.raise_for_status()
            parts = response.json()
        except (httpx.HTTPError, ValueError) as error:
            raise RasaSilent(type(error).__name__) from error
        replies = _join(parts)
        if not replies:
            raise RasaSilent("no reply")
        return replies

    def is_up(self) -> bool:
        """Return whether Rasa's channel answers."""
        try:
            return self._client.get("/webhooks/rest/", timeout=2).is_success
        except httpx.HTTPError:
            return False


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
