"""What an SMS is answered with: danger first, then the words a telephone knows, then the conversation of every door."""

from __future__ import annotations

import contextlib
import datetime as dt
import re
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from bot.answers.answer import wants_human
from bot.answers.conversation import State, handoff_turn
from bot.answers.degraded import degraded_turn
from bot.answers.find import main_number
from bot.answers.links import Links
from bot.answers.sms import Sms, render_sms
from bot.answers.text import main_number_line
from bot.edge.errors import where
from bot.edge.sms.store import CRISIS, Person, SmsStore
from bot.edge.turn import MAX_TEXT, Desk, Heard, speak
from bot.handoff.models import HandoffRequest
from bot.handoff.requests import Handoff, NotPossible, Wish, danish_number
from bot.handoff.said import standing, summary
from bot.knowledge.directory import Directory
from bot.knowledge.places import fold
from bot.safety.conversations import Conversations

MOST_AN_HOUR = 30  # a machine that answers machines would go on for ever
STOPPED = "Du får ikke flere sms'er fra Vejviser. Skriv START, hvis du vil i gang igen. Er nogen i fare, så ring 112."
STARTED = "Velkommen tilbage. Skriv, hvad det handler om, og hvilken kommune, fx: bostøtte Køge."
FORGOTTEN = "Samtalen er slettet. Dit nummer slettes, når denne sms er sendt."
NO_CALL = "Du bliver ikke ringet op."
RING = "Svar RING, så ringer vi {}."
REGRET = "Svar SLET, hvis du ikke vil ringes op."
STILL_CALLED = f"Vi ringer stadig til dig. {REGRET}"
CANNOT_CALL = "Vi kan ikke love at ringe dig op lige nu."
ASKED = "Bad om at blive ringet op i en sms"
HELP = (
    "Er nogen i fare, så ring 112. Vejviser viser vej i kommunen for pårørende. "
    "Skriv fx: bostøtte Køge. STOP: ingen flere sms'er. SLET: slet samtalen."
)
NO_WORDS = "Jeg kan kun læse ord, ikke billeder og tegn. Skriv fx: bostøtte Køge. Er nogen i fare, så ring 112."
WENT_ON = "Vi går videre her. Hvad vil du vide?"
TOO_MANY = "Der er kommet mange sms'er på kort tid. Vent en time. Er nogen i fare, så ring 112."
FULL = "Vi kan desværre ikke svare flere i dag. Er nogen i fare, så ring 112."
BROKEN = "Teknisk problem hos os. Er nogen i fare, så ring 112. Ellers ring til kommunen, når den har åbent."
_KEYWORDS = {
    "stop": "stop",
    "stop sms": "stop",
    "afmeld": "stop",
    "start": "start",
    "tilmeld": "start",
    "slet": "forget",
    "slet mig": "forget",
    "slet alt": "forget",
    "slet samtalen": "forget",
    "hjaelp": "help",
    "hjalp": "help",
    "help": "help",
    "info": "help",
    "112": "help",  # whose first words are: Er nogen i fare, så ring 112
    "ring 112": "help",
    "ring": "ring",
    "ring op": "ring",
    "ring mig op": "ring",
}
_WHILE_OUT = ("start", "forget", "help")  # what somebody who wrote STOP may still ask for: a right, and 112
CODE_LETTERS = "23456789BCDFGHJKMNPQRSTVWXZ"  # no letter is taken for a digit, and no word comes of it
CODE_LENGTH = 5
_CODE = re.compile(rf"\s*(?:kode:? )?([{CODE_LETTERS}]{{{CODE_LENGTH}}})\b[\s.:,-]*(.*)", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True)
class Reply:
    """One reply, or silence (`sms` is None), and what is remembered after it."""

    sms: Sms | None
    kind: str
    told: bool
    conversation: str


class SmsDialogue:
    """Answers the messages of persons, one at a time."""

    def __init__(
        self,
        desk: Desk,
        store: SmsStore,
        conversations: Conversations,
        handoff: Handoff,
        home: str,
        municipality: str | None,
        log: Any,
    ) -> None:
        self._desk, self._store, self._conversations, self._handoff = desk, store, conversations, handoff
        self._home, self._municipality, self._log = home, municipality, log

    def reply(self, inbound: Any, directory: Directory | None, now: dt.datetime) -> Reply:
        """Return the reply to a kept message. Raises nothing: somebody waits for a number."""
        person = self._store.person(inbound.sender)
        try:
            return self._reply(inbound, person, directory, now)
        except Exception as error:
            self._log.error("unexpected", error=type(error).__name__, where=where(error))
            kind = CRISIS if inbound.danger else "urgent"
            return Reply(Sms(BROKEN, urgent=True), kind, person.told, person.conversation)

    def _reply(self, inbound: Any, person: Person, directory: Directory | None, now: dt.datetime) -> Reply:
        heard = Heard(inbound.text[:MAX_TEXT].lstrip("/"), inbound.danger, inbound.redacted)
        if not heard.danger:
            word = keyword(heard.text)
            is_out = self._store.is_out(inbound.sender)
            if word in _WHILE_OUT or (word and not is_out):
                return self._keyword(word, inbound.sender, person, directory, now)
            if is_out:
                return Reply(None, "answer", person.told, person.conversation)
            replies = self._store.replies_since(inbound.sender, now - dt.timedelta(hours=1))
            if replies >= MOST_AN_HOUR:
                last = Sms(TOO_MANY, urgent=True) if replies == MOST_AN_HOUR else None
                return Reply(last, "urgent", person.told, person.conversation)
            if (code := _CODE.fullmatch(heard.text)) and (
                went_on := self._store.redeem(inbound.sender, code[1].upper(), now)
            ):
                conversation, municipality = went_on
                person = replace(person, conversation=conversation, municipality=municipality or person.municipality)
                if not re.search(r"\w", code[2]):
                    return Reply(Sms(WENT_ON, municipality=municipality), "answer", person.told, conversation)
                heard = replace(heard, text=code[2])
            if not heard.redacted and not re.search(r"[^\W_]", heard.text):
                return self._said(NO_WORDS, person, directory, now)
            heard = replace(heard, text=chosen(heard.text, person.choices))
        municipality = person.municipality or self._municipality
        said = self._desk.answer(person.conversation, heard, municipality, directory, now, told=person.told)
        if said.to_forget:
            return self._keyword("forget", inbound.sender, person, directory, now)
        names_people = any(message["answer"] and wants_human(message["answer"]) for message in said.messages)
        first = self._offer(inbound.sender, person, directory, now) if names_people else ""
        sms = render_sms(said.messages, self._links(directory), first)
        in_danger = heard.danger or any(m["answer"] and m["answer"]["kind"] == "crisis" for m in said.messages)
        kind = CRISIS if in_danger else "urgent" if sms.urgent else "answer"
        return Reply(sms, kind, said.told, person.conversation)

    def _keyword(self, word: str, sender: str, person: Person, directory: Directory | None, now: dt.datetime) -> Reply:
        if word == "ring":
            return self._ring(sender, person, directory, now)
        if word == "help":
            return Reply(Sms(HELP, person.choices, urgent=True), "urgent", person.told, person.conversation)
        if word == "forget":
            waited = self._asked(sender) is not None
            self._handoff.forget(sender)
            with contextlib.suppress(NotPossible):
                self._handoff.forget_calls_to(self._number(sender))
            self._conversations.forget(person.conversation)
            self._store.forget(sender)
            return Reply(Sms(f"{FORGOTTEN} {NO_CALL}" if waited else FORGOTTEN), "forget", False, sender)
        self._store.opt_out(sender, word == "stop", now)
        said = STARTED
        if word == "stop":
            said = f"{STOPPED} {STILL_CALLED}" if self._is_called(sender) else STOPPED
        return Reply(Sms(said), "stop", person.told, person.conversation)

    # -- a call-back -----------------------------------------------------------------------------------------------

    def _offer(self, sender: str, person: Person, directory: Directory | None, now: dt.datetime) -> str:
        """Return the line that offers a call, or says when it comes to who has asked; empty where none can be kept."""
        try:
            if directory is None:
                return ""
            if (asked := self._asked(sender)) is not None:
                return standing(asked, None, now).text
            self._number(sender)
            kept = self._handoff.soonest(directory.calendar, now, sender)
            return RING.format(kept.said(now)) if kept else ""
        except NotPossible:
            return ""
        except SQLAlchemyError as error:
            self._log.warning("handoff away", why=type(error).__name__)
            return ""

    def _ring(self, sender: str, person: Person, directory: Directory | None, now: dt.datetime) -> Reply:
        """Say when somebody calls, and who can be called where nobody can promise that, or we are late."""
        code = person.municipality or self._municipality
        first = CANNOT_CALL
        try:
            if directory is not None:
                stands = standing(self._place(sender, person, code, directory, now), None, now)
                first = stands.text
                if not stands.late:
                    sms = Sms(f"{first} {REGRET}", person.choices, code)
                    return Reply(sms, "answer", person.told, person.conversation)
        except NotPossible:
            pass
        except SQLAlchemyError as error:
            self._log.warning("handoff away", why=type(error).__name__)
        people = (
            handoff_turn(State(municipality=code), directory, now) if directory else degraded_turn("", code, None, now)
        )
        sms = replace(render_sms([speak(people)], self._links(directory), first), choices=person.choices)
        return Reply(sms, "urgent" if sms.urgent else "answer", person.told, person.conversation)

    def _place(
        self, sender: str, person: Person, code: str | None, directory: Directory, now: dt.datetime
    ) -> HandoffRequest:
        """Return the request for a call to this telephone: the one there is, with its promise, or a new one.

        It belongs to the telephone, not to a web conversation that goes on here: that is forgotten after a day, and
        SLET must find the request for as long as it waits. Raises NotPossible.
        """
        number = self._number(sender)
        asked = self._asked(sender)
        if asked is not None and asked.number == number:
            return asked
        known = directory.municipalities.get(code or "")
        lines = summary({"municipality": {"name": known.name} if known else None})
        about = "\n".join([ASKED, *(line for line in lines if not line.endswith(":"))])
        wish = Wish("call", about, number, municipality=known.code if known else None)
        return self._handoff.place(sender, wish, directory.calendar, now)

    def _asked(self, sender: str) -> HandoffRequest | None:
        """Return the open request of a telephone: asked for by SMS, or from anywhere for a call to its number.

        A web conversation that goes on here is nobody's proof: its code may have been sent to a wrong number.
        """
        row = self._handoff.of(sender)
        if row is not None and row.ended_at is None:
            return row
        try:
            return next(iter(self._handoff.to_number(self._number(sender))), None)
        except NotPossible:
            return None

    def _is_called(self, sender: str) -> bool:
        """Return whether a call waits; also False when that cannot be known now."""
        try:
            return self._asked(sender) is not None
        except SQLAlchemyError as error:
            self._log.warning("handoff away", why=type(error).__name__)
            return False

    def _number(self, sender: str) -> str:
        """Return the eight digits to call. Raises NotPossible for a foreign number, and one that is not known."""
        return danish_number(f"+{self._store.number_of(sender) or ''}")

    def full(self, sender: str, directory: Directory | None, now: dt.datetime) -> Sms:
        """Return what is said instead of an answer when no more may be sent today."""
        sms = self._said(FULL, self._store.person(sender), directory, now).sms
        assert sms is not None
        return sms

    # -- pieces ----------------------------------------------------------------------------------------------------

    def _links(self, directory: Directory | None) -> Links:
        return Links(self._home, tuple(directory.topics) if directory else ())

    def _said(self, text: str, person: Person, directory: Directory | None, now: dt.datetime) -> Reply:
        """Say something with the municipality's number, where both are known."""
        code = person.municipality or self._municipality
        number = main_number_line(main_number(directory, code, now) if directory else None)
        sms = render_sms([_plain(f"{text}\n{number}".strip())], Links(self._home, ()))
        return Reply(replace(sms, choices=person.choices, urgent=True), "urgent", person.told, person.conversation)


def keyword(text: str) -> str | None:
    """Return which word for telephones a message is, and nothing else: any case, with or without æ, dots after it.

    A number beside it is a word too: "ring 112" asks for no call.
    """
    return _KEYWORDS.get(" ".join(re.findall(r"\w+", fold(text)))) if len(text) < 30 else None


def chosen(text: str, choices: list[str]) -> str:
    """Return what a number sent back stands for ("2", "2.", "nr. 2"); other texts as they are."""
    number = re.fullmatch(r"\s*(?:nr\.? ?|nummer )?([1-9])\s*[.)!]?\s*", text, re.IGNORECASE)
    return choices[int(number[1]) - 1] if number and int(number[1]) <= len(choices) else text


def _plain(text: str) -> dict[str, Any]:
    return {"text": text, "buttons": [], "answer": {"kind": "fallback", "as_of": ""}}
