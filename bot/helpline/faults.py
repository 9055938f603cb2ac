"""What goes wrong, said in Danish on a page that leads on."""

from __future__ import annotations

from typing import Any

from flask import Flask, current_app, render_template, request
from flask_limiter import RateLimitExceeded
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException

from bot.edge.errors import where

_SAID = {
    400: ("Det kunne ikke læses", "Gå tilbage, og prøv igen."),
    403: ("Det har du ikke adgang til", "Skal du bruge siden, så bed en administrator om rollen."),
    404: ("Siden findes ikke", "Måske er henvendelsen slettet, eller adressen er skrevet forkert."),
    405: ("Det kan siden ikke", "Gå tilbage, og prøv igen."),
    413: ("Det var for meget på én gang", "Gør teksten kortere, og prøv igen."),
    429: ("For mange forsøg", "Vent et minut, og prøv igen."),
}
_UNEXPECTED = ("Noget gik galt hos os", "Prøv igen om lidt. Det er noteret i loggen.")
_NO_DATABASE = ("Vi kan ikke nå databasen lige nu", "Prøv igen om lidt. Haster det, så brug kommunens hovednummer.")
_FORGED = ("Siden var for gammel", "Gå tilbage, indlæs siden igen, og send en gang til. Intet er ændret.")
_NO_REFERRER = (
    "Din browser fortæller ikke, hvilken side du kom fra",
    "Slå det tillæg fra, der skjuler det (referer), for denne side. Intet er ændret.",
)


def register(app: Flask) -> None:
    """Give every error a page."""
    app.register_error_handler(CSRFError, _forged)
    app.register_error_handler(RateLimitExceeded, lambda error: _page(_SAID[429], 429))
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(SQLAlchemyError, _database)
    app.register_error_handler(Exception, _unexpected)


def _forged(error: CSRFError) -> Any:
    return _page(_NO_REFERRER if request.is_secure and not request.referrer else _FORGED, 400)


def _http(error: HTTPException) -> Any:
    if error.response is not None:
        return error.response
    status = error.code or 500
    return _page(_SAID.get(status, _UNEXPECTED), status)


def _database(error: SQLAlchemyError) -> Any:
    _log(error)
    return _page(_NO_DATABASE, 503)


def _unexpected(error: Exception) -> Any:
    _log(error)
    return _page(_UNEXPECTED, 500)


def _log(error: Exception) -> None:
    """The kind of error and where, never its message: it may quote a person."""
    current_app.config["LOG"].error("unexpected", error=type(error).__name__, where=where(error))


def _page(said: tuple[str, str], status: int) -> Any:
    if request.is_json:
        return {"error": {"message": f"{said[0]}. {said[1]}"}}, status
    return render_template("fejl.html", title=said[0], said=said[1], status=status), status
