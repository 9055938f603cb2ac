"""What the environment tells the console: the door's settings, and how one logs in."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from bot.edge import settings as edge
from bot.edge.settings import SettingsError

MANY = "3000 per minute"  # answers come as one types, for all volunteers of a house behind one address


@dataclass(frozen=True)
class Oidc:
    """The association's own login. `claim`: which claim names the account here."""

    issuer: str
    client_id: str
    client_secret: str
    claim: str = "email"


@dataclass(frozen=True)
class Settings:
    """How this console is set up: secret, production, proxies and rates as the door's; OpenID Connect if configured."""

    door: edge.Settings
    oidc: Oidc | None = None

    @classmethod
    def read(cls, environ: Mapping[str, str] = os.environ, secret: str | None = None) -> Settings:
        """Return the settings of an environment; a given secret wins over VEJVISER_SECRET. Raises SettingsError."""
        door = edge.Settings.read({"VEJVISER_ADDRESS_RATE": MANY, **_without_rate(environ)}, secret)
        return cls(door, _oidc(environ, door.production))


def _without_rate(environ: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environ.items() if name != "VEJVISER_ADDRESS_RATE"}


def _oidc(environ: Mapping[str, str], production: bool) -> Oidc | None:
    names = ("VEJVISER_OIDC_ISSUER", "VEJVISER_OIDC_CLIENT_ID", "VEJVISER_OIDC_CLIENT_SECRET")
    given = [environ.get(name) or "" for name in names]
    if not any(given):
        return None
    if missing := [name for name, value in zip(names, given) if not value]:
        raise SettingsError(f"Login through OpenID Connect also needs {' and '.join(missing)}.")
    issuer = given[0].rstrip("/")
    if production and not issuer.startswith("https://"):
        raise SettingsError("VEJVISER_OIDC_ISSUER must be https in production.")
    return Oidc(issuer, given[1], given[2], environ.get("VEJVISER_OIDC_CLAIM") or "email")
