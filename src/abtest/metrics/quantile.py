"""A quantile of one number per unit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from abtest.data.request import ColumnValue, MetricRequest, UnitRequest
from abtest.data.settings import Name
from abtest.metrics.activity import UnitAggregate
from abtest.metrics.counting import CountingMetric
from abtest.metrics.definition import DataKind
from abtest.metrics.plain import PlainMetric
from abtest.metrics.wording import amount_of_unit, quantile_name

if TYPE_CHECKING:
    from abtest.show.drawing import Chart
    from abtest.stats.results import PairEstimate
    from abtest.stats.value_counts import ValueCounts


class QuantileMetric(CountingMetric, PlainMetric):
    """Value that a share of all exposed units does not exceed, units without activity as 0."""

    kind: Literal["quantile"]
    """Kind of metric."""
    quantile: Annotated[float, Field(gt=0, lt=1)] = 0.5
    """Share of units at or below the value: 0.5 is the median, 0.9 what one unit in ten exceeds."""
    aggregate: UnitAggregate | None = None
    """How the unit's events become one number (events data)."""
    value: Name | None = None
    """Column of the unit's number (units data)."""

    def shapes(self) -> dict[DataKind, tuple[tuple[str, ...], ...]]:
        """Return the keys that each shape of data needs."""
        return {"events": (("event", "aggregate"),), "units": (("value",),)}

    def sample_request(self, data: DataKind) -> MetricRequest:
        """Return the distinct values of the number with their units."""
        if data == "units":
            assert self.value is not None
            return UnitRequest(self.id, (ColumnValue(self.value),), statistic="value_counts")
        assert self.aggregate is not None
        assert self.window_days is not None
        return UnitRequest(
            self.id,
            (self.counted(self.aggregate),),
            matures_after=self.window_days[1],
            statistic="value_counts",
        )

    def compared(
        self, control: Sequence[ValueCounts], treatment: Sequence[ValueCounts]
    ) -> PairEstimate:
        """Return both quantiles with exact limits from ranks, joined."""
        from abtest.stats import estimate_quantiles

        return estimate_quantiles(control, treatment, quantile=self.quantile)

    def pictures(
        self, arms: Mapping[str, ValueCounts], control: str, confidence_level: float
    ) -> tuple[Chart, ...]:
        """Return the effect along the quantiles, and the distribution of each arm."""
        from abtest.metrics.pictures import quantile_pictures

        return quantile_pictures(
            arms,
            control,
            label=self.label,
            quantile=self.quantile,
            confidence_level=confidence_level,
        )

    def definition(self) -> str:
        """Return one sentence that says what is measured."""
        name = quantile_name(self.quantile)
        if self.event is not None and self.aggregate is not None:
            amount = amount_of_unit(self.event, self.aggregate, self.ignore, self.ending)
            return f"{name} of {amount}."
        return f"{name} of {self.value or self.id} per unit."
