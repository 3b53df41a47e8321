"""Statistics of arms as the plain arrays that figures are drawn from."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from abtest.show.distribution_plot import ValueShares
    from abtest.show.estimate_words import Estimate
    from abtest.show.quantile_plot import QuantileCurve
    from abtest.show.step_curves import StepArm
    from abtest.stats.comparison import Comparison
    from abtest.stats.moments import Floats
    from abtest.stats.quantiles.band import QuantileEffects
    from abtest.stats.results import Interval
    from abtest.stats.survival.event_times import EventTimes
    from abtest.stats.survival.repeated_events import RepeatedEvents
    from abtest.stats.value_counts import ValueCounts

MOST_VALUES = 1_500
"""With more distinct values than this, bands of quantiles take seconds."""
WINDOW, KEPT = 8.0, 100
"""About each quantile so many standard deviations of its rank keep so many values."""


def survival_arm(name: str, arm: EventTimes, horizon: float, level: float) -> StepArm:
    """Return an arm's survival curve; the mean time is set by the comparison it is drawn for."""
    from abtest.show.step_curves import StepArm
    from abtest.stats.survival.curve import survival_curve

    curve = survival_curve(arm, confidence_level=level)
    return StepArm(
        name=name,
        times=curve.times,
        values=curve.survival,
        lower=curve.survival_lower,
        upper=curve.survival_upper,
        first=1.0,
        watched_times=arm.times,
        watched=arm.at_risk,
        units=arm.n,
        summary=math.nan,
        at_horizon=estimate_of(curve.at(horizon)),
    )


def cumulative_arm(name: str, arm: RepeatedEvents, horizon: float, level: float) -> StepArm:
    """Return an arm's mean cumulative function; its summary is set by the comparison."""
    from abtest.show.step_curves import StepArm
    from abtest.stats.survival.mean_curve import cumulative_mean

    curve = cumulative_mean(arm, confidence_level=level)
    return StepArm(
        name=name,
        times=curve.times,
        values=curve.mean,
        lower=curve.lower,
        upper=curve.upper,
        first=0.0,
        watched_times=arm.times,
        watched=arm.at_risk,
        units=arm.n,
        summary=math.nan,
        at_horizon=estimate_of(curve.at(horizon)),
    )


def thinned(arm: ValueCounts, shares: Sequence[float]) -> ValueCounts:
    """Return a sample with fewer distinct values, whose bands of quantiles look the same.

    Values between those that are kept take the one below. The quantiles themselves are kept, and
    about each so many values that limits move by some hundredths of a standard error: less than
    a pixel of a band.
    """
    from abtest.stats.value_counts import ValueCounts

    if arm.values.size <= MOST_VALUES:
        return arm
    reached, n = np.cumsum(arm.counts), arm.n
    kept = [np.zeros(1, dtype=np.int64)]
    for share in shares:
        wide = WINDOW * math.sqrt(n * share * (1.0 - share))
        low, high = np.searchsorted(reached, [n * share - wide, n * share + wide]).tolist()
        kept.append(np.linspace(low, high, KEPT).astype(np.int64))
        # the first whose units reach the quantile, whichever way its rank is rounded
        kept.append(np.searchsorted(reached, [n * share - 1.0, n * share, n * share + 1.0]))
    places = np.unique(np.minimum(np.concatenate(kept), arm.values.size - 1))
    return ValueCounts(arm.values[places], np.add.reduceat(arm.counts, places), arm.nulls)


def quantile_curve(
    label: str,
    names: tuple[str, str],
    tested: tuple[float, Comparison],
    effects: QuantileEffects,
) -> QuantileCurve:
    """Return the differences of many quantiles, infinite where there is no limit."""
    from abtest.show.quantile_plot import QuantileCurve

    def column(values: Iterable[float | None], missing: float = math.nan) -> Floats:
        return np.array([missing if x is None else x for x in values], dtype=np.float64)

    single = effects.effects
    return QuantileCurve(
        label=label,
        control=names[0],
        treatment=names[1],
        quantiles=np.array(effects.quantiles),
        estimates=column(effect.estimate for effect in single),
        lower=column((band.lower for band in effects.band), -math.inf),
        upper=column((band.upper for band in effects.band), math.inf),
        control_values=column(effect.control_value for effect in single),
        treatment_values=column(effect.treatment_value for effect in single),
        tested=tested[0],
        difference=estimate_of(tested[1].absolute),
        confidence_level=effects.confidence_level,
    )


def value_shares(name: str, arm: ValueCounts, values: Floats | None, level: float) -> ValueShares:
    """Return an arm's values; with `values`, each of these with the interval of its share."""
    from abtest.show.distribution_plot import ValueShares
    from abtest.stats.proportions.one_sample import proportion_interval

    if values is None:
        return ValueShares(name, arm.values, arm.counts, arm.nulls)
    counts = np.zeros(values.size, dtype=np.int64)
    counts[np.searchsorted(values, arm.values)] = arm.counts
    limits = [proportion_interval(int(k), arm.n, confidence_level=level).interval for k in counts]
    lower, upper = np.array(limits, dtype=np.float64).T
    return ValueShares(name, values, counts, arm.nulls, lower, upper)


def estimate_of(interval: Interval) -> Estimate:
    """Return an interval as figures write it: of the numbers that `verdict.json` holds.

    A difference such as 6.850000000000002 would else be rounded up here and down in the table.
    """
    from abtest.show.estimate_words import Estimate
    from abtest.show.numbers import json_number

    value = json_number(interval.estimate)
    return Estimate(
        math.nan if value is None else value,
        json_number(interval.lower),
        json_number(interval.upper),
    )
