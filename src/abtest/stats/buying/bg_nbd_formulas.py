"""Formulas of the BG/NBD model (Fader, Hardie & Lee 2005, Marketing Science 24, 275).

x purchases after the first, the last of them at t, watched up to T; rates of buying are
gamma(r, alpha), chances of leaving after each of these purchases beta(a, b).
"""

from __future__ import annotations

import numpy as np
from scipy import special

from abtest.stats.moments import Floats

_NODES = 40
"""Of Gauss and Legendre's rule; twice as many change no digit of what tests look at."""
_LARGE = 20.0
"""a above which formulas for small a overflow."""
_MANY = 50.0
"""b above which the hypergeometric function is not had for long times."""
_LOGITS = np.arange(-60.0, 14.0, 0.1)
"""Around the mode: half of the step changes no digit of what tests look at."""
_ROWS = 20_000
"""Computed at once; fewer where a row has more nodes."""


def log_likelihood(
    x: Floats, last: Floats, whole: Floats, units: Floats, parameters: Floats
) -> tuple[float, Floats]:
    """Return the log likelihood (eq. 6) and its derivatives by r, alpha, a and b."""
    r, alpha, a, b = parameters
    again = x > 0.0
    before = np.where(again, b + x - 1.0, 1.0)
    stayed = -(r + x) * np.log(alpha + whole)
    left = np.where(again, np.log(a) - np.log(before) - (r + x) * np.log(alpha + last), -np.inf)
    both = np.logaddexp(stayed, left)
    gone = np.exp(left - both)
    value = (
        special.gammaln(r + x)
        - special.gammaln(r)
        + r * np.log(alpha)
        + special.betaln(a, b + x)
        - special.betaln(a, b)
        + both
    )
    logs = (1.0 - gone) * np.log(alpha + whole) + gone * np.log(alpha + last)
    over = (1.0 - gone) / (alpha + whole) + gone / (alpha + last)
    digamma = special.digamma
    apart = digamma(a + b) - digamma(a + b + x)
    slopes = (
        digamma(r + x) - digamma(r) + np.log(alpha) - logs,
        r / alpha - (r + x) * over,
        apart + gone / a,
        apart + digamma(b + x) - digamma(b) - np.where(again, gone / before, 0.0),
    )
    return float((units * value).sum()), np.array([float((units * part).sum()) for part in slopes])


def alive(
    x: Floats, last: Floats, whole: Floats, r: float, alpha: float, a: float, b: float
) -> Floats:
    """Return the probability of not having left, 1 over the denominator of eq. 10.

    That is 1 + a / (b + x - 1) ((alpha + T) / (alpha + t))^(r + x) for x > 0, and 1 for x = 0.
    """
    again = x > 0.0
    before = np.where(again, b + x - 1.0, 1.0)
    odds = np.log(a) - np.log(before) + (r + x) * np.log((alpha + whole) / (alpha + last))
    return np.asarray(np.where(again, special.expit(-odds), 1.0))


def expected(times: Floats, r: Floats, alpha: Floats, a: float, b: Floats) -> Floats:
    """Return the purchases of a unit that is alive in a time, on average (eq. 9).

    For a unit with x purchases in T the parameters are r + x, alpha + T and b + x, which gives
    what eq. 10 multiplies with the probability of being alive.

    The paper's form, (a + b - 1) / (a - 1) (1 - (alpha / (alpha + t))^r 2F1(r, b; a + b - 1; t /
    (alpha + t))), is 0 / 0 at a = 1, has a pole at a + b = 1 and overflows for many purchases.
    The same is the integral of the rate of buying r / alpha 2F1(r + 1, a; a + b; -s / alpha) over
    s from 0 to t; with s = alpha (exp(y) - 1) and Pfaff's transformation (Abramowitz & Stegun
    15.3.5) that is r times the integral of exp((1 - a) y) 2F1(a + b - 1 - r, a; a + b; 1 -
    exp(-y)) over y from 0 to log(1 + t / alpha), where nothing cancels. For large a its factors
    overflow: then (1 - (alpha / (alpha + p t))^r) / p, eq. 7 over rates, is averaged over p by
    Gauss and Jacobi's rule, which is exact to many digits since p stays away from 0. For large b
    alone 2F1 is not had where t is many alpha: then the same is averaged over the logit of p.
    """
    if a > _LARGE:
        return _averaged(times, r, alpha, a, b)
    found = np.empty(times.shape)
    many = b > _MANY
    for own, mean, size in (
        (np.flatnonzero(~many), _integrated, _ROWS),
        (np.flatnonzero(many), _over_logits, _ROWS // 10),
    ):
        for begin in range(0, own.size, size):
            part = own[begin : begin + size]
            found[part] = mean(times[part], r[part], alpha[part], a, b[part])
    return found


def _integrated(times: Floats, r: Floats, alpha: Floats, a: float, b: Floats) -> Floats:
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    end = np.log1p(times / alpha)
    y = end[:, None] * (nodes + 1.0) / 2.0
    inside = special.hyp2f1((a + b - 1.0 - r)[:, None], a, (a + b)[:, None], -np.expm1(-y))
    return np.asarray(r * end / 2.0 * ((np.exp((1.0 - a) * y) * inside) @ weights))


def _over_logits(times: Floats, r: Floats, alpha: Floats, a: float, b: Floats) -> Floats:
    """Return the mean over p by the trapezoidal rule, which converges fast on the whole line.

    Where a is below 1, r t / alpha, what is bought by those that never leave, is taken off first:
    the rest falls with p, and so has no long tail.
    """
    share = (times / alpha)[:, None]
    logits = _LOGITS + np.log((a + 1.0) / b)[:, None]
    chances = special.expit(logits)
    density = special.xlogy(a, chances) - b[:, None] * np.logaddexp(0.0, logits)
    weights = np.exp(density - special.betaln(a, b)[:, None]) * (_LOGITS[1] - _LOGITS[0])
    stays = r[:, None] * share if a < 1.0 else np.zeros(share.shape)
    less = -np.expm1(-r[:, None] * np.log1p(chances * share)) / chances - stays
    return np.asarray(stays[:, 0] + (weights * less).sum(axis=1))


def _averaged(times: Floats, r: Floats, alpha: Floats, a: float, b: Floats) -> Floats:
    found = np.empty(times.shape)
    for one in np.unique(b):
        own = b == one
        chances, weights = beta_rule(a, float(one))
        grown = np.log1p(chances * (times[own] / alpha[own])[:, None])
        found[own] = (-np.expm1(-r[own][:, None] * grown) / chances) @ weights
    return found


def beta_rule(a: float, b: float, nodes: int = _NODES) -> tuple[Floats, Floats]:
    """Return nodes and weights of the mean over a beta distribution with a + b above 1.

    Eigenvalues of the matrix of the recurrence of Jacobi's polynomials (Golub & Welsch 1969,
    Mathematics of Computation 23, 221).
    """
    from scipy.linalg import eigh_tridiagonal

    k, left, right = np.arange(nodes, dtype=np.float64), b - 1.0, a - 1.0
    both = 2.0 * k + left + right
    middle = np.empty(nodes)
    middle[0] = (right - left) / (both[0] + 2.0)
    middle[1:] = (right - left) * (right + left) / (both[1:] * (both[1:] + 2.0))
    k, both = k[1:], both[1:]
    above = 4.0 * k * (k + left) * (k + right) * (k + left + right)
    beside = above / (both**2 * (both + 1.0) * (both - 1.0))
    places, vectors = eigh_tridiagonal(middle, np.sqrt(beside))
    return (places + 1.0) / 2.0, vectors[0] ** 2


def probability(
    purchases: Floats, times: Floats, r: float, alpha: float, a: float, b: float
) -> Floats:
    """Return the probability of so many purchases in a time (eq. 8).

    The sum of the negative binomial's first terms in it is 1 less an incomplete beta function.
    """
    x, share = purchases, times / (alpha + times)
    again = x > 0.0
    stayed = np.exp(
        special.betaln(a, b + x)
        - special.betaln(a, b)
        + special.gammaln(r + x)
        - special.gammaln(r)
        - special.gammaln(x + 1.0)
        + r * np.log1p(-share)
        + special.xlogy(x, share)
    )
    many = np.maximum(x, 1.0)
    left = np.exp(special.betaln(a + 1.0, b + many - 1.0) - special.betaln(a, b))
    return np.asarray(stayed + np.where(again, left * special.betainc(many, r, share), 0.0))
