"""What the helpline keeps: its people, who asked for one of them, and what was written between the two.

Apart from the knowledge table on purpose: a reload of the table never touches it, and all of it that is about a person
in need is deleted by the clock (`bot.handoff.sweep`).
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import declarative_base, relationship

from bot.knowledge.models import NAMING

Base: Any = declarative_base(metadata=MetaData(naming_convention=NAMING))

ROLES = ("volunteer", "editor", "coordinator", "administrator")
KINDS = ("call", "chat")
OPEN = ("waiting", "claimed")
ENDED = ("done", "unreached", "handed_back", "withdrawn", "expired")
AUTHORS = ("person", "staff")


class Moment(TypeDecorator):  # type: ignore[misc]
    """A moment: aware in Python, UTC without a zone in the database, so that moments compare as text too."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: Any) -> dt.datetime | None:
        """Return the moment as it is stored. A moment without a zone is a fault of ours."""
        if value is None:
            return None
        assert value.tzinfo is not None, "a moment needs its zone"
        return value.astimezone(dt.timezone.utc).replace(tzinfo=None)

    def process_result_value(self, value: dt.datetime | None, dialect: Any) -> dt.datetime | None:
        """Return the moment as UTC."""
        return value.replace(tzinfo=dt.timezone.utc) if value else None


def _one_of(column: str, values: tuple[str, ...]) -> CheckConstraint:
    return CheckConstraint(f"{column} IN ({', '.join(map(repr, values))})", name=column)


class Staff(Base):
    """Somebody who may log in."""

    __tablename__ = "staff"
    id = Column(String(36), primary_key=True)
    login = Column(String(80), nullable=False, unique=True)
    name = Column(String(80), nullable=False)
    password_hash = Column(Text, doc="argon2id; empty for who logs in through OpenID Connect only.")
    active = Column(Boolean, nullable=False, default=True)
    development = Column(Boolean, nullable=False, default=False, doc="Made by `make run`; production refuses it.")
    failed = Column(Integer, nullable=False, default=0)
    locked_until = Column(Moment)
    created_at = Column(Moment, nullable=False)
    roles = relationship("StaffRole", cascade="all, delete-orphan", lazy="selectin")


class StaffRole(Base):
    """A role somebody has; an editor has one for each municipality."""

    __tablename__ = "staff_role"
    id = Column(Integer, primary_key=True)
    staff_id = Column(ForeignKey("staff.id", ondelete="CASCADE"), nullable=False, index=True)
    role = Column(String(20), nullable=False)
    municipality_code = Column(String(4), nullable=False, default="", doc="Editors only.")
    __table_args__ = (
        UniqueConstraint("staff_id", "role", "municipality_code"),
        _one_of("role", ROLES),
        CheckConstraint("(role = 'editor') = (municipality_code <> '')", name="scope"),
    )


class StaffSession(Base):
    """One login on one device. Kept here, so that logging out and closing an account end it at once."""

    __tablename__ = "staff_session"
    token_hash = Column(String(64), primary_key=True)
    staff_id = Column(ForeignKey("staff.id", ondelete="CASCADE"), nullable=False, index=True)
    began_at = Column(Moment, nullable=False)
    seen_at = Column(Moment, nullable=False, doc="When the person last did something.")
    polled_at = Column(Moment, index=True, doc="When the open queue last asked for news: somebody sits there.")


class Audit(Base):
    """Who logged in, changed an account, or read or touched what belongs to a person in need."""

    __tablename__ = "audit"
    id = Column(Integer, primary_key=True)
    at = Column(Moment, nullable=False, index=True)
    staff_id = Column(String(36), nullable=False, doc="No foreign key: the trace outlives the account.")
    login = Column(String(80), nullable=False)
    action = Column(String(40), nullable=False)
    about = Column(String(80), nullable=False, default="", index=True)


class Desk(Base):
    """One row: when the helpline calls people back, and how many it manages in an hour."""

    __tablename__ = "desk"
    id = Column(Integer, primary_key=True)
    hours = Column(Text, nullable=False, doc="OpenStreetMap opening_hours.")
    calls_per_hour = Column(Integer, nullable=False)
    closed_days = Column(Text, nullable=False, default="", doc="ISO dates, separated by spaces.")
    __table_args__ = (CheckConstraint("calls_per_hour > 0", name="calls_per_hour"),)


class HandoffRequest(Base):
    """Somebody wants to talk with a person: on the phone (`call`) or in the chat where they are (`chat`)."""

    __tablename__ = "handoff_request"
    id = Column(String(36), primary_key=True)
    sender = Column(String(64), nullable=False, index=True, doc="The conversation, as Rasa and the door name it.")
    kind = Column(String(4), nullable=False)
    state = Column(String(12), nullable=False, index=True)
    summary = Column(Text, nullable=False, doc="Seen and edited by the person, personal data taken out.")
    number = Column(String(16), index=True, doc="Eight digits; empty for a chat, and an hour after the end.")
    wish = Column(String(16), nullable=False)
    topic = Column(String(40))
    municipality_code = Column(String(4))
    danger = Column(Boolean, nullable=False, default=False, doc="The words told of danger.")
    created_at = Column(Moment, nullable=False, index=True)
    promised_from = Column(Moment, nullable=False)
    promised_to = Column(Moment, nullable=False)
    attempts = Column(Integer, nullable=False, default=0)
    tried_at = Column(Moment)
    claimed_by = Column(ForeignKey("staff.id", ondelete="SET NULL"))
    claimed_at = Column(Moment)
    in_time = Column(Boolean, doc="Whether they were first called, or met in the chat, as promised; empty until then.")
    ended_at = Column(Moment, index=True)
    settled = Column(Boolean, nullable=False, default=False, doc="Counted, and its number gone.")
    note = Column(Text, nullable=False, default="")
    messages = relationship("HandoffMessage", cascade="all, delete-orphan", passive_deletes=True)
    __table_args__ = (
        _one_of("kind", KINDS),
        _one_of("state", (*OPEN, *ENDED)),
        CheckConstraint("kind = 'chat' OR number IS NOT NULL OR ended_at IS NOT NULL", name="number"),
        # One open request for a conversation: sending it again after a broken line changes it, and never doubles it.
        Index(
            "uq_handoff_request_open",
            "sender",
            unique=True,
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
    )


class HandoffMessage(Base):
    """One message between a person and the one who took over."""

    __tablename__ = "handoff_message"
    id = Column(Integer, primary_key=True)
    request_id = Column(ForeignKey("handoff_request.id", ondelete="CASCADE"), nullable=False, index=True)
    author = Column(String(6), nullable=False)
    text = Column(Text, nullable=False)
    danger = Column(Boolean, nullable=False, default=False)
    at = Column(Moment, nullable=False)
    __table_args__ = (_one_of("author", AUTHORS), {"sqlite_autoincrement": True})


class HandoffTally(Base):
    """What became of the requests of a day: counts only, so that figures outlive the requests."""

    __tablename__ = "handoff_tally"
    id = Column(Integer, primary_key=True)
    day = Column(Date, nullable=False)
    kind = Column(String(4), nullable=False)
    outcome = Column(String(12), nullable=False)
    in_time = Column(Boolean, nullable=False, doc="Whether it was done within what was promised.")
    count = Column(Integer, nullable=False)
    __table_args__ = (UniqueConstraint("day", "kind", "outcome", "in_time"),)
