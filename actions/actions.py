"""Rasa's side of the conversation: from the tracker to `bot.answers.conversation` and back. No logic of its own."""

from __future__ import annotations

import datetime as dt
import functools
from typing import Any, Dict, List

from rasa_sdk import Action, Tracker
from rasa_sdk.events import EventType, FollowupAction, Restarted, SlotSet
from rasa_sdk.executor import CollectingDispatcher

from bot.answers import conversation as talk
from bot.knowledge.database import make_engine
from bot.knowledge.departments import DepartmentMention
from bot.knowledge.directory import Directory, Shelf
from bot.knowledge.laws import LawReference

# What the last action of a turn returns: the policies need not be asked whether it was the last.
TURN_ENDS = FollowupAction("action_listen")


@functools.lru_cache(maxsize=1)
def shelf() -> Shelf:
    """Return the process's one reading of the table, made when the first message comes."""
    return Shelf(make_engine())


def directory() -> Directory:
    """Return the table as it is now."""
    return shelf().current()


def clock(tracker: Tracker) -> dt.datetime:
    """Return the moment the door stamped on the message; the machine's clock for messages from elsewhere."""
    stamped = (tracker.latest_message.get("metadata") or {}).get("now")
    return dt.datetime.fromisoformat(stamped) if stamped else dt.datetime.now(dt.timezone.utc)


def heard(tracker: Tracker) -> talk.Understood:
    """Return what the NLU said of the latest message."""
    message = tracker.latest_message
    places = message.get("places") or {}
    intent = message.get("intent") or {}
    return talk.Understood(
        text=message.get("text") or "",
        act=intent.get("name") or "ask",
        topics=[(topic["name"], topic["confidence"]) for topic in message.get("topic_ranking") or []],
        facets=message.get("facets") or [],
        municipality=places.get("municipality"),
        ambiguous=places.get("ambiguous") or [],
        unknown_place=places.get("unknown"),
        age=message.get("age"),
        laws=[LawReference(**law) for law in message.get("laws") or []],
        departments=[DepartmentMention(**named) for named in message.get("departments") or []],
        danger=message.get("danger") or 0.0,
    )


def state(tracker: Tracker) -> talk.State:
    """Return what the slots remember; until a place was named, the municipality of the site the person came from."""
    known = {name: tracker.get_slot(name) for name in talk.as_slots(talk.State())}
    known["municipality"] = known["municipality"] or (tracker.latest_message.get("metadata") or {}).get("municipality")
    return talk.State(**{name: value for name, value in known.items() if value is not None})


def say(dispatcher: CollectingDispatcher, tracker: Tracker, message: talk.Message) -> None:
    """Send text and buttons as Rasa knows them, and the answer object as custom JSON."""
    message = talk.with_numbers(message, heard(tracker), directory(), clock(tracker))
    dispatcher.utter_message(
        text=message.text, buttons=message.buttons, json_message={"answer": message.answer.to_json()}
    )


def remember(tracker: Tracker, new: talk.State) -> List[EventType]:
    """Return the events that put what is new of the state into slots (each is checked and stored), and end the turn."""
    slots = talk.as_slots(new)
    return [*(SlotSet(name, value) for name, value in slots.items() if tracker.get_slot(name) != value), TURN_ENDS]


class ActionAnswer(Action):
    """Answers a question, a follow-up, or a reply to our own question."""

    def name(self) -> str:
        return "action_answer"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[str, Any]) -> List[EventType]:
        message, new = talk.answer_turn(heard(tracker), state(tracker), directory(), clock(tracker))
        say(dispatcher, tracker, message)
        return remember(tracker, new)


class ActionFallback(Action):
    """Says that the message was not understood: guesses once, then people to call."""

    def name(self) -> str:
        return "action_fallback"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[str, Any]) -> List[EventType]:
        message, new = talk.fallback_turn(heard(tracker), state(tracker), directory(), clock(tracker))
        say(dispatcher, tracker, message)
        return remember(tracker, new)


class ActionSomethingElse(Action):
    """Leaves the topic and invites a new one."""

    def name(self) -> str:
        return "action_something_else"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[str, Any]) -> List[EventType]:
        message, new = talk.something_else_turn(state(tracker), clock(tracker))
        say(dispatcher, tracker, message)
        return remember(tracker, new)


class ActionCrisis(Action):
    """Names the emergency numbers."""

    def name(self) -> str:
        return "action_crisis"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[str, Any]) -> List[EventType]:
        message = talk.crisis_turn(state(tracker), directory(), clock(tracker), heard(tracker))
        say(dispatcher, tracker, message)
        return remember(tracker, talk.after_crisis(state(tracker), message))


class ActionHandoff(Action):
    """Names people to talk to, those who answer now first."""

    def name(self) -> str:
        return "action_handoff"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[str, Any]) -> List[EventType]:
        new = talk.remembered(heard(tracker), state(tracker))
        say(dispatcher, tracker, talk.handoff_turn(new, directory(), clock(tracker)))
        return remember(tracker, new)


class ActionOutOfScope(Action):
    """Says kindly that this is not ours, and where it may belong."""

    def name(self) -> str:
        return "action_out_of_scope"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[str, Any]) -> List[EventType]:
        place = talk.remembered(heard(tracker), state(tracker))  # for the number only: a place or age here is not ours
        say(dispatcher, tracker, talk.out_of_scope_turn(place, directory(), clock(tracker)))
        return []


class ActionForeignLanguage(Action):
    """Says that Danish is understood best, with lines to call."""

    def name(self) -> str:
        return "action_foreign_language"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[str, Any]) -> List[EventType]:
        say(dispatcher, tracker, talk.foreign_language_turn(directory(), clock(tracker)))
        return [TURN_ENDS]


class ActionRemind(Action):
    """After something else was talked about, asks the open question again; silent when none is open."""

    def name(self) -> str:
        return "action_remind"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[str, Any]) -> List[EventType]:
        if text := talk.reminder(state(tracker), directory()):
            dispatcher.utter_message(text=text)
        return [TURN_ENDS]


class ActionForget(Action):
    """Begins anew: every slot and event of the conversation is let go."""

    def name(self) -> str:
        return "action_forget"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: Dict[str, Any]) -> List[EventType]:
        dispatcher.utter_message(response="utter_forgotten")
        dispatcher.utter_message(json_message={"forget": True})  # the door deletes what the tracker store kept
        return [Restarted()]
