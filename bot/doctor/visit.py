"""One visit of the doctor: everything that can be seen from where it stands, in the order one would mend it."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

import httpx
from sqlalchemy.exc import ArgumentError

from bot.doctor import Finding, fault, inside, outside, questions, skipped
from bot.edge.settings import Settings, SettingsError
from bot.knowledge.database import make_engine

SECONDS = 20.0


def is_inside(url: str) -> bool:
    """Return whether we seem to stand where the installation is: it is this machine's, or its database is named."""
    return urlsplit(url).hostname in {"127.0.0.1", "localhost", "::1"} or "VEJVISER_DATABASE_URL" in os.environ


def visit(url: str, codes: Sequence[str], within: bool, now: dt.datetime, asks: bool = True) -> Iterator[Finding]:
    """Yield the findings for the installation at `url`; `within`: its settings, database and disk are here."""
    secret = None
    if within:
        with contextlib.suppress(SettingsError):  # told by the look inside
            secret = Settings.read().secret
        try:
            engine = make_engine()
        except (ArgumentError, ImportError, ValueError) as error:
            yield fault("Database", f"VEJVISER_DATABASE_URL kan ikke læses ({type(error).__name__})", "Ret den.")
        else:
            yield from inside.look(inside.Inside(os.environ, engine, now))
    else:
        yield skipped("Indstillinger, database, disk, model, sikkerhedskopi", "kan kun ses inde i anlægget")
    with httpx.Client(base_url=url, timeout=SECONDS) as client:
        found = list(outside.look(client, now, within))
        yield from found
        if not asks:
            yield skipped("Spørgsmål", "blev ikke stillet")
        elif any(finding.state == "fault" and finding.name == "Dør" for finding in found):
            yield skipped("Spørgsmål", "ingen at spørge")
        else:
            yield from questions.ask(client, codes, secret)
