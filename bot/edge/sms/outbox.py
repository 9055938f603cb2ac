"""An answer sent to a telephone because somebody asked for it: from the widget, or from the helpline with a yes.

The words are ours; who asks chooses the answer and the number. A code lets the reader go on by SMS.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import secrets

from bot.answers.answer import Answer
from bot.answers.links import Links
from bot.answers.sms import Sms, answer_sms
from bot.edge.sms.dialogue import CODE_LENGTH, CODE_LETTERS
from bot.edge.sms.numbers import danish_mobile, sender_of
from bot.edge.sms.settings import SmsSettings
from bot.edge.sms.store import SmsStore, WayOn
from bot.jobs.queue import Jobs
from bot.knowledge.directory import Directory

A_DAY = 3
INSTEAD = "Du kan kopiere eller udskrive svaret i stedet."
CODE_KEPT = dt.timedelta(hours=6)


class NotSent(Exception):
    """It cannot be sent; `message` says why in Danish, `code` for programs."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


class Outbox:
    """Puts answers in line for the worker, at most three a day for a number and for a conversation."""

    def __init__(self, settings: SmsSettings, store: SmsStore, jobs: Jobs, secret: str) -> None:
        self._settings, self._store, self._jobs, self._secret = settings, store, jobs, secret

    def send(
        self,
        given: str,
        answer: Answer,
        directory: Directory,
        now: dt.datetime,
        conversation: str | None = None,
        asked_by: str | None = None,
    ) -> None:
        """Queue one message with the answer to a Danish mobile number. Raises NotSent.

        The code goes on with `conversation`, or begins a new one. `asked_by` is counted as the number is.
        """
        number = danish_mobile(given) if len(given) <= 40 else None
        if number is None or number.removeprefix("45") in directory.phone_numbers:
            raise NotSent("phone", "Skriv et dansk mobilnummer med otte cifre, fx 20 30 40 50.")
        sender = sender_of(number, self._secret)
        if self._store.is_out(sender):
            raise NotSent(
                "stopped", "Vi kan ikke sende til det nummer. Er der skrevet STOP til os, så skriv START først."
            )
        counts = [self._store.asked_today(now, sender=sender)]
        if asked_by:
            counts.append(self._store.asked_today(now, asked_by=asked_by))
        if max(counts) >= A_DAY:
            raise NotSent(
                "too_many_sms",
                f"Der kan sendes {A_DAY} sms'er om dagen. {INSTEAD}",
            )
        code = "".join(secrets.choice(CODE_LETTERS) for _ in range(CODE_LENGTH))
        links = Links(self._settings.public_url, tuple(directory.topics))
        place = answer.municipality["code"] if answer.municipality else None
        sms = Sms(answer_sms(answer, links, last=f"Svar {code} for at skrive videre"), municipality=place)
        if not self._store.has_room("widget", sms.segments, self._settings.ceiling, now):
            raise NotSent("too_many_sms", f"Vi kan ikke sende flere sms'er i dag. {INSTEAD}")
        way_on = WayOn(code, conversation or secrets.token_urlsafe(16), now + CODE_KEPT)
        self._store.know(sender, number, now)
        self._store.queue(sender, sms, way_on, asked_by, now)
        with contextlib.suppress(Exception):  # a queue that is away is no loss: the worker looks by itself
            self._jobs.serve(sender)
