"""A mean of one number per unit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from abtest.data.request import (
    Aggregate,
    ColumnValue,
    EventValue,
    MetricRequest,
    TotalsRequest,
    UnitRequest,
)
from abtest.data.settings import Name
from abtest.metrics.definition import DataKind, MetricDefinition, shifted_before_exposure
from abtest.metrics.wording import amount_of_unit

if TYPE_CHECKING:
    from abtest.stats.moments import Moments
    from abtest.stats.results import PairEstimate


class MeanMetric(MetricDefinition):
    """Mean over all exposed units, units without activity included as 0."""

    kind: Literal["mean"]
    """Kind of metric."""
    event: Name | None = None
    """Event that is counted (events data); "*" is any event."""
    aggregate: Aggregate | None = None
    """How the unit's events become one number (events data)."""
    value: Name | None = None
    """Column of the unit's number (units data)."""
    n: Name | None = None
    """Column of the number of units (totals data)."""
    sum: Name | None = None
    """Column of the sum over units (totals data)."""
    sum_squares: Name | None = None
    """Column of the sum of squares over units (totals data)."""
    mean: Name | None = None
    """Column of the mean over units (totals data)."""
    variance: Name | None = None
    """Column of the sample variance over units, with n - 1 (totals data)."""

    def shapes(self) -> dict[DataKind, tuple[tuple[str, ...], ...]]:
        """Return the keys that each shape of data needs."""
        return {
            "events": (("event", "aggregate"),),
            "units": (("value",),),
            "totals": (("n", "sum", "sum_squares"), ("n", "mean", "variance")),
        }

    def request(self, data: DataKind, *, cuped: bool, covariates: Sequence[str]) -> MetricRequest:
        """Return the moments of the number and, with CUPED, of its pre-exposure twin."""
        if data == "totals":
            return TotalsRequest(
                self.id,
                n=self.n,
                sum=self.sum,
                sum_squares=self.sum_squares,
                mean=self.mean,
                variance=self.variance,
            )
        if data == "units":
            assert self.value is not None
            columns = tuple(ColumnValue(name) for name in covariates) if cuped else ()
            return UnitRequest(self.id, (ColumnValue(self.value),), columns)
        assert self.event is not None
        assert self.aggregate is not None
        assert self.window_days is not None
        value = EventValue(self.event, self.aggregate, self.window_days)
        before = (shifted_before_exposure(value),) if cuped else ()
        return UnitRequest(self.id, (value,), before, matures_after=self.window_days[1])

    def estimate(
        self, control: Sequence[Moments], treatment: Sequence[Moments], *, adjusted: bool
    ) -> PairEstimate:
        """Return both means, Welch or Lin-adjusted."""
        from abtest.stats import estimate_means

        return estimate_means(control, treatment, adjusted=adjusted)

    def definition(self) -> str:
        """Return one sentence that says what is measured."""
        if self.event is not None and self.aggregate is not None:
            return f"Mean of {amount_of_unit(self.event, self.aggregate)}."
        return f"Mean of {self.value or self.sum or self.mean or self.id} per unit."
