"""The OpenAPI document tells the truth: it is valid, it names every route, and real replies fit it."""

import dataclasses

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate_spec

from bot.answers.answer import Answer
from bot.edge.app import create_app
from tests.conftest import MONDAY, free_port


@pytest.fixture(scope="module")
def door(database):
    nobody = f"http://127.0.0.1:{free_port()}"
    return create_app(nobody, f"{nobody}/webhook", database, clock=lambda: MONDAY, secret="test").test_client()


@pytest.fixture(scope="module")
def document(door):
    return door.get("/api/v1/openapi.json").get_json()


def test_the_document_is_valid_openapi(document):
    validate_spec(document)


def test_it_names_every_route_and_no_other(door, document):
    routes = {
        (rule.rule.replace("<", "{").replace(">", "}"), method.lower())
        for rule in door.application.url_map.iter_rules()
        if rule.rule.startswith("/api/")
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }
    assert routes == {(path, method) for path, methods in document["paths"].items() for method in methods}


def test_the_answer_object_has_the_fields_of_the_code(document):
    assert set(document["components"]["schemas"]["Answer"]["properties"]) == {
        f.name for f in dataclasses.fields(Answer)
    }


def fits(document, response, path, method):
    operation = document["paths"][path][method]
    content = operation["responses"][str(response.status_code)]["content"]
    assert set(content) == {response.mimetype}
    schema = content[response.mimetype]["schema"] | {"components": document["components"]}
    Draft202012Validator(schema).validate(response.get_json())


@pytest.mark.parametrize(
    "body",
    [
        {"text": "hvor søger jeg tabt arbejdsfortjeneste i Køge?"},
        {"text": "hvor klager jeg over bostøtte?", "municipality": "0851"},
        {"text": "noget helt andet", "session": None},
        {"text": "hun vil tage sit eget liv", "municipality": "0259"},
        {"text": "mit cpr er 010150-1234"},
        {"text": ""},
        {"text": "hej", "municipality": "9999"},
        {"text": "hej", "session": "x"},
    ],
)
def test_replies_to_messages_fit(door, document, body):
    fits(document, door.post("/api/v1/messages", json=body), "/api/v1/messages", "post")


def test_what_is_refused_fits(door, document):
    for options in (
        {"data": "{", "content_type": "application/json"},
        {"data": "{}", "content_type": "text/plain"},
        {"data": "x" * 5000, "content_type": "application/json"},
        {"json": {"text": "hej"}, "headers": {"Origin": "https://evil.example"}},
        {"json": {"text": "hej"}, "headers": {"Content-Encoding": "gzip"}},
    ):
        fits(document, door.post("/api/v1/messages", **options), "/api/v1/messages", "post")


def test_every_look_up_fits(door, document, directory):
    for topic in directory.topics:
        for municipality in (None, "0259", "0851"):
            query = {"topic": topic, "facets": "where,legal,how,time,complaint"} | (
                {"municipality": municipality} if municipality else {}
            )
            fits(document, door.get("/api/v1/lookup", query_string=query), "/api/v1/lookup", "get")


def test_the_parameters_of_the_look_up_are_the_ones_it_reads(door, document):
    named = {one["name"] for one in document["paths"]["/api/v1/lookup"]["get"]["parameters"]}
    refused = {
        door.get("/api/v1/lookup", query_string={"topic": "bostoette", name: "\u0001"}).get_json()["error"]["field"]
        for name in named
    }
    assert refused == named


def test_sessions_lists_and_health_fit(door, document):
    session = door.post("/api/v1/messages", json={"text": "hej"}).get_json()["session"]
    for given in (session, session + "x"):
        fits(document, door.delete(f"/api/v1/sessions/{given}"), "/api/v1/sessions/{session}", "delete")
    for path in ("/api/v1/municipalities", "/api/v1/topics", "/api/v1/health", "/api/v1/openapi.json"):
        fits(document, door.get(path), path, "get")
