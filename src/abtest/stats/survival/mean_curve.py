"""The mean cumulative function: events or amounts per unit up to each time."""

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
from abtest.stats.survival.event_times import Counts
from abtest.stats.survival.repeated_events import RepeatedEvents, arm_repeated_events
from abtest.stats.survival.stepped import SteppedCurve
from abtest.stats.tails import critical_value

if TYPE_CHECKING:
    from abtest.show.fragment import Fragment


@dataclass(frozen=True, eq=False)
class CumulativeMean(SteppedCurve):
    """One arm: events (or amounts) per unit up to each time, as if all were watched so long.

    Attributes
    ----------
    times
        Distinct times at which something happened or units were last seen, rising, shape (k,).
    at_risk
        Units still watched at each time.
    amount
        Events, or sum of amounts, at each time.
    mean
        The mean cumulative function just after each time.
    error
        Its standard error by unit; 0 before the first event.
    lower, upper
        mean ± q error.
    confidence_level
        Of the intervals, which are two-sided and hold at each time by itself.
    n
        Units.
    nulls
        Units left out because something about them was null.
    """

    times: Floats
    at_risk: Counts
    amount: Floats
    mean: Floats
    error: Floats
    lower: Floats
    upper: Floats
    confidence_level: float
    n: int
    nulls: int = 0

    def at(self, time: float) -> Interval:
        """Return the mean up to and with a time, with its interval.

        Raises
        ------
        UsageError
            If the time is no number of at least 0, or after the last unit was seen.
        """
        row = self._row_at(time, "mean", ended=False)
        if row < 0:
            return Interval(0.0, 0.0, 0.0)
        return Interval(float(self.mean[row]), float(self.lower[row]), float(self.upper[row]))

    def __str__(self) -> str:
        """Return the mean at the last time, in one sentence."""
        return (
            f"{self.n:,} units; up to {self.times[-1]:g}, {self.mean[-1]:.4g} per unit "
            f"({self._level} {self.lower[-1]:.4g} to {self.upper[-1]:.4g}; "
            f"{self.at_risk[-1]:,} watched so long)."
        )

    def _fragment(self) -> Fragment:
        """Return the sentence and the curve at up to 20 times, for notebooks."""
        rows = [
            (
                f"{self.times[row]:g}",
                f"{self.at_risk[row]:,}",
                f"{self.amount[row]:,.6g}",
                f"{self.mean[row]:.4g}",
                f"{self.lower[row]:.4g} to {self.upper[row]:.4g}",
            )
            for row in self._shown()
        ]
        heading = ("time", "watched", "amount", "per unit so far", self._level)
        return listing(str(self), heading, rows)


def cumulative_mean(
    sample: RepeatedEvents | tuple[Values, ...], *, confidence_level: float = 0.95
) -> CumulativeMean:
    """Return the mean cumulative function of one arm: events or amounts per unit so far.

    M(t) = sum of amounts at u / units watched at u, over the times u <= t (Nelson 1995,
    Technometrics 37, 147). Units that are watched for less time count as long as they are, so
    that a window of 30 days need not wait for the last unit.

    Parameters
    ----------
    sample
        ``(end, unit, time)`` or ``(end, unit, time, amount)`` as `RepeatedEvents.from_values`
        takes them, or `RepeatedEvents`: the answer is the same.
    confidence_level
        Of the intervals.

    Raises
    ------
    UsageError
        If the columns or the level are not as described.
    NotEstimable
        ``too_few_units`` (none), or as `RepeatedEvents.from_values`.

    Notes
    -----
    The variance is that by unit, sum over units of (sum over u <= t at which it was watched of
    (its amount at u - dM(u)) / watched(u))^2, which supposes nothing about how events of a unit
    hang together (Lawless & Nadeau 1995, Technometrics 37, 158, eq. 2.3). Poisson variances,
    which take all events for independent, are far too small where some units have most of them.
    Without censoring it is the variance of a mean, with divisor n. How long a unit is watched may
    not depend on its events.

    Examples
    --------
    >>> curve = cumulative_mean(([5, 3, 4], [0, 0, 1], [2, 4, 2]))
    >>> curve.mean.round(4).tolist(), curve.error.round(4).tolist()
    ([0.6667, 0.6667, 1.1667, 1.1667], [0.2722, 0.2722, 0.6048, 0.6048])
    """
    require_level(confidence_level)
    arm = arm_repeated_events(sample, "the sample")
    if arm.n == 0:
        raise NotEstimable(
            "too_few_units",
            "There are no units with an end",
            given=f"{arm.nulls} units with a null",
            todo="Look at why they are missing.",
        )
    mean, variance = mean_and_variance(arm)
    error = np.sqrt(variance)
    width = critical_value(confidence_level, None, two_sided=True) * error
    return CumulativeMean(
        times=arm.times,
        at_risk=arm.at_risk,
        amount=np.asarray(arm.by_end.sum(axis=0)),
        mean=mean,
        error=error,
        lower=mean - width,
        upper=mean + width,
        confidence_level=confidence_level,
        n=arm.n,
        nulls=arm.nulls,
    )


def mean_and_variance(arm: RepeatedEvents) -> tuple[Floats, Floats]:
    """Return the mean cumulative function and its variance by unit at each time.

    The squares of units are sums over pairs of times s <= u: the product of their amounts, less
    dM(u) times the amounts at s of those still watched at u.
    """
    watched = arm.at_risk.astype(np.float64)
    steps = arm.by_end.sum(axis=0) / watched
    # amounts at s of units watched up to u or longer, as [u, s]
    still = np.cumsum(arm.by_end[::-1], axis=0)[::-1]
    pairs = (arm.products.T - steps[:, None] * still) / watched[:, None] / watched[None, :]
    own = np.diagonal(pairs)
    earlier = np.tril(pairs, -1).sum(axis=1)
    size = float(np.diagonal(arm.products).max(initial=0.0)) / math.pow(float(watched[0]), 2)
    variance = np.cumsum(own + 2.0 * earlier)
    variance[variance < 1e-14 * size] = 0.0  # the rounding of none
    return np.cumsum(steps), variance
