"""Tests of counts against planned shares."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from abtest.errors import UsageError
from abtest.stats.allocation.exact import enumerable, log_exact_p
from abtest.stats.allocation.result import RatioMethod, SampleRatio
from abtest.stats.arguments import require_one_of
from abtest.stats.counts import SMALLEST_EXPECTED, whole_counts
from abtest.stats.floats import as_floats
from abtest.stats.moments import Floats
from abtest.stats.not_estimable import NotEstimable
from abtest.stats.tails import chi_square_test

FEW_UNITS = 1000
"""Below this many units the test is exact where that is quick."""
_METHODS = frozenset({"auto", "chi_square", "exact"})


def sample_ratio(
    counts: Sequence[int] | Sequence[Sequence[int]],
    shares: Sequence[float] | Sequence[Sequence[float]],
    *,
    method: Literal["auto", "chi_square", "exact"] = "auto",
) -> SampleRatio:
    """Return the test of whether units arrived in the planned shares.

    Over all arms at once, and over phases of allocation together: within a phase the shares are
    constant, between phases they are not.

    Parameters
    ----------
    counts
        Units by arm, or by phase and arm.
    shares
        Planned shares of the same shape, in any unit: they are scaled to sum to 1 within a
        phase. An arm that was closed in a phase is left out of that phase's rows.
    method
        ``chi_square``: Pearson's, without continuity correction. ``exact``: the multinomial
        test, binomial with two arms: the probability of all tables no more probable than the
        one observed. ``auto``: exact below 1000 units or where an expected count is below 5, as
        long as there are at most a million tables to enumerate; the answer says which.

    Raises
    ------
    UsageError
        If a share is not positive, a count is negative or no whole number, shapes differ, or an
        exact test has too many tables.
    NotEstimable
        ``too_few_units`` if there are no units at all.

    Notes
    -----
    With two arms and exact it is R's ``binom.test`` and SciPy's ``binomtest``; SciPy has no exact
    multinomial test, and R's ``chisq.test(simulate.p.value = TRUE)`` draws at random and orders
    tables by chi-square.

    Examples
    --------
    >>> test = sample_ratio([821588, 815482], [0.5, 0.5])
    >>> f"{test.p_value:.1e}", test.method
    ('1.8e-06', 'chi_square')
    >>> test = sample_ratio([40, 60, 30], [1, 1, 1])
    >>> round(test.p_value, 4), test.method
    (0.0051, 'exact_multinomial')
    """
    require_one_of(method, _METHODS, "method")
    rows, plans = _rows(counts), _rows(shares)
    if [len(row) for row in rows] != [len(plan) for plan in plans]:
        raise UsageError(
            "Counts and planned shares must have the same phases and arms",
            given=f"counts {counts}, shares {shares}",
            todo="Give one share per count.",
        )
    checked = [
        (whole_counts(row), planned_shares(plan)) for row, plan in zip(rows, plans, strict=True)
    ]
    phases = [(seen, plan) for seen, plan in checked if seen.sum() > 0.0]
    df = sum(len(seen) - 1 for seen, _ in phases)
    if df == 0:
        raise NotEstimable(
            "too_few_units",
            "There are no units to count",
            given=f"counts {counts}",
            todo="Wait for exposures.",
        )
    statistic = sum(_pearson(seen, seen.sum() * plan) for seen, plan in phases)
    used = _method(phases, method)
    if used == "chi_square":
        test = chi_square_test(statistic, df)
        p_value, log10_p = test.p_value, test.log10_p
    else:
        log_p = log_exact_p([seen for seen, _ in phases], [plan for _, plan in phases])
        p_value, log10_p = math.exp(log_p), log_p / math.log(10.0)
    return SampleRatio(
        counts=tuple(tuple(int(count) for count in seen) for seen, _ in phases),
        expected=tuple(tuple((seen.sum() * plan).tolist()) for seen, plan in phases),
        statistic=statistic,
        df=df,
        p_value=p_value,
        log10_p=log10_p,
        method=used,
    )


def planned_shares(plan: Any) -> Floats:
    """Return planned shares that sum to 1.

    Raises
    ------
    UsageError
        If one is not a finite number above 0.
    """
    values = as_floats(plan, "shares")
    if not all(value > 0.0 and math.isfinite(value) for value in values):
        raise UsageError(
            "A planned share must be above 0",
            given=str(values.tolist()),
            todo="Leave an arm that gets no units out of counts and shares; units that it got "
            "all the same are a fault to look into first.",
        )
    if not values.size:
        return values
    scaled = values / values.max()  # shares near 1e308 must not overflow
    if not scaled.min() > 1e-15:
        raise UsageError(
            "Planned shares are too far apart",
            given=str(values.tolist()),
            todo="Leave out an arm that gets next to nothing.",
        )
    return np.asarray(scaled / scaled.sum())


def _method(
    phases: Sequence[tuple[Floats, Floats]], wanted: Literal["auto", "chi_square", "exact"]
) -> RatioMethod:
    """Return which test is used."""
    if wanted == "chi_square":
        return "chi_square"
    quick = enumerable([(int(seen.sum()), len(seen)) for seen, _ in phases])
    if wanted == "exact" and not quick:
        raise UsageError(
            "An exact test has too many tables to enumerate",
            given=f"{sum(int(seen.sum()) for seen, _ in phases)} units",
            todo='Use method="chi_square", which with this many units says the same.',
        )
    few = sum(float(seen.sum()) for seen, _ in phases) < FEW_UNITS
    smallest = min(float((seen.sum() * plan).min()) for seen, plan in phases)
    if not quick or (wanted == "auto" and not few and smallest >= SMALLEST_EXPECTED):
        return "chi_square"
    arms = {len(seen) for seen, _ in phases}
    return "exact_binomial" if len(phases) == 1 and arms == {2} else "exact_multinomial"


def _pearson(observed: Floats, expected: Floats) -> float:
    return float(((observed - expected) ** 2 / expected).sum())


def _rows(values: Any) -> list[Any]:
    """Return rows of phases, from one row or several.

    Raises
    ------
    UsageError
        If it is no row of numbers.
    """
    if isinstance(values, str | bytes) or not hasattr(values, "__iter__"):
        raise UsageError(
            "Counts and shares are given by arm, or by phase and arm",
            given=repr(values),
            todo="Give one number per arm.",
        )
    rows = list(values.tolist() if hasattr(values, "tolist") else values)  # masked ones as None
    if rows and isinstance(rows[0], Sequence | np.ndarray) and not isinstance(rows[0], str | bytes):
        return rows
    return [rows]
