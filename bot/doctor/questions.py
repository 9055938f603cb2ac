"""One real question for each municipality, as a person would ask it, and what must be in the answer."""

from __future__ import annotations

import re
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import httpx

from bot.doctor import Finding, fault, fine, note
from bot.edge.sessions import DOCTOR_HEADER, doctors_mark

# Topics that every municipality handles and no age decides.
QUESTIONS = (
    "Hvor søger jeg tabt arbejdsfortjeneste i {name}?",
    "Min bror har brug for bostøtte. Vi bor i {name} Kommune. Hvem skal jeg ringe til?",
    "hvem kan hjælpe mig som pårørende i {name}",
    "Hvad er telefonnummeret til familierådgivningen i {name}?",
    "min mand drikker for meget, hvor er der alkoholbehandling i {name} kommune?",
    "Hvordan søger man om en støtte-kontaktperson? Vi bor i {name}.",
)
TRIES = 5
LONGEST_WAIT = 90.0
_PHONE = re.compile(r"\b(?:\d\d ){3}\d\d\b")
_REMEDIES = {
    "intet svar": "Se dørens log på det tidspunkt; prøv selv: vejviser ask",
    "nødsvar": "Rasa eller actions svarer ikke i tide. Se deres logs og kurven 'Nødsvar efter årsag'.",
    "ikke et svar": "Sætningen blev ikke forstået. Prøv den selv: vejviser ask. Er det nyt, så meld det som fejl.",
    "forkert kommune": "Se kommunens navne i data/knowledge/national/municipality_aliases.csv.",
    "intet telefonnummer": "Ret kommunens hovednummer i konsollen, med kilde.",
    "ingen kilde": "Ret linjen i konsollen, med kilde og dato.",
}


def ask(
    client: httpx.Client, codes: Sequence[str], secret: str | None, sleep: Callable[[float], None] = time.sleep
) -> Iterator[Finding]:
    """Ask for these municipalities (all when empty), each in a conversation of its own that is deleted afterwards.

    With the installation's `secret` the door does not count them in its statistics. When it asks for patience, it gets
    it.
    """
    rows = client.get("/api/v1/municipalities").json()["municipalities"]
    wanted = [row for row in rows if not codes or row["code"] in codes]
    failed: dict[str, list[str]] = defaultdict(list)
    left = 0
    for number, row in enumerate(wanted):
        text = QUESTIONS[number % len(QUESTIONS)].format(name=row["name"])
        reply = _post(client, text, secret, sleep)
        if reply is None:
            failed["intet svar"].append(row["name"])
            continue
        if why := wrong(reply, row["code"]):
            failed[why].append(row["name"])
        left += not _forget(client, reply["session"], sleep)
    good = len(wanted) - sum(map(len, failed.values()))
    if good:
        yield fine("Spørgsmål", f"{good} af {len(wanted)} kommuner svarer rigtigt, med telefonnummer og kilde")
    for why, names in failed.items():
        yield fault("Spørgsmål", f"{why}: {', '.join(names)}", _REMEDIES[why])
    if left:
        yield fault("Spørgsmål", f"{left} samtaler kunne ikke slettes igen", "De slettes om et døgn. Se dørens log.")
    if secret is None:
        said = f"{len(wanted)} spørgsmål er talt med i tallene, for anlæggets nøgle (VEJVISER_SECRET) er ikke her"
        yield note("Spørgsmål", said, "Kør doctor inde i anlægget, så tælles de ikke med.")


def wrong(reply: dict[str, Any], code: str) -> str | None:
    """Return what a reply lacks, a key of the remedies, or None when it is as it should be."""
    said = [message for message in reply["messages"] if message["answer"]]
    answer = said[0]["answer"] if said else {}
    if answer.get("kind") == "degraded":
        return "nødsvar"
    if answer.get("kind") != "answer":
        return "ikke et svar"
    if (answer["municipality"] or {}).get("code") != code:
        return "forkert kommune"
    if not _PHONE.search(said[0]["text"]):
        return "intet telefonnummer"
    return None if answer["sources"] else "ingen kilde"


def _post(client: httpx.Client, text: str, secret: str | None, sleep: Callable[[float], None]) -> dict[str, Any] | None:
    headers = {DOCTOR_HEADER: doctors_mark(secret)} if secret else {}
    response = _patiently(lambda: client.post("/api/v1/messages", json={"text": text}, headers=headers), sleep)
    if response is None or response.status_code != 200:
        return None
    body: dict[str, Any] = response.json()
    return body


def _forget(client: httpx.Client, session: str, sleep: Callable[[float], None]) -> bool:
    response = _patiently(lambda: client.delete(f"/api/v1/sessions/{session}"), sleep)
    return response is not None and response.status_code == 200


def _patiently(send: Callable[[], httpx.Response], sleep: Callable[[float], None]) -> httpx.Response | None:
    """Return the reply to what is sent; wait as long as a 429 says, and try again. None when nobody answers."""
    for _ in range(TRIES):
        try:
            response = send()
        except httpx.HTTPError:
            return None
        if response.status_code != 429:
            return response
        sleep(min(LONGEST_WAIT, float(response.headers.get("Retry-After") or 1)))
    return response
