"""A mean of one number per unit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Literal, cast

from pydantic import Field

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
    CostAggregate,
    EventNames,
    SessionAggregate,
    Share,
    UnitAggregate,
    before_exposure,
    cost_value,
    is_of_costs,
    is_of_sessions,
    session_value,
)
from abtest.metrics.activity_rules import cost_misfits, session_misfits
from abtest.metrics.counting import CountingMetric
from abtest.metrics.definition import DataKind, Positive
from abtest.metrics.misfit import Misfit
from abtest.metrics.wording import COSTS, amount_of_unit, of_costs, of_sessions, winsorized

if TYPE_CHECKING:
    from abtest.stats.moments import Moments
    from abtest.stats.results import PairEstimate


class MeanMetric(CountingMetric):
    """Mean over all exposed units, units without activity included as 0."""

    kind: Literal["mean"]
    """Kind of metric."""
    aggregate: UnitAggregate | SessionAggregate | CostAggregate | None = None
    """How the unit's events, its sessions or its costs become one number (events data)."""
    key: EventNames | None = None
    """Events of which one makes a session an engaged one (engaged_sessions), or takes it out
    (sessions_without_key; events data)."""
    limit_days: Positive | None = None
    """Days after a session for which the next is waited for (followed_sessions and
    days_between_sessions; events data)."""
    gap_minutes: Positive | None = None
    """A pause longer than this ends a session, for this metric alone (events data)."""
    cost_each: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    """Cost of each event (cost; events data)."""
    per_day: bool = False
    """Divide the number by the days of the window (events data)."""
    value: Name | None = None
    """Column of the unit's number (units data)."""
    winsorize: Share | None = None
    """Numbers above this quantile of the units of all arms together count as that quantile."""
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

    @property
    def needs_costs(self) -> bool:
        """Whether it is made of what arms cost, so that one must cost something."""
        return is_of_costs(self.aggregate) and self.cost_each is None

    def shapes(self) -> dict[DataKind, tuple[tuple[str, ...], ...]]:
        """Return the keys that each shape of data needs."""
        return {
            "events": (
                ("aggregate",)
                if is_of_sessions(self.aggregate) or is_of_costs(self.aggregate)
                else ("event", "aggregate"),
            ),
            "units": (("value",),),
            "totals": (("n", "sum", "sum_squares"), ("n", "mean", "variance")),
        }

    def misfits(self, data: DataKind) -> tuple[Misfit, ...]:
        """Return what does not fit, also in what is made of sessions."""
        found = super().misfits(data)
        if data == "totals" and self.winsorize is not None:
            what = "totals have no values of units, of which the largest could be winsorised"
            found = (*found, Misfit("winsorize", what, "leave it out"))
        if is_of_costs(self.aggregate) and data == "events":
            costs = cost_misfits("aggregate", self)
            return (*(one for one in found if one.key != "event"), *costs)
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
            column = ColumnValue(self.value)
            return UnitRequest(self.id, (column,), columns, winsorize=self.winsorize)
        assert self.aggregate is not None
        assert self.window_days is not None
        start, end = self.window_days
        if is_of_sessions(self.aggregate):
            value: UnitValue = session_value(self, self.window_days)
        elif is_of_costs(self.aggregate):
            value = cost_value(self, self.window_days, self.window)
        else:
            value = self.counted(cast("UnitAggregate", self.aggregate))
        if self.per_day:
            value = Times(value, 1.0 / (end - start))
        before = before_exposure((value,)) if cuped else ()
        return UnitRequest(self.id, (value,), before, matures_after=end, winsorize=self.winsorize)

    def estimate(
        self, control: Sequence[Moments], treatment: Sequence[Moments], *, adjusted: bool
    ) -> PairEstimate:
        """Return both means, Welch or Lin-adjusted."""
        from abtest.stats import estimate_means

        return estimate_means(control, treatment, adjusted=adjusted)

    def remarks(self) -> tuple[str, ...]:
        """Return what becomes of values that are too large."""
        capped = () if self.winsorize is None else (winsorized(self.winsorize),)
        return (*capped, COSTS) if is_of_costs(self.aggregate) else capped

    def definition(self) -> str:
        """Return one sentence that says what is measured."""
        rate = ", divided by the days of the window" if self.per_day else ""
        if is_of_sessions(self.aggregate):
            return f"Mean of the unit's {of_sessions(self)}{rate}."
        if is_of_costs(self.aggregate):
            return f"Mean of the unit's {of_costs(self)}{rate}."
        if self.event is not None and self.aggregate is not None:
            aggregate = cast("UnitAggregate", self.aggregate)
            amount = amount_of_unit(self.event, aggregate, self.ignore, self.ending)
            return f"Mean of {amount}{rate}."
        return f"Mean of {self.value or self.sum or self.mean or self.id} per unit."
