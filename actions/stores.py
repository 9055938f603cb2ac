"""Where Rasa keeps conversations in production: its own SQL store, on connections like everybody else's here.

Rasa answers all from one thread. Its own connections wait minutes for a server that is away, and the first message
after a restart of the server finds a dead one and forgets what the talk was about.
"""

from __future__ import annotations

from typing import Any

from rasa.core.tracker_store import SQLTrackerStore
from sqlalchemy.orm import sessionmaker

from bot.knowledge.database import make_engine


class Conversations(SQLTrackerStore):
    """Rasa's store at an address: connections are few (VEJVISER_POOL_SIZE), tried before use, and fail in seconds."""

    def __init__(self, domain: Any = None, host: str | None = None, event_broker: Any = None) -> None:
        super().__init__(domain, host=host, event_broker=event_broker)  # waits for the server, and makes the table
        self.engine.dispose()  # type: ignore[has-type]
        self.engine = make_engine(host)
        self.sessionmaker = sessionmaker(bind=self.engine)
