"""Showing: escaping, number formats, sentences, tables and figures from plain rows.

Nothing here knows experiments or metrics: everything is made from the rows of
`verdict.json` and the notes on its metrics.
"""

from __future__ import annotations

from abtest.show.check_words import check_sentence
from abtest.show.effect_words import change_phrase, effect_sentence
from abtest.show.fragment import Fragment
from abtest.show.page import Page
from abtest.show.reason_words import reason_sentence
from abtest.show.words import Word, verdict_word

__all__ = [
    "Fragment",
    "Page",
    "Word",
    "change_phrase",
    "check_sentence",
    "effect_sentence",
    "reason_sentence",
    "verdict_word",
]
