"""Tests of association in a table of counts: do the arms differ in what happened at all?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal, get_args

import numpy as np
from scipy import special

from abtest.errors import UsageError
from abtest.stats.arguments import require_one_of
from abtest.stats.moments import Floats
from abtest.stats.not_estimable import NotEstimable
from abtest.stats.results import Test
from abtest.stats.tails import chi_square_test

AssociationMethod = Literal["chi_square", "chi_square_yates", "g"]
"""How a table of counts is tested."""
_METHODS = frozenset(get_args(AssociationMethod))


def association(
    table: Sequence[Sequence[int]], *, method: AssociationMethod = "chi_square"
) -> Test:
    """Return the test of whether arms and outcomes of a table of counts are independent.

    All arms at once: it says that some arm differs, not which one. `homogeneity` is the same
    chi-square test for many sparse rows, which it pools.

    Parameters
    ----------
    table
        Units by arm (rows, two or more) and outcome (columns, two or more), such as
        ``[[successes, failures], [successes, failures]]``. Empty rows and columns say nothing
        and are dropped.
    method
        ``chi_square``: Pearson's sum of (O - E)^2 / E; for two arms and outcomes the square of
        ``pooled_z`` of `compare_proportions`. ``chi_square_yates``: with Yates' correction (JRSS
        Suppl. 1, 217, 1934), two arms and outcomes alone; |O - E| is lessened by 1/2, or by
        itself where it is smaller; conservative. ``g``: the likelihood ratio 2 sum O ln(O / E)
        (Wilks 1935, Ann. Math. Stat. 6, 190).

    Returns
    -------
    Test
        Upper tail of the chi-square distribution with (rows - 1)(columns - 1) degrees of freedom.

    Raises
    ------
    UsageError
        If counts are negative or not whole, rows differ in length, or Yates' correction is asked
        of a larger table.
    NotEstimable
        ``too_few_units`` if fewer than two arms have units, ``constant`` if all units have one
        outcome.

    Examples
    --------
    >>> round(association([[3, 1], [1, 3]]).p_value, 5)
    0.1573
    >>> round(association([[30, 70], [45, 55], [33, 67]], method="g").p_value, 5)
    0.06672
    """
    require_one_of(method, _METHODS, "method")
    observed = _observed(table)
    if method == "chi_square_yates" and observed.shape != (2, 2):
        raise UsageError(
            "Yates' correction is for two arms and two outcomes",
            given=f"a table of {observed.shape[0]} rows and {observed.shape[1]} columns",
            todo='Use method="chi_square".',
        )
    expected = np.outer(observed.sum(axis=1), observed.sum(axis=0)) / observed.sum()
    if method == "g":
        statistic = 2.0 * float(_likelihood_ratios(observed, expected).sum())
    else:
        distance = np.abs(observed - expected)
        if method == "chi_square_yates":
            distance = np.maximum(distance - 0.5, 0.0)
        statistic = float((distance**2 / expected).sum())
    test = chi_square_test(statistic, (observed.shape[0] - 1) * (observed.shape[1] - 1))
    return replace(test, method=method)


def _likelihood_ratios(observed: Floats, expected: Floats) -> Floats:
    """Return O ln(O / E) - (O - E), whose second part sums to 0 and stops the cancellation.

    Near independence by the series E (r^2 / 2 - r^3 / 6 + r^4 / 12 - ...) of r = O / E - 1.
    """
    r = (observed - expected) / expected
    series = sum((-r) ** k / (k * (k - 1)) for k in range(2, 9))
    small = np.abs(r) < 0.01
    return np.where(small, expected * series, special.kl_div(observed, expected))


def _observed(table: Sequence[Sequence[int]]) -> Floats:
    """Return the counts without empty rows and columns."""
    try:
        counts = np.asarray(table)
        if counts.dtype.kind not in "iuf":
            raise TypeError(str(counts.dtype))
        counts = counts.astype(np.float64)
    except (TypeError, ValueError) as error:  # text, nulls, or rows of different length
        raise _not_counts(table) from error
    if (
        counts.ndim != 2
        or not ((counts >= 0.0) & (counts < 2.0**53) & (np.rint(counts) == counts)).all()
    ):
        raise _not_counts(table)
    counts = counts[counts.sum(axis=1) > 0.0]
    if counts.shape[0] < 2:
        raise NotEstimable(
            "too_few_units",
            "Fewer than two arms have units",
            given=f"{counts.shape[0]} rows with units",
            todo="Wait for more units.",
        )
    counts = np.asarray(counts[:, counts.sum(axis=0) > 0.0])
    if counts.shape[1] < 2:
        raise NotEstimable(
            "constant",
            "All units have the same outcome",
            given=f"{counts.shape[1]} columns with units",
            todo="Check that the metric counts what it should.",
        )
    return counts


def _not_counts(table: object) -> UsageError:
    return UsageError(
        "A table needs whole numbers of at least 0, one row per arm, all equally long",
        given=repr(table)[:200],
        todo="Give units by arm and outcome, such as [[30, 70], [45, 55]].",
    )
