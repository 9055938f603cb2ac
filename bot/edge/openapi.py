"""The OpenAPI document of the chat API, made from the answer object itself so that the two cannot drift apart."""

from __future__ import annotations

import dataclasses
import functools
import types
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from flask import Response, jsonify

from bot.answers.answer import Answer
from bot.edge import feedback
from bot.edge.errors import MAX_BODY
from bot.edge.turn import MAX_TEXT
from bot.handoff.models import AUTHORS, KINDS
from bot.handoff.promise import WISHES
from bot.handoff.requests import MAX_SUMMARY
from bot.handoff.said import Standing
from bot.knowledge.models import FACETS

_PLAIN = {str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null"}
_ERRORS = {
    "400": "Not usable; `error.field` is what is wrong, when it is one field",
    "403": "A site that was not configured",
    "404": "No such page",
    "409": "Not possible (any more); the message says what is",
    "413": f"Over {MAX_BODY} bytes",
    "415": "Not JSON, or packed",
    "429": "Too many; Retry-After says in how many seconds",
    "503": "Not now: a database is away or full; the message says what happens instead",
}


def page() -> Response:
    """Return the document."""
    return jsonify(document())


@functools.lru_cache(maxsize=1)
def document() -> dict[str, Any]:
    """Return the OpenAPI 3.1 document."""
    schemas: dict[str, Any] = {}
    _schema(Answer, schemas)
    schemas["Button"] = _object(title=_type("string"), payload=_type("string"))
    schemas["Message"] = _object(
        text=_type("string"), buttons=_list(_ref("Button")), answer={"anyOf": [_ref("Answer"), _type("null")]}
    )
    schemas["Question"] = {
        "type": "object",
        "properties": {
            "text": {"type": "string", "minLength": 1, "maxLength": MAX_TEXT},
            "session": {"type": ["string", "null"], "description": "null first, then the id of the last reply"},
            "municipality": {"type": ["string", "null"], "description": "The site's, four digits; the text wins"},
        },
        "required": ["text"],
    }
    schemas["Reply"] = _object(session=_type("string"), messages=_list(_ref("Message")))
    schemas["Reply"]["description"] = "No messages: a human has taken the conversation over and will answer."
    problem = _object(code=_type("string"), message=_type("string"))
    problem["properties"]["field"] = _type("string")
    schemas["Error"] = _object(error=problem)
    schemas["Health"] = _object(
        status=_type("string"),
        **{part: {"enum": ["ok", "down"]} for part in ("rasa", "actions", "database")},
        knowledge=_type("object"),
    )
    schemas["Municipalities"] = _object(
        municipalities=_list(_object(code=_type("string"), name=_type("string"), region=_type("string")))
    )
    place = _object(code=_type("string"), name=_type("string"))
    number = _object(number=_type("string"), whose=_type("string"), source=_type("string"))
    schemas["Contact"] = _object(
        municipality={"anyOf": [place, _type("null")]},
        phone={"anyOf": [number, _type("null")]},
        sms=_type("boolean"),
    )
    schemas["Received"] = _object(received=_type("boolean"), redacted=_type("boolean"))
    about = {"topic": _type("string"), "municipality": {"type": ["string", "null"]}}
    schemas["Feedback"] = {
        "type": "object",
        "properties": {
            **about,
            "facet": {"enum": list(FACETS)},
            "helped": {"type": ["boolean", "null"]},
            "reason": {"type": "string", "maxLength": feedback.MAX_REASON},
        },
        "required": ["topic"],
    }
    schemas["Correction"] = {
        "type": "object",
        "properties": {
            **about,
            "department": {"type": ["string", "null"], "description": "`answer.department.id`"},
            "field": {"enum": [*feedback.ORGANIZATION_FIELDS, *feedback.TOPIC_FIELDS]},
            "message": {"type": "string", "minLength": 1, "maxLength": feedback.MAX_MESSAGE},
        },
        "required": ["topic", "field", "message"],
    }
    schemas["Sms"] = {
        "type": "object",
        "properties": {
            "session": {"type": "string", "description": "The id of the last reply"},
            "phone": {"type": "string", "maxLength": 30, "description": "A Danish mobile number"},
            **about,
            "facets": _list({"enum": list(FACETS)}),
        },
        "required": ["session", "phone", "topic"],
    }
    schemas["Wish"] = {
        "type": "object",
        "properties": {
            "session": _type("string"),
            "kind": {"enum": list(KINDS)},
            "summary": {"type": "string", "maxLength": MAX_SUMMARY},
            "number": {"type": ["string", "null"], "description": "Danish; needed for a call"},
            "wish": {"enum": list(WISHES)},
            "begins": {
                "type": ["string", "null"],
                "format": "date-time",
                "description": "Of the interval that was shown: that one is promised, or 409 with `calls` that can be",
            },
            "topic": {"type": ["string", "null"]},
            "municipality": {"type": ["string", "null"]},
        },
        "required": ["session"],
    }
    _schema(Standing, schemas)
    written = _object(id=_type("integer"), author={"enum": list(AUTHORS)}, text=_type("string"))
    schemas["CallbackState"] = _object(callback={"anyOf": [_ref("Standing"), _type("null")]}, messages=_list(written))
    topic = _object(**{name: _type("string") for name in ("topic", "title", "group", "description")})
    schemas["Topics"] = _object(topics=_list(topic))
    spoken = {"allOf": [_ref("Answer"), _object(text=_type("string"))]}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Vejviser", "version": "1", "description": "See docs/api.md. Texts and errors are Danish."},
        "paths": {
            "/api/v1/messages": {
                "post": _operation(
                    "One message of a conversation", _ref("Reply"), "400 403 413 415 429", body="Question"
                )
            },
            "/api/v1/feedback": {
                "post": _operation("Whether an answer helped", _ref("Received"), "400 403 413 415 429", body="Feedback")
            },
            "/api/v1/corrections": {
                "post": _operation(
                    "A fact is wrong", _ref("Received"), "400 403 413 415 429", body="Correction", done="201"
                )
            },
            "/api/v1/sms": {
                "post": _operation(
                    "An answer sent to a telephone, where `contact` says that it can be",
                    _object(queued=_type("boolean")),
                    "400 403 404 413 415 429",
                    body="Sms",
                    done="202",
                )
            },
            "/api/v1/callbacks": {
                "post": _operation(
                    "Ask to be called, or for a human in the chat; sent again it changes what waits",
                    {"allOf": [_ref("CallbackState"), _object(redacted=_type("boolean"))]},
                    "400 403 409 413 415 429",
                    body="Wish",
                    done="201",
                )
            },
            "/api/v1/callbacks/{session}": {
                "get": _operation(
                    "How the conversation's request stands, and what a human wrote",
                    _ref("CallbackState"),
                    "400 404 429",
                    [_session(), _parameter("after", "The id of the last message seen")],
                ),
                "delete": _operation(
                    "Withdraw the request: number and words are gone at once",
                    _ref("CallbackState"),
                    "400 403 404 429",
                    [_session()],
                ),
            },
            "/api/v1/contact": {
                "get": _operation(
                    "The main number of a municipality, for when we cannot be reached",
                    _ref("Contact"),
                    "429",
                    [_parameter("municipality", "Four digits")],
                )
            },
            "/api/v1/sessions/{session}": {
                "delete": _operation(
                    "Delete all that is kept of a conversation",
                    _object(deleted=_type("boolean")),
                    "400 403 404 429 503",
                    [_session()],
                )
            },
            "/api/v1/lookup": {
                "get": _operation(
                    "The answer object without a conversation",
                    spoken,
                    "400 429",
                    [
                        _parameter("topic", "A code of /api/v1/topics", required=True),
                        _parameter("municipality", "Four digits"),
                        _parameter("on", "The day whose law is asked for, 2026-11-21"),
                        _parameter("facets", "Separated by commas: " + ", ".join(FACETS)),
                        _parameter("age", "Years, 17 or 17.5"),
                    ],
                )
            },
            "/api/v1/municipalities": {"get": _operation("The municipalities", _ref("Municipalities"), "429")},
            "/api/v1/topics": {"get": _operation("The topics", _ref("Topics"), "429")},
            "/api/v1/health": {
                "get": _operation("Which part is up; 503 names those that are down", _ref("Health"), "")
                | {"x-exempt-from-rates": True}
            },
            "/api/v1/openapi.json": {"get": _operation("This document", _type("object"), "429")},
        },
        "components": {"schemas": schemas},
    }


def _schema(kind: Any, schemas: dict[str, Any]) -> dict[str, Any]:
    """Return the JSON Schema of a type of the answer object; dataclasses are put into `schemas`."""
    if kind in _PLAIN:
        return _type(_PLAIN[kind])
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Literal:
        return {"enum": list(inner)}
    if origin is list:
        return _list(_schema(inner[0], schemas))
    if origin is dict:
        return {"type": "object", "additionalProperties": _schema(inner[1], schemas)}
    if origin in (Union, types.UnionType):
        return {"anyOf": [_schema(one, schemas) for one in inner]}
    if kind.__name__ not in schemas:
        hints = get_type_hints(kind)
        schemas[kind.__name__] = _object(**{f.name: _schema(hints[f.name], schemas) for f in dataclasses.fields(kind)})
        schemas[kind.__name__]["description"] = kind.__doc__
    return _ref(kind.__name__)


def _operation(
    summary: str,
    schema: dict[str, Any],
    failures: str,
    parameters: list[dict[str, Any]] | None = None,
    body: str | None = None,
    done: str = "200",
) -> dict[str, Any]:
    responses = {done: _content(schema, "Done")}
    if "503" in summary:
        responses["503"] = _content(schema, "Some part is down")
    responses |= {code: _content(_ref("Error"), _ERRORS[code]) for code in failures.split()}
    if "429" in responses:
        responses["429"]["headers"] = {"Retry-After": {"schema": _type("integer")}}
    operation: dict[str, Any] = {"summary": summary, "responses": responses}
    if parameters:
        operation["parameters"] = parameters
    if body:
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": _ref(body)}}}
    return operation


def _parameter(name: str, description: str, required: bool = False, place: str = "query") -> dict[str, Any]:
    return {
        "name": name,
        "in": place,
        "required": required,
        "description": description,
        "schema": _type("string"),
    }


def _session() -> dict[str, Any]:
    return _parameter("session", "The id of the last reply", required=True, place="path")


def _content(schema: dict[str, Any], description: str) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _type(name: str) -> dict[str, Any]:
    return {"type": name}


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


def _list(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


def _object(**properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}
