"""`vejviser doctor`: looks a running installation over and says, in plain Danish, what to do about each fault.

`inside` sees what stands behind the door (settings, database, model, disk), `outside` what anybody sees of it, and
`questions` asks it one thing for each municipality. Each look gives findings and never raises for a fault it is there
to find.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "fault", "note", "skipped"]
_SAID = {"ok": "ok   ", "fault": "FEJL ", "note": "obs  ", "skipped": "-    "}


@dataclass(frozen=True)
class Finding:
    """What was looked at, how it is, and what to do. Only a `fault` makes an installation unwell."""

    name: str
    state: State
    said: str
    remedy: str | None = None

    def __str__(self) -> str:
        line = f"{_SAID[self.state]} {self.name}: {self.said}"
        return f"{line}\n      Gør sådan: {self.remedy}" if self.remedy else line


def fine(name: str, said: str) -> Finding:
    """Return that all is well."""
    return Finding(name, "ok", said)


def fault(name: str, said: str, remedy: str) -> Finding:
    """Return what must be mended, and how."""
    return Finding(name, "fault", said, remedy)


def note(name: str, said: str, remedy: str | None = None) -> Finding:
    """Return what one should know, though nothing is broken."""
    return Finding(name, "note", said, remedy)


def skipped(name: str, why: str) -> Finding:
    """Return that this cannot be seen from here."""
    return Finding(name, "skipped", why)
