"""Times to an event that are expected: of a pilot, or exponential with accrual and drop-out."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Self, TypeAlias

import numpy as np

from abtest.errors import UsageError
from abtest.stats.moments import Floats
from abtest.stats.sizing.numbers import one_number
from abtest.stats.survival.event_times import EventTimes

_STEPS = 2_000
"""Steps of a continuous curve; sums of the middles are exact to six digits."""
_LONGEST = 1e12


@dataclass(frozen=True, eq=False)
class Risk:
    """What is known of control at each step of time, shape (k,), and so of any hazard ratio.

    Attributes
    ----------
    at_risk
        Share of units under observation without the event just before.
    log_survival
        Logarithm of the share that would be without the event just before, were all watched.
    log_left
        Logarithm of 1 - hazard.
    tied
        Whether events of a step happen at one time; else the steps are parts of a smooth curve.
    """

    at_risk: Floats
    log_survival: Floats
    log_left: Floats
    tied: bool

    def of(self, ratio: Floats) -> tuple[Floats, Floats]:
        """Return units at risk and hazards of arms with these hazard ratios, shape (r, k)."""
        power = np.asarray(ratio)[:, None]
        at_risk = self.at_risk * np.exp((power - 1.0) * self.log_survival)
        hazard = -power * self.log_left
        return at_risk, -np.expm1(-hazard) if self.tied else hazard


@dataclass(frozen=True)
class ExponentialTimes:
    """Exponential times to an event of units that come evenly, are watched, and drop out.

    Attributes
    ----------
    hazard
        Events of control per unit of time and unit at risk, above 0.
    follow_up
        How long the unit that came last is watched.
    accrual
        Time during which units come, evenly; the first is watched for `accrual` + `follow_up`.
        0: all are watched for `follow_up`, as where a metric has a window.
    drop_out
        Hazard of leaving without the event, of both arms.

    Raises
    ------
    UsageError
        If a number cannot be.

    Examples
    --------
    >>> times = ExponentialTimes.from_median(6.0, follow_up=18.0, accrual=12.0)
    >>> round(times.hazard, 4), round(float(times.event_share(np.ones(1))[0]), 4)
    (0.1155, 0.9324)
    """

    hazard: float
    follow_up: float
    accrual: float = 0.0
    drop_out: float = 0.0

    def __post_init__(self) -> None:
        for name in ("hazard", "follow_up", "accrual", "drop_out"):
            above = name == "hazard"
            low = 1e-12 if above else 0.0
            value = one_number(getattr(self, name), name, low, _LONGEST, closed=not above)
            object.__setattr__(self, name, value)
        if not self.follow_up + self.accrual > 0.0:
            raise UsageError(
                "Units must be watched for some time",
                given="follow_up 0 and accrual 0",
                todo="Give the time that each unit is watched as follow_up.",
            )

    @classmethod
    def from_median(
        cls, median: float, follow_up: float, accrual: float = 0.0, drop_out: float = 0.0
    ) -> Self:
        """Return the times of which half would be shorter than `median`.

        Raises
        ------
        UsageError
            If a number cannot be.
        """
        half = one_number(median, "median", 1e-12, _LONGEST)
        return cls(math.log(2.0) / half, follow_up, accrual, drop_out)

    def event_share(self, ratio: Floats) -> Floats:
        """Return the share of units whose event is seen, by hazard ratio.

        h / (h + d) (1 - (exp(-(h + d) F) - exp(-(h + d) (A + F))) / ((h + d) A)), with A the
        accrual and F the follow-up (Lachin & Foulkes 1986, Biometrics 42, 507, eq. 4.1).
        """
        hazard = self.hazard * np.asarray(ratio)
        all_hazards = hazard + self.drop_out
        coming = all_hazards * self.accrual
        # (1 - exp(-x)) / x, 1 where x is 0
        part = np.where(coming > 0.0, -np.expm1(-coming) / np.where(coming > 0.0, coming, 1.0), 1.0)
        # 1 - exp(-y) part, without losing the digits of rare events
        seen = -np.expm1(-all_hazards * self.follow_up) * part + self._rest(coming, part)
        return np.asarray(hazard / all_hazards * seen)

    @staticmethod
    def _rest(coming: Floats, part: Floats) -> Floats:
        """Return 1 - (1 - exp(-x)) / x."""
        small = coming < 1e-4
        series = coming / 2.0 - coming * coming / 6.0 + coming**3 / 24.0
        return np.where(small, series, 1.0 - part)

    @property
    def longest(self) -> float:
        """How long the unit that came first is watched."""
        return self.follow_up + self.accrual

    def watched(self, time: Floats) -> Floats:
        """Return the share of units that would still be watched at a time, had none the event."""
        over = np.maximum(np.asarray(time) - self.follow_up, 0.0)
        coming = np.clip(1.0 - over / self.accrual, 0.0, 1.0) if self.accrual else over == 0.0
        return np.asarray(coming * np.exp(-self.drop_out * np.asarray(time)))

    @cached_property
    def risk(self) -> Risk:
        """Control at the middles of short steps."""
        middles, widths = self.middles(self.longest)
        survived = -self.hazard * middles
        at_risk = self.watched(middles) * np.exp(survived)
        return Risk(at_risk, survived, -self.hazard * widths, tied=False)

    def middles(self, end: float) -> tuple[Floats, Floats]:
        """Return middles and widths of steps from 0 to `end`.

        They meet at the end of the follow-up, where the share that is watched has a kink.
        """
        end = min(end, 37.0 / (self.hazard + self.drop_out))  # later at risk: fewer than 1e-16
        edges = np.linspace(0.0, end, _STEPS + 1)
        if 0.0 < self.follow_up < end:
            edges = np.union1d(edges, [self.follow_up])
        return (edges[1:] + edges[:-1]) / 2.0, np.diff(edges)


Times: TypeAlias = EventTimes | ExponentialTimes
"""How the times of control are described: a pilot, or an exponential curve."""


def checked_times(times: object) -> Times:
    """Return the times, refusing what are none, and a pilot that shows no event.

    Raises
    ------
    UsageError
        If they are not.
    """
    if isinstance(times, ExponentialTimes):
        return times
    if not isinstance(times, EventTimes):
        raise UsageError(
            "Times to an event are planned from a pilot or from a hazard",
            given=repr(times)[:200],
            todo="Give EventTimes.from_values(time, observed), or ExponentialTimes(hazard, "
            "follow_up).",
        )
    if times.n < 2 or not times.events.any():
        raise UsageError(
            "A pilot needs two units or more, and an event",
            given=f"{times.n} units, {int(times.events.sum())} events",
            todo="Take a longer stretch of the past, or ExponentialTimes with a guess.",
        )
    return times


def risk_of(times: Times, horizon: float = math.inf) -> Risk:
    """Return what the times say of control at each step, of a pilot up to the horizon."""
    if isinstance(times, ExponentialTimes):
        return times.risk
    here = (times.events > 0) & (times.times <= horizon)
    at_risk, events = times.at_risk[here].astype(np.float64), times.events[here]
    with np.errstate(divide="ignore"):
        log_left = np.maximum(np.log1p(-events / at_risk), -745.0)  # all had it: next to none left
    before = np.concatenate([[0.0], np.cumsum(log_left)[:-1]])
    return Risk(at_risk / times.n, before, log_left, tied=True)


def event_share(times: Times, ratio: Floats) -> Floats:
    """Return the share of units whose event is seen, by hazard ratio, shape (r,)."""
    if isinstance(times, ExponentialTimes):
        return times.event_share(ratio)
    at_risk, hazard = risk_of(times).of(ratio)
    return np.asarray((at_risk * hazard).sum(axis=1))
