"""The acceleration of BCa intervals, by leaving out one unit at a time."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np

from abtest.stats.moments import Floats
from abtest.stats.resampling.statistic import Mean, Statistic
from abtest.stats.value_counts import ValueCounts

_CELLS = 2_000_000


def left_out(statistic: Statistic, sample: ValueCounts) -> Floats:
    """Return the statistic without one unit of each distinct value, shape (k,)."""
    if isinstance(statistic, Mean):
        n = sample.n
        mean = statistic.of(sample)
        return mean + (mean - sample.values) / (n - 1.0)
    k = sample.values.size
    rows = max(_CELLS // k, 1)
    found = []
    for start in range(0, k, rows):
        places = np.arange(start, min(start + rows, k))
        weights = np.tile(sample.counts.astype(np.float64), (places.size, 1))
        weights[np.arange(places.size), places] -= 1.0
        found.append(statistic.rows(sample.values, weights))
    return np.concatenate(found)


def acceleration(
    values: tuple[float, float],
    jackknifed: tuple[Floats, Floats],
    arms: tuple[ValueCounts, ValueCounts],
    scale: Literal["difference", "relative"],
) -> float:
    """Return the acceleration of an effect of two arms.

    sum_ij U_ij^3 / n_j^3 over 6 (sum_ij U_ij^2 / n_j^2)^(3/2), with U_ij = (n_j - 1) (mean of the
    effects without one unit of arm j - that without unit i) (Davison & Hinkley 1997, section 5.3).

    Parameters
    ----------
    values
        Of the statistic in control and treatment.
    jackknifed
        From `left_out`.
    arms
        Units of each.
    scale
        Of the effect: treatment - control, or that over |control|.
    """
    pulls = []
    for arm in (0, 1):
        parts = [np.asarray(value) for value in values]
        parts[arm] = jackknifed[arm]
        effects = parts[1] - parts[0]
        if scale == "relative":
            with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
                effects = effects / np.abs(parts[0])
            if not np.isfinite(effects).all():
                return 0.0  # without one unit control is 0
        counts, n = arms[arm].counts, arms[arm].n
        middle = float(effects[counts.argmax()])
        middle += float((effects - middle) @ counts) / n
        pulls.append((middle - effects) * ((n - 1.0) / n))
    unit = max(float(np.abs(pull).max()) for pull in pulls)
    if not (np.isfinite(unit) and unit > 0.0):
        return 0.0
    squares = cubes = 0.0
    for pull, sample in zip(pulls, arms, strict=True):
        squares += float((pull / unit) ** 2 @ sample.counts)
        cubes += float((pull / unit) ** 3 @ sample.counts)
    return cubes / (6.0 * math.sqrt(squares) ** 3)
