"""One proportion: intervals, and tests against a share that was fixed beforehand."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Literal, get_args

import numpy as np
from scipy import special

from abtest.errors import UsageError
from abtest.stats.arguments import (
    require_alternative,
    require_count,
    require_interval,
    require_one_of,
    require_share,
)
from abtest.stats.not_estimable import NotEstimable
from abtest.stats.one_sample import SampleEstimate
from abtest.stats.proportions.crossings import root
from abtest.stats.proportions.wilson import wilson_limits
from abtest.stats.results import Alternative, Test
from abtest.stats.tails import critical_value, tail_test

ShareInterval = Literal["agresti_coull", "clopper_pearson", "jeffreys", "mid_p", "wald", "wilson"]
"""Intervals of one proportion."""
ShareTest = Literal["clopper_pearson", "mid_p", "minimum_likelihood", "wilson"]
"""Tests of one proportion."""
_INTERVALS = frozenset(get_args(ShareInterval))
_TESTS = frozenset(get_args(ShareTest))
_TIE = 1e-9
"""Relative distance below which two counts are equally probable."""
_SMALLEST = 1e-280
"""Below this a tail is summed in logarithms."""
_TERMS = 100_000
"""Terms of that sum: so far in the tail they fall faster than they need to."""


def proportion_interval(
    successes: int,
    n: int,
    *,
    method: ShareInterval = "wilson",
    confidence_level: float = 0.95,
    alternative: Alternative = "two-sided",
) -> SampleEstimate:
    """Return one proportion with its interval.

    Parameters
    ----------
    successes, n
        Successes among n units, n at least 1.
    method
        ``wilson``: inverts the score test (Wilson 1927, JASA 22, 209); the default.
        ``clopper_pearson``: exact, inverts both one-sided binomial tests at half the error each
        (Biometrika 26, 404, 1934); covers at least with its level.
        ``mid_p``: the same with half of the probability of the observed count (Lancaster 1961,
        JASA 56, 223); narrower, close to its level on average.
        ``jeffreys``: quantiles of Beta(x + 1/2, n - x + 1/2), with the limit 0 at no success and
        1 at no failure (Brown, Cai & DasGupta 2001, Stat. Sci. 16, 101).
        ``agresti_coull``: Wald about the middle of Wilson's interval (Am. Stat. 52, 119, 1998).
        ``wald``: p +- z sqrt(p (1 - p) / n); a point at 0 and 100 percent, too short elsewhere:
        given for comparison. The last two are cut at 0 and 1.
    confidence_level
        Of the interval.
    alternative
        ``greater`` gives the lower limit alone, ``less`` the upper one.

    Raises
    ------
    UsageError
        If counts are not whole numbers with 0 <= successes <= n, or method, level or alternative
        are no such thing.
    NotEstimable
        ``too_few_units`` if n is 0.

    Examples
    --------
    >>> found = proportion_interval(81, 263)
    >>> round(found.lower, 4), round(found.upper, 4)
    (0.2553, 0.3662)
    >>> exact = proportion_interval(0, 20, method="clopper_pearson")
    >>> exact.lower, round(exact.upper, 4)
    (0.0, 0.1684)
    """
    require_one_of(method, _INTERVALS, "method")
    require_interval(confidence_level, alternative)
    x, units = _counts(successes, n)
    outside = (1.0 - confidence_level) / (2.0 if alternative == "two-sided" else 1.0)
    lower, upper = _limits(x, units, method, outside)
    two_sided = alternative == "two-sided"
    return SampleEstimate(
        measure="proportion",
        estimate=x / units,
        lower=None if alternative == "less" else lower,
        upper=None if alternative == "greater" else upper,
        status="bounded" if two_sided else "half_line",
        method=method,
        alternative=alternative,
        confidence_level=confidence_level,
        n=units,
        nulls=0,
    )


def proportion_test(
    successes: int,
    n: int,
    share: float,
    *,
    method: ShareTest = "wilson",
    alternative: Alternative = "two-sided",
) -> Test:
    """Return the test of one proportion against a share that was fixed beforehand.

    Parameters
    ----------
    successes, n
        Successes among n units, n at least 1.
    share
        Between 0 and 1, such as 0.5.
    method
        ``wilson``: the score test, (p - share) / sqrt(share (1 - share) / n), which Wilson's
        interval inverts; the statistic is that z. ``clopper_pearson``: exact binomial, twice the
        smaller tail, which Clopper and Pearson's interval inverts. ``mid_p``: the same with half
        of the probability of the observed count. ``minimum_likelihood``: exact, the probability
        of all counts no more probable than the observed one (within a relative 1e-9), as
        binom.test of R; no interval of `proportion_interval` inverts it (R prints Clopper and
        Pearson's with it, which may disagree). The statistic of exact tests is the count.
    alternative
        ``two-sided``, ``greater`` (the proportion is above the share) or ``less``.

    Raises
    ------
    UsageError
        If counts are not whole numbers with 0 <= successes <= n, the share is not between 0 and
        1, or method or alternative are no such thing.
    NotEstimable
        ``too_few_units`` if n is 0.

    Examples
    --------
    >>> round(proportion_test(13, 16, 0.5).p_value, 5)
    0.01242
    >>> round(proportion_test(13, 16, 0.5, method="clopper_pearson").p_value, 5)
    0.02127
    """
    require_one_of(method, _TESTS, "method")
    require_alternative(alternative)
    require_share(share, "A share", "0.5")
    x, units = _counts(successes, n)
    if method == "wilson":
        error = math.sqrt(share * (1.0 - share) / units)
        test = tail_test((x / units - share) / error, None, alternative)
        return replace(test, method=method)
    log_p = _exact_log_p((x, units, share), method, alternative)
    return Test(math.exp(log_p), log_p / math.log(10.0), float(x), None, alternative, method)


def _limits(x: int, n: int, method: ShareInterval, outside: float) -> tuple[float, float]:
    """Return the limits that leave `outside` on each side."""
    z = critical_value(1.0 - outside, None, two_sided=False)
    if method == "wilson":
        lower, upper = wilson_limits(x, n, z)
        return float(lower), float(upper)
    if method in ("wald", "agresti_coull"):
        more = z * z if method == "agresti_coull" else 0.0
        middle, size = (x + more / 2.0) / (n + more), n + more
        width = z * math.sqrt(middle * (1.0 - middle) / size)
        return max(middle - width, 0.0), min(middle + width, 1.0)
    if method == "mid_p":
        return _mid_p_lower(x, n, outside), 1.0 - _mid_p_lower(n - x, n, outside)
    half = 0.5 if method == "jeffreys" else 0.0
    below = float(special.betaincinv(x + half, n - x + 1.0 - half, outside)) if x else 0.0
    # by the failures: 1 less a small number keeps no more digits than it has
    above = float(special.betaincinv(n - x + half, x + 1.0 - half, outside)) if x < n else 0.0
    return below, 1.0 - above


def _mid_p_lower(x: int, n: int, outside: float) -> float:
    """Return the share of which x or more have the mid-probability `outside`."""
    if x == 0:
        return 0.0

    def excess(share: float) -> float:
        return math.exp(log_binomial_tail((x, n, share), upper=True, mid=True)) - outside

    return root(excess, 0.0, 1.0)


def _exact_log_p(
    binomial: tuple[int, int, float], method: ShareTest, alternative: Alternative
) -> float:
    """Return ln p of the exact test of (successes, n, share)."""
    x, n, share = binomial
    mid = method == "mid_p"
    tails = {
        "greater": log_binomial_tail(binomial, upper=True, mid=mid),
        "less": log_binomial_tail(binomial, upper=False, mid=mid),
    }
    if alternative != "two-sided":
        return tails[alternative]
    if method != "minimum_likelihood":
        return min(math.log(2.0) + min(tails.values()), 0.0)
    if x == n * share:
        return 0.0
    # the tail on the observed side, and on the other one all counts no more probable
    upper = x > n * share
    edge = _other_edge(binomial)
    here = tails["greater" if upper else "less"]
    if edge is None:
        return here
    there = log_binomial_tail((edge, n, share), upper=not upper, mid=False)
    return min(float(np.logaddexp(here, there)), 0.0)


def _other_edge(binomial: tuple[int, int, float]) -> int | None:
    """Return the count beyond the mean, seen from x, from which on all are no more probable."""
    x, n, share = binomial
    step = -1 if x > n * share else 1
    end = 0 if step < 0 else n

    def no_more(k: int) -> bool:
        return _log_ratio(binomial, k) <= _TIE

    if not no_more(end):
        return None
    # probabilities fall from the mode to the end: halve between a count that is more probable
    inside = math.floor((n + 1) * share)
    if x == inside or no_more(inside):  # x is a mode, or as probable as the mode
        return x + step
    outside = end
    while abs(outside - inside) > 1:
        middle = (outside + inside) // 2
        inside, outside = (inside, middle) if no_more(middle) else (middle, outside)
    return outside


def _log_ratio(binomial: tuple[int, int, float], k: int) -> float:
    """Return ln of the probability of k over that of x."""
    x, n, share = binomial
    choose = special.gammaln([x + 1.0, n - x + 1.0, k + 1.0, n - k + 1.0])
    odds = math.log(share) - math.log1p(-share)
    return float(choose[0] - choose[2] + choose[1] - choose[3]) + (k - x) * odds


def log_binomial_tail(binomial: tuple[int, int, float], *, upper: bool, mid: bool) -> float:
    """Return ln P(X >= x), or ln P(X <= x), of (x, n, share); `mid` counts half of X = x.

    By the incomplete beta function (Abramowitz & Stegun 1964, 26.5.24); where it underflows, by
    summing the probabilities outwards.
    """
    x, n, share = binomial
    if upper:
        whole = float(special.betainc(x, n - x + 1.0, share)) if x > 0 else 1.0
        beyond = float(special.betainc(x + 1.0, n - x, share)) if x < n else 0.0
    else:
        whole = float(special.betaincc(x + 1.0, n - x, share)) if x < n else 1.0
        beyond = float(special.betaincc(x, n - x + 1.0, share)) if x > 0 else 0.0
    tail = 0.5 * (whole + beyond) if mid else whole
    if tail > _SMALLEST or share in (0.0, 1.0):
        return math.log(tail) if tail > 0.0 else -math.inf
    steps = np.arange(min(n - x if upper else x, _TERMS), dtype=np.float64)
    odds = share / (1.0 - share)
    if upper:
        ratios = (n - x - steps) / (x + 1.0 + steps) * odds
    else:
        ratios = (x - steps) / (n - x + 1.0 + steps) / odds
    log_seen = -math.log(n + 1.0) - float(special.betaln(x + 1.0, n - x + 1.0))
    log_seen += x * math.log(share) + (n - x) * math.log1p(-share)
    return log_seen + math.log((0.5 if mid else 1.0) + float(np.cumprod(ratios).sum()))


def _counts(successes: int, n: int) -> tuple[int, int]:
    x, units = require_count(successes, "successes"), require_count(n, "n")
    if x > units:
        raise UsageError(
            "There cannot be more successes than units",
            given=f"{x} successes of {units}",
            todo="Check which column counts successes and which units.",
        )
    if units == 0:
        raise NotEstimable(
            "too_few_units", "There are no units", given="n = 0", todo="Wait for units."
        )
    return x, units
