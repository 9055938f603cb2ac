"""What a volunteer finds while the caller talks: by words, by card, side by side, read aloud, as an SMS with a yes."""

import re
import threading

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.answers.find import find_answer
from bot.answers.search import Index, index
from bot.answers.text import say_aloud
from bot.helpline.app import create_app
from bot.knowledge.database import make_engine
from bot.knowledge.directory import Directory
from bot.knowledge.models import FACETS
from bot.knowledge.sms import SmsOutbound
from tests.conftest import CLOCKS, MONDAY
from tests.helpline.conftest import NOBODY, SMS, enter, token_of
from tests.unit.test_language import PROMISES


@pytest.fixture(scope="module")
def words(directory):
    return Index(directory)


@pytest.mark.parametrize(
    "typed, topic",
    [
        ("tabt", "tabt_arbejdsfortjeneste"),
        ("tabt arb", "tabt_arbejdsfortjeneste"),
        ("TABT ARBEJDSFORTJENESTE", "tabt_arbejdsfortjeneste"),
        ("§ 42", "tabt_arbejdsfortjeneste"),
        ("42", "tabt_arbejdsfortjeneste"),
        ("barnets lov § 87", "tabt_arbejdsfortjeneste"),
        ("sel 85", "bostoette"),
        ("bostøt", "bostoette"),
        ("bostoette", "bostoette"),
        ("bostøte", "bostoette"),
        ("efterværn", "eftervaern"),
        ("skp", "stoette_kontaktperson"),
        ("kontanthj", "kontanthjaelp"),
    ],
)
def test_the_first_hit_is_the_one_meant(words, directory, typed, topic):
    assert topic in directory.topics
    assert words.find(typed).hits[0].topic == topic


def test_every_name_word_and_paragraph_of_the_table_finds_its_topic(words, directory):
    missed = []
    for word in directory.words:
        hits = words.find(word.word)
        if hits.municipality is None and word.topic not in [hit.topic for hit in hits.hits]:
            missed.append(word.word)
    assert len(missed) < len(directory.words) * 0.02, missed


def test_at_most_nine_each_topic_once(words):
    for typed in ("a", "be", "hj", "stø", "§"):
        topics = [hit.topic for hit in words.find(typed).hits if hit.topic]
        assert len(words.find(typed).hits) <= 9 and len(topics) == len(set(topics))


def test_a_municipality_in_the_words_is_heard(words):
    found = words.find("tabt arbejdsfortjeneste køge")
    assert (found.municipality, found.hits[0].topic) == ("0259", "tabt_arbejdsfortjeneste")


def test_an_old_section_says_what_it_is_called_now(words):
    assert words.find("§ 42").today == "barnets lov § 87"


def test_a_department_is_found_by_its_name_in_its_own_municipality(words):
    assert words.find("specialråd", "0259").hits[0].topic == "tabt_arbejdsfortjeneste"
    assert words.find("specialråd", "0851").hits == []


def test_a_word_of_the_system_is_explained(words):
    (hit,) = [hit for hit in words.find("partshøring").hits if hit.topic is None][:1]
    assert hit.explained and hit.why == "ordforklaring"


def test_nonsense_finds_nothing(words):
    for typed in ("", " ", "qwzx", "\u0000", "§§§", "%", "' OR 1=1"):
        assert words.find(typed).hits == [], typed


def test_the_index_is_made_once_however_many_ask_and_anew_for_a_new_table(database):
    one, other = (Directory.read(make_engine(database)) for _ in range(2))
    first = index(one)
    assert index(one) is first
    barrier, met = threading.Barrier(8), []

    def ask():
        barrier.wait()
        met.append(index(other))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert len(set(map(id, met))) <= 2 and {found.directory for found in met} <= {one, other}
    assert index(other).directory is other and index(other) is index(other)


# -- read aloud --------------------------------------------------------------------------------------------------


def test_two_sentences_without_a_promise_for_every_topic_everywhere(directory):
    for now in (MONDAY, CLOCKS["sunday evening"]):
        for code in ("0259", "0730", "0390", "0101", "0400", None):
            for topic in directory.topics:
                answer = find_answer(directory, topic, code, now=now, facets=FACETS)
                said = say_aloud(answer)
                ends = re.findall(r"[.!?](?= [A-ZÆØÅ]|$)", re.sub(r"\bkl\.|\bm\.fl\.|\bSkt\.|\btidl\.", "", said))
                assert len(ends) == 2, said
                assert not PROMISES.search(said) and len(said) < 420, said
                phones = answer.department.phones
                if phones and not any(line.phone == "112" for line in answer.helplines) and answer.question is None:
                    assert phones[0].number in said


def test_what_is_read_aloud(directory):
    said = say_aloud(find_answer(directory, "tabt_arbejdsfortjeneste", "0259", now=MONDAY, facets=FACETS))
    assert said == (
        "Ring til Køge Kommunes hovednummer på 56 67 67 67, og spørg efter Familiecenter Køge, Specialrådgivningen, "
        "men nummeret er fra ca. maj 2020 og kan være ændret. "
        "Sig, at det handler om tabt arbejdsfortjeneste efter barnets lov § 87, "
        "og spørg, hvad de skal bruge for at vurdere det."
    )
    assert say_aloud(find_answer(directory, "akut_psykiatri", "0259", now=MONDAY)).startswith("Ring 112, hvis nogen")


# -- the page ----------------------------------------------------------------------------------------------------


@pytest.fixture
def vera(console):
    return enter(console, "vera")


def asks(client, path, q, kommune=None):
    headers = {"X-CSRFToken": token_of(client, "/mig")}
    return client.post(path, json={"q": q, "kommune": kommune}, headers=headers)


def test_answers_come_as_one_types(vera):
    found = asks(vera, "/opslag/soeg", "tabt arb", "køge").get_json()
    assert found["hits"][0]["title"] == "Tabt arbejdsfortjeneste"
    assert found["municipality"] == {"code": "0259", "name": "Køge"}
    assert asks(vera, "/opslag/soeg", "bostøtte i Aalborg", "Køge").get_json()["municipality"]["name"] == "Aalborg"


@pytest.mark.parametrize("body", [[], {"q": 1}, {"q": "x", "kommune": 259}, {}])
def test_a_question_that_is_none_is_refused(vera, body):
    answer = vera.post("/opslag/soeg", json=body, headers={"X-CSRFToken": token_of(vera, "/mig")})
    assert answer.status_code == 400


def test_without_the_assistant_words_still_find_and_danger_is_still_heard(vera):
    heard = asks(vera, "/opslag/forstaa", "hun vil tage sit eget liv").get_json()
    assert heard["silent"] and any("112" in line for line in heard["danger"])


def test_the_card_says_what_a_caller_needs(vera):
    page = vera.get("/opslag?emne=tabt_arbejdsfortjeneste&kommune=Køge").text
    for said in (
        "Tabt arbejdsfortjeneste i Køge",
        "Familiecenter Køge, Specialrådgivningen",
        "tel:+4556676767",
        "Sig det sådan",
        "barnets lov § 87 (til 2023: serviceloven § 42)",
        "Svartid",
        "inden 4 uger",
        "Bed om",
        "Nummeret er fra ca. maj 2020",
    ):
        assert said in page, said


def test_two_municipalities_stand_side_by_side(vera):
    page = vera.get("/opslag?emne=bostoette&kommune=0259&ogsaa=Aalborg").text
    assert page.count("<article") == 2 and "i Køge</h2>" in page and "i Aalborg</h2>" in page
    assert vera.get("/opslag?emne=bostoette&kommune=0259&ogsaa=Køge").text.count("<article") == 1


def test_every_topic_has_a_card_with_and_without_a_place(vera, directory):
    for topic in directory.topics:
        for place in ("", "0259", "0400"):
            answer = vera.get("/opslag", query_string={"emne": topic, "kommune": place})
            assert answer.status_code == 200 and "Sig det sådan" in answer.text, topic


def test_a_place_that_is_none_is_said_with_near_ones(vera):
    page = vera.get("/opslag?emne=bostoette&kommune=Køgge<b>").text
    assert "Vi kender ikke kommunen" in page and "Køge" in page and "<b>" not in page
    assert vera.get("/opslag?emne=findes_ikke").status_code == 404


# -- as an SMS ---------------------------------------------------------------------------------------------------


def test_no_sms_where_nothing_can_send_one(console, vera):
    assert "sms" not in vera.get("/opslag?emne=bostoette&kommune=0259").text
    assert "lookup_sms" not in console.view_functions


def test_an_sms_goes_only_with_the_callers_yes(table, clock):
    app = create_app(NOBODY, NOBODY, table, clock=clock, secret="test", limited=False, sms=SMS)
    engine = make_engine(table)

    def queued():
        with Session(engine, future=True) as session:
            return [row.text for row in session.execute(select(SmsOutbound)).scalars()]

    vera = enter(app, "vera")
    assert 'name="samtykke"' in vera.get("/opslag?emne=bostoette&kommune=0259").text
    body = {"emne": "bostoette", "kommune": "0259", "nummer": "20 12 34 56", "csrf_token": token_of(vera, "/mig")}
    assert "Spørg, om det er i orden" in vera.post("/opslag/sms", data=body, follow_redirects=True).text
    wrong = vera.post("/opslag/sms", data={**body, "samtykke": "ja", "nummer": "112"}, follow_redirects=True)
    assert "otte cifre" in wrong.text and queued() == []
    done = vera.post("/opslag/sms", data={**body, "samtykke": "ja"}, follow_redirects=True)
    assert "er på vej" in done.text
    (text,) = queued()
    assert "Køge" in text and "56676767" in text and re.search(r"Svar [A-Z0-9]{5} for at skrive videre", text)
    assert "20123456" not in enter(app, "anna").get("/spor").text
    assert enter(app, "rie").post("/opslag/sms", data=body).status_code == 403
