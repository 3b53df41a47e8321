"""The ratio of two totals of one sample, with Fieller's interval or that of the delta method."""

from __future__ import annotations

import math
from typing import Literal, get_args

import numpy as np

from abtest.errors import UsageError
from abtest.stats.arguments import require_interval, require_one_of
from abtest.stats.columns import arm_moments
from abtest.stats.fieller import Contrast, relative_interval
from abtest.stats.floats import Values
from abtest.stats.joint import quadratic_form
from abtest.stats.moments import Moments, too_small_squares
from abtest.stats.not_estimable import NotEstimable, not_finite, too_small
from abtest.stats.one_sample import SampleEstimate
from abtest.stats.ratios import ratio_columns
from abtest.stats.results import Alternative, RelativeInterval
from abtest.stats.tails import critical_value

RatioMethod = Literal["fieller", "delta"]
"""How the interval of a ratio of totals is made."""
_METHODS = frozenset(get_args(RatioMethod))


def ratio_of_totals(
    values: tuple[Values, Values] | Moments,
    *,
    method: RatioMethod = "fieller",
    alternative: Alternative = "two-sided",
    confidence_level: float = 0.95,
) -> SampleEstimate:
    """Return sum(numerator) / sum(denominator) of one sample with its interval.

    Parameters
    ----------
    values
        (numerator, denominator) with one value per unit each, or `Moments` of both: the answer
        is the same. Units with a denominator of 0 stay in; nulls are left out and counted.
    method
        ``fieller``: every ratio r for which the t test of numerator - r denominator does not
        reject 0; right also where the denominator is uncertain, and then without ends, which
        `status` says. ``delta``: estimate -+ quantile * standard error, always bounded, too short
        on one side where the denominator varies much.
    alternative
        ``two-sided``; ``greater`` gives the lower limit alone, ``less`` the upper one.
    confidence_level
        Of the interval.

    Returns
    -------
    SampleEstimate
        `estimate` in units of the numerator per unit of the denominator; `details` has the
        ``standard_error`` of the delta method.

    Raises
    ------
    NotEstimable
        ``zero_denominator`` if it sums to zero, ``too_few_units`` below two, ``constant`` if all
        units have the same ratio, ``not_finite``, ``too_small``.
    UsageError
        If the arguments are out of range, or there are not two columns.

    Notes
    -----
    Fieller (1954), "Some problems in interval estimation", JRSS B 16, 175, with the sample
    covariance of the two means and n - 1 degrees of freedom. The delta method's variance is that
    of (y_i - R x_i) / xbar over n (Deng, Knoblich & Lu 2018, KDD); it is the HC1 variance
    of the regression of y on x through 0 with weights 1 / x.

    Examples
    --------
    >>> clicks, views = [1.0, 0.0, 2.0, 1.0], [4.0, 1.0, 5.0, 3.0]
    >>> result = ratio_of_totals((clicks, views))
    >>> round(result.estimate, 4), round(result.lower, 4), round(result.upper, 4)
    (0.3077, -0.5067, 0.4274)
    """
    require_one_of(method, _METHODS, "method")
    require_interval(confidence_level, alternative)
    sample = _two_columns(values)
    mean_y, mean_x = float(sample.mean[0]), float(sample.mean[1])
    estimate, error = _delta(sample)
    critical = critical_value(
        confidence_level, sample.n - 1.0, two_sided=alternative == "two-sided"
    )
    if method == "delta":
        width = critical * error
        interval = RelativeInterval(
            estimate,
            None if alternative == "less" else estimate - width,
            None if alternative == "greater" else estimate + width,
            status="bounded" if alternative == "two-sided" else "half_line",
        )
    else:
        covariance = sample.covariance / sample.n
        turn = -1.0 if mean_x < 0.0 else 1.0  # the ratio of both with the other sign is the same
        contrast = Contrast(
            difference=turn * mean_y,
            baseline=turn * mean_x,
            difference_variance=float(covariance[0, 0]),
            baseline_variance=float(covariance[1, 1]),
            covariance=float(covariance[0, 1]),
        )
        interval = relative_interval(contrast, critical, alternative)
    return SampleEstimate(
        measure="ratio",
        estimate=estimate,
        lower=interval.lower,
        upper=interval.upper,
        status=interval.status,
        method=method,
        alternative=alternative,
        confidence_level=confidence_level,
        n=sample.n,
        nulls=sample.nulls,
        details={"standard_error": error},
    )


def _two_columns(values: tuple[Values, Values] | Moments) -> Moments:
    """Return the moments of numerator and denominator, fit for a ratio.

    Raises
    ------
    UsageError, NotEstimable
        If they are not.
    """
    sample = arm_moments(ratio_columns(values, "the sample"), (), "the sample")
    if len(sample.mean) < 2:
        raise UsageError(
            "A ratio of totals needs a numerator and a denominator",
            given="moments of one variable",
            todo="Sum numerator and denominator into one Moments.",
        )
    if sample.n < 2:
        raise NotEstimable(
            "too_few_units",
            "The sample has fewer than two units with a value",
            given=f"{sample.n} units",
            todo="Wait for more units, or look at why values are missing.",
        )
    if not math.isfinite(float(abs(sample.mean[:2]).sum() + abs(sample.m2[:2, :2]).sum())):
        raise not_finite()
    if too_small_squares(sample.m2.diagonal()[:2]).any():
        raise too_small()
    if sample.mean[1] == 0.0:
        raise NotEstimable(
            "zero_denominator",
            "The denominator sums to zero",
            given=f"numerator per unit {sample.mean[0]:g}",
            todo="Check that the denominator counts what it should.",
        )
    return sample


def _delta(sample: Moments) -> tuple[float, float]:
    """Return the ratio and its standard error by the delta method."""
    mean_y, mean_x = float(sample.mean[0]), float(sample.mean[1])
    ratio = mean_y / mean_x
    if not math.isfinite(ratio):
        raise not_finite()
    contrast = np.array([1.0, -ratio])
    variance = quadratic_form(contrast, sample.covariance[:2, :2]) / sample.n
    if not variance > 0.0:
        raise NotEstimable(
            "constant",
            "All units have the same ratio, so there is no error to measure",
            given=f"ratio {ratio:g}",
            todo="Check that numerator and denominator count what they should.",
        )
    return ratio, math.sqrt(variance) / abs(mean_x)
