"""The one error of statistics that upper layers turn into a row: an effect without a number."""

from __future__ import annotations

from typing import Literal

from abtest.errors import AbtestError

NotEstimableCode = Literal[
    "too_few_units",
    "constant",
    "zero_denominator",
    "not_finite",
    "not_binary",
    "bound_out_of_range",
]
"""Why there is no number: stable words that machines may branch on."""


class NotEstimable(AbtestError):  # noqa: N818  it names a state of the data, not a mistake
    """Data from which this effect cannot be computed, with the reason as `code`.

    Parameters
    ----------
    code
        ``too_few_units`` (an arm has fewer than two units, or a table fewer than two rows or
        columns), ``constant`` (no variation in either arm), ``zero_denominator`` (the
        denominator of a ratio sums to zero), ``not_finite`` (infinite or overflowing values),
        ``not_binary`` (values of a proportion other than 0 and 1), ``bound_out_of_range`` (a
        bound that no proportion can reach).
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
