"""One turn of the conversation: from what was understood and what is remembered to what is said and remembered.

Knows no framework. Rasa keeps the state in slots and decides by the dialogue act which of these functions is called.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from bot.answers.answer import Answer, Line, iso
from bot.answers.find import RELATIVES_LINES, find_answer, helpline, lines, main_number, region_line, topic_at_age
from bot.answers.text import facet_buttons, helpline_line, in_a_sentence, main_number_line, render
from bot.knowledge.dates import weeks_waited
from bot.knowledge.departments import DepartmentMention
from bot.knowledge.directory import Directory
from bot.knowledge.hours import COPENHAGEN
from bot.knowledge.laws import LawReference
from bot.knowledge.models import AgeRule
from bot.knowledge.places import near_names
from bot.knowledge.situations import situated_department
from bot.knowledge.words import named_topic, names_only

SURE = 0.20  # from here the best topic is answered, with the next ones offered beside it
UNSURE = 0.5  # below this a word of the table that names another likely topic decides
NEAR = 0.03  # from here another topic is worth offering
WORRY = 0.3  # from here danger cannot be ruled out, and the emergency numbers stand before the answer
CLEARLY = 0.8  # from here a longer message about another topic is a new question, however it begins
OPENS = 0.7  # from here a topic is opened also by what looks like a part of a talk that has none yet
ADULT = 18

FOLLOWING = ("followup", "inform", "affirm", "deny", "repeat")  # acts that go on with the topic there is
# Of a benefit these are facets ("hvordan klager man?"); topics of their own only when no benefit is in question.
FACETS_OF_OTHERS = {"klage": "complaint", "sagsbehandlingstid": "time"}
SOMETHING_ELSE = "Noget andet"
_WILL_NOT_SAY = re.compile(
    r"\bved (?:jeg |det )?(?:ikke|jeg ikke)|\baner|\bvil ikke|\blige ?meget|\bligegyldig|\banonym|^nej\b", re.IGNORECASE
)
_SAME_FOR = re.compile(
    r"^(?:(?:og|men|ok|okay|nå|jamen),? )*(?:hvad|hvordan) (?:så |nu )?(?:med|hvis)\b", re.IGNORECASE
)
_BACK = re.compile(
    r"\btilbage til\b|\b(?:vi|jeg) (?:talte|snakkede|spurgte|skrev) om\b|\bdet (?:andet|første) (?:jeg|vi|spørgsmål)\b",
    re.IGNORECASE,
)
CRISIS_LINES = ("alarm_112", "livslinien")
HANDOFF_LINES = (*RELATIVES_LINES, "angsttelefonen", "depressionslinien")


@dataclass(frozen=True)
class Understood:
    """What the NLU says of a message. `topics` are ranked, with their probabilities; `danger` is one, too."""

    text: str
    act: str = "ask"
    topics: list[tuple[str, float]] = field(default_factory=list)
    facets: list[str] = field(default_factory=list)
    municipality: str | None = None
    ambiguous: list[str] = field(default_factory=list)
    unknown_place: str | None = None
    age: float | None = None
    laws: list[LawReference] = field(default_factory=list)
    departments: list[DepartmentMention] = field(default_factory=list)
    danger: float = 0.0


@dataclass(frozen=True)
class State:
    """What is remembered between turns. `awaiting` is the open question, `offered` its numbered choices.

    `unit` is the kind of department that the situation told of calls for, where it is not the topic's usual one;
    `earlier` are the topics before this one, the latest last.
    """

    topic: str | None = None
    unit: str | None = None
    municipality: str | None = None
    age: float | None = None
    facets: list[str] = field(default_factory=list)
    waited_weeks: float | None = None
    awaiting: str | None = None
    offered: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    misses: int = 0
    earlier: list[str] = field(default_factory=list)


@dataclass
class Message:
    """One thing to say: text, buttons of {title, payload}, and the answer object."""

    text: str
    answer: Answer
    buttons: list[dict[str, str]] = field(default_factory=list)


def answer_turn(heard: Understood, state: State, directory: Directory, now: dt.datetime) -> tuple[Message, State]:
    """Return the answer to a question, a follow-up or a reply to our own question, and the new state."""
    choice = _choice(heard.text, state)
    state = remembered(heard, state, is_choice=choice is not None)
    if heard.act in ("affirm", "deny") and state.awaiting not in ("municipality", "age"):
        if not state.offered:
            text = "Okay. Spørg endelig, hvis der er mere."
            return Message(text, Answer(kind="smalltalk", as_of=_iso(now))), replace(state, awaiting=None)
        if heard.act == "deny" or state.awaiting == "topic":
            return something_else_turn(state, now)
    if heard.ambiguous and not heard.municipality and choice is None:
        return _which_place(heard, state, directory, now)
    if _is_miss(heard, state):
        return _unknown_place(heard, state, directory, now)
    if state.awaiting == "municipality" and choice and choice in directory.municipalities:
        state = replace(state, municipality=choice, awaiting=None, offered=[])
    elif state.awaiting == "topic" and choice == SOMETHING_ELSE:
        return something_else_turn(state, now)
    if heard.act == "affirm" and state.offered and state.awaiting is None:
        choice = state.offered[0]  # yes to "Handler det også om ...?"
    topic = choice if choice in directory.topics else _topic(heard, state, directory)
    if topic is None:
        return _without_topic(heard, state, directory, now)
    if rule := _age_decides(heard, state, topic, directory):
        return _ask_age(topic, rule, heard, state, directory, now)
    facets = _facets(heard, state, topic, directory)
    unit = _unit(heard, state, topic, directory)
    answer = find_answer(
        directory, topic, state.municipality, now=now, facets=facets, age=state.age, department_type=unit
    )
    answer.law_note = _law_note(heard, answer.topic or topic)
    told = weeks_waited(heard.text, now.astimezone(COPENHAGEN).date())
    answer.waited_weeks = told or (state.waited_weeks if answer.topic == state.topic else None)
    asked = list(state.asked)
    if answer.question == "municipality":
        if "municipality" in asked:
            answer.question, answer.kind = None, "answer"
            answer.helplines = answer.helplines or lines(directory, RELATIVES_LINES, now)
        else:
            asked.append("municipality")
    answer.candidates = _candidates(heard, answer.topic or topic, state, directory)
    if state.awaiting == "age" and state.age is None:
        answer.candidates = _twin_candidate(topic, directory)
    buttons = facet_buttons(answer)[:4] if answer.question is None else []
    buttons += [_button(candidate["title"]) for candidate in answer.candidates]
    text = render(answer)
    if answer.candidates and answer.question is None:
        titles = " eller ".join(in_a_sentence(candidate["title"]) for candidate in answer.candidates)
        text += f"\nHandler det også om {titles}?"
    state = replace(
        state,
        topic=answer.topic,
        unit=unit,
        waited_weeks=answer.waited_weeks,
        facets=facets,
        awaiting=answer.question,
        offered=[] if answer.question else [candidate["topic"] for candidate in answer.candidates],
        asked=asked,
        misses=0,
        earlier=_earlier(state, answer.topic),
    )
    return Message(text, answer, buttons), state


def remembered(heard: Understood, state: State, is_choice: bool = False) -> State:
    """Return the state with the place and age a message tells of; a number that chooses is not an age."""
    return replace(
        state,
        municipality=heard.municipality or state.municipality,
        age=state.age if heard.age is None or is_choice else heard.age,
    )


def reminder(state: State, directory: Directory) -> str | None:
    """Return the open question again, after something else was talked about; None when nothing is open."""
    topic = directory.topics.get(state.topic or "")
    about = f" om {in_a_sentence(topic.title)}" if topic else ""
    if state.awaiting == "municipality" and topic:
        return f"Vi var i gang med dit spørgsmål{about}. Hvilken kommune bor han eller hun i?"
    if state.awaiting == "topic":
        return "Vi var i gang med at finde emnet. Skriv et nummer, eller sig det med egne ord."
    if state.awaiting == "age":
        return f"Vi var i gang med dit spørgsmål{about}. Hvor gammel er den, det handler om?"
    return None


def something_else_turn(state: State, now: dt.datetime) -> tuple[Message, State]:
    """Return an open invitation, and forget the topic but not the place."""
    text = "Helt i orden. Fortæl med dine egne ord, hvad der er svært, og hvem det handler om."
    state = replace(state, topic=None, facets=[], awaiting=None, offered=[], earlier=_earlier(state, None))
    return Message(text, Answer(kind="smalltalk", as_of=_iso(now))), state


def crisis_turn(state: State, directory: Directory, now: dt.datetime, heard: Understood | None = None) -> Message:
    """Return the emergency numbers in three short sentences, the region's line when the place is known.

    Danger hides in questions, and what sounds like danger may be one. So what else was asked, as far as it was `heard`,
    stands in the answer object, and its topic is offered as a button. It is no open offer: a "ja" says that somebody is
    in danger.
    """
    municipality = (heard and heard.municipality) or state.municipality
    region = directory.municipalities[municipality].region if municipality else None
    named = [helpline(directory, key, now) for key in CRISIS_LINES]
    known = _not_closed([named[0], region_line(directory, region, now), named[1]])
    others = ", ".join(f"{line.name} {line.phone}" for line in known if line.phone != "112")
    talk = f"Du kan også ringe her og tale med nogen: {others}. " if others else ""
    text = (
        f"Ring 112 nu, hvis nogen er i fare. {talk}"
        "Bliv hos personen, hvis det er trygt for dig. Du behøver ikke klare det alene."
    )
    asked = heard.topics[0] if heard and heard.topics else (None, 0.0)
    if heard is None or asked[0] not in directory.topics or asked[1] < SURE:
        place = _place(replace(state, municipality=municipality), directory)
        return Message(text, Answer(kind="crisis", as_of=_iso(now), helplines=known, municipality=place))
    unit = _unit(heard, state, asked[0], directory)
    answer = find_answer(directory, asked[0], municipality, now=now, age=heard.age, department_type=unit)
    title = directory.topics[answer.topic or asked[0]].title
    answer.kind, answer.question, answer.helplines = "crisis", None, known
    answer.candidates = [{"topic": answer.topic or asked[0], "title": title}]
    text += f" Er ingen i fare lige nu, kan jeg også svare på: {title}."
    return Message(text, answer, [_button(title)])


def _not_closed(lines_: Iterable[Line | None]) -> list[Line]:
    """Return the lines there are, without those known to be closed: who is in danger must not ring in vain."""
    return [line for line in lines_ if line and line.open_now is not False]


def after_crisis(state: State, message: Message) -> State:
    """Return the state with the place and, where there was none, the topic heard: "hvad koster det?" may come next."""
    place = (message.answer.municipality or {}).get("code")
    return replace(state, topic=state.topic or message.answer.topic, municipality=place or state.municipality)


def with_numbers(message: Message, heard: Understood, directory: Directory, now: dt.datetime) -> Message:
    """Return the message with emergency numbers before it where danger is not likely and cannot be ruled out."""
    if heard.danger < WORRY or message.answer.kind == "crisis":
        return message
    known = _not_closed(helpline(directory, key, now) for key in CRISIS_LINES)
    others = " eller ".join(f"{line.name} {line.phone}" for line in known if line.phone != "112")
    talk = f" Du kan også tale med {others}." if others else ""
    text = f"Er nogen i fare lige nu, så ring 112.{talk}\n{message.text}"
    answer = replace(message.answer, helplines=[*known, *message.answer.helplines])
    return Message(text, answer, message.buttons)


def handoff_turn(state: State, directory: Directory, now: dt.datetime) -> Message:
    """Return people one can talk to: lines open now first, then the others, and the municipality's number."""
    known = lines(directory, HANDOFF_LINES, now)
    open_lines = [line for line in known if line.open_now]
    shown = open_lines or known
    intro = (
        "Du kan ringe til et menneske her lige nu:"
        if open_lines
        else "Ingen af rådgivningerne har åbent lige nu. De har åbent på disse tider:"
    )
    own = main_number(directory, state.municipality, now)
    text = "\n".join([intro, *(helpline_line(line) for line in shown), main_number_line(own)])
    topic = directory.topics.get(state.topic or "")
    answer = Answer(kind="handoff", as_of=_iso(now), helplines=shown, municipality=_place(state, directory))
    answer.sources = own.sources if own else []
    if topic:  # what the talk was about, so that the person need not tell it again
        answer.topic, answer.topic_title, answer.facets = topic.code, topic.title, state.facets or answer.facets
    return Message(text.strip(), answer)


def out_of_scope_turn(state: State, directory: Directory, now: dt.datetime) -> Message:
    """Return kindly what we do help with, and where other questions go."""
    text = (
        "Det kan jeg ikke hjælpe med. Jeg viser vej til hjælp for pårørende "
        "til mennesker med psykisk sygdom eller handicap. "
        "Handler det om medicin, så spørg egen læge eller apoteket. "
        "Andre spørgsmål om kommunen kan du stille til Borgerservice."
    )
    own = main_number(directory, state.municipality, now)
    answer = Answer(kind="out_of_scope", as_of=_iso(now), municipality=_place(state, directory))
    answer.sources = own.sources if own else []
    return Message(f"{text}\n{main_number_line(own)}".strip(), answer)


def foreign_language_turn(directory: Directory, now: dt.datetime) -> Message:
    """Return, in Danish and English, that Danish is understood best, with a line to call."""
    known = lines(directory, RELATIVES_LINES, now)
    text = (
        "Jeg forstår bedst dansk. Skriv gerne med få, enkle ord. / I understand Danish best. "
        "In danger: call 112. Please write a few simple words, or call: "
        + " ".join(helpline_line(line) for line in known[:2])
    )
    return Message(text, Answer(kind="fallback", as_of=_iso(now), helplines=known))


def fallback_turn(heard: Understood, state: State, directory: Directory, now: dt.datetime) -> tuple[Message, State]:
    """Return at most three numbered guesses once; the second time in a row people to call instead."""
    guesses = [code for code, probability in heard.topics if probability >= NEAR / 2][:2]
    if state.misses == 0 and guesses and re.search(r"[a-zæøå]{3}", heard.text, re.IGNORECASE):
        state = remembered(heard, state)
        door = "familieraadgivning" if state.age is not None and state.age < ADULT else "raad_og_vejledning"
        choices = list(dict.fromkeys([*guesses, door]))  # the open door takes any need
        return _offer(choices, state, directory, now, "Jeg er ikke sikker på, hvad du mener. Er det et af de her?")
    if state.misses == 0:
        text = (
            "Det forstod jeg ikke. Fortæl kort, hvem det handler om, og hvad der er svært, "
            "fx: min søn på 19 kommer ikke op om morgenen."
        )
        return Message(text, Answer(kind="fallback", as_of=_iso(now))), replace(state, misses=1)
    message = handoff_turn(state, directory, now)
    message.answer.kind = "fallback"
    message.text = "Jeg forstår det desværre ikke. Et menneske kan hjælpe bedre.\n" + message.text
    return message, replace(state, awaiting=None, offered=[])


# -- pieces ------------------------------------------------------------------------------------------------------


def _iso(now: dt.datetime) -> str:
    return iso(now, COPENHAGEN) or ""


def _choice(text: str, state: State) -> str | None:
    """Return the offered code that a number ("2", "nr. 2", "den anden") names; "Noget andet" for the last."""
    if not state.offered:
        return None
    bare = text.casefold().strip(" .!?)")
    last = len(state.offered) + (state.awaiting == "topic")  # only topics are offered with "Noget andet" after them
    ordinals = {"første": 1, "anden": 2, "tredje": 3, "sidste": last}
    match = re.fullmatch(r"(?:nr\.?|nummer|mulighed)? ?(\d)", bare)
    number = int(match[1]) if match else next((n for word, n in ordinals.items() if bare in (word, f"den {word}")), 0)
    if 1 <= number <= len(state.offered):
        return state.offered[number - 1]
    if number == len(state.offered) + 1 or bare == SOMETHING_ELSE.casefold():
        return SOMETHING_ELSE
    return None


def _is_miss(heard: Understood, state: State) -> bool:
    """A place that does not exist, or no place at all where one was asked for."""
    if heard.municipality or heard.ambiguous:
        return False
    waiting = state.awaiting == "municipality" and heard.act == "inform" and heard.age is None
    if _WILL_NOT_SAY.search(heard.text):
        return False
    return bool(heard.unknown_place) or (
        waiting and _choice(heard.text, state) is None and len(heard.text.split()) <= 3
    )


def _topic(heard: Understood, state: State, directory: Directory) -> str | None:
    """Return the topic meant. What goes on with a topic leaves it only for one that the text names, or goes back to."""
    best, probability = heard.topics[0] if heard.topics else (None, 0.0)
    words = len(heard.text.split())
    if state.earlier and _BACK.search(heard.text):
        ranked = [code for code, _ in heard.topics if code in (*state.earlier, state.topic)]
        return ranked[0] if ranked else state.earlier[-1]
    if heard.act in FOLLOWING:
        named = named_topic(heard.text, directory)
        opens = state.topic is None and state.awaiting is None and words > 2
        if named is None and opens and probability >= (SURE if words > 6 else OPENS):
            return best
        is_new = state.topic not in dict(heard.topics[:3]) and best not in FACETS_OF_OTHERS
        if named is None and state.topic and is_new and words > 10 and probability >= CLEARLY:
            return best
        return named if named and not (state.topic and named in FACETS_OF_OTHERS) else state.topic
    if office := _asked_for(heard):
        theirs = [code for code, _ in heard.topics if directory.topics[code].department_type == office]
        return theirs[0] if theirs else best
    same_for = state.topic and words <= 8 and _SAME_FOR.search(heard.text)  # "og hvad med min søster i Vejle?"
    if same_for and probability < CLEARLY and named_topic(heard.text, directory) is None:
        return state.topic
    if best in FACETS_OF_OTHERS:
        named = named_topic(heard.text, directory)
        if named in dict(heard.topics) and named not in FACETS_OF_OTHERS:
            return named
    if probability < UNSURE and (named := named_topic(heard.text, directory)) in dict(heard.topics):
        return named
    return best if probability >= SURE else None


def _earlier(state: State, topic: str | None) -> list[str]:
    """Return the topics there were before this one, the latest last."""
    before = [*state.earlier, state.topic] if state.topic else state.earlier
    return [code for code in dict.fromkeys(reversed(before)) if code != topic][::-1][-3:]


def _unit(heard: Understood, state: State, topic: str, directory: Directory) -> str | None:
    """The situation is told once, with the topic; "Køge" does not end it."""
    at_age, _ = topic_at_age(directory, topic, state.age)
    told = situated_department(directory, at_age, heard.text, state.age)
    return told or _asked_for(heard) or (state.unit if at_age == state.topic else None)


def _asked_for(heard: Understood) -> str | None:
    """Return the kind of department whose hours or number is asked for by name; else a name is part of the story."""
    asks = {"hours", "contact"} & set(heard.facets)
    return heard.departments[0].type if asks and heard.departments else None


def _law_note(heard: Understood, topic: str) -> str | None:
    """People know help by the section it had; say what it is called now, where the answer is about that help."""
    moved = [f"§ {law.section} hedder nu {law.today}" for law in heard.laws if law.today and topic in law.topics]
    return f"{'; '.join(moved[:2])}." if moved else None


def _facets(heard: Understood, state: State, topic: str, directory: Directory) -> list[str]:
    """What is asked now; after "Køge" or "19 år" what was asked before.

    Who writes only the name of a help asks for the way there, whatever the name sounds like. So does a question that
    opens a topic and asks nothing narrower; how one complains is part of complaining.
    """
    if heard.act in ("inform", "repeat", "affirm", "deny") and state.topic == topic and state.facets:
        return state.facets
    best = heard.topics[0][0] if heard.topics and heard.act == "ask" else topic
    of_another = FACETS_OF_OTHERS.get(best) if best != topic else None
    wanted = [of_another, *heard.facets] if of_another else heard.facets
    facets = [facet for facet in dict.fromkeys(wanted) if not (facet == "how" and "complaint" in heard.facets)][:3]
    if of_another is None and names_only(heard.text, topic, directory):
        return ["where"]
    opens = heard.act not in FOLLOWING and set(facets) <= {"how", "who", "what", "where"}
    return list(dict.fromkeys(["where", *facets])) if opens else facets or ["where"]


def _candidates(heard: Understood, topic: str, state: State, directory: Directory) -> list[dict[str, str]]:
    if heard.act != "ask":
        return []
    return [
        {"topic": code, "title": directory.topics[code].title}
        for code, probability in heard.topics[:4]
        if code != topic and probability >= NEAR and code in directory.topics
    ][:2]


def _age_decides(heard: Understood, state: State, topic: str, directory: Directory) -> AgeRule | None:
    """Return the rule that leads to the topic's child or adult twin, when only the age can tell which is meant."""
    if state.age is not None or "age" in state.asked or heard.act != "ask":
        return None
    best = heard.topics[0][1] if heard.topics else 0.0
    nearest = {code for code, probability in heard.topics[:3] if probability >= best / 2}
    return next((rule for rule in _rules_at_18(topic, directory) if rule.moves_to in nearest), None)


def _rules_at_18(topic: str, directory: Directory) -> list[AgeRule]:
    """Return what leads from the topic across the age of majority, in either direction."""
    rules = directory.age_rules.get(topic, [])
    return [rule for rule in rules if ADULT in (rule.minimum_age, (rule.maximum_age or 0) + 1)]


def _twin_candidate(topic: str, directory: Directory) -> list[dict[str, str]]:
    """The twin across 18, for when the age was asked and not given."""
    twins = [rule.moves_to for rule in _rules_at_18(topic, directory)]
    return [{"topic": code, "title": directory.topics[code].title} for code in twins[:1]]


def _ask_age(
    topic: str, rule: AgeRule, heard: Understood, state: State, directory: Directory, now: dt.datetime
) -> tuple[Message, State]:
    twin = rule.moves_to
    likely, other = (find_answer(directory, code, state.municipality, now=now) for code in (topic, twin))
    under, over = (likely, other) if rule.minimum_age == ADULT else (other, likely)
    assert under.department and over.department
    answer = Answer(
        kind="clarify",
        as_of=_iso(now),
        topic=topic,
        question="age",
        candidates=[{"topic": code, "title": directory.topics[code].title} for code in (topic, twin)],
        department=likely.department,
        municipality=likely.municipality,
        sources=likely.sources,
    )
    text = (
        "Hvor gammel er den, det handler om? Reglerne er forskellige. "
        f"Under 18 år: {under.department.type_name}. Fra 18 år: {over.department.type_name}."
    )
    buttons = [
        {"title": "Under 18", "payload": "Under 18 år"},
        {"title": "18 eller ældre", "payload": "18 år eller ældre"},
    ]
    state = replace(
        state,
        topic=topic,
        facets=heard.facets[:3] or ["where"],
        awaiting="age",
        offered=[],
        asked=[*state.asked, "age"],
        earlier=_earlier(state, topic),
    )
    return Message(text, answer, buttons), state


def _meanwhile(heard: Understood, state: State, directory: Directory) -> tuple[str | None, list[str]]:
    """The topic and facets to keep while the place is asked for: what was just asked goes before what was."""
    topic = _topic(heard, state, directory) or state.topic
    facets = state.facets if topic == state.topic else []
    return topic, facets or heard.facets[:3] or ["where"]


def _which_place(heard: Understood, state: State, directory: Directory, now: dt.datetime) -> tuple[Message, State]:
    codes = heard.ambiguous[:4]
    names = [directory.municipalities[code].name for code in codes]
    choices = " ".join(f"{number}. {name}" for number, name in enumerate(names, 1))
    topic, facets = _meanwhile(heard, state, directory)
    answer = Answer(kind="clarify", as_of=_iso(now), topic=topic, question="municipality")
    state = replace(
        state,
        topic=topic,
        facets=facets,
        awaiting="municipality",
        offered=codes,
    )
    return Message(
        f"Det navn findes flere steder. Hvilken kommune er det? {choices}", answer, [_button(n) for n in names]
    ), state


def _unknown_place(heard: Understood, state: State, directory: Directory, now: dt.datetime) -> tuple[Message, State]:
    """Say that the place is unknown, with near names; the second time show the way without a municipality."""
    name = heard.unknown_place or heard.text.strip()[:40]
    topic, facets = _meanwhile(heard, state, directory)
    if "unknown_place" in state.asked or not re.search(r"[^\W\d]{3}", name):
        message = handoff_turn(state, directory, now)
        message.text = (
            "Den kommune kender jeg ikke. Ring til kommunens Borgerservice eller til en rådgivning.\n" + message.text
        )
        return message, replace(state, awaiting=None)
    near = near_names(directory, name)
    choices = " ".join(f"{number}. {other}" for number, other in enumerate(near, 1))
    codes = [code for other in near for code, row in directory.municipalities.items() if row.name == other]
    text = f"Jeg kender ingen kommune, der hedder {name}. Mente du: {choices}? Eller skriv en by i nærheden."
    answer = Answer(kind="clarify", as_of=_iso(now), topic=topic, question="municipality")
    state = replace(
        state,
        topic=topic,
        facets=facets,
        awaiting="municipality",
        offered=codes,
        asked=[*state.asked, "unknown_place"],
    )
    return Message(text, answer, [_button(other) for other in near]), state


def _without_topic(heard: Understood, state: State, directory: Directory, now: dt.datetime) -> tuple[Message, State]:
    """A place or an age alone opens the talk; a question we are unsure of gets up to three guesses."""
    if heard.act == "inform" and (heard.municipality or heard.age is not None):
        place = directory.municipalities[heard.municipality].name if heard.municipality else None
        known = f"Så er det {place}." if place else "Tak."
        if state.awaiting == "topic" and state.offered:
            return _offer(state.offered, state, directory, now, f"{known} Hvad handler det om?")
        text = f"{known} Hvad har du brug for hjælp til? Fortæl med dine egne ord."
        answer = Answer(kind="clarify", as_of=_iso(now), question="topic", municipality=_place(state, directory))
        return Message(text, answer), replace(state, awaiting=None, offered=[])
    if heard.act in FOLLOWING and not state.topic:
        text = "Fortæl først, hvad det handler om, så finder jeg stedet. Hvem er det, og hvad er svært?"
        return Message(text, Answer(kind="clarify", as_of=_iso(now), question="topic")), state
    return fallback_turn(heard, state, directory, now)


def _offer(codes: list[str], state: State, directory: Directory, now: dt.datetime, intro: str) -> tuple[Message, State]:
    titles = [directory.topics[code].title for code in codes]
    choices = [f"{number}. {title}" for number, title in enumerate([*titles, SOMETHING_ELSE], 1)]
    answer = Answer(
        kind="clarify",
        as_of=_iso(now),
        question="topic",
        candidates=[{"topic": code, "title": title} for code, title in zip(codes, titles)],
        municipality=_place(state, directory),
    )
    state = replace(state, awaiting="topic", offered=codes, misses=state.misses + 1)
    buttons = [_button(title) for title in [*titles, SOMETHING_ELSE]]
    return Message("\n".join([intro, *choices]), answer, buttons), state


def _button(title: str) -> dict[str, str]:
    return {"title": title, "payload": title}


def _place(state: State, directory: Directory) -> dict[str, str] | None:
    if not state.municipality:
        return None
    return {"code": state.municipality, "name": directory.municipalities[state.municipality].name}


def as_slots(state: State) -> dict[str, Any]:
    """Return the state as Rasa slots."""
    return {name: getattr(state, name) for name in State.__dataclass_fields__}
