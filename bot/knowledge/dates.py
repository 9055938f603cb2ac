"""How long somebody says they have waited: "siden marts", "i fem måneder", "for tre uger siden"."""

from __future__ import annotations

import datetime as dt
import re

_MONTHS = "januar februar marts april maj juni juli august september oktober november december".split()
_NUMBERS = {word: n for n, word in enumerate("en to tre fire fem seks syv otte ni ti elleve tolv".split(), 1)} | {
    "et": 1,
    "halvandet": 1.5,
    "halvanden": 1.5,
    "et halvt": 0.5,
    "et par": 2,
}
_WEEKS = {"dag": 1 / 7, "uge": 1.0, "måned": 4.345, "mdr": 4.345, "år": 52.18}
_COUNT = rf"(\d{{1,2}}|{'|'.join(sorted(_NUMBERS, key=len, reverse=True))})"
_UNIT = r"(dag|uge|måned|mdr|år)\w*"
_WAITED = re.compile(
    rf"\b(?:vent\w*|gået|hørt (?:ikke noget|intet)|søgt|søgte|sendt|sendte|rykket)\b[^.!?]{{0,40}}?\b"
    rf"(?:i|for|over|på) (?:snart |nu |over |mere end |næsten )?{_COUNT} {_UNIT}\b",
    re.IGNORECASE,
)
_GONE = re.compile(rf"\bder er (?:nu )?gået {_COUNT} {_UNIT}\b", re.IGNORECASE)
_SINCE = re.compile(
    rf"\bsiden ({'|'.join(_MONTHS)})\b|\b(?:søgte|sendte|søgt|sendt)\b[^.!?]{{0,40}}? i ({'|'.join(_MONTHS)})\b",
    re.IGNORECASE,
)


def weeks_waited(text: str, today: dt.date) -> float | None:
    """Return the weeks a text says they have waited for an answer, or None when it does not say.

    A month without a year is the last one that began before today.
    """
    if match := _GONE.search(text) or _WAITED.search(text):
        count = _NUMBERS.get(match[1].casefold()) or float(match[1])
        return float(count) * _WEEKS[match[2].casefold()]
    if match := _SINCE.search(text):
        month = _MONTHS.index((match[1] or match[2]).casefold()) + 1
        year = today.year if month < today.month else today.year - 1
        return (today - dt.date(year, month, 1)).days / 7
    return None
