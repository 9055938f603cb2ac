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


def tidy_part(text: str) -> str:
    """Return the text as `tidy` does, but with a space at the end where it was cut beside one."""
    tidied = tidy(text)
    return f"{' ' * text[:1].isspace()}{tidied}{' ' * text[-1:].isspace()}" if tidied else " "
