"""Session ids: made here, signed, unguessable. They say nothing of a person but whether they were told of redaction."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

from itsdangerous import BadData, BadSignature, URLSafeSerializer, URLSafeTimedSerializer

DOCTOR = "doctor"
DOCTOR_HEADER = "X-Vejviser-Doctor"
_DOCTOR_SECONDS = 300
_TOLD = "told"


@dataclass(frozen=True)
class Session:
    """One conversation. `sender` is Rasa's name for it; `told`: the person knows that private data are taken out."""

    sender: str
    told: bool = False


class Sessions:
    """Makes and reads the ids that people carry. That somebody was told stands in the id, so nothing more is kept."""

    def __init__(self, secret: str) -> None:
        self._signer = URLSafeSerializer(secret, salt="session")

    def new(self) -> Session:
        """Return a conversation that never was."""
        return Session(secrets.token_urlsafe(16))

    def id_of(self, session: Session) -> str:
        """Return the signed id."""
        return str(self._signer.dumps([session.sender, _TOLD] if session.told else session.sender))

    def read(self, given: Any) -> Session | None:
        """Return the conversation of a signed id, or None when we never signed it."""
        try:
            signed = self._signer.loads(given) if isinstance(given, str) else None
        except (BadSignature, UnicodeError):
            return None
        if isinstance(signed, list) and len(signed) == 2 and signed[1] == _TOLD and isinstance(signed[0], str):
            return Session(signed[0], told=True)
        return Session(signed) if isinstance(signed, str) else None


def doctors_mark(secret: str) -> str:
    """Return what `vejviser doctor` puts into DOCTOR_HEADER: who has the secret may ask without being counted."""
    return str(URLSafeTimedSerializer(secret, salt=DOCTOR).dumps(DOCTOR))


def is_doctors(secret: str, mark: str) -> bool:
    """Return whether a mark was made with our secret, a few minutes ago at most."""
    try:
        URLSafeTimedSerializer(secret, salt=DOCTOR).loads(mark, max_age=_DOCTOR_SECONDS)
    except BadData:
        return False
    return True
