"""The telephone of the simulator, walked through in a browser, and "Send til min telefon" in the widget."""

from __future__ import annotations

import threading

import pytest

from bot.edge.sms.simulator import create_simulator
from tests.browser import SHOTS, WIDGET
from tests.sms import MOTHER, listening, make_town
from tests.widget.test_widget import PHONE, ask, opened, violations


@pytest.fixture(scope="module")
def town(backend, shipped, tmp_path_factory):
    """A town whose worker works by itself."""
    with make_town(tmp_path_factory.mktemp("sms"), shipped, backend) as town:
        stop = threading.Event()

        def work():
            while not stop.wait(0.1):
                town.work()

        worker = threading.Thread(target=work)
        worker.start()
        yield town
        stop.set()
        worker.join(20)


@pytest.fixture(scope="module")
def door(town):
    return town.door


@pytest.fixture
def axe(node_modules):
    return (WIDGET / "node_modules" / "axe-core" / "axe.min.js").read_text()


@pytest.fixture
def telephone(browser, town):
    """The telephone's page, as `vejviser sms simulate` serves it."""
    with listening(create_simulator(town.gateway)) as url:
        context = browser.new_context(viewport={"width": 420, "height": 860}, locale="da")
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.goto(url)
        yield page
        context.close()


def writes(page, text: str) -> str:
    before = page.locator(".theirs").count()
    page.get_by_label("Din sms").fill(text)
    page.get_by_role("button", name="Send", exact=True).click()
    page.locator(".theirs").nth(before).wait_for()
    return page.locator(".theirs p").nth(before).inner_text()


def test_a_walk_through_the_telephone(telephone, axe):
    SHOTS.mkdir(parents=True, exist_ok=True)
    page = telephone
    assert "Hvilken kommune?" in writes(page, "tabt arbejdsfortjeneste")
    answer = writes(page, "4600")
    assert "Familiecenter Køge" in answer and "barnets lov § 87" in answer
    page.screenshot(path=SHOTS / "sms-telefon-1-svar.png")
    assert "1. " in writes(page, "bostøtte i Nykøbing")
    assert "§ 85" in writes(page, "2")
    page.screenshot(path=SHOTS / "sms-telefon-2-valg.png")
    assert writes(page, "hun vil tage sit eget liv").startswith("Ring 112 nu")
    assert "112" in writes(page, "HJÆLP")
    assert "Samtalen er slettet" in writes(page, "SLET")
    page.screenshot(path=SHOTS / "sms-telefon-3-fare.png")
    assert violations(page, axe, only_widget=False) == []
    page.emulate_media(color_scheme="dark")
    assert violations(page, axe, only_widget=False) == []
    page.screenshot(path=SHOTS / "sms-telefon-4-dark.png")


def test_the_telephone_works_without_script(browser, town):
    with listening(create_simulator(town.gateway)) as url:
        context = browser.new_context(java_script_enabled=False)
        page = context.new_page()
        page.goto(f"{url}/?nummer=4520301111")
        page.get_by_label("Din sms").fill("bostøtte køge")
        page.get_by_role("button", name="Send", exact=True).click()
        for _ in range(100):
            if page.locator(".theirs").count():
                break
            page.wait_for_timeout(100)
            page.goto(f"{url}/?nummer=4520301111")
        assert "Socialafdelingen" in page.locator(".theirs p").inner_text()
        context.close()


@pytest.mark.parametrize("options", [{}, {**PHONE, "color_scheme": "dark"}], ids=["wide", "narrow dark"])
def test_an_answer_is_sent_to_my_telephone(visit, town, axe, options):
    page = ask(opened(visit(**options)))
    page.get_by_role("button", name="Send til min telefon").click()
    number = page.get_by_label("Dit mobilnummer")
    number.fill("56 67 67 67")
    page.get_by_role("button", name="Send sms").click()
    page.get_by_text("dansk mobilnummer med otte cifre").wait_for()
    assert number.input_value() == "56 67 67 67", "nothing that was typed is lost"
    page.screenshot(path=SHOTS / f"sms-widget-{'narrow' if options else 'wide'}.png")
    assert violations(page, axe, only_widget=False) == []
    before = len(town.gateway.sent_to(MOTHER))
    number.fill("20 30 40 50")
    page.keyboard.press("Enter")
    page.get_by_text("Sms'en er på vej").wait_for()
    for _ in range(100):
        if len(town.gateway.sent_to(MOTHER)) > before:
            break
        page.wait_for_timeout(100)
    sent = town.gateway.sent_to(MOTHER)[-1]
    assert "Familiecenter Køge" in sent.text and "for at skrive videre" in sent.text
    assert number.count() == 0 and page.get_by_role("button", name="Send til min telefon").is_visible()
    assert page.faults == []
