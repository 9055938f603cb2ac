"""Sections of the law as people write them, and what carries the same help today."""

import pytest

from bot.knowledge.laws import LawBook


@pytest.fixture(scope="module")
def book(directory):
    return LawBook(directory)


@pytest.mark.parametrize(
    "text, section, topic",
    [
        ("afslag på § 85", "85", "bostoette"),
        ("min søn fik en §99 medarbejder", "99", "stoette_kontaktperson"),
        ("paragraf 42 om tabt løn", "42", "tabt_arbejdsfortjeneste"),
        ("et par. 107 tilbud", "107", "botilbud_midlertidigt"),
        ("hun har SEL 85 to timer om ugen", "85", "bostoette"),
        ("vi gik til 82b i foråret", "82 b", "gruppe_og_individuelle_forloeb"),
        ("efter servicelovens § 103", "103", "beskyttet_beskaeftigelse"),
        ("§ 11 a, stk. 2 i retssikkerhedsloven", "11 a", "samtykke_tavshedspligt"),
        ("paragraffen 141, stk. 1 i sundhedsloven", "141", "alkoholbehandling"),
    ],
)
def test_a_section_leads_to_its_topic(book, text, section, topic):
    (found,) = book.find(text)
    assert found.section == section and found.topics[0] == topic


@pytest.mark.parametrize(
    "text, today",
    [
        ("servicelovens § 42", "barnets lov § 87"),
        ("§ 41 i serviceloven", "barnets lov § 86"),
        ("efterværn efter SEL 76", "barnets lov §§ 113-116"),
        ("barnets lov § 87", None),
        ("servicelovens § 85", None),
    ],
)
def test_an_old_section_names_the_one_that_took_its_place(book, text, today):
    (found,) = book.find(text)
    assert found.today == today


@pytest.mark.parametrize("text", ["han er 82 år", "vi fik 41 timer", "det koster 85 kr", "ring 112", "siden 2023"])
def test_numbers_are_not_sections(book, text):
    assert book.find(text) == []


def test_several_sections_stand_in_their_order(book):
    assert [law.section for law in book.find("først § 85 og så § 107, sagde de, og § 85 igen")] == ["85", "107"]


def test_an_unknown_section_has_no_topic(book):
    (found,) = book.find("§ 999 i serviceloven")
    assert found.topics == ()
