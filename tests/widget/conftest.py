"""A real browser before a real door with Rasa behind it."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.serving import make_server

from bot.edge.app import create_app
from bot.edge.settings import Settings
from bot.knowledge.load import ROOT
from tests.conftest import MONDAY

WIDGET = ROOT / "widget"
SHOTS = ROOT / "build" / "screenshots"


@pytest.fixture(scope="package")
def chromium() -> str:
    """The path of a Chromium; Debian's is installed when it is missing and we may."""
    names = ("chromium", "chromium-browser", "google-chrome")
    if not any(map(shutil.which, names)) and os.geteuid() == 0 and shutil.which("apt-get"):
        for command in (["apt-get", "update"], ["apt-get", "install", "-y", "chromium"]):
            subprocess.run(command, capture_output=True, check=False)
    path = next(filter(None, map(shutil.which, names)), None)
    if path is None:
        pytest.fail("The widget is tested in a browser. Install one: sudo apt-get install chromium", pytrace=False)
    return path


@pytest.fixture(scope="package")
def node_modules() -> Path:
    """The widget's tools (esbuild, typescript, axe-core), exactly as locked."""
    if shutil.which("npm") is None:
        pytest.fail("The widget is built with Node. Install it: sudo apt-get install nodejs npm", pytrace=False)
    folder = WIDGET / "node_modules"
    lock = folder / ".package-lock.json"
    if not lock.exists() or lock.stat().st_mtime < (WIDGET / "package-lock.json").stat().st_mtime:
        done = subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=WIDGET, capture_output=True, text=True)
        assert done.returncode == 0, f"npm ci in widget/ failed:\n{done.stderr[-2000:]}"
    return folder


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


@pytest.fixture(scope="package")
def browser(chromium) -> Iterator[object]:
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        pytest.fail("The widget is tested with Playwright. Install it: make run, or uv pip install playwright")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield started
        started.close()


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
