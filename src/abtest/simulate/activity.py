"""On which days users are active: gamma-mixed intensities that give a stated retention curve."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from abtest.simulate.rhythm import Floats

BISECTIONS = 60


def retention_curve(knots: Sequence[tuple[float, float]], days: Floats) -> Floats:
    """Return the share of new users active on each day of age.

    Everyone is active on day 0, the day of signing up. From day 1 the curve passes through
    `knots`, straight in log share over log day, and goes on with its last slope.

    Examples
    --------
    >>> retention_curve(((1.0, 0.91), (7.0, 0.31), (30.0, 0.075)), np.array([0.0, 1.0, 7.0, 30.0]))
    array([1.   , 0.91 , 0.31 , 0.075])
    """
    age = np.log([day for day, _ in knots])
    share = np.log([value for _, value in knots])
    at = np.log(np.maximum(days, 1.0))
    inside = np.interp(at, age, share)
    slope = (share[-1] - share[-2]) / (age[-1] - age[-2]) if len(knots) > 1 else 0.0
    beyond = share[-1] + slope * (at - age[-1])
    return np.where(days < 1, 1.0, np.exp(np.where(at > age[-1], beyond, inside)))


def daily_rate(share: Floats, shape: float, weekdays: Sequence[float]) -> Floats:
    """Return the rate h at which the given share of users is active on a day.

    For a gamma activity g of mean 1 and shape k, E[1 - exp(-g h w)] = 1 - (1 + h w / k)^-k
    (the Laplace transform of a gamma). The rate solves this averaged over the weekday
    weights w, by bisection: the average rises with h.
    """
    weights = np.asarray(weekdays)[:, None]
    low, high = np.full(share.shape, -30.0), np.full(share.shape, 30.0)
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        active = 1 - np.mean((1 + np.exp(middle) * weights / shape) ** -shape, axis=0)
        low, high = np.where(active < share, middle, low), np.where(active < share, high, middle)
    return np.asarray(np.exp((low + high) / 2))
