"""Rasa's command line as we serve with it (`python -m bot.rasa run …`): without TensorFlow, and loaded or not up.

Rasa imports TensorFlow for components we do not use, which is half of its memory and of its start. And with each
message it builds the schema of action replies anew, tries every kind of event on each one in them, and opens a new
connection to the actions. Training goes by `rasa train`. A component that needs TensorFlow (DIETClassifier, TEDPolicy)
in config.yml would be refused when the model is loaded: take out `leave_out_tensorflow` then.
"""

from __future__ import annotations

import contextlib
import copy
import ctypes
import functools
import gc
import sys
import types
from typing import Any

import aiohttp
from jsonschema.protocols import Validator
from jsonschema.validators import validator_for

FIRST_MESSAGE = "Han vil ikke op, og jeg ved ikke, hvem i Københvn vi skal ringe til"  # unsure: the encoder is asked
KEEP_SECONDS = 2  # less than the five after which Sanic, who serves the actions, closes a line nobody speaks on


def leave_out_tensorflow() -> None:
    """Make it impossible to import, and put in the place of what needs it of Rasa only what serving asks of that.

    A model names the classes it is served with itself, so the list of all is not needed, nor how networks are trained
    and results are drawn; the validator of training is looked up, never made.
    """
    sys.modules["tensorflow"] = None  # type: ignore[assignment]  # an ImportError, which spaCy takes for an answer
    _instead("rasa.engine.recipes.default_components", DEFAULT_COMPONENTS=[])
    _instead("rasa.utils.train_utils")
    _instead("rasa.utils.plotting")
    _instead("rasa.graph_components.validators.default_recipe_validator", DefaultV1RecipeValidator=object)


def _instead(module: str, **contents: object) -> None:
    sys.modules[module] = types.ModuleType(module)
    vars(sys.modules[module]).update(contents)


def shorten_the_way_to_actions() -> None:
    """Let every remote action of this process check replies in few steps, and keep its connection."""
    from rasa.core.actions.action import RemoteAction
    from rasa.shared.core.events import Event
    from rasa.utils.endpoints import EndpointConfig

    RemoteAction._validate_action_result = _check  # type: ignore[method-assign]
    Event.resolve_by_type = staticmethod(functools.cache(Event.resolve_by_type))  # type: ignore[method-assign]
    EndpointConfig.session = _kept_session  # type: ignore[method-assign, assignment]


def insist_on_a_model() -> None:
    """Let the process end when its model cannot be loaded, so that whatever runs it tries again.

    Rasa logs it and stays up, answering nobody: for good, if the database was away while it started. A first message is
    understood before it is up: what is read late (encoder, word lists) would cost whoever comes first the four seconds.
    """
    from rasa.core import agent

    load = agent.load_agent

    async def load_or_end(*args: Any, **options: Any) -> agent.Agent:
        loaded = await load(*args, **options)
        if not loaded.is_ready():
            sys.exit("The model could not be loaded; why is told above.")
        await loaded.parse_message(FIRST_MESSAGE)
        settle()
        return loaded

    agent.load_agent = load_or_end


def settle() -> None:
    """Give back what was needed for loading only, and let no collection look again at what stays."""
    gc.collect()
    gc.freeze()
    with contextlib.suppress(AttributeError):  # glibc's
        ctypes.CDLL(None).malloc_trim(0)


def _check(_action: Any, result: Any) -> bool:
    """Return True. Raises jsonschema's ValidationError when a reply is not as Rasa's schema wants it, as Rasa does."""
    reply, events = _schema()
    reply.validate(result)
    for event in result.get("events", ()):
        events[event["event"]].validate(event)
    return True


@functools.cache
def _schema() -> tuple[Validator, dict[str, Validator]]:
    """Return Rasa's schema in two: of the whole reply, and of each kind of event, where Rasa tries all for each."""
    from rasa.core.actions.action import RemoteAction

    schema = copy.deepcopy(RemoteAction.action_response_format_spec())
    event = schema["properties"]["events"]["items"]
    kinds = {kind["properties"]["event"]["const"]: kind for kind in event.pop("oneOf")}
    event["properties"]["event"] = {"enum": list(kinds)}
    make = validator_for(schema)
    return make(schema), {name: make(kind) for name, kind in kinds.items()}


def _kept_session(endpoint: Any) -> contextlib.nullcontext[aiohttp.ClientSession]:
    """Return the session of an endpoint, made with its first call and not closed after it."""
    session: aiohttp.ClientSession | None = vars(endpoint).get("kept_session")
    if session is None:
        connector = aiohttp.TCPConnector(keepalive_timeout=KEEP_SECONDS)
        auth = aiohttp.BasicAuth(**endpoint.basic_auth) if endpoint.basic_auth else None
        session = aiohttp.ClientSession(connector=connector, headers=endpoint.headers, auth=auth)
        endpoint.kept_session = session
    return contextlib.nullcontext(session)


if __name__ == "__main__":
    leave_out_tensorflow()
    shorten_the_way_to_actions()
    insist_on_a_model()
    from rasa.__main__ import main

    main()
