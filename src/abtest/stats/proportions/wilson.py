"""Wilson's score limits of one proportion, on numbers or arrays."""

from __future__ import annotations

import numpy as np

from abtest.stats.moments import Floats
from abtest.stats.proportions.score_statistics import Numbers


def wilson_limits(successes: Numbers, n: Numbers, critical: Numbers) -> tuple[Floats, Floats]:
    """Return the proportions that differ from the observed one by `critical` standard errors.

    The roots of (x / n - p)^2 = z^2 p (1 - p) / n (Wilson 1927, JASA 22, 209).

    Examples
    --------
    >>> [round(float(limit), 4) for limit in wilson_limits(81, 263, 1.959964)]
    [0.2553, 0.3662]
    """
    x, units = np.asarray(successes, dtype=np.float64), np.asarray(n, dtype=np.float64)
    square = np.asarray(critical, dtype=np.float64) ** 2
    above = x + square / 2.0 + np.sqrt(square * (x * (units - x) / units + square / 4.0))
    with np.errstate(invalid="ignore"):  # 0 / 0 with a critical value of 0 and no success
        lower = np.where(x > 0.0, x * x / (units * above), 0.0)  # by the product of the roots
    return lower, np.minimum(above / (units + square), 1.0)
