"""A real Chromium for the tests that look at pages, and axe to judge them; each package of tests has its own."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.knowledge.load import ROOT
from tests.parallel import one_at_a_time

WIDGET = ROOT / "widget"
SHOTS = ROOT / "build" / "screenshots"
TAGS = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.fixture(scope="package")
def chromium() -> str:
    """The path of a Chromium; Debian's is installed when it is missing and we may."""
    names = ("chromium", "chromium-browser", "google-chrome")
    with one_at_a_time("apt-get"):
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
    with one_at_a_time("npm"):
        if not lock.exists() or lock.stat().st_mtime < (WIDGET / "package-lock.json").stat().st_mtime:
            done = subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=WIDGET, capture_output=True, text=True)
            assert done.returncode == 0, f"npm ci in widget/ failed:\n{done.stderr[-2000:]}"
    return folder


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


@pytest.fixture(scope="package")
def axe(node_modules) -> str:
    return (node_modules / "axe-core" / "axe.min.js").read_text(encoding="utf-8")


def violations(page, axe: str, only_widget: bool) -> list[str]:
    page.evaluate(axe)
    found = page.evaluate(
        """([context, tags]) => axe.run(context, {runOnly: {type: 'tag', values: tags}})
           .then(r => ({seen: r.passes.length, faults: r.violations.map(
               v => v.id + ' (' + v.impact + '): ' + v.nodes.map(n => n.target.flat() + ' ' + n.failureSummary))}))""",
        [{"include": [["vejviser-chat"]]} if only_widget else {"exclude": []}, TAGS],
    )
    assert found["seen"] > 5  # axe looked at something
    return found["faults"]
