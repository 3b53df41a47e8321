"""Probabilities of a normal variable against a random standard deviation: t tests under effects.

With Z standard normal and s = sqrt(chi2_df / df) independent, T = (Z + d) / s is the noncentral t.
Everything here is an integral over s by Gauss-Legendre, split so that no node is wasted where the
normal part is 0 or 1; infinite degrees of freedom are s = 1.
"""

from __future__ import annotations

import math

import numpy as np
from scipy import special

from abtest.stats.moments import Floats

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(72)
_UNIT, _UNIT_WEIGHTS = (_NODES + 1.0) / 2.0, _WEIGHTS / 2.0
_FAR = 8.6
"""Standard deviations beyond which a normal tail is below 1e-17."""


def below_line(shift: Floats, slope: Floats, df: Floats, limit: Floats | None = None) -> Floats:
    """Return P(Z < shift - slope s, s < limit); without a limit it is P(T' > slope).

    T' is noncentral t with noncentrality `shift`.

    Parameters
    ----------
    shift, slope, df, limit
        Shape (r,), slope above 0; df may be infinite.

    Examples
    --------
    >>> one = np.ones(1)
    >>> float(below_line(2.5 * one, 2.1009 * one, 18 * one)[0]).__round__(4)
    0.6573
    """
    if limit is None:
        limit = np.full(shift.shape, math.inf)
    result = np.where(limit > 1.0, special.ndtr(shift - slope), 0.0)
    finite = np.isfinite(df)
    if finite.any():
        result[finite] = _below_line(shift[finite], slope[finite], df[finite], limit[finite])
    return result


def scale_below(limit: Floats, df: Floats) -> Floats:
    """Return P(s < limit)."""
    safe = np.where(np.isfinite(df), df, 1.0)
    inside = special.gammainc(safe / 2.0, safe / 2.0 * np.clip(limit, 0.0, 1e100) ** 2)
    return np.where(np.isfinite(df), inside, limit > 1.0)


def below_two_lines(
    shifts: tuple[Floats, Floats],
    slopes: tuple[Floats, Floats],
    correlation: Floats,
    df: Floats,
) -> Floats:
    """Return P(X < shift_0 - slope_0 s and Y < shift_1 - slope_1 s), X and Y correlated normal.

    The inner probability is Owen's (1956, Ann. Math. Stat. 27, 1075) by his T function.
    Near correlation -1 it has a sharp corner where the lines add up to 0; what it would be there
    at -1 is integrated as two lines, and the rest from the corner outwards.
    """
    result = _bivariate(shifts[0] - slopes[0], shifts[1] - slopes[1], correlation)
    finite = np.isfinite(df)
    if finite.any():
        result[finite] = _below_two_lines(
            (shifts[0][finite], shifts[1][finite]),
            (slopes[0][finite], slopes[1][finite]),
            correlation[finite],
            df[finite],
        )
    return np.clip(result, 0.0, 1.0)


def _below_two_lines(
    shifts: tuple[Floats, Floats],
    slopes: tuple[Floats, Floats],
    correlation: Floats,
    df: Floats,
) -> Floats:
    corner = np.maximum((shifts[0] + shifts[1]) / (slopes[0] + slopes[1]), 0.0)
    both = _below_line(np.concatenate(shifts), np.concatenate(slopes), _twice(df), _twice(corner))
    total = both.reshape(2, -1).sum(axis=0) - scale_below(corner, df)
    low, high = _scale_range(df)
    start = np.clip(corner, low, high)
    # from the corner up, and from the corner down, where the weights are negative
    scales, weights = _nodes(_twice(start), np.concatenate([high, low]), _twice(df))
    h, k = (
        _twice(d)[:, None] - _twice(q)[:, None] * scales
        for d, q in zip(shifts, slopes, strict=True)
    )
    corner_value = np.maximum(special.ndtr(h) - special.ndtr(-k), 0.0)
    rest = _bivariate(h, k, _twice(correlation)[:, None]) - corner_value
    up, down = (weights * rest).sum(axis=1).reshape(2, -1)
    return np.asarray(total + up - down)


def _twice(row: Floats) -> Floats:
    return np.concatenate([row, row])


def _below_line(shift: Floats, slope: Floats, df: Floats, limit: Floats) -> Floats:
    low, high = _scale_range(df)
    certain = np.clip((shift - _FAR) / slope, 0.0, limit)  # below it the normal part is 1
    start = np.maximum(low, certain)
    end = np.maximum(np.minimum(np.minimum(high, limit), (shift + _FAR) / slope), start)
    scales, weights = _nodes(start, end, df)
    inner = special.ndtr(shift[:, None] - slope[:, None] * scales)
    return np.asarray(scale_below(certain, df) + (weights * inner).sum(axis=1))


def _scale_range(df: Floats) -> tuple[Floats, Floats]:
    """Return values of s with less than 1e-16 outside (Wilson & Hilferty 1931)."""
    spread = 2.0 / (9.0 * df)
    low = np.maximum(1.0 - spread - 9.5 * np.sqrt(spread), 0.0) ** 1.5
    return low, (1.0 - spread + 9.5 * np.sqrt(spread)) ** 1.5


def _nodes(low: Floats, high: Floats, df: Floats) -> tuple[Floats, Floats]:
    """Return nodes and weights of shape (r, m) of the distribution of s from low to high.

    Nodes go to `low` with the third power, which smooths the power of s that a density has at 0.
    With `high` below `low` the weights are negative.
    """
    width = (high - low)[:, None]
    scales = np.maximum(low[:, None] + width * _UNIT**3, 1e-300)
    u = scales - 1.0
    a = df / 2.0
    log_s = np.where(scales < 0.5, np.log(scales), np.log1p(np.maximum(u, -0.5)))
    # density c s^(df - 1) exp(-df s^2 / 2), written about s = 1 so that nothing cancels
    constant = math.log(2.0) + 0.5 * np.log(a / (2.0 * math.pi)) - _stirling_rest(a)
    power = df[:, None] * (log_s - u - 0.5 * u * u) - log_s
    density = np.exp(constant[:, None] + power)
    return scales, density * width * 3.0 * _UNIT**2 * _UNIT_WEIGHTS


def _stirling_rest(a: Floats) -> Floats:
    """Return log Gamma(a) - (a - 1/2) log a + a - log(2 pi) / 2 (Abramowitz & Stegun 6.1.41)."""
    large = 1.0 / (12.0 * a) - 1.0 / (360.0 * a**3) + 1.0 / (1260.0 * a**5)
    small = special.gammaln(a) - (a - 0.5) * np.log(a) + a - 0.5 * math.log(2.0 * math.pi)
    return np.asarray(np.where(a > 100.0, large, small))


def _bivariate(h: Floats, k: Floats, correlation: Floats) -> Floats:
    h, k = (np.where(np.abs(x) < 1e-290, 1e-290, x) for x in (h, k))
    rest = np.sqrt((1.0 - correlation) * (1.0 + correlation))
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        towards_k = np.clip((k - correlation * h) / (h * rest), -1e300, 1e300)
        towards_h = np.clip((h - correlation * k) / (k * rest), -1e300, 1e300)
    both = 0.5 * (special.ndtr(h) + special.ndtr(k) - (h * k < 0.0))
    return np.asarray(both - special.owens_t(h, towards_k) - special.owens_t(k, towards_h))
