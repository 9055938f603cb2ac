"""What is kept of SMS, and every change of it: each a transaction of its own, so that a kill between two loses nothing.

A message goes from `received` to `answered` in the transaction that queues the reply, so it is answered once however
many jobs try. Moments are aware outside and UTC without a zone inside.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.engine import Engine
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from bot.answers.sms import Sms
from bot.edge.sms.provider import Inbound, Report
from bot.edge.turn import Heard
from bot.knowledge.hours import COPENHAGEN
from bot.knowledge.sms import GATEWAY_ID, SmsCode, SmsInbound, SmsNumber, SmsOptOut, SmsOutbound, SmsPerson

CRISIS = "crisis"  # the kind of a reply in danger: it waits for no other
CEILING = "ceiling"  # why a message was not sent: it would have cost too much today
NUMBER_KEPT = dt.timedelta(hours=24)
IDS_KEPT = dt.timedelta(days=7)  # longer than any gateway tries again
PARTS_AWAITED = dt.timedelta(seconds=60)
ON_ITS_WAY = dt.timedelta(seconds=30)  # how long a send that says nothing may still have been one
JUST_CAME = dt.timedelta(seconds=5)  # a job is at it


@dataclass(frozen=True)
class Person:
    """What is remembered of somebody between messages."""

    conversation: str
    told: bool
    choices: list[str]
    municipality: str | None


@dataclass(frozen=True)
class WayOn:
    """The code by which somebody goes on by SMS with a web conversation, and until when."""

    code: str
    conversation: str
    expires_at: dt.datetime


class SmsStore:
    """The tables of SMS in one database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def _begin(self) -> Session:
        return Session(self._engine, future=True)

    # -- in --------------------------------------------------------------------------------------------------------

    def receive(
        self,
        provider: str,
        message: Inbound,
        sender: str,
        heard: Heard,
        hear: Callable[[str], Heard],
        now: dt.datetime,
    ) -> bool:
        """Keep a message, its number and its person; return False when its id was kept before.

        The part of a long message waits for the others, unless it tells of danger; the last one joins them, and what is
        joined is `hear`d again.
        """
        is_part = message.parts > 1
        row = SmsInbound(
            provider=provider,
            message_id=message.message_id[:GATEWAY_ID],
            sender=sender,
            text=heard.text,
            danger=heard.danger,
            redacted=heard.redacted,
            part_of=message.part_of,
            part=message.part if is_part else None,
            parts=message.parts if is_part else None,
            state="part" if is_part else "received",
            written_at=_utc(message.written_at),
            received_at=_utc(now),
        )
        with self._begin() as session:
            try:
                session.add(row)
                session.flush()
            except IntegrityError:
                return False
            self._know(session, sender, message.number, now)
            if is_part:
                known = self._parts(session, sender, message.part_of)
                if heard.danger or len({part.part for part in known}) == message.parts:
                    _join(session, known, hear)
            session.commit()
        return True

    def know(self, sender: str, number: str, now: dt.datetime) -> None:
        """Keep a number for a day from now, and a person for it."""
        with self._begin() as session:
            self._know(session, sender, number, now)
            session.commit()

    def _know(self, session: Session, sender: str, number: str, now: dt.datetime) -> None:
        until = _utc(now + NUMBER_KEPT)
        person = {"told": False, "choices": "[]", "municipality_code": "", "conversation": sender}
        _upsert(session, SmsNumber, sender, {"delete_at": until}, {"number": number})
        _upsert(session, SmsPerson, sender, {"last_at": _utc(now)}, person)

    def _parts(self, session: Session, sender: str, part_of: str | None) -> list[Any]:
        """Return the parts that are there, locked: the last one and the clock may both be about to join them."""
        mine = (SmsInbound.sender == sender, SmsInbound.part_of == part_of, SmsInbound.state == "part")
        query = select(SmsInbound).where(*mine).order_by(SmsInbound.part).with_for_update()
        return list(session.execute(query).scalars())

    def join_late(self, hear: Callable[[str], Heard], now: dt.datetime) -> None:
        """Answer what there is of long messages whose other parts have not come for a minute."""
        late = (SmsInbound.state == "part", SmsInbound.received_at < _utc(now - PARTS_AWAITED))
        with self._begin() as session:
            groups = session.execute(select(SmsInbound.sender, SmsInbound.part_of).where(*late).distinct()).all()
            for sender, part_of in groups:
                if parts := self._parts(session, sender, part_of):
                    _join(session, parts, hear)
            session.commit()

    def next_inbound(self, sender: str) -> Any:
        """Return the oldest message of a person that is not answered, one that tells of danger first; or None."""
        waiting = (SmsInbound.sender == sender, SmsInbound.state == "received")
        with self._begin() as session:
            order = (SmsInbound.danger.desc(), SmsInbound.written_at, SmsInbound.id)
            return session.execute(select(SmsInbound).where(*waiting).order_by(*order).limit(1)).scalar_one_or_none()

    def answer(
        self, inbound: Any, sms: Sms | None, kind: str, now: dt.datetime, told: bool = False, conversation: str = ""
    ) -> bool:
        """Queue the reply to a message (or none) and forget its text, in one step.

        Returns False when it was answered meanwhile, or has its reply already; then no other is queued.
        """
        answered = update(SmsInbound).where(SmsInbound.id == inbound.id, SmsInbound.state == "received")
        answered = answered.values(state="answered", text="").execution_options(synchronize_session=False)
        with self._begin() as session:
            if not session.execute(answered).rowcount:
                session.rollback()
                return False
            remembered: dict[str, Any] = {"told": told, "conversation": conversation or inbound.sender}
            if sms is not None:
                reference = uuid.uuid5(uuid.NAMESPACE_URL, f"vejviser/sms/{inbound.provider}/{inbound.message_id}")
                try:
                    with session.begin_nested():
                        session.add(_outbound(str(reference), inbound.sender, sms, kind, now, inbound_id=inbound.id))
                except IntegrityError:  # whoever is next in line must not wait behind it
                    session.commit()
                    return False
                remembered["choices"] = json.dumps(sms.choices, ensure_ascii=False)
                if sms.municipality:
                    remembered["municipality_code"] = sms.municipality
            session.execute(update(SmsPerson).where(SmsPerson.sender == inbound.sender).values(**remembered))
            session.commit()
        return True

    # -- out -------------------------------------------------------------------------------------------------------

    def queue(self, sender: str, sms: Sms, way_on: WayOn, asked_by: str | None, now: dt.datetime) -> None:
        """Queue what somebody asked for, with the code by which its reader goes on."""
        code = SmsCode(
            code=way_on.code,
            sender=sender,
            conversation=way_on.conversation,
            municipality_code=sms.municipality or "",
            expires_at=_utc(way_on.expires_at),
        )
        with self._begin() as session:
            session.add_all([_outbound(str(uuid.uuid4()), sender, sms, "widget", now, asked_by=asked_by), code])
            session.commit()

    def queue_once(self, sender: str, sms: Sms, kind: str, now: dt.datetime) -> None:
        """Queue a message that a person gets once a day (in Denmark) at most."""
        day = now.astimezone(COPENHAGEN).date()
        reference = uuid.uuid5(uuid.NAMESPACE_URL, f"vejviser/sms/once/{sender}/{day}")
        with self._begin() as session, contextlib.suppress(IntegrityError):
            session.add(_outbound(str(reference), sender, sms, kind, now))
            session.commit()

    def next_outbound(self, sender: str, now: dt.datetime) -> Any:
        """Return the message to a person to be sent next, of those neither sent nor given up, or None.

        They go in order: one that was put off keeps those after it waiting. A reply in danger keeps out of that line:
        it goes first when it is due, waits for nobody, and nobody waits for it.
        """
        with self._begin() as session:
            waiting = select(SmsOutbound).where(SmsOutbound.sender == sender, _IN_HAND).order_by(SmsOutbound.id)
            rows = list(session.execute(waiting).scalars())
        ordinary = [row for row in rows if row.kind != CRISIS]
        heads = [*(row for row in rows if row.kind == CRISIS), *ordinary[:1]]
        return min(heads, key=lambda row: max(row.due_at, _utc(now)), default=None)  # of equals the first

    def begin_sending(self, outbound: Any, now: dt.datetime) -> bool:
        """Take a message that is due in hand; False when another has. Until it is known what became of it, it rests."""
        due = update(SmsOutbound).where(SmsOutbound.id == outbound.id, _IN_HAND, SmsOutbound.due_at <= _utc(now))
        values = {"state": "sending", "attempts": SmsOutbound.attempts + 1, "due_at": _utc(now + ON_ITS_WAY)}
        return self._change(due.values(values))

    def sent(self, outbound: Any, gateway_id: str, now: dt.datetime) -> None:
        """Note that the gateway has it, and let the text go; after a wish to be forgotten everything else too."""
        if self._sent(SmsOutbound.id == outbound.id, now, gateway_id) and outbound.kind == "forget":
            self._forget_number(outbound.sender)

    def later(self, outbound: Any, why: str, due_at: dt.datetime, used: int) -> None:
        """Put a message back in the queue until a moment, so many of its tries used."""
        mine = update(SmsOutbound).where(SmsOutbound.id == outbound.id, SmsOutbound.state == "sending")
        self._change(mine.values(state="queued", error=why, due_at=_utc(due_at), attempts=used))

    def failed(self, outbound: Any, why: str, now: dt.datetime) -> None:
        """Give a message up: a dead letter, with its text, for as long as its number is known."""
        mine = update(SmsOutbound).where(SmsOutbound.id == outbound.id, _IN_HAND)
        self._change(mine.values(state="failed", error=why, done_at=_utc(now)))

    def settle(self, report: Report, now: dt.datetime) -> None:
        """Take a report into account: a message of whose sending we are not sure was sent after all, also when we have
        given it up meanwhile.
        """
        which = SmsOutbound.reference == report.reference if report.reference else None
        if which is None:
            which = SmsOutbound.gateway_id == report.gateway_id[:GATEWAY_ID] if report.gateway_id else None
        if which is None:
            return
        self._sent(which, now, report.gateway_id, SmsOutbound.state != "sent")
        if not report.delivered:
            self._change(update(SmsOutbound).where(which).values(error="undelivered"))

    def _sent(self, which: Any, now: dt.datetime, gateway_id: str | None, state: Any = None) -> bool:
        known = gateway_id[:GATEWAY_ID] if gateway_id else gateway_id
        values = {"state": "sent", "text": "", "error": None, "gateway_id": known, "done_at": _utc(now)}
        return self._change(update(SmsOutbound).where(which, _IN_HAND if state is None else state).values(values))

    def dead_letters(self) -> list[Any]:
        """Return what was given up, oldest first."""
        with self._begin() as session:
            failed = select(SmsOutbound).where(SmsOutbound.state == "failed").order_by(SmsOutbound.id)
            return list(session.execute(failed).scalars())

    def revive(self, ids: list[int] | None, now: dt.datetime) -> list[str]:
        """Queue dead letters again, all or these, whose text and number are still kept and whose owner did not write
        STOP since; return whom they are to.
        """
        with self._begin() as session:
            out = select(SmsOptOut.sender)
            which = [SmsOutbound.state == "failed", SmsOutbound.text != "", SmsOutbound.sender.not_in(out)]
            which.append(SmsOutbound.sender.in_(select(SmsNumber.sender)))
            if ids is not None:
                which.append(SmsOutbound.id.in_(ids))
            senders = list(session.execute(select(SmsOutbound.sender).where(*which)).scalars())
            again = update(SmsOutbound).where(*which).execution_options(synchronize_session=False)
            session.execute(again.values(state="queued", attempts=0, due_at=_utc(now), done_at=None))
            session.commit()
        return senders

    # -- persons ---------------------------------------------------------------------------------------------------

    def hold(self, sender: str, holder: str, until: dt.datetime, now: dt.datetime) -> bool:
        """Take a person in hand, or keep them; False while another job has them."""
        free = or_(SmsPerson.held_until.is_(None), SmsPerson.held_until < _utc(now), SmsPerson.held_by == holder)
        mine = update(SmsPerson).where(SmsPerson.sender == sender, free)
        return self._change(mine.values(held_by=holder, held_until=_utc(until)))

    def let_go(self, sender: str, holder: str) -> None:
        """Leave a person to the next job."""
        mine = update(SmsPerson).where(SmsPerson.sender == sender, SmsPerson.held_by == holder)
        self._change(mine.values(held_by=None, held_until=None))

    def let_all_go(self) -> None:
        """Leave everybody to the next job: for the start of an only worker, whose last one may have been killed."""
        self._change(update(SmsPerson).values(held_by=None, held_until=None))

    def person(self, sender: str) -> Person:
        """Return what is remembered of somebody."""
        with self._begin() as session:
            row = session.get(SmsPerson, sender)
            if row is None:
                return Person(sender, False, [], None)
            return Person(row.conversation, row.told, json.loads(row.choices), row.municipality_code or None)

    def number_of(self, sender: str) -> str | None:
        """Return somebody's number while it is known."""
        with self._begin() as session:
            row = session.get(SmsNumber, sender)
            return str(row.number) if row else None

    def unfinished(self, now: dt.datetime) -> list[str]:
        """Return whom something waits for that no job is at: after a start, and by the clock."""
        waiting = select(SmsInbound.sender).where(
            SmsInbound.state == "received", SmsInbound.received_at < _utc(now - JUST_CAME)
        )
        due = select(SmsOutbound.sender).where(_IN_HAND, SmsOutbound.due_at < _utc(now - JUST_CAME))
        with self._begin() as session:
            return list(dict.fromkeys(session.execute(waiting.union(due)).scalars()))

    def has_work(self, sender: str, now: dt.datetime) -> bool:
        """Return whether something of a person can be done now."""
        outbound = self.next_outbound(sender, now)
        return self.next_inbound(sender) is not None or (outbound is not None and outbound.due_at <= _utc(now))

    def opt_out(self, sender: str, out: bool, now: dt.datetime) -> None:
        """Remember STOP, or START."""
        with self._begin() as session:
            if out:
                _upsert(session, SmsOptOut, sender, {"since": _utc(now)}, {})
            else:
                session.execute(delete(SmsOptOut).where(SmsOptOut.sender == sender))
            session.commit()

    def is_out(self, sender: str) -> bool:
        """Return whether somebody wrote STOP."""
        with self._begin() as session:
            return session.get(SmsOptOut, sender) is not None

    def redeem(self, sender: str, code: str, now: dt.datetime) -> tuple[str, str | None] | None:
        """Return the conversation and municipality of a code sent to this telephone, None when there is none."""
        with self._begin() as session:
            row = session.get(SmsCode, code)
            if row is None or row.sender != sender or row.expires_at < _utc(now):
                return None
            return row.conversation, row.municipality_code or None

    def forget_codes(self, conversation: str) -> None:
        """Let go of the codes that lead to a web conversation, and of who went on with it."""
        with self._begin() as session:
            session.execute(delete(SmsCode).where(SmsCode.conversation == conversation))
            there = update(SmsPerson).where(SmsPerson.conversation == conversation)
            session.execute(there.values(conversation=SmsPerson.sender, choices="[]"))
            session.commit()

    # -- counts ----------------------------------------------------------------------------------------------------

    def segments_today(self, now: dt.datetime, kind: str | None = None) -> int:
        """Return how many segments, of one kind or all, were sent since midnight in Denmark."""
        today = [SmsOutbound.state == "sent", SmsOutbound.done_at >= _midnight(now)]
        if kind is not None:
            today.append(SmsOutbound.kind == kind)
        with self._begin() as session:
            return int(session.execute(select(func.coalesce(func.sum(SmsOutbound.segments), 0)).where(*today)).scalar())

    def has_room(self, kind: str, segments: int, ceiling: int, now: dt.datetime) -> bool:
        """Return whether so much more of a kind stays below the ceiling of today.

        What the widget sends for whoever asks may take half of it: the rest is for those who write to us.
        """
        if kind == "widget" and self.segments_today(now, kind) + segments > ceiling // 2:
            return False
        return self.segments_today(now) + segments <= ceiling

    def asked_today(self, now: dt.datetime, sender: str | None = None, asked_by: str | None = None) -> int:
        """Return how often the widget sent to a number, or for a web conversation, since midnight in Denmark."""
        which = SmsOutbound.sender == sender if sender else SmsOutbound.asked_by == asked_by
        today = (SmsOutbound.kind == "widget", SmsOutbound.created_at >= _midnight(now), which)
        with self._begin() as session:
            return int(session.execute(select(func.count()).select_from(SmsOutbound).where(*today)).scalar())

    def replies_since(self, sender: str, moment: dt.datetime) -> int:
        """Return how many replies a person got since a moment."""
        recent = (SmsOutbound.sender == sender, SmsOutbound.created_at >= _utc(moment))
        with self._begin() as session:
            return int(session.execute(select(func.count()).select_from(SmsOutbound).where(*recent)).scalar())

    def figures(self, now: dt.datetime) -> dict[str, Any]:
        """Return the counts for operations: messages by state, segments of today by municipality, what waits."""
        today = (SmsOutbound.state == "sent", SmsOutbound.done_at >= _midnight(now))
        segments = select(SmsOutbound.municipality_code, func.sum(SmsOutbound.segments)).where(*today)
        states = select(SmsOutbound.state, func.count()).group_by(SmsOutbound.state)
        waiting = select(func.count(), func.min(SmsInbound.received_at)).where(SmsInbound.state != "answered")
        capped = (
            select(func.count())
            .select_from(SmsOutbound)
            .where(SmsOutbound.error == CEILING, SmsOutbound.done_at >= _midnight(now))
        )
        lost = select(func.count()).select_from(SmsOutbound).where(SmsOutbound.error == "undelivered")
        with self._begin() as session:
            in_line, since = session.execute(waiting).one()
            return {
                "segments": dict(session.execute(segments.group_by(SmsOutbound.municipality_code)).all()),
                "states": dict(session.execute(states).all()),
                "waiting": in_line,
                "waited": max(0.0, (_utc(now) - since).total_seconds()) if since else 0.0,
                "capped": bool(session.execute(capped).scalar()),
                "undelivered": session.execute(lost).scalar(),
            }

    # -- by the clock ----------------------------------------------------------------------------------------------

    def forget(self, sender: str) -> None:
        """Let go at once of what somebody's conversation left here; their number goes when that is confirmed.

        No text is left of what was answered, and what they wrote after it begins anew.
        """
        with self._begin() as session:
            session.execute(delete(SmsCode).where(SmsCode.sender == sender))
            afresh = {"choices": "[]", "municipality_code": "", "conversation": sender, "told": False}
            session.execute(update(SmsPerson).where(SmsPerson.sender == sender).values(**afresh))
            session.commit()

    def _forget_number(self, sender: str) -> None:
        """Delete a number at once, unless its owner has written again: then a day from that."""
        waits = select(SmsInbound.id).where(SmsInbound.sender == sender, SmsInbound.state != "answered").exists()
        self._change(delete(SmsNumber).where(SmsNumber.sender == sender, ~waits))
        self._change(delete(SmsPerson).where(SmsPerson.sender == sender, ~waits))

    def delete_old(self, now: dt.datetime) -> None:
        """Delete numbers and persons after a day, and what is left of messages after a week."""
        day, week = _utc(now - NUMBER_KEPT), _utc(now - IDS_KEPT)
        old = select(SmsInbound.id).where(SmsInbound.received_at < week)
        with self._begin() as session:
            for statement in (
                delete(SmsNumber).where(SmsNumber.delete_at < _utc(now)),
                delete(SmsPerson).where(SmsPerson.last_at < day),
                delete(SmsCode).where(SmsCode.expires_at < _utc(now)),
                update(SmsInbound).where(SmsInbound.received_at < day).values(text="", state="answered"),
                update(SmsOutbound).where(SmsOutbound.created_at < day).values(text="", asked_by=None),
                update(SmsOutbound)
                .where(SmsOutbound.created_at < day, _IN_HAND)
                .values(state="failed", error="too late", done_at=_utc(now)),
                delete(SmsOutbound).where(or_(SmsOutbound.created_at < week, SmsOutbound.inbound_id.in_(old))),
                delete(SmsInbound).where(SmsInbound.received_at < week),
            ):
                session.execute(statement.execution_options(synchronize_session=False))
            session.commit()

    def _change(self, statement: Any) -> bool:
        with self._begin() as session:
            changed = session.execute(statement.execution_options(synchronize_session=False)).rowcount
            session.commit()
        return bool(changed)


_IN_HAND = SmsOutbound.state.in_(("queued", "sending"))


def without_cut_numbers(text: str, part: int, parts: int) -> str:
    """Return the part of a long message without a number of five digits or more at a cut: half a CPR number has no
    shape that redaction knows, and must not lie here until the other half comes.
    """
    if part > 1:
        text = re.sub(r"^[\d ./-]*\d[\d ./-]*", _if_short, text)
    return re.sub(r"\d[\d ./-]*$", _if_short, text) if part < parts else text


def _if_short(match: re.Match[str]) -> str:
    return match[0] if sum(c.isdigit() for c in match[0]) < 5 else " "


def _join(session: Session, parts: list[Any], hear: Callable[[str], Heard]) -> None:
    """Put the text of all parts into the first one, redacted as a whole; nothing where another has just done so."""
    first, *rest = parts
    heard = hear("".join(part.text for part in parts))
    whole = {
        "text": heard.text,
        "state": "received",
        "danger": heard.danger or any(part.danger for part in parts),
        "redacted": heard.redacted or any(part.redacted for part in parts),
    }
    for ids, values in (([first.id], whole), ([part.id for part in rest], {"text": "", "state": "answered"})):
        still = update(SmsInbound).where(SmsInbound.id.in_(ids), SmsInbound.state == "part").values(**values)
        if not session.execute(still.execution_options(synchronize_session=False)).rowcount:
            return


def _outbound(reference: str, sender: str, sms: Sms, kind: str, now: dt.datetime, **more: Any) -> Any:
    return SmsOutbound(
        reference=reference,
        sender=sender,
        kind=kind,
        text=sms.text,
        segments=sms.segments,
        municipality_code=sms.municipality or "",
        state="queued",
        attempts=0,
        due_at=_utc(now),
        created_at=_utc(now),
        **more,
    )


def _upsert(session: Session, model: Any, sender: str, values: dict[str, Any], new: dict[str, Any]) -> None:
    """Set `values` in a person's row; make it, with `new` besides, where there is none."""
    mine = update(model).where(model.sender == sender).values(**values)
    if session.execute(mine).rowcount:
        return
    try:
        with session.begin_nested():
            session.add(model(sender=sender, **values, **new))
    except IntegrityError:  # their other message was the first, a moment ago
        session.execute(mine)


def _utc(moment: dt.datetime) -> dt.datetime:
    return moment.astimezone(dt.timezone.utc).replace(tzinfo=None)


def _midnight(now: dt.datetime) -> dt.datetime:
    return _utc(now.astimezone(COPENHAGEN).replace(hour=0, minute=0, second=0, microsecond=0))
