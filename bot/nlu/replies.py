"""What the action server replies is checked by Rasa against a schema, and the schema itself anew with each message.

Checking the schema took a third of a message that needs no encoder. It never changes while a process lives, so it is
compiled once here.
"""

from __future__ import annotations

import functools
from typing import Any, Dict

from jsonschema import ValidationError
from jsonschema.protocols import Validator
from jsonschema.validators import validator_for
from rasa.core.actions.action import RemoteAction


def compile_the_schema() -> None:
    """Let every remote action of this process check its replies against the compiled schema."""
    RemoteAction._validate_action_result = _validate  # type: ignore[method-assign]


def _validate(_action: RemoteAction, result: Dict[str, Any]) -> bool:
    """Return True. Raises ValidationError when a reply is not as the schema wants it, as Rasa's own check does."""
    for error in _validator().iter_errors(result):
        raise ValidationError(f"The action server's reply is not as Rasa wants it: {error.message}")
    return True


@functools.lru_cache(maxsize=1)
def _validator() -> Validator:
    schema = RemoteAction.action_response_format_spec()
    return validator_for(schema)(schema)
