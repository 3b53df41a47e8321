"""How far true effects spread around their average: tau squared and I squared."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

import numpy as np
from scipy import special

from abtest.stats.moments import Floats
from abtest.stats.results import Interval

SpreadMethod = Literal["dersimonian_laird", "paule_mandel", "reml"]
"""How the variance of true effects is estimated."""

_LARGE_Q = 1e4
"""Above it a noncentral chi-square is as good as normal, and its series slow."""
_GRID = np.concatenate([[0.0], 10.0 ** np.linspace(-6.0, 3.0, 91)])


def weighted_mean(effects: Floats, variances: Floats) -> float:
    """Return the mean with weights 1 / variance."""
    weights = variances.min() / variances
    return float((weights * effects).sum() / weights.sum())


def cochran_q(effects: Floats, variances: Floats) -> float:
    """Return the weighted sum of squares around the weighted mean (Cochran 1954)."""
    return float(((effects - weighted_mean(effects, variances)) ** 2 / variances).sum())


def between_variance(effects: Floats, variances: Floats, method: SpreadMethod) -> float:
    """Return tau squared, the variance of true effects, at least 0.

    Parameters
    ----------
    effects, variances
        Estimates and their sampling variances, shape (k,), k at least 2.
    method
        ``dersimonian_laird`` (1986, Control. Clin. Trials 7, 177), in one step;
        ``paule_mandel`` (1982, J. Res. NBS 87, 377): the value at which Q with weights
        1 / (v + tau2) is k - 1, which is also the estimator of Morris (1983); ``reml``:
        restricted maximum likelihood of normal effects.
    """
    if method == "dersimonian_laird":
        weights = 1.0 / variances
        spread = weights.sum() - (weights**2).sum() / weights.sum()
        excess = cochran_q(effects, variances) - (len(effects) - 1.0)
        return max(0.0, float(excess / spread))
    if method == "paule_mandel":
        return _where_q_is(len(effects) - 1.0, effects, variances)
    return _most_likely(effects, variances)


def between_interval(
    effects: Floats, variances: Floats, confidence_level: float
) -> tuple[float, float] | None:
    """Return the Q-profile interval of tau squared (Viechtbauer 2007, Stat. Med. 26, 37).

    All values at which Q with weights 1 / (v + tau2) is within the quantiles of chi-square with
    k - 1 degrees of freedom: exact for normal estimates with known variances. None where Q is
    below them even at 0 (see `too_alike`).
    """
    outside, df = (1.0 - confidence_level) / 2.0, len(effects) - 1.0
    if too_alike(cochran_q(effects, variances), len(effects) - 1, confidence_level):
        return None
    low = _where_q_is(float(special.chdtri(df, outside)), effects, variances)
    high = _where_q_is(float(special.chdtri(df, 1.0 - outside)), effects, variances)
    return low, high


def too_alike(q: float, df: int, confidence_level: float) -> bool:
    """Return whether Q is so small that no spread of true effects, not even 0, makes it likely."""
    return float(special.chdtr(df, q)) < (1.0 - confidence_level) / 2.0


def inconsistency(q: float, df: int, confidence_level: float) -> Interval:
    """Return I squared with its interval: the part of Q that is not chance.

    I2 = (Q - df) / Q, at least 0 (Higgins & Thompson 2002, Stat. Med. 21, 1539). Given the true
    effects Q is a noncentral chi-square with noncentrality l; the limits of l that it allows
    become limits of l / (l + df). Unlike the logarithmic interval of that paper, which is
    within a point or two of it, it exists for two segments as well. No limits where the set is
    empty (see `too_alike`).

    Parameters
    ----------
    q
        Cochran's Q.
    df
        Segments - 1.
    confidence_level
        Of the interval.

    Examples
    --------
    >>> interval = inconsistency(152.233, 12, 0.95)
    >>> [round(x, 3) for x in (interval.estimate, interval.lower, interval.upper)]
    [0.921, 0.891, 0.941]
    """
    if too_alike(q, df, confidence_level):
        return Interval(0.0, None, None)
    outside = (1.0 - confidence_level) / 2.0
    low, high = (_noncentrality(q, df, below) for below in (1.0 - outside, outside))
    return Interval(
        max(0.0, (q - df) / q) if q > 0.0 else 0.0, low / (low + df), high / (high + df)
    )


def _noncentrality(q: float, df: int, below: float) -> float:
    """Return l with P(noncentral chi-square < q) = `below`, or 0 where even 0 gives less."""
    if special.chdtr(df, q) <= below:
        return 0.0
    if q < _LARGE_Q:
        return float(special.chndtrinc(q, df, below))
    # (q - df - l)^2 = 2 z^2 (df + 2 l)
    z = float(special.ndtri(below))
    centre = q - df + 2.0 * z * z
    root = abs(z) * math.sqrt(4.0 * (q - df) + 4.0 * z * z + 2.0 * df)
    return max(0.0, centre - math.copysign(root, z))


def _where_q_is(target: float, effects: Floats, variances: Floats) -> float:
    """Return tau squared at which the generalised Q, which falls, is `target`; at least 0."""

    def excess(tau2: float) -> float:
        return cochran_q(effects, variances + tau2) - target

    if excess(0.0) <= 0.0:
        return 0.0
    high = float(variances.max() + np.ptp(effects) ** 2)
    while excess(high) > 0.0:
        high *= 4.0
    return _root(excess, 0.0, high)


def _most_likely(effects: Floats, variances: Floats) -> float:
    """Return tau squared of the largest restricted likelihood, which may have several peaks."""
    unit = float(variances.min() + np.ptp(effects) ** 2)
    grid = unit * _GRID
    best = int(np.argmax([_restricted_likelihood(effects, variances, tau2) for tau2 in grid]))

    def score(tau2: float) -> float:
        weights = 1.0 / (variances + tau2)
        mean = weighted_mean(effects, variances + tau2)
        squares = (weights**2 * (effects - mean) ** 2).sum()
        return float(squares - weights.sum() + (weights**2).sum() / weights.sum())

    low, high = float(grid[max(best - 1, 0)]), float(grid[min(best + 1, len(grid) - 1)])
    if score(low) <= 0.0:
        return low
    return _root(score, low, high) if score(high) < 0.0 else high


def _restricted_likelihood(effects: Floats, variances: Floats, tau2: float) -> float:
    total = variances + tau2
    precision = (1.0 / total).sum()
    return -0.5 * float(np.log(total).sum() + math.log(precision) + cochran_q(effects, total))


def _root(function: Callable[[float], float], low: float, high: float) -> float:
    """Return where the function, of opposite signs at the two ends, is zero."""
    from scipy import optimize

    return float(optimize.brentq(function, low, high, xtol=1e-14 * high, rtol=1e-13, maxiter=500))
