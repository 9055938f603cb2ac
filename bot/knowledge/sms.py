"""What is kept of SMS: messages in and out until they are answered and sent, and whose number a conversation has.

A person is `sender` everywhere: an HMAC of the number. The number itself stands in `sms_number` alone, and goes after a
day. What a person wrote is here redacted, and only until it is answered. Times are UTC without a zone.
"""

from __future__ import annotations

from sqlalchemy import Boolean, CheckConstraint, Column, DateTime, ForeignKey, Integer, String, Text, UniqueConstraint

from bot.knowledge.models import Base

INBOUND = ("part", "received", "answered")
OUTBOUND = ("queued", "sending", "sent", "failed")
GATEWAY_ID = 80  # so much of a gateway's own id is kept


def _states(states: tuple[str, ...]) -> CheckConstraint:
    quoted = ", ".join(f"'{state}'" for state in states)
    return CheckConstraint(f"state IN ({quoted})", name="state")


class SmsInbound(Base):
    """A message from a person, each id of a gateway once. Its row outlives its text, so that a late copy is known."""

    __tablename__ = "sms_inbound"
    id = Column(Integer, primary_key=True)
    provider = Column(String(20), nullable=False)
    message_id = Column(String(80), nullable=False)
    sender = Column(String(64), nullable=False, index=True)
    text = Column(Text, nullable=False, doc="Personal data taken out; emptied when it is answered.")
    danger = Column(Boolean, nullable=False, doc="Judged before redaction.")
    redacted = Column(Boolean, nullable=False)
    part_of = Column(String(40), doc="Which long message this is a part of.")
    part = Column(Integer)
    parts = Column(Integer)
    state = Column(String(10), nullable=False, index=True, doc="part (others are missing), received or answered.")
    written_at = Column(DateTime, nullable=False, doc="As the gateway says: they are answered in this order.")
    received_at = Column(DateTime, nullable=False, index=True)
    __table_args__ = (UniqueConstraint("provider", "message_id"), _states(INBOUND))


class SmsOutbound(Base):
    """A message to a person: at most one for each message in. Its text goes when it is sent."""

    __tablename__ = "sms_outbound"
    id = Column(Integer, primary_key=True)
    inbound_id = Column(ForeignKey("sms_inbound.id"), unique=True, doc="Empty for what the widget sends.")
    reference = Column(String(36), nullable=False, unique=True, doc="What the gateway knows it by.")
    sender = Column(String(64), nullable=False, index=True, doc="To whom.")
    kind = Column(String(10), nullable=False, doc="answer, crisis, urgent (names 112), stop, forget or widget.")
    text = Column(Text, nullable=False)
    segments = Column(Integer, nullable=False)
    municipality_code = Column(String(4), nullable=False, doc="Whose answer it is; empty where it is nobody's.")
    asked_by = Column(
        String(64), index=True, doc="Hash of the web conversation that asked for it; empty from the helpline."
    )
    state = Column(String(10), nullable=False, index=True, doc="queued, sending, sent, or failed: a dead letter.")
    attempts = Column(Integer, nullable=False)
    due_at = Column(DateTime, nullable=False, index=True, doc="Not before.")
    error = Column(String(80), doc="Why the last attempt failed; never the gateway's own words.")
    gateway_id = Column(String(GATEWAY_ID), index=True)
    created_at = Column(DateTime, nullable=False)
    done_at = Column(DateTime, index=True)
    __table_args__ = (_states(OUTBOUND),)


class SmsPerson(Base):
    """What a conversation by SMS remembers beside Rasa, and who is answering it just now."""

    __tablename__ = "sms_person"
    sender = Column(String(64), primary_key=True)
    held_by = Column(String(36), doc="The job that answers this person; others wait, so that order is kept.")
    held_until = Column(DateTime)
    told = Column(Boolean, nullable=False, doc="Knows that private data are taken out.")
    choices = Column(Text, nullable=False, doc="JSON: what the numbers of the last question stand for.")
    municipality_code = Column(String(4), nullable=False)
    conversation = Column(String(64), nullable=False, doc="Rasa's name for it: the person's own, or a web one's.")
    last_at = Column(DateTime, nullable=False)


class SmsNumber(Base):
    """The number of a person, and when it is deleted."""

    __tablename__ = "sms_number"
    sender = Column(String(64), primary_key=True)
    number = Column(String(20), nullable=False, doc="With country code, digits only: 4512345678.")
    delete_at = Column(DateTime, nullable=False, index=True)


class SmsOptOut(Base):
    """Somebody who wrote STOP. Kept until START, without the number."""

    __tablename__ = "sms_opt_out"
    sender = Column(String(64), primary_key=True)
    since = Column(DateTime, nullable=False)


class SmsCode(Base):
    """A short code by which the owner of one telephone goes on with a conversation of the widget."""

    __tablename__ = "sms_code"
    code = Column(String(8), primary_key=True)
    sender = Column(String(64), nullable=False, doc="Only from this telephone.")
    conversation = Column(String(64), nullable=False)
    municipality_code = Column(String(4), nullable=False)
    expires_at = Column(DateTime, nullable=False, index=True)
