"""What is said when Rasa or the actions do not answer: a keyword look-up in the last table read, and numbers."""

from __future__ import annotations

import datetime as dt

from bot.answers.answer import Answer, iso
from bot.answers.conversation import CRISIS_LINES, Message
from bot.answers.find import RELATIVES_LINES, find_answer, helpline, lines, main_number
from bot.answers.text import helpline_line, main_number_line, render
from bot.knowledge.directory import Directory
from bot.knowledge.hours import COPENHAGEN
from bot.knowledge.places import gazetteer
from bot.knowledge.words import named_topic

SORRY = "Jeg har et teknisk problem og forstår kun enkelte ord lige nu."
NO_TABLE = "Jeg har et teknisk problem. Er nogen i fare, så ring 112. Ellers ring til kommunen, når den har åbent."


def degraded_turn(text: str, municipality: str | None, directory: Directory | None, now: dt.datetime) -> Message:
    """Return the best answer without understanding: a word of the table in the text, the place, and lines to call."""
    as_of = iso(now, COPENHAGEN) or ""
    if directory is None:
        return Message(NO_TABLE, Answer(kind="degraded", as_of=as_of))
    place = gazetteer(directory).find(text).concerned
    code = place.code if place else municipality
    topic = named_topic(text, directory)
    if topic:
        answer = find_answer(directory, topic, code, now=now)
        said = render(answer)
    else:
        own = main_number(directory, code, now)
        answer = Answer(kind="degraded", as_of=as_of, sources=own.sources if own else [])
        said = main_number_line(own)
    answer.kind = "degraded"
    known = [line for key in CRISIS_LINES if (line := helpline(directory, key, now))]
    answer.helplines = [*known, *lines(directory, RELATIVES_LINES, now)]
    numbers_line = " ".join(helpline_line(line) for line in answer.helplines[:3])
    return Message("\n".join(filter(None, [SORRY, said, numbers_line])), answer)
