"""The first of two nets for people in danger: words, no model. The classifier behind it is the other; either suffices.

Deliberately wide on suicide and on violence now, and deaf to the past, to figures of speech and to legal questions.
"""

from __future__ import annotations

import re

from bot.knowledge.places import fold

_DANGER = [
    r"\b(tage|tager|tog|tage mit|tage sit|tage hendes|tage hans)\b.{0,12}\b(eget|egne|mit|sit)? ?liv\b",
    r"selvmordstank",
    r"selvmordstru",
    r"\bselvmord(et|s)?\b",
    r"\bsuicid",
    r"\bhaenge sig\b",
    r"\bgoere (en ende|det forbi|en ende paa det)\b",
    r"\bgoere en ende paa",
    r"\b(vil|oensker|bare|helst|ville oenske (at )?(jeg|han|hun)) (gerne )?(vaere doed|doe|vaek fra det hele)\b",
    r"\b(vil|gider|orker|oensker) ikke (laengere |mere )?(leve|at leve|vaere her)\b",
    r"\b(ikke vil|ikke gider) (leve|vaere her)\b",
    r"\bikke (har )?lyst til at leve\b",
    r"\btroet af livet\b",
    r"\btraet af (at leve|livet)\b",
    r"\b(ikke )?vaagne? (op )?(igen|mere)\b",
    r"\bbedre uden (mig|ham|hende)\b",
    r"\bafskedsbrev",
    r"\bsagt farvel til\b",
    r"\b(taget|tog|slugt|aedt) .{0,20}(en overdosis|alle (sine|mine|hendes) piller|hele (glasset|pakken))",
    r"\boverdosis\b",
    r"\bskaere?r? (i )?(sig|mig) (selv )?(i|op|nu)\b",
    r"\b(truer|truet) (med|os|mig|hende|ham).{0,30}\b(kniv|oekse|sla ihjel|slaa ihjel|draebe|vaaben)\b",
    r"\bstaar med (en )?(kniv|oekse|pistol)\b",
    r"\b(slaar|banker|tampede|kvaeler|taever|sparker) (mig|os|hende|ham|boernene|min|sin|vores|barnet)\b",
    r"\bslaar (sine|deres|sit) (boern|barn)\b",
    r"\bbliver (slaaet|banket|taevet|misbrugt)\b",
    r"\bforgribe?r? sig\b",
    r"\b(draebe|slaa ihjel|sla ihjel) (mig|os|sig|ham|hende|dem|nogen|boernene|min)\b",
    r"\bkill (my|him|her)self\b",
    r"\bsuicidal\b",
    r"\bwants? to die\b",
    r"\bend (my|his|her) life\b",
]
_NOT_NOW = [
    r"\bfor (\d+|et|to|tre|fire|fem|mange|nogle|et par) aar siden\b",
    r"\bsidste aar\b",
    r"\btidligere\b",
    r"\bdengang\b",
    r"\bengang\b",
    r"\bbegik selvmord\b",
    r"\bmistede? .{0,25}(selvmord|overdosis)\b",
    r"\bdoede\b",
    r"\boverlevede\b",
    r"\befter (en|sin) overdosis\b",
    r"\bdoe (der|her)?hjemme\b",
    r"\bdoe i (eget hjem|sin egen seng)\b",
    r"\befterladte?\b",
    r"\bselvmordsforebyg",
    r"\bikke selvmordstru",
    r"\bikke .{0,12}selvmordstank",
    r"\bgjort en ende paa (samarbejdet|sagen|aftalen)",
    r"\boverdosis af\b",
    r"\bkursus\b",
    r"\bforedrag\b",
    r"\bhvad er (en )?selvmord",
    r"\bvirker som om\b.{0,10}papir",
]
_DANGER_RE = re.compile("|".join(_DANGER))
_NOT_NOW_RE = re.compile("|".join(_NOT_NOW))


def is_crisis(text: str) -> bool:
    """Return whether the words tell of danger now: a person's own life, or violence. Judges clause by clause."""
    clauses = re.split(r"[.!?;\n]| men ", fold(text))
    return any(_DANGER_RE.search(clause) and not _NOT_NOW_RE.search(clause) for clause in clauses)
