import pytest
from jsonschema import ValidationError
from rasa.core.actions.action import RemoteAction

from bot.nlu.replies import compile_the_schema

SLOT = {"event": "slot", "timestamp": None, "name": "topic", "value": "bostoette"}


@pytest.fixture
def action():
    compile_the_schema()
    return RemoteAction("action_answer", None)


def test_a_reply_as_it_should_be_is_taken(action):
    assert action._validate_action_result({"events": [SLOT, {"event": "restart"}], "responses": [{"text": "hej"}]})


@pytest.mark.parametrize(
    "reply",
    [
        {"events": [{**SLOT, "name": 7}], "responses": []},
        {"events": [{"event": "no such event"}], "responses": []},
        {"events": [], "responses": ["hej"]},
        ["hej"],
    ],
)
def test_a_reply_that_is_not_is_refused_as_before(action, reply):
    with pytest.raises(ValidationError):
        action._validate_action_result(reply)
