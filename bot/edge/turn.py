"""One turn of a conversation, whichever door it came through: personal data out, danger first, then Rasa.

Asks nothing of the web request, so that a job answers an SMS exactly as the door answers the widget.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from bot.answers.answer import Answer, iso
from bot.answers.conversation import Message, State, crisis_turn
from bot.answers.degraded import degraded_turn
from bot.edge.errors import where
from bot.edge.rasa import Rasa, RasaSilent
from bot.knowledge.directory import Directory
from bot.knowledge.hours import COPENHAGEN
from bot.knowledge.places import gazetteer
from bot.safety.crisis import is_crisis
from bot.safety.redact import redact, without_marks

MAX_TEXT = 1000  # characters of one message, whichever door it comes through
REDACTED = "Jeg har taget private oplysninger ud af din besked. Jeg har ikke brug for dem."
# Asked of us whoever has the word, so these few are known without a model (and stand in data/nlu/delete.yml).
FORGET = frozenset(["slet samtalen", "slet hele samtalen", "slet vores samtale", "slet chatten", "slet alt"])
WHAT_IS_IT_ABOUT = "Skriv gerne, hvad det handler om, uden navne og numre. Er nogen i fare, så ring 112."


@dataclass(frozen=True)
class Heard:
    """A message as it may be kept: personal data are `redacted` to marks, and `danger` was judged before that."""

    text: str
    danger: bool = False
    redacted: bool = False


@dataclass(frozen=True)
class Said:
    """The messages of a reply, as the chat API speaks them. `told`: of redaction; `to_forget`: the person asks for
    the conversation to be deleted, which is the door's to do, and to say when it cannot.

    `cause`: why Rasa had no part in it although it was asked.
    """

    messages: list[dict[str, Any]]
    told: bool
    to_forget: bool = False
    cause: str | None = None


def hear(text: str, directory: Directory | None) -> Heard:
    """Return what may be kept of a text. Danger is judged before redaction, which must never be able to hide it."""
    clean, redacted = redact(text, directory.phone_numbers if directory else frozenset())
    return Heard(clean, is_crisis(text), redacted)


def asks_to_be_forgotten(text: str) -> bool:
    """Return whether a text is one of the few for deletion, and nothing else."""
    return " ".join(re.findall(r"\w+", text.casefold())) in FORGET


class Desk:
    """Where messages are answered: the line to Rasa, and a log without content."""

    def __init__(self, rasa: Rasa, log: Any) -> None:
        self._rasa, self._log = rasa, log

    def answer(
        self,
        sender: str,
        message: str | Heard,
        municipality: str | None,
        directory: Directory | None,
        now: dt.datetime,
        told: bool = False,
        human: Callable[[str, Heard], bool] | None = None,
    ) -> Said:
        """Return the reply to a raw text, or to one already heard. Raises nothing: somebody waits for a number.

        `human` gives the message to a person who has taken the conversation over, and says whether there is one: then
        there is nothing to reply, except in danger.
        """
        try:
            heard = message if isinstance(message, Heard) else hear(message, directory)
            passed_on = human is not None and human(sender, heard)
            return self._answer(sender, heard, municipality, directory, now, told, passed_on)
        except Exception as error:
            self._log.error("unexpected", error=type(error).__name__, where=where(error))
            return Said([speak(_last_resort(municipality, directory, now))], told, cause="unexpected")

    def _answer(
        self,
        sender: str,
        heard: Heard,
        municipality: str | None,
        directory: Directory | None,
        now: dt.datetime,
        told: bool,
        passed_on: bool,
    ) -> Said:
        said = Said([], told or heard.redacted)
        if directory is not None and heard.danger:
            place = gazetteer(directory).find(heard.text).concerned
            code = place.code if place else municipality
            said.messages.append(speak(crisis_turn(State(municipality=code), directory, now)))
        elif passed_on:
            pass  # the bot is silent meanwhile
        elif heard.redacted and not re.search(r"[^\W\d_]", without_marks(heard.text)):
            said.messages.append({"text": WHAT_IS_IT_ABOUT, "buttons": [], "answer": _small_talk(now)})
        else:
            said = self._ask_rasa(said, sender, without_marks(heard.text), municipality, directory, now)
        if heard.redacted and not told:
            position = len(said.messages) if heard.danger else 0
            said.messages.insert(position, {"text": REDACTED, "buttons": [], "answer": None})
        return said

    def _ask_rasa(
        self,
        said: Said,
        sender: str,
        text: str,
        municipality: str | None,
        directory: Directory | None,
        now: dt.datetime,
    ) -> Said:
        try:
            replies = self._rasa.say(sender, text, municipality, now)
        except RasaSilent as silence:
            self._log.warning("rasa silent", why=str(silence))
            return replace(
                said, messages=[speak(degraded_turn(text, municipality, directory, now))], cause=str(silence)
            )
        messages = [{"text": r.text, "buttons": r.buttons, "answer": r.answer or _small_talk(now)} for r in replies]
        return replace(said, messages=messages, to_forget=any(reply.forget for reply in replies))


def _last_resort(municipality: str | None, directory: Directory | None, now: dt.datetime) -> Message:
    """Return numbers to call without looking at the message again: it may be what broke."""
    try:
        return degraded_turn("", municipality, directory, now)
    except Exception:
        return degraded_turn("", None, None, now)


def _small_talk(now: dt.datetime) -> dict[str, Any]:
    return Answer(kind="smalltalk", as_of=iso(now, COPENHAGEN) or "").to_json()


def speak(message: Message) -> dict[str, Any]:
    """Return a message as the chat API speaks it."""
    return {"text": message.text, "buttons": message.buttons, "answer": message.answer.to_json()}
