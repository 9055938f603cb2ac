"""Who, under which law, and does anybody answer now: the look-up, without a conversation."""

import datetime as dt

import pytest

from bot.answers.find import find_answer
from bot.answers.text import render
from bot.knowledge.directory import UnknownMunicipality, UnknownTopic
from bot.knowledge.hours import COPENHAGEN
from bot.knowledge.models import FACETS
from tests.conftest import CLOCKS, MONDAY

KOEGE, RANDERS, KOEBENHAVN = "0259", "0730", "0101"


def find(directory, topic, municipality=KOEGE, **options):
    return find_answer(directory, topic, municipality, **{"now": MONDAY, **options})


def test_the_first_question_of_the_project(directory):
    answer = find(directory, "tabt_arbejdsfortjeneste")
    assert answer.kind == "answer"
    assert answer.municipality == {"code": "0259", "name": "Køge"}
    assert answer.department.name == "Familiecenter Køge, Specialrådgivningen"
    assert answer.department.match == "topic"
    assert answer.department.phone == "56 67 67 67"
    assert answer.department.phones[0].main
    assert answer.department.open_now is None
    law = answer.legal_basis[0]
    assert (law.law, law.section, law.replaces) == ("barnets lov", "§ 87", "serviceloven § 42")
    assert answer.how_to_apply.steps
    assert answer.sources[0].url.startswith("https://www.koege.dk/")
    text = render(answer)
    for said in (
        "Specialrådgivningen",
        "56 67 67 67",
        "barnets lov § 87 (til 2023: serviceloven § 42)",
        "koege.dk",
        "ved vi ikke",
    ):
        assert said in text


@pytest.mark.parametrize(
    ("topic", "on", "cite"),
    [
        ("tabt_arbejdsfortjeneste", "2023-06-01", "serviceloven § 42"),
        ("tabt_arbejdsfortjeneste", "2023-12-31", "serviceloven § 42"),
        ("tabt_arbejdsfortjeneste", "2024-01-01", "barnets lov § 87"),
        ("merudgifter_boern", "2025-08-31", "barnets lov § 86"),
        ("plejevederlag", "2025-06-30", "serviceloven §§ 119-122"),
        ("plejevederlag", "2025-07-01", "ældreloven § 23"),
        ("kontanthjaelp", "2025-06-30", "aktivloven §§ 22-25"),
    ],
)
def test_the_law_of_a_date(directory, topic, on, cite):
    answer = find(directory, topic, on=dt.date.fromisoformat(on))
    assert f"{answer.legal_basis[0].law} {answer.legal_basis[0].section}" == cite


def test_low_confidence_is_never_shown(directory):
    for topic in directory.topics:
        for source in find(directory, topic).sources:
            assert source.confidence != "low"
    sections = [law.section for law in find(directory, "bostoette").legal_basis]
    assert "§ 85" in sections and "§ 85 a, stk. 3-6" not in sections
    assert "dukh" not in directory.helplines


def test_a_stale_number_stands_behind_the_main_number_and_says_its_age(directory):
    department = find(directory, "bostoette").department
    assert [phone.main for phone in department.phones] == [True, False]
    assert department.phones[1].number == "56 67 26 71"
    assert "Nummeret er fra 17. april 2023 og kan være ændret." in render(find(directory, "bostoette"))


def test_where_the_main_number_is_missing_the_answer_says_so_and_still_has_a_number(directory):
    answer = find(directory, "tabt_arbejdsfortjeneste", RANDERS)
    assert answer.department.name == "Myndighed Børn & Unge Handicap"
    assert answer.department.main_number_missing
    assert answer.department.website == "randers.dk"
    text = render(answer)
    assert "Hovednummeret til Randers Kommune kender vi ikke. Se randers.dk." in text
    assert answer.department.phone in text and "spørg efter Myndighed Børn & Unge Handicap" in text
    assert "Det er en anden afdeling. Bed om at blive stillet om." in text and "39 25 25 25" in text


def test_a_childrens_number_is_not_given_for_an_adults_matter(directory):
    answer = find(directory, "foertidspension", RANDERS)
    assert answer.department.phone is None
    assert "39 25 25 25" in render(answer)


def test_without_a_municipality_the_kind_of_department_and_the_question(directory):
    answer = find(directory, "tabt_arbejdsfortjeneste", None)
    assert (answer.kind, answer.question) == ("clarify", "municipality")
    assert answer.department.generic and answer.department.type == "familieafdeling"
    text = render(answer)
    assert "Børne- og familieafdeling" in text and "Hvilken kommune" in text and "barnets lov § 87" in text


def test_national_offices_need_no_municipality(directory):
    answer = find(directory, "vaergemaal", None)
    assert answer.kind == "answer" and answer.department.name == "Familieretshuset"
    assert "Nummeret kender vi ikke" in render(answer) and answer.helplines


def test_regional_topics_go_by_the_region(directory):
    assert "Slagelse" in find(directory, "akut_psykiatri").department.name
    aalborg = find(directory, "akut_psykiatri", "0851")
    assert aalborg.helplines[1].phone == "70 15 03 00"
    assert [line.phone for line in find(directory, "akut_psykiatri").helplines] == ["112", "1818"]


@pytest.mark.parametrize(
    ("topic", "age", "becomes"),
    [
        ("aflastning_boern", 17.5, "aflastning_boern"),
        ("aflastning_boern", 18, "aflastning_voksne"),
        ("bostoette", 17, "stoette_til_barn"),
        ("eftervaern", 22.9, "eftervaern"),
        ("eftervaern", 23, "bostoette"),
        ("uddannelsesvejledning", 24, "uddannelsesvejledning"),
        ("uddannelsesvejledning", 25, "mentor_job"),
    ],
)
def test_age_moves_the_topic(directory, topic, age, becomes):
    answer = find(directory, topic, age=age)
    assert answer.topic == becomes
    assert bool(answer.age_note) == (topic != becomes)


def test_departments_for_an_age_are_chosen_by_age(directory):
    younger = find(directory, "familieraadgivning", "0810", age=10).department.name
    older = find(directory, "familieraadgivning", "0810", age=16).department.name
    assert younger == "Familieafdelingen (0-14 år)"
    assert older == "UngeCentret (15-17 år)"


def test_the_general_department_goes_before_its_branches(directory):
    assert find(directory, "underretning", KOEBENHAVN).department.name == "Borgercenter Børn og Unge"


def test_deadlines_are_the_municipalitys_own_or_said_to_be_unknown(directory):
    randers = find(directory, "bostoette", RANDERS, facets=["time"])
    assert randers.processing_time.weeks == 8
    assert "8 uger" in render(randers)
    unknown = find(directory, "tabt_arbejdsfortjeneste", facets=["time"])
    assert unknown.processing_time is None
    assert "Svartiden i Køge kender vi ikke" in render(unknown)
    assert "24 timer" in render(find(directory, "underretning", facets=["time"]))


def test_what_cannot_be_appealed_is_said(directory):
    assert "ikke klage" in render(find(directory, "gruppe_og_individuelle_forloeb", RANDERS, facets=["complaint"]))


def test_hours_are_said_with_the_day(directory):
    sunday = find(directory, "raad_og_vejledning", "0390", facets=["hours"], now=CLOCKS["sunday evening"])
    assert sunday.department.open_now is False
    assert sunday.department.next_opening == "2026-11-23T09:00:00+01:00"
    assert "Den åbner i morgen kl. 9." in render(sunday)
    monday = find(directory, "raad_og_vejledning", "0390", facets=["hours"])
    assert monday.department.open_now is True and "åben nu til kl. 12" in render(monday)


def test_a_day_on_which_municipalities_differ_is_unknown(directory):
    new_years_eve = dt.datetime(2026, 12, 31, 10, 0, tzinfo=COPENHAGEN)
    answer = find(directory, "raad_og_vejledning", "0390", now=new_years_eve)
    assert answer.department.open_now is None
    assert "I dag er det 31. december. Om telefonen er åben i dag, ved vi ikke." in render(answer)
    christmas_eve = find(
        directory, "raad_og_vejledning", "0390", now=dt.datetime(2026, 12, 24, 10, 0, tzinfo=COPENHAGEN)
    )
    assert christmas_eve.department.open_now is False


def test_livslinien_is_shown_without_hours(directory):
    from bot.answers.find import helpline

    line = helpline(directory, "livslinien", MONDAY)
    assert (line.phone, line.hours, line.open_now) == ("70 20 12 01", [], None)


def test_unknown_codes_name_near_ones(directory):
    with pytest.raises(UnknownMunicipality) as error:
        find(directory, "bostoette", "0258")
    assert "Køge (0259)" in error.value.near
    with pytest.raises(UnknownTopic) as error:
        find(directory, "bostotte")
    assert "bostoette" in error.value.near


@pytest.mark.parametrize("clock", CLOCKS)
def test_every_municipality_and_topic_has_an_answer_with_a_number_that_stands_in_the_table(directory, clock):
    """98 x 61 x all facets: nobody leaves without a number or an address, and none is made up."""
    import re

    known = {*directory.phone_numbers}
    for municipality in directory.municipalities:
        for topic in directory.topics:
            answer = find_answer(directory, topic, municipality, now=CLOCKS[clock], facets=FACETS)
            for facet in FACETS:
                answer.facets = [facet]
                text = render(answer)
                said = {
                    number.replace(" ", "")
                    for number in re.findall(r"\b\d\d(?: \d\d){3}\b|\b1\d{2,3}\b(?= ?[,.(])", text)
                }
                numbers = {number for number in said if len(number) == 8 or number in known}
                assert numbers, (municipality, topic, facet, text)
                assert {number for number in said if len(number) == 8} <= known, (municipality, topic, facet)
                assert ".." not in text and "None" not in text, (municipality, topic, facet, text)
