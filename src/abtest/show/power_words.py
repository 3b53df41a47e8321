"""Words for answers about power: what a reader should know about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

WARNINGS: Mapping[str, str] = {
    "few_events": "an arm expects fewer than 10 events, where the true power may differ by points",
    "small_arms": "an arm has so few units that the true power may be several points lower",
    "smallest_possible": "the fewest units that have a variance are more than enough",
    "tied_quantile": "many units share the value at the quantile, so that it moves by whole steps "
    "between values or not at all; a mean or a proportion sees less",
}
"""What a reader should know about an answer, by warning code."""


def warned(warnings: Sequence[str]) -> str:
    """Return a sentence with the warnings in words, to follow another one; "" for none."""
    return f" Note: {'; '.join(map(WARNINGS.__getitem__, warnings))}." if warnings else ""
