"""Time until a unit does something."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from abtest.data.request import ColumnValue, MetricRequest, SessionValue, UnitRequest
from abtest.data.settings import Name
from abtest.metrics.activity import ANY, names_of
from abtest.metrics.counting import CountingMetric
from abtest.metrics.definition import DataKind, Positive
from abtest.metrics.followed import FollowedMetric, on_steps, step_misfits
from abtest.metrics.misfit import Misfit
from abtest.metrics.wording import event_name

if TYPE_CHECKING:
    from abtest.show.drawing import Chart
    from abtest.stats.results import PairEstimate
    from abtest.stats.survival.event_times import EventTimes


MINUTES = 1440.0
"""Of a day."""


class TimeToEventMetric(CountingMetric, FollowedMetric):
    """Mean days until the first event, up to a horizon (restricted mean survival time)."""

    kind: Literal["time_to_event"]
    """Kind of metric."""
    inactive_days: Positive | None = None
    """Instead of the first event: the last one before a pause longer than this (events data).
    That a unit has left is known only when the pause has passed."""
    duration: Name | None = None
    """Column of the days until the event, or until the unit was last seen (units data)."""
    observed: Name | None = None
    """Column that says whether `duration` ends with the event, true/false or 1/0 (units data)."""
    horizon: Positive | None = None
    """Days up to which times are compared (units data); the end of the window on events data."""

    def shapes(self) -> dict[DataKind, tuple[tuple[str, ...], ...]]:
        """Return the keys that each shape of data needs."""
        return {"events": (("event",),), "units": (("duration", "observed", "horizon"),)}

    def misfits(self, data: DataKind) -> tuple[Misfit, ...]:
        """Return what does not fit; times begin at exposure and are counted in whole steps."""
        found = super().misfits(data)
        steps = step_misfits("event_times", self.window_days) if data == "events" else ()
        return (*found, *steps)

    @property
    def until(self) -> float:
        """Days up to which times are compared."""
        if self.window_days is None:
            return self.horizon or 0.0
        return on_steps("event_times", self.window_days[1])

    def sample_request(self, data: DataKind) -> MetricRequest:
        """Return the distinct times with the units that had the event or were lost."""
        if data == "units":
            assert self.duration is not None
            assert self.observed is not None
            columns = (ColumnValue(self.duration), ColumnValue(self.observed))
            return UnitRequest(self.id, columns, statistic="event_times", horizon=self.until)
        assert self.event is not None
        assert self.window_days is not None
        if self.inactive_days is None:
            value = self.counted("first_time")
            return UnitRequest(self.id, (value,), statistic="event_times", horizon=self.until)
        assert self.event is not None
        names = names_of(self.event)
        last = SessionValue(
            "first_end",
            self.window_days,
            gap=self.inactive_days * MINUTES,
            events=names,
            ignored=self.ignore if ANY in names else (),
        )
        return UnitRequest(
            self.id,
            (last,),
            statistic="event_times",
            horizon=self.until,
            known_after=self.inactive_days,
        )

    def compared(
        self, control: Sequence[EventTimes], treatment: Sequence[EventTimes]
    ) -> PairEstimate:
        """Return both restricted means, from Kaplan-Meier curves."""
        from abtest.stats import estimate_survival

        return estimate_survival(control, treatment, horizon=self.until)

    def pictures(
        self, arms: Mapping[str, EventTimes], control: str, confidence_level: float
    ) -> tuple[Chart, ...]:
        """Return the curves of the arms with what lies between them."""
        from abtest.metrics.pictures import survival_pictures

        return survival_pictures(
            arms,
            control,
            label=self.label,
            horizon=self.until,
            unit="days",
            confidence_level=confidence_level,
        )

    def definition(self) -> str:
        """Return one sentence that says what is measured."""
        if self.event is not None and self.inactive_days is not None:
            what = (
                f"last {event_name(self.event, self.ignore)} before a pause of more than "
                f"{self.inactive_days:g} days"
            )
        elif self.event is not None:
            what = f"first {event_name(self.event, self.ignore)}"
        else:
            what = f"end of {self.duration}"
        return (
            f"Mean days until the {what}, counted up to day {self.until:g} "
            "(restricted mean: units without it count with that day)."
        )
