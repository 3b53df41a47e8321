"""How far the assumed effect lies from a hypothesis, in standard errors, and how it is tested."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from abtest.stats.moments import Floats
from abtest.stats.sizing.design import Design
from abtest.stats.sizing.noncentral import below_line, below_two_lines, scale_below
from abtest.stats.sizing.numbers import broadcast
from abtest.stats.sizing.slope_error import estimate_factor, judged_factor

_MANY = 2.0**40
"""Units for which formulas are those of no end of units."""


@dataclass(frozen=True, eq=False)
class Setting:
    """A design with arms and effects, everything of shape (r,).

    Attributes
    ----------
    control, treatment
        Units of the two arms that are compared.
    difference
        Treatment - control that is assumed, in units of the metric.
    """

    design: Design
    control: Floats
    treatment: Floats
    difference: Floats

    @classmethod
    def of(
        cls, design: Design, control: Floats | float, treatment: Floats | float, effect: Floats
    ) -> Setting:
        """Return the setting for effects on the design's scale."""
        control, treatment, difference = broadcast(
            control, treatment, in_metric_units(design, effect)
        )
        return cls(design, control, treatment, difference)


@dataclass(frozen=True, eq=False)
class _Side:
    """One hypothesis: distance over standard error, and the error that the test uses over it."""

    shift: Floats
    error_ratio: Floats
    control_weight: Floats
    error: Floats


def in_metric_units(design: Design, effect: Floats | float) -> Floats:
    """Return effects as treatment - control."""
    value = np.asarray(effect, dtype=np.float64)
    if design.relative:
        value = value * np.abs(np.asarray(design.value, dtype=np.float64))
    return value


def rejection(setting: Setting) -> Floats:
    """Return the probability that the test shows what it is to show, shape (r,)."""
    design = setting.design
    own = design.rejection(setting.control, setting.treatment, setting.difference)
    if own is not None:
        return own
    df = degrees_of_freedom(setting)
    tail = np.broadcast_to(np.asarray(design.level) / design.sides, df.shape)
    critical = _critical(tail, df)
    sides = [_side(setting, bound) for bound in design.bounds]
    slopes = [critical * side.error_ratio for side in sides]
    if design.test == "equivalence":
        return _both(setting, sides, slopes, df)
    shift = design.sign * sides[0].shift
    if design.sides == 1:
        return np.minimum(below_line(shift, slopes[0], df), 1.0)
    return np.minimum(_sum_of_two((shift, -shift), (slopes[0], slopes[0]), df, None), 1.0)


def degrees_of_freedom(setting: Setting) -> Floats:
    """Return degrees of freedom at the assumed variances; infinite for normal formulas."""
    design = setting.design
    if design.judge not in {"welch", "student"}:
        return np.full(setting.difference.shape, np.inf)
    lost = design.units_lost
    n0, n1 = setting.control / design.unit_size, setting.treatment / design.unit_size
    if design.judge == "student":
        return n0 + n1 - 2.0 * lost
    part0, part1 = _variances_of_means(setting)
    largest = np.maximum(part0, part1)
    part0, part1 = part0 / largest, part1 / largest
    return (part0 + part1) ** 2 / (part0**2 / (n0 - lost) + part1**2 / (n1 - lost))


def _critical(tail: Floats, df: Floats) -> Floats:
    normal = np.isinf(df)
    if normal.all():
        return np.asarray(-special.ndtri(tail))
    student = special.stdtrit(np.where(normal, 1.0, df), tail)
    return np.asarray(-np.where(normal, special.ndtri(tail), student))


def _side(setting: Setting, bound: float) -> _Side:
    """Return the contrast treatment - k control against what the hypothesis makes of it.

    k = 1 and a shift by the bound for absolute effects; for relative ones the bound is in k
    (Fieller's linear form), so that the baseline is not taken as known.
    """
    design = setting.design
    n0, n1 = setting.control, setting.treatment
    ones = np.ones(setting.difference.shape)
    v0, v1 = _variances_of_means(setting)
    k, moved = ones, bound * ones
    if design.relative and bound != 0.0:
        value = np.asarray(design.value) * ones
        k = 1.0 + bound * np.sign(value)
        moved = bound * np.abs(value)
    weight = bound if design.relative else 0.0
    shared = weight * weight * _shared_covariate(setting)
    error2 = design.variance_factor * (v1 + k * k * v0) + shared
    nulls = design.null_variances(setting.difference, bound, n1 / (n0 + n1))
    tested = v1 + k * k * v0 + _tested_too(setting, k)
    if nulls is not None:
        tested = nulls[1] / n1 + k * k * nulls[0] / n0
    ratio = np.sqrt((design.variance_factor * tested + shared) / error2)
    with np.errstate(divide="ignore", invalid="ignore"):  # no variance left: certain
        shift = (setting.difference - moved) / np.sqrt(error2)
    if design.judge == "arcsine":
        shift = _arcsine_shift(setting)
    return _Side(shift, ratio, k, np.sqrt(error2))


def _variances_of_means(setting: Setting) -> tuple[Floats, Floats]:
    """Return what the means of (control, treatment) vary by, but for the design's factor."""
    (v0, v1), slopes = _plain_variances(setting), setting.design.slope_error
    if slopes is None:
        return v0, v1
    n0, n1, treated = _independent(setting)
    return (
        v0 * (1.0 + slopes * (estimate_factor(n0, treated) - 1.0)),
        v1 * (1.0 + slopes * (estimate_factor(n1, 1.0 - treated) - 1.0)),
    )


def _tested_too(setting: Setting, k: Floats) -> Floats | float:
    """Return what the test counts besides as variance of the contrast: the noise of slopes."""
    slopes = setting.design.slope_error
    if slopes is None:
        return 0.0
    v0, v1 = _plain_variances(setting)
    n0, n1, treated = _independent(setting)
    extra = v1 * (judged_factor(n1, treated) - 1.0)
    return slopes * (extra + k * k * v0 * (judged_factor(n0, 1.0 - treated) - 1.0))


def _plain_variances(setting: Setting) -> tuple[Floats, Floats]:
    ones = np.ones(setting.difference.shape)
    v0, v1 = setting.design.unit_variances(setting.difference)
    return v0 * ones / setting.control, v1 * ones / setting.treatment


def _independent(setting: Setting) -> tuple[Floats, Floats, Floats]:
    """Return independent units of (control, treatment), and the share of the latter."""
    n0, n1 = setting.control, setting.treatment
    size = setting.design.unit_size
    return n0 / size, n1 / size, n1 / (n0 + n1)


def _shared_covariate(setting: Setting) -> Floats | float:
    """Return the variance of slope x overall covariate mean, which relative margins do not cancel.

    An adjusted mean is ybar_a - b (xbar_a - xbar_all); in treatment - k control the last part
    remains with weight 1 - k.
    """
    n0, n1 = setting.control, setting.treatment
    v0, v1 = setting.design.unit_variances(setting.difference)
    total = n0 + n1
    average = (n0 * v0 + n1 * v1) / total
    effect = setting.design.clusters.design_effect if setting.design.clusters else 1.0
    return setting.design.variance_reduction * effect * average / total


def _arcsine_shift(setting: Setting) -> Floats:
    p0 = np.asarray(setting.design.value)
    p1 = np.clip(p0 + setting.difference, 0.0, 1.0)
    distance = 2.0 * (np.arcsin(np.sqrt(p1)) - np.arcsin(np.sqrt(p0)))
    return np.asarray(distance / np.sqrt(1.0 / setting.control + 1.0 / setting.treatment))


def _both(setting: Setting, sides: list[_Side], slopes: list[Floats], df: Floats) -> Floats:
    """Return the probability that both one-sided tests reject."""
    lower, upper = sides
    design = setting.design
    if not design.relative:
        # one estimate on both sides: both reject while s is below where the two lines meet
        limit = (lower.shift - upper.shift) / (slopes[0] + slopes[1])
        shifts = lower.shift, -upper.shift
        either = _sum_of_two(shifts, (slopes[0], slopes[1]), df, limit)
        return np.clip(either - scale_below(limit, df), 0.0, 1.0)
    # two contrasts with different weights of control
    v0, v1 = _variances_of_means(setting)
    low, high = design.bounds
    covariance = design.variance_factor * (
        v1 + lower.control_weight * upper.control_weight * v0
    ) + low * high * _shared_covariate(setting)
    correlation = np.clip(covariance / (lower.error * upper.error), -1.0, 1.0)
    correlation = np.minimum(correlation, 1.0 - 4.0 * np.finfo(float).eps)
    return below_two_lines((lower.shift, -upper.shift), (slopes[0], slopes[1]), -correlation, df)


def _sum_of_two(
    shifts: tuple[Floats, Floats], slopes: tuple[Floats, Floats], df: Floats, limit: Floats | None
) -> Floats:
    """Return the sum of two probabilities of `below_line`, in one pass."""
    twice = np.concatenate([df, df])
    limits = None if limit is None else np.concatenate([limit, limit])
    both = below_line(np.concatenate(shifts), np.concatenate(slopes), twice, limits)
    return np.asarray(both.reshape(2, -1).sum(axis=0))


def guessed_units(design: Design, effect: Floats) -> Floats:
    """Return about how many units over all arms a test needs: the normal formula, one side."""
    target = np.asarray(design.target_power)
    level = np.asarray(design.level)
    quantiles = -special.ndtri(level / design.sides) + special.ndtri(target)
    shares = design.shares
    # so many that estimated slopes cost nothing
    setting = Setting.of(design, _MANY * shares[0], _MANY * min(shares[1:]), effect)
    nearest = np.min([np.abs(_side(setting, bound).shift) for bound in design.bounds], axis=0)
    with np.errstate(divide="ignore", over="ignore"):
        return np.asarray(_MANY * (np.maximum(quantiles, 0.1) / nearest) ** 2)


def smallest_total(design: Design) -> Floats:
    """Return the fewest units over all arms that leave every arm a variance."""
    return np.asarray((design.units_lost + 1.0) * design.unit_size / min(design.shares))


def probit(probability: Floats) -> Floats:
    """Return normal quantiles, finite for 0 and 1: almost straight in root n and in the effect."""
    return np.asarray(special.ndtri(np.clip(probability, 1e-300, 1.0 - 2.0**-53)))
