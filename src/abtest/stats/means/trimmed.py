"""Differences of trimmed means: Yuen's test and interval, from values or their counts."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from abtest.errors import UsageError
from abtest.stats.columns import arm_counts
from abtest.stats.comparison import Comparison
from abtest.stats.floats import Values
from abtest.stats.means.compare import plain_means
from abtest.stats.means.ranks import units_below
from abtest.stats.moments import Moments
from abtest.stats.not_estimable import NotEstimable, too_few_units
from abtest.stats.results import Alternative
from abtest.stats.value_counts import ValueCounts


def compare_trimmed_means(
    control: Values | ValueCounts,
    treatment: Values | ValueCounts,
    *,
    trim: float = 0.2,
    alternative: Alternative = "two-sided",
    confidence_level: float = 0.95,
) -> Comparison:
    """Return the difference of two trimmed means with its intervals and test (Yuen).

    The lowest and the highest ``floor(trim * n)`` units of each arm are left out. That changes
    what is estimated: the mean of the middle of the units, not that of all. It suits measurements
    with wild values at both ends, such as latencies; never totals such as revenue, where the
    largest values are the point (see `compare_capped_means`).

    Parameters
    ----------
    control, treatment
        One value per unit, or `ValueCounts`: the answer is the same, because units are trimmed
        and not distinct values. Nulls are left out and counted.
    trim
        Share of the units left out at each end, at least 0 and below 0.5; 0 is Welch's test.
    alternative
        ``two-sided``, ``greater`` or ``less``; one-sided tests come with one-sided intervals.
    confidence_level
        Of both intervals.

    Returns
    -------
    Comparison
        `details` has ``trim`` and the units that remain: ``kept_control``, ``kept_treatment``.

    Raises
    ------
    NotEstimable
        ``too_few_units`` (fewer than two remain in an arm), ``constant`` (those that remain have
        one value in each arm, as where most units are 0), ``not_finite``.
    UsageError
        If the arguments are out of range, or the samples come as `Moments`.

    Notes
    -----
    With g = floor(trim n) and h = n - 2 g the squared standard error of a trimmed mean is
    SSD_w / (h (h - 1)), where SSD_w is the sum of squared deviations of the winsorised sample; the
    degrees of freedom are Welch's with h - 1 (Yuen 1974, "The two-sample trimmed t for unequal
    population variances", Biometrika 61, 165). One t distribution gives p and interval;
    the relative effect is Fieller's set of the trimmed means. The share is exact in decimals: see
    `units_below`.

    Examples
    --------
    >>> result = compare_trimmed_means([1, 2, 3, 4, 90], [3, 4, 5, 6, -70])
    >>> result.control_value, result.treatment_value, result.details["kept_control"]
    (3.0, 4.0, 3.0)
    """
    _require_trim(trim)
    arms = (arm_counts(control, "control"), arm_counts(treatment, "treatment"))
    kept = [_trimmed(arm, trim) for arm in arms]
    if min(arm.n for arm in kept) < 2:
        raise too_few_units(kept[0].n, kept[1].n)
    try:
        pair = plain_means(kept[0], kept[1])
    except NotEstimable as error:
        if error.code != "constant":
            raise
        raise NotEstimable(
            "constant",
            "The units that remain after trimming all have one value",
            given=f"trim {trim:g}, control {kept[0].mean[0]:g}, treatment {kept[1].mean[0]:g}",
            todo="Trim less, or compare means: where most units are 0, trimming hides the rest.",
        ) from None
    pair = replace(pair, method="yuen", n_control=arms[0].n, n_treatment=arms[1].n)
    result = Comparison.of(pair, arms, alternative, confidence_level, measure="trimmed_mean")
    details = {
        "trim": float(trim),
        "kept_control": float(kept[0].n),
        "kept_treatment": float(kept[1].n),
    }
    return replace(result, details=details)


def _trimmed(sample: ValueCounts, trim: float) -> Moments:
    """Return units that remain, their mean, and the squared deviations of the winsorised sample.

    `plain_means` makes of these exactly Yuen's statistic: m2 / (h - 1) / h.
    """
    n = sample.n
    cut = units_below(trim, n)
    last = np.cumsum(sample.counts)
    kept = np.minimum(last, n - cut) - np.maximum(last - sample.counts, cut)
    inside = kept > 0
    if not inside.any():
        return Moments(0, np.zeros(1), np.zeros((1, 1)), sample.nulls)
    values, units = sample.values[inside], kept[inside]
    middle = ValueCounts(values, units).moments()
    winsorised = units.copy()
    winsorised[0] += cut
    winsorised[-1] += cut
    m2 = ValueCounts(values, winsorised).moments().m2
    return Moments(middle.n, middle.mean, m2, sample.nulls)


def _require_trim(trim: float) -> None:
    """Refuse a share that leaves nothing, or is none."""
    number = isinstance(trim, int | float | np.floating) and not isinstance(trim, bool)
    if not (number and math.isfinite(trim) and 0.0 <= trim < 0.5):
        raise UsageError(
            "trim is a share of the units at each end, at least 0 and below 0.5",
            given=repr(trim),
            todo="Give it as 0.2, not in per cent.",
        )
