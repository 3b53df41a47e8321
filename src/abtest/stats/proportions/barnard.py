"""Barnard's exact unconditional test of score statistics, with the intervals that invert it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from abtest.stats.moments import Floats
from abtest.stats.proportions.nuisance import (
    Path,
    Region,
    Tails,
    difference_path,
    largest_probability,
    log_size,
    ratio_path,
    require_enumerable,
)
from abtest.stats.proportions.score import ScorePair
from abtest.stats.proportions.score_statistics import difference_scores, ratio_scores
from abtest.stats.proportions.spans import Search, certain_end, sampled_end
from abtest.stats.proportions.two_by_two import TwoByTwo, require_reachable
from abtest.stats.results import Alternative, Interval, Method, RelativeInterval, Test

_TIE = 1e-9
"""Relative distance below which two statistics are equal, at bounds other than no effect."""
_NEAR = 1e-12
"""Relative distance below which whole numbers decide, at no effect."""
_QUIET = ((2_500, 64), (40_000, 16), (math.inf, 4))
"""Steps in a row that keep nothing, after which the search ends: by number of tables."""

Scale = Literal["difference", "ratio"]


@dataclass(frozen=True)
class BarnardPair(TwoByTwo):
    """Two proportions, judged by Barnard's test of score statistics; a `PairEstimate`.

    Tables are as extreme as the observed one if their pooled z statistic is (in absolute value
    for two sides), ties decided in whole numbers; p is the largest probability of those tables
    over the common share (Barnard 1947, Biometrika 34, 123; Suissa & Shuster 1985, JRSS A 148,
    317). It keeps its level exactly. The intervals invert the same test with the score
    statistics of other differences (Chan & Zhang 1999, Biometrics 55, 1202, one-sided; Agresti &
    Min 2001, Biometrics 57, 963, two-sided) and of other ratios. The sets can have gaps; the
    interval is the span, found in steps of a sixteenth of the score interval's half width and
    left after 64 of them that keep nothing (16 above 2,500 tables, 4 above 40,000). A two-sided
    island narrower than a step can be missed. One side has a bound for all of a step: the tables
    that are extreme at either end of it, at the end next to the estimate, where they are most
    probable. `has_gap` says where the interval holds 0 although the test rejects it.

    Examples
    --------
    >>> twins = BarnardPair(2, 17, 10, 13)
    >>> round(twins.test().p_value, 6)
    0.000348
    """

    method: Method = "barnard"

    def absolute(self, confidence_level: float, alternative: Alternative = "two-sided") -> Interval:
        """Return the difference with the span of all values that the test does not reject."""
        outside = 1.0 - confidence_level
        guess = ScorePair(*self.counts).absolute(confidence_level, alternative)
        lower = upper = None
        keeps = self._keeps("difference", outside, alternative)
        span_end = self._span_end("difference", outside, alternative)
        if alternative != "less":
            assert guess.lower is not None
            lower = span_end(self.difference, guess.lower, -1.0)
        if alternative != "greater":
            assert guess.upper is not None
            upper = span_end(self.difference, guess.upper, 1.0)
        if keeps(0.0):
            lower = None if lower is None else min(lower, 0.0)
            upper = None if upper is None else max(upper, 0.0)
        return Interval(self.difference, lower, upper)

    def relative(
        self, confidence_level: float, alternative: Alternative = "two-sided"
    ) -> RelativeInterval:
        """Return the ratio minus 1 with the span of all values that the test does not reject.

        ``half_line`` if control has no success, ``unbounded`` if neither arm has.
        """
        outside = 1.0 - confidence_level
        guess = ScorePair(*self.counts).relative(confidence_level, alternative)
        keeps = self._keeps("ratio", outside, alternative)
        span_end = self._span_end("ratio", outside, alternative)
        lower, upper = guess.lower, guess.upper
        ends = [
            math.log1p(end) if end is not None and end > -1.0 else None for end in (lower, upper)
        ]
        known = [end for end in ends if end is not None]
        if not known:  # nobody succeeded in an arm: the only limit is that of all ratios
            return guess
        start = (
            math.log(self.treatment_value / self.control_value)
            if self.successes_control and self.successes_treatment
            else known[0] + (4.0 if ends[0] is not None else -4.0)
        )
        if ends[0] is not None:
            lower = math.expm1(span_end(start, ends[0], -60.0))
        if ends[1] is not None:
            upper = math.expm1(span_end(start, ends[1], 60.0))
        if keeps(0.0):
            lower = None if lower is None else min(lower, 0.0)
            upper = None if upper is None else max(upper, 0.0)
        return RelativeInterval(guess.estimate, lower, upper, guess.status)

    def test(
        self,
        *,
        absolute: float = 0.0,
        relative: float | None = None,
        alternative: Alternative = "two-sided",
    ) -> Test:
        """Test treatment - control against a bound, absolute or relative to control.

        The statistic is the score statistic that orders the tables; at no effect pooled z.

        Raises
        ------
        NotEstimable
            ``bound_out_of_range`` if no two proportions differ by the bound.
        """
        require_reachable(absolute, relative)
        if relative is None:
            statistic = difference_scores(self.counts, absolute, corrected=False)
            scale, bound = "difference", absolute
        else:
            statistic = ratio_scores(self.counts, 1.0 + relative, corrected=False)
            scale, bound = "ratio", math.log1p(relative)
        if bound == 0.0:
            log_p = log_size(self._extreme(alternative))
        else:
            p_value = self._p_value(
                "ratio" if scale == "ratio" else "difference", bound, alternative
            )
            log_p = math.log(p_value) if p_value > 0.0 else -math.inf
        return Test(math.exp(log_p), log_p / math.log(10.0), float(statistic), None, alternative)

    def has_gap(self, confidence_level: float, alternative: Alternative, found: Interval) -> bool:
        """Return whether the test rejects 0 although the interval `found` holds it."""
        lower = -1.0 if found.lower is None else found.lower
        upper = math.inf if found.upper is None else found.upper
        if not lower < 0.0 < upper:
            return False
        return self.test(alternative=alternative).p_value < 1.0 - confidence_level

    def _keeps(
        self, scale: Scale, outside: float, alternative: Alternative
    ) -> Callable[[float], bool]:
        def keeps(bound: float) -> bool:
            if bound == 0.0:
                return self.test(alternative=alternative).p_value > outside
            return self._p_value(scale, bound, alternative) > outside

        return keeps

    def _may_keep(
        self, scale: Scale, outside: float, alternative: Alternative
    ) -> Callable[[float, float], bool]:
        """Return whether one side may keep a bound between two, the first next to the estimate.

        A region that treatment's successes and control's failures only enlarge (or the mirror
        image, for ``less``) is most probable at the bound next to the estimate. Between the two
        ends no table is extreme that is not at one of them, but where a table changes twice.
        """

        def may_keep(inner: float, outer: float) -> bool:
            both = self._tails(scale, inner, alternative), self._tails(scale, outer, alternative)
            first = np.minimum(both[0].first, both[1].first)
            last = np.maximum(both[0].last, both[1].last)
            tails = Tails(first, last, self.n_treatment)
            return largest_probability(tails, _path(scale, inner)) > outside

        return may_keep

    def _span_end(
        self, scale: Scale, outside: float, alternative: Alternative
    ) -> Callable[[float, float, float], float]:
        """Return the search for the end of the set on one side, from estimate, guess and end."""
        tables = (self.n_control + 1) * (self.n_treatment + 1)
        quiet = next(steps for most, steps in _QUIET if tables <= most)
        keeps = self._keeps(scale, outside, alternative)
        may_keep = self._may_keep(scale, outside, alternative)

        def span_end(estimate: float, guess: float, end: float) -> float:
            search = Search(estimate, guess, end, quiet)
            if alternative == "two-sided":
                return sampled_end(keeps, search)
            return certain_end(keeps, may_keep, search)

        return span_end

    def _p_value(self, scale: Scale, bound: float, alternative: Alternative) -> float:
        """Return the p-value of a difference, or of the logarithm of a ratio."""
        tails = self._tails(scale, bound, alternative)
        return largest_probability(tails, _path(scale, bound))

    def _tails(self, scale: Scale, bound: float, alternative: Alternative) -> Tails:
        """Return the tables as extreme as the observed one against a bound."""
        n0, n1 = self.n_control, self.n_treatment
        a, x0, x1 = np.arange(n0 + 1.0), self.successes_control, self.successes_treatment

        def scores(b: Floats, of: Floats = a) -> Floats:
            counts = of, float(n0), b, float(n1)
            if scale == "difference":
                return difference_scores(counts, bound, corrected=False)
            return ratio_scores(counts, math.exp(bound), corrected=False)

        observed = float(scores(np.array(float(x1)), np.array(float(x0))))
        low, high = -math.inf, math.inf
        tie = _TIE * max(abs(observed), 1e-6) if math.isfinite(observed) else 0.0
        if alternative == "two-sided":
            low, high = -abs(observed) + tie, abs(observed) - tie
        elif alternative == "greater":
            high = observed - tie
        else:
            low = observed + tie
        return Tails.of(scores, low, high, n1)

    def _extreme(self, alternative: Alternative) -> Region:
        """Return the tables as extreme as the observed one by pooled z, in whole numbers."""
        n0, n1 = self.n_control, self.n_treatment
        require_enumerable(n0, n1)
        total = n0 + n1
        a, b = np.arange(n0 + 1)[:, None], np.arange(n1 + 1)[None, :]
        x0, x1 = self.successes_control, self.successes_treatment
        distance = b * n0 - a * n1  # n0 n1 times the difference of the proportions
        spread = (a + b) * (total - a - b)
        # z^2 is distance^2 / spread, but for a factor that all tables share
        squares = distance.astype(np.float64) ** 2 / np.maximum(spread, 1)
        signed = np.sign(distance) * squares
        if alternative == "two-sided":
            signed = squares
        elif alternative == "less":
            signed = -signed
        observed = float(signed[x0, x1])
        region = np.asarray(signed >= observed)
        near = np.abs(signed - observed) <= _NEAR * abs(observed)
        mine = int(distance[x0, x1]) ** 2, max(int(spread[x0, x1]), 1)
        for row, column in np.argwhere(near & (signed != 0.0)):
            square, under = int(distance[row, column]) ** 2, max(int(spread[row, column]), 1)
            less = square * mine[1] - mine[0] * under  # both on the same side of 0
            region[row, column] = less >= 0 if observed > 0.0 else less <= 0
        return region


def _path(scale: Scale, bound: float) -> Path:
    return difference_path(bound) if scale == "difference" else ratio_path(math.exp(bound))
