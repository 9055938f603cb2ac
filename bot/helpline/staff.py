"""Who may come in: accounts, roles, passwords, lock-out, and logins that can be ended. Knows no web framework."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import secrets
import threading
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from sqlalchemy import delete, func, select, update
from sqlalchemy.engine import Engine
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from bot.handoff.models import ROLES, Audit, Staff, StaffRole, StaffSession
from bot.handoff.requests import AWAY, lay_back

SHORTEST_PASSWORD = 12
TRIES = 5
LOCKED = dt.timedelta(minutes=15)
IDLE = AWAY
LONGEST = dt.timedelta(hours=12)
DEVELOPER = "udvikler"
_LOGIN = re.compile(r"[a-z0-9æøå][a-z0-9æøå._@+-]{1,79}")
_HASHER = PasswordHasher()
_AT_ONCE = threading.BoundedSemaphore(4)  # each takes 64 MB while it looks; the others wait
_NOBODY = _HASHER.hash(secrets.token_hex(8))  # so that an unknown login takes as long as a wrong password


class StaffError(ValueError):
    """An account cannot be made or changed like this; the message says what to do instead, in Danish."""


@dataclass(frozen=True)
class Role:
    """A role; `municipality` is a four-digit code for an editor, empty for the others."""

    name: str
    municipality: str = ""

    @classmethod
    def read(cls, text: str) -> Role:
        """Return the role of `volunteer` or `editor:0259`. Raises StaffError."""
        name, _, code = text.strip().partition(":")
        if name not in ROLES:
            raise StaffError(f"Rollen '{name}' findes ikke. Brug: {', '.join(ROLES)} (editor:0259 for Køge).")
        if (name == "editor") != bool(re.fullmatch(r"\d{4}", code, re.ASCII)):
            raise StaffError("En redaktør hører til en kommune: skriv editor:0259. Andre roller har ingen kommune.")
        return cls(name, code)

    def __str__(self) -> str:
        return f"{self.name}:{self.municipality}" if self.municipality else self.name


@dataclass(frozen=True)
class Person:
    """Somebody logged in, as Flask-Login wants to see them. `token` is the login's, never the account's."""

    id: str
    login: str
    name: str
    roles: frozenset[Role] = field(default_factory=frozenset)
    token: str = ""
    is_authenticated = True
    is_active = True
    is_anonymous = False

    def get_id(self) -> str:
        """Return what the cookie carries."""
        return self.token

    def has(self, *names: str) -> bool:
        """Return whether the person has one of the roles, wherever."""
        return any(role.name in names for role in self.roles)

    def edits(self, municipality: str) -> bool:
        """Return whether the person is an editor of that municipality (code)."""
        return Role("editor", municipality) in self.roles

    @property
    def municipalities(self) -> list[str]:
        """Return the codes of the municipalities the person edits."""
        return sorted(role.municipality for role in self.roles if role.municipality)


class StaffBook:
    """The accounts in the database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    # -- accounts ----------------------------------------------------------------------------------------------

    def add(
        self,
        login: str,
        name: str,
        password: str | None,
        roles: Iterable[Role],
        now: dt.datetime,
        development: bool = False,
    ) -> str:
        """Make an account and return its id. Without a password it comes in through OpenID Connect only.

        Raises StaffError when the login is taken or malformed, the password too short, or no role given.
        """
        login, name, wanted = login.strip().casefold(), name.strip(), set(roles)
        if not _LOGIN.fullmatch(login):
            raise StaffError("Brugernavnet skal have 2-80 tegn: bogstaver, tal og . _ @ + -")
        if not 0 < len(name) <= 80:
            raise StaffError("Skriv et navn på højst 80 tegn.")
        if not wanted:
            raise StaffError("Giv mindst én rolle.")
        staff = Staff(
            id=str(uuid.uuid4()),
            login=login,
            name=name,
            password_hash=_hash(password) if password is not None else None,
            development=development,
            created_at=now,
            roles=[StaffRole(role=role.name, municipality_code=role.municipality) for role in wanted],
        )
        with Session(self._engine, future=True) as session:
            session.add(staff)
            try:
                session.commit()
            except IntegrityError as error:
                raise StaffError(f"Brugernavnet '{login}' er taget.") from error
            return str(staff.id)

    def all(self) -> list[Staff]:
        """Return every account by login, detached."""
        with Session(self._engine, future=True) as session:
            rows = list(session.execute(select(Staff).order_by(Staff.login)).scalars())
            session.expunge_all()
            return rows

    def get(self, staff_id: str) -> Staff | None:
        """Return the account, detached, or None."""
        with Session(self._engine, future=True) as session:
            staff = session.get(Staff, staff_id)
            session.expunge_all()
            return staff

    def by_login(self, login: str) -> Staff | None:
        """Return the account with that login, detached, or None."""
        with Session(self._engine, future=True) as session:
            staff = session.execute(select(Staff).where(Staff.login == login.strip().casefold())).scalar_one_or_none()
            session.expunge_all()
            return staff

    def change(self, staff_id: str, name: str, roles: Iterable[Role], active: bool) -> None:
        """Change name, roles and whether the account is open; a closed one is out at once. Raises StaffError."""
        wanted, name = set(roles), name.strip()
        if not 0 < len(name) <= 80:
            raise StaffError("Skriv et navn på højst 80 tegn.")
        if not wanted:
            raise StaffError("Giv mindst én rolle, eller luk kontoen.")
        with Session(self._engine, future=True) as session:
            _one_at_a_time(session)
            staff = session.get(Staff, staff_id)
            if staff is None:
                raise StaffError("Kontoen findes ikke længere.")
            was_admin = staff.active and any(role.role == "administrator" for role in staff.roles)
            if was_admin and not (active and Role("administrator") in wanted) and self._administrators(session) < 2:
                raise StaffError("Der skal være mindst én åben administrator. Gør en anden til administrator først.")
            staff.name, staff.active = name, active
            have = {Role(row.role, row.municipality_code): row for row in staff.roles}
            for role in have.keys() - wanted:
                staff.roles.remove(have[role])
            for role in wanted - have.keys():
                staff.roles.append(StaffRole(role=role.name, municipality_code=role.municipality))
            if not active:
                lay_back(session, staff_id)
                session.execute(delete(StaffSession).where(StaffSession.staff_id == staff_id))
            session.commit()

    def set_password(self, staff_id: str, password: str, keep: str | None = None) -> None:
        """Set a password, open a locked account, and end every login but the one with the token `keep`.

        Raises StaffError when it is too short.
        """
        hashed = _hash(password)
        others = [StaffSession.staff_id == staff_id]
        if keep:
            others.append(StaffSession.token_hash != _digest(keep))
        with Session(self._engine, future=True) as session:
            session.execute(
                update(Staff)
                .where(Staff.id == staff_id)
                .values(password_hash=hashed, failed=0, locked_until=None)
                .execution_options(synchronize_session=False)
            )
            session.execute(delete(StaffSession).where(*others).execution_options(synchronize_session=False))
            session.commit()

    def remove(self, login: str) -> bool:
        """Delete an account; return whether there was one. Raises StaffError for the last administrator."""
        with Session(self._engine, future=True) as session:
            _one_at_a_time(session)
            staff = session.execute(select(Staff).where(Staff.login == login.strip().casefold())).scalar_one_or_none()
            if staff is None:
                return False
            last = staff.active and any(role.role == "administrator" for role in staff.roles)
            if last and not staff.development and self._administrators(session) < 2:
                raise StaffError("Der skal være mindst én åben administrator.")
            lay_back(session, staff.id)
            session.delete(staff)
            session.commit()
            return True

    def development_logins(self) -> list[str]:
        """Return the open accounts that `make run` made."""
        return [staff.login for staff in self.all() if staff.development and staff.active]

    def _administrators(self, session: Session) -> int:
        count = select(func.count(Staff.id.distinct())).join(StaffRole)
        return int(session.execute(count.where(Staff.active, StaffRole.role == "administrator")).scalar_one())

    # -- coming in ---------------------------------------------------------------------------------------------

    def check(self, login: str, password: str, now: dt.datetime) -> Staff | None:
        """Return the account if the password is right and it is open, else None.

        The fifth wrong password in a row locks the account for a quarter of an hour; until then also the right one is
        refused, and nothing tells the caller which it was.
        """
        staff = self.by_login(login)
        hashed = staff.password_hash if staff is not None and staff.password_hash else _NOBODY
        right = _matches(hashed, password)
        if staff is None or not staff.active or not staff.password_hash:
            return None
        if staff.locked_until is not None and now < staff.locked_until:
            return None
        with Session(self._engine, future=True) as session:
            mine = update(Staff).where(Staff.id == staff.id).execution_options(synchronize_session=False)
            if right:
                fresh = _hash(password) if _HASHER.check_needs_rehash(hashed) else hashed
                session.execute(mine.values(failed=0, locked_until=None, password_hash=fresh))
            else:
                session.execute(mine.values(failed=Staff.failed + 1))
                session.execute(mine.where(Staff.failed >= TRIES).values(failed=0, locked_until=now + LOCKED))
            session.commit()
        return staff if right else None

    def begin(self, staff_id: str, now: dt.datetime) -> Person:
        """Begin a login on a device."""
        token = secrets.token_urlsafe(32)
        with Session(self._engine, future=True) as session:
            session.execute(
                delete(StaffSession)
                .where(StaffSession.seen_at < now - LONGEST)
                .execution_options(synchronize_session=False)
            )
            session.add(StaffSession(token_hash=_digest(token), staff_id=staff_id, began_at=now, seen_at=now))
            session.commit()
        person = self.find(token, now)
        assert person is not None
        return person

    def find(self, token: str, now: dt.datetime, acts: bool = True) -> Person | None:
        """Return who is logged in with a token, or None when that login is over.

        Over is: logged out, account closed, nothing done for half an hour, or twelve hours old. `acts=False` is a page
        that asks for news by itself: it shows that somebody is there, and keeps nobody logged in.
        """
        with Session(self._engine, future=True) as session:
            row = session.get(StaffSession, _digest(token))
            if row is None or row.seen_at < now - IDLE or row.began_at < now - LONGEST:
                return None
            staff = session.get(Staff, row.staff_id)
            if staff is None or not staff.active:
                return None
            roles = frozenset(Role(role.role, role.municipality_code) for role in staff.roles)
            person = Person(staff.id, staff.login, staff.name, roles, token)
            # By UPDATE: a login that ends at this moment is no fault.
            mine = update(StaffSession).where(StaffSession.token_hash == row.token_hash)
            mine = mine.execution_options(synchronize_session=False)
            if not acts:
                session.execute(mine.values(polled_at=now))
            elif now - row.seen_at > dt.timedelta(seconds=20):  # not a write for each letter typed
                session.execute(mine.values(seen_at=now))
            session.commit()
            return person

    def end(self, token: str) -> None:
        """End a login."""
        with Session(self._engine, future=True) as session:
            session.execute(delete(StaffSession).where(StaffSession.token_hash == _digest(token)))
            session.commit()

    # -- traces ------------------------------------------------------------------------------------------------

    def note(self, person: Person | Staff, action: str, about: str, now: dt.datetime) -> None:
        """Write who did what to the audit."""
        with Session(self._engine, future=True) as session:
            session.add(Audit(at=now, staff_id=person.id, login=person.login, action=action, about=about[:80]))
            session.commit()

    def traces(self, most: int = 200, about: str | None = None) -> list[Audit]:
        """Return the newest lines of the audit, detached; of one request or account when `about` is its id."""
        wanted = select(Audit).order_by(Audit.id.desc()).limit(most)
        if about:
            wanted = wanted.where(Audit.about == about)
        with Session(self._engine, future=True) as session:
            rows = list(session.execute(wanted).scalars())
            session.expunge_all()
            return rows


def _one_at_a_time(session: Session) -> None:
    """Take the lock on the accounts: of two administrators who close each other's only one succeeds."""
    session.execute(update(Staff).values(active=Staff.active).execution_options(synchronize_session=False))


def _hash(password: str) -> str:
    if len(password) < SHORTEST_PASSWORD or len(set(password)) < 5:
        raise StaffError(f"Adgangskoden skal have mindst {SHORTEST_PASSWORD} tegn. Brug gerne fire-fem ord.")
    if len(password) > 200:
        raise StaffError("Adgangskoden må højst have 200 tegn.")
    with _AT_ONCE:
        return _HASHER.hash(password)


def _matches(hashed: str, password: str) -> bool:
    try:
        with _AT_ONCE:
            return _HASHER.verify(hashed, password)
    except (VerifyMismatchError, InvalidHashError):
        return False


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
