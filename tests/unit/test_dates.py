import datetime as dt

import pytest

from bot.knowledge.dates import weeks_waited

TODAY = dt.date(2026, 11, 23)


@pytest.mark.parametrize(
    ("text", "weeks"),
    [
        ("vi har ventet siden marts", 38),
        ("vi har ventet i 5 måneder på svar", 22),
        ("Der er gået tolv uger, og vi har intet hørt", 12),
        ("jeg søgte for tre uger siden", 3),
        ("vi sendte ansøgningen i august", 16),
        ("ventet siden december", 51),
        ("hun har ventet i halvandet år", 78),
    ],
)
def test_how_long_they_have_waited(text, weeks):
    assert round(weeks_waited(text, TODAY)) == weeks


@pytest.mark.parametrize(
    "text", ["hvor lang er ventetiden", "han har været syg i 10 år", "hun bliver 18 i maj", "Køge"]
)
def test_other_spans_are_no_waiting(text):
    assert weeks_waited(text, TODAY) is None
