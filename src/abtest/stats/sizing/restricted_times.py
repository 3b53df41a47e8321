"""Restricted mean times and shares at a horizon that hazard ratios make of a control curve."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from abtest.errors import UsageError
from abtest.stats.moments import Floats
from abtest.stats.sizing.roots import rising_root
from abtest.stats.sizing.watched_times import ExponentialTimes, Risk, Times, risk_of
from abtest.stats.survival.compare import SurvivalMeasure
from abtest.stats.survival.restricted import ENOUGH_SHARE, horizon_too_far, require_known

_FARTHEST = 30.0
"""Logarithm of the largest hazard ratio that is tried, and of one over the smallest."""
_MOST = 4_000_000
"""Numbers in one table of rows and steps."""


@dataclass(frozen=True, eq=False)
class Restricted:
    """A control curve up to a horizon, with what hazard ratios make of it.

    Attributes
    ----------
    times
        A pilot or an exponential curve.
    horizon
        Where times are cut off.
    measure
        ``rmst`` or ``survival``.
    """

    times: Times
    horizon: float
    measure: SurvivalMeasure

    def __post_init__(self) -> None:
        """Refuse a horizon for which the analysis would have too few units."""
        times, horizon = self.times, self.horizon
        if not isinstance(times, ExponentialTimes):
            require_known((times, times), horizon)
            if not (times.events[times.times <= horizon] > 0).any():
                raise UsageError(
                    "The pilot has no event up to the horizon",
                    given=f"a horizon of {horizon:g}",
                    todo="Take a longer horizon, or another pilot.",
                )
            return
        ends = np.linspace(0.0, times.longest, 2_001)
        enough = ends[times.watched(ends) * np.exp(-times.hazard * ends) >= ENOUGH_SHARE]
        furthest = float(enough[-1]) if enough.size else 0.0
        # until the first unit may have left, all is known
        furthest = max(furthest, times.follow_up if times.drop_out == 0.0 else 0.0)
        if horizon > furthest * (1.0 + 1e-9):
            raise horizon_too_far(horizon, furthest)

    def at(self, log_ratio: Floats) -> tuple[Floats, Floats]:
        """Return the estimate's expectation and its variance per unit, by log hazard ratio."""
        steps = self._steps[0].at_risk.size
        rows = max(1, _MOST // max(steps, 1))
        parts = [
            self._at(np.exp(log_ratio[first : first + rows]))
            for first in range(0, log_ratio.size, rows)
        ]
        return np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])

    def ratio_for(self, value: Floats) -> Floats:
        """Return the logarithm of the hazard ratio that makes the estimate this value."""
        value = np.clip(value, *self.ends)
        low, high = np.full(value.shape, -_FARTHEST), np.full(value.shape, _FARTHEST)
        found = rising_root(
            lambda log_ratio: (value - self.at(log_ratio)[0]) / self.horizon,
            low,
            np.zeros(value.shape),
            high,
        )
        return np.where(np.isnan(found), _FARTHEST, found)

    @cached_property
    def control(self) -> tuple[float, float]:
        """Expectation and variance per unit of control."""
        value, variance = self.at(np.zeros(1))
        return float(value[0]), float(variance[0])

    @cached_property
    def ends(self) -> tuple[float, float]:
        """Expectations at the largest and the smallest hazard ratio."""
        least, most = self.at(np.array([_FARTHEST, -_FARTHEST]))[0]
        return float(least), float(most)

    @cached_property
    def _steps(self) -> tuple[Risk, Floats]:
        """Return risks up to the horizon, and the times of the steps."""
        times, horizon = self.times, self.horizon
        if isinstance(times, ExponentialTimes):
            middles, widths = times.middles(horizon)
            survived = -times.hazard * middles
            at_risk = times.watched(middles) * np.exp(survived)
            return Risk(at_risk, survived, -times.hazard * widths, tied=False), middles
        here = (times.events > 0) & (times.times <= horizon)
        return risk_of(times, horizon), times.times[here]

    def _at(self, ratio: Floats) -> tuple[Floats, Floats]:
        risk, places = self._steps
        power = ratio[:, None]
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            # a unit at risk there is where the curve is not down to nothing
            before = np.exp(power * risk.log_survival)
            at_risk = risk.at_risk * np.exp((power - 1.0) * risk.log_survival)
            lost = np.expm1(-power * risk.log_left) if risk.tied else -power * risk.log_left
            told = np.where((at_risk > 1e-290) & (lost < 1e290), lost / at_risk, 0.0)
        after, value = self._areas(power, risk, before, places)
        return value, np.asarray((after * after * told).sum(axis=1))

    def _areas(
        self, power: Floats, risk: Risk, before: Floats, places: Floats
    ) -> tuple[Floats, Floats]:
        """Return what a step at each place takes from the estimate, and the estimate."""
        horizon = self.horizon
        left = before * np.exp(power * risk.log_left) if risk.tied else before
        if self.measure == "survival":
            if isinstance(self.times, ExponentialTimes):
                final = np.exp(-power * self.times.hazard * horizon)
            else:
                final = left[:, -1:]
            return np.broadcast_to(final, before.shape), final[:, 0]
        if isinstance(self.times, ExponentialTimes):
            hazard = power * self.times.hazard
            after = before * -np.expm1(-hazard * (horizon - places)) / hazard
            return after, (-np.expm1(-hazard * horizon) / hazard)[:, 0]
        pieces = left * np.diff(np.append(places, horizon))
        after = np.cumsum(pieces[:, ::-1], axis=1)[:, ::-1]
        return after, places[0] + after[:, 0]
