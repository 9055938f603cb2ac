"""Where the gateway calls: `/sms/<provider>`. Who is it, keep what came, put it in line, answer at once."""

from __future__ import annotations

import contextlib

from flask import Flask, current_app, request
from flask_limiter import Limiter
from sqlalchemy.engine import Engine
from sqlalchemy.exc import SQLAlchemyError

from bot.edge.context import directory_or_none
from bot.edge.context import now as moment
from bot.edge.errors import BadRequest, where
from bot.edge.sms import to_phone
from bot.edge.sms.gateways import make_provider
from bot.edge.sms.numbers import sender_of
from bot.edge.sms.outbox import Outbox
from bot.edge.sms.provider import BadSignature, Inbound, Provider, Received, Report, Unreadable, storable
from bot.edge.sms.settings import SmsSettings
from bot.edge.sms.store import SmsStore, without_cut_numbers
from bot.edge.turn import Heard, hear
from bot.jobs.queue import Jobs, make_huey
from bot.safety.text import tidy, tidy_part

MAX_BODY = 16 * 1024


def register(app: Flask, engine: Engine, limiter: Limiter, settings: SmsSettings | None) -> None:
    """Add the webhook and `POST /api/v1/sms` to the door; without a gateway the second says so."""
    store = SmsStore(engine)
    app.config.update(SMS=settings, SMS_STORE=store, OUTBOX=None)
    rate = app.config["SETTINGS"].callback_rate  # of one address: whose number it is we cannot know
    slowed = limiter.limit(rate, override_defaults=False)(to_phone.post_sms)
    app.add_url_rule("/api/v1/sms", view_func=slowed, methods=["POST"])
    if settings is None:
        return
    jobs = Jobs(make_huey())
    outbox = Outbox(settings, store, jobs, app.config["SETTINGS"].secret)
    app.config.update(SMS_PROVIDER=make_provider(settings), JOBS=jobs, OUTBOX=outbox)
    # Every message comes from the same few addresses of the gateway, and carries its signature.
    app.add_url_rule(f"/sms/{settings.provider}", view_func=limiter.exempt(webhook), methods=["POST"])


def webhook() -> tuple[str, int]:
    """Keep a message or a report; 204 means that it cannot be lost any more. The gateway calls again after 5xx."""
    request.max_content_length = MAX_BODY
    settings: SmsSettings = current_app.config["SMS"]
    provider: Provider = current_app.config["SMS_PROVIDER"]
    store: SmsStore = current_app.config["SMS_STORE"]
    query = f"?{request.query_string.decode()}" if request.query_string else ""
    received = Received(f"{settings.public_url}{request.path}{query}", request.headers, request.get_data())
    now = moment()
    try:
        message = storable(provider.parse(provider.verify(received), now))
    except BadSignature as error:
        current_app.config["LOG"].warning("sms refused", why=str(error))
        raise BadRequest("Underskriften passer ikke.", code="signature", status=403) from error
    except Unreadable as error:
        current_app.config["LOG"].warning("sms unreadable", why=str(error))
        raise BadRequest("Beskeden kan ikke læses.", code="unreadable") from error
    try:
        if isinstance(message, Report):
            store.settle(message, now)
        else:
            _keep(store, provider.name, message)
    except SQLAlchemyError as error:
        current_app.config["LOG"].error("sms not kept", error=type(error).__name__, where=where(error))
        raise BadRequest("Prøv igen om lidt.", code="unavailable", status=503) from error
    return "", 204


def _keep(store: SmsStore, provider: str, message: Inbound) -> None:
    """Keep it, redacted, and put its person in line. A queue that is away is no loss: the worker looks by itself."""
    directory = directory_or_none()
    sender = sender_of(message.number, current_app.config["SETTINGS"].secret)
    text = without_cut_numbers(message.text, message.part, message.parts)
    heard = hear(tidy_part(text) if message.parts > 1 else tidy(text), directory)

    def hear_all(joined: str) -> Heard:
        return hear(tidy(joined), directory)

    store.receive(provider, message, sender, heard, hear_all, moment())
    with contextlib.suppress(Exception):
        current_app.config["JOBS"].serve(sender)
