"""The rate ratio given the number of events: exact and mid-p tests with their intervals."""

from __future__ import annotations

import math

import numpy as np
from scipy import special

from abtest.stats.moments import Floats
from abtest.stats.rates.totals import EventTotals
from abtest.stats.results import Alternative

_SMALLEST_DIRECT = 1e-280
"""Below this the incomplete beta function loses digits or underflows; a series takes over."""
_CHUNK = 10_000


def exact_test(
    totals: EventTotals, alternative: Alternative, *, mid: bool
) -> tuple[Floats, Floats]:
    """Return p-values of equal rates and their base-10 logarithms, each of shape (r,).

    Given x events in all, those of treatment are binomial with the share T1 / (T0 + T1) of
    exposure (Przyborowski & Wilenski 1940, Biometrika 31, 313). Two-sided it is twice the smaller
    tail, at most 1: the test that the interval of `exact_limits` inverts. With `mid` the observed
    number counts half (Lancaster 1961, JASA 56, 223).
    """
    x0, x1 = totals.events
    share = totals.exposure[1] / (totals.exposure[0] + totals.exposure[1])
    other = totals.exposure[0] / (totals.exposure[0] + totals.exposure[1])
    above = _tail(x1, x0, share, other, mid=mid)
    below = _tail(x0, x1, other, share, mid=mid)
    if alternative == "two-sided":
        smaller = np.where(above[1] < below[1], above, below)
        return (
            np.minimum(2.0 * smaller[0], 1.0),
            np.minimum(math.log(2.0) + smaller[1], 0.0) / math.log(10.0),
        )
    p_value, log_p = above if alternative == "greater" else below
    return p_value, log_p / math.log(10.0)


def exact_limits(totals: EventTotals, outside: float, *, mid: bool) -> tuple[Floats, Floats]:
    """Return the limits of the rate ratio - 1 with the tail probability `outside` beyond each.

    Clopper & Pearson's (1934, Biometrika 26, 404) limits of the binomial share, turned into odds
    over the exposures; with `mid` those of the mid-p tail. The upper one is infinite if control
    has no event.
    """
    x0, x1 = totals.events
    scale = totals.exposure[0] / totals.exposure[1]
    lower = _odds_limit(x1, x0, outside, mid=mid)
    with np.errstate(divide="ignore"):
        upper = 1.0 / _odds_limit(x0, x1, outside, mid=mid)
    return scale * lower - 1.0, scale * upper - 1.0


def _odds_limit(events: Floats, others: Floats, outside: float, *, mid: bool) -> Floats:
    """Return the odds p / (1 - p) at which P(X >= events) is `outside`; 0 without events."""
    some = events > 0.0
    k = np.where(some, events, 1.0)
    odds = _mid_odds(k, others, outside) if mid else _whole_odds(k, others, outside)
    return np.where(some, odds, 0.0)


def _mid_odds(events: Floats, others: Floats, outside: float) -> Floats:
    """Return the odds at which P(X > events) + P(X = events) / 2 is `outside`.

    They lie between those of `events` and of `events` + 1 whole events.
    """
    from scipy.optimize import elementwise

    inner = np.maximum(others, 1.0)  # rows without others have a closed form, below

    def excess(log_odds: Floats, k: Floats, rest: Floats) -> Floats:
        p, q = special.expit(log_odds), special.expit(-log_odds)
        return 0.5 * (_beta_tail(k, rest, p, q) + _beta_tail(k + 1.0, rest - 1.0, p, q)) - outside

    with np.errstate(divide="ignore", invalid="ignore"):
        start = np.log(_whole_odds(events, inner, outside))
        stop = np.log(_whole_odds(events + 1.0, inner - 1.0, outside))
        found = elementwise.find_root(
            excess, (start, stop), args=(events, inner), tolerances={"xrtol": 1e-14}
        ).x
        log_share = math.log(min(2.0 * outside, 1.0)) / events
        alone = np.exp(log_share) / -np.expm1(log_share)
    return np.where(others > 0.0, np.exp(found), alone)


def _whole_odds(events: Floats, others: Floats, outside: float) -> Floats:
    """Return the odds at which P(X >= events) is `outside`, each side of them to full precision."""
    p = special.betaincinv(events, others + 1.0, outside)
    return np.asarray(p / special.betainccinv(others + 1.0, events, outside))


def _tail(events: Floats, others: Floats, p: Floats, q: Floats, *, mid: bool) -> Floats:
    """Return P(X >= events) of a binomial, or its mid-p, and its natural logarithm, stacked."""
    whole = _upper(events, others, p, q)
    if not mid:
        return whole
    more = _upper(events + 1.0, others - 1.0, p, q)
    return np.stack([0.5 * (whole[0] + more[0]), np.logaddexp(whole[1], more[1]) - math.log(2.0)])


def _upper(events: Floats, others: Floats, p: Floats, q: Floats) -> Floats:
    """Return P(X >= events) for X binomial of events + others trials, and its logarithm."""
    certain, never = events <= 0.0, others < 0.0
    a, b = np.where(certain, 1.0, events), np.where(never, 0.0, others) + 1.0
    tail = _beta_tail(a, b - 1.0, p, q)
    tail = np.where(certain, 1.0, np.where(never, 0.0, tail))
    with np.errstate(divide="ignore"):
        log_tail = np.log(tail)
    for row in np.flatnonzero((tail <= _SMALLEST_DIRECT) & ~never):
        log_tail[row] = _log_upper(*(float(part[row]) for part in (events, others, p, q)))
    return np.stack([tail, log_tail])


def _beta_tail(events: Floats, others: Floats, p: Floats, q: Floats) -> Floats:
    """Return P(X >= events) from the smaller of p and q = 1 - p, for events of at least 1."""
    a, b = events, others + 1.0
    return np.asarray(np.where(p <= q, special.betainc(a, b, p), special.betaincc(b, a, q)))


def _log_upper(k: float, rest: float, p: float, q: float) -> float:
    """Return log P(X >= k) far in the tail: the first probability times a falling series."""
    n = k + rest
    log_first = (
        math.lgamma(n + 1.0)
        - math.lgamma(k + 1.0)
        - math.lgamma(rest + 1.0)
        + k * math.log(p)
        + rest * math.log(q)
    )
    total, term, start = 1.0, 1.0, 1.0
    while start <= rest:
        steps = np.arange(start, min(start + _CHUNK, rest + 1.0))
        terms = term * np.cumprod((rest - steps + 1.0) / (k + steps) * (p / q))
        total += float(terms.sum())
        term = float(terms[-1])
        if term < 1e-17 * total:
            break
        start += _CHUNK
    return log_first + math.log(total)
