"""Differences of ratios of totals: the delta method over units."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import add
from typing import Any, overload

import numpy as np

from abtest.errors import UsageError
from abtest.stats.adjustment.cuped import adjusted_pair
from abtest.stats.adjustment.ratio_cuped import Coefficients, adjust_ratios, ratio_gradients
from abtest.stats.adjustment.slopes import variables
from abtest.stats.columns import arm_moments, filled, moments_by_phase, phases_with_covariates
from abtest.stats.comparison import Comparison
from abtest.stats.comparison_table import ArmRows, ComparisonTable, compare_rows
from abtest.stats.floats import Values
from abtest.stats.joint import Jacobian, JointMeans, quadratic_rows
from abtest.stats.moments import Floats, Moments
from abtest.stats.moments_table import (
    MomentsTable,
    mixed_tables,
    nulls_of,
    same_rows,
    too_small_rows,
)
from abtest.stats.not_estimable import NotEstimable, not_finite
from abtest.stats.pairs import ArmPair, arm_pair
from abtest.stats.results import Alternative, WarningCode


def estimate_ratios(
    control: Sequence[Moments],
    treatment: Sequence[Moments],
    *,
    adjusted: bool,
    coefficients: Coefficients = 1,
) -> ArmPair:
    """Return the ratios of two arms, estimated from moments, one per phase of allocation.

    A ratio R = sum(y) / sum(x) is that of totals over units; units with x = 0 stay in. Its
    variance is that of the influence values (y_i - R x_i) / xbar, with each arm's own covariance
    (delta method; Deng, Knoblich & Lu 2018, KDD). With `adjusted` the moments also carry the
    pre-period's numerator and denominator, and further covariates if there are; where adjusting
    is not possible the result is the unadjusted one with a warning that says why.

    Parameters
    ----------
    control, treatment
        Moments of (numerator, denominator[, pre-period numerator, pre-period denominator[,
        further covariates...]]) by phase.
    adjusted
        Whether to use the pre-period.
    coefficients
        Slopes on the pre-period: 1 (on its ratio) or 2 (on numerator and denominator); see
        `adjust_ratios`.

    Raises
    ------
    NotEstimable
        ``zero_denominator``, ``too_few_units``, ``constant`` or ``not_finite``.
    UsageError
        If phases or variables do not fit.

    Examples
    --------
    >>> control = Moments.from_columns([[1.0, 0.0, 2.0, 1.0], [4.0, 0.0, 5.0, 3.0]])
    >>> treatment = Moments.from_columns([[2.0, 1.0, 3.0, 0.0], [4.0, 2.0, 5.0, 1.0]])
    >>> pair = estimate_ratios([control], [treatment], adjusted=False)
    >>> pair.method, round(pair.control_value, 4), pair.treatment_value
    ('delta', 0.3333, 0.5)
    """
    plain_joint = JointMeans.of(control, treatment, 2)
    means = plain_joint.arm_means
    if (means[:, 1] == 0.0).any():
        raise NotEstimable(
            "zero_denominator",
            "The denominator of an arm sums to zero",
            given=f"denominator per unit: control {means[0, 1]:g}, treatment {means[1, 1]:g}",
            todo="Check that the denominator counts what it should.",
        )
    with np.errstate(over="ignore"):  # refused in the next lines
        values, gradients = means[:, 0] / means[:, 1], ratio_gradients(means)
    if not (np.isfinite(values).all() and np.isfinite(gradients).all()):
        raise not_finite()
    plain_spread = plain_joint.propagate(Jacobian(own=gradients, overall=np.zeros((2, 2))))
    plain = arm_pair(
        values,
        plain_joint,
        plain_spread,
        df=plain_joint.units - 1.0,
        method="delta",
    )
    if not adjusted:
        return plain
    joint = JointMeans.of(control, treatment, max(4, variables(control, treatment)))
    result = adjust_ratios(joint, coefficients)
    return adjusted_pair(plain, plain_spread, joint, result, "delta_cuped")


@overload
def compare_ratios(
    control: tuple[Values, Values] | Moments | Sequence[Moments],
    treatment: tuple[Values, Values] | Moments | Sequence[Moments],
    *,
    alternative: Alternative = ...,
    confidence_level: float = ...,
    covariates: tuple[tuple[Values, Values], tuple[Values, Values]] | None = ...,
    coefficients: Coefficients = ...,
) -> Comparison: ...


@overload
def compare_ratios(
    control: MomentsTable,
    treatment: MomentsTable,
    *,
    alternative: Alternative = ...,
    confidence_level: float = ...,
) -> ComparisonTable: ...


def compare_ratios(
    control: tuple[Values, Values] | Moments | Sequence[Moments] | MomentsTable,
    treatment: tuple[Values, Values] | Moments | Sequence[Moments] | MomentsTable,
    *,
    alternative: Alternative = "two-sided",
    confidence_level: float = 0.95,
    covariates: tuple[tuple[Values, Values], tuple[Values, Values]] | None = None,
    coefficients: Coefficients = 1,
) -> Comparison | ComparisonTable:
    """Return the difference of two ratios of totals with its intervals and test.

    Parameters
    ----------
    control, treatment
        (numerator, denominator) with one value per unit each, or `Moments` of both; moments of
        four or more variables carry the pre-period (and further covariates) too and are
        adjusted. A list of `Moments`, one per phase of allocation, is compared over phases
        weighted by their units. Two `MomentsTable` of (numerator, denominator) are compared row by
        row in one pass.
    alternative
        ``two-sided``, ``greater`` or ``less``; one-sided tests come with one-sided intervals.
    confidence_level
        Of both intervals.
    covariates
        ((numerator, denominator) of control, the same of treatment) before exposure: CUPED with
        the pre-period's own denominator. A unit without a past counts as 0 of 0.
        A past that is missing more often in one arm (p < 0.001) is not adjusted for, with the
        warning ``covariate_missing_differs``.
    coefficients
        Slopes on the past: 1 (on its ratio) or 2 (on numerator and denominator apart, which as
        a rule saves more variance); see `adjust_ratios`.

    Raises
    ------
    NotEstimable
        If there is no number: a denominator that sums to zero, too few units, no variation. In
        tables such a row has a status instead.
    UsageError
        If the arguments do not fit together.

    Examples
    --------
    >>> clicks, views = [1.0, 0.0, 2.0, 1.0], [4.0, 0.0, 5.0, 3.0]
    >>> compare_ratios((clicks, views), ([2.0, 1.0, 3.0, 0.0], [4.0, 2.0, 5.0, 1.0])).method
    'delta'
    """
    if isinstance(control, MomentsTable) and isinstance(treatment, MomentsTable):
        if covariates is not None:
            raise mixed_tables("covariates")
        return compare_rows(
            ratio_rows(control, treatment),
            measure="ratio",
            method="delta",
            alternative=alternative,
            confidence_level=confidence_level,
        )
    if isinstance(control, MomentsTable) or isinstance(treatment, MomentsTable):
        raise mixed_tables("one sample")
    phases = [moments_by_phase(control), moments_by_phase(treatment)]
    if phases[0] is not None and phases[1] is not None:
        if covariates is not None:
            raise phases_with_covariates()
        adjusted = len(phases[0][0].mean) > 2
        pair = estimate_ratios(phases[0], phases[1], adjusted=adjusted, coefficients=coefficients)
        totals = [reduce(add, arm) for arm in (phases[0], phases[1])]
        return Comparison.of(pair, totals, alternative, confidence_level, measure="ratio")
    before, codes = filled_past(covariates)
    arms = [
        arm_moments(ratio_columns(values, name), extra, name)
        for values, extra, name in (
            (control, [pair[0] for pair in before], "control"),
            (treatment, [pair[1] for pair in before], "treatment"),
        )
    ]
    adjusted = len(arms[0].mean) > 2
    pair = estimate_ratios([arms[0]], [arms[1]], adjusted=adjusted, coefficients=coefficients)
    return Comparison.of(
        pair.with_warnings(*codes), arms, alternative, confidence_level, measure="ratio"
    )


def ratio_columns(values: Any, name: str) -> tuple[Values, ...]:
    """Return (numerator, denominator), or the moments of both by themselves.

    Raises
    ------
    UsageError
        If there are not two columns.
    """
    if isinstance(values, Moments):
        return (values,)
    pair = isinstance(values, tuple | list | np.ndarray)
    if not pair or len(values) != 2:
        given = f"{len(values)} columns" if pair else type(values).__name__
        raise UsageError(
            f"The ratio of {name} needs a numerator and a denominator",
            given=given,
            todo="Give (numerator, denominator), one value per unit each, or Moments of both.",
        )
    return values[0], values[1]


def filled_past(
    covariates: tuple[Any, Any] | None,
) -> tuple[list[tuple[Floats, Floats]], tuple[WarningCode, ...]]:
    """Return numerators and denominators before exposure without nulls, and codes if there were.

    A null is 0: no past. Where one of the two is missing more often in one arm, the past was not
    measured alike and neither is used (see `filled_covariates`).

    Parameters
    ----------
    covariates
        ((numerator, denominator) of control, the same of treatment), or None.

    Raises
    ------
    UsageError
        If they are no such pairs.
    """
    if covariates is None:
        return [], ()
    if not isinstance(covariates, tuple | list) or len(covariates) != 2:
        raise UsageError(
            "Covariates are a pair: those of control and those of treatment",
            given=type(covariates).__name__,
            todo="Give covariates=((numerator, denominator) of control, the same of treatment).",
        )
    past = [ratio_columns(part, "covariates") for part in covariates]
    # numerators of both arms, then denominators
    parts = [filled(part, with_mean=False) for part in zip(*past, strict=True)]
    codes: set[WarningCode] = {code for _, found in parts for code in found}
    if "covariate_missing_differs" in codes:
        return [], ("covariate_missing_differs",)
    return [pair for columns, _ in parts for pair in columns], tuple(codes)


def ratio_rows(control: MomentsTable, treatment: MomentsTable) -> ArmRows:
    """Return the ratios of every row, with the formulas of `estimate_ratios` on arrays.

    Raises
    ------
    UsageError
        If the tables differ in rows, or have other variables than numerator and denominator.
    """
    n = np.stack(same_rows(control, treatment))
    if {control.mean.shape[1], treatment.mean.shape[1]} != {2}:
        raise UsageError(
            "Tables of ratios need moments of numerator and denominator",
            given=f"{control.mean.shape[1]} and {treatment.mean.shape[1]} variables",
            todo="Sum both into each Moments; adjusted ratios are compared one by one.",
        )
    means = np.stack([control.mean, treatment.mean])
    with np.errstate(all="ignore"):  # rows without a number get a status
        covariances = np.stack([control.m2, treatment.m2]) / (n - 1.0)[:, :, None, None]
        denominators = means[:, :, 1]
        values = means[:, :, 0] / denominators
        contrasts = np.stack([np.ones_like(values), -values], axis=-1)
        unit_variances = quadratic_rows(contrasts, covariances) / denominators / denominators
        variances = unit_variances / n
        part0, part1 = variances / variances.max(axis=0)
        df = (part0 + part1) ** 2 / (part0**2 / (n[0] - 1.0) + part1**2 / (n[1] - 1.0))
    summed = np.isfinite(means).all(axis=(0, 2)) & np.isfinite(covariances).all(axis=(0, 2, 3))
    none = summed & (denominators == 0.0).any(axis=0)
    small = summed & too_small_rows(control, treatment)
    refused = np.select([small, none], ["too_small", "zero_denominator"], "")
    return ArmRows(
        n,
        values,
        variances,
        df,
        refused=refused,
        nulls=nulls_of(control, treatment),
        warnings={"constant_arm": (variances == 0.0).any(axis=0)},
    )
