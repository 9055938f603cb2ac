"""An editor's day, in a real browser and before a real door: what she changes is what the next relative is told.

Leaves pictures in `build/screenshots/`; every page is looked at by axe, and at 320 pixels.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import httpx
import pytest
from openpyxl import load_workbook
from sqlalchemy.orm import Session
from werkzeug.serving import make_server

from bot.edge.app import create_app as make_door
from bot.helpline.app import create_app as make_console
from bot.knowledge import editing
from bot.knowledge.database import make_engine
from bot.knowledge.models import SheetRow, Usage
from tests.conftest import MONDAY
from tests.helpline.conftest import NOBODY, PASSWORD
from tests.widget.conftest import SHOTS, browser, chromium, node_modules  # noqa: F401

TOPIC = {"topic": "raad_og_vejledning", "municipality": "0259"}


@pytest.fixture
def served(table) -> Iterator[dict[str, str]]:
    """The addresses of a door and a console on the same table, both listening."""
    apps = {
        "door": make_door(NOBODY, f"{NOBODY}/webhook", table, clock=lambda: MONDAY, secret="test", limited=False),
        "console": make_console(NOBODY, f"{NOBODY}/webhook", table, clock=lambda: MONDAY, secret="test", limited=False),
    }
    servers = {name: make_server("127.0.0.1", 0, app, threaded=True) for name, app in apps.items()}
    for server in servers.values():
        threading.Thread(target=server.serve_forever, daemon=True).start()
    yield {name: f"http://127.0.0.1:{server.server_port}" for name, server in servers.items()}
    for server in servers.values():
        server.shutdown()


@pytest.fixture
def page(request, served):
    context = request.getfixturevalue("browser").new_context(
        viewport={"width": 1280, "height": 900}, accept_downloads=True
    )
    opened = context.new_page()
    opened.set_default_timeout(15_000)
    opened.faults = []
    opened.on("pageerror", lambda error: opened.faults.append(str(error)))
    opened.on("console", lambda said: opened.faults.append(said.text) if "Content Security" in said.text else None)
    yield opened
    context.close()


@pytest.fixture
def look(page, request):
    """Let axe look at the page as it is, at 320 pixels too, and keep a picture."""
    axe = (request.getfixturevalue("node_modules") / "axe-core" / "axe.min.js").read_text(encoding="utf-8")

    def see(name: str) -> None:
        page.evaluate(axe)
        tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
        found = page.evaluate("tags => axe.run(document, {runOnly: {type: 'tag', values: tags}})", tags)
        assert len(found["passes"]) > 10, "axe looked at something"
        assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in found["violations"]] == [], name
        SHOTS.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=str(SHOTS / f"redaktion-{name}.png"), full_page=True)
        page.set_viewport_size({"width": 320, "height": 720})
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, f"{name} is wider than 320 pixels"
        page.screenshot(path=str(SHOTS / f"redaktion-{name}-320.png"))
        page.set_viewport_size({"width": 1280, "height": 900})

    return see


def numbers(served):
    department = httpx.get(f"{served['door']}/api/v1/lookup", params=TOPIC).json()["department"]
    return [phone["number"].replace(" ", "") for phone in department["phones"]], department["id"]


def spoken_within(served, number, seconds=10.0):
    """Whether the door comes to speak a number. It looks once a second; the rest is for a busy machine."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if number in numbers(served)[0]:
            return True
        time.sleep(0.1)
    return False


def log_in(page, served, login):
    assert page.goto(f"{served['console']}/login").status == 200
    page.fill("[name=login]", login)
    page.fill("[name=password]", PASSWORD)
    page.click("button[type=submit]:has-text('Log ind')")
    page.wait_for_url(lambda url: "/login" not in url)


def filled(path, **cells):
    """Fill the line of Åben Rådgivning in a downloaded sheet, as a person would."""
    book = load_workbook(path)
    sheet = book["afdelinger"]
    headings = [cell.value for cell in sheet[1]]
    row = next(row for row in sheet.iter_rows(min_row=2) if row[1].value == "Åben Rådgivning")
    for heading, value in cells.items():
        row[headings.index(heading.replace("_", " "))].value = value
    book.save(path)
    return str(path)


def test_an_editors_day(page, served, look, table, tmp_path):
    _, department = numbers(served)

    # A relative says that the number is wrong.
    said = {**TOPIC, "department": department, "field": "phone", "message": "Nummeret er lukket"}
    assert httpx.post(f"{served['door']}/api/v1/corrections", json=said).status_code == 201

    # The editor finds it on her front page, puts it right, and the next relative is told.
    log_in(page, served, "rie")
    page.click("nav >> text=Redaktion")
    assert page.inner_text("h1") == "Køge Kommune"
    assert page.is_visible("text=Nummeret er lukket")
    look("linjer")
    page.fill("article input[name=value]", "56 67 11 22")
    page.fill("article input[name=source]", "https://www.koege.dk/aar")
    page.click("article button:has-text('Ret linjen')")
    assert page.is_visible("text=Gemt: telefon: 56672628 → 56 67 11 22")
    assert page.is_visible("text=Ingen åbne rettelser")
    assert spoken_within(served, "56671122")

    # One press for what still is right.
    old = page.locator("details[id^=gamle] tbody tr")
    before = old.count()
    page.locator("button:has-text('Stadig rigtigt')").first.click()
    assert page.is_visible("text=stadig rigtigt, set efter i dag")
    assert old.count() == before - 1

    # A line by hand: first wrong, then right.
    page.click("a:text-is('Åben Rådgivning')")
    look("linje")
    page.fill("#phone_hours", "9-15")
    page.click("button:text-is('Gem')")
    assert page.is_visible("text='9-15' er ikke åbningstider")
    look("linje-fejl")
    page.fill("#phone_hours", "ma-to 09:00-14:00")
    page.click("button:text-is('Gem')")
    assert page.is_visible("text=Gemt: telefontid")

    # A neighbour's line is not hers.
    theirs = editing.own_lines(make_engine(table), "0253", MONDAY)[0]
    assert page.goto(f"{served['console']}/redaktion/linje/{theirs.id}").status == 403
    assert page.is_visible("text=Det har du ikke adgang til")
    look("nabo")

    # A sheet with three errors is refused whole, then accepted.
    page.goto(f"{served['console']}/redaktion/0259/ark")
    look("ark")
    with page.expect_download() as download:
        page.click("text=Hent alle ark")
    sheet = tmp_path / "koege.xlsx"
    download.value.save_as(sheet)
    page.set_input_files("#file", filled(sheet, telefon="12", telefontid="9-15", kan_man_bare_komme="måske"))
    page.click("text=Vis forskellene")
    assert page.inner_text("h2#fejl") == "3 fejl i koege.xlsx"
    assert page.locator("section li").count() == 3
    assert "celle" in page.inner_text("section li >> nth=0")
    look("ark-fejl")
    assert numbers(served)[0][0] == "56671122", "nothing of it"
    page.set_input_files(
        "#file", filled(sheet, telefon="56671133", telefontid="ma-fr 10:00-12:00", kan_man_bare_komme="ja")
    )
    page.click("text=Vis forskellene")
    assert page.is_visible("text=telefon: 56 67 11 22 → 56671133")
    look("ark-forskelle")
    page.click("text=Læg ændringerne ind")
    assert page.is_visible("text=ændringer er lagt ind")
    assert spoken_within(served, "56671133")

    # It is all in the history, and can be taken back.
    page.goto(f"{served['console']}/redaktion/0259/historik")
    look("historik")
    page.locator("button:has-text('Fortryd')").first.click()
    assert page.is_visible("text=Fortrudt.")
    assert spoken_within(served, "56671122")
    assert page.faults == []


def test_the_other_pages(page, served, look, table):
    engine = make_engine(table)
    line = next(one for one in editing.own_lines(engine, "0259", MONDAY) if one.title == "Åben Rådgivning")
    editing.change(engine, line.id, {"phone": "56671122"}, who="Rie Redaktør", source="", now=MONDAY, codes={"0259"})
    with Session(engine, future=True) as session, session.begin():
        session.get(SheetRow, line.id).incoming = {"phone": "56674444", "sources": "https://www.koege.dk/x"}
        for topic, count in (("bostoette", 61), ("tabt_arbejdsfortjeneste", 38), ("merudgifter_boern", 12), ("", 3)):
            for kind in ("answer", "unanswered"):
                out = kind == "unanswered"
                key = {"day": MONDAY.date().replace(month=10), "municipality_code": "0259", "out_of_hours": out}
                session.add(Usage(topic=topic, kind=kind, count=count // (1 + out), **key))
    log_in(page, served, "anna")
    for path, name in (
        ("/redaktion", "kommuner"),
        ("/redaktion/0259/konflikter", "konflikter"),
        ("/redaktion/0259/ny/service_notes.csv", "ny"),
        (f"/redaktion/linje/{line.id}/slet", "slet"),
        ("/redaktion/uden-redaktoer", "uden-redaktoer"),
        ("/redaktion/0151/historik", "historik-tom"),
        ("/tal?maaned=2026-10&kommune=0259", "tal"),
        ("/tal", "tal-land"),
    ):
        assert page.goto(served["console"] + path).status == 200, path
        look(name)
    page.emulate_media(color_scheme="dark")
    for path, name in (("/redaktion/0259", "linjer-moerk"), ("/tal?maaned=2026-10&kommune=0259", "tal-moerk")):
        assert page.goto(served["console"] + path).status == 200
        look(name)
    assert page.faults == []
