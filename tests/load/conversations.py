"""Whole conversations as relatives have them, written or taken from the development set; never from the blind one."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from tests.nlu.evaluation import SEEN, questions

Deed = Literal["say", "call", "delete"]

FOLLOW_UPS = (
    "hvilken paragraf?",
    "hvornår har de åbent?",
    "hvad er telefonnummeret?",
    "hvordan søger jeg?",
    "hvor lang tid tager det?",
    "kan jeg klage?",
    "hvad koster det?",
    "hvem bestemmer det?",
    "hvilke papirer skal jeg have med?",
    "okay, og hvad så nu?",
    "tak",
)
PLACES = ("Køge", "Aalborg", "Odense", "Herning", "4600", "Roskilde", "Vejle", "Esbjerg", "Horsens", "Hillerød")
MOVES = (
    "og hvis hun bor i {}?",
    "han flytter til {} til sommer, hvem så?",
    "nej, det er {} kommune",
    "hvad så i {}?",
)
NONSENSE = (
    "asdf jkløæ qwe",
    "????",
    "hvad vejer månen",
    "7",
    "{'a': 1}; drop table x",
    "🙂🙂🙂",
    "mmmmmmmmmmm",
    "what is this",
    "lala lala lala",
    "e",
)
OPENINGS = ("", "Hej.", "Goddag.", "Hej igen.", "Kære Vejviser.", "Undskyld, jeg spørger.", "Godaften.", "Hejsa.")
CLOSINGS = (
    "",
    "Tak.",
    "På forhånd tak.",
    "Mange tak for hjælpen.",
    "Venlig hilsen en mor.",
    "Jeg håber, I kan hjælpe.",
)
# How often each kind of conversation comes, of a hundred.
MIX = {"follow-ups": 45, "moves": 17, "crisis": 8, "nonsense": 10, "call-back": 10, "delete": 10}


@dataclass(frozen=True)
class Turn:
    """One thing a person does. `kind` is what the answer must be where that is certain (danger always is)."""

    text: str
    deed: Deed = "say"
    kind: str | None = None


@dataclass(frozen=True)
class Conversation:
    """What one person writes, in order; `municipality` is that of the site the widget stands on."""

    name: str
    turns: Sequence[Turn]
    municipality: str | None = None


class Texts:
    """The sentences of the development set by kind, each worded anew every time it is asked for.

    A cache of frequent questions would flatter a bench that asks the same again; people do not write the same letter.
    """

    def __init__(self) -> None:
        """Read questions_seen.csv, in an order of its own that is the same each time."""
        self._by_kind: dict[str, list[str]] = defaultdict(list)
        for row in questions(SEEN):
            self._by_kind[row["kind"]].append(row["text"][:900])
        for kind in self._by_kind.values():
            random.Random(7).shuffle(kind)
        self._drawn: Counter[str] = Counter()
        self._worded: Counter[str] = Counter()

    def next(self, kind: str = "answer") -> str:
        """Return the next sentence of a kind in a wording not used before (48 wordings of each of 552 questions)."""
        return self.wordings(1, kind)[0]

    def wordings(self, count: int, kind: str = "answer") -> list[str]:
        """Return the next sentence of a kind in so many wordings not used before, one for each way that is compared."""
        sentences = self._by_kind[kind]
        text = sentences[self._drawn[kind] % len(sentences)]
        self._drawn[kind] += 1
        first = self._worded[text]
        self._worded[text] += count
        return [worded(text, first + n) for n in range(count)]


def worded(text: str, n: int) -> str:
    """Return the text in the n-th of its 48 wordings: a greeting before it, a thank-you after it, both or neither."""
    greeting, closing = OPENINGS[n % len(OPENINGS)], CLOSINGS[n // len(OPENINGS) % len(CLOSINGS)]
    return f"{greeting} {text} {closing}".strip()


def conversations(texts: Texts, seed: int) -> Iterator[Conversation]:
    """Yield conversations in the proportions of MIX without end, the same for the same seed and texts."""
    chance = random.Random(seed)
    while True:
        name = chance.choices(list(MIX), list(MIX.values()))[0]
        site = chance.choice([None, None, "0259", "0851", "0461"])
        yield Conversation(name, list(_turns(name, texts, chance)), site)


def _turns(name: str, texts: Texts, chance: random.Random) -> Iterator[Turn]:
    if name == "nonsense":
        for text in chance.sample(NONSENSE, 2):
            yield Turn(text)
        yield Turn(texts.next("out_of_scope"))
        return
    yield Turn(texts.next())
    if name == "crisis":
        yield Turn("min søn siger at han vil tage sit eget liv", kind="crisis")
        yield Turn("han er okay nu. hvem kan jeg ringe til i morgen?")
        return
    yield Turn(chance.choice(PLACES))
    for text in chance.sample(FOLLOW_UPS, chance.randint(1, 3)):
        yield Turn(text)
    if name == "moves":
        yield Turn(chance.choice(MOVES).format(chance.choice(PLACES[:4])))
        yield Turn(chance.choice(FOLLOW_UPS))
    elif name == "call-back":
        yield Turn("jeg vil gerne tale med et menneske")
        yield Turn("", deed="call")
    elif name == "delete":
        yield Turn("slet samtalen")
        yield Turn("", deed="delete")
