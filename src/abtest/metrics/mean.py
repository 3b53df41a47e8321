"""A mean of one number per unit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, cast

from abtest.data.request import (
    ColumnValue,
    MetricRequest,
    Times,
    TotalsRequest,
    UnitRequest,
    UnitValue,
)
from abtest.data.settings import Name
from abtest.metrics.activity import (
    EventNames,
    SessionAggregate,
    UnitAggregate,
    before_exposure,
    is_of_sessions,
    session_value,
)
from abtest.metrics.activity_rules import session_misfits
from abtest.metrics.counting import CountingMetric
from abtest.metrics.definition import DataKind, Positive
from abtest.metrics.misfit import Misfit
from abtest.metrics.wording import number_of_events, of_sessions

if TYPE_CHECKING:
    from abtest.stats.moments import Moments
    from abtest.stats.results import PairEstimate


class MeanMetric(CountingMetric):
    """Mean over all exposed units, units without activity included as 0."""

    kind: Literal["mean"]
    """Kind of metric."""
    aggregate: UnitAggregate | SessionAggregate | None = None
    """How the unit's events, or its sessions, become one number (events data)."""
    key: EventNames | None = None
    """Events of which one makes a session an engaged one (engaged_sessions; events data)."""
    limit_days: Positive | None = None
    """Days after a session for which the next is waited for (followed_sessions and
    days_between_sessions; events data)."""
    per_day: bool = False
    """Divide the number by the days of the window (events data)."""
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
            "events": (
                ("aggregate",) if is_of_sessions(self.aggregate) else ("event", "aggregate"),
            ),
            "units": (("value",),),
            "totals": (("n", "sum", "sum_squares"), ("n", "mean", "variance")),
        }

    def misfits(self, data: DataKind) -> tuple[Misfit, ...]:
        """Return what does not fit, also in what is made of sessions."""
        found = super().misfits(data)
        if not is_of_sessions(self.aggregate):
            return found
        own = session_misfits("aggregate", self) if data == "events" else ()
        return (*(one for one in found if one.key != "event"), *own)

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
        assert self.aggregate is not None
        assert self.window_days is not None
        start, end = self.window_days
        if is_of_sessions(self.aggregate):
            value: UnitValue = session_value(self, self.window_days)
        else:
            value = self.counted(cast("UnitAggregate", self.aggregate))
        if self.per_day:
            value = Times(value, 1.0 / (end - start))
        before = before_exposure((value,)) if cuped else ()
        return UnitRequest(self.id, (value,), before, matures_after=self.window_days[1])

    def estimate(
        self, control: Sequence[Moments], treatment: Sequence[Moments], *, adjusted: bool
    ) -> PairEstimate:
        """Return both means, Welch or Lin-adjusted."""
        from abtest.stats import estimate_means

        return estimate_means(control, treatment, adjusted=adjusted)

    def definition(self) -> str:
        """Return one sentence that says what is measured."""
        rate = ", divided by the days of the window" if self.per_day else ""
        if is_of_sessions(self.aggregate):
            return f"Mean of the unit's {of_sessions(self)}{rate}."
        if self.event is not None and self.aggregate is not None:
            number = number_of_events(
                self.event, cast("UnitAggregate", self.aggregate), self.ignore
            )
            return f"Mean of the unit's {number}{rate}."
        return f"Mean of {self.value or self.sum or self.mean or self.id} per unit."
