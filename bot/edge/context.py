"""What every view needs: the moment, the table, and what was sent."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

from flask import current_app, request
from sqlalchemy.exc import SQLAlchemyError

from bot.edge.errors import BadRequest
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


def json_body() -> dict[str, Any]:
    """Return the JSON object that was sent. Raises BadRequest."""
    if request.mimetype != "application/json":
        raise BadRequest(
            "Send beskeden som JSON (Content-Type: application/json).", code="unsupported_media_type", status=415
        )
    try:
        body = json.loads(request.get_data(cache=False))
    except (ValueError, RecursionError) as error:
        raise BadRequest("Beskeden er ikke gyldig JSON.", code="invalid_json") from error
    if not isinstance(body, dict):
        raise BadRequest("Beskeden skal være et JSON-objekt med feltet text.", code="invalid_json")
    return body


def known_topic(body: dict[str, Any], directory: Directory) -> str:
    """Return the code in the field `topic`. Raises BadRequest when the table has no such topic."""
    topic = body.get("topic")
    if not isinstance(topic, str) or topic not in directory.topics:
        raise BadRequest("Emnet kendes ikke. Emnerne står på /api/v1/topics.", "topic", "unknown_topic")
    return topic


def known_municipality(body: dict[str, Any], directory: Directory) -> str | None:
    """Return the code in the field `municipality`, or None. Raises BadRequest when the table has no such code."""
    code = body.get("municipality")
    if code is not None and (not isinstance(code, str) or code not in directory.municipalities):
        raise BadRequest("Kommunekoden kendes ikke.", "municipality", "unknown_municipality")
    return code
