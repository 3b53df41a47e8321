"""The score methods of two proportions: tests and intervals from one statistic."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from abtest.stats.proportions.crossings import ratio_set
from abtest.stats.proportions.score_limits import difference_limits
from abtest.stats.proportions.score_statistics import (
    difference_scores,
    odds_scores,
    ratio_scores,
)
from abtest.stats.proportions.two_by_two import TwoByTwo, require_reachable
from abtest.stats.results import Alternative, Interval, RelativeInterval, Test
from abtest.stats.tails import critical_value, tail_test


@dataclass(frozen=True)
class ScorePair(TwoByTwo):
    """Two proportions, judged by score statistics; a `PairEstimate`.

    p-values and intervals come from one statistic, so that they agree; both stay sensible at 0
    and at 100 percent, where a difference of means has no variance.

    Attributes
    ----------
    successes_control, n_control, successes_treatment, n_treatment
        Counts.
    warnings
        Codes of what a reader should know.
    variance_reduction
        None: counts have no covariates.
    method
        ``miettinen_nurminen``, or ``pooled_z`` for the same without the factor N / (N - 1): its
        test of no difference is the pooled z test, which is the uncorrected chi-square test.

    Examples
    --------
    >>> pair = ScorePair(48, 80, 56, 70)
    >>> interval = pair.absolute(0.95)
    >>> round(interval.lower, 4), round(interval.upper, 4)
    (0.0528, 0.3382)
    """

    method: Literal["miettinen_nurminen", "pooled_z"] = "miettinen_nurminen"

    def absolute(self, confidence_level: float, alternative: Alternative = "two-sided") -> Interval:
        """Return the difference with all values that the score test does not reject."""
        critical = critical_value(confidence_level, None, two_sided=alternative == "two-sided")
        limits = difference_limits(self.counts, critical, corrected=self._corrected)
        lower, upper = (float(limit) for limit in limits)
        return Interval(
            self.difference,
            None if alternative == "less" else lower,
            None if alternative == "greater" else upper,
        )

    def relative(
        self, confidence_level: float, alternative: Alternative = "two-sided"
    ) -> RelativeInterval:
        """Return the risk ratio minus 1 with all values that the score test does not reject.

        ``half_line`` if control has no success, ``unbounded`` if neither arm has: then there is
        no estimate. One-sided sets are half lines as well.
        """
        critical = critical_value(confidence_level, None, two_sided=alternative == "two-sided")
        return ratio_set(
            lambda log_ratio: ratio_statistic(self, math.exp(log_ratio), math.expm1(log_ratio)),
            critical,
            (self.treatment_value, self.control_value),
            alternative,
        )

    def odds(
        self, confidence_level: float, alternative: Alternative = "two-sided"
    ) -> RelativeInterval:
        """Return the odds ratio minus 1 with all values that the score test does not reject.

        ``half_line`` or without an estimate as `relative`, where an arm has only successes or
        only failures.
        """
        critical = critical_value(confidence_level, None, two_sided=alternative == "two-sided")
        x0, n0, x1, n1 = self.counts
        return ratio_set(
            lambda log_ratio: float(
                odds_scores(self.counts, math.exp(log_ratio), corrected=self._corrected)
            ),
            critical,
            (float(x1 * (n0 - x0)), float(x0 * (n1 - x1))),
            alternative,
        )

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
            statistic = difference_statistic(self, absolute)
        else:
            statistic = ratio_statistic(self, 1.0 + relative, relative)
        return tail_test(statistic, None, alternative)

    def odds_test(self, ratio: float = 1.0, alternative: Alternative = "two-sided") -> Test:
        """Test the odds ratio against `ratio` > 0; at 1 it is the test of no difference.

        Raises
        ------
        NotEstimable
            ``bound_out_of_range`` if the ratio is not above 0.
        """
        require_reachable(0.0, ratio - 1.0)
        statistic = float(odds_scores(self.counts, ratio, corrected=self._corrected))
        return tail_test(statistic, None, alternative)

    @property
    def _corrected(self) -> bool:
        return self.method == "miettinen_nurminen"


def difference_statistic(pair: ScorePair, bound: float) -> float:
    """Return the score statistic of the difference of one pair; see `difference_scores`."""
    corrected = pair.method == "miettinen_nurminen"
    return float(difference_scores(pair.counts, bound, corrected=corrected))


def ratio_statistic(pair: ScorePair, ratio: float, relative: float | None = None) -> float:
    """Return the score statistic of the risk ratio of one pair; see `ratio_scores`."""
    corrected = pair.method == "miettinen_nurminen"
    return float(ratio_scores(pair.counts, ratio, corrected=corrected, relative=relative))
