"""Design for hazard ratios: the log-rank test and Cox's model, by number of events."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, cast

import numpy as np

from abtest.errors import UsageError
from abtest.stats.arguments import require_one_of
from abtest.stats.moments import Floats
from abtest.stats.results import Measure
from abtest.stats.sizing.design import Design
from abtest.stats.sizing.formulas import Formula, Judge
from abtest.stats.sizing.log_rank_moments import cox_information, log_rank_moments
from abtest.stats.sizing.normal_tests import Statistic, normal_rejection
from abtest.stats.sizing.past import refuse_adjustment
from abtest.stats.sizing.watched_times import (
    ExponentialTimes,
    Times,
    checked_times,
    event_share,
    risk_of,
)

HazardMethod = Literal["log_rank", "cox", "schoenfeld", "freedman", "lachin_foulkes"]
"""How a plan for a hazard ratio is computed."""
_METHODS = ("log_rank", "cox", "schoenfeld", "freedman", "lachin_foulkes")
_LEAST = 1e-9
"""Smaller hazard ratios are taken as this one: no event at all in treatment."""


@dataclass(frozen=True)
class HazardDesign(Design):
    """A comparison of hazards, such as by `log_rank_test`; hazards are taken as proportional.

    An effect is the hazard ratio less 1: -0.25 is a hazard in treatment that is a quarter lower.
    Margins are the same: a margin of 0.3 of a harmful event excludes ratios from 1.3 on. What
    counts are events, `details` of an answer has how many are expected; units that are watched
    for longer are worth more.

    Attributes
    ----------
    times
        Control's times: `EventTimes` of a pilot, with its censoring, or `ExponentialTimes` with
        accrual, follow-up and drop-out. None: units are events, so that sizes are numbers of
        events.
    method
        ``log_rank`` (the default of superiority): mean and variance of the score that the test
        has at the assumed ratio, whatever the allocation. ``cox`` (the default with margins): the
        logarithm of the ratio, with the expected information. ``schoenfeld``: by number of
        events alone (the default without `times`). ``freedman``: likewise, for the log-rank test
        while most units are at risk. ``lachin_foulkes``: difference of exponential hazards.
    relative
        True: there is no other scale.

    Raises
    ------
    UsageError
        If settings contradict each other; covariates and clusters have no plan here.

    Notes
    -----
    *Which formula.* With equal arms, rare events and a ratio of 2, a promise of 80% by Schoenfeld
    is one of 77%, and Freedman's formula holds; where all have the event, Schoenfeld's holds and
    Freedman's asks for too much. With unequal arms both may be off by 15 points: the variance of
    the score is not that under the hypothesis. ``log_rank`` sums up what the test sums up, and
    holds for all of these; below about 100 events it may promise two points too much.

    *Ties.* A pilot on whole days has the test's own loss from ties: 1 - events / at risk.

    *Treatment.* A pilot's units at risk become those at the ratio by S^(ratio - 1); censoring is
    that of the pilot.

    Examples
    --------
    Deaths that a ratio of 0.57 needs (Collett 2015, Modelling Survival Data, section 15.2):

    >>> from abtest.stats import ExponentialTimes, sample_size
    >>> sample_size(HazardDesign(power=0.9), effect=0.57 - 1).units_by_arm
    (67, 67)
    >>> times = ExponentialTimes.from_median(6.0, follow_up=18.0, accrual=12.0)
    >>> plan = sample_size(HazardDesign(times), effect=-0.3)
    >>> plan.units, round(plan.details["events"])
    (274, 244)
    """

    times: Times | None = None
    method: HazardMethod | None = None
    relative: bool = field(default=True, kw_only=True)

    def __post_init__(self) -> None:
        if self.method is not None:
            require_one_of(self.method, _METHODS, "method")
        if self.times is not None:
            self._set(times=checked_times(self.times))
        super().__post_init__()
        refuse_adjustment(self, "Hazards")
        if not self.relative:
            raise UsageError(
                "Effects on hazards are ratios",
                given="relative False",
                todo="Leave it out; an effect of -0.25 is a hazard ratio of 0.75.",
            )
        if self.test != "superiority" and self.used not in {"cox", "schoenfeld"}:
            raise UsageError(
                "Margins of hazard ratios are judged on their logarithm",
                given=f"method {self.used!r} with test {self.test!r}",
                todo='Use method="cox" or "schoenfeld".',
            )
        if self.times is None and self.used not in {"schoenfeld", "freedman"}:
            raise UsageError(
                "Without times there are only numbers of events",
                given=f"method {self.used!r} and no times",
                todo="Give EventTimes of a pilot, or ExponentialTimes(hazard, follow_up).",
            )
        if self.used == "lachin_foulkes" and not isinstance(self.times, ExponentialTimes):
            raise UsageError(
                "The formula of Lachin and Foulkes is for exponential times",
                given=f"times of type {type(self.times).__name__}",
                todo='Give ExponentialTimes, or use method="log_rank".',
            )

    @property
    def used(self) -> HazardMethod:
        """The method, that of default where none was given."""
        if self.method is not None:
            return self.method
        if self.times is None:
            return "schoenfeld"
        return "log_rank" if self.test == "superiority" else "cox"

    @property
    def judge(self) -> Judge:
        """Normal."""
        return "z"

    @property
    def formula(self) -> Formula:
        """Name of the formula."""
        names = {"log_rank": "log_rank_moments", "cox": "cox_information"}
        name = names.get(self.used, self.used)
        return cast("Formula", f"tost_{name}" if self.test == "equivalence" else name)

    @property
    def measure(self) -> Measure:
        """A hazard."""
        return "hazard"

    @property
    def value(self) -> float:
        """The hazard of control in units of itself."""
        return 1.0

    @property
    def limits(self) -> tuple[float, float]:
        """A hazard can fall to nothing and rise without end."""
        return -1.0, np.inf

    def possible(self, difference: Floats) -> np.typing.NDArray[np.bool_]:
        """Return for each effect whether the ratio is not negative."""
        return np.asarray(np.isfinite(difference) & (difference >= -1.0))

    def unit_variances(self, difference: Floats) -> tuple[Floats, Floats]:
        """Return variances of the logarithm of the hazards per unit: one over the events."""
        seen = self._events(difference)
        return 1.0 / seen[0], 1.0 / np.maximum(seen[1], _LEAST)

    def rarer(self, difference: Floats) -> tuple[Floats, Floats]:
        """Return events per unit of each arm."""
        return self._events(difference)

    def details(self, units_by_arm: Floats, difference: Floats) -> dict[str, Floats]:
        """Return the events that are expected over all arms."""
        control, treatment = self._events(difference)
        others = units_by_arm[:, 1:].sum(axis=1)
        return {"events": units_by_arm[:, 0] * control + others * treatment}

    def rejection(self, control: Floats, treatment: Floats, difference: Floats) -> Floats:
        """Return the power of arms of so many units."""
        ratio = np.maximum(1.0 + difference, _LEAST)
        units, share = control + treatment, treatment / (control + treatment)
        if self.used == "log_rank":
            assert self.times is not None
            mean, sd = log_rank_moments(risk_of(self.times), ratio, share)
            return normal_rejection(self, [(np.sqrt(units) * mean, sd)])
        if self.used == "lachin_foulkes":
            return normal_rejection(self, [self._lachin_foulkes(ratio, units, share)])
        if self.used == "cox":
            assert self.times is not None
            root = np.sqrt(units * cox_information(risk_of(self.times), ratio, share))
        else:
            seen = self._events(difference)
            events = control * seen[0] + treatment * seen[1]
            root = np.sqrt(events * share * (1.0 - share))
        ones = np.ones(np.shape(ratio))
        if self.used == "freedman":
            distance = (ratio - 1.0) / (1.0 - share + share * ratio)
            return normal_rejection(self, [(root * distance, ones)])
        distances = [np.log(ratio) - np.log1p(bound) for bound in self.bounds]
        return normal_rejection(self, [(root * distance, ones) for distance in distances])

    def _events(self, difference: Floats) -> tuple[Floats, Floats]:
        """Return the share of units of (control, treatment) whose event is seen."""
        ratio = np.maximum(1.0 + np.asarray(difference), _LEAST)
        ones = np.ones(ratio.shape)
        if self.times is None:
            return ones, ones
        return event_share(self.times, ones[:1]) * ones, event_share(self.times, ratio)

    def _lachin_foulkes(self, ratio: Floats, units: Floats, share: Floats) -> Statistic:
        """Return the statistic of the difference of hazards, in units of control's."""
        assert isinstance(self.times, ExponentialTimes)
        pooled = 1.0 - share + share * ratio
        ones = np.ones(np.shape(ratio))
        parts = [r * r / self.times.event_share(r) for r in (ones, ratio, pooled)]
        judged = np.sqrt(parts[2] / (share * (1.0 - share)))
        spread = np.sqrt(parts[0] / (1.0 - share) + parts[1] / share)
        return np.sqrt(units) * (ratio - 1.0) / judged, spread / judged
