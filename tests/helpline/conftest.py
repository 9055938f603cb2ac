"""A console with its people, on a table of its own."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from bot.helpline.app import create_app
from bot.helpline.staff import Role, StaffBook
from bot.knowledge.database import make_engine
from tests.conftest import MONDAY

PASSWORD = "fire glade giraffer løber"
PEOPLE = {
    "vera": ("Vera Frivillig", ["volunteer"]),
    "viggo": ("Viggo Frivillig", ["volunteer"]),
    "rie": ("Rie Redaktør", ["editor:0259"]),
    "karl": ("Karl Koordinator", ["coordinator"]),
    "anna": ("Anna Administrator", ["administrator"]),
}
NOBODY = "http://127.0.0.1:1"


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
def peopled(database, tmp_path_factory) -> str:
    """A loaded table with the people in it, to be copied by each test: hashing passwords is slow on purpose."""
    path = tmp_path_factory.mktemp("helpline") / "vejviser.db"
    shutil.copy(database.removeprefix("sqlite:///"), path)
    book = StaffBook(make_engine(f"sqlite:///{path}"))
    for login, (name, roles) in PEOPLE.items():
        book.add(login, name, PASSWORD, map(Role.read, roles), MONDAY)
    return str(path)


@pytest.fixture
def table(peopled, tmp_path) -> str:
    """The address of a database that this test may write to."""
    shutil.copy(peopled, tmp_path / "vejviser.db")
    return f"sqlite:///{tmp_path}/vejviser.db"


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
