"""The one error of statistics that upper layers turn into a row: an effect without a number."""

from __future__ import annotations

from typing import Literal

from abtest.errors import AbtestError
from abtest.stats.moments import SMALLEST_SQUARES

NotEstimableCode = Literal[
    "too_few_units",
    "constant",
    "covariates_unusable",
    "zero_denominator",
    "not_finite",
    "not_binary",
    "bound_out_of_range",
    "answer_out_of_range",
    "no_events",
    "not_a_count",
    "not_positive",
    "too_small",
    "strata_unbalanced",
    "impossible_times",
    "horizon_too_far",
    "separated",
    "not_reached",
]
"""Why there is no number: stable words that machines may branch on."""


class NotEstimable(AbtestError):  # noqa: N818  it names a state of the data, not a mistake
    """Data from which this effect cannot be computed, with the reason as `code`.

    Parameters
    ----------
    code
        ``too_few_units`` (an arm has fewer than two units, or a table fewer than two rows or
        columns), ``constant`` (no variation in either arm),
        ``covariates_unusable`` (in tables: covariates without variation, that repeat each other,
        that are too many for the units, or the outcome itself), ``zero_denominator`` (the
        denominator of a ratio sums to zero), ``not_finite`` (infinite or overflowing values),
        ``not_binary`` (values of a proportion other than 0 and 1), ``bound_out_of_range`` (a
        bound that no proportion can reach), ``answer_out_of_range`` (answers off their scale),
        ``no_events`` (an arm without events has no logarithm of its rate), ``not_a_count``
        (numbers of events that are negative or not whole), ``not_positive`` (values of 0 or
        below where only positive ones have a meaning), ``too_small`` (values whose squares are
        below what double precision holds), ``strata_unbalanced`` (strata almost empty in one
        arm, more than chance allows), ``impossible_times`` (times before the
        start of the clock, or entries after exits), ``horizon_too_far`` (beyond what enough units
        were seen for), ``separated`` (a ratio is 0 or infinite, since events come on one side
        only), ``not_reached`` (a quantile of times that too few units have come to).
    what
        What is wrong, as a sentence.
    given
        What was given.
    todo
        What to do about it.

    Examples
    --------
    >>> NotEstimable("constant", "Neither arm varies.").code
    'constant'
    """

    def __init__(
        self, code: NotEstimableCode, what: str, *, given: str = "", todo: str = ""
    ) -> None:
        super().__init__(what, given=given, todo=todo, code=code)


def too_few_units(control: int, treatment: int) -> NotEstimable:
    """Return the error of an arm with fewer than two units."""
    return NotEstimable(
        "too_few_units",
        "An arm has fewer than two units with a value",
        given=f"{control} control, {treatment} treatment units",
        todo="Wait for more units, or look at why values are missing.",
    )


def not_finite() -> NotEstimable:
    """Return the error of infinite or overflowing values."""
    return NotEstimable(
        "not_finite",
        "Values are infinite or too large to square",
        todo="Look for infinite values in the column.",
    )


def too_small() -> NotEstimable:
    """Return the error of values whose squares underflow."""
    return NotEstimable(
        "too_small",
        "Values are too small to be squared in double precision",
        given=f"a sum of squares above 0 and below {SMALLEST_SQUARES:g}",
        todo="Give them in another unit; relative effects and p-values do not change with it.",
    )


def constant_arms(control: float, treatment: float) -> NotEstimable:
    """Return the error of two arms without variation."""
    return NotEstimable(
        "constant",
        "Neither arm varies, so there is no error to measure the difference against",
        given=f"control {control:g}, treatment {treatment:g}",
        todo="Check that the metric counts what it should.",
    )
