"""Who handles a topic where, under which law, and does anybody answer now.

`find_answer` is a function of the table and the clock; it asks nobody and remembers nothing.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Sequence
from typing import Literal

from bot.answers.answer import (
    Answer,
    Complaint,
    Department,
    Hours,
    HowToApply,
    Law,
    Line,
    MainNumber,
    Note,
    Phone,
    ProcessingTime,
    SourceNote,
    iso,
)
from bot.knowledge import models as m
from bot.knowledge.directory import Directory, is_stale
from bot.knowledge.hours import COPENHAGEN, UNKNOWN, Day, Openness, openness, week

RELATIVES_LINES = ("psykiatrifonden", "sind_raadgivning", "bedre_psykiatri")
# Where the main number is missing, a neighbour of the same life stage may know the way; no other.
CHILDRENS = ("familieafdeling", "ppr", "skoleafdeling", "dagtilbudsafdeling")
ADULTS = ("voksenmyndighed", "aaben_raadgivning", "jobcenter", "ydelsesafdeling", "pleje_omsorg")
COMPLAINT_BODIES = (
    "Klagenævnet for Specialundervisning",
    "Styrelsen for Patientklager",
    "Det Psykiatriske Patientklagenævn",
    "Ankestyrelsen",
    "retten",
)


def find_answer(
    directory: Directory,
    topic: str,
    municipality: str | None = None,
    *,
    now: dt.datetime,
    facets: Sequence[str] = ("where",),
    age: float | None = None,
    on: dt.date | None = None,
    department_type: str | None = None,
) -> Answer:
    """Return the answer for a topic code in a municipality (four-digit code, or None when it is not known).

    `now` (aware) decides what is open, `on` (default: today in Denmark) which law holds, `age` in years moves the topic
    across the ages where rules change. `department_type` is the kind of department that a situation calls for instead
    of the topic's usual one. Without a municipality, where one is needed, the answer is of kind `clarify` and
    describes the kind of department. Raises UnknownTopic and UnknownMunicipality.
    """
    place = directory.municipality(municipality) if municipality else None
    topic, age_note = topic_at_age(directory, topic, age)
    row = directory.topic(topic)
    kind_of = directory.department_types[department_type or row.department_type]
    answer = Answer(
        kind="answer",
        as_of=iso(now, COPENHAGEN) or "",
        topic=row.code,
        topic_title=row.title,
        description=row.description,
        audience=row.audience,
        assessment=row.assessment,
        cost=row.cost,
        facets=list(facets) or ["where"],
        age_note=age_note,
    )
    finder = _Finder(directory, now, place)
    answer.department = finder.department(row, kind_of, age)
    if place is None:
        if kind_of.level in ("municipal", "regional"):
            answer.kind, answer.question = "clarify", "municipality"
    else:
        answer.municipality = {"code": place.code, "name": place.name}
        answer.notes = [
            Note(note.facet, note.text, note.as_of_text)
            for note in directory.notes.get((place.code, topic), [])
            if note.facet in {*answer.facets, "where"}
        ]
    law = laws_in_force(directory, topic, on or now.astimezone(COPENHAGEN).date())
    answer.legal_basis = [_law(basis) for basis in law]
    answer.how_to_apply = HowToApply(
        steps=row.steps,
        url=next((basis.apply_url for basis in law if basis.apply_url), None),
        documents=[document.document for document in row.documents],
        tonight=row.tonight,
        without_consent=row.without_consent,
    )
    deadline = finder.processing_time(topic)
    if deadline:
        answer.processing_time = _deadline(deadline)
    answer.complaint = _complaint(row)
    answer.helplines = finder.lines_for(answer.department, kind_of.level, topic)
    first = {"legal": law, "time": deadline}.get(answer.facets[0], [])
    answer.sources = _sources_of([*first, *finder.used, *law, *deadline], finder.today)
    return answer


def laws_in_force(directory: Directory, topic: str, on: dt.date) -> list[m.LegalBasis]:
    """Return the provisions that carry the topic on a date, in the order of the table."""
    in_force = [
        basis
        for basis in directory.law.get(topic, [])
        if (basis.valid_from is None or basis.valid_from <= on) and (basis.valid_to is None or on <= basis.valid_to)
    ]
    return sorted(in_force, key=lambda basis: basis.law.startswith("("))  # practice and method after provisions


def spaced(digits: str) -> str:
    """Return a Danish number as it is read: 56 67 67 67; short numbers as they are."""
    return " ".join(re.findall("..", digits)) if len(digits) == 8 else digits


def main_number(directory: Directory, municipality: str | None, now: dt.datetime) -> MainNumber | None:
    """Return the municipality's number with its source, or None where it is not known."""
    root = directory.roots.get(municipality or "")
    point = _main_phone(root) if root else None
    if root is None or point is None:
        return None
    return MainNumber(spaced(point.value), root.name, _sources_of([root], now.astimezone(COPENHAGEN).date()))


def helpline(directory: Directory, key: str, now: dt.datetime) -> Line | None:
    """Return a helpline by id as the answer shows it, or None when it is not in the table or may not be shown."""
    row = directory.helplines.get(key)
    if row is None or not row.contact_points:
        return None
    point = row.contact_points[0]
    state = openness(point.schedules, now, directory.calendar.line_day, closed_on_holidays=False)
    return Line(
        name=row.name,
        phone=spaced(point.value),
        open_now=state.now,
        hours=[Hours(*line) for line in week(point.schedules)],
        next_opening=iso(state.next_opening, COPENHAGEN),
        closes=iso(state.closes, COPENHAGEN),
        url=row.website,
        kind=row.kind,
        source=next((source.url for source in row.sources if source.url), None),
        as_of=row.as_of_text,
    )


def region_line(directory: Directory, region: str | None, now: dt.datetime) -> Line | None:
    """Return the doctor on call (lægevagt, 1813) of a region."""
    for row in directory.helplines.values():
        if region and row.region == region and row.id.startswith("akut_"):
            return helpline(directory, row.id, now)
    return None


def lines(directory: Directory, keys: Iterable[str], now: dt.datetime) -> list[Line]:
    """Return the helplines with these ids, open ones first, otherwise in the order given."""
    found = [line for key in keys if (line := helpline(directory, key, now))]
    return sorted(found, key=lambda line: line.open_now is not True)


def topic_at_age(directory: Directory, topic: str, age: float | None) -> tuple[str, str | None]:
    """Return the topic that holds at an age in years, and the sentence that tells why when it is another one."""
    if age is not None:
        for rule in directory.age_rules.get(topic, []):
            if (rule.minimum_age or 0) <= age < (rule.maximum_age or 200) + 1:
                return rule.moves_to, rule.text
    return topic, None


def _main_phone(root: m.Organization) -> m.ContactPoint | None:
    return next((point for point in root.contact_points if point.channel == "phone"), None)


def _sources_of(facts: Iterable[m.Sourced], today: dt.date) -> list[SourceNote]:
    """The pages the facts were read from, each once, in the order the facts were used."""
    notes: dict[str, SourceNote] = {}
    for fact in facts:
        contact = isinstance(fact, m.Organization)
        for source in fact.sources:
            notes.setdefault(
                source.url or source.title,
                SourceNote(
                    url=source.url,
                    title=source.title,
                    date=fact.as_of.isoformat() if fact.as_of else None,
                    date_text=fact.as_of_text,
                    confidence=fact.confidence,
                    stale=contact and is_stale(fact, today),
                ),
            )
    return list(notes.values())


def _law(basis: m.LegalBasis) -> Law:
    replaced = basis.replaces
    url = next((source.url for source in basis.sources if source.url), None)
    return Law(
        law=basis.law,
        section=basis.section,
        valid_from=basis.valid_from.isoformat() if basis.valid_from else None,
        valid_to=basis.valid_to.isoformat() if basis.valid_to else None,
        replaces=f"{replaced.law} {replaced.section}".strip() if replaced else None,
        replaced_until=replaced.valid_to.isoformat() if replaced and replaced.valid_to else None,
        url=url,
        applies_to=basis.applies_to,
    )


def _deadline(rows: Sequence[m.ProcessingTime]) -> ProcessingTime:
    """One deadline, or several side by side where a municipality publishes one for each administration."""
    first = rows[0]
    return ProcessingTime(
        text=" ".join(row.text if row.text.endswith(".") else f"{row.text}." for row in rows),
        weeks=max((row.weeks for row in rows if row.weeks is not None), default=None),
        source=next((source.url for source in first.sources if source.url), None),
        as_of=first.as_of_text,
    )


def _complaint(topic: m.Topic) -> Complaint | None:
    if not topic.complaint:
        return None
    weeks = re.search(r"(\d+) uger", topic.complaint)
    return Complaint(
        body=next((body for body in COMPLAINT_BODIES if body.lower() in topic.complaint.lower()), None),
        deadline_weeks=int(weeks[1]) if weeks else None,
        text=topic.complaint,
    )


class _Finder:
    """The look-up for one moment and one place; `used` collects the rows whose facts were taken."""

    def __init__(self, directory: Directory, now: dt.datetime, place: m.Municipality | None) -> None:
        self.directory = directory
        self.now = now
        self.today = now.astimezone(COPENHAGEN).date()
        self.place = place
        self.used: list[m.Sourced] = []

    # -- who ---------------------------------------------------------------------------------------------------

    def department(self, topic: m.Topic, kind_of: m.DepartmentType, age: float | None) -> Department:
        """Who: they name the topic, else of its normal kind, else the kind with the municipality's main number."""
        organization, match = self._organization(topic, kind_of, age)
        department = Department(
            type=kind_of.code,
            type_name=kind_of.term.name,
            name=kind_of.term.name,
            level=kind_of.level,
            way_in=kind_of.way_in,
            match=match,
            generic=organization is None,
        )
        if organization is not None:
            self._fill(department, organization)
        if self.place is not None:
            self._add_municipal_numbers(department, kind_of)
        self._settle_phones(department)
        if organization is None:
            self.used.append(kind_of)
        elif kind_of.level == "regional":
            department.others = self._same_region(organization)
        return department

    def _organization(
        self, topic: m.Topic, kind_of: m.DepartmentType, age: float | None
    ) -> tuple[m.Organization | None, Literal["topic", "type", "national"]]:
        if self.place is not None:
            handlers = [
                org
                for org in self.directory.handlers.get((self.place.code, topic.code), [])
                if self._level(org) == kind_of.level or kind_of.level == "national"
            ]
            if kind_of.code != topic.department_type:
                handlers = [org for org in handlers if org.department_type == kind_of.code]
            if best := self._best(handlers, topic.code, kind_of.code, age):
                return best, "topic"
            if kind_of.level == "municipal":
                same_kind = self.directory.by_type.get((self.place.code, kind_of.code), [])
                general = [org for org in same_kind if "*" in (org.first_for or "").split(";")]
                if best := self._best(general or same_kind, "*", kind_of.code, age):
                    return best, "type"
            if kind_of.level == "regional":
                units = self.directory.by_type.get((self.place.region, kind_of.code), [])
                near = [org for org in units if self.place.code in (org.covers or "").split(";")]
                if best := self._best(near or [org for org in units if not org.covers] or units, "", "", None):
                    return best, "type"
        if kind_of.level in ("national", "health"):
            if offices := self.directory.by_type.get((None, kind_of.code), []):
                return offices[0], "topic"
        return None, "national"

    def _same_region(self, organization: m.Organization) -> list[str]:
        """Names of the other units of the kind in the region, where no catchment area tells them apart."""
        units = self.directory.by_type.get((organization.region, organization.department_type), [])
        return [] if organization.covers else [org.name for org in units if org is not organization and not org.covers]

    def _level(self, org: m.Organization) -> str:
        return self.directory.department_types[org.department_type].level if org.department_type else "municipal"

    def _best(
        self, organizations: Sequence[m.Organization], topic: str, kind: str, age: float | None
    ) -> m.Organization | None:
        def fits(org: m.Organization) -> bool:
            return age is None or (org.minimum_age or 0) <= age < (org.maximum_age or 200) + 1

        def rank(org: m.Organization) -> tuple[bool, ...]:
            return (
                topic not in (org.first_for or "").split(";"),
                org.department_type != kind,
                age is None and (org.minimum_age or 18) != 18,
                not org.contact_points,
                is_stale(org, self.today),
            )

        return min((org for org in organizations if fits(org)), key=rank, default=None)

    def _fill(self, department: Department, org: m.Organization) -> None:
        self.used.append(org)
        own_kind = self.directory.department_types.get(org.department_type or "")
        if own_kind is not None:
            department.type, department.type_name = own_kind.code, own_kind.term.name
        department.id, department.name = org.id, org.name
        department.website = org.website
        department.walk_in = org.drop_in
        department.way_in = org.way_in or department.way_in
        department.referral_from = org.referral_from
        department.stale = is_stale(org, self.today)
        for point in org.contact_points:
            if point.channel == "phone":
                department.phones.append(self._phone(point, org, org.name, main=False))
            elif point.channel == "email":
                department.email = point.value
            else:
                department.secure_mail = point.value
        for location in org.locations:
            department.address = next((str(address) for address in location.addresses), department.address)
            department.opening_hours = [Hours(*line) for line in week(location.schedules)]
            department.door_open_now = self._openness(location.schedules).now

    # -- phones ------------------------------------------------------------------------------------------------

    def _openness(self, schedules: Sequence[m.Schedule]) -> Openness:
        code = self.place.code if self.place else None
        return openness(
            schedules,
            self.now,
            lambda date: self.directory.calendar.office_day(date, code),
            closed_on_holidays=True,
        )

    def _phone(self, point: m.ContactPoint, org: m.Organization, whose: str, main: bool) -> Phone:
        schedules = point.schedules or (self._hours_of(point.value) if main else [])
        state = self._openness(schedules) if schedules else UNKNOWN
        return Phone(
            number=spaced(point.value),
            whose=whose,
            main=main,
            stale=is_stale(org, self.today),
            as_of=org.as_of_text,
            open_now=state.now,
            closes=iso(state.closes, COPENHAGEN),
            next_opening=iso(state.next_opening, COPENHAGEN),
            hours=[Hours(*line) for line in week(schedules)],
        )

    def _hours_of(self, number: str) -> list[m.Schedule]:
        """The hours of the main number stand with Borgerservice, which answers it."""
        assert self.place is not None
        for org in self.directory.by_type.get((self.place.code, "borgerservice"), []):
            for point in org.contact_points:
                if point.value == number and point.schedules:
                    self.used.append(org)
                    return list(point.schedules)
        return []

    def _add_municipal_numbers(self, department: Department, kind_of: m.DepartmentType) -> None:
        """Add the main number; where it is not known, one that is, so that nobody leaves without a number."""
        assert self.place is not None
        if kind_of.level in ("national", "health", "regional"):
            return
        root = self.directory.roots.get(self.place.code)
        if root is None:
            return
        department.website = department.website or root.website
        main = _main_phone(root)
        if main is not None:
            self.used.append(root)
            own = [phone for phone in department.phones if phone.number == spaced(main.value)]
            for phone in own:
                phone.main = True
            if not own:
                department.phones.append(self._phone(main, root, f"{root.name}s hovednummer", main=True))
            return
        department.main_number_missing = True
        if not department.phones and (other := self._other_number(kind_of)):
            other.other = True
            department.phones.append(other)

    def _other_number(self, kind_of: m.DepartmentType) -> Phone | None:
        assert self.place is not None
        others = CHILDRENS if kind_of.code in CHILDRENS else ADULTS
        for kind in (kind_of.code, "borgerservice", *others):
            for org in self.directory.by_type.get((self.place.code, kind), []):
                for point in org.contact_points:
                    if point.channel == "phone":
                        self.used.append(org)
                        return self._phone(point, org, org.name, main=False)
        return None

    def _settle_phones(self, department: Department) -> None:
        """Put the main number first when the department's own is stale, and say what holds for the first."""
        if any(phone.main for phone in department.phones):
            department.phones.sort(key=lambda phone: phone.stale and not phone.main)
        if not department.phones:
            return
        first = department.phones[0]
        department.phone = first.number
        department.phone_hours = first.hours
        department.open_now = first.open_now
        department.closes, department.next_opening = first.closes, first.next_opening
        day = self.directory.calendar.office_day(self.today, self.place.code if self.place else None)
        if day is Day.UNKNOWN and any(phone.hours and phone.open_now is None for phone in department.phones):
            department.unknown_day = self.today.isoformat()

    # -- when, and where to else -------------------------------------------------------------------------------

    def processing_time(self, topic: str) -> list[m.ProcessingTime]:
        """The municipality's own deadlines, else those that hold in the whole country."""
        own = self.directory.processing_times.get((self.place.code, topic), []) if self.place else []
        return own or self.directory.processing_times.get((None, topic), [])

    def lines_for(self, department: Department, level: str, topic: str) -> list[Line]:
        """Helplines to show: in danger always, else where no number of the department is known."""
        region = region_line(self.directory, self.place.region if self.place else None, self.now)
        emergency = helpline(self.directory, "alarm_112", self.now)
        if topic in ("akut_psykiatri", "tvangsindlaeggelse"):
            wanted: list[Line | None] = [emergency, region]
        elif topic == "herberg_krisecenter":
            wanted = [emergency, helpline(self.directory, "lev_uden_vold", self.now)]
        elif self.place is None and level in ("municipal", "regional"):
            wanted = []  # the kind of department is named, and the place is asked for
        elif level in ("health", "regional") and not department.phones:
            wanted = [region] if region else [*lines(self.directory, RELATIVES_LINES, self.now)]
        elif not department.phones or department.phones[0].other:
            wanted = [*lines(self.directory, RELATIVES_LINES, self.now)]
        else:
            wanted = []
        return [line for line in wanted if line]
