"""Cumulative incidence: the share of units that had one event first, while others compete."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from abtest.stats.arguments import require_level
from abtest.stats.floats import Values
from abtest.stats.listing import listing
from abtest.stats.moments import Floats
from abtest.stats.not_estimable import NotEstimable
from abtest.stats.results import Interval
from abtest.stats.survival.competing_times import (
    CompetingTimes,
    arm_competing_times,
    require_cause,
)
from abtest.stats.survival.curve import greenwood_terms
from abtest.stats.survival.event_times import Counts
from abtest.stats.survival.stepped import SteppedCurve
from abtest.stats.tails import critical_value

if TYPE_CHECKING:
    from abtest.show.fragment import Fragment


@dataclass(frozen=True, eq=False)
class CumulativeIncidence(SteppedCurve):
    """One arm: the share that had one event, as the first of all, up to each time.

    Attributes
    ----------
    times
        Distinct times at which a unit had an event or was last seen, rising, shape (k,).
    at_risk, events, competing, censored
        Units without any event just before each time, those that had this event there, those
        that had another one, and those last seen without any.
    incidence
        Aalen & Johansen's estimate of the share just after each time.
    error
        Its standard error.
    lower, upper
        Its log-log interval, between 0 and 1.
    cause
        Number of the event.
    confidence_level
        Of the intervals, which are two-sided and hold at each time by itself.
    n
        Units.
    nulls
        Units left out because something about them was null.
    """

    times: Floats
    at_risk: Counts
    events: Counts
    competing: Counts
    censored: Counts
    incidence: Floats
    error: Floats
    lower: Floats
    upper: Floats
    cause: int
    confidence_level: float
    n: int
    nulls: int = 0

    def at(self, time: float) -> Interval:
        """Return the share up to and with a time, with its interval.

        Raises
        ------
        UsageError
            If the time is no number of at least 0, or after the last unit was seen while some
            had no event yet: the share is not known there.
        """
        row = self._row_at(time, "share", ended=self.censored[-1] == 0)
        if row < 0:
            return Interval(0.0, 0.0, 0.0)  # nothing can have happened yet
        return Interval(float(self.incidence[row]), float(self.lower[row]), float(self.upper[row]))

    def __str__(self) -> str:
        """Return the share at the last time, in one sentence."""
        return (
            f"{self.n:,} units, {int(self.events.sum()):,} events of cause {self.cause}, "
            f"{int(self.competing.sum()):,} of others; up to {self.times[-1]:g}, "
            f"{self.incidence[-1]:.2%} had it "
            f"({self._level} {self.lower[-1]:.2%} to {self.upper[-1]:.2%})."
        )

    def _fragment(self) -> Fragment:
        """Return the sentence and the curve at up to 20 times, for notebooks."""
        rows = [
            (
                f"{self.times[row]:g}",
                f"{self.at_risk[row]:,}",
                f"{self.events[row]:,}",
                f"{self.competing[row]:,}",
                f"{self.incidence[row]:.2%}",
                f"{self.lower[row]:.2%} to {self.upper[row]:.2%}",
            )
            for row in self._shown()
        ]
        heading = ("time", "at risk", "events", "competing", "share", self._level)
        return listing(str(self), heading, rows)


def cumulative_incidence(
    sample: CompetingTimes | tuple[Values, Values],
    *,
    cause: int = 1,
    confidence_level: float = 0.95,
) -> CumulativeIncidence:
    """Return the share of one arm that had one event, as the first of all, up to each time.

    F(t) = sum S(u-) d1(u) / n(u), with S the Kaplan-Meier curve of whichever event came first
    (Aalen & Johansen 1978, Scandinavian Journal of Statistics 5, 141). The shares of all causes
    and S add up to 1. One minus a Kaplan-Meier curve that takes competing events for the end of
    observation does not: it answers what would be if they never happened, and is too large.

    Parameters
    ----------
    sample
        ``(time, cause)``, one row per unit, with cause 0 where no event was seen, or
        `CompetingTimes`: the answer is the same. Units with a null are left out and counted.
    cause
        Number of the event of interest.
    confidence_level
        Of the intervals.

    Raises
    ------
    UsageError
        If the columns, the cause or the level are not as described.
    NotEstimable
        ``too_few_units`` (none), or as `CompetingTimes.from_values`.

    Notes
    -----
    The variance is the delta method's on the multinomial counts of each time: sum over u <= t of
    (F(t) - F(u))^2 d / (n (n - d)) + S(u-)^2 d1 (n - d1) / n^3 - 2 (F(t) - F(u)) S(u-) d1 / n^2
    (Marubini & Valsecchi 1995, section 10.3; Allignol, Schumacher & Beyersmann 2010, Biometrical
    Journal 52, 126: closer than the Poisson variance when units at risk are few). It is
    Greenwood's with one cause, F (1 - F) / n without censoring, and that of R's ``survfit``;
    cmprsk's differs by what ties leave.

    The interval is 1 - (1 - F)^exp(± q error / ((1 - F) log(1 - F))), as that of
    `survival_curve`. Before the first event of the cause its upper limit is the exact one for
    none among the units that are still at risk or had another event.

    Examples
    --------
    >>> curve = cumulative_incidence(([1, 2, 2, 3, 4, 5], [1, 2, 0, 1, 0, 2]))
    >>> [round(share, 4) for share in curve.incidence.tolist()]
    [0.1667, 0.1667, 0.3889, 0.3889, 0.3889]
    """
    require_level(confidence_level)
    number = require_cause(cause)
    arm = arm_competing_times(sample, "the sample")
    if arm.n == 0:
        raise NotEstimable(
            "too_few_units",
            "There are no units with a time",
            given=f"{arm.nulls} units with a null",
            todo="Look at why times are missing.",
        )
    used = (arm.any_event.events + arm.censored) > 0
    at_risk, events = arm.any_event.at_risk[used], arm.any_event.events[used]
    mine = arm.of_cause(number)[used]
    share, variance = aalen_johansen(events, mine, at_risk)
    error = np.sqrt(variance)
    others = np.cumsum(events - mine)
    lower, upper = _band(share, error, at_risk + others - (events - mine), confidence_level)
    return CumulativeIncidence(
        times=arm.times[used],
        at_risk=at_risk,
        events=mine,
        competing=events - mine,
        censored=arm.censored[used],
        incidence=share,
        error=error,
        lower=lower,
        upper=upper,
        cause=number,
        confidence_level=confidence_level,
        n=arm.n,
        nulls=arm.nulls,
    )


def aalen_johansen(events: Counts, mine: Counts, at_risk: Counts) -> tuple[Floats, Floats]:
    """Return the share of one cause after each time and its variance, both of shape (k,).

    `events` are those of all causes, `mine` those of the one.
    """
    n, d1 = at_risk.astype(np.float64), mine.astype(np.float64)
    curve = np.cumprod(1.0 - events / n)
    before = np.concatenate([[1.0], curve[:-1]])
    share = np.cumsum(before * d1 / n)
    own = before * before * d1 * (n - d1) / n**3
    crossed = before * d1 / n**2
    terms = greenwood_terms(events, at_risk)
    # sum of (F(t) - F(u))^2 a - 2 (F(t) - F(u)) b + c as sums up to each t
    variance = (
        share * (share * np.cumsum(terms) - 2.0 * np.cumsum(share * terms + crossed))
        + np.cumsum(share * share * terms)
        + 2.0 * np.cumsum(share * crossed)
        + np.cumsum(own)
    )
    # a curve that ends in 1 has no error left, but that of rounding
    variance[variance < 1e-14 * np.cumsum(own)] = 0.0
    return share, variance


def _band(share: Floats, error: Floats, known: Counts, level: float) -> tuple[Floats, Floats]:
    """Return the log-log limits of the share at each time."""
    moved = (share > 0.0) & (share < 1.0)
    safe = np.where(moved, share, 0.5)
    left = np.log1p(-safe)
    spread = critical_value(level, None, two_sided=True) * error / ((1.0 - safe) * -left)
    lower = np.where(moved, -np.expm1(left * np.exp(-spread)), 0.0)
    upper = np.where(moved, -np.expm1(left * np.exp(np.minimum(spread, 700.0))), 1.0)
    none = -np.expm1(math.log((1.0 - level) / 2.0) / known)
    upper = np.where(share == 0.0, none, upper)
    gone = np.flatnonzero(share >= 1.0)
    if gone.size:  # from the limit before that on, as where a survival curve reaches 0
        lower[gone] = lower[gone[0] - 1] if gone[0] > 0 else 0.0
    return lower, upper
