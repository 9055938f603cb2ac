"""Departments that a message names, by kind and by local name, and when that decides the answer."""

import pytest

from bot.answers.conversation import State, Understood, answer_turn
from bot.knowledge.departments import DepartmentMention, DepartmentNames
from tests.conftest import MONDAY


@pytest.fixture(scope="module")
def names(directory):
    return DepartmentNames(directory)


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("hvornår har jobcentret i Køge åbent", ["jobcenter"]),
        ("nummeret til ppr?", ["ppr"]),
        ("familieafdelingens telefontid", ["familieafdeling"]),
        ("jeg har ringet til både jobcenteret og ydelseskontoret", ["ydelsesafdeling", "jobcenter"]),
        ("Boerne- og familieafdelingen", ["familieafdeling"]),
        ("min søn vil ikke i skole", []),
        ("det supper jeg på", []),
    ],
)
def test_kinds_of_department_are_found_in_any_inflection(names, text, kinds):
    assert [mention.type for mention in names.find(text)] == kinds


def test_a_local_name_counts_in_its_own_municipality(names, directory):
    local = next(org for org in directory.organizations if org.name == "Center for Børne- og Ungerådgivning (Vagten)")
    text = "hvad er telefonnummeret til Center for Børne- og Ungerådgivning"
    assert names.find(text, "0151") == [DepartmentMention("familieafdeling", local.name, "0151")]
    assert names.find(text) == names.find(text, "0151") and names.find(text, "0259") == []


def test_the_department_whose_number_is_asked_for_is_answered_with(names, directory):
    def turn(text, facets):
        heard = Understood(
            text,
            topics=[("bostoette", 0.5), ("fleksjob", 0.2)],
            facets=facets,
            municipality="0259",
            departments=names.find(text, "0259"),
        )
        return answer_turn(heard, State(), directory, MONDAY)[0].answer

    asked = turn("hvornår har jobcentret i Køge åbent", ["hours"])
    assert asked.department.type == "jobcenter" and asked.topic == "fleksjob"
    assert turn("hvad er nummeret til ydelseskontoret i Køge", ["contact"]).department.type == "ydelsesafdeling"
    # Named in passing, it is part of the story.
    assert turn("jobcentret siger, at han skal have bostøtte", ["where"]).topic == "bostoette"
