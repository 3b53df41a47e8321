"""What units have done up to a horizon, each counted as long as it was watched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from abtest.data.request import MetricRequest, UnitRequest
from abtest.metrics.counting import CountingMetric
from abtest.metrics.definition import DataKind
from abtest.metrics.followed import FollowedMetric, on_steps, step_misfits
from abtest.metrics.misfit import Misfit
from abtest.metrics.wording import number_of_events

if TYPE_CHECKING:
    from abtest.show.drawing import Chart
    from abtest.stats.results import PairEstimate
    from abtest.stats.survival.repeated_events import RepeatedEvents


class CumulativeMetric(CountingMetric, FollowedMetric):
    """Mean per unit up to a horizon, units with open windows counted as long as they were seen."""

    kind: Literal["cumulative"]
    """Kind of metric."""
    aggregate: Literal["count", "sum"] | None = None
    """Whether events are counted or their values summed."""

    def shapes(self) -> dict[DataKind, tuple[tuple[str, ...], ...]]:
        """Return the keys that each shape of data needs."""
        return {"events": (("event", "aggregate"),)}

    def misfits(self, data: DataKind) -> tuple[Misfit, ...]:
        """Return what does not fit; days begin at exposure and are counted in whole steps."""
        found = super().misfits(data)
        steps = step_misfits("repeated_events", self.window_days) if data == "events" else ()
        return (*found, *steps)

    @property
    def until(self) -> float:
        """Days up to which amounts are summed."""
        return 0.0 if self.window_days is None else on_steps("repeated_events", self.window_days[1])

    def sample_request(self, data: DataKind) -> MetricRequest:
        """Return amounts by steps of time since exposure, and their products."""
        assert data == "events"
        assert self.aggregate is not None
        value = self.counted(self.aggregate)
        return UnitRequest(self.id, (value,), statistic="repeated_events", horizon=self.until)

    def compared(
        self, control: Sequence[RepeatedEvents], treatment: Sequence[RepeatedEvents]
    ) -> PairEstimate:
        """Return both mean cumulative functions at the horizon."""
        from abtest.stats import estimate_cumulative_means

        return estimate_cumulative_means(control, treatment, horizon=self.until)

    def pictures(
        self, arms: Mapping[str, RepeatedEvents], control: str, confidence_level: float
    ) -> tuple[Chart, ...]:
        """Return the mean of each arm over time."""
        from abtest.metrics.pictures import cumulative_pictures

        return cumulative_pictures(
            arms,
            control,
            label=self.label,
            horizon=self.until,
            unit="days",
            confidence_level=confidence_level,
        )

    def definition(self) -> str:
        """Return one sentence that says what is measured."""
        assert self.event is not None
        assert self.aggregate is not None
        assert self.window_days is not None
        number = number_of_events(self.event, self.aggregate, self.ignore)
        return (
            f"Mean of the unit's {number} up to day {self.window_days[1]:g}, "
            "units counted as long as they were watched."
        )
