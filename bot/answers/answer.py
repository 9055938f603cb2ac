"""The answer object of the chat API, version 1: what every door renders and every test reads."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from dacite import DaciteError, from_dict

Kind = Literal["answer", "clarify", "crisis", "handoff", "out_of_scope", "fallback", "smalltalk", "degraded"]
Question = Literal["municipality", "age", "topic"]


@dataclass
class Hours:
    """One line of a week: `days` MO, MO-WE or PH; `opens` and `closes` as HH:MM local time."""

    days: str
    opens: str
    closes: str


@dataclass
class Phone:
    """A number that can be called, spaced for people: 56 67 67 67. `other`: a neighbour that can pass the call on."""

    number: str
    whose: str
    main: bool
    stale: bool
    as_of: str
    other: bool = False
    open_now: bool | None = None
    closes: str | None = None
    next_opening: str | None = None
    hours: list[Hours] = field(default_factory=list)


@dataclass
class Department:
    """Whom to turn to. `match`: they name the topic, they are of its kind, or only the kind (national) is known."""

    type: str
    type_name: str
    name: str
    level: str
    id: str | None = None  # of the row in `organization`, so that a correction finds it
    phone: str | None = None
    phones: list[Phone] = field(default_factory=list)
    email: str | None = None
    address: str | None = None
    secure_mail: str | None = None
    walk_in: str = "unknown"
    way_in: str | None = None
    referral_from: str | None = None
    website: str | None = None
    opening_hours: list[Hours] = field(default_factory=list)
    phone_hours: list[Hours] = field(default_factory=list)
    open_now: bool | None = None
    door_open_now: bool | None = None
    closes: str | None = None
    next_opening: str | None = None
    unknown_day: str | None = None
    others: list[str] = field(default_factory=list)
    generic: bool = False
    match: Literal["topic", "type", "national"] = "national"
    stale: bool = False
    main_number_missing: bool = False


@dataclass
class Law:
    """One provision in force on the day asked for. Dates are ISO, None where not looked up or still in force."""

    law: str
    section: str
    valid_from: str | None
    valid_to: str | None
    replaces: str | None
    replaced_until: str | None
    url: str | None
    applies_to: str | None


@dataclass
class HowToApply:
    """How one begins: one to three steps, papers that help, and what can be done tonight."""

    steps: list[str]
    url: str | None
    documents: list[str]
    tonight: str | None = None
    without_consent: str | None = None


@dataclass
class ProcessingTime:
    """A published deadline; `weeks` is None where its text gives no number of weeks."""

    text: str
    weeks: int | None
    source: str | None
    as_of: str


@dataclass
class Complaint:
    """Where a complaint ends, how many weeks there are, and how it is said."""

    body: str | None
    deadline_weeks: int | None
    text: str


@dataclass
class Line:
    """A helpline. `hours` is empty when they are not confirmed."""

    name: str
    phone: str
    open_now: bool | None
    hours: list[Hours]
    next_opening: str | None = None
    closes: str | None = None
    url: str | None = None
    kind: str = ""
    source: str | None = None
    as_of: str = ""


@dataclass
class SourceNote:
    """A page a fact was read from. `date` is ISO, None when undated; `stale` is over two years or undated."""

    url: str | None
    date: str | None
    confidence: str
    stale: bool
    title: str | None = None
    date_text: str = ""


@dataclass
class MainNumber:
    """A municipality's own number, with the pages it was read from."""

    number: str
    whose: str
    sources: list[SourceNote]


@dataclass
class Note:
    """What the municipality itself says about one facet."""

    facet: str
    text: str
    as_of: str


@dataclass
class PromisedCall:
    """An interval in which the helpline can call: ISO moments, a title for the wish, and the interval for people."""

    wish: str
    title: str
    begins: str
    ends: str
    text: str


@dataclass
class Callback:
    """What the helpline offers now: intervals for a call, whether somebody is at the chat, and a summary to edit."""

    summary: list[str]
    calls: list[PromisedCall]
    chat: bool


def wants_human(answer: dict[str, Any]) -> bool:
    """Return whether an answer names people to call: a wish for one, a bot that gives up, or one that is not there."""
    return answer["kind"] in ("handoff", "degraded") or (answer["kind"] == "fallback" and bool(answer["helplines"]))


@dataclass
class Answer:
    """See the chat API. Everything is plain data; `to_json` is what goes over the wire."""

    kind: Kind
    as_of: str
    topic: str | None = None
    topic_title: str | None = None
    description: str | None = None
    audience: str | None = None
    assessment: str | None = None
    cost: str | None = None
    facets: list[str] = field(default_factory=lambda: ["where"])
    municipality: dict[str, str] | None = None
    department: Department | None = None
    legal_basis: list[Law] = field(default_factory=list)
    how_to_apply: HowToApply | None = None
    processing_time: ProcessingTime | None = None
    complaint: Complaint | None = None
    helplines: list[Line] = field(default_factory=list)
    candidates: list[dict[str, str]] = field(default_factory=list)
    question: Question | None = None
    notes: list[Note] = field(default_factory=list)
    age_note: str | None = None
    law_note: str | None = None
    waited_weeks: float | None = None
    sources: list[SourceNote] = field(default_factory=list)
    callback: Callback | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the answer as the dictionary of the chat API."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Answer:
        """Return the answer that `to_json` wrote. Raises ValueError where it did not."""
        try:
            return from_dict(cls, data)
        except DaciteError as error:
            raise ValueError(type(error).__name__) from error


def iso(moment: dt.datetime | None, zone: dt.tzinfo) -> str | None:
    """Return the moment as an ISO time in the zone, to the second, or None."""
    return moment.astimezone(zone).isoformat(timespec="seconds") if moment else None
