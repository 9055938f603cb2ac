"""Which municipality a text names: 98 names, genitives, towns, old municipalities, misspellings, postal codes.

Danish place names are everyday words too ("give", "ringe", "ry", "vejle" in "vejledning"), so a bare word counts only
where the text treats it as a place: written with a capital, after "i" or "fra", before "kommune", or standing alone.
"""

from __future__ import annotations

import functools
import re
import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from rapidfuzz import process
from rapidfuzz.distance import DamerauLevenshtein

from bot.knowledge.directory import Directory
from bot.knowledge.wordlists import is_danish_word, is_english_word

Role = Literal["concerned", "relative", "other", "unknown"]

# Place names that are also everyday Danish words; they need a sign that a place is meant.
EVERYDAY = frozenset(
    "als ans arden as ballen balling beder brande friheden fur galten gern give gram greve grå hals hammel hasle "
    "haslev have horne hov humble højer højet jels kaas lejre lem lind lund løkken løsning mors møn mørke nibe "
    "omme ramme ringe ry ryde skals skive stege stilling strib struer sunds søby tarm taulov them thy tune tvis "
    "vejen vils vind voel vrå års årslev".split()
)
# Of those, the ones that follow a service in ordinary sentences too ("hvem kan den hjælp give").
_AFTER_A_SERVICE = frozenset("beder friheden give have loesning ramme ringe stilling vejen".split())
# Of those, the ones that stand among search words, too ("mørke tanker", "ringe selvværd").
_AMONG_SEARCH_WORDS = (_AFTER_A_SERVICE | frozenset("gram hals lind moerke tarm".split())) - {"vejen"}
_GOES_ON = frozenset("til ud frem op ind tilbage hjem".split())  # "vejen til hjælp"
_SERVICE = re.compile(
    r"(?:center|centret|centeret|afdeling|afdelingen|service|raadgivning|hjaelp|stoette|ppr|pension|vaerested|vaerestedet"
    r"|visitation|visitationen|forvaltning|forvaltningen|psykiatri|psykiatrien|ungeindsats|stu|fleksjob|kontanthjaelp)$"
)
# Of those, the municipalities that "i" makes a place of; "i vejen" is in the way.
_PLACE_AFTER_I = frozenset(["brande", "greve", "lejre", "skive", "struer"])
# Of the names of four letters and fewer, those that people write in small letters and mean.
_SHORT = frozenset("køge ribe sorø faxe fanø læsø ærø samsø odde årø kbh frb cph".split())
# Numbers that are no postal codes when people ask for help: the doctor on call of the capital, and its neighbours.
_NOT_POSTAL = frozenset({1812, 1813})
# What makes four digits an amount, a duration, a section, a time or a case: a unit after them, or its word before.
_UNIT = re.compile(
    r"\s*(?:,-|\.-|%|kr\b|kroner|kr\.|dkk|€|euro|dage?\b|timer?\b|uger?\b|mdr|måneder|år\b|gange|mg\b|personer|"
    r"(?:om|i|pr\.?|per)\s+(?:måned|mdr|år|uge|dag|time|husleje|kontanthjælp|su\b|løn|pension|udbetaling))",
    re.IGNORECASE,
)
_COUNTED = re.compile(
    r"(?:§+|\b(?:kl|nr|numre|nummer|sag|sagsnr|sagsnummer|stk|artikel|bkg|bekendtgørelse|lov|paragraf|koster|kostede|"
    r"betaler|betalte|betale|får|fik|skylder|tjener|mangler|ca|cirka|omkring|over|under|mindst|højst|ekstra|årligt|"
    r"månedligt|kr|kroner|beløb|beløbet))[.:]?\s*(?:på\s+|ca\.?\s+)?$",
    re.IGNORECASE,
)
# First words of compound names that are no names of their own.
_DIRECTIONS = frozenset(["noerre", "norre", "soender", "sonder", "oester", "oster", "vester", "store", "lille"])
_WORD = re.compile(r"[a-zæøåéöäü]+(?:[-.][a-zæøåéöäü]+)*\.?", re.IGNORECASE)
_CLAUSE = re.compile(
    r"[.!?;:,]| men | mens | og (?=(?:jeg|vi|min|mit|mine|vores|han|hun|hans|hendes|bor)\b)", re.IGNORECASE
)
_PLACE_CUE = frozenset("i fra på til ved nær omkring hos under in from near".split())
_ARTICLES = frozenset(["en", "et", "den", "sit", "sin"])
# Words that stand in sentences and not in a row of search words ("ry plejehjem venteliste").
_SENTENCE = frozenset(
    "jeg vi han hun hen de det er har kan skal vil må blev bliver og at ikke som den der hvor hvem hvordan hvad "
    "min mit mine vores din hans hendes grad omfang".split()
)
_LIVES = re.compile(
    r"\b(bor|bo|boede|boende|bopæl|hjemme|flytter|flyttet|flytte|hører)( \w+)? (i|til|på) $", re.IGNORECASE
)
_KIN = (
    r"(?:søn|datter|bror|søster|mor|far|moster|faster|onkel|svoger|svigerinde|farbror|morbror|mormor|farmor|morfar|farfar|kone|mand"
    r"|børn|forældre|ven|veninde|kæreste|familie)"
)
_PERSON = (
    r"(?:min|mit|mine|vores|vor|hans|hendes|han|hun|hen|barnet|drengen|pigen|sønnen|datteren|mor|far|moster|onkel|svoger"
    r"|farbror|mormor|farmor|morfar|farfar)"
)
_HOME = r"(?:lejlighed|hus|rækkehus|hjem|bolig|ældrebolig|værelse|etværelses)"
# How much a place weighs, by what the words around it say. Only the order counts.
(LEFT, ELSEWHERE, RELATIVES, PLACED, NAMED, SOMEBODYS, HOUSEHOLDS, FAMILYS, LIVED_IN, MOVED_TO, DECIDING) = range(11)
# What the words before a place in its clause say of it; the first that fits counts.
_BEFORE: list[tuple[str, Role, int]] = [
    (
        r"\b(?:betales|anbragt|visiteret|bevilget) af $|\b(?:vores|hans|hendes|min) (?:hjem)?kommune er $",
        "concerned",
        DECIDING,
    ),
    (
        r"\b(?:adresse|folkeregister\w*|tilmeldt|bopæl) (?:\w+ ){0,2}i $"
        r"|\b(?:rådgiver|sagsbehandler)(?:en)? (?:sidder |er )?i $",
        "concerned",
        DECIDING,
    ),
    (
        r"\bbor (?:\w+ )?hos (?:mig|os|min|mine|sin|sine) (?:\w+ )?(?:i|på) $|\bnu bor (?:\w+ )+i $",
        "concerned",
        MOVED_TO,
    ),
    (
        rf"\bboe[tr]?(?: \w+)? hos (?:mig|os) (?:\w+ )?(?:i|på) $|\b{_PERSON} \w+ er blevet i $"
        rf"|\b{_PERSON}(?: \w+){{0,2}} boet (?:\w+ )?(?:i|på) $"
        rf"|\b(?:sin|sit|vores|min|mit|hans|hendes|eget|egen)(?: \w+)? {_HOME} i $",
        "concerned",
        LIVED_IN,
    ),
    (r"\bønske.{0,25}\bi $|\bhos mig (?:i|på) $|\bjeg i $", "relative", RELATIVES),
    (
        r"\b(?:kom(?:mer)?|boede|voksede op|vokset op|født) (?:\w+ )?(?:fra|i|op i) $|\bsolgte? \w+ i $"
        r"|\bfør (?:det )?(?:var|boede) (?:\w+ ){1,2}i $|\b(?:flyttede|flyttet|overflyttet) (?:\w+ ){0,3}?fra $",
        "other",
        LEFT,
    ),
    (
        r"\b(?:jeg (?:er|har)|er jeg)(?: \w+){0,2} (?:flyttet|rykket)\b.{0,25} (?:til|i) $",
        "relative",
        RELATIVES,
    ),
    (
        r"\b(?:er|har|blev|var|lige|så|netop)(?: \w+){0,3} (?:flyttet|flyttede)\b.{0,25} (?:til|i) $"
        r"|\bflyttede (?:\w+ ){0,3}(?:til|i) $",
        "concerned",
        MOVED_TO,
    ),
    (r"\bflytte[rs]?\b.{0,25} (?:til|i) $|\bhellere .{0,20}i $|\bgerne .{0,30}\bi $", "other", ELSEWHERE),
    (
        r"\b(?:arbejder?|arbejde|læser|studerer|højskole|efterskole|gift|mødtes|kollega|hospital\w*|sygehus\w*|indlagt"
        r"|udredt|\w*udredning|psykiatrisk|værksted|indkaldt|møde|kursus|ligger|klub|lære|\w*praktik|skole|specialskole"
        r"|stu|ferie|kæreste|veninde|nabo|nærmeste)\b.{0,25}\b(?:i|på|til|ved) $",
        "other",
        ELSEWHERE,
    ),
    (
        r"\b(?:bosted|botilbud|bofællesskab|opholdssted|opgangsfællesskab|plejehjem|plejecenter|plejefamilie)\w*\b"
        r".{0,20}\b(?:i|ved) $",
        "unknown",
        PLACED,
    ),
    # "hans far bor i ...", "hendes søn i ...": relatives of the one it is about.
    (rf"\b(?:hans|hendes|deres) (?:\w+ )?{_KIN}(?: bor| er)?(?: \w+)? (?:i|på) $", "other", PLACED),
    (
        r"\bjeg\b.{0,30}\b(?:bor|boende|hjemme|bosat)\b.{0,30} (?:i|på|ved) $|\bbor jeg .{0,10}i $|\bselv i $",
        "relative",
        RELATIVES,
    ),
    (
        r"\b(?:vi|familien)\b.{0,25}\b(?:bor|boet|boende|bosat|hjemme)\b.{0,15} (?:i|på|ved) $|\bbor vi .{0,10}i $",
        "relative",
        HOUSEHOLDS,
    ),
    (rf"\b{_PERSON}\b.{{0,40}}\bbor (?:\w+ ){{0,2}}(?:i|på|til|ved) $", "concerned", LIVED_IN),
    (
        rf"\b{_PERSON}(?: \w+)? (?:i|på|fra) $|^ ?(?:bror|søster|søn|datter) (?:i|på|fra) $",
        "concerned",
        FAMILYS,
    ),
    (rf"\b{_PERSON}\b", "concerned", SOMEBODYS),
]
# And the words after it, which tell more.
_AFTER: list[tuple[str, Role, int]] = [
    (
        r"s? (?:kommune)?,? ?(?:der |som )?(?:betaler|bestemmer|har sagen|er handlekommune"
        r"|har (?:i \w+ )?(?:betalt|bevilget|visiteret|anbragt|sendt (?:min|mit|vores|ham|hende)))\b",
        "concerned",
        DECIDING,
    ),
    (r" (?:kommune )?(?:bevilgede|visiterede|sagde ja)\b", "concerned", FAMILYS),
    (r",? hvor (?:vi|han|hun|hen|jeg|de) (?:boede|kom fra)\b", "other", LEFT),
    (r",? hvor jeg (?:selv )?bor\b", "relative", RELATIVES),
    (
        r",? hvor (?:han|hun|hen|de) (?:\w+ )?(?:bor|har boet|flyttede|er flyttet)\b|,? og bor der\b"
        r"|\b[^.!?]{0,40}\bflytte[td]e? (?:ind|derud|dertil|herud|hertil)\b",
        "concerned",
        MOVED_TO,
    ),
    (r" har (?:vi|han|hun|hen) (?:altid )?boet i\b|,? er der,? (?:han|hun|hen|de) bor\b", "concerned", LIVED_IN),
]
_BEFORE_RES, _AFTER_RES = (
    [(re.compile(pattern, re.IGNORECASE), role, weight) for pattern, role, weight in rules]
    for rules in (_BEFORE, _AFTER)
)
_LEAVES = re.compile(r"\bfra $", re.IGNORECASE)
_TO = re.compile(r"\bfra [\wæøåÆØÅ.-]+(?: kommune)? til $", re.IGNORECASE)
_HAS_MOVED = re.compile(r"\b(?:flyttede|er flyttet|blev flyttet|har flyttet|er overflyttet)\b", re.IGNORECASE)
_HOSPITAL = re.compile(r"s? (?:hospital|sygehus)", re.IGNORECASE)
# "..., bor i Greve", "... og er flyttet til Greve": who it is was named before.
_WHO_BEFORE = re.compile(r"^ ?(?:og |men )?(?:bor|er flyttet|flyttede) (?:\w+ ){0,5}(?:i|på|til) $")
_WRITER = re.compile(r"jeg(?:, [^,]+, bor|(?!.*\b(?:der|som|har en|har et)\b).* og bor|.* men er flyttet)")
_SENTENCE_END = re.compile(r"[.!?]\s")
_MAKING = threading.Lock()


@dataclass(frozen=True)
class Place:
    """A municipality found in a text. `role` is whose it is, `weight` how sure; `start` and `end` where it stands."""

    code: str
    name: str
    start: int
    end: int
    role: Role = "unknown"
    weight: int = NAMED


@dataclass(frozen=True)
class Places:
    """What a text says about places: municipalities, a name that is several, and names that exist nowhere."""

    found: list[Place]
    ambiguous: list[str]
    unknown: str | None = None

    @property
    def concerned(self) -> Place | None:
        """Return the municipality that decides: of those with the most weight the last, if any."""
        return max(reversed(self.found), key=lambda place: place.weight, default=None)


def fold(text: str) -> str:
    """Return the text in small letters with æøå written as ae, oe, aa, so that all spellings meet."""
    folded = text.casefold()
    for letter, plain in (("æ", "ae"), ("ø", "oe"), ("å", "aa"), ("ö", "oe"), ("ä", "ae"), ("é", "e")):
        folded = folded.replace(letter, plain)
    return folded


class Gazetteer:
    """Names of places and the municipalities they belong to, made once from the directory."""

    def __init__(self, directory: Directory) -> None:
        self._municipalities = directory.municipalities
        names: dict[str, set[str]] = defaultdict(set)
        for code, row in directory.municipalities.items():
            for name in (row.name, *(alias.alias for alias in row.aliases)):
                names[fold(name).replace(". ", " ")].add(code)
                names[_without_diacritics(name)].add(code)
        # A town whose name begins like another's ("Nykøbing Mors", "Nykøbing Falster") makes the bare name ambiguous.
        for name in list(names):
            first = name.split()[0]
            if " " in name and first not in names and first not in _DIRECTIONS and len(first) > 5:
                holders = {
                    code for other in names if other.split()[0] == first and " " in other for code in names[other]
                }
                if len(holders) > 1:
                    names[first] |= holders
        self._names = {name: frozenset(codes) for name, codes in names.items()}
        # A slip is forgiven in the names people write most, and in long ones: short villages resemble too much else.
        main = sorted(fold(row.name) for row in directory.municipalities.values() if len(row.name) >= 5)
        self._main = _by_first_letter(main)
        self._long = _by_first_letter([*main, *(name for name in self._names if len(name) >= 7)])
        plain = {_without_diacritics(name) for name in self._names} - {fold(name) for name in self._spelt()}
        self._everyday = {fold(word) for word in EVERYDAY} | {word for word in plain if is_danish_word(word)}
        self._postal = [
            (area.postal_from, area.postal_to, code)
            for code, row in directory.municipalities.items()
            for area in row.service_areas
        ]

    def _spelt(self) -> Iterator[str]:
        for row in self._municipalities.values():
            yield from (row.name, *(alias.alias for alias in row.aliases))

    def find(self, text: str, alone: bool = False) -> Places:
        """Return the places a text names. `alone`: it answers "hvilken kommune?", so a bare word is enough."""
        words = [(match.group(), match.start(), match.end()) for match in _WORD.finditer(text)]
        alone = alone or len(words) <= 2
        hits: list[tuple[frozenset[str], int, int]] = []
        searching = len(words) <= 8 and not _SENTENCE & {word.casefold() for word, _, _ in words}
        position = 0
        while position < len(words):
            taken = self._match(words, position, alone, searching, text)
            if taken:
                codes, count = taken
                end = words[position + count - 1][2]
                if not _HOSPITAL.match(text, end):  # where somebody is treated says nothing of where they live
                    hits.append((codes, words[position][1], end))
            position += taken[1] if taken else 1
        hits.extend(self._postal_codes(text))
        found, ambiguous = [], []
        for codes, start, end in hits:
            if len(codes) == 1:
                code = next(iter(codes))
                found.append(Place(code, self._municipalities[code].name, start, end, *_role(text, start, end)))
            else:
                ambiguous.extend(sorted(codes))
        if not found and not ambiguous:
            return Places([], [], self._unknown(text))
        return Places(_once(found), [] if found else ambiguous)

    def _match(
        self, words: list[tuple[str, int, int]], position: int, alone: bool, searching: bool, text: str
    ) -> tuple[frozenset[str], int] | None:
        for count in (3, 2, 1):
            part = words[position : position + count]
            if len(part) < count:
                continue
            raw = " ".join(word for word, _, _ in part)
            before = fold(words[position - 1][0]) if position else ""
            after = fold(words[position + count][0]) if position + count < len(words) else ""
            marked = after.startswith(("kommun", "komun")) or before in _PLACE_CUE
            if count == 1 and before in _ARTICLES and not after.startswith("kommun"):
                continue
            mark = text[part[-1][2] : part[-1][2] + 1] if position == 0 else ""
            opens = mark == "," and not is_danish_word(raw)
            for form in _forms(fold(raw).replace(". ", " ")):
                codes = self._names.get(form)
                if not codes:
                    continue
                if count == 1 and (form in self._everyday or (len(raw) <= 4 and raw.islower() and raw not in _SHORT)):
                    capital = raw[0].isupper() and position > 0 and not _starts_sentence(text, part[0][1])
                    shouted = len(raw) > 1 and raw.isupper()  # ALS is an illness, too
                    lives = _LIVES.search(text[: part[0][1]])
                    service = _SERVICE.search(before) and form not in _AFTER_A_SERVICE
                    place = mark == ":" or (before in ("i", "fra") and form in _PLACE_AFTER_I)
                    sign = after in ("kommune", "kommunes") or (capital and not shouted) or lives or service or place
                    searched = searching and form not in _AMONG_SEARCH_WORDS and after not in _GOES_ON
                    if not (sign or len(words) == 1 or (alone and marked) or searched):
                        continue
                return codes, count
            if count == 1 and (codes := self._misspelt(raw, marked, len(words) == 1 or opens, searching, after)):
                return codes, count
        return None

    def _misspelt(self, word: str, marked: bool, lonely: bool, searching: bool, after: str) -> frozenset[str] | None:
        """One slip in a short name, two in a long one, and only where a place is meant and no Danish word stands.

        Among search words any word may be the place, so only the municipalities' own names are looked for.
        """
        meant = lonely or ((marked or searching) and not _is_a_word(word.rstrip(".")))
        if len(word) < 5 or not meant:
            return None
        slips = 2 if len(word) > 9 or (len(word) > 7 and after.startswith(("kommun", "komun"))) else 1
        names = self._long if lonely or marked else self._main
        for form in map(_sound, _forms(fold(word))):
            same = names.get(form[0], {})
            hit = process.extractOne(form, same, scorer=DamerauLevenshtein.distance, score_cutoff=slips)
            if hit and hit[2] not in self._everyday:
                return self._names[hit[2]]
        return None

    def _postal_codes(self, text: str) -> Iterator[tuple[frozenset[str], int, int]]:
        for match in re.finditer(r"(?<![\d.,])\d{4}(?![\d.,]\d|\d)", text):
            number = int(match.group())
            codes = frozenset(code for first, last, code in self._postal if first <= number <= last)
            year = 1990 <= number <= 2035
            counted = _UNIT.match(text, match.end()) or _COUNTED.search(text, 0, match.start())
            if codes and number not in _NOT_POSTAL and not counted and (not year or match.group() == text.strip()):
                yield codes, match.start(), match.end()

    def _unknown(self, text: str) -> str | None:
        """A name before "kommune" that is no municipality: worth saying so."""
        name = r"([A-ZÆØÅ][a-zæøå]{2,}(?:-[A-ZÆØÅ][a-zæøå]+)?)"
        short = rf"|^(?:[Oo]g |[Hh]vad )?(?:i|I|med|hvis (?:han|hun|vi) bor i) {name}\??$"
        match = re.search(rf"\b{name}s? [Kk]ommune\b|\b[Bb]or i {name}{short}", text.strip())
        return next(filter(None, match.groups()), None) if match else None


def near_names(directory: Directory, name: str, count: int = 3) -> list[str]:
    """Return the names of municipalities that resemble a name, nearest first."""
    names = [row.name for row in directory.municipalities.values()]
    return [hit[0] for hit in process.extract(name, names, limit=count)]


def _starts_sentence(text: str, start: int) -> bool:
    before = text[:start].rstrip()
    return not before or before[-1] in ".!?:"


def _forms(word: str) -> list[str]:
    """The word as it is, then without the s of a genitive; "kommune" may stand in one with it."""
    bare = re.sub(r"(?<=....)kommunes?$", "", word.rstrip("."))
    forms = [bare]
    if bare.endswith("s") and len(bare) > 3:
        forms.append(bare[:-1])
    return forms


def _is_a_word(word: str) -> bool:
    """Return whether a word is Danish, also with its æøå written out, or English."""
    spelt = word.casefold().replace("ae", "æ").replace("oe", "ø").replace("aa", "å")
    return is_danish_word(word) or is_english_word(word) or is_danish_word(spelt)


def _sound(folded: str) -> str:
    """Return a folded name as it sounds to who cannot spell it: gladsakse for Gladsaxe, kalunborg for Kalundborg."""
    for letters, sound in (("x", "ks"), ("z", "s"), ("w", "v"), ("c", "k"), ("nd", "n"), ("ld", "l")):
        folded = folded.replace(letters, sound)
    return re.sub(r"(.)\1", r"\1", folded)


def _by_first_letter(names: Iterable[str]) -> dict[str, dict[str, str]]:
    """Return names with how they sound, under their first letter, which hardly anybody gets wrong."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for name in names:
        sound = _sound(name)
        found[sound[0]][name] = sound
    return dict(found)


def _without_diacritics(name: str) -> str:
    plain = name.casefold()
    for letter, other in (("æ", "a"), ("ø", "o"), ("å", "a")):
        plain = plain.replace(letter, other)
    return plain


def _role(text: str, start: int, end: int) -> tuple[Role, int]:
    """Whose municipality it is and how much that weighs, from the words around it."""
    sentence = _SENTENCE_END.split(text[:start])[-1].casefold().lstrip()
    before = _CLAUSE.split(sentence)[-1]
    for pattern, role, weight in _AFTER_RES:
        if pattern.match(text, end):
            return role, weight
    if _TO.search(before):  # "fra A til B": there already, or not yet
        return ("concerned", MOVED_TO) if _HAS_MOVED.search(text) else ("other", ELSEWHERE)
    if _WHO_BEFORE.search(before):
        return ("relative", RELATIVES) if _WRITER.match(sentence) else ("concerned", LIVED_IN)
    for pattern, role, weight in _BEFORE_RES:
        if pattern.search(before):
            return role, weight
    return "unknown", ELSEWHERE if _LEAVES.search(before) and _HAS_MOVED.search(text) else NAMED


def _once(found: list[Place]) -> list[Place]:
    """Each municipality once, keeping the mention that says most of whose it is."""
    best: dict[str, Place] = {}
    for place in found:
        if place.code not in best or place.weight > best[place.code].weight:
            best[place.code] = place
    return sorted(best.values(), key=lambda place: place.start)


def gazetteer(directory: Directory) -> Gazetteer:
    """Return the names of a reading of the table, made once for it, however many ask for it first."""
    with _MAKING:
        return _gazetteer(directory)


@functools.lru_cache(maxsize=2)
def _gazetteer(directory: Directory) -> Gazetteer:
    return Gazetteer(directory)
