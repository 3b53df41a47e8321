"""Ratios of geometric means: Welch's test of the logarithms of positive values."""

from __future__ import annotations

import math

import numpy as np

from abtest.stats.columns import arm_counts
from abtest.stats.comparison import Comparison
from abtest.stats.floats import Values
from abtest.stats.means.compare import plain_means
from abtest.stats.moments import Moments
from abtest.stats.not_estimable import NotEstimable
from abtest.stats.pairs import ArmPair
from abtest.stats.results import Alternative, Interval, RelativeInterval
from abtest.stats.value_counts import ValueCounts


def compare_geometric_means(
    control: Values | ValueCounts,
    treatment: Values | ValueCounts,
    *,
    alternative: Alternative = "two-sided",
    confidence_level: float = 0.95,
) -> Comparison:
    """Return the ratio of two geometric means with its interval and test, for positive values.

    The test is Welch's of the logarithms; estimate and limits are turned back into ratios. It
    answers by which factor a typical value changes, which is not by how much the total does: of
    two arms one can have the larger geometric and the other the larger arithmetic mean.

    Parameters
    ----------
    control, treatment
        One value above 0 per unit, or `ValueCounts`: the answer is the same. Nulls are left out
        and counted.
    alternative
        ``two-sided``, ``greater`` (ratio above 1) or ``less``; one-sided tests come with
        one-sided intervals.
    confidence_level
        Of the interval.

    Returns
    -------
    Comparison
        On the scale ``ratio``: `relative` is treatment / control - 1, `absolute` has no numbers;
        values are geometric means. A limit above the largest number that a float holds is None.

    Raises
    ------
    NotEstimable
        ``not_positive`` if a value is 0 or below (nothing is added to it, and none is dropped:
        either changes the answer); ``too_few_units``, ``constant``, ``not_finite``.
    UsageError
        If the arguments are out of range, or the samples come as `Moments`.

    Notes
    -----
    exp(mean(log t) - mean(log c) -+ q se) with the standard error and the t quantile of Welch
    (1947, Biometrika 34, 28); Bland & Altman (1996, BMJ 312, 1153, "The use of transformation
    when comparing two means").

    Examples
    --------
    >>> result = compare_geometric_means([1.0, 2.0, 4.0, 8.0], [4.0, 8.0, 8.0, 16.0])
    >>> round(result.relative.estimate, 4), round(result.p_value, 4)
    (1.8284, 0.106)
    """
    arms = (arm_counts(control, "control"), arm_counts(treatment, "treatment"))
    _require_positive_values(arms)
    pair = plain_means(_log_moments(arms[0]), _log_moments(arms[1]))
    base = Comparison.of(pair, arms, alternative, confidence_level, measure="geometric_mean")
    return Comparison(
        measure="geometric_mean",
        scale="ratio",
        absolute=Interval(None, None, None),
        relative=_ratio(pair, confidence_level, alternative),
        p_value=base.p_value,
        log10_p=base.log10_p,
        statistic=base.statistic,
        df=base.df,
        method="log_welch",
        alternative=alternative,
        confidence_level=confidence_level,
        n_control=base.n_control,
        n_treatment=base.n_treatment,
        nulls_control=base.nulls_control,
        nulls_treatment=base.nulls_treatment,
        control_value=math.exp(pair.control_value),
        treatment_value=math.exp(pair.treatment_value),
    )


def _ratio(pair: ArmPair, confidence_level: float, alternative: Alternative) -> RelativeInterval:
    """Return the interval of a difference of logarithms as that of a ratio, minus 1."""
    interval = pair.absolute(confidence_level, alternative)
    assert interval.estimate is not None  # a difference of two means always has one
    estimate = ratio_change(interval.estimate)
    lower = -1.0 if interval.lower is None else ratio_change(interval.lower)
    upper = None if interval.upper is None else ratio_change(interval.upper)
    if estimate is None or lower is None:
        raise NotEstimable(
            "not_finite",
            "The ratio is too large for a number",
            given=f"a difference of logarithms of {interval.estimate:g}",
            todo="Look for values of a wrong unit.",
        )
    open_end = upper is None or interval.lower is None
    return RelativeInterval(
        estimate,
        None if interval.lower is None else lower,
        upper,
        status="half_line" if open_end else "bounded",
    )


def ratio_change(log_ratio: float) -> float | None:
    """Return exp(log_ratio) - 1, or None where no float holds it."""
    return math.expm1(log_ratio) if log_ratio < 709.78 else None


def _log_moments(sample: ValueCounts) -> Moments:
    logs = ValueCounts.from_table(np.log(sample.values), sample.counts)
    return ValueCounts(logs.values, logs.counts, sample.nulls).moments()


def _require_positive_values(arms: tuple[ValueCounts, ValueCounts]) -> None:
    """Refuse zeros and negative values, and say how many there are."""
    zeros = [int(arm.counts[arm.values == 0.0].sum()) for arm in arms]
    negative = [int(arm.counts[arm.values < 0.0].sum()) for arm in arms]
    if sum(zeros) + sum(negative):
        raise NotEstimable(
            "not_positive",
            "A geometric mean needs values above 0",
            given=f"zeros: {zeros[0]} control, {zeros[1]} treatment; "
            f"negative: {negative[0]} control, {negative[1]} treatment",
            todo="Compare means, or compare the share of units above 0 and, among those, this.",
        )
