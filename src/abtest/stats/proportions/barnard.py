"""Barnard's exact unconditional test of score statistics, with the intervals that invert it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from abtest.stats.moments import Floats
from abtest.stats.proportions.nuisance import (
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
from abtest.stats.proportions.two_by_two import TwoByTwo, require_reachable
from abtest.stats.results import Alternative, Interval, Method, RelativeInterval, Test

_TIE = 1e-9
"""Relative distance below which two statistics are equal, at bounds other than no effect."""
_NEAR = 1e-12
"""Relative distance below which whole numbers decide, at no effect."""
_STEPS = 16
"""Steps of the search from the estimate to the limit of the score method."""
_QUIET = ((2_500, 64), (40_000, 16), (math.inf, 4))
"""Steps in a row that keep nothing, after which the search ends: by number of tables."""
_HALVINGS = 20

Scale = Literal["difference", "ratio"]


@dataclass(frozen=True)
class BarnardPair(TwoByTwo):
    """Two proportions, judged by Barnard's test of score statistics; a `PairEstimate`.

    Tables are as extreme as the observed one if their pooled z statistic is (in absolute value
    for two sides), ties decided in whole numbers; p is the largest probability of those tables
    over the common share (Barnard 1947, Biometrika 34, 123; Suissa & Shuster 1985, JRSS A 148,
    317). It keeps its level exactly. The intervals invert the same test with the score
    statistics of other differences (Chan & Zhang 1999, Biometrics 55, 1202, one-sided; Agresti &
    Min 2001, Biometrics 57, 963, two-sided) and of other ratios. The two-sided set can have gaps;
    the interval is its span, found in steps of a sixteenth of the score interval's half width
    and left after 64 of them that keep nothing (16 above 2,500 tables, 4 above 40,000): an island
    narrower than a step can be missed. `has_gap` says where the interval holds 0 although the
    test rejects it.

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
        if alternative != "less":
            assert guess.lower is not None
            lower = _span_end(keeps, self.difference, guess.lower, -1.0, self._quiet)
        if alternative != "greater":
            assert guess.upper is not None
            upper = _span_end(keeps, self.difference, guess.upper, 1.0, self._quiet)
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
            lower = math.expm1(_span_end(keeps, start, ends[0], -60.0, self._quiet))
        if ends[1] is not None:
            upper = math.expm1(_span_end(keeps, start, ends[1], 60.0, self._quiet))
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

    def has_gap(self, confidence_level: float, found: Interval) -> bool:
        """Return whether the two-sided test rejects 0 although the interval `found` holds it."""
        lower = -1.0 if found.lower is None else found.lower
        upper = math.inf if found.upper is None else found.upper
        return lower < 0.0 < upper and self.test().p_value < 1.0 - confidence_level

    @property
    def _quiet(self) -> int:
        tables = (self.n_control + 1) * (self.n_treatment + 1)
        return next(steps for most, steps in _QUIET if tables <= most)

    def _keeps(
        self, scale: Scale, outside: float, alternative: Alternative
    ) -> Callable[[float], bool]:
        def keeps(bound: float) -> bool:
            if bound == 0.0:
                return self.test(alternative=alternative).p_value > outside
            return self._p_value(scale, bound, alternative) > outside

        return keeps

    def _p_value(self, scale: Scale, bound: float, alternative: Alternative) -> float:
        """Return the p-value of a difference, or of the logarithm of a ratio."""
        n0, n1 = self.n_control, self.n_treatment
        a, x0, x1 = np.arange(n0 + 1.0), self.successes_control, self.successes_treatment
        path = difference_path(bound) if scale == "difference" else ratio_path(math.exp(bound))

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
        return largest_probability(Tails.of(scores, low, high, n1), path)

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


def _span_end(
    keeps: Callable[[float], bool], estimate: float, guess: float, end: float, most: int
) -> float:
    """Return the outermost bound on one side that is kept, looked for around a first guess.

    The search outwards ends at `end`, or after `most` steps in a row that keep nothing.
    """
    sign = math.copysign(1.0, end)
    step = max(abs(guess - estimate) / _STEPS, 1e-3)
    place, quiet, outermost = guess, 0, None
    while quiet < most and sign * (end - place) > 0.0:
        if keeps(place):
            outermost, quiet = place, 0
        else:
            quiet += 1
        place += sign * step
    if outermost is None:
        place = guess
        while sign * (place - estimate) > 0.0 and not keeps(place):
            place -= sign * step
        outermost = place if sign * (place - estimate) > 0.0 else estimate
    if sign * (end - outermost) <= step and keeps(end - sign * 1e-12):
        return end
    inside, out = outermost, outermost + sign * min(step, abs(end - outermost))
    for _ in range(_HALVINGS):
        middle = 0.5 * (inside + out)
        inside, out = (middle, out) if keeps(middle) else (inside, middle)
    return inside
