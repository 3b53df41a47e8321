"""Differences of means: Welch, Student and z; with covariates by Lin's adjustment."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import reduce
from operator import add
from typing import Literal, get_args, overload

import numpy as np

from abtest.errors import UsageError
from abtest.stats.adjustment.cuped import adjust_means, adjusted_pair
from abtest.stats.adjustment.cuped_rows import adjusted_rows
from abtest.stats.adjustment.slopes import Slopes, variables
from abtest.stats.arguments import require_one_of
from abtest.stats.columns import (
    arm_moments,
    filled_covariates,
    moments_by_phase,
    phases_with_covariates,
)
from abtest.stats.comparison import Comparison
from abtest.stats.comparison_table import ComparisonTable, compare_rows
from abtest.stats.floats import Values, as_floats
from abtest.stats.joint import Jacobian, JointMeans
from abtest.stats.means.rows import mean_rows
from abtest.stats.means.skewness import skew_warning
from abtest.stats.moments import SMALLEST_SQUARES, Floats, Moments
from abtest.stats.moments_table import MomentsTable, mixed_tables
from abtest.stats.not_estimable import constant_arms, not_finite, too_few_units, too_small
from abtest.stats.pairs import ArmPair, arm_pair
from abtest.stats.results import Alternative, WarningCode
from abtest.stats.value_counts import ValueCounts

MeansMethod = Literal["welch", "student", "z"]
"""Which variance and distribution judge a difference of means."""
_METHODS = frozenset(get_args(MeansMethod))


def estimate_means(
    control: Sequence[Moments],
    treatment: Sequence[Moments],
    *,
    adjusted: bool,
    slopes: Slopes = "arm",
) -> ArmPair:
    """Return the means of two arms, estimated from moments, one per phase of allocation.

    Variances are never pooled (Welch 1947, Biometrika 34, 28). Phases are combined with their
    share of all units. With `adjusted` the moments carry (outcome, covariates...) and the values
    are what each arm would show at the covariates' overall means (see `adjust_means`); where that
    is not possible the result is the unadjusted one with a warning that says why. Moments tell
    nothing of skewness, so that ``skewed_unequal_arms`` is never among the warnings here.

    Parameters
    ----------
    control, treatment
        Moments of (outcome[, covariates...]) by phase.
    adjusted
        Whether to use the covariates.
    slopes
        ``arm``: slopes of their own for each arm (Lin 2013). ``pooled``: the same for both
        (analysis of covariance). Numbers, one per covariate: fixed beforehand, such as those of
        `pooled_slopes` for all looks of one experiment.

    Raises
    ------
    NotEstimable
        ``too_few_units``, ``constant`` or ``not_finite``.
    UsageError
        If phases or variables do not fit.

    Examples
    --------
    >>> control = Moments.from_columns([[1.0, 2.0, 3.0, 4.0]])
    >>> treatment = Moments.from_columns([[2.0, 4.0, 6.0, 8.0]])
    >>> pair = estimate_means([control], [treatment], adjusted=False)
    >>> pair.method, round(pair.test().p_value, 4)
    ('welch', 0.1516)
    """
    if not adjusted and len(control) == len(treatment) == 1:
        return plain_means(control[0], treatment[0])
    plain = JointMeans.of(control, treatment, 1)
    if not adjusted:
        return joint_means_pair(plain)
    return joint_means_pair(
        plain, JointMeans.of(control, treatment, variables(control, treatment)), slopes
    )


def joint_means_pair(
    plain: JointMeans, joint: JointMeans | None = None, slopes: Slopes = "arm"
) -> ArmPair:
    """Return the means of two arms from their joint vector, adjusted if one with covariates comes.

    Parameters
    ----------
    plain
        Means of the outcome.
    joint
        Means of (outcome, covariates...).
    slopes
        As in `estimate_means`.

    Raises
    ------
    NotEstimable
        ``constant`` if neither arm varies.
    """
    spread = plain.propagate(Jacobian(own=np.ones((2, 1)), overall=np.zeros((2, 1))))
    pair = arm_pair(plain.arm_means[:, 0], plain, spread, df=plain.units - 1.0, method="welch")
    if joint is None:
        return pair
    return adjusted_pair(pair, spread, joint, adjust_means(joint, slopes), "welch_cuped")


def plain_means(control: Moments, treatment: Moments, method: MeansMethod = "welch") -> ArmPair:
    """Return the means of two arms without phases and covariates, from their first variable.

    Parameters
    ----------
    control, treatment
        Moments of the outcome.
    method
        ``welch``: variances of the arms, degrees of freedom of Welch (1947, Biometrika 34, 28).
        ``student``: one pooled variance, n - 2 degrees of freedom (Student 1908, Biometrika 6,
        1); wrong where variances and sizes differ. ``z``: variances of the arms, the normal
        distribution.

    Raises
    ------
    NotEstimable
        ``too_few_units``, ``constant``, ``not_finite`` or ``too_small``.
    """
    n0, n1 = control.n, treatment.n
    if min(n0, n1) < 2:
        raise too_few_units(n0, n1)
    mean0, mean1 = float(control.mean[0]), float(treatment.mean[0])
    square0, square1 = float(control.m2[0, 0]), float(treatment.m2[0, 0])
    if not math.isfinite(mean0 + mean1 + square0 + square1):
        raise not_finite()
    if 0.0 < square0 < SMALLEST_SQUARES or 0.0 < square1 < SMALLEST_SQUARES:
        raise too_small()
    variance0, variance1 = square0 / (n0 - 1) * (1.0 / n0), square1 / (n1 - 1) * (1.0 / n1)
    if not variance0 + variance1 > 0.0:
        raise constant_arms(mean0, mean1)
    df: float | None = None
    if method == "welch":
        largest = max(variance0, variance1)  # squares of variances must not overflow
        part0, part1 = variance0 / largest, variance1 / largest
        df = (part0 + part1) ** 2 / (part0 * part0 / (n0 - 1) + part1 * part1 / (n1 - 1))
    elif method == "student":
        df = n0 + n1 - 2.0
        pooled = (square0 + square1) / df
        variance0, variance1 = pooled / n0, pooled / n1
    flat: tuple[WarningCode, ...] = ()
    if square0 == 0.0 or square1 == 0.0:
        flat = ("constant_arm",)
    covariance = ((variance0, 0.0), (0.0, variance1))
    return ArmPair(mean0, mean1, covariance, df, n0, n1, method=method, warnings=flat)


@overload
def compare_means(
    control: MomentsTable,
    treatment: MomentsTable,
    *,
    method: MeansMethod = ...,
    alternative: Alternative = ...,
    confidence_level: float = ...,
) -> ComparisonTable: ...


@overload
def compare_means(
    control: Values | Moments | ValueCounts | Sequence[Moments],
    treatment: Values | Moments | ValueCounts | Sequence[Moments],
    *,
    method: MeansMethod = ...,
    alternative: Alternative = ...,
    confidence_level: float = ...,
    covariates: tuple[Values, Values] | None = ...,
    slopes: Slopes = ...,
) -> Comparison: ...


def compare_means(
    control: Values | Moments | ValueCounts | Sequence[Moments] | MomentsTable,
    treatment: Values | Moments | ValueCounts | Sequence[Moments] | MomentsTable,
    *,
    method: MeansMethod = "welch",
    alternative: Alternative = "two-sided",
    confidence_level: float = 0.95,
    covariates: tuple[Values, Values] | None = None,
    slopes: Slopes = "arm",
) -> Comparison | ComparisonTable:
    """Return the difference of two means with its intervals and test.

    Parameters
    ----------
    control, treatment
        One value per unit, `Moments` or `ValueCounts`: the answer is the same. Nulls (NaN) are
        left out and counted. Moments of several variables are (value, covariates...) and are
        adjusted. A list of `Moments`, one per phase of allocation, is compared within phases.
        Two `MomentsTable` are compared row by row in one pass; with covariates they are adjusted,
        and a row whose covariates cannot all be used has the status ``covariates_unusable``.
    method
        ``welch`` (unequal variances), ``student`` (one pooled variance) or ``z`` (normal
        quantiles); see `plain_means`.
    alternative
        ``two-sided``, ``greater`` (treatment above control) or ``less``; one-sided tests come
        with one-sided intervals.
    confidence_level
        Of both intervals.
    covariates
        Pre-exposure values of the same units, (control, treatment): CUPED. Each is one column,
        a sequence of columns, or a table with one row per unit. A missing value becomes the mean
        of the others, and a further covariate says where it was missing, so that no unit is lost
        (with fixed slopes there is none). A covariate that is missing more often in one arm
        (p < 0.001) is not adjusted for, with the warning ``covariate_missing_differs``: it was
        not measured alike, and adjusting would move the effect. `Moments` do not tell what was
        missing; look at them with `diagnose_adjustment`.
    slopes
        Of the covariates: ``arm`` (of their own for each arm), ``pooled``, or fixed numbers, one
        for each covariate; see `estimate_means`.

    Returns
    -------
    Comparison or ComparisonTable
        With the warning ``constant_arm`` where all units of one arm have the same value: its mean
        counts as known exactly, and the interval is that of the other arm alone. With
        ``skewed_unequal_arms`` where arms of different size are too small for the skewness of
        the values (see `skew_warning`). `Moments` and tables of them have no third moment: from
        them the skewness is not known, and the absence of the warning says nothing.
        Give values or `ValueCounts` for it.

    Raises
    ------
    NotEstimable
        If there is no number: fewer than two units, no variation, infinite values. In tables
        such a row has a status instead.
    UsageError
        If the arguments do not fit together.

    Examples
    --------
    >>> result = compare_means([1.0, 2.0, 3.0, 4.0], [2.0, 4.0, 6.0, 8.0])
    >>> result.absolute.estimate, round(result.p_value, 4)
    (2.5, 0.1516)

    A ramp from 10% to 50% while the base falls from 40% to 36%: within phases nothing differs,
    and added up treatment seems to harm (Simpson 1951, JRSS B 13, 238).

    >>> control = [Moments.from_counts(90_000, 36_000), Moments.from_counts(50_000, 18_000)]
    >>> treatment = [Moments.from_counts(10_000, 4_000), Moments.from_counts(50_000, 18_000)]
    >>> compare_means(control, treatment).p_value
    1.0
    >>> pooled = compare_means(control[0] + control[1], treatment[0] + treatment[1])
    >>> round(pooled.absolute.estimate, 4), pooled.p_value < 1e-10
    (-0.019, True)
    """
    require_one_of(method, _METHODS, "method")
    if isinstance(control, MomentsTable) and isinstance(treatment, MomentsTable):
        if covariates is not None:
            raise mixed_tables("covariates")
        return _compare_rows(control, treatment, method, alternative, confidence_level)
    if isinstance(control, MomentsTable) or isinstance(treatment, MomentsTable):
        raise mixed_tables("one sample")
    phases = [moments_by_phase(control), moments_by_phase(treatment)]
    if phases[0] is not None and phases[1] is not None:
        if covariates is not None:
            raise phases_with_covariates()
        arms = [reduce(add, arm) for arm in (phases[0], phases[1])]
        pair = _estimate(phases[0], phases[1], method, slopes)
    else:
        extra: Sequence[tuple[Floats, Floats]] = ()
        codes: tuple[WarningCode, ...] = ()
        if covariates is not None:
            _require_welch(method, "covariates")
            before = filled_covariates(covariates, with_mean=True)
            extra, codes = before.used, before.codes
            if not isinstance(slopes, str):
                extra, slopes = before.with_slopes(slopes)
        arms = [
            arm_moments((values,), tuple(pair[i] for pair in extra), name)
            for i, (values, name) in enumerate(((control, "control"), (treatment, "treatment")))
        ]
        pair = _estimate([arms[0]], [arms[1]], method, slopes).with_warnings(*codes)
        pair = pair.with_warnings(*_skew_codes(control, treatment))
    return Comparison.of(pair, arms, alternative, confidence_level, measure="mean")


def _estimate(
    control: Sequence[Moments], treatment: Sequence[Moments], method: MeansMethod, slopes: Slopes
) -> ArmPair:
    """Return the means of two arms, adjusted where their moments carry covariates."""
    adjusted = len(control[0].mean) > 1
    if adjusted or len(control) > 1:
        _require_welch(method, "covariates" if adjusted else "phases")
    if adjusted or len(control) > 1:
        return estimate_means(control, treatment, adjusted=adjusted, slopes=slopes)
    return plain_means(control[0], treatment[0], method)


def _require_welch(method: MeansMethod, what: str) -> None:
    if method != "welch":
        raise UsageError(
            "Covariates and phases are used with Welch's method alone",
            given=f"method {method!r} with {what}",
            todo='Leave them out, or use method="welch".',
        )


def _skew_codes(
    control: Values | Moments | ValueCounts, treatment: Values | Moments | ValueCounts
) -> tuple[WarningCode, ...]:
    """Return the warning of `skew_warning` where values are at hand; moments have no third one."""
    if isinstance(control, Moments) or isinstance(treatment, Moments):
        return ()
    return skew_warning(
        [
            values if isinstance(values, ValueCounts) else as_floats(values, name)
            for values, name in ((control, "control"), (treatment, "treatment"))
        ]
    )


def _compare_rows(
    control: MomentsTable,
    treatment: MomentsTable,
    method: MeansMethod,
    alternative: Alternative,
    confidence_level: float,
) -> ComparisonTable:
    """Return the comparison of every row."""
    adjusted = max(control.mean.shape[1], treatment.mean.shape[1]) > 1
    if adjusted:
        _require_welch(method, "covariates")
    return compare_rows(
        adjusted_rows(control, treatment) if adjusted else mean_rows(control, treatment, method),
        measure="mean",
        method="welch_cuped" if adjusted else method,
        alternative=alternative,
        confidence_level=confidence_level,
    )
