"""Studentized replicates: each effect over its own standard error."""

from __future__ import annotations

import math

import numpy as np

from abtest.errors import UsageError
from abtest.stats.moments import Floats
from abtest.stats.resampling.effects import Replicates, difference, relative
from abtest.stats.resampling.statistic import Mean, Resampling, Statistic, WeightedStatistic
from abtest.stats.value_counts import ValueCounts


def studentized(
    statistic: Statistic,
    arms: tuple[ValueCounts, ValueCounts],
    values: tuple[float, float],
    how: Resampling,
    streams: list[np.random.Generator],
) -> tuple[Replicates, Replicates | None]:
    """Return the studentized replicates of the difference and of the relative effect.

    The standard error of a difference is the root of the sum of both arms' squares; that of the
    ratio is by the delta method.

    Raises
    ------
    UsageError
        If the statistic has no standard error.
    """
    drawn: list[Floats] = []
    errors: list[Floats] = []
    own: list[float] = []
    for arm, stream in zip(arms, streams, strict=True):
        parts = [
            (statistic.rows(arm.values, weights), _errors(statistic, arm.values, weights))
            for weights in how.weights(arm.counts, stream)
        ]
        drawn.append(np.concatenate([part[0] for part in parts]))
        errors.append(np.concatenate([part[1] for part in parts]))
        counts = arm.counts[None, :].astype(np.float64)
        own.append(float(_errors(statistic, arm.values, counts)[0]))
    both = (drawn[0], drawn[1])
    absolute = difference(values, both).studentized(
        math.hypot(*own), np.hypot(errors[0], errors[1])
    )
    ratio = relative(values, both)
    if ratio is None:
        return absolute, None
    control, treatment = values
    own_error = math.hypot(own[1], treatment / control * own[0]) / abs(control)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        slopes = both[1] / both[0]
        ratio_errors = np.hypot(errors[1], slopes * errors[0]) / np.abs(both[0])
    return absolute, ratio.studentized(own_error, np.nan_to_num(ratio_errors))


def _errors(statistic: Statistic, values: Floats, weights: Floats) -> Floats:
    """Return the standard errors of a statistic in samples of the same values."""
    if isinstance(statistic, WeightedStatistic):
        return statistic.errors(values, weights)
    if not isinstance(statistic, Mean):
        raise UsageError(
            "A studentized interval needs the standard error of the statistic",
            given="a quantile, whose standard error is no smooth function of the sample",
            todo='Use method="percentile", or compare_quantiles.',
        )
    units = weights.sum(axis=1)
    unit = float(np.abs(values).max()) or 1.0
    scaled = values / unit - values[len(values) // 2] / unit
    means = weights @ scaled / units
    squares = weights @ (scaled * scaled) - units * means * means
    # a sample of one value, drawn n times, has no error; rounding may not give it one
    noise = 1e-14 * (weights @ (scaled * scaled))
    variances = np.where(squares > noise, squares, 0.0) / np.maximum(units - 1.0, 1.0)
    return np.asarray(unit * np.sqrt(variances / units))
