"""The permutation test of two arms, with the interval that inverts it."""

from __future__ import annotations

import math

import numpy as np

from abtest.errors import UsageError
from abtest.stats.arguments import require_interval
from abtest.stats.columns import arm_counts
from abtest.stats.floats import Values
from abtest.stats.moments import Floats
from abtest.stats.resampling.answer import estimates, require_draws, resampled_comparison
from abtest.stats.resampling.bootstrap import AnyStatistic
from abtest.stats.resampling.deals import Deals, all_swaps, drawn_deals, drawn_swaps, every_deal
from abtest.stats.resampling.intervals import relative_of, require_replicates
from abtest.stats.resampling.result import ResampledComparison
from abtest.stats.resampling.statistic import Statistic, statistic_of
from abtest.stats.results import Alternative, Interval, RelativeInterval, Test
from abtest.stats.value_counts import ValueCounts


def permutation(
    control: Values | ValueCounts,
    treatment: Values | ValueCounts,
    *,
    seed: int,
    statistic: AnyStatistic = "mean",
    exact: bool = True,
    replicates: int = 10_000,
    alternative: Alternative = "two-sided",
    confidence_level: float = 0.95,
) -> ResampledComparison:
    """Return the difference of a statistic of two arms with its permutation test.

    If the treatment does nothing to any unit, every way to deal the units to the arms is equally
    likely: the test holds its level exactly, whatever the distribution (Fisher 1935; Pitman 1937,
    JRSS Supplement 4, 119). As a test of equal means it errs where the arms differ in spread and
    in size.

    Parameters
    ----------
    control, treatment
        One value per unit, or `ValueCounts`: the answer is the same. Nulls are left out and
        counted.
    seed
        Of the random numbers, at least 0.
    statistic
        ``mean`` (default), ``SampleQuantile(0.9)``, a function of (distinct values, weights), or
        a `WeightedStatistic`.
    exact
        Whether all ways to deal are counted where those that differ are at most 500,000 (means)
        or 20,000 (other statistics); the method is then ``permutation_exact`` and `seed` None.
    replicates
        Deals drawn where they are not counted.
    alternative
        ``two-sided`` (twice the smaller tail), ``greater`` or ``less``.
    confidence_level
        Of the intervals.

    Raises
    ------
    UsageError
        If the samples come as `Moments`, or an argument is not one of those above.
    NotEstimable
        ``too_few_units`` (fewer than two in an arm), ``constant`` (no value varies),
        ``not_finite``.

    Notes
    -----
    *Interval of means*: the shifts d for which control and treatment - d are not told apart. A
    deal that swaps s units of each arm is at least as extreme as the data when d is at least the
    mean of the s treatment units less that of the s control units (Garthwaite 1996, Biometrics
    52, 1387, counts them so): the limits are quantiles of these differences, no search is needed,
    and the interval leaves 0 out exactly when p is below 1 - confidence level. *Relative*: the
    factors 1 + r by which all values may have grown, from the ratios of the same sums; where
    values below 0 occur there is no such factor, and no limit is given. Other statistics have a
    test alone: their intervals are without limits.

    *Drawn deals* count the data as one of them: p = (1 + more extreme) / (1 + replicates)
    (Phipson & Smyth 2010, Stat. Appl. Genet. Mol. Biol. 9, 39).

    Examples
    --------
    Survival of mice in days (Efron & Tibshirani 1993, table 2.1):

    >>> control = [52, 104, 146, 10, 51, 30, 40, 27, 46]
    >>> treatment = [94, 197, 16, 38, 99, 141, 23]
    >>> result = permutation(control, treatment, seed=1, alternative="greater")
    >>> result.method, result.replicates, round(result.p_value, 3)
    ('permutation_exact', 11440, 0.141)
    """
    require_interval(confidence_level, alternative)
    size = require_draws(replicates, seed)
    require_replicates(size, confidence_level, alternative)
    if not isinstance(exact, bool):
        raise UsageError(
            "exact is either True or False", given=repr(exact), todo="Give one of them."
        )
    chosen = statistic_of(statistic)
    arms = arm_counts(control, "control"), arm_counts(treatment, "treatment")
    values = estimates(chosen, arms)
    rng = np.random.default_rng(seed)
    if chosen.name == "mean":
        deals = all_swaps(*arms) if exact else None
        counted = deals is not None
        deals = deals or drawn_swaps(*arms, size, rng)
        positive = min(float(arm.values[0]) for arm in arms) >= 0.0
    else:
        deals = every_deal(chosen, arms, values) if exact else None
        counted = deals is not None
        deals = deals or drawn_deals(chosen, arms, values, size, rng)
        positive = False
    found = _answer(chosen, values, deals, confidence_level, alternative, positive=positive)
    return resampled_comparison(
        chosen,
        arms,
        values,
        found,
        method="permutation_exact" if counted else "permutation",
        confidence_level=confidence_level,
        drawn=(deals.size, None if counted else int(seed)),
    )


def _answer(
    statistic: Statistic,
    values: tuple[float, float],
    deals: Deals,
    confidence_level: float,
    alternative: Alternative,
    *,
    positive: bool,
) -> tuple[Interval, RelativeInterval, Test]:
    outside = (1.0 - confidence_level) / (2.0 if alternative == "two-sided" else 1.0)
    greater, less = deals.chance_at_most(0.0), deals.chance_at_least(0.0)
    p_value = {
        "greater": greater,
        "less": less,
        "two-sided": min(2.0 * min(greater, less), 1.0),
    }[alternative]
    test = Test(p_value, math.log10(p_value), 0.0, None, alternative)
    estimate = values[1] - values[0]
    absolute = Interval(estimate, None, None)
    if statistic.name == "mean":
        absolute = _limits(estimate, deals.shifts, deals, outside, alternative)
    with np.errstate(over="ignore"):
        ratio = estimate / abs(values[0]) if values[0] else math.inf
    if not math.isfinite(ratio):
        return absolute, RelativeInterval(None, None, None, "undefined"), test
    relative = RelativeInterval(ratio, None, None, "unbounded")
    if positive and deals.growths is not None:
        relative = relative_of(_limits(ratio, deals.growths, deals, outside, alternative))
    return absolute, relative, test


def _limits(
    estimate: float,
    shifts: tuple[Floats, Floats],
    deals: Deals,
    outside: float,
    alternative: Alternative,
) -> Interval:
    lower = None if alternative == "less" else deals.smallest(shifts[0], outside)
    upper = None if alternative == "greater" else deals.smallest(-shifts[1], outside)
    return Interval(estimate, lower, None if upper is None else 0.0 - upper)
