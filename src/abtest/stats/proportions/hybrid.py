"""Newcombe's hybrid score method: two Wilson intervals recovered into one of the effect."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from abtest.stats.moments import Floats
from abtest.stats.proportions.crossings import root
from abtest.stats.proportions.score_statistics import Counts, Numbers
from abtest.stats.proportions.two_by_two import TwoByTwo, require_reachable
from abtest.stats.proportions.wilson import wilson_limits
from abtest.stats.results import Alternative, Interval, Method, RelativeInterval, Test
from abtest.stats.tails import critical_value, tail_test


@dataclass(frozen=True)
class HybridPair(TwoByTwo):
    """Two proportions, judged by Newcombe's hybrid score interval; a `PairEstimate`.

    The interval of the difference is method 10 of Newcombe (1998, Stat. Med. 17, 873), that of
    the ratio the same recovery of variances for treatment - ratio x control (Donner & Zou 2012,
    Stat. Methods Med. Res. 21, 347). The method is an interval; its p-value is that of the level
    at which a limit touches the bound. Its statistic is the normal quantile of that level.

    Examples
    --------
    >>> interval = HybridPair(48, 80, 56, 70).absolute(0.95)
    >>> round(interval.lower, 4), round(interval.upper, 4)
    (0.0524, 0.3339)
    """

    method: Method = "newcombe"

    def absolute(self, confidence_level: float, alternative: Alternative = "two-sided") -> Interval:
        """Return the difference with its hybrid score interval."""
        critical = critical_value(confidence_level, None, two_sided=alternative == "two-sided")
        below, above = hybrid_widths(self.counts, 1.0, critical)
        estimate = self.difference
        return Interval(
            estimate,
            None if alternative == "less" else estimate - float(below),
            None if alternative == "greater" else estimate + float(above),
        )

    def relative(
        self, confidence_level: float, alternative: Alternative = "two-sided"
    ) -> RelativeInterval:
        """Return the ratio minus 1 with the values whose linear contrast may be 0.

        ``half_line`` if control has no success, ``unbounded`` if neither arm has.
        """
        critical = critical_value(confidence_level, None, two_sided=alternative == "two-sided")
        low, high = (float(limit) for limit in hybrid_ratios(self.counts, critical))
        lower = None if alternative == "less" else low - 1.0
        upper = None if alternative == "greater" or math.isinf(high) else high - 1.0
        if self.successes == 0 or (lower is None and upper is None):
            return RelativeInterval(self.ratio, None, None, "unbounded")
        bounded = lower is not None and upper is not None
        return RelativeInterval(self.ratio, lower, upper, "bounded" if bounded else "half_line")

    def test(
        self,
        *,
        absolute: float = 0.0,
        relative: float | None = None,
        alternative: Alternative = "two-sided",
    ) -> Test:
        """Test treatment - control against a bound, absolute or relative to control.

        Raises
        ------
        NotEstimable
            ``bound_out_of_range`` if no two proportions differ by the bound.
        """
        require_reachable(absolute, relative)
        if relative is None:
            distance, ratio = self.difference - absolute, 1.0
        else:
            ratio = 1.0 + relative
            distance = self.treatment_value - ratio * self.control_value
        return tail_test(self._quantile(distance, ratio), None, alternative)

    def _quantile(self, distance: float, ratio: float) -> float:
        """Return the normal quantile at which the nearer limit is `distance` away."""
        if distance == 0.0:
            return 0.0
        side = 0 if distance > 0.0 else 1

        def excess(critical: float) -> float:
            return float(hybrid_widths(self.counts, ratio, critical)[side]) - abs(distance)

        return math.copysign(_reach(excess), distance)


def hybrid_widths(counts: Counts, ratio: Numbers, critical: Numbers) -> tuple[Floats, Floats]:
    """Return how far the limits of treatment - ratio x control lie below and above the estimate.

    sqrt((p1 - l1)^2 + r^2 (u0 - p0)^2) and sqrt((u1 - p1)^2 + r^2 (p0 - l0)^2), with Wilson's
    limits l, u of the arms (Newcombe 1998, method 10).
    """
    x0, n0, x1, n1 = (np.asarray(count, dtype=np.float64) for count in counts)
    r = np.asarray(ratio, dtype=np.float64)
    p0, p1 = x0 / n0, x1 / n1
    low0, high0 = wilson_limits(x0, n0, critical)
    low1, high1 = wilson_limits(x1, n1, critical)
    return np.hypot(p1 - low1, r * (high0 - p0)), np.hypot(high1 - p1, r * (p0 - low0))


def hybrid_ratios(counts: Counts, critical: Numbers) -> tuple[Floats, Floats]:
    """Return the ratios at which a limit of treatment - ratio x control is 0.

    Donner & Zou (2012, Stat. Methods Med. Res. 21, 347), the lower one in the form of the
    other root, which does not divide by 0; the upper one is infinite where control has no
    success.
    """
    x0, n0, x1, n1 = (np.asarray(count, dtype=np.float64) for count in counts)
    p0, p1 = x0 / n0, x1 / n1
    low0, high0 = wilson_limits(x0, n0, critical)
    low1, high1 = wilson_limits(x1, n1, critical)
    # p^2 - (p - l)^2 of each arm
    below0, below1 = low0 * (2.0 * p0 - low0), low1 * (2.0 * p1 - low1)
    product = p0 * p1
    # the discriminant (p0 p1)^2 - part0 part1, as a sum of what is not negative
    lower_root = np.sqrt((p0 * (p1 - low1)) ** 2 + (high0 - p0) ** 2 * below1)
    upper_root = np.sqrt((p1 * (p0 - low0)) ** 2 + (high1 - p1) ** 2 * below0)
    with np.errstate(all="ignore"):  # control without success has no upper limit
        lower = below1 / (product + lower_root)
        upper = (product + upper_root) / below0
    return np.where(x1 > 0.0, lower, 0.0), np.where(x0 > 0.0, upper, np.inf)


def _reach(excess: Callable[[float], float]) -> float:
    """Return where a rising function of z is 0; infinite where it stays below."""
    if excess(0.0) >= 0.0:  # a distance below rounding
        return 0.0
    high = 1.0
    while excess(high) < 0.0:
        high *= 2.0
        if high > 1e9:
            return math.inf
    return root(excess, 0.0, high)
