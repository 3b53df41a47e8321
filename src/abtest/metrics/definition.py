"""What every metric states, whatever its kind."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field

from abtest.data.request import Aggregate, EventValue, MetricRequest
from abtest.data.settings import Name, Table
from abtest.stats.moments import Moments
from abtest.stats.results import PairEstimate

Role = Literal["primary", "guardrail", "secondary", "diagnostic"]
Direction = Literal["increase", "decrease"]
DataKind = Literal["events", "units", "totals"]
Window = Annotated[tuple[float, float], Field(strict=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]

MAX_PRE_WINDOW_DAYS = 28.0
"""The pre-exposure window of a covariate is as long as the metric's window, at most this."""


class Part(Table):
    """Numerator or denominator of a ratio on an event log."""

    event: Name
    """Name of the event; "*" is any event."""
    aggregate: Aggregate = "count"
    """How the unit's events become one number."""


class MetricDefinition(Table, ABC):
    """Keys that all metrics share; each kind adds its own and says how two arms are compared.

    A kind declares the sufficient statistic it needs (`request`) and how two arms are
    estimated from it (`estimate`). Nothing else in abtest asks what kind a metric is.
    """

    id: Annotated[str, Field(pattern=r"^[a-z0-9_]+$")]
    """Name of the metric in results; small letters, digits and underscores."""
    title: str | None = None
    """Name for readers; left out: made from the id."""
    description: str | None = None
    """One sentence for readers."""
    role: Role
    """primary and guardrail decide; secondary and diagnostic are reported."""
    direction: Direction
    """Which way is good."""
    window_days: Window | None = None
    """[start, end) in days of 24 hours after exposure; events data only."""
    mde: Positive | None = None
    """Relative effect that the experiment is sized for (superiority)."""
    margin: Annotated[float, Field(gt=0, lt=1)] | None = None
    """Loss that is still acceptable, relative to control (non-inferiority)."""
    margin_absolute: Positive | None = None
    """Loss that is still acceptable, in the metric's unit (non-inferiority)."""
    weight: Positive = 1.0
    """Share of alpha among the superiority primaries."""
    cuped: bool | None = None
    """Use the pre-exposure value as covariate; left out: as `analysis.cuped` says."""

    @property
    def decides(self) -> bool:
        """Whether the metric takes part in the verdict."""
        return self.role in ("primary", "guardrail")

    @property
    def test(self) -> Literal["superiority", "non_inferiority"]:
        """Which test the row is: a margin makes it non-inferiority."""
        has_margin = self.margin is not None or self.margin_absolute is not None
        return "non_inferiority" if has_margin else "superiority"

    @property
    def label(self) -> str:
        """Name for readers."""
        return self.title or self.id.replace("_", " ").capitalize()

    @abstractmethod
    def problems(self, data: DataKind) -> Sequence[tuple[str, str, str]]:
        """Return (key, what is wrong, what to do) for keys that do not fit this kind of data."""

    @abstractmethod
    def request(self, data: DataKind, *, cuped: bool, covariates: Sequence[str]) -> MetricRequest:
        """Return the per-unit values and the statistic this metric needs."""

    @abstractmethod
    def estimate(
        self, control: Sequence[Moments], treatment: Sequence[Moments], *, adjusted: bool
    ) -> PairEstimate:
        """Return both arms estimated from their moments, one entry per phase of allocation.

        `adjusted` says that the moments carry covariates.
        """

    @abstractmethod
    def definition(self) -> str:
        """Return one sentence that says what the number of one unit is."""

    def events_used(self) -> tuple[str, ...]:
        """Return the names of the events that the metric reads; () for finished columns."""
        return ()


def shifted_before_exposure(value: EventValue) -> EventValue:
    """Return the same value counted before exposure, over a window as long, at most 28 days."""
    start, end = value.window
    length = min(end - start, MAX_PRE_WINDOW_DAYS)
    return EventValue(value.event, value.aggregate, (-length, 0.0))
