"""The same topic, another department: what the person tells decides."""

import pytest

from bot.answers.find import find_answer
from bot.knowledge.situations import situated_department
from tests.conftest import MONDAY


@pytest.mark.parametrize(
    "topic, text, age, department",
    [
        ("tvangsindlaeggelse", "han blev indlagt med tvang i mandags, hvordan klager han", None, "sengeafsnit"),
        ("tvangsindlaeggelse", "kan hun tvangsindlægges", None, None),
        ("aflastning_voksne", "min mand har demens og går om natten", None, "pleje_omsorg"),
        ("aflastning_voksne", "jeg passer min mor", 82, "pleje_omsorg"),
        ("aflastning_voksne", "jeg passer min søn", 30, None),
        ("tolk", "til mødet på jobcentret", None, "jobcenter"),
        ("samtykke_tavshedspligt", "afdelingen vil ikke sige noget", None, "sengeafsnit"),
        ("bostoette", "hun aflyser hver uge, hvem er chef for dem", None, "handicap_psykiatri"),
        ("bostoette", "kan min bror få støtte", None, None),
        ("akut_psykiatri", "hvor kører vi hen", 15, "boerne_ungdomspsykiatri"),
    ],
)
def test_the_first_rule_that_fits_decides(directory, topic, text, age, department):
    assert situated_department(directory, topic, text, age) == department


def test_the_answer_names_the_department_of_the_situation(directory):
    usual = find_answer(directory, "tvangsindlaeggelse", "0259", now=MONDAY)
    inside = find_answer(directory, "tvangsindlaeggelse", "0259", now=MONDAY, department_type="sengeafsnit")
    assert usual.department.type == "almen_praksis"
    assert inside.department.type == "sengeafsnit" and inside.department.level == "regional"


@pytest.mark.parametrize("code", ["0101", "0259", "0390", "0751", "0825"])
def test_every_rule_leads_to_a_department_everywhere(directory, code):
    for topic, rules in directory.situation_rules.items():
        for rule in rules:
            answer = find_answer(directory, topic, code, now=MONDAY, department_type=rule.department_type)
            assert answer.department.type == rule.department_type
            assert answer.department.phone or answer.helplines or answer.department.level == "health"
