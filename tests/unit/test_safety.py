import pytest

from bot.safety.crisis import is_crisis


@pytest.mark.parametrize(
    "text",
    [
        "min søn siger at han vil tage sit eget liv",
        "jeg gider ikke leve mere",
        "hun har taget en overdosis",
        "hvor søger jeg bostøtte, min datter har selvmordstanker",
        "min mand slår mig lige nu",
        "han truer os med en kniv",
        "I want to kill myself",
    ],
)
def test_danger_is_seen_without_a_model(text):
    assert is_crisis(text)


@pytest.mark.parametrize(
    "text",
    [
        "jeg er ved at dø af træthed",
        "min bror begik selvmord for tre år siden, hvor finder jeg en sorggruppe",
        "findes der et kursus i selvmordsforebyggelse",
        "han er ikke selvmordstruet, men han kommer ikke ud af sengen",
        "min datter skal have hjælp til at gøre rent",
        "hvem kan tvangsindlægge min søn",
    ],
)
def test_the_past_and_figures_of_speech_are_not_danger(text):
    assert not is_crisis(text)
