"""Kaplan-Meier and Nelson-Aalen: one arm's curve with its intervals and quantiles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from abtest.stats.arguments import require_level, require_share
from abtest.stats.floats import Values
from abtest.stats.listing import listing
from abtest.stats.moments import Floats
from abtest.stats.not_estimable import NotEstimable
from abtest.stats.results import Interval
from abtest.stats.survival.event_times import Counts, EventTimes, arm_event_times
from abtest.stats.survival.stepped import SteppedCurve
from abtest.stats.tails import critical_value

if TYPE_CHECKING:
    from abtest.show.fragment import Fragment

ROUNDING = 1e-11
"""A product of shares this close to a share is that share."""


@dataclass(frozen=True, eq=False)
class SurvivalCurve(SteppedCurve):
    """One arm: the share without the event after each time, and its cumulative hazard.

    Attributes
    ----------
    times
        Distinct times at which a unit had the event or was last seen, rising, shape (k,).
    at_risk, events, censored
        Units under observation and without the event just before each time, those that had it
        there, and those last seen there.
    survival
        Kaplan & Meier's estimate of the share without the event just after each time.
    survival_error
        Its standard error by Greenwood; 0 where the share is 0 or 1.
    survival_lower, survival_upper
        Its log-log interval, between 0 and 1.
    hazard
        Nelson & Aalen's cumulative hazard, sum of d / n.
    hazard_error
        Its standard error, from the sum of d / n^2.
    hazard_lower, hazard_upper
        Its log interval.
    confidence_level
        Of all intervals, which are two-sided and hold at each time by itself.
    n
        Units.
    nulls
        Units left out because something about them was null.
    """

    times: Floats
    at_risk: Counts
    events: Counts
    censored: Counts
    survival: Floats
    survival_error: Floats
    survival_lower: Floats
    survival_upper: Floats
    hazard: Floats
    hazard_error: Floats
    hazard_lower: Floats
    hazard_upper: Floats
    confidence_level: float
    n: int
    nulls: int = 0

    def at(self, time: float) -> Interval:
        """Return the share without the event just after a time, with its interval.

        Raises
        ------
        UsageError
            If the time is no number of at least 0, or after the last unit was seen while some
            were still without the event: the share is not known there.
        """
        row = self._row_at(time, "curve", ended=self.survival[-1] <= 0.0)
        if row < 0:
            return Interval(1.0, 1.0, 1.0)  # nothing can have happened yet
        return Interval(
            float(self.survival[row]),
            float(self.survival_lower[row]),
            float(self.survival_upper[row]),
        )

    def quantile(self, share: float = 0.5) -> Interval:
        """Return the time by which this share of units has had the event, with its interval.

        The time is the first at which the curve is at or below 1 - share. The interval inverts
        the log-log band (Brookmeyer & Crowley 1982, Biometrics 38, 29): the times at which the
        band holds 1 - share, and all between them. Estimate and limits are None where curve and
        band stay above.

        Raises
        ------
        UsageError
            If the share is not between 0 and 1.
        """
        require_share(share, "share", "0.5")
        left = 1.0 - share
        moved = self.events > 0
        below = moved & (self.survival_upper <= left)
        held = np.flatnonzero(moved & (self.survival_upper > left))
        if held.size:  # a band that widens late may rise over the share once more
            below[: held[-1]] = False
        return Interval(
            self._first(self.survival <= left + ROUNDING),
            self._first(moved & (self.survival_lower <= left)),
            self._first(below),
        )

    def _first(self, reached: np.typing.NDArray[np.bool_]) -> float | None:
        rows = np.flatnonzero(reached)
        return float(self.times[rows[0]]) if rows.size else None

    def __str__(self) -> str:
        """Return the median, in one sentence."""
        words = f"{self.n:,} units, {int(self.events.sum()):,} events; "
        median = self.quantile()
        if median.estimate is None:
            return f"{words}after {self.times[-1]:g}, {self.survival[-1]:.2%} are without it."
        span = " to ".join(
            "not reached" if end is None else f"{end:g}" for end in (median.lower, median.upper)
        )
        return f"{words}median time {median.estimate:g} ({self._level} {span})."

    def _fragment(self) -> Fragment:
        """Return the sentence and the curve at up to 20 times, for notebooks."""
        rows = [
            (
                f"{self.times[row]:g}",
                f"{self.at_risk[row]:,}",
                f"{self.events[row]:,}",
                f"{self.survival[row]:.2%}",
                f"{self.survival_lower[row]:.2%} to {self.survival_upper[row]:.2%}",
            )
            for row in self._shown()
        ]
        heading = ("time", "at risk", "events", "without the event", self._level)
        return listing(str(self), heading, rows)


def survival_curve(
    sample: EventTimes | tuple[Values, ...], *, confidence_level: float = 0.95
) -> SurvivalCurve:
    """Return the curve of one arm: the share without the event, and the cumulative hazard.

    With d events among n at risk at each distinct time: S = prod (1 - d / n) (Kaplan & Meier
    1958, JASA 53, 457), Var S = S^2 sum d / (n (n - d)) (Greenwood), and
    H = sum d / n with Var H = sum d / n^2 (Nelson 1972, Technometrics 14, 945; Aalen 1978,
    Annals of Statistics 6, 701). The intervals are S^exp(± q s / log S), with s^2 Greenwood's
    sum, and H exp(± q error / H) (Kalbfleisch & Prentice 2002, section 1.4; Klein &
    Moeschberger 2003, sections 4.2 and 4.3).

    Parameters
    ----------
    sample
        ``(time, observed)`` or ``(time, observed, entry)``, one row per unit, or `EventTimes`:
        the answer is the same. Units with a null are left out and counted.
    confidence_level
        Of the intervals.

    Raises
    ------
    UsageError
        If the columns or the level are not as described.
    NotEstimable
        ``too_few_units`` (none), or as `EventTimes.from_values`.

    Notes
    -----
    Before the first event no error can be measured and formulas give an interval of no width.
    Here its limit is the exact one: the curve at which no event among the n units still at risk
    has probability (1 - level) / 2, S = ((1 - level) / 2)^(1/n). Where all units at risk have
    had the event, the interval goes from 0 to the upper limit before that.

    With delayed entry few units may be at risk early; if all of these have the event, the curve
    is 0 from there on, whatever happens later.

    Examples
    --------
    Weeks of remission with 6-mercaptopurine (Freireich et al. 1963, Blood 21, 699):

    >>> weeks = [6, 6, 6, 7, 10, 13, 16, 22, 23, 6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]
    >>> curve = survival_curve((weeks, [1] * 9 + [0] * 12))
    >>> curve.quantile()
    Interval(estimate=23.0, lower=13.0, upper=None)
    >>> round(curve.at(10).estimate, 4), round(float(curve.survival_error[3]), 4)
    (0.7529, 0.0963)
    """
    require_level(confidence_level)
    arm = arm_event_times(sample, "the sample")
    if arm.n == 0:
        raise NotEstimable(
            "too_few_units",
            "There are no units with a time",
            given=f"{arm.nulls} units with a null",
            todo="Look at why times are missing.",
        )
    left = (arm.events + arm.censored) > 0
    at_risk, events = arm.at_risk[left], arm.events[left]
    with np.errstate(divide="ignore"):
        survival: Floats = np.asarray(np.cumprod(1.0 - events / at_risk), dtype=np.float64)
        logarithm = np.cumsum(np.log1p(-events / at_risk))
        greenwood = np.cumsum(greenwood_terms(events, at_risk))
    band = _log_log_band(survival, logarithm, greenwood, at_risk, confidence_level)
    hazard = np.cumsum(events / at_risk)
    hazard_error = np.sqrt(np.cumsum(events / at_risk.astype(np.float64) ** 2))
    hazard_band = _log_band(hazard, hazard_error, at_risk, confidence_level)
    return SurvivalCurve(
        times=arm.times[left],
        at_risk=at_risk,
        events=events,
        censored=arm.censored[left],
        survival=survival,
        survival_error=np.asarray(survival * np.sqrt(greenwood)),
        survival_lower=band[0],
        survival_upper=band[1],
        hazard=hazard,
        hazard_error=hazard_error,
        hazard_lower=hazard_band[0],
        hazard_upper=hazard_band[1],
        confidence_level=confidence_level,
        n=arm.n,
        nulls=arm.nulls,
    )


def greenwood_terms(events: Counts, at_risk: Counts) -> Floats:
    """Return d / (n (n - d)) at each time; 0 where all units at risk had the event.

    There the curve falls to 0, and whatever the terms are multiplied with is 0.
    """
    n, d = at_risk.astype(np.float64), events.astype(np.float64)
    remaining = n - d
    return np.asarray(d / (n * np.where(remaining > 0.0, remaining, np.inf)))


def _log_log_band(
    survival: Floats, logarithm: Floats, greenwood: Floats, at_risk: Counts, level: float
) -> tuple[Floats, Floats]:
    """Return the log-log limits of the curve at each time."""
    moved = (survival > 0.0) & (logarithm < 0.0)
    log_s = np.where(moved, logarithm, -1.0)
    spread = critical_value(level, None, two_sided=True) * np.sqrt(greenwood) / -log_s
    lower = np.where(moved, np.exp(log_s * _exp(spread)), 0.0)
    upper = np.where(moved, np.exp(log_s * np.exp(-spread)), 1.0)
    lower = np.where(logarithm == 0.0, _nothing_yet(at_risk, level), lower)
    gone = np.flatnonzero(survival <= 0.0)
    if gone.size:
        upper[gone] = upper[gone[0] - 1] if gone[0] > 0 else 1.0
    return lower, upper


def _log_band(
    hazard: Floats, error: Floats, at_risk: Counts, level: float
) -> tuple[Floats, Floats]:
    """Return the log limits of the cumulative hazard at each time."""
    moved = hazard > 0.0
    safe = np.where(moved, hazard, 1.0)
    spread = critical_value(level, None, two_sided=True) * error / safe
    upper = np.where(moved, safe * _exp(spread), -np.log(_nothing_yet(at_risk, level)))
    return np.where(moved, safe * np.exp(-spread), 0.0), upper


def _exp(values: Floats) -> Floats:
    """Return the exponential, finite for levels so close to 1 that limits are at the end."""
    return np.asarray(np.exp(np.minimum(values, 700.0)))


def _nothing_yet(at_risk: Counts, level: float) -> Floats:
    """Return the share that none of n units having the event leaves possible, at the level."""
    return np.asarray(((1.0 - level) / 2.0) ** (1.0 / at_risk))
