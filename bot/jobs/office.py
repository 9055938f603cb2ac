"""Answers and sends, one person at a time and in order, whatever breaks in between.

Exactly once as far as it goes: a message is answered in one transaction, so it has one reply; and a reply goes out
again only if the gateway never said it had it. Where that cannot be known (it took the message and the line broke, or
we were killed before we wrote it down) the gateway's report settles it; only when none comes within half a minute is it
sent a second time.
"""

from __future__ import annotations

import datetime as dt
import random
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from huey import SqliteHuey
from sqlalchemy.exc import SQLAlchemyError

from bot.edge.sms.dialogue import SmsDialogue
from bot.edge.sms.provider import NotNow, Provider, Refused
from bot.edge.sms.store import CEILING, CRISIS, ON_ITS_WAY, SmsStore
from bot.edge.turn import hear
from bot.jobs.queue import Jobs
from bot.knowledge.directory import Directory, Shelf
from bot.knowledge.places import gazetteer

NOT_CAPPED = (CRISIS, "urgent", "stop", "forget")  # a way out of danger, and what somebody has a right to


@dataclass(frozen=True)
class Pace:
    """How long, in seconds, and how often. Seven waits of 2, 4 ... 128 seconds are four minutes of trying.

    After a sending that may have arrived there are two more at most: a gateway that only answers slowly would fill the
    telephone. A reply in danger is tried every half minute for half an hour, whatever the gateway asks for or took.
    """

    hold: float = 30.0
    first_wait: float = 2.0
    longest_wait: float = 300.0
    attempts: int = 8
    after_doubt: int = 2
    crisis_wait: float = 30.0
    crisis_attempts: int = 64

    def tries(self, kind: str) -> int:
        """Return how often a message of a kind is tried."""
        return self.crisis_attempts if kind == CRISIS else self.attempts


class Office:
    """What the worker does."""

    def __init__(
        self,
        store: SmsStore,
        dialogue: SmsDialogue,
        provider: Provider,
        shelf: Shelf,
        ceiling: int,
        log: Any,
        clock: Callable[[], dt.datetime],
        pace: Pace = Pace(),
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._store, self._dialogue, self._provider, self._shelf = store, dialogue, provider, shelf
        self._ceiling, self._log, self._clock, self._pace, self._chance = ceiling, log, clock, pace, chance
        self.jobs: Jobs

    def serve(self, sender: str) -> None:
        """Answer what a person wrote, oldest first, and send what waits for them, until nothing is left to do now."""
        holder, held = str(uuid.uuid4()), self._clock()
        if not self._hold(sender, holder):
            # Whoever has them looks again after letting go. Should that job be dead, this one comes after it.
            self.jobs.serve(sender, delay=self._pace.hold + 1)
            return
        try:
            while self._step(sender):
                # One step takes 24 seconds at most: four of Rasa, twenty of the gateway.
                if (self._clock() - held).total_seconds() > self._pace.hold / 6:
                    held = self._clock()
                    if not self._hold(sender, holder):
                        return
        finally:
            self._store.let_go(sender, holder)
        if self._store.has_work(sender, self._clock()):
            self.jobs.serve(sender)
        elif outbound := self._store.next_outbound(sender, self._clock()):
            now = self._clock().astimezone(dt.timezone.utc).replace(tzinfo=None)
            self.jobs.serve(sender, delay=max(0.1, (outbound.due_at - now).total_seconds()))

    def begin(self) -> None:
        """Start anew after a stop or a kill. A queue in a file has this one worker only, so nobody is in hand.

        The table is read now, so that the first person does not wait for it.
        """
        if directory := self._directory():
            gazetteer(directory)
        if isinstance(self.jobs.huey, SqliteHuey):
            self._store.let_all_go()

    def sweep(self) -> None:
        """Put in line whom something waits for that no job is at, and join what came of long messages."""
        now = self._clock()
        self._store.join_late(lambda text: hear(text, self._directory()), now)
        for sender in [] if self.jobs.are_many() else self._store.unfinished(now):
            self.jobs.serve(sender)

    def delete_old(self) -> None:
        """Delete by the clock."""
        self._store.delete_old(self._clock())

    def _hold(self, sender: str, holder: str) -> bool:
        now = self._clock()
        return self._store.hold(sender, holder, now + dt.timedelta(seconds=self._pace.hold), now)

    def _step(self, sender: str) -> bool:
        """Answer one message and send one; return whether there was either."""
        now = self._clock()
        inbound = self._store.next_inbound(sender)
        if inbound is not None:
            reply = self._dialogue.reply(inbound, self._directory(), now)
            self._store.answer(inbound, reply.sms, reply.kind, now, reply.told, reply.conversation)
        outbound = self._store.next_outbound(sender, now)
        is_due = outbound is not None and self._store.begin_sending(outbound, now)
        if is_due and outbound.attempts >= self._pace.tries(outbound.kind):
            self._give_up(outbound, "never noted")  # begun so often, and we never lived to note the end
        elif is_due:
            self._send(outbound)
        return inbound is not None or is_due

    def _send(self, outbound: Any) -> None:
        number = self._store.number_of(outbound.sender)
        now = self._clock()
        if number is None:
            return self._give_up(outbound, "number deleted")
        if outbound.kind in ("answer", "widget") and self._store.is_out(outbound.sender):
            return self._give_up(outbound, "stopped")
        room = self._store.has_room(outbound.kind, outbound.segments, self._ceiling, now)
        if outbound.kind not in NOT_CAPPED and not room:
            self._log.error("sms ceiling reached", ceiling=self._ceiling, kind=outbound.kind)
            self._give_up(outbound, CEILING)
            if outbound.kind == "answer":  # who wrote to us is told whom to call
                full = self._dialogue.full(outbound.sender, self._directory(), now)
                self._store.queue_once(outbound.sender, full, "urgent", now)
            return
        try:
            gateway_id = self._provider.send(number, outbound.text, outbound.reference)
        except Refused as refusal:
            return self._give_up(outbound, str(refusal))
        except NotNow as failure:
            used, tries = outbound.attempts + 1, self._pace.tries(outbound.kind)
            if failure.uncertain and outbound.kind != CRISIS:
                used = max(used, tries - self._pace.after_doubt)
            if used >= tries:
                return self._give_up(outbound, str(failure))
            wait = self.wait(outbound.attempts, failure, outbound.kind)
            self._log.warning("sms not sent", why=str(failure), attempt=outbound.attempts + 1, again_in=round(wait, 1))
            return self._store.later(outbound, str(failure), self._clock() + dt.timedelta(seconds=wait), used)
        self._store.sent(outbound, gateway_id, self._clock())
        self._log.info("sms sent", kind=outbound.kind, segments=outbound.segments)

    def wait(self, attempts: int, failure: NotNow, kind: str = "answer") -> float:
        """Return the seconds until the next attempt: twice as long each time, never all at once, as late as asked; but
        in danger nobody waits longer than half a minute because a gateway asks for it.
        """
        pace, in_danger = self._pace, kind == CRISIS
        longest = pace.crisis_wait if in_danger else pace.longest_wait
        backoff = min(longest, pace.first_wait * 2 ** min(attempts, 16)) * (0.5 + self._chance() / 2)
        doubt = ON_ITS_WAY.total_seconds() if failure.uncertain else 0.0
        asked = min(failure.after, pace.crisis_wait) if in_danger else failure.after * (1 + self._chance() / 10)
        return max(backoff, doubt, asked)

    def _give_up(self, outbound: Any, why: str) -> None:
        self._log.error("sms dead letter", why=why, kind=outbound.kind)
        self._store.failed(outbound, why, self._clock())

    def _directory(self) -> Directory | None:
        try:
            return self._shelf.current()
        except SQLAlchemyError:
            return None
