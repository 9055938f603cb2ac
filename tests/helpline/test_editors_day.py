"""An editor's day, in a real browser and before a real door: what she changes is what the next relative is told."""

from __future__ import annotations

import time

import httpx
import pytest
from openpyxl import load_workbook
from sqlalchemy.orm import Session

from bot.knowledge import corrections, editing
from bot.knowledge.database import make_engine
from bot.knowledge.models import SheetRow, Usage
from tests.conftest import MONDAY
from tests.helpline.conftest import PASSWORD
from tests.helpline.test_pages import SURROUNDINGS, judge

TOPIC = {"topic": "raad_og_vejledning", "municipality": "0259"}


@pytest.fixture
def engine(table):
    return make_engine(table)


def line(engine, title="Åben Rådgivning"):
    return next(one for one in editing.own_lines(engine, "0259", MONDAY) if one.title == title)


def said(house):
    """What the door answers: the numbers, and the id of the department."""
    department = httpx.get(f"{house.door}/api/v1/lookup", params=TOPIC).json()["department"]
    return [phone["number"].replace(" ", "") for phone in department["phones"]], department["id"]


def spoken(house, number):
    """Whether the door comes to speak a number. It looks once a second; the rest is patience with a busy machine."""
    until = time.monotonic() + 10
    while time.monotonic() < until:
        if number in said(house)[0]:
            return True
        time.sleep(0.1)
    return False


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


def test_an_editors_day(sits, house, axe, engine, tmp_path):
    _, department = said(house)

    # A relative says that the number is wrong.
    report = {**TOPIC, "department": department, "field": "phone", "message": "Nummeret er lukket"}
    assert httpx.post(f"{house.door}/api/v1/corrections", json=report).status_code == 201

    # The editor finds it on her first page and puts it right; the next relative is told.
    page = sits(house, "/login")
    page.fill("[name=login]", "rie")
    page.fill("[name=password]", PASSWORD)
    page.press("[name=password]", "Enter")
    page.get_by_role("link", name="Redaktion").click()
    page.get_by_role("heading", name="Køge Kommune").wait_for()
    assert page.is_visible("text=Nummeret er lukket")
    page.fill("article input[name=value]", "56 67 11 22")
    page.fill("article input[name=source]", "https://www.koege.dk/aar")
    page.get_by_role("button", name="Ret linjen").click()
    page.get_by_text("Gemt: telefon: 56672628 → 56 67 11 22").wait_for()
    assert page.is_visible("text=Ingen åbne rettelser")
    assert spoken(house, "56671122")

    # One press for what still is right.
    old = page.locator("details[id^=gamle] tbody tr")
    before = old.count()
    page.get_by_role("button", name="Stadig rigtigt").first.click()
    page.get_by_text("stadig rigtigt, set efter i dag").wait_for()
    assert old.count() == before - 1

    # A line by hand: first wrong, then right.
    page.get_by_role("link", name="Åben Rådgivning", exact=True).first.click()
    page.fill("#phone_hours", "9-15")
    page.get_by_role("button", name="Gem", exact=True).click()
    page.get_by_text("'9-15' er ikke åbningstider").wait_for()
    judge(page, axe, "redaktion-linje-fejl", "1280")
    page.fill("#phone_hours", "ma-to 09:00-14:00")
    page.get_by_role("button", name="Gem", exact=True).click()
    page.get_by_text("Gemt: telefontid").wait_for()

    # A neighbour's line is not hers.
    theirs = editing.own_lines(engine, "0253", MONDAY)[0]
    assert page.goto(f"{house.console}/redaktion/linje/{theirs.id}").status == 403
    assert page.is_visible("text=Det har du ikke adgang til")

    # A sheet with three errors is refused whole, then accepted.
    page.goto(f"{house.console}/redaktion/0259/ark")
    with page.expect_download() as download:
        page.get_by_role("link", name="Hent alle ark").click()
    sheet = tmp_path / "koege.xlsx"
    download.value.save_as(sheet)
    page.set_input_files("#file", filled(sheet, telefon="12", telefontid="9-15", kan_man_bare_komme="måske"))
    page.get_by_role("button", name="Vis forskellene").click()
    page.get_by_role("heading", name="3 fejl i koege.xlsx").wait_for()
    faults = page.locator("section li").all_inner_texts()
    assert len(faults) == 3 and all("Ark 'afdelinger', celle " in fault for fault in faults)
    judge(page, axe, "redaktion-ark-fejl", "1280")
    assert "56671122" in said(house)[0], "nothing of it"
    right = filled(sheet, telefon="56671133", telefontid="ma-fr 10:00-12:00", kan_man_bare_komme="ja")
    page.set_input_files("#file", right)
    page.get_by_role("button", name="Vis forskellene").click()
    page.get_by_text("telefon: 56 67 11 22 → 56671133").wait_for()
    judge(page, axe, "redaktion-ark-forskelle", "1280")
    page.get_by_role("button", name="Læg ændringerne ind").click()
    page.get_by_text("ændringer er lagt ind").wait_for()
    assert spoken(house, "56671133")

    # It all stands in the history, and can be taken back.
    page.goto(f"{house.console}/redaktion/0259/historik")
    judge(page, axe, "redaktion-historik", "1280")
    page.get_by_role("button", name="Fortryd").first.click()
    page.get_by_text("Fortrudt.").wait_for()
    assert spoken(house, "56671122")
    assert page.faults == []


@pytest.fixture
def pages(engine):
    """A municipality with a report, a conflict and figures; the pages to look at, and who opens them."""
    seen = line(engine)
    told = {"who": "Rie Redaktør", "source": "", "now": MONDAY, "codes": {"0259"}}
    editing.change(engine, seen.id, {"phone": "56671122"}, **told)
    corrections.report(engine, seen.id, "phone", "Der er ingen, der tager den", now=MONDAY)
    corrections.report(engine, seen.id, "other", "De er flyttet sammen med ungeteamet", now=MONDAY)
    with Session(engine, future=True) as session, session.begin():
        session.get(SheetRow, seen.id).incoming = {"phone": "56674444", "sources": "https://www.koege.dk/x"}
        report = {"table_name": "topic", "record_id": "bostoette", "field": "legal_basis", "message": "Ny paragraf"}
        session.add(corrections.CorrectionReport(**report, reported_at=MONDAY.replace(tzinfo=None), resolved=False))
        day = MONDAY.date().replace(month=10)
        for topic, count in (("bostoette", 61), ("tabt_arbejdsfortjeneste", 38), ("merudgifter_boern", 12), ("", 3)):
            for kind, share in (("answer", 1), ("unanswered", 2)):
                key = {"day": day, "municipality_code": "0259", "out_of_hours": kind == "unanswered"}
                session.add(Usage(topic=topic, kind=kind, count=count // share, **key))
    return {
        "kommuner": ("/redaktion", "anna"),
        "linjer": ("/redaktion/0259", "rie"),
        "linje": (f"/redaktion/linje/{seen.id}", "rie"),
        "ny": ("/redaktion/0259/ny/departments.csv", "rie"),
        "slet": (f"/redaktion/linje/{seen.id}/slet", "rie"),
        "ark": ("/redaktion/0259/ark", "rie"),
        "historik": ("/redaktion/0259/historik", "rie"),
        "historik-tom": ("/redaktion/0151/historik", "anna"),
        "konflikter": ("/redaktion/0259/konflikter", "rie"),
        "konflikter-laes": ("/redaktion/0259/konflikter", "karl"),
        "uden-redaktoer": ("/redaktion/uden-redaktoer", "karl"),
        "meld": (f"/meld/{seen.id}", "vera"),
        "tal": ("/tal?maaned=2026-10&kommune=0259", "karl"),
        "tal-land": ("/tal", "karl"),
    }


@pytest.mark.parametrize("surroundings", SURROUNDINGS)
def test_axe_finds_nothing_on_the_editors_pages(sits, house, axe, pages, surroundings):
    for name, (path, login) in pages.items():
        page = sits(house, path, login, **SURROUNDINGS[surroundings])
        judge(page, axe, f"redaktion-{name}", surroundings)
        page.context.close()
