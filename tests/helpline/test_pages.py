"""Every page of the console in a real browser: axe, narrow and wide, light and dark; pictures to look at."""

from __future__ import annotations

import datetime as dt

import pytest
from playwright.sync_api import expect

from bot.handoff.requests import Wish
from bot.helpline.app import create_app
from bot.helpline.settings import Settings
from bot.knowledge.hours import Calendar
from tests.browser import SHOTS, violations
from tests.conftest import MONDAY
from tests.helpline.conftest import NOBODY, PASSWORD, listen

SURROUNDINGS = {
    "1280": {},
    "320": {"viewport": {"width": 320, "height": 640}},
    "dark": {"color_scheme": "dark"},
    "forced": {"forced_colors": "active"},
}
SECRET = "kX9-2_vQ7mTz4LrB8nWc5YpD1sHf3JgA6uE0"
CARD = "/opslag?emne=bostoette&kommune=0259"
# Name of the picture: the page, who looks, and the status it must have.
PAGES = {
    "login": ("/login", None, 200),
    "opslag-tom": ("/opslag", "vera", 200),
    "opslag-kort": (CARD, "vera", 200),
    "opslag-to": (f"{CARD}&ogsaa=0851", "vera", 200),
    "opslag-ukendt": ("/opslag?emne=bostoette&kommune=Xyz", "vera", 200),
    "koe-tom": ("/koe", "viggo", 200),
    "mig": ("/mig", "vera", 200),
    "aabningstid": ("/aabningstid", "karl", 200),
    "brugere": ("/brugere", "anna", 200),
    "spor": ("/spor", "anna", 200),
    "ingen-adgang": ("/brugere", "vera", 403),
    "findes-ikke": ("/findes-ikke", "vera", 404),
}


def fits(page):
    return page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def judge(page, axe, name, surroundings):
    page.wait_for_load_state("networkidle")
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SHOTS / f"helpline-{name}-{surroundings}.png", full_page=True)
    assert violations(page, axe, only_widget=False) == [], name
    assert fits(page), f"{name} scrolls sideways at {surroundings}"
    assert [fault for fault in page.faults if "axe" not in fault] == []


def test_one_logs_in_over_https_as_in_production(browser, table, clock):
    settings = Settings.read({"VEJVISER_ENV": "production", "VEJVISER_SECRET": SECRET})
    url, stop = listen(create_app(NOBODY, NOBODY, table, clock=clock, settings=settings), secure=True)
    page = browser.new_context(ignore_https_errors=True).new_page()
    page.goto(f"{url}/koe")
    page.get_by_label("Brugernavn").fill("vera")
    page.get_by_label("Adgangskode").fill(PASSWORD)
    page.get_by_role("button", name="Log ind").click()
    expect(page.get_by_role("heading", name="Køen")).to_be_visible()
    page.get_by_role("button", name="Log ud").click()
    expect(page.get_by_text("Du er logget ud.")).to_be_visible()
    page.context.close()
    stop()


@pytest.mark.parametrize("surroundings", SURROUNDINGS)
def test_axe_finds_nothing_on_any_page(sits, house, axe, surroundings):
    for name, (path, login, status) in PAGES.items():
        page = sits(house, path, login, status, **SURROUNDINGS[surroundings])
        judge(page, axe, name, surroundings)
        page.context.close()


@pytest.fixture
def busy(house):
    """A house in the middle of a day: calls and a chat waiting, one late, one tried, one in each one's hands."""
    handoff, staff, calendar = house.handoff, house.app.config["STAFF"], Calendar()
    ids = {login: staff.by_login(login).id for login in ("vera", "viggo", "karl")}
    early = MONDAY - dt.timedelta(days=3, minutes=-20)  # Friday
    text = "Det handler om: Bostøtte\nKommune: Køge\nJeg vil gerne vide: hvordan jeg søger"
    handoff.place("late", Wish("call", text, "20123456", "today", "bostoette", "0259"), calendar, early)
    tried = handoff.place("tried", Wish("call", text, "20123457", "today", "klage", "0851"), calendar, early)
    handoff.claim(tried.id, ids["viggo"], early)
    handoff.no_answer(tried.id, ids["viggo"], calendar, early)
    mine = handoff.place("mine", Wish("call", text, "20123458", "today", "kontanthjaelp", "0101"), calendar, MONDAY)
    handoff.claim(mine.id, ids["vera"], MONDAY)
    other = handoff.place("other", Wish("call", text, "20123459", "tomorrow_morning", "bpa", "0400"), calendar, MONDAY)
    handoff.claim(other.id, ids["viggo"], MONDAY)
    done = handoff.place("done", Wish("call", text, "20123450", "today", "tolk", "0259"), calendar, MONDAY)
    handoff.claim(done.id, ids["vera"], MONDAY)
    handoff.done(done.id, ids["vera"], MONDAY)
    waits = handoff.place("danger", Wish("call", text, "20123451", "today", danger=True), calendar, MONDAY)
    sitting = staff.begin(ids["vera"], MONDAY)
    staff.find(sitting.token, MONDAY, acts=False)
    handoff.place("chat", Wish("chat", text, topic="bostoette", municipality="0259"), calendar, MONDAY)
    chat = handoff.place("talk", Wish("chat", text, topic="klage", municipality="0259"), calendar, MONDAY)
    handoff.claim(chat.id, ids["vera"], MONDAY)
    handoff.say(chat.id, "person", "Min datter har fået afslag. Hvad gør jeg nu?", MONDAY)
    handoff.say(chat.id, "staff", "Det er jeg ked af at høre. Har I fået afslaget på skrift?", MONDAY)
    return {
        "koe": ("/koe", "vera"),
        "henvendelse": (f"/koe/{waits.id}", "vera"),
        "henvendelse-min": (f"/koe/{mine.id}", "vera"),
        "henvendelse-anden": (f"/koe/{other.id}", "vera"),
        "chat": (f"/koe/{chat.id}", "vera"),
        "bruger": (f"/brugere/{ids['viggo']}", "anna"),
    }


@pytest.mark.parametrize("surroundings", SURROUNDINGS)
def test_axe_finds_nothing_on_a_busy_day(sits, house, busy, axe, surroundings):
    for name, (path, login) in busy.items():
        page = sits(house, path, login, **SURROUNDINGS[surroundings])
        judge(page, axe, name, surroundings)
        page.context.close()


@pytest.mark.parametrize("surroundings", ["1280", "320"])
def test_axe_finds_nothing_while_one_types(sits, house, axe, surroundings):
    page = sits(house, "/opslag", "vera", **SURROUNDINGS[surroundings])
    page.keyboard.type("bostøt")
    page.get_by_role("option").first.wait_for()
    page.keyboard.press("ArrowDown")
    judge(page, axe, "opslag-fundet", surroundings)


def test_the_whole_look_up_by_keyboard(sits, house):
    page = sits(house, "/opslag", "vera")
    page.keyboard.type("tabt arb")  # the field has the focus
    page.get_by_role("option", name="Tabt arbejdsfortjeneste").wait_for()
    page.keyboard.press("Tab")
    page.keyboard.type("Køge")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("ArrowDown")
    assert page.get_by_role("option", selected=True).count() == 1
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Tabt arbejdsfortjeneste i Køge").wait_for()
    assert page.get_by_role("link", name="56 67 67 67").first.get_attribute("href") == "tel:+4556676767"
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "q"
    page.keyboard.type("klage over aalborg")
    page.get_by_role("option").first.wait_for()
    page.keyboard.press("Escape")
    assert page.get_by_role("option").count() == 0
    page.keyboard.type("bost")
    page.get_by_role("option", name="Bostøtte").first.wait_for()
    title = page.get_by_role("option").nth(1).locator(".title").inner_text()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("2")
    page.get_by_role("heading", name=title).first.wait_for()


def test_digits_are_digits_until_one_chooses(sits, house):
    page = sits(house, "/opslag", "vera")
    page.keyboard.type("§ 85")
    page.get_by_role("option", name="Bostøtte").first.wait_for()
    assert page.locator("#q").input_value() == "§ 85"
    page.keyboard.press("Alt+1")
    page.get_by_role("heading", name="Bostøtte").first.wait_for()


def test_a_municipality_in_the_words_fills_the_field_and_a_chosen_one_stays(sits, house):
    page = sits(house, "/opslag", "vera")
    page.keyboard.type("bostøtte aalborg")
    expect(page.locator("#kommune")).to_have_value("Aalborg")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="i Aalborg").wait_for()


def test_a_word_of_the_system_is_explained_where_one_stands(sits, house):
    page = sits(house, "/opslag", "vera")
    page.keyboard.type("partshøring")
    page.get_by_role("option", name="ordforklaring").first.click()
    assert len(page.locator("#explained").inner_text()) > 40


def test_the_card_is_copied_and_prints_on_a5(sits, house):
    page = sits(house, CARD, "vera", permissions=["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Kopiér").click()
    page.get_by_text("Kortet er kopieret.").wait_for()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert "Ring " in copied and "serviceloven § 85" in copied
    pdf = page.pdf(prefer_css_page_size=True)
    assert b"MediaBox [0 0 419" in pdf.replace(b"/", b"").replace(b"\n", b" ") or b"[0 0 420" in pdf, "A5"
    page.emulate_media(media="print")
    assert not page.get_by_role("button", name="Udskriv").is_visible() and not page.locator("#q").is_visible()
    assert page.locator(".aloud").is_visible()
    page.screenshot(path=SHOTS / "helpline-print-a5.png")


def test_the_queue_shows_what_came_since(sits, house, busy):
    page = sits(house, "/koe", "viggo")
    before = page.locator(".requests li").count()
    house.handoff.place("new", Wish("call", "noget nyt", "20999999", "today"), Calendar(), MONDAY)
    expect(page.locator(".requests li")).to_have_count(before + 1, timeout=15_000)


def test_who_types_with_the_keyboard_is_not_thrown_out(sits, house, busy):
    page = sits(house, "/koe", "viggo")
    page.get_by_role("button", name="Tag henvendelsen").first.focus()
    house.handoff.place("new", Wish("call", "noget nyt", "20999999", "today"), Calendar(), MONDAY)
    page.get_by_text("Køen har ændret sig.").wait_for()
    assert "Tag henvendelsen" in page.evaluate("document.activeElement.getAttribute('aria-label')")


def test_in_the_widget_what_was_shown_is_promised_and_a_call_that_is_gone_is_said(sits, house):
    house.clock.now = MONDAY.replace(hour=23, minute=52)
    mother = sits(house, f"{house.door}/?kommune=0259")
    mother.clock.install()
    mother.get_by_role("button", name="Spørg Vejviser").click()
    mother.get_by_text("Jeg er en chatbot").wait_for()
    mother.get_by_label("Hvad er svært").fill("jeg vil tale med et menneske")
    mother.get_by_role("button", name="Send", exact=True).click()
    mother.get_by_role("button", name="Bliv ringet op").click()
    expect(mother.get_by_label("Hvornår må vi ringe?")).to_contain_text("I morgen tirsdag mellem kl. 10 og 12")
    mother.get_by_label("Dit telefonnummer").fill("20 12 34 56")
    house.clock.now += dt.timedelta(minutes=11)
    mother.get_by_role("button", name="Bed om opkaldet").click()
    mother.get_by_text("Vi ringer til dig i dag mellem kl. 10 og 12.").wait_for()
    (row,) = house.handoff.queue()
    house.handoff.forget(row.sender)  # as SLET on the telephone does
    mother.clock.fast_forward(31_000)
    mother.get_by_text("Du bliver ikke ringet op.").wait_for()
