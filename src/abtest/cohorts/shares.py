"""A share of units with its limits, where there are units."""

from __future__ import annotations

import math

from abtest.stats import proportion_interval


def share_limits(successes: int, units: int, confidence_level: float) -> tuple[float, float, float]:
    """Return a share with Wilson's limits; three times NaN without units.

    Examples
    --------
    >>> [round(number, 3) for number in share_limits(1, 4, 0.95)]
    [0.25, 0.046, 0.699]
    >>> share_limits(0, 0, 0.95)
    (nan, nan, nan)
    """
    if not units:
        return math.nan, math.nan, math.nan
    low, high = proportion_interval(successes, units, confidence_level=confidence_level).interval
    return successes / units, math.nan if low is None else low, math.nan if high is None else high
