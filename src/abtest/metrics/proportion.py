"""A share of units."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from abtest.data.request import (
    AllOf,
    ColumnValue,
    MetricRequest,
    TotalsRequest,
    UnitRequest,
    UnitValue,
)
from abtest.data.settings import Name
from abtest.metrics.activity import (
    Activity,
    Counted,
    EventNames,
    Limit,
    UnitAggregate,
    all_value,
    before_exposure,
    counted_value,
    limited_value,
    names_of,
    steps_value,
)
from abtest.metrics.activity_rules import activity_misfits
from abtest.metrics.counting import CountingMetric
from abtest.metrics.definition import DataKind, Positive
from abtest.metrics.misfit import Misfit
from abtest.metrics.wording import condition, event_name, in_order, limited

if TYPE_CHECKING:
    from abtest.stats.moments import Moments
    from abtest.stats.results import PairEstimate


_WHOLE = 1e-6


class ProportionMetric(CountingMetric):
    """Share of all exposed units that did something, or have a flag."""

    kind: Literal["proportion"]
    """Kind of metric."""
    aggregate: UnitAggregate | None = None
    """How the unit's events become the number that `at_least` and `at_most` limit (events data);
    left out: a unit needs one event."""
    at_least: Limit | None = None
    """A unit counts if its number reaches this (events data)."""
    at_most: Limit | None = None
    """A unit counts if its number does not exceed this; 0: if it has no event (events data)."""
    every_days: Positive | None = None
    """A unit counts if it has an event in each period of so many days of the window (a streak;
    events data)."""
    all: Annotated[tuple[Activity, ...], Field(strict=False)] = ()
    """Instead of an event: a unit counts if it meets every one of these (events data)."""
    steps: Annotated[tuple[EventNames, ...], Field(strict=False)] = ()
    """Instead of an event: a unit counts if it takes all of these steps in order (a funnel from
    exposure; events data)."""
    value: Name | None = None
    """Column of the flag, true/false or 1/0 (units data)."""
    successes: Name | None = None
    """Column of the number of successes (totals data)."""
    trials: Name | None = None
    """Column of the number of units or trials (totals data)."""

    def shapes(self) -> dict[DataKind, tuple[tuple[str, ...], ...]]:
        """Return the keys that each shape of data needs."""
        return {
            "events": (("event",), ("all",), ("steps",)),
            "units": (("value",),),
            "totals": (("successes", "trials"),),
        }

    @property
    def _period(self) -> str:
        days = self.every_days or 0.0
        return "day" if days == 1 else f"{days:g} days"

    def misfits(self, data: DataKind) -> tuple[Misfit, ...]:
        """Return what does not fit; a share cannot lose 1 or more."""
        found = (*super().misfits(data), *self._event_misfits())
        if self.margin_absolute is None or self.margin_absolute < 1:
            return found
        what = "a share lies between 0 and 1, so this margin can never be exceeded"
        todo = "write points as a fraction: 0.01 is one percentage point"
        return (*found, Misfit("margin_absolute", what, todo))

    def _event_misfits(self) -> Iterator[Misfit]:
        """Yield keys that contradict each other."""
        for part in self.all:
            yield from activity_misfits("all", part, self.window_days)
        limits = self.at_least is not None or self.at_most is not None
        if self.aggregate not in (None, "any") and not limits:
            what = "a share needs a limit: which numbers count?"
            yield Misfit("aggregate", what, "add at_least or at_most, or leave aggregate out")
        if self.at_least is not None and self.at_most is not None and self.at_least > self.at_most:
            what = "at_least is above at_most, which no unit can meet"
            yield Misfit("at_least", what, "exchange the two")
        if self.every_days is None:
            return
        if limits or self.aggregate is not None:
            what = "a streak counts any event of each period"
            yield Misfit("every_days", what, "leave aggregate, at_least and at_most out")
        if self.window_days is not None:
            start, end = self.window_days
            number = (end - start) / self.every_days
            if abs(number - round(number)) > _WHOLE or round(number) < 1:
                what = "the window must consist of whole periods"
                todo = f"end it after a multiple of {self.every_days:g} days"
                yield Misfit("every_days", what, todo)

    def request(self, data: DataKind, *, cuped: bool, covariates: Sequence[str]) -> MetricRequest:
        """Return the moments of the flag and, with CUPED, of its pre-exposure twin."""
        if data == "totals":
            return TotalsRequest(self.id, trials=self.trials, successes=self.successes)
        if data == "units":
            assert self.value is not None
            columns = tuple(ColumnValue(name) for name in covariates) if cuped else ()
            return UnitRequest(self.id, (ColumnValue(self.value),), columns, binary=True)
        assert self.window_days is not None
        value = self._unit_value(self.window_days)
        before = before_exposure((value,)) if cuped else ()
        return UnitRequest(
            self.id, (value,), before, matures_after=self.window_days[1], binary=True
        )

    def _unit_value(self, window: tuple[float, float]) -> UnitValue:
        """Return 1 for units that count, 0 for the others."""
        if self.all:
            return all_value(self.all, window, self.window)
        if self.steps:
            return steps_value(self.steps, window)
        if self.every_days is not None:
            assert self.event is not None
            events = Counted(names_of(self.event), self.ignore)
            return AllOf(
                tuple(
                    counted_value(events, "any", period, self.window)
                    for period in periods(window, self.every_days)
                )
            )
        return limited_value(self.counted(self.aggregate or "any"), self.at_least, self.at_most)

    def estimate(
        self, control: Sequence[Moments], treatment: Sequence[Moments], *, adjusted: bool
    ) -> PairEstimate:
        """Return both shares: Welch from moments, Miettinen-Nurminen where events are rare."""
        from abtest.stats import estimate_proportions

        return estimate_proportions(control, treatment, adjusted=adjusted)

    def definition(self) -> str:
        """Return one sentence that says what is measured."""
        if self.all:
            met = "; and ".join(condition(part, self.window_days) for part in self.all)
            return f"Share of units with {met}."
        if self.steps:
            return f"Share of units with {in_order(self.steps)}."
        if self.event is not None:
            event = event_name(self.event, self.ignore)
            if self.every_days is not None:
                return f"Share of units with at least one {event} in every {self._period}."
            events = Counted(names_of(self.event), self.ignore)
            met = limited(events, self.aggregate or "count", self.at_least, self.at_most)
            return f"Share of units with {met}."
        if self.successes is not None:
            return f"{self.successes} as a share of {self.trials}."
        return f"Share of units for which {self.value} is true."


def periods(window: tuple[float, float], days: float) -> list[tuple[float, float]]:
    """Return the periods of so many days that a window consists of.

    Examples
    --------
    >>> periods((0.0, 21.0), 7.0)
    [(0.0, 7.0), (7.0, 14.0), (14.0, 21.0)]
    """
    start, end = window
    number = round((end - start) / days)
    return [(start + days * place, start + days * (place + 1)) for place in range(number)]
