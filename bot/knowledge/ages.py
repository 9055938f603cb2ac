"""How old the person concerned is, in a relative's words: "19-årig", "i 7. klasse", "fylder 18 til maj", "min mand"."""

from __future__ import annotations

import re

_NUMBERS = (
    "to tre fire fem seks syv otte ni ti elleve tolv tretten fjorten femten seksten sytten atten nitten tyve "
    "enogtyve toogtyve treogtyve fireogtyve femogtyve"
)
_NUMBER = {word: number for number, word in enumerate(_NUMBERS.split(), 2)}
_COUNTED = r"(?! (?:gange|timer|dage|uger|måneder|år siden|procent|%|kr|linjer|sider|ud af|hours|times|weeks|months))"
_AGE = rf"(\d{{1,3}}|{'|'.join(_NUMBER)})(?:[,.]5|½| og et halvt| og en halv)?"
_KIN = (
    r"(?:søn\w*|datter\w*|dreng\w*|pige\w*|barn\w*|børn|unge|teenager|knægt|tøs|bror|søster|lillebror|lillesøster|storebror|"
    r"storesøster|mor|far|mand|kone|kæreste|ven|veninde|nevø|niece|barnebarn|stedsøn|steddatter|bonussøn|bonusdatter|plejebarn|"
    r"plejesøn|plejedatter|mormor|farmor|morfar|farfar|svigermor|svigerfar|svigersøn|svigerdatter|nabo|fætter|kusine|ung|"
    r"kammerat|sønnesøn|dattersøn|sønnedatter|datterdatter|svoger|svigerinde|moster|onkel|faster|klient|beboer|elev|ene)"
)
# From the surest to the vaguest; the first that matches decides. Each yields an age in years.
_STATED = [
    re.compile(rf"\b{_AGE}[ -]?års?(?:ig|ige|iges|sdag)?\b(?! siden| i træk| i kø)", re.IGNORECASE),
    re.compile(
        rf"\b{_KIN} (?:er |på |der er |som er |, )?(?:nu )?(?:lige )?(?:kun )?{_AGE}\b{_COUNTED}",
        re.IGNORECASE,
    ),
    re.compile(
        rf"\b(?:han|hun|hen|den unge|jeg) (?:er|bliver) (?:nu |lige |kun |snart )?{_AGE}\b{_COUNTED}",
        re.IGNORECASE,
    ),
    re.compile(rf"\b{_KIN} (?:\w+ ){{1,3}}(?:er|på) {_AGE}\b(?=,| og\b| med\b|\.|$)", re.IGNORECASE),
    re.compile(rf"(?:^|[.,!?] ?|og )er {_AGE}\b(?=,| og\b| med\b|\.|$)", re.IGNORECASE),
    re.compile(rf"\b{_AGE}[ -]years?[ -]old\b", re.IGNORECASE),
    re.compile(rf"\b(?:is|turned|i am|i'm) {_AGE}\b{_COUNTED}(?! years ago)", re.IGNORECASE),
    re.compile(rf"^[^\w§]*{_AGE}\W*$", re.IGNORECASE),
]
_DURATION = re.compile(
    r"\b(i|gennem|for|over|efter|om|sidste|de|ventet|hver|under|mindst|på) (de )?"
    r"(sidste |seneste |snart |over |næsten )?$",
    re.IGNORECASE,
)
_TURNS = re.compile(rf"\b(?:fylder|bliver|runder|turns) (?:snart |først |nu )?{_AGE}\b{_COUNTED}", re.IGNORECASE)
_TURNED = re.compile(rf"\b(?:fyldte?|blev|blevet|rundet) (?:lige |netop )?{_AGE}\b{_COUNTED}", re.IGNORECASE)
_CLASS = re.compile(r"\b(\d{1,2})\.? ?(?:klasse|kl\.|kl\b)", re.IGNORECASE)
_STAGES = [
    (r"\bspædbarn|\bbaby|\bnyfødt", 0),
    (r"\bvuggestue|\bdagpleje", 2),
    (r"\bbørnehave|\bstøttepædagog i|\bdagtilbud|\bdaginstitution", 4),
    (r"\bsfo\b|\bindskoling|\bfritidshjem", 8),
    (r"\bfolkeskole(?!lær)|\bskolevægr|\bskolebarn|\bmellemtrin", 12),
    (r"\bteenage|\budskoling|\befterskole|\bkonfirm", 15),
    (r"\bgymnasie|\bhf\b|\bstx\b|\bhhx\b|\bhtx\b", 17),
    (r"\bmyndig\b|\bover 18\b", 18),
    (r"\bvoksne? (?:søn|datter|barn|børn|bror|søster)", 30),
    (r"\bunder 18\b|\bumyndig|\bmindreårig", 12),
]
# Said of somebody beside a child, these are about the family, not about the person the question is for.
_GROWN_UP_STAGES = [
    (r"\bfolkepension|\bpensionist|\bplejehjem|\bpå pension", 70),
    (r"\bmin (?:mormor|farmor|morfar|farfar|bedstemor|bedstefar|oldemor)", 75),
    (r"\bmin (?:svigermor|svigerfar|mor|far|moster|onkel|tante|faster|morbror)\b", 55),
    (r"\bmin (?:mand|kone|ægtefælle|hustru|samlever|samleverske|eksmand|ekskone|eks|kæreste|partner)\b", 40),
]
_CHILD = re.compile(
    r"\b(?:søn|datter|dreng|pige|barn|børn|teenager|stedsøn|steddatter|plejebarn)(?:en|et|ene|s)?\b", re.IGNORECASE
)
_WRITER = re.compile(r"\bjeg (?:er|på|selv er|er selv)(?: nu| lige| en)? ?$", re.IGNORECASE)


def find_age(text: str) -> float | None:
    """Return the age in years of the person a text is about, or None when it does not say.

    A stated age wins over a school class, that over a stage of life ("SFO", "min mand", "folkepensionist"), which gives
    a typical age on the right side of the limits at 18, 23, 25 and 67. "Fylder 18" is still 17. Durations ("ventet i
    2 år") are not ages. The writer's own age counts only when no child is
    mentioned, and so do stages of grown-ups ("min mand og jeg ... vores datter").
    """
    if match := _TURNS.search(text):
        return _years(match[1]) - 0.5
    if match := _TURNED.search(text):
        return _years(match[1])
    stated = [
        (bool(_WRITER.search(text[: match.start(1)])), _years(match[1]) + _half(match[0]))
        for pattern in _STATED
        for match in pattern.finditer(text)
        if not _is_duration(text, match) and _years(match[1]) <= 110
    ]
    about_a_child = bool(_CHILD.search(text))
    of_others = [age for writer, age in stated if not writer]
    if of_others:
        return of_others[0]
    if stated and not about_a_child:
        return stated[0][1]
    if match := _CLASS.search(text):
        return int(match[1]) + 6.0
    stages = _STAGES if about_a_child else [*_STAGES, *_GROWN_UP_STAGES]
    for pattern, typical in stages:
        if re.search(pattern, text, re.IGNORECASE):
            return float(typical)
    return None


def _is_duration(text: str, match: re.Match[str]) -> bool:
    """Return whether a number of years is a span of time: "i 3 år", "efter 2 år"; "på 19 år" after kin is an age."""
    if "årig" in match[0].casefold() or not re.search(r"år", match[0]):
        return False
    before = text[: match.start()]
    if re.search(rf"{_KIN}( er)?( på)? $", before, re.IGNORECASE):
        return False
    return bool(_DURATION.search(before))


def _years(word: str) -> float:
    return float(_NUMBER.get(word.casefold()) or word)


def _half(text: str) -> float:
    return 0.5 if re.search(r"[,.]5|½|halv", text) else 0.0
