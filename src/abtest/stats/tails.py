"""Tail probabilities whose logarithm stays finite, and tests and quantiles made from them."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np
from scipy import special

from abtest.stats.moments import Floats
from abtest.stats.results import Alternative, Test

_SMALLEST_DIRECT = 1e-280
"""Below this the library's tail functions lose digits or underflow; the log series take over."""
_MAX_TERMS = 20_000


def tail_test(statistic: float, df: float | None, alternative: Alternative) -> Test:
    """Return the test of a t statistic, or of a standard normal one where `df` is None.

    The p-value is a survival function, never one minus a distribution function, so that it keeps
    its digits far in the tail; `log10_p` is finite even where the p-value itself underflows to 0.

    Parameters
    ----------
    statistic
        Estimate minus bound over its standard error; positive favours ``greater``.
    df
        Degrees of freedom of Student's t; None for the standard normal.
    alternative
        ``two-sided``, ``greater`` or ``less``.

    Examples
    --------
    >>> round(tail_test(2.0, 10.0, "two-sided").p_value, 6)
    0.073388
    >>> round(tail_test(60.0, None, "greater").log10_p, 3)
    -783.907
    """
    if alternative == "two-sided":
        log_p = min(math.log(2.0) + log_upper_tail(abs(statistic), df), 0.0)
        p_value = min(2.0 * upper_tail(abs(statistic), df), 1.0)
    else:
        directed = statistic if alternative == "greater" else -statistic
        log_p = log_upper_tail(directed, df)
        p_value = upper_tail(directed, df)
    return Test(p_value, log_p / math.log(10.0), statistic, df, alternative)


def upper_tail(x: float, df: float | None) -> float:
    """Return P(T > x) for Student's t with `df` degrees of freedom, or the normal for None."""
    return float(special.ndtr(-x) if df is None else special.stdtr(df, -x))


def log_upper_tail(x: float, df: float | None) -> float:
    """Return the natural logarithm of P(T > x), finite wherever it is representable.

    For t the far tail is half of the regularised incomplete beta function I_z(df/2, 1/2) at
    z = df / (df + x^2) (Abramowitz & Stegun 1964, 26.7.1), by its continued fraction.
    """
    if df is None:
        return float(special.log_ndtr(-x))
    direct = upper_tail(x, df)
    if direct > _SMALLEST_DIRECT or x <= 0.0:
        return math.log(direct)
    if math.isinf(x):
        return -math.inf
    return _log_student_tail(x, df)


def quantile(probability_above: float, df: float | None) -> float:
    """Return q with P(T > q) = `probability_above` for Student's t, or the normal for None."""
    q = special.ndtri(probability_above) if df is None else special.stdtrit(df, probability_above)
    return -float(q)


@lru_cache(maxsize=256)  # an absolute and a relative interval share theirs
def critical_value(confidence_level: float, df: float | None, *, two_sided: bool) -> float:
    """Return the quantile that an interval of this level uses."""
    outside = 1.0 - confidence_level
    return quantile(outside / 2.0 if two_sided else outside, df)


def critical_values(confidence_level: float, df: Floats, *, two_sided: bool) -> Floats:
    """Return `critical_value` for many degrees of freedom; infinite ones are the normal."""
    outside = (1.0 - confidence_level) / (2.0 if two_sided else 1.0)
    normal = np.isinf(df)
    student = special.stdtrit(np.where(normal, 1.0, df), outside)
    return np.asarray(-np.where(normal, special.ndtri(outside), student))


def tail_rows(statistic: Floats, df: Floats, alternative: Alternative) -> tuple[Floats, Floats]:
    """Return p-values and their base-10 logarithms of many tests, as `tail_test` gives for one.

    Parameters
    ----------
    statistic, df
        Shape (r,); infinite degrees of freedom are the normal, NaN stays NaN.
    alternative
        ``two-sided``, ``greater`` or ``less``.
    """
    two_sided = alternative == "two-sided"
    x = np.abs(statistic) if two_sided else statistic * (1.0 if alternative == "greater" else -1.0)
    normal = np.isinf(df)
    tail = np.where(normal, special.ndtr(-x), special.stdtr(np.where(normal, 1.0, df), -x))
    p_value = np.minimum(2.0 * tail, 1.0) if two_sided else tail
    with np.errstate(divide="ignore"):  # where p underflows the logarithm is made by itself
        log10_p = np.log10(p_value)
    for row in np.flatnonzero(tail <= _SMALLEST_DIRECT):
        log_tail = log_upper_tail(float(x[row]), None if normal[row] else float(df[row]))
        log10_p[row] = (log_tail + (math.log(2.0) if two_sided else 0.0)) / math.log(10.0)
    return p_value, log10_p


def chi_square_test(statistic: float, df: int) -> Test:
    """Return the upper-tail test of a chi-square statistic with `df` degrees of freedom.

    Examples
    --------
    >>> round(chi_square_test(3.841459, 1).p_value, 6)
    0.05
    """
    p_value = float(special.gammaincc(df / 2.0, statistic / 2.0))
    log_p = (
        math.log(p_value)
        if p_value > _SMALLEST_DIRECT
        else _log_upper_gamma(df / 2.0, statistic / 2.0)
    )
    return Test(p_value, log_p / math.log(10.0), statistic, float(df), "two-sided")


def f_tail(statistic: float, df1: float, df2: float) -> tuple[float, float]:
    """Return P(F > statistic) and its base-10 logarithm, finite where the first underflows.

    The tail is the regularised incomplete beta function at z = df2 / (df2 + df1 F) (Abramowitz &
    Stegun 1964, 26.6.2), far out by its continued fraction.

    Examples
    --------
    >>> round(f_tail(4.0, 1.0, 10.0)[0], 6), round(f_tail(1e40, 2.0, 90.0)[1], 3)
    (0.073388, -1725.605)
    """
    p_value = float(special.fdtrc(df1, df2, statistic))
    if p_value > _SMALLEST_DIRECT:
        return p_value, math.log10(p_value)
    a, b = df2 / 2.0, df1 / 2.0
    odds = df1 / df2 * statistic
    if math.isinf(odds):
        return 0.0, -math.inf
    log_z, log_rest = -math.log1p(odds), math.log(odds) - math.log1p(odds)
    log_p = _log_incomplete_beta(a, b, (log_z, log_rest), float(special.betaln(a, b)))
    return p_value, log_p / math.log(10.0)


def _log_student_tail(x: float, df: float) -> float:
    """Return log P(T > x) far in the tail, from the continued fraction of the incomplete beta."""
    a, b = df / 2.0, 0.5
    scaled = x / math.sqrt(df)
    # log(1 + scaled^2) without squaring what would overflow
    log_growth = 2.0 * math.log(scaled) if scaled > 1e8 else math.log1p(scaled * scaled)
    log_rest = 2.0 * math.log(scaled) - log_growth  # log(1 - z), which would cancel near z = 1
    # log B(a, 1/2); betaln subtracts two large logarithms and loses digits for large a
    log_beta = 0.5 * math.log(math.pi) - math.log(float(special.poch(a, b)))
    return math.log(0.5) + _log_incomplete_beta(a, b, (-log_growth, log_rest), log_beta)


def _log_incomplete_beta(a: float, b: float, logs: tuple[float, float], log_beta: float) -> float:
    """Return log I_z(a, b) for z below a / (a + b), by its continued fraction (DLMF 8.17.22).

    `logs` are those of z and of 1 - z; `log_beta` is log B(a, b).
    """
    log_z, log_rest = logs
    z = math.exp(log_z)

    def step(m: int) -> float:
        """Coefficient m (from 1)."""
        k = m // 2
        if m % 2 == 0:
            return k * (b - k) * z / ((a + 2 * k - 1) * (a + 2 * k))
        return -(a + k) * (a + b + k) * z / ((a + 2 * k) * (a + 2 * k + 1))

    fraction = _lentz(1.0, step, lambda _: 1.0)
    return a * log_z + b * log_rest - math.log(a) - log_beta - math.log(fraction)


def _log_upper_gamma(a: float, x: float) -> float:
    """Return log Q(a, x) for x well above a (Abramowitz & Stegun 1964, 6.5.31, even part)."""
    if math.isinf(x):
        return -math.inf
    fraction = _lentz(x + 1.0 - a, lambda m: -m * (m - a), lambda m: x + 2.0 * m + 1.0 - a)
    return a * math.log(x) - x - float(special.gammaln(a)) - math.log(fraction)


def _lentz(first: float, upper: Callable[[int], float], lower: Callable[[int], float]) -> float:
    """Return first + upper(1) / (lower(1) + upper(2) / (lower(2) + ...)).

    Modified Lentz algorithm (Thompson & Barnett 1986, J. Comput. Phys. 64, 490).
    """
    tiny = 1e-300
    value = first or tiny
    c, d = value, 0.0
    for m in range(1, _MAX_TERMS):
        numerator, denominator = upper(m), lower(m)
        d = 1.0 / ((denominator + numerator * d) or tiny)
        c = (denominator + numerator / c) or tiny
        change = c * d
        value *= change
        if abs(change - 1.0) < 1e-15:
            break
    return value
