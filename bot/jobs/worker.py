"""The worker process: `python -m bot.jobs.worker`. Looks at once, and every few seconds, for what waits."""

from __future__ import annotations

import contextlib
import datetime as dt
import sys
import tempfile
import threading
import time
from pathlib import Path

from sqlalchemy.engine import Engine
from sqlalchemy.exc import SQLAlchemyError

from bot.edge.log import make_log
from bot.edge.rasa import Rasa
from bot.edge.server import quiet_libraries
from bot.edge.settings import Settings, SettingsError
from bot.edge.sms.dialogue import SmsDialogue
from bot.edge.sms.gateways import make_provider
from bot.edge.sms.settings import SmsSettings
from bot.edge.sms.store import SmsStore
from bot.edge.tireless import tireless
from bot.edge.turn import Desk
from bot.handoff.requests import Handoff
from bot.heartbeat import SMS, beating
from bot.jobs.office import Office
from bot.jobs.queue import Jobs, make_huey
from bot.knowledge.database import make_engine
from bot.knowledge.directory import Shelf
from bot.safety.conversations import Conversations

THREADS = 4
SWEPT_SECONDS = 5.0
ALIVE = Path(tempfile.gettempdir()) / "vejviser-jobs.alive"  # for the health check: touched at every look
DELETED_SECONDS = 600.0


def make_office(settings: SmsSettings) -> Office:
    """Return the office of this environment, its jobs registered with huey. Raises SettingsError."""
    engine, log, conversations = make_engine(), make_log(), Conversations()
    store, shelf = SmsStore(engine), Shelf(engine)
    _known(settings.municipality, shelf)
    dialogue = SmsDialogue(
        Desk(Rasa.of_environment(), log),
        store,
        conversations,
        Handoff(engine),
        settings.public_url,
        settings.municipality,
        log,
    )
    office = Office(
        store,
        dialogue,
        make_provider(settings),
        shelf,
        settings.ceiling,
        log,
        clock=lambda: dt.datetime.now(dt.timezone.utc),
    )
    office.jobs = Jobs(make_huey(), office.serve)
    return office


def _known(municipality: str | None, shelf: Shelf) -> None:
    """Raise SettingsError for a municipality that is none; a table that is away is no reason not to start."""
    with contextlib.suppress(SQLAlchemyError):
        if municipality and municipality not in shelf.current().municipalities:
            raise SettingsError(f"VEJVISER_SMS_MUNICIPALITY is '{municipality}'; no municipality has that code.")


def watch(office: Office, engine: Engine) -> None:
    """Look for what waits, and delete what is old, for as long as the process lives."""
    log, deleted = make_log(), -DELETED_SECONDS
    alive, swept = (beating(engine, name) for name in SMS)
    while True:
        # Each by itself: a queue that is away keeps no number longer than we promised.
        if time.monotonic() - deleted > DELETED_SECONDS:
            with tireless("delete", log):
                office.delete_old()
                swept()
                deleted = time.monotonic()
        with tireless("look", log):
            office.sweep()
            alive()
        with tireless("alive", log):
            ALIVE.touch()
        time.sleep(SWEPT_SECONDS)


def main() -> int:
    """Do jobs until told to stop. Returns the exit code."""
    try:
        Settings.read()  # the same secret, and the same care with it, as the door
        settings = SmsSettings.read()
        if settings is None:
            raise SettingsError("No gateway: set VEJVISER_SMS_PROVIDER.")
        office = make_office(settings)
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 1
    quiet_libraries()
    office.begin()
    threading.Thread(target=watch, args=(office, make_engine()), name="watch", daemon=True).start()
    # Someone waits with a telephone in hand: a queue is looked at five times a second.
    office.jobs.huey.create_consumer(workers=THREADS, max_delay=0.2, periodic=False, check_worker_health=True).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
