"""Makes a message safe to handle: no control or zero-width characters, one kind of white space, composed letters."""

from __future__ import annotations

import unicodedata

_ODD = {"Cc", "Cf", "Co", "Cs"}


def tidy(text: str) -> str:
    """Return the text in NFC without control and format characters; runs of white space become one space."""
    composed = unicodedata.normalize("NFC", text)
    return " ".join(
        "".join(
            " " if c.isspace() else c for c in composed if c.isspace() or unicodedata.category(c) not in _ODD
        ).split()
    )
