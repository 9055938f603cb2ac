"""What the environment tells the door, read once at start; what cannot be right stops the start with a sentence."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.handoff.requests import KEPT_DAYS
from bot.knowledge.load import ROOT

SESSION_RATE = "90 per minute"
ADDRESS_RATE = "300 per minute"
CALLBACK_RATE = "20 per hour"  # of one address: a household asks once, a prank asks all day
KEEP_HOURS = 24.0
SECRET_LENGTH = 32
# Six letters and more: a random key of 43 characters hardly ever holds one of them.
_DEFAULT_WORDS = re.compile(r"change.?me|secret|hemmelig|default|example|vejviser|password", re.IGNORECASE)
_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(?::\d{1,5})?")


class SettingsError(ValueError):
    """The environment asks for something the door will not do."""


@dataclass(frozen=True)
class Settings:
    """How this door is set up. `origins`: sites that may embed the widget, each with its municipality or None.

    `keep_hours`: how long a conversation is kept; `callback_days`: how long a request for a human is.
    """

    secret: str
    production: bool = False
    origins: Mapping[str, str | None] = field(default_factory=dict)
    session_rate: str = SESSION_RATE
    address_rate: str = ADDRESS_RATE
    callback_rate: str = CALLBACK_RATE
    rate_storage: str = "memory://"
    proxies: int = 0
    metrics_token: str | None = None
    keep_hours: float = KEEP_HOURS
    callback_days: float = KEPT_DAYS

    @classmethod
    def read(cls, environ: Mapping[str, str] = os.environ, secret: str | None = None) -> Settings:
        """Return the settings of an environment; a given secret wins over VEJVISER_SECRET. Raises SettingsError."""
        production = _kind(environ.get("VEJVISER_ENV") or "development") == "production"
        secret = secret or environ.get("VEJVISER_SECRET")
        if production:
            _strong(secret)
        return cls(
            secret=secret or kept_secret(),
            production=production,
            origins=_origins(environ.get("VEJVISER_ORIGINS") or "", production),
            session_rate=environ.get("VEJVISER_SESSION_RATE") or SESSION_RATE,
            address_rate=environ.get("VEJVISER_ADDRESS_RATE") or ADDRESS_RATE,
            callback_rate=environ.get("VEJVISER_CALLBACK_RATE") or CALLBACK_RATE,
            rate_storage=environ.get("VEJVISER_RATE_STORAGE") or "memory://",
            proxies=_number(environ, "VEJVISER_PROXIES"),
            metrics_token=environ.get("VEJVISER_METRICS_TOKEN") or None,
            keep_hours=_time(environ, "VEJVISER_KEEP_HOURS", KEEP_HOURS, "hours"),
            callback_days=_time(environ, "VEJVISER_CALLBACK_DAYS", KEPT_DAYS, "days"),
        )


def kept_secret() -> str:
    """Return the key made on first start and kept in var/: enough for a desk, not for a server."""
    kept = ROOT / "var" / "session.key"
    if not kept.exists():
        kept.parent.mkdir(exist_ok=True)
        kept.touch(mode=0o600)
        kept.write_text(secrets.token_urlsafe(32))
    return kept.read_text()


def _kind(name: str) -> str:
    if name not in {"development", "production"}:  # a misspelt "prodction" must not open the door unguarded
        raise SettingsError(f"VEJVISER_ENV is '{name}'; it must be development or production.")
    return name


def _strong(secret: str | None) -> None:
    how = 'Make one: python -c "import secrets; print(secrets.token_urlsafe(32))"'
    if not secret:
        raise SettingsError(f"VEJVISER_ENV=production needs VEJVISER_SECRET. {how}")
    if len(secret) < SECRET_LENGTH or len(set(secret)) < 10 or _DEFAULT_WORDS.search(secret):
        raise SettingsError(f"VEJVISER_SECRET is too short, too plain or a known default. {how}")


def _origins(given: str, production: bool) -> dict[str, str | None]:
    """Read `https://www.koege.dk=0259, https://www.example.dk`: an origin, and whose site it is if it is one's."""
    origins: dict[str, str | None] = {}
    for pair in re.split(r"[\s,]+", given.strip()) if given.strip() else []:
        origin, _, code = pair.partition("=")
        origin = origin.lower()
        if not _ORIGIN.fullmatch(origin) or (code and not re.fullmatch(r"\d{4}", code, re.ASCII)):
            raise SettingsError(f"VEJVISER_ORIGINS: '{pair}' is not like https://www.koege.dk=0259 (no path, no star).")
        if production and not origin.startswith("https://"):
            raise SettingsError(f"VEJVISER_ORIGINS: '{origin}' must be https in production.")
        origins[origin] = code or None
    return origins


def door_workers(environ: Mapping[str, str] = os.environ) -> int:
    """Return how many processes serve the door: VEJVISER_WORKERS, else one. Raises SettingsError."""
    return _number(environ, "VEJVISER_WORKERS") or 1


def _time(environ: Mapping[str, str], name: str, default: float, unit: str) -> float:
    given = environ.get(name) or str(default)
    if not re.fullmatch(r"\d{1,4}(\.\d{1,3})?", given, re.ASCII) or not float(given):
        raise SettingsError(f"{name} is '{given}'; it must be a number of {unit}, like {default:g} or 1.5.")
    return float(given)


def _number(environ: Mapping[str, str], name: str) -> int:
    given = environ.get(name) or "0"
    if not re.fullmatch(r"\d", given, re.ASCII):
        raise SettingsError(f"{name} must be a number from 0 to 9.")
    return int(given)
