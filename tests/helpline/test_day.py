"""A working day in a real browser: look-ups, two volunteers who reach for one request, a chat taken over and back."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from bot.handoff.requests import CHAT_PROMISE
from tests.browser import SHOTS, violations
from tests.helpline.conftest import PASSWORD, house_of


@pytest.fixture
def house(backend, table):
    """A house whose assistant is up."""
    with house_of(table, backend.rasa_url, backend.actions_url) as found:
        yield found


def picture(page, name):
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SHOTS / f"helpline-day-{name}.png")


def writes(page, words):
    page.get_by_label("Hvad er svært").fill(words)
    page.get_by_role("button", name="Send", exact=True).click()


def test_a_day(sits, house, axe):
    # Vera comes in and finds what a caller asks for.
    vera = sits(house, "/koe")
    vera.get_by_label("Brugernavn").fill("vera")
    vera.get_by_label("Adgangskode").fill(PASSWORD)
    vera.keyboard.press("Enter")
    vera.get_by_text("Ingen venter lige nu").wait_for()
    vera.get_by_role("link", name="Opslag").click()
    expect(vera.get_by_label("Hvad spørger de om?")).to_be_focused()
    vera.keyboard.type("tabt arb køge")
    vera.get_by_role("option", name="Tabt arbejdsfortjeneste").first.wait_for()
    expect(vera.locator("#kommune")).to_have_value("Køge")
    picture(vera, "opslag")
    vera.keyboard.press("Enter")
    vera.get_by_role("heading", name="Tabt arbejdsfortjeneste i Køge").wait_for()
    picture(vera, "kort")
    vera.get_by_label("Sammenlign med").fill("Aalborg")
    vera.get_by_role("button", name="Vis").click()
    vera.get_by_role("heading", name="Tabt arbejdsfortjeneste i Aalborg").wait_for()

    # A sentence in the caller's own words is understood as the bot understands it.
    vera.keyboard.press("/")
    vera.keyboard.type("min søn på 22 kommer aldrig ud af sengen og skal have hjælp til hverdagen")
    vera.get_by_role("option", name="forstået").first.wait_for()
    first = vera.get_by_role("option").first.inner_text()
    assert "Bostøtte" in first, first

    # A mother at home asks for a human, corrects the summary, and is promised an interval.
    mother = sits(house, f"{house.door}/?kommune=0259", viewport={"width": 390, "height": 844})
    mother.get_by_role("button", name="Spørg Vejviser").click()
    mother.get_by_text("Jeg er en chatbot").wait_for()
    writes(mother, "hvor søger jeg bostøtte til min søn på 22?")
    mother.locator(".card").first.wait_for()
    writes(mother, "jeg vil gerne tale med et menneske")
    mother.get_by_role("button", name="Bliv ringet op").click()
    summary = mother.get_by_label("Det her ser den frivillige")
    about, place, asked = summary.input_value().splitlines()
    assert (about, place) == ("Det handler om: Bostøtte (socialpædagogisk støtte)", "Kommune: Køge")
    assert asked.startswith("Jeg vil gerne vide: hvor jeg skal henvende mig")
    summary.fill("Det handler om: bostøtte til min søn\nKommune: Køge\nJeg vil gerne vide: hvad jeg skal skrive")
    mother.get_by_label("Dit telefonnummer").fill("12")
    mother.get_by_role("button", name="Bed om opkaldet").click()
    mother.get_by_text("otte cifre").wait_for()
    mother.get_by_label("Dit telefonnummer").fill("20 12 34 56")
    assert violations(mother, axe, only_widget=True) == []
    picture(mother, "mor-formular")
    mother.get_by_role("button", name="Bed om opkaldet").click()
    mother.get_by_text("Vi ringer til dig i dag mellem kl. 10 og 12.").wait_for()
    assert violations(mother, axe, only_widget=True) == []
    picture(mother, "mor-lovet")

    # Two volunteers see it and both reach for it.
    viggo = sits(house, "/koe", "viggo")
    vera.goto(f"{house.console}/koe")
    reach = "Tag henvendelsen om Bostøtte"
    viggo.get_by_role("button", name=reach).wait_for()
    picture(viggo, "koe")
    vera.get_by_role("button", name=reach).focus()
    viggo.get_by_role("button", name=reach).focus()
    vera.keyboard.press("Enter")
    vera.get_by_role("link", name="20 12 34 56").wait_for()
    viggo.keyboard.press("Enter")
    viggo.get_by_text("Vera Frivillig var hurtigere").wait_for()
    assert "20 12 34 56" not in viggo.content()
    assert vera.get_by_text("hvad jeg skal skrive").is_visible()
    vera.get_by_label("Note til jer selv").fill("Vil gerne have hjælp til at skrive ansøgningen")
    vera.get_by_role("button", name="Gem noten").click()
    vera.get_by_text("Noten er gemt.").wait_for()
    picture(vera, "henvendelse")
    vera.get_by_role("button", name="Vi har talt sammen").click()
    vera.get_by_text("Henvendelsen er lukket.").wait_for()

    # Later she writes again; somebody has the queue open, so she can have a human at once.
    other = sits(house, f"{house.door}/?kommune=0259", viewport={"width": 390, "height": 844})
    other.get_by_role("button", name="Spørg Vejviser").click()
    other.get_by_text("Jeg er en chatbot").wait_for()
    writes(other, "jeg vil gerne tale med et menneske")
    other.get_by_role("button", name="Skriv med et menneske nu").click()
    other.get_by_role("button", name="Bed om et menneske").click()
    other.get_by_text("Vi finder et menneske til dig").wait_for()
    viggo.get_by_role("button", name="Tag henvendelsen om Emnet").click()
    viggo.get_by_label("Skriv til personen").fill("Hej. Jeg hedder Viggo. Hvad vil du gerne tale om?")
    viggo.get_by_role("button", name="Send").click()
    other.get_by_text("Du skriver nu med et menneske.").wait_for()
    other.get_by_text("Hvad vil du gerne tale om?").wait_for()
    bots = other.locator(".message.bot").count()
    writes(other, "hvor søger jeg bostøtte?")
    viggo.get_by_text("hvor søger jeg bostøtte?").wait_for()
    assert other.locator(".message.bot").count() == bots, "the bot is silent meanwhile"
    assert violations(other, axe, only_widget=True) == []
    picture(other, "chat-mor")
    picture(viggo, "chat-frivillig")

    # A reload loses nothing; then Viggo gives the word back, and the bot answers again.
    other.reload()
    other.get_by_role("button", name="Spørg Vejviser").click()
    other.get_by_text("Hvad vil du gerne tale om?").wait_for()
    viggo.get_by_role("button", name="Giv ordet tilbage til chatbotten").click()
    viggo.get_by_text("Chatbotten har ordet igen.").wait_for()
    other.get_by_text("Du skriver med chatbotten igen.").wait_for()
    writes(other, "hvor søger jeg bostøtte?")
    other.locator(".card").first.wait_for()

    # Who read what is on record, and the administrator sees that, not the request.
    anna = sits(house, "/spor", "anna")
    for action in ("Læste en henvendelse", "Tog en henvendelse", "Lukkede en henvendelse"):
        assert anna.get_by_text(action).count(), action
    assert "20 12 34 56" not in anna.content() and "bostøtte" not in anna.content().lower()
    for page in (vera, viggo, mother, other, anna):
        assert [fault for fault in page.faults if "axe" not in fault] == []


def test_a_request_is_taken_back_and_a_deleted_conversation_takes_it_along(sits, house):
    mother = sits(house, f"{house.door}/?kommune=0259")
    mother.get_by_role("button", name="Spørg Vejviser").click()
    mother.get_by_text("Jeg er en chatbot").wait_for()
    for ends in ("Fortryd opkaldet", "Slet samtalen"):
        writes(mother, "jeg vil gerne tale med et menneske")
        mother.get_by_role("button", name="Bliv ringet op").click()
        mother.get_by_label("Dit telefonnummer").fill("20 12 34 56")
        with mother.expect_response(lambda r: r.request.method == "POST" and r.url.endswith("/callbacks")):
            mother.get_by_role("button", name="Bed om opkaldet").click()
        mother.get_by_role("button", name=ends).wait_for()
        assert len(house.handoff.queue()) == 1
        mother.get_by_role("button", name=ends).click()
        mother.get_by_text("Du bliver ikke ringet op" if ends[0] == "F" else "heller ikke ringet op").wait_for()
        assert house.handoff.queue() == []


def test_what_was_typed_stays_when_the_line_breaks(sits, house):
    mother = sits(house, f"{house.door}/?kommune=0259")
    mother.get_by_role("button", name="Spørg Vejviser").click()
    mother.get_by_text("Jeg er en chatbot").wait_for()
    writes(mother, "jeg vil gerne tale med et menneske")
    mother.get_by_role("button", name="Bliv ringet op").click()
    mother.get_by_label("Dit telefonnummer").fill("20 12 34 56")
    mother.route("**/api/v1/callbacks", lambda route: route.abort())
    mother.get_by_role("button", name="Bed om opkaldet").click()
    mother.get_by_text("Det kunne ikke sendes.").wait_for()
    assert mother.get_by_label("Dit telefonnummer").input_value() == "20 12 34 56"
    mother.unroute("**/api/v1/callbacks")
    mother.get_by_role("button", name="Bed om opkaldet").click()
    mother.get_by_text("Vi ringer til dig").wait_for()


def test_where_nobody_comes_to_the_chat_a_call_is_one_press_away(sits, house):
    sits(house, "/koe", "viggo")
    mother = sits(house, f"{house.door}/?kommune=0259")
    mother.get_by_role("button", name="Spørg Vejviser").click()
    mother.get_by_text("Jeg er en chatbot").wait_for()
    writes(mother, "jeg vil gerne tale med et menneske")
    mother.get_by_role("button", name="Skriv med et menneske nu").click()
    mother.get_by_role("button", name="Bed om et menneske").click()
    mother.get_by_text("Vi finder et menneske til dig").wait_for()
    house.clock.now += CHAT_PROMISE * 1.1
    mother.get_by_text("ingen fri ved chatten").wait_for()
    mother.locator(".message").last.get_by_role("button", name="Bliv ringet op").click()
    mother.get_by_label("Dit telefonnummer").fill("20 12 34 56")
    mother.get_by_role("button", name="Bed om opkaldet").click()
    mother.get_by_text("Vi ringer til dig i dag").wait_for()
    assert [(row.kind, row.number) for row in house.handoff.queue()] == [("call", "20123456")]
