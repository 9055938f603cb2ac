"""What is said to a person who asked for a human: the offer, the summary to edit, and how the request stands."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict, dataclass, field
from typing import Any

from bot.answers.answer import Callback, Line, PromisedCall
from bot.answers.conversation import CRISIS_LINES, HANDOFF_LINES
from bot.answers.find import helpline, lines
from bot.answers.text import clock
from bot.handoff.models import HandoffRequest
from bot.handoff.promise import WISHES, Promise, interval
from bot.knowledge.directory import Directory
from bot.knowledge.hours import COPENHAGEN

# What is asked, in the person's own voice.
_ASKED = {
    "where": "hvor jeg skal henvende mig",
    "legal": "hvad loven siger",
    "hours": "hvornår de har åbent",
    "contact": "hvordan jeg får fat i dem",
    "how": "hvordan jeg søger",
    "what": "hvad det er",
    "who": "hvem det er for",
    "time": "hvor lang tid det tager",
    "complaint": "hvordan jeg klager",
    "cost": "hvad det koster",
    "documents": "hvilke papirer jeg skal bruge",
}
TAKEN_OVER = "Du skriver nu med et menneske."
LEFT = "Den frivillige er ikke ved chatten mere. Det sidste, du skrev, er måske ikke læst."
GIVEN_BACK = "Du skriver med chatbotten igen."
MISSED = "Vi nåede det desværre ikke til tiden. Det er vi kede af."
CLAIMED = "En frivillig har læst det, du skrev, og ringer til dig."
BEHIND = "Har vi ikke ringet endnu, så er vi forsinkede. Det er vi kede af."
NOBODY = "Der er desværre ingen fri ved chatten."
DANGER = "Er nogen i fare nu, så ring 112."


@dataclass
class Standing:
    """How it stands with a request: what is said about it, and the lines to call when we are late. Moments are ISO."""

    kind: str
    state: str
    text: str
    late: bool
    begins: str
    ends: str
    attempts: int
    as_of: str
    helplines: list[Line] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Return it as the dictionary of the chat API."""
        return asdict(self)


def summary(answer: dict[str, Any]) -> list[str]:
    """Return three lines that tell a volunteer what it is about, from an answer object; the person may change them."""
    topic, place = answer.get("topic_title"), answer.get("municipality")
    asked = [_ASKED[facet] for facet in answer.get("facets") or [] if facet in _ASKED] if topic else []
    return [
        f"Det handler om: {topic or ''}".strip(),
        f"Kommune: {place['name'] if place else ''}".strip(),
        f"Jeg vil gerne vide: {' og '.join(asked[:2])}".strip(),
    ]


def offer(answer: dict[str, Any], promises: list[Promise], chat: bool, now: dt.datetime) -> Callback | None:
    """Return what can be offered beside an answer, or None when it is nothing."""
    if not promises and not chat:
        return None
    return Callback(summary(answer), calls(promises, now), chat)


def calls(promises: list[Promise], now: dt.datetime) -> list[PromisedCall]:
    """Return intervals as they are shown."""
    return [
        PromisedCall(kept.wish, WISHES[kept.wish], _iso(kept.begins), _iso(kept.ends), kept.said(now))
        for kept in promises
    ]


def standing(request: HandoffRequest, directory: Directory | None, now: dt.datetime) -> Standing:
    """Return how it stands with a request. Whoever is left waiting is given lines that are open instead."""
    late = is_late(request, now)
    alone = late or request.state in ("unreached", "expired")
    said = _chat(request, late) if request.kind == "chat" else _call(request, late, now)
    shown: list[Line] = []
    if directory is not None and alone:
        known = lines(directory, HANDOFF_LINES, now)
        shown = [line for line in known if line.open_now] or known
        said += " Her kan du ringe nu:" if shown and shown[0].open_now else " Her kan du ringe, når der er åbent:"
    if request.danger and request.state in ("waiting", "claimed"):
        said = f"{DANGER} {said}"
        if directory is not None:
            shown = [line for key in CRISIS_LINES if (line := helpline(directory, key, now))] + shown
    return Standing(
        kind=request.kind,
        state=request.state,
        text=said,
        late=late,
        begins=_iso(request.promised_from),
        ends=_iso(request.promised_to),
        attempts=request.attempts,
        as_of=_iso(now),
        helplines=shown,
    )


def is_late(request: HandoffRequest, now: dt.datetime) -> bool:
    """Return whether what was promised has passed. Who has taken a call may have left it: only its end ends it."""
    waits = request.state == "waiting" or (request.state == "claimed" and request.kind == "call")
    return bool(waits and now > request.promised_to)


def _call(request: HandoffRequest, late: bool, now: dt.datetime) -> str:
    when = interval(request.promised_from, request.promised_to, now)
    if request.state == "waiting" and late:
        return f"{MISSED} Du står stadig i køen, og vi ringer."
    if late:
        return f"{CLAIMED} {BEHIND}"
    if request.state == "waiting" and request.attempts:
        tried = clock(_iso(request.tried_at))
        return f"Vi ringede kl. {tried} og fik ikke fat i dig. Vi prøver igen {when}."
    return {
        "waiting": f"Vi ringer til dig {when}.",
        "claimed": CLAIMED,
        "done": "Vi har talt sammen. Du er velkommen til at bede om et opkald igen.",
        "handed_back": "En frivillig har læst det, du skrev. Det kan chatbotten hjælpe med her, så vi ringer ikke.",
        "unreached": "Vi har ringet uden at få fat i dig. Du kan bede om et opkald igen.",
        "withdrawn": "Du bliver ikke ringet op. Nummeret er slettet.",
        "expired": MISSED,
    }[request.state]


def _chat(request: HandoffRequest, late: bool) -> str:
    if late:
        return f"{NOBODY} Du kan vente, bede om et opkald eller selv ringe."
    return {
        "waiting": "Vi finder et menneske til dig. Det tager højst fem minutter.",
        "claimed": TAKEN_OVER,
        "done": GIVEN_BACK,
        "handed_back": GIVEN_BACK,
        "unreached": f"{LEFT} {GIVEN_BACK}",
        "withdrawn": GIVEN_BACK,
        "expired": f"{NOBODY} {GIVEN_BACK}",
    }[request.state]


def _iso(moment: dt.datetime) -> str:
    return moment.astimezone(COPENHAGEN).isoformat(timespec="seconds")
