"""The widget as people meet it: by mouse, by keyboard, read aloud, zoomed, on hostile pages, and when things break."""

from __future__ import annotations

import gzip
import json
import re
import subprocess
from urllib.parse import urlsplit

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.knowledge.database import make_engine
from bot.knowledge.models import CorrectionReport, Feedback, FeedbackReason
from tests.browser import SHOTS, WIDGET, violations

QUESTION = "hvor søger jeg tabt arbejdsfortjeneste?"
STRICT = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
HOSTILE = """
html { font-size: 62.5% } body { font: italic 8px/1 cursive; color: red; text-align: right; direction: ltr }
* { box-sizing: content-box !important; letter-spacing: 3px; text-transform: uppercase }
button, a, input, textarea, p, div, section { display: none !important; color: yellow !important; float: right }
vejviser-chat { display: none !important; opacity: .1 !important; font-size: 5px !important }
"""


def host_page(style: str = "", scripts: int = 1) -> str:
    tags = '<script src="/widget.js" data-kommune="0259" defer></script>' * scripts
    if style:
        tags += f"<style>{style}</style>"
    return (
        '<!doctype html><html lang="da"><head><meta charset="utf-8"><title>Kommunen</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">{tags}'
        "</head><body><main><h1>Kommunen</h1><p>Velkommen.</p></main></body></html>"
    )


def in_widget(page, script: str, argument: object = None):
    """Evaluate `script`, a function of the shadow root and an argument."""
    return page.evaluate(f"(a) => ({script})(document.querySelector('vejviser-chat').shadowRoot, a)", argument)


def opened(page):
    page.get_by_role("button", name="Spørg Vejviser").click()
    page.get_by_text("Jeg er en chatbot").wait_for()
    return page


def answers(page) -> int:
    return page.locator(".message.bot").count()


def ask(page, text: str = QUESTION):
    before = answers(page)
    page.get_by_label("Hvad er svært").fill(text)
    page.get_by_role("button", name="Send", exact=True).click()
    page.locator(".message.bot").nth(before).wait_for()
    return page


def break_line(page) -> None:
    page.route("**/api/v1/messages", lambda route: route.abort())


PHONE = {"viewport": {"width": 320, "height": 640}}
SURROUNDINGS = {
    "1280": {},
    "320": PHONE,
    "320x256": {"viewport": {"width": 320, "height": 256}},
    "hostile": {"host": host_page(HOSTILE)},
    "strict": {"host": host_page(), "headers": {"Content-Security-Policy": STRICT}},
    "forced-colors": {"forced_colors": "active"},
    "dark": {"color_scheme": "dark"},
}


@pytest.mark.parametrize("name", SURROUNDINGS)
def test_axe_finds_nothing_in_any_state(visit, axe, name):
    page = visit(**SURROUNDINGS[name])
    SHOTS.mkdir(parents=True, exist_ok=True)
    faults = []

    def judge(state: str) -> None:
        page.screenshot(path=SHOTS / f"{name}-{state}.png")
        faults.extend(f"{state}: {fault}" for fault in violations(page, axe, only_widget="host" in SURROUNDINGS[name]))

    page.get_by_role("button", name="Spørg Vejviser").wait_for()
    judge("closed")
    opened(page)
    judge("open")
    ask(page)
    assert page.locator(".card .call").first.inner_text().startswith("Ring ")
    judge("answer")
    page.locator("summary").click()
    page.get_by_role("button", name="Passer det ikke?").click()
    judge("correction")
    break_line(page)
    ask(page, "hvad med bostøtte?")
    assert page.get_by_role("button", name="Prøv igen").is_visible()
    judge("error")
    assert faults == []
    assert [fault for fault in page.faults if "axe" not in fault] == []


@pytest.mark.parametrize("path", ["/", "/kommune/", "/kommune/0259", "/kommune/0259/bostoette", "/privatliv"])
@pytest.mark.parametrize("options", [{}, {**PHONE, "color_scheme": "dark"}], ids=["wide", "narrow dark"])
def test_the_pages_around_it_are_accessible_too(visit, axe, path, options):
    page = visit(path, **options)
    assert violations(page, axe, only_widget=False) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    name = re.sub(r"\W+", "-", path).strip("-") or "demo"
    page.screenshot(path=SHOTS / f"page-{name}-{'narrow' if options else 'wide'}.png", full_page=True)


def focused(page) -> str:
    return page.evaluate(
        "(() => { let a = document.activeElement; while (a?.shadowRoot?.activeElement) a = a.shadowRoot.activeElement;"
        " return a === document.body ? '' : a.id || a.textContent })()"
    )


def tab_to(page, text: str, key: str = "Tab") -> None:
    for _ in range(60):
        if text in focused(page):
            return
        page.keyboard.press(key)
    pytest.fail(f"'{text}' cannot be reached with {key}; focus is on '{focused(page)}'")


def test_the_whole_way_by_keyboard_alone(visit, database):
    page = visit()
    tab_to(page, "Spørg Vejviser")
    launcher = page.get_by_role("button", name="Spørg Vejviser")
    assert launcher.get_attribute("aria-expanded") == "false"
    page.keyboard.press("Enter")
    assert launcher.get_attribute("aria-expanded") == "true" and focused(page) == "field"
    page.keyboard.type(QUESTION)
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Ring 56 67 67 67").wait_for()
    tab_to(page, "Tider, sådan gør du", "Shift+Tab")
    page.keyboard.press("Enter")
    assert page.get_by_text("barnets lov § 87").first.is_visible()
    tab_to(page, "Passer det ikke?")
    page.keyboard.press("Enter")
    assert focused(page) == "wrong-field"
    page.keyboard.press("Tab")
    page.keyboard.type("De hedder noget andet nu")
    tab_to(page, "Send rettelse")
    page.keyboard.press("Enter")
    page.get_by_text("Rettelsen er sendt").wait_for()
    assert focused(page) == "Passer det ikke?"
    tab_to(page, "1. ")  # a quick reply
    before = answers(page)
    page.keyboard.press("Enter")
    page.locator(".message.bot").nth(before).wait_for()
    assert focused(page) == "field"  # the button is gone, and focus was not lost with it
    choice = page.locator(".choices button").nth(1).inner_text()
    page.keyboard.type("2")
    page.keyboard.press("Enter")
    page.locator(".message.bot").nth(before + 1).wait_for()
    assert page.locator(".message.me").last.inner_text().strip().endswith(choice.removeprefix("2. "))
    page.keyboard.press("Escape")
    assert "Spørg Vejviser" in focused(page) and launcher.get_attribute("aria-expanded") == "false"
    page.keyboard.press("Enter")
    tab_to(page, "Luk", "Shift+Tab")
    page.keyboard.press("Enter")
    assert "Spørg Vejviser" in focused(page)


def test_what_a_screen_reader_is_told(visit):
    page = visit()
    in_widget(
        page,
        """root => { window.said = []; const log = root.querySelector('[role=log]');
            window.emptyAtFirst = log.getAttribute('aria-live') === 'polite' && !log.childNodes.length;
            new MutationObserver(all => all.forEach(m => m.addedNodes.forEach(n => said.push(n.textContent))))
              .observe(log, {childList: true});
            new MutationObserver(() => said.push('status: ' + root.querySelector('[role=status]').textContent))
              .observe(root.querySelector('[role=status]'), {childList: true}); }""",
    )
    assert page.evaluate("emptyAtFirst")
    ask(opened(page))
    page.get_by_role("link", name="Ring 56 67 67 67").wait_for()
    said = page.evaluate("said")
    hello, mine, writing = said[0], said[1], said[2]
    assert hello.startswith("Vejviser: Hej. Jeg er en chatbot") and "112" in hello and "cpr-numre" in hello
    assert "Læs, hvad vi gemmer" in hello
    assert mine == f"Du skrev: {QUESTION}"
    assert writing == "status: Vejviser skriver …"
    (answer,) = [words for words in said[3:] if words.startswith("Vejviser: ")]
    assert "Specialrådgivningen" in answer
    assert any(re.fullmatch(r"status: Der er (?:én|\d) svarmulighed(?:er)? under svaret\.", words) for words in said)
    # What is folded away is not read: without it the card is a few lines.
    card = page.locator(".card").inner_text()
    assert "56 67 67 67" in card and "barnets lov" not in card and "Kilde" not in card and len(card) < 300


def test_nothing_leaves_the_house_and_nothing_is_kept_before_the_first_message(visit, door):
    page = visit()
    asked = []
    page.on("request", lambda request: asked.append(urlsplit(request.url).netloc))
    page.reload()
    opened(page)
    kept = "[sessionStorage.length, localStorage.length, document.cookie]"
    assert page.evaluate(kept) == [0, 0, ""]
    ask(page)
    assert page.evaluate(kept) == [1, 0, ""]
    assert page.evaluate("Object.keys(sessionStorage)") == ["vejviser-session"]
    assert QUESTION not in page.evaluate("Object.values(sessionStorage).join()")
    assert set(asked) == {urlsplit(door).netloc} and len(asked) > 4
    assert page.context.cookies() == []


def test_the_conversation_goes_on_after_a_reload_and_ends_when_deleted(visit):
    page = ask(opened(visit()))
    session = page.evaluate("sessionStorage['vejviser-session']")
    page.reload()
    opened(page)
    assert page.get_by_text("Du er tilbage i samtalen").is_visible()
    ask(page, "hvilken paragraf?")
    assert "barnets lov § 87" in page.locator(".message.bot").last.inner_text()
    with page.expect_response(lambda r: r.request.method == "DELETE") as deleted:
        page.get_by_role("button", name="Slet samtalen").click()
    assert deleted.value.status == 200 and session in deleted.value.url
    page.get_by_text("Samtalen er slettet.").wait_for()
    assert answers(page) == 1 and page.locator(".message.me").count() == 0
    assert page.evaluate("sessionStorage.length") == 0
    assert focused(page) == "field"


def test_a_municipality_embeds_it_from_another_origin_and_a_stranger_cannot(browser, other_sites):
    known, stranger = other_sites
    page = browser.new_page()
    assert page.goto(known).status == 200
    ask(opened(page))  # no data-kommune: the door knows whose site it is
    page.get_by_role("link", name="Ring 56 67 67 67").wait_for()
    assert page.goto(stranger).status == 200
    ask(opened(page))
    assert "ring 112" in page.locator(".error").inner_text()
    page.close()


def test_two_tags_make_one_widget(visit):
    page = visit(host=host_page(scripts=2))
    page.get_by_role("button", name="Spørg Vejviser").wait_for()
    assert page.locator("vejviser-chat").count() == 1
    assert page.faults == []


def test_a_hostile_page_does_not_reach_in(visit):
    page = opened(visit(host=host_page(HOSTILE)))
    style = in_widget(
        page,
        """root => { const of = n => { const s = getComputedStyle(n);
             return [s.fontSize, s.textTransform, s.letterSpacing, s.fontStyle, s.display !== 'none'] };
             return [of(root.host), of(root.querySelector('.message p')), getComputedStyle(root.host).opacity] }""",
    )
    plain = ["16px", "none", "normal", "normal", True]
    assert style == [plain, plain, "1"]


def test_a_failed_message_keeps_the_text_and_shows_a_number(visit):
    page = opened(visit())
    break_line(page)
    ask(page)
    error = page.locator(".error")
    assert "kom ikke frem" in error.inner_text()
    assert error.get_by_role("link", name="56 67 67 67").get_attribute("href") == "tel:+4556676767"
    assert error.get_by_role("link", name="112").get_attribute("href") == "tel:112"
    assert page.get_by_label("Hvad er svært").input_value() == QUESTION
    page.unroute("**/api/v1/messages")
    page.get_by_role("button", name="Prøv igen").click()
    page.get_by_role("link", name="Ring 56 67 67 67").wait_for()
    assert page.locator(".message.me").count() == 1 and page.locator(".error").count() == 0
    assert page.get_by_label("Hvad er svært").input_value() == ""


def test_what_the_line_loses_is_sent_again_by_itself(visit):
    page = opened(visit())
    tries = []

    def lose_the_first(route):
        tries.append(route.request.post_data_json)
        route.abort() if len(tries) == 1 else route.continue_()

    page.route("**/api/v1/messages", lose_the_first)
    page.get_by_label("Hvad er svært").fill(QUESTION)
    page.keyboard.press("Enter")
    page.get_by_text("Forbindelsen driller. Jeg prøver igen. Er nogen i fare, så ring 112.").wait_for()
    page.get_by_role("link", name="Ring 56 67 67 67").wait_for()
    assert len(tries) == 2 and tries[0] == tries[1]
    assert page.locator(".message.me").count() == 1 and page.locator(".error").count() == 0


def test_what_is_deleted_meanwhile_is_not_sent_again(visit):
    page = opened(visit())
    tries = []
    page.route("**/api/v1/messages", lambda route: (tries.append(route), route.abort()))
    page.get_by_label("Hvad er svært").fill(QUESTION)
    page.keyboard.press("Enter")
    page.get_by_text("Jeg prøver igen").wait_for()
    page.get_by_role("button", name="Slet samtalen").click()
    page.get_by_text("Samtalen er slettet.").wait_for()
    page.wait_for_timeout(2500)  # longer than the first pause
    assert len(tries) == 1 and page.locator(".message.me").count() == 0


def test_a_number_that_arrives_late_still_reaches_the_error(visit):
    page = visit()
    held = []
    page.route("**/api/v1/contact*", lambda route: held.append(route))
    break_line(opened(page))
    ask(page)
    error = page.locator(".error")
    error.get_by_role("link", name="112").wait_for()
    assert error.get_by_role("link").count() == 1
    held[0].continue_()
    assert error.get_by_role("link", name="56 67 67 67").get_attribute("href") == "tel:+4556676767"


def test_offline_is_said(visit):
    page = opened(visit())
    page.wait_for_load_state("networkidle")
    page.context.set_offline(True)
    page.get_by_text("Ingen forbindelse til internettet").wait_for()
    ask(page)
    assert "ikke forbindelse" in page.locator(".error").inner_text()
    assert "56 67 67 67" in page.locator(".error").inner_text()
    page.context.set_offline(False)
    page.get_by_text("Forbindelsen er tilbage").wait_for()


def test_too_many_messages_says_how_long_to_wait(visit):
    page = opened(visit())
    error = json.dumps({"error": {"code": "rate_limited", "message": "For mange beskeder."}})
    page.route(
        "**/api/v1/messages",
        lambda route: route.fulfill(
            status=429, headers={"Retry-After": "17"}, content_type="application/json", body=error
        ),
    )
    ask(page)
    assert "Vent 17 sekunder" in page.locator(".error").inner_text()
    assert page.get_by_label("Hvad er svært").input_value() == QUESTION


def test_slowness_is_said_after_two_seconds(visit):
    page = opened(visit())
    held = []
    page.route("**/api/v1/messages", lambda route: held.append(route))
    page.get_by_label("Hvad er svært").fill(QUESTION)
    page.keyboard.press("Enter")
    page.get_by_text("Vejviser skriver …").wait_for()
    assert page.get_by_text("lidt længere end normalt").count() == 0
    page.get_by_text("lidt længere end normalt").wait_for()
    page.keyboard.press("Enter")  # impatience sends nothing twice
    held[0].continue_()
    page.get_by_role("link", name="Ring 56 67 67 67").wait_for()
    assert len(held) == 1 and page.get_by_text("lidt længere end normalt").count() == 0


def test_what_could_not_be_deleted_stays_and_is_said_with_a_number(visit):
    page = ask(opened(visit()))
    refused = {"error": {"code": "not_forgotten"}}
    page.route("**/api/v1/sessions/*", lambda route: route.fulfill(status=503, json=refused))
    page.get_by_role("button", name="Slet samtalen").click()
    page.get_by_text("Samtalen blev ikke slettet. Prøv igen. Er nogen i fare, så ring 112.").wait_for()
    assert page.locator(".message.me").count() == 1 and page.evaluate("sessionStorage.length") == 1
    page.unroute("**/api/v1/sessions/*")
    page.get_by_role("button", name="Slet samtalen").click()
    page.get_by_text("Samtalen er slettet.").wait_for()


def test_an_answer_to_a_deleted_conversation_is_thrown_away(visit):
    page = opened(visit())
    held = []
    page.route("**/api/v1/messages", lambda route: held.append(route))
    page.get_by_label("Hvad er svært").fill(QUESTION)
    page.keyboard.press("Enter")
    page.get_by_text("Vejviser skriver …").wait_for()
    page.get_by_role("button", name="Slet samtalen").click()
    page.get_by_text("Samtalen er slettet.").wait_for()
    with page.expect_response(lambda r: r.request.method == "DELETE") as deleted:  # what the door now keeps goes too
        held[0].continue_()
    assert deleted.value.status == 200
    assert answers(page) == 1 and page.evaluate("sessionStorage.length") == 0


def test_a_quick_reply_leaves_half_written_words_alone(visit):
    page = ask(opened(visit()))
    before = answers(page)
    page.get_by_label("Hvad er svært").fill("Jeg ville også")
    page.locator(".choices button").first.click()
    page.locator(".message.bot").nth(before).wait_for()
    assert page.get_by_label("Hvad er svært").input_value() == "Jeg ville også"


def test_a_session_the_door_forgot_is_begun_anew(visit):
    page = visit()
    page.evaluate("sessionStorage['vejviser-session'] = 'gammel'")
    page.reload()
    ask(opened(page))
    page.get_by_role("link", name="Ring 56 67 67 67").wait_for()
    assert page.locator(".error").count() == 0 and page.evaluate("sessionStorage['vejviser-session']") != "gammel"


def test_text_from_the_door_is_never_html(visit):
    page = opened(visit())
    reply = {
        "session": "x",
        "messages": [
            {
                "text": "<img src=x onerror=alert(1)> javascript:alert(1) https://koege.dk/a.",
                "buttons": [{"title": "<b>fed</b>", "payload": "x"}],
                "answer": None,
            }
        ],
    }
    page.route("**/api/v1/messages", lambda route: route.fulfill(status=200, json=reply))
    ask(page)
    assert page.locator("vejviser-chat img, vejviser-chat b").count() == 0
    assert "<img src=x" in page.locator(".message.bot").last.inner_text()
    assert page.get_by_role("button", name="1. <b>fed</b>").is_visible()
    links = page.locator(".message.bot").last.locator("a")
    assert [link.get_attribute("href") for link in links.all()] == ["https://koege.dk/a"]


def test_danger_shows_numbers_to_press(visit):
    page = ask(opened(visit()), "hun vil tage sit eget liv")
    calls = page.locator(".lines .call")
    assert calls.first.get_attribute("href") == "tel:112" and calls.count() >= 2  # by day the doctor on call is closed


@pytest.mark.parametrize("size", [(320, 640), (320, 256)])
def test_narrow_and_low_windows(visit, size):
    page = ask(opened(visit(viewport={"width": size[0], "height": size[1]})))
    page.get_by_role("link", name="Ring 56 67 67 67").wait_for()
    found = in_widget(
        page,
        """root => { const panel = root.querySelector('.panel'), box = panel.getBoundingClientRect();
          const areas = [...root.querySelectorAll('*')].filter(n => n.localName !== 'textarea' &&
            n.scrollHeight > n.clientHeight + 1 && ['auto', 'scroll'].includes(getComputedStyle(n).overflowY));
          const small = [...root.querySelectorAll('button, .call, summary, textarea, select, input')]
            .filter(n => n.getClientRects().length && (n.getBoundingClientRect().height < 44
              || n.getBoundingClientRect().width < 44)).map(n => n.textContent);
          const answer = [...root.querySelectorAll('.bot')].pop().getBoundingClientRect();
          return {box: [box.x, box.y, box.width, box.height], wide: panel.scrollWidth > panel.clientWidth,
                  areas: areas.length, small, answer: answer.top} }""",
    )
    assert found["box"] == [0, 0, *size]
    assert not found["wide"] and found["areas"] == 1 and found["small"] == []
    assert 0 <= found["answer"] < size[1] / 2  # an answer's beginning is what one sees


def test_text_spacing_cuts_nothing_off(visit):
    page = ask(opened(visit(**PHONE)))
    cut = in_widget(
        page,
        """root => { const sheet = new CSSStyleSheet();
          sheet.replaceSync('*{line-height:1.5!important;letter-spacing:.12em!important;word-spacing:.16em!important}'
            + 'p{margin-bottom:2em!important}');
          root.adoptedStyleSheets = [...root.adoptedStyleSheets, sheet];
          return [...root.querySelectorAll('.panel *:not(.hidden)')].filter(n => n.getClientRects().length &&
            n.localName !== 'textarea' && n.scrollWidth > n.clientWidth + 1 && n.clientWidth > 0)
            .map(n => n.className || n.localName) }""",
    )
    assert cut == []
    page.screenshot(path=SHOTS / "320-text-spacing.png")


def test_feedback_and_corrections_are_kept_without_what_is_private(visit, database):
    page = ask(opened(visit("/?kommune=0851")))
    page.get_by_role("button", name="Nej", exact=True).click()
    page.get_by_label("Hvad manglede?").fill("Jeg hed 010150-1234 og manglede svartiden")
    page.keyboard.press("Enter")
    page.get_by_text("Tak for svaret").wait_for()
    page.get_by_role("button", name="Passer det ikke?").click()
    page.get_by_label("Hvad passer ikke?").select_option("phone")
    page.get_by_label("Hvad er rigtigt?").fill("Nummeret virker ikke, skriv til mor@hjemme.dk")
    page.get_by_role("button", name="Send rettelse").click()
    page.get_by_text("Rettelsen er sendt").wait_for()
    with Session(make_engine(database), future=True) as session:
        about = {"municipality_code": "0851", "topic": "tabt_arbejdsfortjeneste", "facet": "where"}
        (count,) = session.execute(select(Feedback).filter_by(**about)).scalars()
        assert (count.helped, count.not_helped) == (0, 1)
        (reason,) = session.execute(select(FeedbackReason).filter_by(**about)).scalars()
        assert reason.reason == "Jeg hed [fjernet] og manglede svartiden"
        report = session.execute(select(CorrectionReport).filter_by(field="phone")).scalars().one()
        assert report.message == "Nummeret virker ikke, skriv til [fjernet]" and not report.resolved


def test_copy_and_print(visit):
    page = ask(opened(visit(permissions=["clipboard-read", "clipboard-write"])))
    page.get_by_role("button", name="Kopiér").click()
    page.get_by_text("Samtalen er kopieret").wait_for()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert f"Du skrev: {QUESTION}" in copied and "56 67 67 67" in copied and "barnets lov § 87" in copied
    with page.context.expect_page() as opening:
        page.get_by_role("button", name="Udskriv").click()
    view = opening.value
    assert "56 67 67 67" in view.locator("main").inner_text() and view.locator("h1").inner_text().startswith("Vejviser")


def test_english_words_around_danish_answers(visit):
    page = visit(host=host_page().replace("data-kommune", 'data-sprog="en" data-kommune'))
    page.get_by_role("button", name="Ask Vejviser").click()
    page.get_by_text("I am a chatbot").wait_for()
    page.get_by_label("What is difficult").fill(QUESTION)
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Call 56 67 67 67").wait_for()
    assert page.get_by_role("button", name="Delete conversation").is_visible()
    assert page.locator(".message.bot div[lang=da]").count() == 1


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_site_may_choose_light_or_dark(visit, theme):
    other = "dark" if theme == "light" else "light"
    page = opened(
        visit(host=host_page().replace("data-kommune", f'data-tema="{theme}" data-kommune'), color_scheme=other)
    )
    ground = in_widget(page, "root => getComputedStyle(root.querySelector('.panel')).backgroundColor")
    assert ground == {"light": "rgb(255, 255, 255)", "dark": "rgb(20, 25, 31)"}[theme]


def test_forced_colours_have_real_borders_and_nothing_moves(visit):
    page = opened(visit(forced_colors="active", reduced_motion="reduce"))
    assert in_widget(
        page,
        """root => ['.panel', '.message', '.tools button', 'textarea'].every(q => {
             const s = getComputedStyle(root.querySelector(q));
             return parseFloat(s.borderTopWidth) >= 1 && s.borderTopStyle === 'solid'; })""",
    )
    assert page.evaluate("document.getAnimations().length") == 0
    page.keyboard.press("Tab")
    ring = in_widget(page, "root => getComputedStyle(root.activeElement).outlineWidth")
    assert ring == "3px"


def test_the_knowledge_is_there_without_javascript(visit):
    page = visit("/kommune/", java_script_enabled=False)
    page.get_by_role("link", name="Køge").click()
    page.get_by_role("link", name="Tabt arbejdsfortjeneste", exact=True).click()
    main = page.locator("main").inner_text()
    assert "Specialrådgivningen" in main and "barnets lov § 87" in main and "Ankestyrelsen" in main
    assert page.get_by_role("link", name="56 67 67 67").first.get_attribute("href") == "tel:+4556676767"
    page.emulate_media(media="print")
    assert not page.get_by_role("navigation").is_visible()


def test_the_committed_file_is_a_fresh_build_and_small(node_modules, tmp_path):
    fresh = tmp_path / "widget.js"
    subprocess.run(["npm", "run", "-s", "check"], cwd=WIDGET, check=True)
    subprocess.run(["node", "build.mjs", str(fresh)], cwd=WIDGET, check=True, capture_output=True)
    committed = (WIDGET.parent / "bot" / "edge" / "static" / "widget.js").read_bytes()
    assert fresh.read_bytes() == committed, "run: cd widget && npm run build"
    assert len(gzip.compress(committed, 9)) < 15_000
