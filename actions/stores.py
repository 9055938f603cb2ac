"""Where Rasa keeps conversations, and whose turn it is: its own stores, that bear a server that is away.

Rasa answers all from one thread. Its own connections wait minutes for a server that is away, and the first message
after a restart of the server finds a dead one and forgets what the talk was about. And its statements, built anew as
objects for every event, took a quarter of a message that needs no encoder; the table they write is the same here.
Without Redis it answers nobody.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import logging
import time
from collections.abc import Callable
from typing import Any

from rasa.core.lock import TicketLock
from rasa.core.lock_store import InMemoryLockStore, LockError, RedisLockStore
from rasa.core.tracker_store import SQLTrackerStore
from rasa.shared.core.events import Event, SessionStarted
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.utils.endpoints import EndpointConfig
from redis.exceptions import RedisError
from sqlalchemy import bindparam, func, insert, or_, select
from sqlalchemy.orm import sessionmaker

from bot.knowledge.database import make_engine

TURN_SECONDS = 2.0  # half of what the door waits, so that there is time left to answer; Rasa's own is a minute
POLL_SECONDS = 0.05
AGAIN_SECONDS = 5  # a Redis that hangs costs everybody a second each time it is asked

_log = logging.getLogger(__name__)
_EVENTS = SQLTrackerStore.SQLEvent.__table__
_OF_SENDER = _EVENTS.c.sender_id == bindparam("sender")
_BEGAN = (
    select(func.max(_EVENTS.c.timestamp)).where(_OF_SENDER, _EVENTS.c.type_name == SessionStarted.type_name)
).scalar_subquery()
_OF_SESSION = or_(_EVENTS.c.timestamp >= _BEGAN, _BEGAN.is_(None))
_STORED = select(func.count()).select_from(_EVENTS).where(_OF_SENDER, _OF_SESSION)
_ALL = select(_EVENTS.c.data).where(_OF_SENDER).order_by(_EVENTS.c.id)
_LATEST = _ALL.where(_OF_SESSION)


class Conversations(SQLTrackerStore):
    """Rasa's store at an address: connections are few (VEJVISER_POOL_SIZE), tried before use, and fail in seconds."""

    def __init__(self, domain: Any = None, host: str | None = None, event_broker: Any = None) -> None:
        super().__init__(domain, host=host, event_broker=event_broker)  # waits for the server, and makes the table
        self.engine.dispose()  # type: ignore[has-type]
        self.engine = make_engine(host)
        self.sessionmaker = sessionmaker(bind=self.engine)

    async def save(self, tracker: DialogueStateTracker) -> None:
        """Write the events that are not stored yet, in one transaction."""
        if not tracker.events:  # one that Rasa has just made, and saves again with its first message in it
            return
        await self.stream_events(tracker)
        with self.engine.begin() as connection:
            stored = connection.execute(_STORED, {"sender": tracker.sender_id}).scalar_one()
            new = [_row(tracker.sender_id, event) for event in itertools.islice(tracker.events, stored, None)]
            if new:
                connection.execute(insert(_EVENTS), new)

    async def _retrieve(self, sender_id: str, fetch_events_from_all_sessions: bool) -> DialogueStateTracker | None:
        wanted = _ALL if fetch_events_from_all_sessions else _LATEST
        with self.engine.connect() as connection:
            events = [json.loads(data) for (data,) in connection.execute(wanted, {"sender": sender_id})]
        return DialogueStateTracker.from_dict(sender_id, events, self.domain.slots) if self.domain and events else None


def _row(sender: str, event: Event) -> dict[str, Any]:
    data = event.as_dict()
    return {
        "sender_id": sender,
        "type_name": event.type_name,
        "timestamp": data.get("timestamp"),
        "intent_name": data.get("parse_data", {}).get("intent", {}).get("name"),
        "action_name": data.get("name"),
        "data": json.dumps(data),
    }


class Turns(RedisLockStore):
    """Redis says whose turn it is. While it is away each Rasa says so to those who come to it, and goes on answering.

    Then two messages that one person sends at once may be answered by two Rasas at once; their words stay their own.
    Nobody waits longer than a turn lasts: who had it was killed, or Redis went or came back with it.
    """

    def __init__(self, endpoint_config: EndpointConfig, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(host=endpoint_config.url, **endpoint_config.kwargs)
        self._own = InMemoryLockStore()
        self._clock = clock
        self._away_until = clock()

    def lock(
        self, conversation_id: str, lock_lifetime: float = TURN_SECONDS, wait_time_in_seconds: float = POLL_SECONDS
    ) -> contextlib.AbstractAsyncContextManager[TicketLock]:
        """Return a turn, to be entered."""
        return super().lock(conversation_id, lock_lifetime, wait_time_in_seconds)

    async def _acquire_lock(self, conversation_id: str, ticket: int, wait_time_in_seconds: float) -> TicketLock:
        with contextlib.suppress(asyncio.TimeoutError, LockError):
            turn = super()._acquire_lock(conversation_id, ticket, wait_time_in_seconds)
            return await asyncio.wait_for(turn, TURN_SECONDS)
        return TicketLock(conversation_id)

    def get_lock(self, conversation_id: str) -> TicketLock | None:
        """Return the lock of a conversation, None where nobody holds it."""
        return self._ask(super().get_lock, self._own.get_lock, conversation_id)

    def save_lock(self, lock: TicketLock) -> None:
        """Keep a lock."""
        self._ask(super().save_lock, self._own.save_lock, lock)

    def delete_lock(self, conversation_id: str) -> None:
        """Forget a lock, wherever it was kept."""
        self._own.delete_lock(conversation_id)
        self._ask(super().delete_lock, self._own.delete_lock, conversation_id)

    def _ask(self, redis: Callable[[Any], Any], own: Callable[[Any], Any], about: object) -> Any:
        if self._clock() >= self._away_until:
            try:
                return redis(about)
            except RedisError as error:
                _log.warning("Redis does not say whose turn it is: %s", type(error).__name__)
                self._away_until = self._clock() + AGAIN_SECONDS
        return own(about)
