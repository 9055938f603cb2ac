"""Is this a word? From simplemma's lists in their small form: a tenth of the memory, for the few words asked about."""

from __future__ import annotations

import functools

from simplemma import is_known

is_danish_word = functools.partial(is_known, lang="da", low_memory=True)
is_english_word = functools.partial(is_known, lang="en", low_memory=True)
