"""The helpline's console: look-up while talking, call-backs, take-over of a chat, and the accounts of those who may.

A part of it is a module with `register(app)`, listed in `PARTS`; its views say with `@allowed` who may open them.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
from collections.abc import Callable

from flask import Flask, Response, request
from flask_wtf.csrf import CSRFProtect
from werkzeug.middleware.proxy_fix import ProxyFix

from bot.edge import limits, log, metrics
from bot.edge.guard import HEADERS, ONE_YEAR
from bot.edge.rasa import Rasa
from bot.edge.settings import SettingsError
from bot.edge.sms.outbox import Outbox
from bot.edge.sms.settings import SmsSettings
from bot.edge.sms.store import SmsStore
from bot.helpline import access, desk, faults, figures, keeping, login, lookup, queue, texts, users
from bot.helpline.settings import Settings
from bot.helpline.staff import LONGEST, StaffBook
from bot.jobs.queue import Jobs, make_huey
from bot.knowledge.database import make_engine
from bot.knowledge.directory import Shelf

PARTS = (login, lookup, queue, desk, keeping, figures, users)
# A form sent over https is only believed with the address of the page it came from (Flask-WTF), and browsers tell it to
# our own site only if we let them; nobody else ever sees it.
OWN_HEADERS = {**HEADERS, "Referrer-Policy": "same-origin"}
MAX_BODY = 64 * 1024


def create_app(
    rasa_url: str | None = None,
    actions_url: str | None = None,
    database_url: str | None = None,
    clock: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.timezone.utc),
    secret: str | None = None,
    limited: bool = True,
    settings: Settings | None = None,
    sms: SmsSettings | None = None,
) -> Flask:
    """Return the console. Addresses default to the environment, as the door's do.

    `sms` defaults to the environment's; without a gateway the console offers no SMS. Raises SettingsError, also in
    production while an account that `make run` made is open.
    """
    settings = settings or Settings.read(secret=secret)
    sms = sms or SmsSettings.read()
    engine = make_engine(database_url)
    staff = StaffBook(engine)
    if settings.door.production and (left := staff.development_logins()):
        raise SettingsError(
            f"VEJVISER_ENV=production, but the development login is open. Remove it: vejviser user remove {left[0]}"
        )
    app = Flask(__name__)
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    app.secret_key = hmac.new(settings.door.secret.encode(), b"helpline", hashlib.sha256).hexdigest()
    app.config.update(
        MAX_CONTENT_LENGTH=MAX_BODY,
        SESSION_COOKIE_NAME="__Host-helpline" if settings.door.production else "helpline",
        SESSION_COOKIE_SECURE=settings.door.production,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",  # Strict would forget who comes back from the association's own login
        PERMANENT_SESSION_LIFETIME=LONGEST,
        WTF_CSRF_TIME_LIMIT=None,  # as long as the login: a call may take an hour
        SETTINGS=settings.door,
        HELPLINE=settings,
        LOG=log.make_log(),
        METRICS=metrics.Metrics(),
        ENGINE=engine,
        SHELF=Shelf(engine),
        STAFF=staff,
        CLOCK=clock,
        OUTBOX=Outbox(sms, SmsStore(engine), Jobs(make_huey()), settings.door.secret) if sms else None,
        RASA=Rasa.of_environment(rasa_url, actions_url),
    )
    if settings.door.proxies:
        hops = settings.door.proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    log.register(app)
    app.after_request(_secure)
    faults.register(app)
    texts.register(app)
    access.register(app)
    CSRFProtect(app)
    app.config["LIMITER"] = limits.make_limiter(app, settings.door, limited)
    for part in PARTS:
        part.register(app)
    access.assert_every_view_is_marked(app)
    return app


def _secure(response: Response) -> Response:
    for name, value in OWN_HEADERS.items():
        response.headers.setdefault(name, value)
    if request.endpoint != "static":
        response.headers["Cache-Control"] = "no-store"  # the next one at this screen finds nothing with "back"
    if request.is_secure:
        response.headers.setdefault("Strict-Transport-Security", f"max-age={ONE_YEAR}")
    return response
