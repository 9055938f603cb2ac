"""What every view needs of the app it runs in: the moment, and the table."""

from __future__ import annotations

import datetime as dt

from flask import current_app
from sqlalchemy.exc import SQLAlchemyError

from bot.knowledge.directory import Directory, Shelf


def now() -> dt.datetime:
    """Return the moment, as the app's clock tells it."""
    moment: dt.datetime = current_app.config["CLOCK"]()
    return moment


def directory() -> Directory:
    """Return the table as it is now, or as last read. Raises SQLAlchemyError when it never could be read."""
    shelf: Shelf = current_app.config["SHELF"]
    return shelf.current()


def directory_or_none() -> Directory | None:
    """Return the table, or None when it never could be read."""
    try:
        return directory()
    except SQLAlchemyError:
        return None
