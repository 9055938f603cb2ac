"""A gateway, a door and an office, all real and over HTTP; only the clock stands where a test puts it."""

from __future__ import annotations

import datetime as dt
import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import structlog
from flask import Flask
from huey import SqliteHuey
from werkzeug.serving import make_server

from bot.edge.app import create_app
from bot.edge.rasa import Rasa
from bot.edge.settings import Settings
from bot.edge.sms.dialogue import SmsDialogue
from bot.edge.sms.gateways import make_provider
from bot.edge.sms.numbers import sender_of
from bot.edge.sms.outbox import Outbox
from bot.edge.sms.settings import SmsSettings
from bot.edge.sms.simulator import Gateway, create_simulator
from bot.edge.sms.store import SmsStore
from bot.edge.turn import Desk
from bot.handoff.requests import Handoff
from bot.jobs.office import Office, Pace
from bot.jobs.queue import Jobs
from bot.knowledge.database import make_engine
from bot.knowledge.directory import Shelf
from bot.safety.conversations import Conversations
from tests.conftest import MONDAY, free_port
from tests.databases import copy_database, drop_database, everything_in

SECRET = "kQ7v-3nXw0bT9yLr2Ms8Zf5HdUa1JgPc6EiO4tYxRqW"
WEBHOOK_SECRET = "a-key-for-the-webhook-of-thirty-letters-or-more"
TOKEN = "token-of-the-gateway"
MOTHER = "4520304050"


@contextmanager
def listening(app: Flask) -> Iterator[str]:
    """Serve an app on a free port, and give its address."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join(10)


class Town:
    """Everything between a telephone and the answer on it."""

    def __init__(self, folder: Path, table: str, gateway_url: str, gateway: Gateway, backend: Any, **environ: str):
        gateway.now = lambda: self.now.timestamp()
        self.folder, self.url, self.gateway, self.now, self.log = folder, table, gateway, MONDAY, []
        self.settings = SmsSettings.read(
            {
                "VEJVISER_SMS_PROVIDER": "gatewayapi",
                "VEJVISER_SMS_URL": gateway_url,
                "VEJVISER_SMS_NUMBER": gateway.receiver,
                "VEJVISER_SMS_TOKEN": gateway.token,
                "VEJVISER_SMS_WEBHOOK_SECRET": WEBHOOK_SECRET,
                "VEJVISER_PUBLIC_URL": "https://vejviser.koege.dk",
                **environ,
            }
        )
        nobody = f"http://127.0.0.1:{free_port()}"
        rasa, actions = (backend.rasa_url, backend.actions_url) if backend else (nobody, f"{nobody}/webhook")
        self.app = create_app(
            rasa,
            actions,
            self.url,
            clock=lambda: self.now,
            settings=Settings.read({"VEJVISER_SECRET": SECRET}),
            sms=self.settings,
            limited=False,
        )
        engine = make_engine(self.url)
        self.store, self.conversations, self.handoff = SmsStore(engine), Conversations(), Handoff(engine)
        logger = structlog.wrap_logger(structlog.PrintLogger(), processors=[self._note])
        desk = Desk(Rasa(rasa, actions), logger)
        dialogue = SmsDialogue(
            desk,
            self.store,
            self.conversations,
            self.handoff,
            self.settings.public_url,
            self.settings.municipality,
            logger,
        )
        self.office = Office(
            self.store,
            dialogue,
            make_provider(self.settings),
            Shelf(engine),
            self.settings.ceiling,
            logger,
            clock=lambda: self.now,
            pace=Pace(),
            chance=lambda: 1.0,
        )
        self.app.config["JOBS"] = self.office.jobs = Jobs(
            SqliteHuey("town", filename=str(folder / "jobs.db"), results=False), self.office.serve
        )
        self.app.config["OUTBOX"] = Outbox(self.settings, self.store, self.office.jobs, SECRET)
        self._ids = itertools.count(1000)

    def _note(self, _logger: Any, level: str, event: dict[str, Any]) -> dict[str, Any]:
        self.log.append({"level": level, **event})
        raise structlog.DropEvent

    def deliver(self, text: str, number: str = MOTHER, message_id: int | None = None, **more: Any) -> int:
        """Send an SMS from a telephone to the door, and return what the door said to the gateway."""
        return self.gateway.deliver(next(self._ids) if message_id is None else message_id, number, text, **more)

    def work(self) -> None:
        """Do every job in line, as the worker does; those for later stay."""
        huey = self.office.jobs.huey
        while (task := huey.dequeue()) is not None:
            huey.execute(task)

    def later(self, seconds: float) -> None:
        """Let time pass, and the worker look by itself."""
        self.now += dt.timedelta(seconds=seconds)
        self.office.sweep()
        self.work()

    def writes(self, text: str, number: str = MOTHER, **more: Any) -> str:
        """Send an SMS and return what comes back on the telephone, empty for silence."""
        before = len(self.gateway.sent_to(number))
        assert self.deliver(text, number, **more) == 204
        self.work()
        self.now += dt.timedelta(seconds=1)
        return "\n---\n".join(bubble.text for bubble in self.gateway.sent_to(number)[before:])

    @staticmethod
    def sender(number: str = MOTHER) -> str:
        return sender_of(number, SECRET)

    def everything_kept(self) -> bytes:
        """The bytes of the database and the queue."""
        return everything_in(self.url) + (self.folder / "jobs.db").read_bytes()


@contextmanager
def make_town(folder: Path, shipped: str, backend: Any = None, **environ: str) -> Iterator[Town]:
    """Build a town on a copy of the shipped table; it is gone when the test is."""
    table = copy_database(shipped, folder)
    gateway = Gateway("", WEBHOOK_SECRET, TOKEN, reports=False)
    with listening(create_simulator(gateway)) as gateway_url:
        town = Town(folder, table, gateway_url, gateway, backend, **environ)
        with listening(town.app) as door:
            gateway.webhook = f"{door}/sms/gatewayapi"
            town.door = door
            yield town
    drop_database(table)


def metrics(town: Town) -> str:
    """Return the figures as Prometheus reads them."""
    return httpx.get(f"{town.door}/metrics").text
