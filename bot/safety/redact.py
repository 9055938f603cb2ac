"""Takes personal data out of a text before anything stores it, logs it or hands it to Rasa."""

from __future__ import annotations

import re

_CPR = re.compile(r"(?<!\d)(?:0[1-9]|[12]\d|3[01])[ .-]?(?:0[1-9]|1[0-2])[ .-]?\d{2}[ .–-]?[ ]?\d{4}(?!\d)")
_EMAIL = re.compile(r"[^\s@,;]+@[^\s@,;]+\.[a-z]{2,}", re.IGNORECASE)
_PHONE = re.compile(r"(?<![\d-])(?:\+45 ?|0045 ?)?(?:\d ?){7}\d(?![\d-])")


REMOVED = "[fjernet]"


def without_marks(text: str) -> str:
    """Return a redacted text without its marks: a classifier takes "[fjernet]" for a wish to have something removed."""
    return " ".join(text.replace(REMOVED, " ").split())


def redact(text: str, known_numbers: frozenset[str] = frozenset()) -> tuple[str, bool]:
    """Return the text with CPR numbers, e-mail addresses and phone numbers replaced by [fjernet], and whether any was.

    `known_numbers` (digits) are numbers of our own table: they are nobody's personal data and stay.
    """

    def phone(match: re.Match[str]) -> str:
        digits = re.sub(r"\D", "", match[0])[-8:]
        return match[0] if digits in known_numbers else REMOVED

    clean = _CPR.sub(REMOVED, text)
    clean = _EMAIL.sub(REMOVED, clean)
    clean = _PHONE.sub(phone, clean)
    return clean, clean != text
