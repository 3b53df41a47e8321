"""Score statistics of two Poisson rates: tests and intervals of ratio and difference in one."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from abtest.stats.moments import Floats
from abtest.stats.not_estimable import NotEstimable
from abtest.stats.rates.totals import EventTotals
from abtest.stats.results import Alternative, Interval, Method, RelativeInterval, Test, WarningCode
from abtest.stats.tails import critical_value, tail_test


@dataclass(frozen=True)
class RatePair:
    """Two Poisson rates, judged by score statistics; a `PairEstimate`.

    p-values and both intervals come from one statistic, so that they agree.

    Attributes
    ----------
    events_control, exposure_control, events_treatment, exposure_treatment
        Totals.
    n_control, n_treatment
        Units, or events where the units are not known.
    warnings
        Codes of what a reader should know.

    Examples
    --------
    >>> pair = RatePair(15, 19017.0, 41, 28010.0)
    >>> interval = pair.relative(0.95)
    >>> round(1 + interval.lower, 4), round(1 + interval.upper, 4)
    (1.0358, 3.3249)
    """

    events_control: int
    exposure_control: float
    events_treatment: int
    exposure_treatment: float
    n_control: int = 0
    n_treatment: int = 0
    warnings: tuple[WarningCode, ...] = ()
    method: Method = "poisson_score"
    variance_reduction: float | None = None

    @property
    def control_value(self) -> float:
        """Events per exposure of control."""
        return self.events_control / self.exposure_control

    @property
    def treatment_value(self) -> float:
        """Events per exposure of treatment."""
        return self.events_treatment / self.exposure_treatment

    def absolute(self, confidence_level: float, alternative: Alternative = "two-sided") -> Interval:
        """Return the difference of the rates with all values that the score test keeps."""
        critical = critical_value(confidence_level, None, two_sided=alternative == "two-sided")
        totals = self._totals()
        return Interval(
            self.treatment_value - self.control_value,
            None if alternative == "less" else float(difference_limits(totals, critical)[0]),
            None if alternative == "greater" else float(difference_limits(totals, -critical)[0]),
        )

    def relative(
        self, confidence_level: float, alternative: Alternative = "two-sided"
    ) -> RelativeInterval:
        """Return the rate ratio minus 1 with all values that the score test keeps.

        ``half_line`` if control has no event, ``unbounded`` if neither arm has: then there is no
        estimate. One-sided sets are half lines as well.
        """
        critical = critical_value(confidence_level, None, two_sided=alternative == "two-sided")
        totals = self._totals()
        lower = None if alternative == "less" else _end(ratio_limits(totals, critical)[0])
        upper = None if alternative == "greater" else _end(ratio_limits(totals, -critical)[0])
        if not self.events_control + self.events_treatment:
            return RelativeInterval(None, None, None, "unbounded")
        estimate = self.treatment_value / self.control_value - 1 if self.events_control else None
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
            ``bound_out_of_range`` if a rate would have to fall by everything or more.
        """
        totals = self._totals()
        if relative is None:
            statistic = difference_statistic(totals, np.array([absolute]))
        elif relative > -1.0:
            statistic = ratio_statistic(totals, np.array([1.0 + relative]))
        else:
            raise NotEstimable(
                "bound_out_of_range",
                "No rate can fall by this much",
                given=f"{relative:g}",
                todo="A relative bound lies above -1.",
            )
        return tail_test(float(statistic[0]), None, alternative)

    def _totals(self) -> EventTotals:
        none = np.full((2, 1), np.nan)
        events = np.array([[self.events_control], [self.events_treatment]], dtype=np.float64)
        exposure = np.array([[self.exposure_control], [self.exposure_treatment]])
        return EventTotals(events, exposure, none, none, none)


def ratio_statistic(totals: EventTotals, ratio: Floats) -> Floats:
    """Return the score statistic of the rate ratio against `ratio` > 0; it falls with the ratio.

    (x1 T0 - ratio x0 T1) / sqrt(ratio T0 T1 (x0 + x1)): the difference of the rates over the
    standard error at the most likely rates of that ratio (Miettinen & Nurminen 1985, Stat. Med.
    4, 213, for rates; Gu, Ng, Tang & Schucany 2008, Biom. J. 50(2), statistic of the
    constrained estimate). It is also the score statistic of a binomial share of x1 in x0 + x1.
    0 where there are no events.
    """
    x0, x1 = totals.events
    odds = ratio * totals.exposure[1] / totals.exposure[0]
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = (x1 - odds * x0) / np.sqrt(odds * (x0 + x1))
    return np.where(x0 + x1 > 0.0, statistic, 0.0)


def ratio_limits(totals: EventTotals, critical: float) -> Floats:
    """Return the ratio - 1 at which the score statistic is `critical`; infinite if nowhere.

    With u = ratio T1 / T0 the equation is x0^2 u^2 - (2 x0 x1 + critical^2 x) u + x1^2 = 0: the
    smaller root for a critical value above 0, the larger one below.
    """
    x0, x1 = totals.events
    scale = totals.exposure[0] / totals.exposure[1]
    square = critical * critical * (x0 + x1)
    far = 0.5 * (2.0 * x0 * x1 + square + np.sqrt(square * (square + 4.0 * x0 * x1)))
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        odds = x1 * x1 / far if critical > 0.0 else far / (x0 * x0)
        limit = scale * odds - 1.0
    nothing = -1.0 if critical > 0.0 else np.inf
    return np.where(x0 + x1 > 0.0, limit, nothing)


def difference_statistic(totals: EventTotals, bound: Floats) -> Floats:
    """Return the score statistic of the difference against `bound`; it falls with the bound.

    (r1 - r0 - bound) / sqrt(r1~ / T1 + r0~ / T0) with r0~, r1~ the most likely rates that differ
    by the bound, the larger root of T r0^2 - (x - T bound) r0 - x0 bound = 0 (Miettinen &
    Nurminen 1985, their statistic for rates). 0 where neither variance nor distance is left.
    """
    x0, x1 = totals.events
    t0, t1 = totals.exposure
    distance = x1 / t1 - x0 / t0 - bound
    rate0 = _constrained(x0, x0 + x1, t0 + t1, bound)
    rate1 = _constrained(x1, x0 + x1, t0 + t1, -bound)
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = distance / np.sqrt(rate1 / t1 + rate0 / t0)
    return np.where(distance == 0.0, 0.0, statistic)


def difference_limits(totals: EventTotals, critical: float) -> Floats:
    """Return the difference at which the score statistic is `critical`."""
    from scipy.optimize import elementwise

    x0, x1 = totals.events
    t0, t1 = totals.exposure
    estimate = x1 / t1 - x0 / t0
    square = critical * critical
    unit = np.hypot(np.sqrt(x0 + square) / t0, np.sqrt(x1 + square) / t1)
    direction = -math.copysign(1.0, critical)
    if critical == 0.0:
        return np.asarray(estimate)
    with np.errstate(over="ignore", invalid="ignore"):

        def excess(steps: Floats, *parts: Floats) -> Floats:
            one = EventTotals(np.stack(parts[:2]), np.stack(parts[2:4]), *parts[:3])
            bound = parts[4] + direction * steps * parts[5]
            return difference_statistic(one, bound) - critical

        arguments = (x0, x1, t0, t1, estimate, unit)
        outer = np.ones(estimate.shape)
        for _ in range(60):
            inside = direction * excess(outer, *arguments) > 0.0
            if not inside.any():
                break
            outer = np.where(inside, 2.0 * outer, outer)
        found = elementwise.find_root(
            excess, (np.zeros(outer.shape), outer), args=arguments, tolerances={"xrtol": 1e-14}
        )
    return np.asarray(estimate + direction * found.x * unit)


def _constrained(events: Floats, all_events: Floats, exposure: Floats, bound: Floats) -> Floats:
    """Return the larger root of T r^2 - (x - T bound) r - events bound = 0, without cancelling."""
    middle = all_events - exposure * bound
    # both forms of the discriminant are sums of what is not negative
    rise = exposure * bound
    square = np.where(
        bound > 0.0,
        middle * middle + 4.0 * events * rise,
        (all_events + rise) ** 2 - 4.0 * (all_events - events) * rise,
    )
    root = np.sqrt(square)
    with np.errstate(divide="ignore", invalid="ignore"):
        other = np.where(events * bound == 0.0, 0.0, 2.0 * events * bound / (root - middle))
    return np.where(middle >= 0.0, (middle + root) / (2.0 * exposure), other)


def _end(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
