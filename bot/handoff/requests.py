"""Requests for a human: placed, queued, taken by one, tried, ended, and deleted by the clock.

Two may reach for the same request at once, so every step is one UPDATE that names the state it expects: who comes
second changes nothing and is told.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import phonenumbers
from phonenumbers import PhoneNumberType
from sqlalchemy import and_, delete, func, or_, select, update
from sqlalchemy.engine import Engine
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from bot.handoff.models import OPEN, Desk, HandoffMessage, HandoffRequest, HandoffTally, StaffRole, StaffSession
from bot.handoff.promise import Promise, Span, desk_spans, promise, promises, still
from bot.knowledge.hours import COPENHAGEN, Calendar, parse_hours

TRIES = 3
CHAT_PROMISE = dt.timedelta(minutes=5)
CHAT_GIVES_UP = dt.timedelta(minutes=15)
PRESENT = dt.timedelta(minutes=3)  # a browser lets a page in the background ask once a minute
SECOND_THOUGHT = dt.timedelta(hours=1)  # so long an ended request keeps its number, so that a slip can be undone
AWAY = dt.timedelta(minutes=30)  # without a sign a login ends; a call that one had taken goes back to the others
LONGEST_CALL = dt.timedelta(hours=1)
NEXT_TRY = dt.timedelta(hours=1)  # so long after nobody picked up
KEPT_DAYS = 14
MAX_SUMMARY = 500
MAX_NOTE = 1000
MAX_MESSAGE = 1000
_TALKERS = ("volunteer", "coordinator")
_CALLED = (
    PhoneNumberType.FIXED_LINE,
    PhoneNumberType.MOBILE,
    PhoneNumberType.FIXED_LINE_OR_MOBILE,
    PhoneNumberType.VOIP,
)


class NotPossible(ValueError):
    """What was asked for cannot be done now. `field` is what is wrong, `code` a name for it; the message is Danish."""

    def __init__(self, message: str, field: str | None = None, code: str = "bad_request") -> None:
        super().__init__(message)
        self.message, self.field, self.code = message, field, code


@dataclass(frozen=True)
class Wish:
    """What a person asks for: a call (with eight digits and a wish of `promise.WISHES`) or a chat; and about what.

    `begins`: of the interval that was shown to them, which is then promised, or none.
    """

    kind: str
    summary: str
    number: str | None = None
    wish: str = "soonest"
    topic: str | None = None
    municipality: str | None = None
    danger: bool = False
    begins: dt.datetime | None = None


def danish_number(given: str) -> str:
    """Return the eight digits of a Danish number. Raises NotPossible for all else: 112, foreign ones, and numbers that
    cost extra to call.
    """
    try:
        parsed = phonenumbers.parse(given, "DK")
    except phonenumbers.NumberParseException:
        parsed = None
    kind = phonenumbers.number_type(parsed) if parsed is not None else None
    if parsed is None or parsed.country_code != 45 or kind not in _CALLED:
        raise NotPossible("Skriv et dansk telefonnummer med otte cifre, fx 20 12 34 56.", "number")
    return str(parsed.national_number)


class Handoff:
    """The requests in the database. Moments are arguments."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    # -- what can be offered -----------------------------------------------------------------------------------

    def desk(self) -> Desk | None:
        """Return when the helpline calls, detached, or None where nobody has set it up."""
        with Session(self._engine, future=True) as session:
            desk = session.get(Desk, 1)
            session.expunge_all()
            return desk

    def set_desk(self, hours: str, calls_per_hour: int, closed: Sequence[dt.date]) -> None:
        """Set when the helpline calls. Raises BadHours; promises already given stay."""
        parse_hours(hours)
        days = " ".join(sorted(day.isoformat() for day in closed))
        with Session(self._engine, future=True) as session:
            session.merge(Desk(id=1, hours=hours.strip(), calls_per_hour=calls_per_hour, closed_days=days))
            session.commit()

    def promises(self, calendar: Calendar, now: dt.datetime, sender: str | None = None) -> list[Promise]:
        """Return the intervals that can be promised now; none where the helpline is not set up.

        The request that `sender` may have already does not stand in its own way.
        """
        with Session(self._engine, future=True) as session:
            return _promises(session, calendar, now, sender)

    def soonest(self, calendar: Calendar, now: dt.datetime, sender: str | None = None) -> Promise | None:
        """Return the first interval of all that can be promised now, as `promises` does; None where there is none."""
        with Session(self._engine, future=True) as session:
            return _soonest(session, calendar, now, sender)

    def somebody_is_there(self, now: dt.datetime) -> bool:
        """Return whether somebody who may take over a chat has the queue open right now."""
        with Session(self._engine, future=True) as session:
            return _somebody_is_there(session, now)

    # -- the person's side -------------------------------------------------------------------------------------

    def place(self, sender: str, wish: Wish, calendar: Calendar, now: dt.datetime) -> HandoffRequest:
        """Put a request into the queue, or change the one that the conversation has waiting already.

        So a request that is sent again, because the line broke before the answer, is there once. Raises NotPossible
        when the interval cannot be kept (any more), nobody is at the chat, or somebody has taken the request already.
        """
        with Session(self._engine, future=True) as session:
            _one_promise_at_a_time(session)
            values = _promised(session, sender, wish, calendar, now)
            row = HandoffRequest(
                id=str(uuid.uuid4()), sender=sender, state="waiting", created_at=now, attempts=0, note="", **values
            )
            try:
                with session.begin_nested():
                    session.add(row)
            except IntegrityError:  # there is one
                waits = and_(HandoffRequest.sender == sender, HandoffRequest.state == "waiting")
                if wish.kind == "chat":  # the other way round a chat that nobody takes may become a call
                    waits = and_(waits, HandoffRequest.kind == "chat")
                if not _changed(session, waits, values):
                    raise NotPossible(
                        "Du har allerede bedt om et menneske. Fortryd det først, hvis du vil noget andet.",
                        code="already_asked",
                    ) from None
            session.commit()
        found = self.of(sender)
        assert found is not None
        return found

    def of(self, sender: str) -> HandoffRequest | None:
        """Return the newest request of a conversation, detached."""
        wanted = (
            select(HandoffRequest)
            .where(HandoffRequest.sender == sender)
            .order_by(HandoffRequest.ended_at.is_(None).desc(), HandoffRequest.created_at.desc())
        )
        return self._one(wanted.limit(1))

    def to_number(self, number: str) -> list[HandoffRequest]:
        """Return the open requests for a call to a number, whoever asked, the first one promised first; detached.

        Only for who is known to have that number, or has taken one of them: that somebody asked for help is private.
        """
        to_it = and_(HandoffRequest.number == number, HandoffRequest.ended_at.is_(None))
        with Session(self._engine, future=True) as session:
            wanted = select(HandoffRequest).where(to_it).order_by(HandoffRequest.promised_to)
            rows = list(session.execute(wanted).scalars())
            session.expunge_all()
            return rows

    def withdraw(self, sender: str, now: dt.datetime) -> bool:
        """End the open request of a conversation, number and words gone at once; return whether there was one."""
        return self._step(
            and_(HandoffRequest.sender == sender, HandoffRequest.ended_at.is_(None)),
            state="withdrawn",
            ended_at=now,
            number=None,
            summary="",
            note="",
        )

    def forget(self, sender: str) -> None:
        """Delete every request of a conversation, and what was written in it."""
        with Session(self._engine, future=True) as session:
            _delete(session, HandoffRequest.sender == sender)
            session.commit()

    def forget_calls_to(self, number: str) -> None:
        """Delete the requests for a call to a number, whoever asked: its owner does not want to be called."""
        with Session(self._engine, future=True) as session:
            _delete(session, HandoffRequest.number == number)
            session.commit()

    # -- the helpline's side -----------------------------------------------------------------------------------

    def get(self, request_id: str) -> HandoffRequest | None:
        """Return a request, detached, or None."""
        return self._one(select(HandoffRequest).where(HandoffRequest.id == request_id))

    def queue(self) -> list[HandoffRequest]:
        """Return the open requests, chats first, then as they are due; detached."""
        wanted = (
            select(HandoffRequest)
            .where(HandoffRequest.ended_at.is_(None))
            .order_by(HandoffRequest.kind == "call", HandoffRequest.promised_to)
        )
        with Session(self._engine, future=True) as session:
            rows = list(session.execute(wanted).scalars())
            session.expunge_all()
            return rows

    def figures(self, now: dt.datetime) -> dict[str, int]:
        """Return how many open requests there are by state, and how many of them wait past what was promised."""
        by_state = select(HandoffRequest.state, func.count()).where(HandoffRequest.ended_at.is_(None))
        late = (
            select(func.count())
            .select_from(HandoffRequest)
            .where(HandoffRequest.ended_at.is_(None), HandoffRequest.promised_to < now)
            .where(or_(HandoffRequest.kind == "call", HandoffRequest.state == "waiting"))
        )
        with Session(self._engine, future=True) as session:
            counted = dict(session.execute(by_state.group_by(HandoffRequest.state)).all())
            return {state: counted.get(state, 0) for state in OPEN} | {"late": session.execute(late).scalar_one()}

    def ended_by(self, staff_id: str, now: dt.datetime) -> list[HandoffRequest]:
        """Return what somebody ended within the hour in which it can be undone, newest first; detached."""
        wanted = (
            select(HandoffRequest)
            .where(HandoffRequest.claimed_by == staff_id, HandoffRequest.ended_at > now - SECOND_THOUGHT)
            .where(HandoffRequest.state.in_(("done", "unreached")), HandoffRequest.kind == "call")
            .order_by(HandoffRequest.ended_at.desc())
        )
        with Session(self._engine, future=True) as session:
            rows = list(session.execute(wanted).scalars())
            session.expunge_all()
            return rows

    def claim(self, request_id: str, staff_id: str, now: dt.datetime) -> bool:
        """Take a waiting request; return False when somebody else was first, or it is not there any more."""
        return self._step(
            and_(HandoffRequest.id == request_id, HandoffRequest.state == "waiting"),
            state="claimed",
            claimed_by=staff_id,
            claimed_at=now,
        )

    def release(self, request_id: str, staff_id: str) -> bool:
        """Lay a request back for others, with its promise."""
        return self._step(_mine(request_id, staff_id), **_LAID_BACK)

    def release_for(self, request_id: str) -> bool:
        """Lay a call back that somebody else has taken: for a coordinator, who knows that she has gone home."""
        taken = and_(HandoffRequest.state == "claimed", HandoffRequest.kind == "call")
        return self._step(and_(HandoffRequest.id == request_id, taken), **_LAID_BACK)

    def free_left(self, now: dt.datetime) -> None:
        """Lay back the calls that were taken half an hour ago and more by somebody whose login has ended meanwhile, or
        whose account is gone. Writes only where there is one.
        """
        with Session(self._engine, future=True) as session:
            if session.execute(select(HandoffRequest.id).where(_left(now)).limit(1)).first():
                _changed(session, _left(now), _LAID_BACK)
                session.commit()

    def write_note(self, request_id: str, staff_id: str, note: str) -> bool:
        """Keep a note with one's own request."""
        return self._step(_mine(request_id, staff_id), note=note[:MAX_NOTE])

    def done(self, request_id: str, staff_id: str, now: dt.datetime) -> bool:
        """End a request: they talked."""
        return self._step(_mine(request_id, staff_id), state="done", ended_at=now, in_time=_in_time(now))

    def hand_back(self, request_id: str, staff_id: str, now: dt.datetime) -> bool:
        """End a request and give the conversation back to the bot."""
        return self._step(_mine(request_id, staff_id), state="handed_back", ended_at=now, in_time=_in_time(now))

    def no_answer(self, request_id: str, staff_id: str, calendar: Calendar, now: dt.datetime) -> bool:
        """Note that nobody picked up. Twice the request goes back into the queue with a new promise, then it ends."""
        with Session(self._engine, future=True) as session:
            _one_promise_at_a_time(session)
            row = session.get(HandoffRequest, request_id)
            if row is None:
                return False
            tried: dict[str, Any] = {"attempts": row.attempts + 1, "tried_at": now, "in_time": _in_time(now)}
            found = None
            if row.attempts + 1 < TRIES:
                found = _soonest(session, calendar, now, row.sender, NEXT_TRY)
            if found is None:
                tried |= {"state": "unreached", "ended_at": now}
            else:
                tried |= {"state": "waiting", "claimed_by": None, "claimed_at": None}
                tried |= {"promised_from": found.begins, "promised_to": found.ends}
            changed = _changed(
                session, and_(_mine(request_id, staff_id), HandoffRequest.attempts == row.attempts), tried
            )
            session.commit()
            return changed

    def reopen(self, request_id: str, staff_id: str, now: dt.datetime) -> bool:
        """Undo within the hour that one ended a call; False when that is over, or the person has asked anew."""
        mine = and_(
            HandoffRequest.id == request_id,
            HandoffRequest.claimed_by == staff_id,
            HandoffRequest.state.in_(("done", "unreached")),
            HandoffRequest.kind == "call",
            HandoffRequest.settled.is_(False),
            HandoffRequest.ended_at > now - SECOND_THOUGHT,
        )
        try:
            return self._step(mine, state="claimed", ended_at=None)
        except IntegrityError:
            return False

    # -- a chat that somebody has taken over -------------------------------------------------------------------

    def taken_over(self, sender: str, now: dt.datetime) -> HandoffRequest | None:
        """Return the chat that a human has with this conversation, detached; None when the bot has the word.

        A human who has gone without giving it back gives it back so: nobody writes to an empty chair.
        """
        row = self._one(
            select(HandoffRequest).where(
                HandoffRequest.sender == sender, HandoffRequest.kind == "chat", HandoffRequest.state == "claimed"
            )
        )
        if row is None or self._is_there(row.claimed_by, now):
            return row
        self._step(_mine(row.id, row.claimed_by), state="unreached", ended_at=now, in_time=_in_time(now))
        return None

    def say(self, request_id: str, author: str, text: str, now: dt.datetime, danger: bool = False) -> bool:
        """Add a message to a chat that is taken over; return False when it is not any more."""
        with Session(self._engine, future=True) as session:
            still = and_(HandoffRequest.id == request_id, HandoffRequest.state == "claimed")
            if not _changed(session, still, {"danger": or_(HandoffRequest.danger, danger)}):
                return False
            session.add(HandoffMessage(request_id=request_id, author=author, text=text, danger=danger, at=now))
            session.commit()
            return True

    def messages(self, request_id: str, after: int = 0) -> list[HandoffMessage]:
        """Return what was written after a message (its id), oldest first; detached."""
        wanted = (
            select(HandoffMessage)
            .where(HandoffMessage.request_id == request_id, HandoffMessage.id > after)
            .order_by(HandoffMessage.id)
        )
        with Session(self._engine, future=True) as session:
            rows = list(session.execute(wanted).scalars())
            session.expunge_all()
            return rows

    def _is_there(self, staff_id: str | None, now: dt.datetime) -> bool:
        seen = or_(StaffSession.polled_at > now - PRESENT, StaffSession.seen_at > now - PRESENT)
        with Session(self._engine, future=True) as session:
            there = select(StaffSession.staff_id).where(StaffSession.staff_id == (staff_id or ""), seen)
            return session.execute(there.limit(1)).first() is not None

    # -- by the clock ------------------------------------------------------------------------------------------

    def sweep(self, now: dt.datetime, days: float = KEPT_DAYS, hours: float = 24) -> None:
        """Give up chats nobody took, lay back calls whose taker has left, count what ended, and delete: numbers an hour
        after the end, what was written in a chat after `hours`, requests `days` after they ended, or after what was
        promised if they never did.
        """
        with Session(self._engine, future=True) as session:
            tired = and_(
                HandoffRequest.kind == "chat",
                HandoffRequest.state == "waiting",
                HandoffRequest.created_at < now - CHAT_GIVES_UP,
            )
            _changed(session, tired, {"state": "expired", "ended_at": now})
            _changed(session, _left(now), _LAID_BACK)
            limit = now - dt.timedelta(days=days)
            old = or_(HandoffRequest.promised_to < limit, HandoffRequest.ended_at < limit)
            over = or_(HandoffRequest.ended_at <= now - SECOND_THOUGHT, old)
            for row in session.execute(select(HandoffRequest).where(over, HandoffRequest.settled.is_(False))).scalars():
                mine = and_(HandoffRequest.id == row.id, HandoffRequest.settled.is_(False))
                ended = row.ended_at or now
                if _changed(session, mine, {"settled": True, "number": None, "ended_at": ended}):  # not another sweep
                    _count(session, row)
            quiet = select(HandoffRequest.id).where(HandoffRequest.ended_at < now - dt.timedelta(hours=hours))
            session.execute(
                delete(HandoffMessage)
                .where(HandoffMessage.request_id.in_(quiet))
                .execution_options(synchronize_session=False)
            )
            _delete(session, old)
            session.commit()

    # -- pieces ------------------------------------------------------------------------------------------------

    def _one(self, wanted: Any) -> HandoffRequest | None:
        with Session(self._engine, future=True) as session:
            row = session.execute(wanted).scalar_one_or_none()
            session.expunge_all()
            return row

    def _step(self, which: Any, **values: Any) -> bool:
        with Session(self._engine, future=True) as session:
            changed = _changed(session, which, values)
            session.commit()
            return changed


def _one_promise_at_a_time(session: Session) -> None:
    """Take the lock on what the helpline can keep: who counts what is promised already counts it to the end."""
    session.execute(update(Desk).where(Desk.id == 1).values(id=1).execution_options(synchronize_session=False))


def _promises(session: Session, calendar: Calendar, now: dt.datetime, sender: str | None) -> list[Promise]:
    desk = session.get(Desk, 1)
    if desk is None:
        return []
    return promises(_spans(desk, calendar, now), _due(session, sender), int(desk.calls_per_hour), now)


def _soonest(
    session: Session,
    calendar: Calendar,
    now: dt.datetime,
    sender: str | None = None,
    rest: dt.timedelta = dt.timedelta(0),
) -> Promise | None:
    desk = session.get(Desk, 1)
    if desk is None:
        return None
    spans = _spans(desk, calendar, now)
    return promise("soonest", spans, _due(session, sender), int(desk.calls_per_hour), now, rest)


def _still(
    session: Session, wish: str, begins: dt.datetime, calendar: Calendar, now: dt.datetime, sender: str
) -> Promise | None:
    desk = session.get(Desk, 1)
    if desk is None:
        return None
    spans = _spans(desk, calendar, now)
    return still(wish, begins, spans, _due(session, sender), int(desk.calls_per_hour), now)


def _due(session: Session, but: str | None) -> list[dt.datetime]:
    """Return until when all the others who wait, or are just being called, were promised it."""
    open_calls = select(HandoffRequest.promised_to).where(
        HandoffRequest.kind == "call", HandoffRequest.ended_at.is_(None), HandoffRequest.sender != (but or "")
    )
    return list(session.execute(open_calls).scalars())


def _somebody_is_there(session: Session, now: dt.datetime) -> bool:
    there = (
        select(StaffSession.staff_id)
        .join(StaffRole, StaffRole.staff_id == StaffSession.staff_id)
        .where(StaffSession.polled_at > now - PRESENT, StaffRole.role.in_(_TALKERS))
    )
    return session.execute(there.limit(1)).first() is not None


def _promised(session: Session, sender: str, wish: Wish, calendar: Calendar, now: dt.datetime) -> dict[str, Any]:
    values = {
        "kind": wish.kind,
        "summary": wish.summary,
        "topic": wish.topic,
        "municipality_code": wish.municipality,
        "danger": wish.danger,
    }
    if wish.kind == "chat":
        if not _somebody_is_there(session, now):
            raise NotPossible("Der er desværre ingen ved chatten lige nu. Du kan bede om et opkald.", code="no_chat")
        until = now + CHAT_PROMISE
        return values | {"number": None, "wish": "today", "promised_from": now, "promised_to": until}
    if wish.begins is not None:
        found = _still(session, wish.wish, wish.begins, calendar, now, sender)
    elif wish.wish == "soonest":  # whoever has no choice of intervals before them, as in an SMS, takes the first
        found = _soonest(session, calendar, now, sender)
    else:
        found = next((kept for kept in _promises(session, calendar, now, sender) if kept.wish == wish.wish), None)
    if found is None:
        raise NotPossible("Det tidspunkt kan vi ikke love længere. Vælg et af de andre.", "wish", "no_wish")
    assert wish.number is not None
    return values | {
        "number": wish.number,
        "wish": wish.wish,
        "promised_from": found.begins,
        "promised_to": found.ends,
    }


def _spans(desk: Desk, calendar: Calendar, now: dt.datetime) -> list[Span]:
    closed = [dt.date.fromisoformat(day) for day in desk.closed_days.split()]
    return [
        (max(opens, now), closes) for opens, closes in desk_spans(desk.hours, closed, calendar, now) if closes > now
    ]


_LAID_BACK = {"state": "waiting", "claimed_by": None, "claimed_at": None}  # the promise stays


def _left(now: dt.datetime) -> Any:
    at_work = select(StaffSession.staff_id).where(StaffSession.seen_at > now - AWAY)
    gone = and_(HandoffRequest.claimed_at < now - AWAY, HandoffRequest.claimed_by.not_in(at_work))
    return and_(
        HandoffRequest.kind == "call",
        HandoffRequest.state == "claimed",
        or_(HandoffRequest.claimed_by.is_(None), gone),
    )


def lay_back(session: Session, staff_id: str) -> None:
    """Lay back every call that somebody has taken whose account is closed or deleted, in that transaction."""
    taken = and_(HandoffRequest.state == "claimed", HandoffRequest.kind == "call")
    _changed(session, and_(taken, HandoffRequest.claimed_by == staff_id), _LAID_BACK)


def _in_time(now: dt.datetime) -> Any:
    """Return whether a person was first helped, or called, within what was promised.

    Taking a request is a chat, but no call yet; a call that began in time may last an hour beyond.
    """
    taken = HandoffRequest.claimed_at <= HandoffRequest.promised_to
    called = or_(HandoffRequest.kind == "chat", HandoffRequest.promised_to >= now - LONGEST_CALL)
    return func.coalesce(HandoffRequest.in_time, and_(taken, called))


def _mine(request_id: str, staff_id: str) -> Any:
    return and_(
        HandoffRequest.id == request_id, HandoffRequest.claimed_by == staff_id, HandoffRequest.state == "claimed"
    )


def _changed(session: Session, which: Any, values: dict[str, Any]) -> bool:
    change = update(HandoffRequest).where(which).values(**values).execution_options(synchronize_session=False)
    return bool(session.execute(change).rowcount)


def _delete(session: Session, which: Any) -> None:
    ids = select(HandoffRequest.id).where(which)
    for statement in (
        delete(HandoffMessage).where(HandoffMessage.request_id.in_(ids)),
        delete(HandoffRequest).where(which),
    ):
        session.execute(statement.execution_options(synchronize_session=False))


def _count(session: Session, row: HandoffRequest) -> None:
    """Count what became of a request; one that nobody took in fourteen days has expired."""
    about = {
        "day": row.created_at.astimezone(COPENHAGEN).date(),
        "kind": row.kind,
        "outcome": row.state if row.ended_at else "expired",
        "in_time": bool(row.in_time),
    }
    mine = [getattr(HandoffTally, name) == value for name, value in about.items()]
    one_more = update(HandoffTally).where(*mine).values(count=HandoffTally.count + 1)
    if not session.execute(one_more.execution_options(synchronize_session=False)).rowcount:
        session.add(HandoffTally(**about, count=1))
        session.flush()
