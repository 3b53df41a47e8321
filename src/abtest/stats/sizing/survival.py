"""Design for times to an event up to a horizon: restricted means, or shares without the event."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import get_args

import numpy as np

from abtest.errors import UsageError
from abtest.stats.arguments import require_one_of
from abtest.stats.moments import Floats
from abtest.stats.results import Measure
from abtest.stats.sizing.design import Design
from abtest.stats.sizing.formulas import Judge
from abtest.stats.sizing.numbers import Truths, one_number
from abtest.stats.sizing.past import refuse_adjustment
from abtest.stats.sizing.restricted_times import Restricted
from abtest.stats.sizing.watched_times import Times, checked_times, event_share
from abtest.stats.survival.compare import SurvivalMeasure


@dataclass(frozen=True)
class SurvivalDesign(Design):
    """A comparison of times to an event up to a horizon, as `compare_survival` makes it.

    Attributes
    ----------
    times
        Control's times: `EventTimes` of a pilot, with its censoring, or `ExponentialTimes`.
    horizon
        The time up to which arms are compared, in the unit of the times. As in the analysis,
        enough units must be under observation there.
    compared
        ``rmst``: the mean of min(time, horizon). ``survival``: the share without the event.

    Raises
    ------
    UsageError
        If settings contradict each other, or the pilot shows no event.
    NotEstimable
        ``horizon_too_far``, as `compare_survival` would have it.

    Notes
    -----
    A unit of control has the variance sum A^2 h / (y (1 - h)) over the times of events, with h
    the hazard, y the share under observation just before and A the area under the curve from
    there to the horizon (or its height at the horizon): n times the variance of the analysis.
    Treatment's is that of the curve S^r with the same censoring, at the hazard ratio r that makes
    the assumed effect. The test itself needs no proportional hazards.

    Examples
    --------
    Half a day more until the event of 14 days; a tenth of the units leaves in that time:

    >>> from abtest.stats import ExponentialTimes, sample_size
    >>> times = ExponentialTimes(hazard=0.05, follow_up=14, drop_out=0.0075)
    >>> design = SurvivalDesign(times, horizon=14)
    >>> round(design.value, 3), sample_size(design, effect=0.5).units_by_arm
    (10.068, (1452, 1452))
    """

    times: Times
    horizon: float
    compared: SurvivalMeasure = "rmst"
    restricted: Restricted = field(init=False, repr=False, compare=False)
    """The curve up to the horizon."""

    def __post_init__(self) -> None:
        require_one_of(self.compared, get_args(SurvivalMeasure), "compared")
        self._set(times=checked_times(self.times))
        self._set(horizon=one_number(self.horizon, "horizon", 1e-100, 1e100))
        self._set(restricted=Restricted(self.times, self.horizon, self.compared))
        value, variance = self.restricted.control
        if not (variance > 1e-12 * self._scale**2 and value > 0.0):
            raise UsageError(
                "The times do not vary up to the horizon, so there is nothing to plan",
                given=f"an expectation of {value:g} with variance {variance:g}",
                todo="Take a longer horizon, or another pilot.",
            )
        super().__post_init__()
        refuse_adjustment(self, "Times to an event")

    @property
    def _scale(self) -> float:
        return self.horizon if self.compared == "rmst" else 1.0

    @property
    def judge(self) -> Judge:
        """Normal."""
        return "z"

    @property
    def measure(self) -> Measure:
        """What is compared."""
        return self.compared

    @property
    def value(self) -> float:
        """The restricted mean, or the share, of control."""
        return self.restricted.control[0]

    @property
    def limits(self) -> tuple[float, float]:
        """The differences of the largest and the smallest hazard ratio."""
        least, most = self.restricted.ends
        return least - self.value, most - self.value

    def possible(self, difference: Floats) -> Truths:
        """Return for each difference whether some hazard ratio makes it."""
        low, high = self.limits
        room = 1e-12 * self._scale
        return np.asarray((difference >= low - room) & (difference <= high + room))

    def unit_variances(self, difference: Floats) -> tuple[Floats, Floats]:
        """Return the variances of (control, treatment)."""
        difference = np.asarray(difference, dtype=np.float64)
        control = np.full(difference.shape, self.restricted.control[1])
        if not difference.any():
            return control, control
        log_ratio = self.restricted.ratio_for(self.value + difference.ravel())
        treatment = self.restricted.at(log_ratio)[1].reshape(difference.shape)
        return control, treatment

    def rarer(self, difference: Floats) -> tuple[Floats, Floats]:
        """Return events per unit of each arm, whenever they come."""
        log_ratio = self.restricted.ratio_for(self.value + np.asarray(difference))
        control = event_share(self.times, np.ones(1)) * np.ones(log_ratio.shape)
        return control, event_share(self.times, np.exp(log_ratio))

    def details(self, units_by_arm: Floats, difference: Floats) -> dict[str, Floats]:
        """Return the events that are expected over all arms."""
        control, treatment = self.rarer(difference)
        others = units_by_arm[:, 1:].sum(axis=1)
        return {"events": units_by_arm[:, 0] * control + others * treatment}
