"""Fisher's exact test with the intervals of the odds ratio that invert it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import special

from abtest.stats.moments import Floats
from abtest.stats.proportions.conditional import TIE, Conditional, outwards
from abtest.stats.proportions.crossings import root
from abtest.stats.proportions.two_by_two import TwoByTwo, require_reachable
from abtest.stats.results import Alternative, RelativeInterval, Test

FisherMethod = Literal["fisher", "fisher_central", "fisher_midp"]
"""Which tables count as extreme, and how much of the observed one."""

_STEP = 128
"""Pieces that one step of the search looks at."""
_QUIET = 512
"""Pieces in a row that keep nothing, after which the search ends."""


@dataclass(frozen=True)
class FisherPair(TwoByTwo):
    """Two arms, judged by Fisher's exact conditional test of the odds ratio.

    Given how many succeeded in all, the successes of treatment follow the noncentral
    hypergeometric distribution, whatever the common share of success: the test keeps its level
    exactly, and says something about the odds ratio alone.

    Attributes
    ----------
    successes_control, n_control, successes_treatment, n_treatment
        Counts.
    method
        ``fisher``: two-sided by minimum likelihood, all tables no more probable than the
        observed one (Irwin 1935; as R and SciPy), ties within a relative 1e-9. Its interval is
        the span of all odds ratios that this same test keeps (Baptista & Pike 1977, Appl. Stat.
        26, 214; Fay 2010, Biostatistics 11, 373). That set can have gaps: where the p-value
        rejects an odds ratio of 1 that lies in one, the interval holds 1 all the same and
        `has_gap` says so.
        ``fisher_central``: twice the smaller tail; its interval has the exact one-sided limits of
        half the level (Cornfield 1956), which R's fisher.test prints beside the other p-value.
        ``fisher_midp``: ``fisher`` with half of the observed table's probability (Lancaster 1961,
        JASA 56, 223), interval in the same way; closer to the level, but not always below it.

    Examples
    --------
    >>> pair = FisherPair(12, 17, 6, 18)
    >>> round(pair.odds_test().p_value, 5)
    0.04371
    >>> found = pair.odds(0.95)
    >>> round(1 + found.lower, 4), round(1 + found.upper, 4)
    (0.0436, 0.917)
    """

    method: FisherMethod = "fisher"

    @cached_property
    def conditional(self) -> Conditional:
        """The distribution of the tables with these margins."""
        return Conditional.of(self)

    def odds(
        self, confidence_level: float, alternative: Alternative = "two-sided"
    ) -> RelativeInterval:
        """Return the conditional maximum likelihood odds ratio minus 1 with its exact set.

        ``half_line`` for one-sided sets and where one arm has only successes or only failures
        so that the odds ratio has no upper limit; then there may be no estimate. ``unbounded``
        where the margins leave one table alone.
        """
        tables = self.conditional
        if tables.successes.size == 1:
            return RelativeInterval(None, None, None, "unbounded")
        outside = 1.0 - confidence_level
        estimate = _exp(tables.most_likely())
        low = None if alternative == "less" else -self._limit(tables.reflected(), outside)
        high = None if alternative == "greater" else self._limit(tables, outside)
        if alternative != "two-sided":
            low = None if low is None else -self._one_sided(tables.reflected(), outside)
            high = None if high is None else self._one_sided(tables, outside)
        lower = None if low is None else math.expm1(low)
        upper = None if high is None or math.isinf(high) else math.expm1(high)
        if lower is None and upper is None:
            return RelativeInterval(estimate, None, None, "unbounded")
        bounded = lower is not None and upper is not None
        return RelativeInterval(estimate, lower, upper, "bounded" if bounded else "half_line")

    def odds_test(self, ratio: float = 1.0, alternative: Alternative = "two-sided") -> Test:
        """Test the odds ratio against `ratio` > 0; the statistic is the treatment's successes.

        Raises
        ------
        NotEstimable
            ``bound_out_of_range`` if the ratio is not above 0.
        """
        require_reachable(0.0, ratio - 1.0)
        tables, t = self.conditional, math.log(ratio)
        if alternative == "greater":
            log_p = tables.log_tail(t, upper=True, less=self._less)
        elif alternative == "less":
            log_p = tables.log_tail(t, upper=False, less=self._less)
        elif self.method == "fisher_central":
            smaller = min(tables.log_tail(t, upper=side, less=0.0) for side in (True, False))
            log_p = min(math.log(2.0) + smaller, 0.0)
        else:
            log_p = tables.log_two_sided(t, less=self._less)
        return Test(
            math.exp(log_p),
            log_p / math.log(10.0),
            float(self.successes_treatment),
            None,
            alternative,
        )

    def has_gap(self, confidence_level: float) -> bool:
        """Return whether the two-sided test rejects 1 although the interval holds it."""
        found = self.odds(confidence_level)
        lower = -1.0 if found.lower is None else found.lower
        upper = math.inf if found.upper is None else found.upper
        return lower < 0.0 < upper and self.odds_test().p_value < 1.0 - confidence_level

    @property
    def _less(self) -> float:
        only = self.conditional.successes.size == 1  # one table alone says nothing, half of it too
        return 0.5 if self.method == "fisher_midp" and not only else 0.0

    def _limit(self, tables: Conditional, outside: float) -> float:
        """Return the upper two-sided limit of the log odds ratio."""
        if self.method == "fisher_central":
            return self._one_sided(tables, outside / 2.0)
        return _span_end(tables, outside, self._less)

    def _one_sided(self, tables: Conditional, outside: float) -> float:
        """Return where P(K <= observed) falls below `outside`."""
        if tables.observed == tables.successes.size - 1:
            return math.inf
        return _tail_end(tables, outside, self._less)


def _span_end(tables: Conditional, outside: float, less: float) -> float:
    """Return the largest log odds ratio that the minimum likelihood test keeps.

    Above the point where the observed table is the most probable one, all tables below it count,
    and of those above it the ones from some place on. That place moves up at the log odds ratios
    `ends` at which a table above is just as probable as the observed one. Between two of them p
    is 1 less the probability of a block of tables, which has one maximum in t, so that p falls
    and then rises: it is above `outside` at the right end, or crosses it once, or not at all.
    """
    after = slice(tables.observed + 1, None)
    if tables.observed == tables.successes.size - 1:
        return math.inf
    ends = -tables.log_weights[after] / tables.distances[after]
    # an odds ratio of exactly 1 at which two tables are equally probable, but for rounding
    ends[np.abs(ends) <= TIE] = 0.0
    pieces = ends.size  # piece j lies between ends[j] and ends[j + 1]; the last has no right end
    # the tables below alone keep all that is smaller than this
    found, quiet = max(float(ends[0]), _tail_end(tables, outside, less)), 0
    start = max(int(np.searchsorted(ends, found)) - 1, 0)
    for first in range(start, pieces, _STEP):
        places = np.arange(first, min(first + _STEP, pieces))
        inner = np.minimum(places + 1, pieces - 1)
        near = tables.near(float(ends[places[0]]), float(ends[inner[-1]]))
        at_left = _p_values(near, ends[places], places + 1, less)
        at_right = _p_values(near, ends[inner], places + 1, less)
        at_right[places + 1 == pieces] = 0.0
        keeps = np.flatnonzero((at_left > outside) | (at_right > outside))
        quiet = 0 if keeps.size else quiet + places.size
        if keeps.size:
            last = int(keeps[-1])
            place = int(places[last])
            if at_right[last] > outside:
                found = max(found, float(ends[place + 1]))
            else:
                found = max(found, _within(tables, place, ends, outside, less))
        if quiet >= _QUIET:
            break
    return found


def _tail_end(tables: Conditional, outside: float, less: float) -> float:
    """Return the log odds ratio at which P(K <= observed) falls to `outside`."""
    level = math.log(outside)

    def missing(t: float) -> float:
        return level - tables.log_tail(t, upper=False, less=less)

    return root(missing, *outwards(missing))


def _within(tables: Conditional, place: int, ends: Floats, outside: float, less: float) -> float:
    """Return where p falls below `outside` within one piece."""

    def missing(t: float) -> float:
        return outside - float(_p_values(tables, np.array([t]), np.array([place + 1]), less)[0])

    low = float(ends[place])
    if place + 1 < ends.size:
        return root(missing, low, float(ends[place + 1]))
    step = 1.0
    while missing(low + step) < 0.0:
        step *= 2.0
    return root(missing, low, low + step)


def _p_values(tables: Conditional, t: Floats, later: NDArray[np.int_], less: float) -> Floats:
    """Return P(K <= observed) + P(K at least `later` places above the observed) at every t."""
    heights = tables.log_weights + np.multiply.outer(t, tables.distances)
    weights = special.softmax(heights, axis=1)
    low = weights[:, : tables.observed + 1].sum(axis=1) - less * weights[:, tables.observed]
    places = np.arange(tables.successes.size) - tables.observed
    far = places[None, :] > later[:, None]
    return np.asarray(low + np.where(far, weights, 0.0).sum(axis=1))


def _exp(t: float) -> float | None:
    """Return a ratio minus 1 from its logarithm; None where it is infinite."""
    return None if t == math.inf else math.expm1(t)
