"""Why a request has no answer: one word per row of a curve, three parts for a single one."""

from __future__ import annotations

from typing import Literal

from abtest.errors import UsageError

Status = Literal[
    "ok",
    "margin_not_met",
    "no_effect",
    "out_of_range",
    "too_few_units",
    "too_many_units",
    "unreachable",
    "wrong_direction",
]
"""``ok``, or why there is no answer."""

_WORDS: dict[str, tuple[str, str]] = {
    "margin_not_met": (
        "The assumed effect is not on the good side of the margin, so no number of units shows it",
        "Assume a smaller loss (0 is usual), or a wider margin.",
    ),
    "no_effect": (
        "An effect of 0 is found with the probability alpha, however many units there are",
        "Give the smallest effect that would matter.",
    ),
    "out_of_range": (
        "With this effect the treatment would have an impossible value",
        "A proportion stays between 0 and 1, a rate at 0 or above, a quantile that many units "
        "share moves to another of their values.",
    ),
    "too_few_units": (
        "An arm is too small to have a variance",
        "Two units (or clusters) per arm at least; three with covariates.",
    ),
    "too_many_units": (
        "The effect is too small, too close to the margin, or an arm is: it would take more than "
        "10^15 units",
        "Check the unit of the effect, whether it is relative, and the allocation.",
    ),
    "unreachable": (
        "With so few units no possible effect is found with this power",
        "Plan more units or less power.",
    ),
    "wrong_direction": (
        "The effect lies against the alternative, so that more units find it less often",
        'Turn the sign of the effect, or use alternative="two-sided".',
    ),
}


def reason(status: str) -> str:
    """Return why a request has no answer, in words."""
    return _WORDS[status][0]


def refused(status: str, given: str) -> UsageError:
    """Return the error of a request without an answer, with the status as its code."""
    what, todo = _WORDS[status]
    return UsageError(what, given=given, todo=todo, code=status)
