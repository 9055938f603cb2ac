"""What the environment tells of SMS, read once at start; what cannot be right stops the start with a sentence."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass

from bot.edge.settings import SettingsError

CEILING = 2000
SECRET_LENGTH = 20
URLS = {"gatewayapi": "https://messaging.gatewayapi.eu", "twilio": "https://api.twilio.com"}


@dataclass(frozen=True)
class SmsSettings:
    """One gateway. `number` is what people write to; `municipality` whose it is, if it is one's; `ceiling` is in
    segments a day.
    """

    provider: str
    number: str
    token: str
    webhook_secret: str
    account: str
    url: str
    public_url: str
    municipality: str | None = None
    ceiling: int = CEILING

    @classmethod
    def read(cls, environ: Mapping[str, str] = os.environ) -> SmsSettings | None:
        """Return the settings of an environment, None where no gateway is named. Raises SettingsError."""
        provider = environ.get("VEJVISER_SMS_PROVIDER", "").strip().lower()
        if not provider:
            return None
        if provider not in URLS:
            raise SettingsError(f"VEJVISER_SMS_PROVIDER is '{provider}'; it must be {' or '.join(URLS)}.")
        production = environ.get("VEJVISER_ENV") == "production"
        number = re.sub(r"[ +]", "", _needed(environ, "VEJVISER_SMS_NUMBER", "the number people write to"))
        if not re.fullmatch(r"[0-9]{4,15}", number):
            raise SettingsError("VEJVISER_SMS_NUMBER must be digits with country code, like 4512345678.")
        secret = account = ""
        token = _needed(environ, "VEJVISER_SMS_TOKEN", "the gateway's key for sending")
        if provider == "gatewayapi":
            secret = _needed(environ, "VEJVISER_SMS_WEBHOOK_SECRET", "the key you gave the webhook at GatewayAPI")
            if len(secret) < SECRET_LENGTH:
                raise SettingsError(f"VEJVISER_SMS_WEBHOOK_SECRET must be {SECRET_LENGTH} characters or more.")
        else:
            account = _needed(environ, "VEJVISER_SMS_ACCOUNT", "the account SID at Twilio")
        ceiling = environ.get("VEJVISER_SMS_CEILING") or str(CEILING)
        if not re.fullmatch(r"[0-9]{1,7}", ceiling):
            raise SettingsError("VEJVISER_SMS_CEILING must be a number of segments a day, like 2000.")
        municipality = environ.get("VEJVISER_SMS_MUNICIPALITY") or None
        if municipality and not re.fullmatch(r"\d{4}", municipality, re.ASCII):
            raise SettingsError("VEJVISER_SMS_MUNICIPALITY must be a code of four digits, like 0259.")
        return cls(
            provider=provider,
            number=number,
            token=token,
            webhook_secret=secret,
            account=account,
            url=_address(environ.get("VEJVISER_SMS_URL") or URLS[provider], "VEJVISER_SMS_URL", production),
            public_url=_address(
                _needed(environ, "VEJVISER_PUBLIC_URL", "where people and the gateway reach the door"),
                "VEJVISER_PUBLIC_URL",
                production,
            ),
            municipality=municipality,
            ceiling=int(ceiling),
        )


def _needed(environ: Mapping[str, str], name: str, what: str) -> str:
    given = environ.get(name, "").strip()
    if not given:
        raise SettingsError(f"VEJVISER_SMS_PROVIDER needs {name}: {what}.")
    return given


def _address(given: str, name: str, production: bool) -> str:
    if not re.fullmatch(r"https?://[a-z0-9.-]+(?::\d{1,5})?/?", given):
        raise SettingsError(f"{name}: '{given}' is not like https://vejviser.koege.dk (no path).")
    if production and not given.startswith("https://"):
        raise SettingsError(f"{name}: '{given}' must be https in production.")
    return given.rstrip("/")
