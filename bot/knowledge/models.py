"""The knowledge table.

Names follow the Human Services Data Specification (HSDS 3) where it has one (`organization`, `service`,
`location`, `address`, `schedule`, `service_area`, `taxonomy_term`, `required_document`); the rest is the
Danish profile. Every fact carries its sources, the date they hold for and how far to trust them (`Sourced`).
`docs/table.md` is generated from this module.
"""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    Time,
    UniqueConstraint,
    event,
)
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Mapped, declarative_base, declared_attr, relationship

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_name)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
Base: Any = declarative_base(metadata=MetaData(naming_convention=NAMING))

CONFIDENCE = ("high", "medium", "low")
WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
PUBLIC_HOLIDAY = "PH"
FACETS = (
    "where",
    "legal",
    "hours",
    "contact",
    "how",
    "what",
    "who",
    "time",
    "complaint",
    "cost",
    "documents",
)


def stable_id(*natural_key: object) -> str:
    """Return the id of the row with this natural key: the same on every load, so references survive a reload."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, "vejviser/" + "/".join(map(str, natural_key))))


def _one_of(column: str, values: tuple[str, ...]) -> CheckConstraint:
    quoted = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({quoted})", name=column)


@event.listens_for(Engine, "connect")
def _keep_sqlite_strict(connection: Any, _record: Any) -> None:
    """SQLite checks foreign keys, and overwrites what is deleted, only when asked to, connection by connection."""
    if type(connection).__module__.startswith("sqlite3"):
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA secure_delete=ON")


class Source(Base):
    """A page or document a fact was read from."""

    __tablename__ = "source"
    id = Column(String(36), primary_key=True)
    url = Column(Text, doc="Address of the page; empty for a document without one.")
    title = Column(Text, doc="What the document is called, or a remark on the copy that was read.")
    position = Column(Integer, nullable=False, doc="Order of reading: the best page of a fact stands first.")


class Sourced:
    """Columns of every row that states a fact."""

    as_of = Column(Date, doc="First day of the date the source gives; empty when it is undated.")
    as_of_text = Column(
        String(40), nullable=False, doc="That date as written: 2020-03-30, 2020-03, ca. 2020, udateret."
    )
    confidence = Column(String(6), nullable=False, doc="high, medium or low; low is never shown to a citizen.")

    @declared_attr
    def sources(cls) -> Mapped[list[Source]]:
        """Link to the pages the fact was read from, in a table of its own so that foreign keys hold."""
        name = cls.__tablename__  # type: ignore[attr-defined]
        key = getattr(cls, "primary_key", "id")
        link = Table(
            f"{name}_source",
            Base.metadata,
            Column(f"{name}_{key}", ForeignKey(f"{name}.{key}"), primary_key=True),
            Column("source_id", ForeignKey("source.id"), primary_key=True, index=True),
        )
        return relationship(Source, secondary=link, order_by=Source.position)

    @property
    def shown(self) -> bool:
        """Return whether a citizen may see the fact."""
        return bool(self.confidence != "low")


class Municipality(Base):
    """One of the 98 municipalities. Its phone, e-mail and town hall stand on its root organization."""

    __tablename__ = "municipality"
    code = Column(String(4), primary_key=True, doc="Four-digit municipality code, e.g. 0259.")
    name = Column(String(60), nullable=False, unique=True)
    full_name = Column(String(80), nullable=False, doc="As it is called: Københavns Kommune.")
    region = Column(String(20), nullable=False)
    website = Column(String(80))
    aliases = relationship("MunicipalityAlias", back_populates="municipality")
    service_areas = relationship("ServiceArea", back_populates="municipality")


class MunicipalityAlias(Base):
    """A town, old municipality, spelling or abbreviation that people use for a municipality."""

    __tablename__ = "municipality_alias"
    id = Column(String(36), primary_key=True)
    municipality_code = Column(ForeignKey("municipality.code"), nullable=False, index=True)
    alias = Column(String(60), nullable=False)
    municipality = relationship(Municipality, back_populates="aliases")


class ServiceArea(Base):
    """Postal codes that belong to a municipality, from and to included."""

    __tablename__ = "service_area"
    id = Column(String(36), primary_key=True)
    municipality_code = Column(ForeignKey("municipality.code"), nullable=False, index=True)
    postal_from = Column(Integer, nullable=False)
    postal_to = Column(Integer, nullable=False)
    municipality = relationship(Municipality, back_populates="service_areas")


class TaxonomyTerm(Base):
    """The name of a topic or of a kind of department; a code may occur once in each taxonomy."""

    __tablename__ = "taxonomy_term"
    id = Column(String(60), primary_key=True, doc="taxonomy/code.")
    taxonomy = Column(String(20), nullable=False, doc="topic or department_type.")
    code = Column(String(40), nullable=False)
    name = Column(String(80), nullable=False)
    description = Column(Text, nullable=False)
    __table_args__ = (
        UniqueConstraint("taxonomy", "code"),
        _one_of("taxonomy", ("topic", "department_type")),
    )


class DepartmentType(Base, Sourced):
    """How a kind of department is reached, and whom it is for."""

    __tablename__ = "department_type"
    primary_key = "code"
    code = Column(String(40), primary_key=True)
    term_id = Column(ForeignKey("taxonomy_term.id"), nullable=False)
    level = Column(String(10), nullable=False)
    minimum_age = Column(Integer)
    maximum_age = Column(Integer)
    self_contact = Column(String(20), doc="yes, rarely or through_others.")
    way_in = Column(Text, doc="Whether to call oneself, or through whom.")
    also_called = Column(Text, doc="Other names, separated by semicolons.")
    term = relationship(TaxonomyTerm)
    __table_args__ = (_one_of("level", ("municipal", "regional", "national", "health")),)


class Topic(Base):
    """A need a relative asks about, and what a citizen reads about it in our own plain Danish."""

    __tablename__ = "topic"
    code = Column(String(40), primary_key=True)
    term_id = Column(ForeignKey("taxonomy_term.id"), nullable=False)
    topic_group = Column(String(20), nullable=False, doc="boern, voksen, sundhed ...")
    department_type = Column(
        ForeignKey("department_type.code"), nullable=False, doc="The kind of department that normally handles it."
    )
    old_reference = Column(String(80), doc="The paragraph people remember.")
    title = Column(String(60), nullable=False)
    description = Column(Text, nullable=False, doc="What it is, in one sentence.")
    audience = Column(Text, nullable=False, doc="Who it is for.")
    assessment = Column(Text, nullable=False, doc="Who assesses, and what they look at.")
    step_1 = Column(Text, nullable=False)
    step_2 = Column(Text)
    step_3 = Column(Text)
    tonight = Column(Text, nullable=False, doc="What to find before calling.")
    without_consent = Column(Text, nullable=False, doc="What a relative may do without consent.")
    complaint = Column(Text)
    cost = Column(Text)
    term = relationship(TaxonomyTerm)
    documents = relationship("RequiredDocument", order_by="RequiredDocument.position")

    @property
    def steps(self) -> list[str]:
        """Return the one to three steps that are filled."""
        return [step for step in (self.step_1, self.step_2, self.step_3) if step]


class TopicWord(Base):
    """A word or phrase people use for a topic."""

    __tablename__ = "topic_word"
    id = Column(String(36), primary_key=True)
    topic = Column(ForeignKey("topic.code"), nullable=False, index=True)
    word = Column(String(120), nullable=False)
    kind = Column(String(20), nullable=False)
    __table_args__ = (
        UniqueConstraint("topic", "word"),
        _one_of("kind", ("name", "old_name", "abbreviation", "paragraph", "everyday")),
    )


class Organization(Base, Sourced):
    """A municipality, one of its departments, a regional unit or a national office."""

    __tablename__ = "organization"
    id = Column(String(36), primary_key=True)
    parent_id = Column(ForeignKey("organization.id"), index=True)
    municipality_code = Column(ForeignKey("municipality.code"), index=True)
    region = Column(String(20), index=True, doc="Regional units: the region.")
    covers = Column(Text, doc="Regional units: municipality codes, separated by semicolons; empty = whole region.")
    department_type = Column(ForeignKey("department_type.code"), doc="Empty for a municipality itself.")
    name = Column(String(160), nullable=False)
    description = Column(Text, doc="The gatherer's notes, for editors; never read aloud.")
    website = Column(Text)
    drop_in = Column(String(12), nullable=False, doc="yes, partly, no, appointment or unknown.")
    way_in = Column(Text, doc="How one gets in the door, in our own words.")
    first_for = Column(
        Text,
        doc="Topics it is named first for when several handle them; * = the general one of its kind. Semicolons.",
    )
    referral_from = Column(Text, doc="Who refers, when one cannot come by oneself.")
    minimum_age = Column(Float)
    maximum_age = Column(Float)
    parent = relationship("Organization", remote_side=[id])
    contact_points = relationship("ContactPoint", order_by="ContactPoint.position")
    locations = relationship("Location")
    services = relationship("Service", back_populates="organization")
    __table_args__ = (_one_of("drop_in", ("yes", "partly", "no", "appointment", "unknown")),)


class Service(Base):
    """A topic that an organization says it handles."""

    __tablename__ = "service"
    id = Column(String(36), primary_key=True)
    organization_id = Column(ForeignKey("organization.id"), nullable=False, index=True)
    topic = Column(ForeignKey("topic.code"), nullable=False, index=True)
    organization = relationship(Organization, back_populates="services")


class Helpline(Base, Sourced):
    """A crisis line or an advice line."""

    __tablename__ = "helpline"
    id = Column(String(40), primary_key=True)
    name = Column(String(120), nullable=False)
    kind = Column(String(20), nullable=False)
    region = Column(String(20), doc="Empty for the whole country.")
    sms_or_chat = Column(Text)
    hours_note = Column(Text, doc="The hours as the source words them; for editors.")
    website = Column(Text)
    contact_points = relationship("ContactPoint")
    __table_args__ = (_one_of("kind", ("crisis", "health", "relatives", "youth", "violence", "rights", "addiction")),)


class ContactPoint(Base):
    """A phone number or address of writing. Phone hours belong to it, not to the building."""

    __tablename__ = "contact_point"
    id = Column(String(36), primary_key=True)
    organization_id = Column(ForeignKey("organization.id"), index=True)
    helpline_id = Column(ForeignKey("helpline.id"), index=True)
    position = Column(Integer, nullable=False, default=0)
    channel = Column(String(12), nullable=False)
    value = Column(Text, nullable=False, doc="Phone: digits only. secure_mail: how to send it.")
    schedules = relationship("Schedule")
    __table_args__ = (
        _one_of("channel", ("phone", "email", "secure_mail")),
        CheckConstraint("(organization_id IS NULL) <> (helpline_id IS NULL)", name="owner"),
    )


class Location(Base):
    """A door one can walk through."""

    __tablename__ = "location"
    id = Column(String(36), primary_key=True)
    organization_id = Column(ForeignKey("organization.id"), nullable=False, index=True)
    addresses = relationship("Address")
    schedules = relationship("Schedule")


class Address(Base):
    """Where a location is."""

    __tablename__ = "address"
    id = Column(String(36), primary_key=True)
    location_id = Column(ForeignKey("location.id"), nullable=False, index=True)
    address_1 = Column(Text, nullable=False, doc="Street and number, or the whole text when it cannot be split.")
    postal_code = Column(String(4))
    city = Column(String(60))

    def __str__(self) -> str:
        return ", ".join(filter(None, (self.address_1, f"{self.postal_code or ''} {self.city or ''}".strip())))


class Schedule(Base):
    """One interval on one kind of day, local time in Europe/Copenhagen.

    Never across midnight: a night is two rows, and 00:00 as `closes_at` is the end of the day.
    """

    __tablename__ = "schedule"
    id = Column(String(36), primary_key=True)
    contact_point_id = Column(ForeignKey("contact_point.id"), index=True)
    location_id = Column(ForeignKey("location.id"), index=True)
    byday = Column(String(2), nullable=False, doc="MO to SU, or PH for public holidays.")
    opens_at = Column(Time, nullable=False)
    closes_at = Column(Time, nullable=False)
    __table_args__ = (
        _one_of("byday", (*WEEKDAYS, PUBLIC_HOLIDAY)),
        CheckConstraint("(contact_point_id IS NULL) <> (location_id IS NULL)", name="owner"),
    )


class ScheduleException(Base, Sourced):
    """A day that differs from the week: every year (month and day) or once (date)."""

    __tablename__ = "schedule_exception"
    id = Column(String(36), primary_key=True)
    municipality_code = Column(ForeignKey("municipality.code"), doc="Empty for all municipalities.")
    month = Column(Integer)
    day = Column(Integer)
    date = Column(Date)
    status = Column(String(8), nullable=False, doc="closed, or unknown when municipalities differ.")
    reason = Column(String(60), nullable=False)
    __table_args__ = (
        _one_of("status", ("closed", "unknown")),
        CheckConstraint("(date IS NULL) <> (month IS NULL)", name="when"),
    )


class LegalBasis(Base, Sourced):
    """A provision that carries a topic in a period; empty ends mean not looked up and still in force."""

    __tablename__ = "legal_basis"
    id = Column(String(36), primary_key=True)
    position = Column(Integer, nullable=False, doc="Order in which the rows of a topic are spoken.")
    topic = Column(ForeignKey("topic.code"), nullable=False, index=True)
    law = Column(String(80), nullable=False)
    law_title = Column(Text)
    section = Column(String(80), nullable=False)
    valid_from = Column(Date)
    valid_to = Column(Date, doc="Last day in force.")
    replaces_id = Column(ForeignKey("legal_basis.id"), doc="The provision it came after.")
    applies_to = Column(Text)
    department_type = Column(ForeignKey("department_type.code"))
    key_facts = Column(Text, doc="The gatherer's summary, for editors; never read aloud.")
    complaint = Column(Text, doc="Empty = not looked up.")
    apply_url = Column(Text)
    replaces = relationship("LegalBasis", remote_side=[id])
    __table_args__ = (
        CheckConstraint("valid_to IS NULL OR valid_from IS NULL OR valid_from <= valid_to", name="period"),
    )


class ProcessingTime(Base, Sourced):
    """A deadline a municipality has published for a topic, or one that holds in the whole country."""

    __tablename__ = "processing_time"
    id = Column(String(36), primary_key=True)
    municipality_code = Column(ForeignKey("municipality.code"), index=True, doc="Empty for the whole country.")
    topic = Column(ForeignKey("topic.code"), nullable=False)
    text = Column(Text, nullable=False)
    weeks = Column(Integer, doc="Empty when the text gives no number of weeks.")


class ServiceNote(Base, Sourced):
    """What a municipality itself says about a topic, for one facet of the answer."""

    __tablename__ = "service_note"
    id = Column(String(36), primary_key=True)
    municipality_code = Column(ForeignKey("municipality.code"), nullable=False, index=True)
    topic = Column(ForeignKey("topic.code"), nullable=False)
    facet = Column(String(10), nullable=False)
    text = Column(Text, nullable=False)
    __table_args__ = (_one_of("facet", FACETS),)


class RequiredDocument(Base):
    """A paper that helps when one applies; our own advice, not a legal demand."""

    __tablename__ = "required_document"
    id = Column(String(36), primary_key=True)
    topic = Column(ForeignKey("topic.code"), nullable=False, index=True)
    position = Column(Integer, nullable=False)
    document = Column(Text, nullable=False)


class GlossaryTerm(Base, Sourced):
    """A word of the system, explained."""

    __tablename__ = "glossary_term"
    id = Column(String(36), primary_key=True)
    term = Column(String(120), nullable=False)
    explanation = Column(Text, nullable=False)
    municipality_code = Column(ForeignKey("municipality.code"), doc="Empty when it is used everywhere.")


class AgeTransition(Base, Sourced):
    """What changes at an age."""

    __tablename__ = "age_transition"
    id = Column(String(36), primary_key=True)
    age = Column(Float, nullable=False, doc="Years; 17.5 is seventeen and a half.")
    from_type = Column(ForeignKey("department_type.code"))
    to_type = Column(ForeignKey("department_type.code"))
    text = Column(Text, nullable=False)
    municipality_code = Column(ForeignKey("municipality.code"))


class AgeRule(Base):
    """A topic that becomes another topic at an age: the twins of the child and the adult rules."""

    __tablename__ = "age_rule"
    id = Column(String(36), primary_key=True)
    topic = Column(ForeignKey("topic.code"), nullable=False, index=True)
    minimum_age = Column(Integer, doc="The rule holds from this age.")
    maximum_age = Column(Integer, doc="The rule holds to this age, included.")
    moves_to = Column(ForeignKey("topic.code"), nullable=False)
    text = Column(Text, nullable=False, doc="The sentence that tells the person.")
    __table_args__ = (CheckConstraint("minimum_age IS NOT NULL OR maximum_age IS NOT NULL", name="age"),)


class SituationRule(Base):
    """Another department than the topic's usual one, in a situation the person tells of."""

    __tablename__ = "situation_rule"
    id = Column(String(36), primary_key=True)
    topic = Column(ForeignKey("topic.code"), nullable=False, index=True)
    position = Column(Integer, nullable=False, doc="The first rule that fits decides.")
    words = Column(Text, doc="Beginnings of words or phrases that tell of it, with ; between; empty: the age alone.")
    minimum_age = Column(Integer, doc="The rule holds from this age.")
    maximum_age = Column(Integer, doc="The rule holds to this age, included.")
    department_type = Column(ForeignKey("department_type.code"), nullable=False)
    reason = Column(Text, nullable=False, doc="For editors; not spoken.")
    __table_args__ = (
        CheckConstraint("words IS NOT NULL OR minimum_age IS NOT NULL OR maximum_age IS NOT NULL", name="situation"),
    )


class CorrectionReport(Base):
    """Somebody says a fact is wrong. Kept apart from the facts, so a reload of the table leaves it alone."""

    __tablename__ = "correction_report"
    id = Column(Integer, primary_key=True)
    table_name = Column(String(40), nullable=False)
    record_id = Column(String(36), nullable=False)
    field = Column(String(40), nullable=False)
    message = Column(Text, nullable=False)
    reported_by = Column(String(10), nullable=False, default="citizen", doc="citizen or staff; never who.")
    reported_at = Column(DateTime, nullable=False)
    resolved = Column(Boolean, nullable=False, default=False)
    accepted = Column(Boolean, doc="Whether it led to a change; empty while it is open.")
    reason = Column(Text, doc="Why it was turned down.")
    resolved_by = Column(String(80))
    resolved_at = Column(DateTime, doc="UTC.")
    __table_args__ = (
        Index("ix_correction_report_resolved_table_name_record_id", "resolved", "table_name", "record_id"),
    )


class Feedback(Base):
    """How often the answer to one part of a topic in one municipality helped: counts, and nothing of who said so."""

    __tablename__ = "feedback"
    __table_args__ = (UniqueConstraint("topic", "municipality_code", "facet"),)
    id = Column(Integer, primary_key=True)
    topic = Column(String(40), nullable=False)
    municipality_code = Column(String(4), nullable=False, doc="Empty where no municipality was known.")
    facet = Column(String(20), nullable=False)
    helped = Column(Integer, nullable=False, default=0)
    not_helped = Column(Integer, nullable=False, default=0)


class FeedbackReason(Base):
    """What somebody missed in an answer, personal data taken out."""

    __tablename__ = "feedback_reason"
    id = Column(Integer, primary_key=True)
    topic = Column(String(40), nullable=False)
    municipality_code = Column(String(4), nullable=False, doc="Empty where no municipality was known.")
    facet = Column(String(20), nullable=False)
    reason = Column(String(200), nullable=False)
    given_on = Column(Date, nullable=False, doc="The day only: a time could point at a person.")


class SheetRow(Base):
    """One line of a municipality's sheets as it is now. The tables of facts are made from these lines.

    A line nobody changed follows the files at every load; one that an editor changed or confirmed is the editor's.
    """

    __tablename__ = "sheet_row"
    id = Column(String(36), primary_key=True, doc="Of the fact made from it: organization, processing_time ...")
    municipality_code = Column(String(4), nullable=False, index=True)
    sheet = Column(String(30), nullable=False, doc="departments.csv ...")
    position = Column(Integer, nullable=False)
    cells = Column(JSON, nullable=False, doc="Text by column, as it is now.")
    shipped = Column(JSON(none_as_null=True), doc="The same in the files; empty when the line is not there.")
    incoming = Column(
        JSON(none_as_null=True), doc="A conflict: what the files say by now, by column; `row`: the line left the files."
    )
    fault = Column(Text, doc="Why the line no longer fits the table; meanwhile the files' own line holds.")
    removed = Column(Boolean, nullable=False, default=False, doc="An editor took the line away.")

    @property
    def edited(self) -> bool:
        """Return whether the line is an editor's rather than the files'."""
        return bool(self.removed or self.cells != self.shipped)


class Change(Base):
    """One field of one line that changed: who, when, before, after, and where it is known from."""

    __tablename__ = "change"
    id = Column(Integer, primary_key=True)
    batch = Column(String(36), nullable=False, index=True, doc="What was saved together, and is undone together.")
    municipality_code = Column(String(4), nullable=False, index=True)
    table_name = Column(String(40), nullable=False, doc="The sheet.")
    record_id = Column(String(36), nullable=False, index=True)
    field = Column(String(40), nullable=False, doc="The column; `row` when a line was added or taken away.")
    before = Column(Text)
    after = Column(Text)
    source = Column(Text, doc="Where the editor knows it from.")
    changed_by = Column(String(80), nullable=False)
    changed_at = Column(DateTime, nullable=False, doc="UTC.")


class TableVersion(Base):
    """One row: what was loaded, and how often the table changed. A reader that sees it change reads the table anew."""

    __tablename__ = "table_version"
    id = Column(Integer, primary_key=True)
    fingerprint = Column(String(64), nullable=False)
    edition = Column(Integer, nullable=False, default=0, doc="Counted up by every load and every change.")
    loaded_at = Column(DateTime, nullable=False)


class Usage(Base):
    """How many messages a day were answered how: counts, nothing of who wrote or what."""

    __tablename__ = "usage"
    __table_args__ = (UniqueConstraint("day", "topic", "municipality_code", "kind", "out_of_hours"),)
    id = Column(Integer, primary_key=True)
    day = Column(Date, nullable=False)
    topic = Column(String(40), nullable=False, doc="Empty where none was found, and always for a crisis.")
    municipality_code = Column(String(4), nullable=False, doc="Empty where no municipality was known.")
    kind = Column(String(12), nullable=False, doc="Of the answer; `unanswered`: nothing of the municipality's own.")
    out_of_hours = Column(Boolean, nullable=False, doc="Outside weekdays 9 to 15.")
    count = Column(Integer, nullable=False)


class Heartbeat(Base):
    """When something that runs by itself last succeeded; whoever did it writes it, whatever process that was."""

    __tablename__ = "heartbeat"
    name = Column(String(20), primary_key=True, doc="conversations, requests and sms (swept), jobs, backup.")
    at = Column(DateTime, nullable=False, doc="UTC.")


# Everything that `vejviser knowledge load` replaces, parents first.
LOADED = (
    Source,
    Municipality,
    MunicipalityAlias,
    ServiceArea,
    TaxonomyTerm,
    DepartmentType,
    Topic,
    TopicWord,
    Organization,
    Service,
    Helpline,
    ContactPoint,
    Location,
    Address,
    Schedule,
    ScheduleException,
    LegalBasis,
    ProcessingTime,
    ServiceNote,
    RequiredDocument,
    GlossaryTerm,
    AgeTransition,
    AgeRule,
    SituationRule,
)
