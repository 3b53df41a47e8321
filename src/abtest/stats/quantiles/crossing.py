"""How far out the largest of many quantiles' deviations is: the critical value of a band."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import special

from abtest.stats.moments import Floats

_HIGHEST = 7.1
"""Beyond, single tails are below 1e-12 and are simply added."""
_LOWEST = -4.0
_DEGREE = 32
_NARROWEST = 0.05
"""Quantiles nearer than this are taken as this far apart, which makes the band wider."""


@dataclass(frozen=True, eq=False)
class Crossing:
    """The chance that any of the deviations at some quantiles is above z, as a function of z.

    Attributes
    ----------
    count
        How many quantiles.
    two_sided
        Whether deviations downwards count too.
    log_chances
        Chebyshev coefficients of the logarithm of the chance, from the least to the highest z.
    """

    count: int
    two_sided: bool
    log_chances: Floats

    def chance(self, tail: float) -> float:
        """Return the adjusted p-value of a quantile whose own p-value is `tail`."""
        if tail >= 1.0:
            return 1.0
        z = -float(special.ndtri(tail / 2.0 if self.two_sided else tail))
        if z >= _HIGHEST:
            return min(self.count * tail, 1.0)
        if z <= _least(self.two_sided):
            return 1.0
        return min(max(math.exp(self._log(z)), tail), 1.0)

    def level(self, outside: float) -> float:
        """Return the p-value of a single quantile whose adjusted one is `outside`."""
        if outside < self.chance(2e-12):
            return outside / self.count
        low, high = outside / self.count, outside
        for _ in range(200):  # bisection: to the last digit of what `chance` says
            middle = math.sqrt(low * high)
            if not low < middle < high:
                break
            if self.chance(middle) < outside:
                low = middle
            else:
                high = middle
        return high

    def _log(self, z: float) -> float:
        least = _least(self.two_sided)
        x = (2.0 * z - least - _HIGHEST) / (_HIGHEST - least)
        return float(np.polynomial.chebyshev.chebval(x, self.log_chances))


def _least(two_sided: bool) -> float:
    return 0.0 if two_sided else _LOWEST


@lru_cache(maxsize=32)
def crossing(shares: tuple[float, ...], *, two_sided: bool) -> Crossing:
    """Return the chances for these quantiles, rising.

    The deviations of a sample's quantiles in units of their error are a Brownian bridge over
    sqrt(p (1 - p)), with correlations sqrt(p (1 - q) / (q (1 - p))) for p < q: in the odds of p
    the process that group-sequential tests watch, and by the same recursion (Armitage, McPherson
    & Rowe 1969, JRSS A 132, 235) the chance that it first leaves at each quantile is added up.

    Examples
    --------
    Odds of 1 to 5 are five looks of Pocock's test, whose constant is 2.413:

    >>> five = crossing(tuple(k / (k + 1) for k in range(1, 6)), two_sided=True)
    >>> round(-float(special.ndtri(five.level(0.05) / 2.0)), 3)
    2.413
    """
    least = _least(two_sided)
    points = np.polynomial.chebyshev.chebpts1(_DEGREE + 1)
    heights = least + (_HIGHEST - least) * (points + 1.0) / 2.0
    logs = np.log([_chance(z, shares, two_sided=two_sided) for z in heights.tolist()])
    fitted = np.polynomial.chebyshev.chebfit(points, logs, _DEGREE)
    return Crossing(len(shares), two_sided, np.asarray(fitted))


@lru_cache(maxsize=8)
def _legendre(points: int) -> tuple[Floats, Floats]:
    """Return nodes and weights of Gauss and Legendre: six to a step over the widest range."""
    nodes, weights = special.roots_legendre(points)
    return nodes, weights


def _chance(z: float, shares: tuple[float, ...], *, two_sided: bool) -> float:
    """Return the chance that the process is beyond z at any of the quantiles."""
    p = np.array(shares)
    squares = p[:-1] * (1.0 - p[1:]) / (p[1:] * (1.0 - p[:-1]))
    steps = np.maximum(np.sqrt(1.0 - squares), _NARROWEST)
    floor = -z if two_sided else -9.0
    nodes, weights = _legendre(max(64, math.ceil(100.0 / steps.min(initial=1.0))))
    x = floor + (z - floor) * (nodes + 1.0) / 2.0
    weights = weights * (z - floor) / 2.0
    inside = np.exp(-x * x / 2.0) / math.sqrt(2.0 * math.pi)
    left = (2.0 if two_sided else 1.0) * float(special.ndtr(-z))
    for step in steps.tolist():
        pull = math.sqrt(1.0 - step * step)
        beyond = special.ndtr(-(z - pull * x) / step)
        if two_sided:
            beyond = beyond + special.ndtr(-(z + pull * x) / step)
        left += float(weights * inside @ beyond)
        moved = np.exp(-(((x[:, None] - pull * x) / step) ** 2) / 2.0)
        inside = moved @ (weights * inside) / (step * math.sqrt(2.0 * math.pi))
    return left
