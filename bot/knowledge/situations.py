"""Which department a topic goes to in the situation a person tells of: somebody is in hospital, help is granted."""

from __future__ import annotations

import re

from bot.knowledge.directory import Directory
from bot.knowledge.places import fold


def situated_department(directory: Directory, topic: str, text: str, age: float | None) -> str | None:
    """Return the kind of department the first fitting rule of the table names, or None when the usual one holds.

    A rule with words needs one of them at the beginning of a word; a rule with an age needs that age to be known.
    """
    folded = fold(text)
    for rule in directory.situation_rules.get(topic, []):
        if rule.minimum_age is not None or rule.maximum_age is not None:
            if age is None or not (rule.minimum_age or 0) <= age < (rule.maximum_age or 200) + 1:
                continue
        if rule.words and not _tells(folded, rule.words):
            continue
        return str(rule.department_type)
    return None


def _tells(folded: str, words: str) -> bool:
    return any(re.search(rf"\b{re.escape(fold(word.strip()))}", folded) for word in words.split(";") if word.strip())
