"""An answer as one SMS: whom to call, whether they answer now, the section, a page with the rest, source and date.

GSM-7 only, at most two segments. What does not fit is left out from the least needed on; a phone number never is.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import Any

import smsutil
from smsutil.codecs import GSM_CHARSET

from bot.answers.answer import Answer, Department, Line, Phone, wants_human
from bot.answers.find import find_answer
from bot.answers.links import Links
from bot.answers.text import cite, clock, host_of, render
from bot.knowledge.directory import Directory
from bot.knowledge.hours import COPENHAGEN

MOST_SEGMENTS = 2
ASK_PLACE = "Hvilken kommune? Svar med kommune eller postnummer."
REDACTED = "Private oplysninger er taget ud af din sms."
PROBLEM = "Teknisk problem hos os."
DAYS = ("man", "tirs", "ons", "tors", "fre", "lør", "søn")

# What people and word processors write, as a telephone can send it in 7 bits; the rest loses its accent or goes.
_TYPED = str.maketrans(
    {
        **dict.fromkeys("‐‑‒–—―−", "-"),
        **dict.fromkeys("‘’‚‛′´`", "'"),
        **dict.fromkeys("“”„‟″«»", '"'),
        **dict.fromkeys("•·", "-"),
        "…": "...",
        "½": "1/2",
        "¼": "1/4",
        "¾": "3/4",
        "×": "x",
        "→": ">",
        # In GSM-7, but each costs two characters.
        "[": "(",
        "]": ")",
        "{": "(",
        "}": ")",
        "\t": " ",
        "\r": "",
        "\f": "",
    }
)


@dataclass(frozen=True)
class Sms:
    """One text to send. `choices`: what a number sent back stands for, in order; `urgent`: it names the way out of
    danger.
    """

    text: str
    choices: list[str] = field(default_factory=list)
    municipality: str | None = None
    urgent: bool = False

    @property
    def segments(self) -> int:
        """How many messages the gateway counts."""
        return segments(self.text)


def gsm(text: str) -> str:
    """Return the text in GSM-7: dashes, quotes, ellipses and spaces in their plain form, other letters bare."""
    return "".join(_plain_letters(text))


def lost(text: str) -> set[str]:
    """Return the characters that `gsm` cannot say otherwise and leaves out."""
    return {c for c in text.translate(_TYPED) if not c.isspace() and unicodedata.category(c) != "Cf" and not gsm(c)}


def segments(text: str) -> int:
    """Return how many segments a text takes: 160 characters of GSM-7 alone, 153 each when joined."""
    return len(smsutil.split(text).parts) if text else 0


def _plain_letters(text: str) -> Iterator[str]:
    text = re.sub(r"(?<=\d)(?=[¼½¾])", " ", unicodedata.normalize("NFC", text))  # 2½ weeks are not 21/2
    for c in text.translate(_TYPED):
        if c in GSM_CHARSET:
            yield c
        elif c.isspace():
            yield " "
        else:
            yield from (bare for bare in unicodedata.normalize("NFKD", c) if bare in GSM_CHARSET)


def render_sms(messages: Iterable[dict[str, Any]], links: Links, first: str = "") -> Sms:
    """Return the messages of one reply of the chat API (`text`, `buttons`, `answer`) as one SMS.

    `first` is a line for the first of them that names people to talk to: it stands before all but danger.
    """
    extras, texts = [], []
    shown = Sms("")
    for message in messages:
        if message["answer"] is None:  # the note on redaction
            extras.append(REDACTED)
            continue
        answer = Answer.from_json(message["answer"])
        opening = [gsm(first)] if first and wants_human(message["answer"]) else []
        first = "" if opening else first
        rendered = _render(message["text"], message["buttons"], answer, links, opening)
        place = answer.municipality["code"] if answer.municipality else shown.municipality
        shown = replace(rendered, municipality=place, urgent=rendered.urgent or shown.urgent)
        texts.append(rendered.text)
    text = gsm("\n".join([*texts, *extras]))
    if segments(text) > MOST_SEGMENTS and texts:  # the answer goes before the note
        text = _fitting([], texts, [])
    return replace(shown, text=text)


def answer_sms(answer: Answer, links: Links, last: str = "") -> str:
    """Return an answer about a topic as the text of one SMS, with a last line that is never left out."""
    return _answer(answer, links, [last] if last else [])


def _render(text: str, buttons: list[dict[str, str]], answer: Answer, links: Links, opening: list[str]) -> Sms:
    if answer.kind == "crisis":
        return Sms(_crisis(answer), urgent=True)
    urgent = any(line.phone == "112" for line in answer.helplines)
    if answer.question is not None or (answer.kind == "fallback" and buttons):
        return _question(text, buttons, answer, urgent, opening)
    if answer.department is not None:
        return Sms(_answer(answer, links, opening=opening), urgent=urgent)
    if answer.kind in ("handoff", "fallback") and answer.helplines and "\n" in text:
        return Sms(_people(text, answer, opening))
    if answer.kind == "degraded":
        return Sms(_degraded(text, answer, opening), urgent=True)
    return Sms(_fitting(opening, _sentences(text), [], most=1 if answer.kind == "smalltalk" else MOST_SEGMENTS))


# -- the kinds ---------------------------------------------------------------------------------------------------


def _crisis(answer: Answer) -> str:
    """One segment, 112 first."""
    others = [_call(line) for line in answer.helplines if line.phone != "112"]
    calls = [f"Tal med nogen: {', '.join(others)}."] if others else []
    texts = [
        ["Ring 112 nu, hvis nogen er i fare.", *calls, "Bliv hos personen, hvis det er trygt for dig."],
        ["Ring 112 nu, hvis nogen er i fare.", *calls],
        ["Ring 112 nu, hvis nogen er i fare.", *(f"{other}." for other in others[:1])],
        ["Ring 112 nu, hvis nogen er i fare."],
    ]
    return next(text for parts in texts if segments(text := gsm(" ".join(parts))) == 1)


def _question(text: str, buttons: list[dict[str, str]], answer: Answer, urgent: bool, opening: list[str]) -> Sms:
    """Ask, with numbered lines where there are choices; the number or the words may be sent back."""
    head = ["Er nogen i fare, så ring 112.", *opening] if urgent else opening
    choices = [button["payload"] for button in buttons]
    numbered = [f"{n}. {button['title']}" for n, button in enumerate(buttons, 1)]
    if answer.question == "municipality" and not buttons:
        lead = []
        if answer.department is not None:
            lead = [f"{answer.topic_title}: Spørg efter {answer.department.type_name}."]
        lead += [_line(line, answer.as_of) for line in answer.helplines if line.phone != "112"][:1]
        ask = ASK_PLACE if answer.topic else text
        return Sms(_fitting(head, lead, [ask]), urgent=urgent)
    # Where the numbers stand inside the sentence they are taken out of it and written as lines.
    words = text
    for line in numbered:
        words = words.replace(f"{line}\n", "\n").replace(line, "")
    asked = [s for s in _sentences(re.sub(r": +\?", ":\n", words)) if "ring 112" not in s]
    open_end = next((n for n, s in enumerate(asked, 1) if s.endswith(":")), len(asked))
    numbered += ["Svar med tal eller ord."] if numbered else []
    order = [*head, *asked[:open_end], *numbered, *asked[open_end:]]
    return Sms(_fitting([*head, *asked[:1], *numbered], asked[1:], [], order=order), choices, urgent=urgent)


def _people(text: str, answer: Answer, opening: list[str]) -> str:
    """People to call, those who answer now first; the last of them make room for the opening."""
    first, *_, last = text.split("\n")
    known = [_line(line, answer.as_of) for line in answer.helplines]
    intro = {True: "Ring og tal med et menneske nu:"}.get(answer.helplines[0].open_now is True, "Ring til et menneske:")
    if answer.kind == "fallback":
        intro = f"{first} Ring:"
    own = [last] if answer.municipality and not any(line.phone in last for line in answer.helplines) else []
    return _fitting([*opening, intro, *known[:1], *own], known[1:], [], order=[*opening, intro, *known, *own])


def _degraded(text: str, answer: Answer, opening: list[str]) -> str:
    """Without understanding and without a topic: the numbers there are."""
    lines = [_line(line, answer.as_of) for line in answer.helplines if line.phone != "112"]
    if not lines:
        return _fitting(opening, _sentences(text), [])
    own = [line for line in text.split("\n")[1:-1] if line]
    return _fitting([PROBLEM, "Er nogen i fare, så ring 112.", *opening], [*own, *lines[:3]], [])


def _answer(answer: Answer, links: Links, last: list[str] | None = None, opening: list[str] | None = None) -> str:
    """Whom to call and when for a question that opens a topic; what was asked, and whom to call, for the others."""
    department = answer.department
    assert department is not None
    last, opening = last or [], opening or []
    if "where" not in answer.facets:
        tail = [*_page(answer, links), *_source(answer, Room.FULL), *last]
        asked = replace(answer, sources=[])
        said = [line for line in render(asked).split("\n") if not line.startswith("Spørg: ")]
        sentences = [sentence for line in said for sentence in _sentences(line)]
        phone = _phone(department, answer, Room.FULL)
        return _fitting([*_danger(answer, Room.FULL), *opening, *sentences[:1]], sentences[1:], [phone, *tail])
    notes = [note for note in (answer.age_note, answer.law_note) if note]
    texts = [gsm("\n".join([*_where(answer, links, room, opening), *last])) for room in Room]
    if notes:  # what changed is worth a second message
        texts = [gsm("\n".join([*notes, text])) for text in texts] + texts
        return next((text for text in texts if segments(text) <= MOST_SEGMENTS), texts[-1])
    short_enough = (text for most in (1, MOST_SEGMENTS) for text in texts if segments(text) <= most)
    return next(short_enough, None) or _fitting([], texts[-1].split("\n"), [])


class Room(IntEnum):
    """How much room there is for the way in, from plenty to hardly any."""

    TITLE = 0
    FULL = 1
    PLAIN = 2  # digits together, the unknown in few words, whose page instead of which
    SHORT = 3  # names to their first comma or bracket
    SHORTEST = 4  # and to so many letters


NAME_LETTERS = 30


def _where(answer: Answer, links: Links, room: Room, opening: list[str]) -> list[str]:
    """Whom to turn to, their number, whether they answer now, the section, the page, the source: a line each."""
    department = answer.department
    assert department is not None
    danger = _danger(answer, room)
    name = _who(answer, room)
    titled = f"{answer.topic_title}: {name}" if room is Room.TITLE else name
    return [
        *danger,
        *opening,
        titled,
        _phone(department, answer, room),
        *_opening(department, answer, room),
        *_law(answer, room),
        *_page(answer, links),
        *_source(answer, room),
    ]


# -- pieces ------------------------------------------------------------------------------------------------------


def _danger(answer: Answer, room: Room) -> list[str]:
    if answer.kind == "degraded":
        return [f"{PROBLEM} I fare: ring 112."]
    if not any(line.phone == "112" for line in answer.helplines):
        return []
    return ["Er nogen i fare: ring 112." if room < Room.PLAIN else "I fare: ring 112."]


def _law(answer: Answer, room: Room) -> list[str]:
    """The first provision; where there is little room without its paragraphs and numbers."""
    if not answer.legal_basis or answer.legal_basis[0].law.startswith("("):
        return []
    cited = cite(answer.legal_basis[0])
    return [cited if room < Room.SHORT else re.split(r", stk\.| \(", cited)[0]]


def _page(answer: Answer, links: Links) -> list[str]:
    return [links.page(answer.municipality["code"], answer.topic)] if answer.municipality and answer.topic else []


def _who(answer: Answer, room: Room) -> str:
    """`Køge: Familieafdelingen`; says `normalt` where only the kind of department is known to fit."""
    department = answer.department
    assert department is not None
    name = _name(department.type_name if department.generic else department.name, room)
    place = answer.municipality["name"] if answer.municipality else None
    if place is None or department.level in ("national", "health"):
        return name
    if department.generic:
        return f"{place}: spørg efter {name}"
    if department.match == "type" and department.level == "municipal":
        return f"{place}, normalt: {name}"
    return name if place.casefold() in name.casefold() else f"{place}: {name}"


def _name(name: str, room: Room) -> str:
    """A name to its first bracket, comma, dash or stroke; where that is not enough to so many letters."""
    if room < Room.SHORT:
        return name
    name = re.split(r" \(| [-–] |, | / |: | i Region ", name)[0]
    if room < Room.SHORTEST or len(name) <= NAME_LETTERS:
        return name
    return re.sub(r"( (og|for|til|i|af|med|ved))+$", "", name[: NAME_LETTERS - 1].rsplit(" ", 1)[0]) + ".."


def _phone(department: Department, answer: Answer, room: Room) -> str:
    """The first number, and whose it is when it is not the department's own; a helpline where none is known."""
    if not department.phones:
        lines = [line for line in answer.helplines if line.phone != "112"] or answer.helplines
        if lines:
            unknown = "Nr. ukendt. " if room < Room.SHORTEST else ""
            return f"{unknown}Ring {_line(_shown(lines, answer.as_of, room), answer.as_of, room)}"
        return f"Nr. ukendt. Se {host_of(department.website)}" if department.website else "Nr. ukendt."
    phone = department.phones[0]
    number = _number(phone.number, room)
    if phone.other:
        return f"Tlf {number} (anden afd., bed om omstilling)" if room < Room.PLAIN else f"Anden afd. {number}"
    return f"{'Hovednr.' if phone.main and phone.whose != department.name else 'Tlf'} {number}"


def _number(number: str, room: Room) -> str:
    return number if room < Room.PLAIN else number.replace(" ", "")


def _opening(department: Department, answer: Answer, room: Room) -> list[str]:
    """Whether that number is answered now, or when next; plainly unknown where it is."""
    if not department.phones:
        return []
    if department.unknown_day:
        return ["Åbent i dag? Ukendt"]
    unknown = "Åbningstid ukendt" if room < Room.PLAIN else "Tid ukendt"
    return [_openness(department.phones[0], answer.as_of) or unknown]


def _openness(line: Phone | Line, as_of: str) -> str:
    if line.open_now:
        return f"Åben til {clock(line.closes)}" if line.closes else "Døgnåben"
    if line.open_now is False:
        return f"Lukket, åbner {_when(line.next_opening, as_of)}" if line.next_opening else "Lukket nu"
    return ""


def _when(moment: str, as_of: str) -> str:
    """A coming moment in few letters: `kl. 13`, `i morgen 9`, `man 9`, `2/1 kl. 9`."""
    local = dt.datetime.fromisoformat(moment).astimezone(COPENHAGEN)
    days = (local.date() - dt.datetime.fromisoformat(as_of).astimezone(COPENHAGEN).date()).days
    if days == 0:
        return f"kl. {clock(moment)}"
    if days == 1:
        return f"i morgen {clock(moment)}"
    return f"{DAYS[local.weekday()]} {clock(moment)}" if days < 7 else f"{local.day}/{local.month} kl. {clock(moment)}"


def _line(line: Line, as_of: str, room: Room = Room.FULL) -> str:
    state = _openness(line, as_of) if room < Room.PLAIN else ""
    return f"{_call(line, room)}{f' ({state.lower()})' if state else ''}"


def _shown(lines: list[Line], as_of: str, room: Room) -> Line:
    """The first helpline; where there is hardly any room the shortest of those that are as open."""
    same = [line for line in lines if line.open_now == lines[0].open_now]
    return lines[0] if room < Room.SHORTEST else min(same, key=lambda line: len(_line(line, as_of, room)))


def _call(line: Line, room: Room = Room.FULL) -> str:
    """`Lægevagten 1818`: a helpline to its first bracket or region, and its number once."""
    name = re.sub(rf" ?\b{line.phone}\b", "", _name(line.name, Room.SHORT)).strip()
    return f"{name} {_number(line.phone, room)}".strip()


def _source(answer: Answer, room: Room) -> list[str]:
    """`Kilde koege.dk 2024-03`: whose page the number is from, and the month it holds for.

    Where a section or a deadline was asked, it is the page of that.
    """
    about_number = not {"legal": answer.legal_basis, "time": answer.processing_time}.get(answer.facets[0])
    lines = [line for line in answer.helplines if line.phone != "112"]
    phones = answer.department.phones if answer.department and about_number else []
    if about_number and not phones and lines and lines[0].source:
        shown = _shown(lines, answer.as_of, room)
        return [f"Kilde {_whose(host_of(shown.source), room)} {_month(shown.as_of)}"]
    paged = [source for source in answer.sources if source.url] or answer.sources
    first = next((source for source in paged if phones and source.date_text == phones[0].as_of), None)
    first = first or next(iter(paged), None)
    if first is None:
        return []
    name = _whose(host_of(first.url), room) if first.url else (first.title or "").split(": ", 1)[-1][:30]
    return [f"Kilde {name} {_month(first.date_text)}"]


def _whose(page: str, room: Room) -> str:
    return page if room < Room.PLAIN else ".".join(page.split(".")[-2:])


def _month(date: str) -> str:
    return re.sub(r"(\d{4}-\d\d)-\d\d", r"\1", date)


def _sentences(text: str) -> list[str]:
    """Lines, and the sentences in them; numbered steps stay with their number."""
    ends = r"(?<![ .]\d\.)(?<!\bkl\.)(?<!\bca\.)(?<!\bfx\.)(?<=[.!?]) +(?=[A-ZÆØÅ\"])"
    return [part.strip() for line in text.split("\n") for part in re.split(ends, line) if part.strip()]


def _fitting(
    head: list[str],
    body: list[str],
    tail: list[str],
    most: int = MOST_SEGMENTS,
    order: list[str] | None = None,
) -> str:
    """Return head, as many of the body's parts as fit, and tail, a line each. In `order`, when it is given.

    A first part too long for any message is cut at a word.
    """
    for count in range(len(body), -1, -1):
        kept = [*head, *body[:count], *tail]
        parts = [part for part in order if part in kept] if order is not None else kept
        text = gsm("\n".join(parts))
        if text and segments(text) <= most:
            return text
    words = gsm("\n".join([*head, *body, *tail])).split(" ")
    while segments(" ".join([*words, "..."])) > most:
        words.pop()
    return " ".join([*words, "..."])


def segments_of_the_table(directory: Directory, links: Links, now: dt.datetime) -> dict[int, int]:
    """Return how many answers of the whole table (municipalities x topics) take one segment, two ... at a moment."""
    answers = (
        find_answer(directory, topic, code, now=now) for code in directory.municipalities for topic in directory.topics
    )
    return dict(Counter(segments(answer_sms(answer, links)) for answer in answers))


# -- the linter --------------------------------------------------------------------------------------------------


def unsendable(directory: Directory) -> list[str]:
    """Return a line for each text of the table that can reach an SMS and holds what GSM-7 cannot say."""
    texts: list[tuple[str, str | None]] = [("kommune", row.name) for row in directory.municipalities.values()]
    for topic in directory.topics.values():
        spoken = (topic.title, topic.description, topic.audience, topic.assessment, topic.cost, topic.complaint)
        spoken += (topic.tonight, topic.without_consent, *topic.steps)
        texts += [(f"emne {topic.code}", text) for text in (*spoken, *(d.document for d in topic.documents))]
    for kind in directory.department_types.values():
        texts += [(f"afdelingstype {kind.code}", text) for text in (kind.term.name, kind.way_in)]
    for org in directory.organizations:
        addresses = [str(address) for location in org.locations for address in location.addresses]
        points = [point.value for point in org.contact_points]
        spoken = (org.name, org.way_in, org.referral_from, org.website, *addresses, *points)
        texts += [(f"afdeling {org.name}", text) for text in spoken]
    for law in (row for rows in directory.law.values() for row in rows):
        texts += [(f"lov {law.topic}", text) for text in (law.law, law.section)]
    for line in directory.helplines.values():
        texts.append((f"rådgivning {line.id}", line.name))
    for rules in directory.age_rules.values():
        texts += [(f"aldersregel {rule.topic}", rule.text) for rule in rules]
    for note in (row for rows in directory.notes.values() for row in rows):
        texts.append((f"note {note.municipality_code} {note.topic}", note.text))
    for time in (row for rows in directory.processing_times.values() for row in rows):
        texts.append((f"frist {time.municipality_code or ''} {time.topic}", time.text))
    return [
        f"{where}: '{''.join(sorted(odd))}' kan ikke sendes i en sms: {text[:60]}"
        for where, text in texts
        if text and (odd := lost(text))
    ]
