"""A share of units."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from abtest.data.request import ColumnValue, EventValue, MetricRequest, TotalsRequest, UnitRequest
from abtest.data.settings import Name
from abtest.metrics.definition import (
    DataKind,
    MetricDefinition,
    Misfit,
    shifted_before_exposure,
)
from abtest.metrics.wording import event_name

if TYPE_CHECKING:
    from abtest.stats.moments import Moments
    from abtest.stats.results import PairEstimate


class ProportionMetric(MetricDefinition):
    """Share of all exposed units that did something, or have a flag."""

    kind: Literal["proportion"]
    """Kind of metric."""
    event: Name | None = None
    """Event that a unit must have at least once in the window (events data); "*" is any event."""
    value: Name | None = None
    """Column of the flag, true/false or 1/0 (units data)."""
    successes: Name | None = None
    """Column of the number of successes (totals data)."""
    trials: Name | None = None
    """Column of the number of units or trials (totals data)."""

    def shapes(self) -> dict[DataKind, tuple[tuple[str, ...], ...]]:
        """Return the keys that each shape of data needs."""
        return {
            "events": (("event",),),
            "units": (("value",),),
            "totals": (("successes", "trials"),),
        }

    def misfits(self, data: DataKind) -> tuple[Misfit, ...]:
        """Return what does not fit; a share cannot lose 1 or more."""
        found = super().misfits(data)
        if self.margin_absolute is None or self.margin_absolute < 1:
            return found
        what = "a share lies between 0 and 1, so this margin can never be exceeded"
        todo = "write points as a fraction: 0.01 is one percentage point"
        return (*found, Misfit("margin_absolute", what, todo))

    def request(self, data: DataKind, *, cuped: bool, covariates: Sequence[str]) -> MetricRequest:
        """Return the moments of the flag and, with CUPED, of its pre-exposure twin."""
        if data == "totals":
            return TotalsRequest(self.id, trials=self.trials, successes=self.successes)
        if data == "units":
            assert self.value is not None
            columns = tuple(ColumnValue(name) for name in covariates) if cuped else ()
            return UnitRequest(self.id, (ColumnValue(self.value),), columns, binary=True)
        assert self.event is not None
        assert self.window_days is not None
        value = EventValue((self.event,), "any", self.window_days)
        before = (shifted_before_exposure(value),) if cuped else ()
        return UnitRequest(
            self.id, (value,), before, matures_after=self.window_days[1], binary=True
        )

    def estimate(
        self, control: Sequence[Moments], treatment: Sequence[Moments], *, adjusted: bool
    ) -> PairEstimate:
        """Return both shares: Welch from moments, Miettinen-Nurminen where events are rare."""
        from abtest.stats import estimate_proportions

        return estimate_proportions(control, treatment, adjusted=adjusted)

    def definition(self) -> str:
        """Return one sentence that says what is measured."""
        if self.event is not None:
            return f"Share of units with at least one {event_name(self.event)}."
        if self.successes is not None:
            return f"{self.successes} as a share of {self.trials}."
        return f"Share of units for which {self.value} is true."
