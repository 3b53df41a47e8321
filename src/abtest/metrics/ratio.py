"""A ratio of two sums over units, such as actions per session."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from abtest.data.request import ColumnValue, MetricRequest, UnitRequest
from abtest.data.settings import Name
from abtest.metrics.activity import (
    Activity,
    Share,
    activity_value,
    before_exposure,
    counts_units,
    is_of_costs,
)
from abtest.metrics.activity_rules import activity_misfits
from abtest.metrics.definition import DataKind, MetricDefinition
from abtest.metrics.misfit import Misfit
from abtest.metrics.wording import COSTS, number_of, winsorized

if TYPE_CHECKING:
    from abtest.stats.moments import Moments
    from abtest.stats.results import PairEstimate


class RatioMetric(MetricDefinition):
    """Sum of the numerator over sum of the denominator; the unit stays the unit of analysis.

    Units whose denominator is 0 are kept as (0, 0): they carry information about the
    mean of the denominator.
    """

    kind: Literal["ratio"]
    """Kind of metric."""
    numerator: Activity | Name
    """Column (units data) or { event, aggregate } (events data)."""
    denominator: Activity | Name
    """Column (units data) or { event, aggregate } (events data)."""

    conditional_on_denominator: bool = False
    """The treatment may change the denominator, so that the ratio does not decide alone and the
    denominator is shown beside it; always so where it counts units (events data)."""
    winsorize: Share | None = None
    """Numerators above this quantile of the units of all arms together count as that quantile."""

    @property
    def conditional(self) -> bool:
        """Whether it is about what the treatment may choose: its group, or its denominator."""
        of_units = isinstance(self.denominator, Activity) and counts_units(self.denominator)
        return super().conditional or self.conditional_on_denominator or of_units

    @property
    def costs(self) -> tuple[Activity, ...]:
        """The parts that are made of costs."""
        parts = (self.numerator, self.denominator)
        return tuple(p for p in parts if isinstance(p, Activity) and is_of_costs(p.aggregate))

    @property
    def needs_costs(self) -> bool:
        """Whether it is made of what arms cost, so that one must cost something."""
        return any(part.cost_each is None for part in self.costs)

    def shapes(self) -> dict[DataKind, tuple[tuple[str, ...], ...]]:
        """Return the keys that each shape of data needs: totals carry no covariance."""
        events = isinstance(self.numerator, Activity) and isinstance(self.denominator, Activity)
        keys = ("numerator", "denominator")
        columns = isinstance(self.numerator, str) and isinstance(self.denominator, str)
        return {"events": (keys,)} if events else {"units": (keys,)} if columns else {}

    def misfits(self, data: DataKind) -> tuple[Misfit, ...]:
        """Return what does not fit; on an event log both parts are events, else columns."""
        if data == "totals" or data in self.shapes():
            parts = {"numerator": self.numerator, "denominator": self.denominator}
            return (
                *super().misfits(data),
                *(
                    misfit
                    for key, part in parts.items()
                    if isinstance(part, Activity)
                    for misfit in activity_misfits(key, part, self.window_days)
                ),
            )
        form = "{ event = ..., aggregate = ... }" if data == "events" else "the name of a column"
        return (
            Misfit(
                "numerator",
                f"the parts of this ratio do not fit {data} data",
                f"write numerator and denominator each as {form}",
            ),
        )

    def request(self, data: DataKind, *, cuped: bool, covariates: Sequence[str]) -> MetricRequest:
        """Return the joint moments of both parts and, with CUPED, of their pre-exposure twins.

        Columns of a units table have no pre-exposure denominator of their own, so a ratio
        of columns is not adjusted.
        """
        del covariates
        if isinstance(self.numerator, str) or isinstance(self.denominator, str):
            return UnitRequest(
                self.id,
                (ColumnValue(str(self.numerator)), ColumnValue(str(self.denominator))),
                winsorize=self.winsorize,
            )
        assert data == "events"
        window = self.window_days
        assert window is not None
        values = tuple(
            activity_value(part, window, self.window) for part in (self.numerator, self.denominator)
        )
        before = before_exposure(values) if cuped else ()
        return UnitRequest(
            self.id, values, before, matures_after=window[1], winsorize=self.winsorize
        )

    def estimate(
        self, control: Sequence[Moments], treatment: Sequence[Moments], *, adjusted: bool
    ) -> PairEstimate:
        """Return both ratios by the delta method, each arm with its own covariance."""
        from abtest.stats import estimate_ratios

        return estimate_ratios(control, treatment, adjusted=adjusted)

    def remarks(self) -> tuple[str, ...]:
        """Return what becomes of values that are too large."""
        capped = () if self.winsorize is None else (winsorized(self.winsorize, "Numerators"),)
        return (*capped, COSTS) if self.costs else capped

    def definition(self) -> str:
        """Return one sentence that says what is measured."""
        numerator, denominator = _words(self.numerator), _words(self.denominator)
        if isinstance(self.numerator, str):
            return f"Sum of {numerator} divided by sum of {denominator}."
        first = numerator[:1].upper() + numerator[1:]
        return f"{first} divided by {denominator}, each summed over all units."


def _words(part: Activity | str) -> str:
    return part if isinstance(part, str) else number_of(part)
