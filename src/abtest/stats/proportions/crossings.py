"""Where a falling test statistic crosses its critical value: limits by inversion of the test."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from abtest.stats.moments import Floats
from abtest.stats.results import Alternative, RelativeInterval

Columns: TypeAlias = tuple[Floats, ...]

_XTOL = 1e-30
_RTOL = 1e-13
_TOLERANCES = {"xatol": _XTOL, "xrtol": _RTOL, "fatol": 0.0, "frtol": 0.0}
_FEW = 2
_LOG_RATIO_LIMIT = 300.0
"""Ratios outside exp(-300) .. exp(300) are 0 or without end."""


def crossing_rows(
    statistic: Callable[..., Floats], level: float, low: Floats, high: Floats, rows: Columns
) -> Floats:
    """Return where falling statistics cross `level`, each on its own [low, high].

    Where one does not it is the end that it stays at.

    Parameters
    ----------
    statistic
        Called with bounds and as much of `rows` as belongs to them.
    level
        What is crossed.
    low, high
        Ends, shape (r,).
    rows
        What else the statistic is told, each of shape (r,).
    """
    from scipy.optimize import elementwise

    def excess(bound: Floats, *columns: Floats) -> Floats:
        with np.errstate(all="ignore"):  # infinite at the ends, where no variance is left
            return np.clip(statistic(bound, *columns) - level, -1e6, 1e6)

    inner_low, inner_high = low + 1e-15, high - 1e-15
    at_low, at_high = excess(inner_low, *rows), excess(inner_high, *rows)
    inside = (inner_low < inner_high) & (at_low > 0.0) & (at_high < 0.0)
    found = np.where((at_low <= 0.0) | (inner_low >= inner_high), low, high)
    if inside.any():
        found[inside] = elementwise.find_root(
            excess,
            (inner_low[inside], inner_high[inside]),
            args=tuple(column[inside] for column in rows),
            tolerances=_TOLERANCES,
        ).x
    return found


def ratio_set(
    statistic: Callable[[float], float],
    critical: float,
    parts: tuple[float, float],
    alternative: Alternative,
) -> RelativeInterval:
    """Return ratio - 1 with all values that a falling statistic of the ratio does not reject.

    ``half_line`` if the denominator is 0, ``unbounded`` if both parts are: then there is no
    estimate. One-sided sets are half lines as well.

    Parameters
    ----------
    statistic
        Of the logarithm of the ratio, positive below the estimate.
    critical
        Quantile of the normal distribution.
    parts
        Numerator and denominator of the estimated ratio, neither below 0.
    alternative
        ``greater`` keeps the set open upwards, ``less`` downwards.
    """
    above, below = parts
    estimate = above / below - 1.0 if below else None
    # a log ratio inside the set: the estimate, or next to 0 or infinity where that is one
    start = _LOG_RATIO_LIMIT * ((above > 0) - (below > 0))
    if above and below:
        start = math.log(above / below)
    lower: float | None = None
    upper: float | None = None
    if alternative != "less":
        low = _outwards(statistic, critical, start, -1.0) if above else None
        lower = -1.0 if low is None else math.expm1(low)
    if alternative != "greater" and below:
        high = _outwards(statistic, -critical, start, 1.0)
        upper = None if high is None else math.expm1(high)
    if (not above and not below) or (lower is None and upper is None):
        return RelativeInterval(estimate, None, None, "unbounded")
    bounded = lower is not None and upper is not None
    return RelativeInterval(estimate, lower, upper, "bounded" if bounded else "half_line")


def root(
    function: Callable[..., float | Floats], low: float, high: float, args: tuple[float, ...] = ()
) -> float:
    """Return where the function, of opposite signs at the two ends, is zero."""
    # Only here: it takes longer to import than an analysis without rare successes takes.
    from scipy import optimize

    found = optimize.brentq(function, low, high, args, xtol=_XTOL, rtol=_RTOL, maxiter=1000)
    return float(found)


def zeros(function: Callable[..., Floats], rows: Columns) -> Floats:
    """Return where functions that rise from below 0 at 0 to above 0 at 1 are 0, one for each row.

    Parameters
    ----------
    function
        Called with places and as much of `rows` as belongs to them.
    rows
        What else it is told, each of shape (r,).
    """
    size = rows[0].size
    if size <= _FEW:  # one after the other: the search of many takes longer to begin with
        return np.array([root(function, 0.0, 1.0, of) for of in zip(*rows, strict=True)])
    from scipy.optimize import elementwise

    ends = np.zeros(size), np.ones(size)
    return np.asarray(elementwise.find_root(function, ends, args=rows, tolerances=_TOLERANCES).x)


def _outwards(
    statistic: Callable[[float], float], level: float, start: float, direction: float
) -> float | None:
    """Return where a falling statistic of log ratio crosses `level`; None if it never does."""
    # the statistic has the level's sign beyond the crossing: walk until it does
    step, near = 1.0, start
    while abs(near) <= _LOG_RATIO_LIMIT:
        far = near + direction * step
        if direction * (statistic(far) - level) <= 0.0:
            ends = (near, far) if direction > 0.0 else (far, near)
            if direction * (statistic(near) - level) <= 0.0:
                return near
            return root(lambda x: statistic(x) - level, *ends)
        near, step = far, 2.0 * step
    return None
