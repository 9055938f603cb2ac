"""Telephone numbers: whose a message is without saying so, and whether one may be sent to."""

from __future__ import annotations

import hashlib
import hmac

import phonenumbers
from phonenumbers import PhoneNumberType

_MOBILE = (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE)


def sender_of(number: str, secret: str) -> str:
    """Return what stands for a number (digits with country code) everywhere: useless without our key."""
    return "sms-" + hmac.new(secret.encode(), b"sms:" + number.encode(), hashlib.sha256).hexdigest()[:40]


def danish_mobile(given: str) -> str | None:
    """Return a Danish number that can take an SMS as digits with country code, 4512345678, else None."""
    try:
        parsed = phonenumbers.parse(given, "DK")
    except phonenumbers.NumberParseException:
        return None
    if parsed.country_code != 45 or not phonenumbers.is_valid_number(parsed) or parsed.extension:
        return None
    return f"45{parsed.national_number}" if phonenumbers.number_type(parsed) in _MOBILE else None
