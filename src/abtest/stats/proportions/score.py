"""The score statistics of two proportions (Miettinen & Nurminen): tests and intervals in one."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from abtest.stats.not_estimable import NotEstimable
from abtest.stats.results import Alternative, Interval, Method, RelativeInterval, Test, WarningCode
from abtest.stats.tails import critical_value, tail_test

_XTOL = 1e-13
_LOG_RATIO_LIMIT = 300.0
"""Risk ratios outside exp(-300) .. exp(300) are 0 or without end."""


@dataclass(frozen=True)
class ScorePair:
    """Two proportions, judged by score statistics; a `PairEstimate`.

    p-values and intervals come from one statistic, so that they agree; both stay sensible at 0
    and at 100 percent, where a difference of means has no variance.

    Attributes
    ----------
    successes_control, n_control, successes_treatment, n_treatment
        Counts.
    warnings
        Codes of what a reader should know.

    Examples
    --------
    >>> pair = ScorePair(48, 80, 56, 70)
    >>> interval = pair.absolute(0.95)
    >>> round(interval.lower, 4), round(interval.upper, 4)
    (0.0528, 0.3382)
    """

    successes_control: int
    n_control: int
    successes_treatment: int
    n_treatment: int
    warnings: tuple[WarningCode, ...] = ()
    method: Method = "miettinen_nurminen"
    variance_reduction: float | None = None

    @property
    def control_value(self) -> float:
        """Share of successes in control."""
        return self.successes_control / self.n_control

    @property
    def treatment_value(self) -> float:
        """Share of successes in treatment."""
        return self.successes_treatment / self.n_treatment

    def with_warnings(self, *codes: WarningCode) -> ScorePair:
        """Return the same pair with further warning codes."""
        return replace(self, warnings=(*self.warnings, *codes)) if codes else self

    def absolute(self, confidence_level: float, alternative: Alternative = "two-sided") -> Interval:
        """Return the difference with all values that the score test does not reject."""
        critical = critical_value(confidence_level, None, two_sided=alternative == "two-sided")
        estimate = self.treatment_value - self.control_value

        def rejected_by(bound: float) -> float:
            return difference_statistic(self, bound)

        lower: float | None = None
        upper: float | None = None
        if alternative != "less":
            lower = _crossing(rejected_by, critical, -1.0, estimate)
        if alternative != "greater":
            upper = _crossing(rejected_by, -critical, estimate, 1.0)
        return Interval(estimate, lower, upper)

    def relative(
        self, confidence_level: float, alternative: Alternative = "two-sided"
    ) -> RelativeInterval:
        """Return the risk ratio minus 1 with all values that the score test does not reject.

        ``half_line`` if control has no success, ``unbounded`` if neither arm has: then there is
        no estimate. One-sided sets are half lines as well.
        """
        critical = critical_value(confidence_level, None, two_sided=alternative == "two-sided")

        def rejected_by(log_ratio: float) -> float:
            return ratio_statistic(self, math.exp(log_ratio))

        treated, controls = self.successes_treatment, self.successes_control
        estimate = self.treatment_value / self.control_value - 1.0 if controls else None
        # a log ratio inside the set: the estimate, or next to 0 or infinity where that is one
        start = _LOG_RATIO_LIMIT * ((treated > 0) - (controls > 0))
        if treated and controls:
            start = math.log(self.treatment_value / self.control_value)
        lower: float | None = None
        upper: float | None = None
        if alternative != "less":
            low = _outwards(rejected_by, critical, start, -1.0) if treated else None
            lower = -1.0 if low is None else math.expm1(low)
        if alternative != "greater" and controls:
            high = _outwards(rejected_by, -critical, start, 1.0)
            upper = None if high is None else math.expm1(high)
        if not controls and not treated:
            return RelativeInterval(None, None, None, "unbounded")
        if lower is None and upper is None:
            return RelativeInterval(estimate, None, None, "unbounded")
        bounded = lower is not None and upper is not None
        return RelativeInterval(estimate, lower, upper, "bounded" if bounded else "half_line")

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
        if relative is None:
            if not -1.0 < absolute < 1.0:
                raise _out_of_range(absolute)
            statistic = difference_statistic(self, absolute)
        else:
            if relative <= -1.0:
                raise _out_of_range(relative)
            statistic = ratio_statistic(self, 1.0 + relative)
        return tail_test(statistic, None, alternative)


def difference_statistic(pair: ScorePair, bound: float) -> float:
    """Return the score statistic of the difference against `bound`; it falls with the bound.

    (d - bound) / sqrt(N / (N - 1) (p0 q0 / n0 + p1 q1 / n1)) with p0, p1 the most likely
    proportions that differ by the bound (Miettinen & Nurminen 1985, Stat. Med. 4, 213, eq. 8;
    the closed form is their appendix I). 0 where the data leave no variance and no distance.
    """
    n0, n1 = pair.n_control, pair.n_treatment
    p0 = _constrained_control(pair, bound)
    p1 = min(max(p0 + bound, 0.0), 1.0)
    total = n0 + n1
    variance = total / (total - 1.0) * (p0 * (1.0 - p0) / n0 + p1 * (1.0 - p1) / n1)
    return _standardise(pair.treatment_value - pair.control_value - bound, variance)


def ratio_statistic(pair: ScorePair, ratio: float) -> float:
    """Return the score statistic of the risk ratio against `ratio` > 0; it falls with the ratio.

    (p1^ - ratio p0^) / sqrt(N / (N - 1) (p1 q1 / n1 + ratio^2 p0 q0 / n0)) with p0 and p1 =
    ratio p0 the most likely proportions of that ratio (Miettinen & Nurminen 1985, eq. 10 and 11).
    At ratio 1 it is the statistic of a difference of 0.
    """
    n0, n1 = pair.n_control, pair.n_treatment
    x0, x1 = pair.successes_control, pair.successes_treatment
    total = n0 + n1
    # total * ratio * p0^2 - middle * p0 + (x0 + x1) = 0, smaller root, without cancellation
    middle = n1 * ratio + x1 + n0 + x0 * ratio
    root = math.sqrt(max(middle * middle - 4.0 * total * ratio * (x0 + x1), 0.0))
    p0 = min(2.0 * (x0 + x1) / (middle + root), 1.0, 1.0 / ratio)
    p1 = min(ratio * p0, 1.0)
    variance = total / (total - 1.0) * (p1 * (1.0 - p1) / n1 + ratio * p1 * (1.0 - p0) / n0)
    return _standardise(pair.treatment_value - ratio * pair.control_value, variance)


def _constrained_control(pair: ScorePair, bound: float) -> float:
    """Return the most likely control proportion if treatment - control is `bound`.

    The likelihood equation is a cubic with one root in range (Miettinen & Nurminen 1985,
    appendix I; Farrington & Manning 1990, Stat. Med. 9, 1447).
    """
    n0, n1 = pair.n_control, pair.n_treatment
    x0, x1 = pair.successes_control, pair.successes_treatment
    low, high = max(0.0, -bound), min(1.0, 1.0 - bound)
    total = n0 + n1
    l3 = float(total)
    l2 = (n1 + 2.0 * n0) * bound - total - (x0 + x1)
    l1 = (n0 * bound - total - 2.0 * x0) * bound + x0 + x1
    l0 = x0 * bound * (1.0 - bound)
    q = l2**3 / (3.0 * l3) ** 3 - l1 * l2 / (6.0 * l3**2) + l0 / (2.0 * l3)
    p = math.copysign(math.sqrt(max(l2**2 / (3.0 * l3) ** 2 - l1 / (3.0 * l3), 0.0)), q)
    if p == 0.0:
        root = -l2 / (3.0 * l3)
    else:
        cosine = min(max(q / p**3, -1.0), 1.0)
        angle = (math.pi + math.acos(cosine)) / 3.0
        root = 2.0 * p * math.cos(angle) - l2 / (3.0 * l3)
    return min(max(root, low), high)


def _standardise(distance: float, variance: float) -> float:
    if variance > 0.0:
        return distance / math.sqrt(variance)
    if abs(distance) < 1e-15:
        return 0.0
    return math.copysign(math.inf, distance)


def _crossing(statistic: Callable[[float], float], level: float, low: float, high: float) -> float:
    """Return where a falling statistic crosses `level` on [low, high], or the end it stays at."""

    def excess(bound: float) -> float:
        value = statistic(bound) - level
        return max(min(value, 1e6), -1e6)  # infinite at the ends, where no variance is left

    inner_low, inner_high = low + 1e-15, high - 1e-15
    if inner_low >= inner_high or excess(inner_low) <= 0.0:
        return low
    if excess(inner_high) >= 0.0:
        return high
    return _root(excess, inner_low, inner_high)


def _outwards(
    statistic: Callable[[float], float], level: float, start: float, direction: float
) -> float | None:
    """Return where a falling statistic of log ratio crosses `level`; None if it never does."""
    # the statistic has the level's sign beyond the crossing: walk until it does
    step, near = 1.0, start
    while abs(near) <= _LOG_RATIO_LIMIT:
        far = near + direction * step
        if direction * (statistic(far) - level) <= 0.0:
            ends = (near, far) if direction > 0.0 else (far, near)
            if direction * (statistic(near) - level) <= 0.0:
                return near
            return _root(lambda x: statistic(x) - level, *ends)
        near, step = far, 2.0 * step
    return None


def _out_of_range(bound: float) -> NotEstimable:
    return NotEstimable(
        "bound_out_of_range",
        "No two proportions differ by this bound",
        given=f"{bound:g}",
        todo="An absolute bound lies between -1 and 1, a relative one above -1.",
    )


def _root(function: Callable[[float], float], low: float, high: float) -> float:
    """Return where the function, of opposite signs at the two ends, is zero."""
    # Only here: it takes longer to import than an analysis without rare successes takes.
    from scipy import optimize

    return float(optimize.brentq(function, low, high, xtol=_XTOL, rtol=_XTOL))
