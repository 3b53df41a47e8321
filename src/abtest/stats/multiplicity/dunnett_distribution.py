"""The largest of several t statistics that share one control, by quadrature."""

from __future__ import annotations

import math

import numpy as np
from scipy import special

from abtest.stats.moments import Floats

_LARGEST_LOADING = 1.0 - 2e-6
"""Two treatments without variation would have 1; this errs on the safe side by a thousandth."""
_STEPS = 3.0
"""Nodes per standard deviation of the narrowest part: an error of exp(-(3 pi)^2)."""
_REACH = 9.0
"""Standard deviations after which a normal density is below 1e-17 of its peak."""
_LARGEST_Z = 39.0
"""The normal density underflows beyond."""
_NORMAL_DF = 1e8
"""Above this many degrees of freedom t is the normal to eight digits."""


def exceedance(critical: float, loadings: Floats, df: float | None, *, two_sided: bool) -> float:
    """Return the probability that any of m standard statistics lies beyond `critical`.

    T_j = (b_j Z_0 + sqrt(1 - b_j^2) Z_j) / S, so that two of them correlate by b_i b_j, and S^2
    is a common chi-square / df (Dunnett 1955, JASA 50, 1096; 1964, Biometrics 20, 482). Given
    Z_0 (and S) they are independent: what is left is an integral over Z_0 (and one over log S),
    by the trapezoidal rule, which for these integrands converges exponentially. Nothing is
    random. The probability of the tail is summed itself, not as one minus the rest, and keeps
    about ten digits down to 1e-280.

    Parameters
    ----------
    critical
        Bound c: of |T_j| where two-sided, else of T_j.
    loadings
        b_j, shape (m,), each from 0 to 1.
    df
        Degrees of freedom; None for the normal distribution.
    two_sided
        Whether both tails count.

    Examples
    --------
    Dunnett's table: three treatments, twenty degrees of freedom, 5%.

    >>> round(exceedance(2.54, np.sqrt([0.5, 0.5, 0.5]), 20.0, two_sided=True), 3)
    0.05
    """
    if math.isinf(critical):
        return 0.0 if critical > 0.0 or two_sided else 1.0
    b = np.minimum(np.asarray(loadings, dtype=np.float64), _LARGEST_LOADING)
    if df is None or df > _NORMAL_DF:
        return min(float(_given_scale(np.array([critical]), b, two_sided=two_sided)[0]), 1.0)
    scale, weights = _log_scale_nodes(critical, df)
    tail = _given_scale(critical * scale, b, two_sided=two_sided)
    return min(float(weights @ tail), 1.0)


def critical_of(error: float, loadings: Floats, df: float | None, *, two_sided: bool) -> float:
    """Return the bound that any of the statistics exceeds with probability `error`.

    Raises
    ------
    ValueError
        If `error` is not between 0 and 1.

    Examples
    --------
    >>> round(critical_of(0.05, np.sqrt([0.5, 0.5]), None, two_sided=True), 4)
    2.2121
    """
    from scipy import optimize

    tail = error / 2.0 if two_sided else error
    low, high = _t_quantile(tail, df), _t_quantile(tail / len(loadings), df)
    if len(loadings) == 1 or low == high:
        return low

    def excess(bound: float) -> float:
        return math.log(exceedance(bound, loadings, df, two_sided=two_sided) / error)

    # between one test and Bonferroni's; a little wider, since both ends are rounded
    slack = 1e-9 * (1.0 + abs(high))
    low, high = low - slack, high + slack
    if excess(low) <= 0.0:
        return low
    return float(optimize.brentq(excess, low, high, xtol=1e-12, rtol=1e-14))


def _given_scale(bounds: Floats, b: Floats, *, two_sided: bool) -> Floats:
    """Return the probability of any |X_j| (or X_j) beyond each bound, X_j normal: shape (s,)."""
    # equal loadings, the usual case, are computed once
    values, counts = np.unique(b, return_counts=True)
    narrow = np.sqrt(1.0 - values * values)
    z, step = _control_nodes(bounds, values, float(narrow.min()), two_sided=two_sided)
    result = np.empty(bounds.shape)
    block = max(1, 400_000 // len(z))
    density = np.exp(-0.5 * z * z) * (step / math.sqrt(2.0 * math.pi))
    if two_sided:  # the integrand is even, so that half of it is enough
        density[1:] *= 2.0
    for start in range(0, len(bounds), block):
        c = bounds[start : start + block, None]
        log_inside = np.zeros((c.shape[0], len(z)))
        for loading, width, count in zip(values, narrow, counts, strict=True):
            beyond = special.ndtr((loading * z - c) / width)
            if two_sided:
                beyond = beyond + special.ndtr((-loading * z - c) / width)
            log_inside += count * np.log1p(-np.minimum(beyond, 1.0 - 1e-16))
        result[start : start + block] = -np.expm1(log_inside) @ density
    return result


def _control_nodes(
    bounds: Floats, loadings: Floats, narrowest: float, *, two_sided: bool
) -> tuple[Floats, float]:
    """Return nodes for Z_0 and their distance: wide enough for the far tail, fine for a cliff."""
    step = min(1.0, narrowest) / _STEPS
    furthest = min(float(loadings.max()) * float(np.abs(bounds).max()) + _REACH, _LARGEST_Z)
    count = math.ceil(furthest / step)
    first = 0 if two_sided else -count
    return step * np.arange(first, count + 1, dtype=np.float64), step


def _log_scale_nodes(critical: float, df: float) -> tuple[Floats, Floats]:
    """Return nodes of S, the root of a chi-square / df, with their weights.

    In u = log S the density is proportional to exp(df (u - exp(2 u) / 2)): its peak is at 0, that
    of density times tail at log(df / (df + c^2)) / 2.
    """
    spread = 1.0 / math.sqrt(2.0 * df)
    peak = -0.5 * math.log1p(critical * critical / df) if critical > 0.0 else 0.0
    # to the left the density falls as exp(df u), to the right much faster
    low = peak - max(_REACH * 1.2 * spread, 40.0 / df)
    high = min(0.0, math.log(_LARGEST_Z) - math.log(max(critical, 1e-300)))
    high = max(high, peak) + min(_REACH * spread, 2.5)
    step = min(spread, 0.45) / _STEPS
    u = np.linspace(low, high, max(2, math.ceil((high - low) / step)) + 1)
    half = df / 2.0
    # log of 2 half^half / Gamma(half), without the cancellation of its large parts
    log_front = math.log(2.0) - _log_gamma_ratio(half)
    log_density = log_front + df * (u - 0.5 * np.expm1(2.0 * u))
    return np.exp(u), np.exp(log_density) * (u[1] - u[0])


def _log_gamma_ratio(x: float) -> float:
    """Return log(Gamma(x) exp(x) / x^x), by Stirling's series where x is large."""
    if x > 50.0:
        series = 1.0 / (12.0 * x) - 1.0 / (360.0 * x**3) + 1.0 / (1260.0 * x**5)
        return 0.5 * math.log(2.0 * math.pi / x) + series
    return float(special.gammaln(x)) + x - x * math.log(x)


def _t_quantile(tail: float, df: float | None) -> float:
    return -float(special.ndtri(tail) if df is None else special.stdtrit(df, tail))
