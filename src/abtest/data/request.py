"""What a metric needs from the data, without saying how it is computed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Aggregate = Literal["count", "any", "sum", "max", "distinct_days"]


@dataclass(frozen=True)
class EventValue:
    """A number per unit from the event log.

    Events named `event` (``"*"``: any) with t0 + start <= time < t0 + end are aggregated;
    `window` is (start, end) in days of 24 hours after exposure, negative before it.
    A unit without such events has 0: no activity is an activity of 0, never missing.
    `any` is 1 or 0; `sum` and `max` use the value column (null values are skipped);
    `distinct_days` counts calendar dates in the experiment's timezone.
    """

    event: str
    aggregate: Aggregate
    window: tuple[float, float]


@dataclass(frozen=True)
class ColumnValue:
    """A number per unit that stands in a finished column of a units table."""

    column: str


UnitValue = EventValue | ColumnValue

Statistic = Literal["moments", "value_counts"]
"""What carries a metric's per-unit values: moments, or every distinct value with its units."""


@dataclass(frozen=True)
class UnitRequest:
    """A metric's per-unit variables and what carries them, for events and units data.

    `variables` are the outcomes (one for a mean or proportion, numerator and denominator
    for a ratio), `covariates` their pre-exposure values or empty. Rows of the resulting
    moments are variables first, then covariates. `matures_after` is the end of the window
    in days; None for finished columns. `binary` asks that values other than 0, 1 and null
    are refused. With the `statistic` ``value_counts`` there is one variable and no covariate.
    """

    metric: str
    variables: tuple[UnitValue, ...]
    covariates: tuple[UnitValue, ...] = ()
    matures_after: float | None = None
    binary: bool = False
    statistic: Statistic = "moments"


@dataclass(frozen=True)
class TotalsRequest:
    """Moments of a metric from columns of totals.

    Either (`trials`, `successes`), (`n`, `sum`, `sum_squares`) or (`n`, `mean`, `variance`)
    are column names; the others are None.
    """

    metric: str
    trials: str | None = None
    successes: str | None = None
    n: str | None = None
    sum: str | None = None
    sum_squares: str | None = None
    mean: str | None = None
    variance: str | None = None


MetricRequest = UnitRequest | TotalsRequest


@dataclass(frozen=True)
class Phase:
    """A stretch of enrolment with one allocation; `start` is None for the first."""

    start: datetime | None
    allocation: tuple[float, ...]
    """Shares in the order of `Design.variants`."""


@dataclass(frozen=True)
class Design:
    """What the data layer must know about the experiment."""

    control: str
    treatments: tuple[str, ...]
    phases: tuple[Phase, ...]
    start: datetime | None
    end: datetime | None
    timezone: str
    segments: tuple[str, ...] = ()
    """Columns of attributes that cells are split by: for segments, and for strata of metrics."""
    strata: tuple[str, ...] = ()
    """Those of `segments` that strata alone ask for."""

    @property
    def variants(self) -> tuple[str, ...]:
        """Control first, then the treatments in the order of the file."""
        return (self.control, *self.treatments)

    def key_of(self, column: str) -> str:
        """Return the key of the experiment file that names a column of `segments`."""
        return "metrics.strata" if column in self.strata else "analysis.segments"
