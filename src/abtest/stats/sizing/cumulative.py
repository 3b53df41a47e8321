"""Design for mean cumulative functions: events or amounts per unit up to a horizon."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from abtest.errors import UsageError
from abtest.stats.moments import Floats, Moments
from abtest.stats.results import Measure
from abtest.stats.sizing.design import Design
from abtest.stats.sizing.formulas import Judge
from abtest.stats.sizing.numbers import number_or_row
from abtest.stats.sizing.past import past_covariance, refuse_adjustment, require_baseline
from abtest.stats.survival.compare import as_time
from abtest.stats.survival.cumulative import known_up_to, mean_at
from abtest.stats.survival.repeated_events import RepeatedEvents
from abtest.stats.survival.restricted import horizon_too_far


@dataclass(frozen=True)
class CumulativeDesign(Design):
    """A comparison of events or amounts per unit up to a horizon: `compare_cumulative_means`.

    Attributes
    ----------
    mean
        Per unit of control up to the horizon, above 0.
    variance
        Of one unit, with what censoring adds to it.
    variance_power
        p in variance x (treatment mean / control mean)^p for the treatment: 1 (the default) if
        the effect is more or fewer events of the same kind, 2 if it makes every amount larger, 0
        if the variance stays.

    Raises
    ------
    UsageError
        If a number cannot be, or settings contradict each other.

    Notes
    -----
    Units that are watched for less time than the horizon make the variance larger; from a pilot
    of `RepeatedEvents` it has the pilot's censoring. An experiment that is analysed earlier has
    more of it. The test is normal, so that few units with most of the amounts leave it less sure
    than promised.

    Examples
    --------
    >>> from abtest.stats import sample_size
    >>> design = CumulativeDesign(mean=1.8, variance=7.5, relative=True)
    >>> sample_size(design, effect=0.1).units_by_arm
    (3816, 3816)
    """

    mean: float
    variance: float
    variance_power: float = 1.0

    numbers: ClassVar[tuple[str, ...]] = ("mean", "variance", "variance_power")

    def __post_init__(self) -> None:
        self._set(mean=number_or_row(self.mean, "mean", 0.0, 1e150))
        require_baseline(self.mean, "mean")
        self._set(variance=number_or_row(self.variance, "variance", 1e-300, 1e300))
        power = number_or_row(self.variance_power, "variance_power", 0.0, 4.0, closed=True)
        self._set(variance_power=power)
        super().__post_init__()
        refuse_adjustment(self, "Mean cumulative functions")

    @classmethod
    def from_repeated_events(cls, pilot: RepeatedEvents, horizon: float, **settings: Any) -> Self:
        """Return the design that a pilot suggests, with its censoring.

        Parameters
        ----------
        pilot
            Units with their events.
        horizon
            The time up to which arms will be compared.
        **settings
            As of the class.

        Raises
        ------
        UsageError
            If there are fewer than two units, or no variation up to the horizon.
        NotEstimable
            ``horizon_too_far``, as `compare_cumulative_means` would have it.

        Examples
        --------
        >>> pilot = RepeatedEvents.from_values([5, 3, 4, 5], [0, 0, 1, 3], [2, 4, 2, 1])
        >>> design = CumulativeDesign.from_repeated_events(pilot, horizon=4)
        >>> round(design.mean, 4), round(design.variance, 4)
        (1.0833, 0.706)
        """
        if not isinstance(pilot, RepeatedEvents) or pilot.n < 2:
            raise UsageError(
                "A pilot is RepeatedEvents of two units or more",
                given=repr(pilot)[:200],
                todo="Use RepeatedEvents.from_values(end, unit, time, amount).",
            )
        horizon = as_time(horizon)
        furthest = known_up_to(pilot)
        if horizon > furthest:
            raise horizon_too_far(horizon, furthest)
        found = mean_at(pilot, horizon)
        if not (found.variance > 0.0 and found.value > 0.0):
            raise UsageError(
                "The pilot's amounts do not vary up to the horizon, or are not above 0 on average",
                given=f"mean {found.value:g}, variance {found.variance * pilot.n:g}",
                todo="Take a longer horizon, or another pilot.",
            )
        return cls(mean=found.value, variance=found.variance * pilot.n, **settings)

    @classmethod
    def from_moments(cls, moments: Moments, **settings: Any) -> Self:
        """Return the design that totals up to the horizon of past units suggest.

        Parameters
        ----------
        moments
            Of one total per unit, all watched to the horizon.
        **settings
            As of the class.

        Raises
        ------
        UsageError
            If there are fewer than two units, no variation, or totals not above 0 on average.
        """
        variances = past_covariance(moments, (1, 1))
        return cls(mean=float(moments.mean[0]), variance=float(variances[0, 0]), **settings)

    @property
    def judge(self) -> Judge:
        """Normal."""
        return "z"

    @property
    def measure(self) -> Measure:
        """A mean cumulative function."""
        return "cumulative_mean"

    @property
    def value(self) -> Floats | float:
        """The mean of control."""
        return self.mean

    @property
    def limits(self) -> tuple[Floats | float, float]:
        """A mean of amounts can fall to 0 and rise without end."""
        return -self.mean, np.inf

    def possible(self, difference: Floats) -> np.typing.NDArray[np.bool_]:
        """Return for each difference whether the treatment mean is not negative."""
        return np.asarray(np.isfinite(difference) & (difference >= -self.mean * (1.0 + 1e-12)))

    def unit_variances(self, difference: Floats) -> tuple[Floats, Floats]:
        """Return the variances of (control, treatment)."""
        control = np.asarray(self.variance) * np.ones(np.shape(difference))
        ratio = np.maximum(1.0 + np.asarray(difference) / self.mean, 0.0)
        return control, control * ratio**self.variance_power
