"""A console with its people, on a table of its own."""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.serving import make_server

from bot.edge.app import create_app as create_door
from bot.edge.sms.settings import SmsSettings
from bot.handoff.requests import Handoff
from bot.helpline.app import create_app
from bot.helpline.staff import Role, StaffBook
from bot.knowledge.database import make_engine
from tests.browser import axe, browser, chromium, node_modules
from tests.conftest import MONDAY
from tests.databases import copy_database, drop_database

__all__ = ["axe", "browser", "chromium", "node_modules"]
PASSWORD = "fire glade giraffer løber"
PEOPLE = {
    "vera": ("Vera Frivillig", ["volunteer"]),
    "viggo": ("Viggo Frivillig", ["volunteer"]),
    "rie": ("Rie Redaktør", ["editor:0259"]),
    "karl": ("Karl Koordinator", ["coordinator"]),
    "anna": ("Anna Administrator", ["administrator"]),
}
NOBODY = "http://127.0.0.1:1"
SMS = SmsSettings("gatewayapi", "4512345678", "token", "a-key-for-the-webhook", "", NOBODY, "https://vejviser.example")


@pytest.fixture(scope="session", autouse=True)
def jobs_of_this_test(tmp_path_factory) -> Iterator[None]:
    """What is put in line stands in a file of its own, not in that of the desk."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VEJVISER_JOBS", str(tmp_path_factory.mktemp("jobs") / "jobs.db"))
        yield


class Clock:
    """The time as a test says it is."""

    def __init__(self) -> None:
        self.now = MONDAY

    def __call__(self):
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def peopled(shipped, tmp_path_factory) -> str:
    """A loaded table with the people in it, to be copied by each test: hashing passwords is slow on purpose."""
    url = copy_database(shipped, tmp_path_factory.mktemp("helpline"))
    engine = make_engine(url)
    book = StaffBook(engine)
    for login, (name, roles) in PEOPLE.items():
        book.add(login, name, PASSWORD, map(Role.read, roles), MONDAY)
    engine.dispose()
    return url


@pytest.fixture
def table(peopled, tmp_path) -> Iterator[str]:
    """The address of a database that this test may write to."""
    url = copy_database(peopled, tmp_path)
    yield url
    drop_database(url)


@pytest.fixture
def console(table, clock) -> Flask:
    return create_app(NOBODY, f"{NOBODY}/webhook", table, clock=clock, secret="test", limited=False)


def token_of(client: FlaskClient, path: str = "/login") -> str:
    """The token that a page hands out against forged posts."""
    page = client.get(path, follow_redirects=True).text
    return re.search(r'<meta name="csrf" content="([^"]+)"', page)[1]


def enter(app: Flask, login: str, password: str | None = None) -> FlaskClient:
    """A browser that is logged in: through the form if a password is given, which is slow on purpose."""
    client = app.test_client()
    if password is None:
        staff = app.config["STAFF"]
        with client.session_transaction() as session:
            session["_user_id"] = staff.begin(staff.by_login(login).id, app.config["CLOCK"]()).token
        return client
    answer = client.post("/login", data={"login": login, "password": password, "csrf_token": token_of(client)})
    assert answer.status_code == 302, answer.text
    return client


@pytest.fixture
def logged_in(console) -> Iterator[Callable[[str], FlaskClient]]:
    yield lambda login: enter(console, login)


# -- in a browser ------------------------------------------------------------------------------------------------


@dataclass
class House:
    """A console and a door, listening, on one table; and the requests behind both."""

    console: str
    door: str
    app: Flask
    handoff: Handoff
    clock: Clock

    def token(self, login: str) -> str:
        """What the cookie of somebody who is logged in holds."""
        return enter(self.app, login).get_cookie("helpline").value


def listen(app: Flask, secure: bool = False) -> tuple[str, Callable[[], None]]:
    """Serve an app, over https with a certificate made for the occasion if it is to be `secure`."""
    server = make_server("127.0.0.1", 0, app, threaded=True, ssl_context="adhoc" if secure else None)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()

    def stop() -> None:
        server.shutdown()
        thread.join(10)

    return f"http{'s' if secure else ''}://127.0.0.1:{server.server_port}", stop


@contextlib.contextmanager
def house_of(table: str, rasa_url: str, actions_url: str) -> Iterator[House]:
    clock = Clock()
    console = create_app(rasa_url, actions_url, table, clock=clock, secret="test", sms=SMS)
    door = create_door(rasa_url, actions_url, table, clock=clock, secret="test")
    handoff = Handoff(make_engine(table))
    handoff.set_desk("Mo,Tu,Th 10:00-16:00; We 10:00-20:00; Fr 10:00-13:00", 4, [])
    (console_url, stop_console), (door_url, stop_door) = listen(console), listen(door)
    yield House(console_url, door_url, console, handoff, clock)
    stop_console()
    stop_door()


@pytest.fixture
def house(table) -> Iterator[House]:
    """A house whose assistant is away."""
    with house_of(table, NOBODY, f"{NOBODY}/webhook") as found:
        yield found


@pytest.fixture
def sits(browser) -> Iterator[Callable]:
    """Open a page in a fresh browser profile, as somebody or nobody; it must be there before anything is judged."""
    contexts = []

    def go(house: House, path: str = "/", login: str | None = None, status: int = 200, **options: object):
        options.setdefault("viewport", {"width": 1280, "height": 900})
        context = browser.new_context(**options)
        contexts.append(context)
        if login:
            context.add_cookies([{"name": "helpline", "value": house.token(login), "url": house.console}])
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.faults = []
        page.on("pageerror", lambda error: page.faults.append(str(error)))
        page.on("console", lambda said: page.faults.append(said.text) if "Content Security" in said.text else None)
        response = page.goto(path if path.startswith("http") else house.console + path)
        assert response is not None and response.status == status
        return page

    yield go
    for context in contexts:
        context.close()
