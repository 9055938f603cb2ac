"""A real browser before a real door with Rasa behind it."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from werkzeug.serving import make_server

from bot.edge.app import create_app
from bot.edge.settings import Settings
from tests.browser import axe, browser, chromium, node_modules
from tests.conftest import MONDAY

__all__ = ["axe", "browser", "chromium", "node_modules"]


@contextlib.contextmanager
def listening(app: Flask) -> Iterator[int]:
    """Serve an app on loopback and give its port."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join(10)


@pytest.fixture(scope="package")
def door(backend, database) -> Iterator[str]:
    """The address of a door, listening, at 10 on a Monday."""
    app = create_app(backend.rasa_url, backend.actions_url, database, clock=lambda: MONDAY, secret="test")
    with listening(app) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(scope="package")
def other_sites(backend, database) -> Iterator[tuple[str, str]]:
    """Two sites with the widget of a door elsewhere: one whose origin the door lets in as Køge's, and a stranger's."""
    doors: list[int] = []
    site = Flask("municipality")

    @site.get("/")
    def front() -> str:
        tag = f'<script src="http://127.0.0.1:{doors[0]}/widget.js" defer></script>'
        return f'<!doctype html><html lang="da"><title>Kommunen</title>{tag}<h1>Kommunen</h1></html>'

    with listening(site) as port:
        known, stranger = f"http://localhost:{port}", f"http://127.0.0.1:{port}"
        settings = Settings(secret="test", origins={known: "0259"})
        app = create_app(backend.rasa_url, backend.actions_url, database, clock=lambda: MONDAY, settings=settings)
        with listening(app) as door_port:
            doors.append(door_port)
            yield known, stranger


@pytest.fixture
def visit(browser, door) -> Iterator[Callable]:
    """Open an address of the door in a fresh browser profile; the page must be there before anything is judged."""
    contexts = []

    def go(path: str = "/", host: str | None = None, headers: dict[str, str] | None = None, **options: object):
        options.setdefault("viewport", {"width": 1280, "height": 900})
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.faults = []
        page.on("pageerror", lambda error: page.faults.append(str(error)))
        page.on("console", lambda said: page.faults.append(said.text) if "Content Security" in said.text else None)
        if host is not None:
            path = "/vaert"  # somebody else's page, with their own rules
            page.route(
                f"{door}{path}",
                lambda route: route.fulfill(status=200, content_type="text/html", body=host, headers=headers or {}),
            )
        response = page.goto(door + path)
        assert response is not None and response.status == 200
        return page

    yield go
    for context in contexts:
        context.close()
