"""Which gateway is used is configuration."""

from __future__ import annotations

from bot.edge.sms.gatewayapi import GatewayApi
from bot.edge.sms.provider import Provider
from bot.edge.sms.settings import SmsSettings
from bot.edge.sms.twilio import Twilio


def make_provider(settings: SmsSettings) -> Provider:
    """Return the gateway of the settings."""
    return Twilio(settings) if settings.provider == "twilio" else GatewayApi(settings)
