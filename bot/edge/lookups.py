"""Look-ups without a conversation: the answer object, the municipalities, the topics."""

from __future__ import annotations

import datetime as dt
import re

from flask import Response, jsonify, request

from bot.answers.find import find_answer
from bot.answers.text import render
from bot.edge.context import directory as table
from bot.edge.context import now
from bot.edge.errors import BadRequest
from bot.knowledge.directory import Directory, UnknownMunicipality, UnknownTopic
from bot.knowledge.models import FACETS
from bot.knowledge.places import near_names
from bot.safety.text import tidy


def lookup() -> Response:
    """Return the answer object for `municipality`, `topic` and the date `on`, without a conversation."""
    directory = table()
    given = request.args
    facets = [facet for facet in given.get("facets", "where").split(",") if facet]
    if unknown := [facet for facet in facets if facet not in FACETS]:
        raise BadRequest(f"Facetten '{unknown[0][:40]}' kendes ikke. Brug: {', '.join(FACETS)}.", "facets")
    try:
        on = dt.date.fromisoformat(given["on"]) if "on" in given else None
    except ValueError as error:
        raise BadRequest("Skriv datoen som år-måned-dag, fx 2026-11-21.", "on") from error
    age = given.get("age")
    if age is not None and not re.fullmatch(r"\d{1,3}(\.5)?", age, re.ASCII):
        raise BadRequest("Skriv alderen som et tal, fx 17 eller 17.5.", "age")
    if "topic" not in given:
        raise BadRequest("Feltet topic mangler. Emnerne står på /api/v1/topics.", "topic")
    try:
        answer = find_answer(
            directory,
            given["topic"],
            given.get("municipality") or None,
            now=now(),
            facets=facets,
            age=float(age) if age else None,
            on=on,
        )
    except UnknownTopic as error:
        near = f" Mente du {', '.join(error.near)}?" if error.near else " Emnerne står på /api/v1/topics."
        raise BadRequest(f"Emnet '{str(error)[:40]}' kendes ikke.{near}", "topic", "unknown_topic") from error
    except UnknownMunicipality as error:
        raise unknown_municipality(error, directory) from error
    return jsonify({**answer.to_json(), "text": render(answer)})


def municipalities() -> Response:
    """Return the municipalities with code, name and region, by name."""
    rows = sorted(table().municipalities.values(), key=lambda row: row.name)
    return jsonify({"municipalities": [{"code": row.code, "name": row.name, "region": row.region} for row in rows]})


def topics() -> Response:
    """Return the topics with code, title, group and one sentence each."""
    rows = table().topics.values()
    return jsonify(
        {
            "topics": [
                {"topic": row.code, "title": row.title, "group": row.topic_group, "description": row.description}
                for row in rows
            ]
        }
    )


def unknown_municipality(error: UnknownMunicipality, directory: Directory) -> BadRequest:
    """Return the error that names near municipalities."""
    given = tidy(str(error))
    near = error.near or near_names(directory, given)
    message = f"Kommunekoden '{given[:40]}' kendes ikke. Mente du {', '.join(near)}?"
    return BadRequest(message, "municipality", "unknown_municipality")
