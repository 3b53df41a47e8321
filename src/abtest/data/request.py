"""What a metric needs from the data, without saying how it is computed."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

Aggregate = Literal["count", "any", "sum", "max", "distinct_days"]
"""How a unit's events become one number; 0 without events."""
Single = Literal["first_time", "last_value"]
"""What is taken of one event of a unit; null without events."""


@dataclass(frozen=True)
class EventValue:
    """A number per unit from the event log.

    Events of one of these names (``"*"``: any, but for the `ignored`) with t0 + start <= time <
    t0 + end are aggregated; `window` is (start, end) in days of 24 hours after exposure, negative
    before it. A `calendar` window counts dates in the experiment's timezone instead: day 0 is
    what is left of the date of exposure, whole days follow, of 23 or 25 hours where clocks change.
    A unit without such events has 0: no activity is an activity of 0, never missing.
    `any` is 1 or 0; `sum` and `max` use the value column (null values are skipped);
    `distinct_days` counts calendar dates in the experiment's timezone.

    With `until` only events up to the first of those in the window count, itself included where it
    is one of them.

    Two are of one event and null without one: `first_time`, microseconds from exposure to the
    first, and `last_value`, the value of the last that has one (the largest of those at the same
    moment).
    """

    events: tuple[str, ...]
    aggregate: Aggregate | Single
    window: tuple[float, float]
    calendar: bool = False
    ignored: tuple[str, ...] = ()
    until: tuple[str, ...] = ()


SessionMeasure = Literal[
    "sessions",
    "seconds",
    "single_view",
    "with_view",
    "without_key",
    "engaged",
    "followed",
    "absence",
    "first_end",
]
"""What is counted or summed over a unit's sessions."""


@dataclass(frozen=True)
class SessionValue:
    """A number per unit from its sessions.

    Sessions that start with t0 + start <= time < t0 + end count, with what happens in them before
    t0 + end. Events before exposure and from exposure on are never in one session. The measures:

    ``sessions`` their number; ``seconds`` from first to last event, summed; ``single_view`` those
    with one of the `views`; ``with_view`` those with any, ``without_key`` those of these without a
    `key` event; ``engaged`` those that last at least 10 seconds, or have two `views`
    or one of the `key` events. ``followed`` counts those that end with `limit` days of the window
    left, ``absence`` sums over these the days until the next starts, at most `limit`.
    ``first_end`` is the time in microseconds from exposure to the last event of the first session
    (0 where that starts after `gap`).

    `gap` in minutes replaces the experiment's own rule: an event later than that after the one
    before it starts a session. Only the `events` make sessions then, without the `ignored`.
    """

    measure: SessionMeasure
    window: tuple[float, float]
    views: tuple[str, ...] = ()
    key: tuple[str, ...] = ()
    limit: float = 0.0
    gap: float | None = None
    events: tuple[str, ...] = ("*",)
    ignored: tuple[str, ...] = ()


@dataclass(frozen=True)
class StepsValue:
    """How many of these steps a unit took one after another, from t0 + start to t0 + end.

    A step is one of several events. Each is looked for from the moment of the one before it on, a
    later one where the same event could be both.
    """

    steps: tuple[tuple[str, ...], ...]
    window: tuple[float, float]


@dataclass(frozen=True)
class ColumnValue:
    """A number per unit that stands in a finished column of a units table."""

    column: str


@dataclass(frozen=True)
class Within:
    """1 where a value lies between two limits that count themselves, 0 elsewhere."""

    value: UnitValue
    least: float = -math.inf
    most: float = math.inf


@dataclass(frozen=True)
class AllOf:
    """1 where every one of these values is other than 0, 0 elsewhere."""

    values: tuple[UnitValue, ...]


@dataclass(frozen=True)
class Total:
    """The sum of these values."""

    values: tuple[UnitValue, ...]


@dataclass(frozen=True)
class Times:
    """A value times a number."""

    value: UnitValue
    factor: float


@dataclass(frozen=True)
class ArmCost:
    """What a unit costs by its arm: the cost per unit, and its part of what the arm costs once.

    The latter is divided by the units exposed to the arm, and taken as known.
    """


DerivedValue = Within | AllOf | Total | Times | ArmCost
"""A number per unit that follows from others of the same unit."""
SourceValue = EventValue | SessionValue | StepsValue | ColumnValue
"""A number per unit that the data give."""
UnitValue = SourceValue | DerivedValue


def parts_of(value: UnitValue) -> tuple[UnitValue, ...]:
    """Return the values that one is made of directly."""
    if isinstance(value, AllOf | Total):
        return value.values
    if isinstance(value, Within | Times):
        return (value.value,)
    return ()


def mapped(value: UnitValue, change: Callable[[UnitValue], UnitValue]) -> UnitValue:
    """Return a value with the values of the data that it is made of changed."""
    if isinstance(value, AllOf | Total):
        return replace(value, values=tuple(mapped(part, change) for part in value.values))
    if isinstance(value, Within | Times):
        return replace(value, value=mapped(value.value, change))
    return change(value)


def sources_of(value: UnitValue) -> tuple[SourceValue, ...]:
    """Return the values of the data that one is made of.

    Examples
    --------
    >>> bought = EventValue(("buy",), "count", (0, 7))
    >>> sources_of(Total((Within(bought, least=2), bought))) == (bought, bought)
    True
    """
    if isinstance(value, SourceValue):
        return (value,)
    return tuple(source for part in parts_of(value) for source in sources_of(part))


Statistic = Literal["moments", "value_counts", "event_times", "repeated_events"]
"""What carries a metric's per-unit values: moments, every distinct value with its units, every
distinct time with those that had the event or were lost, or amounts by steps of time."""

_STEPS = (1.0 / 1440.0, 1.0 / 24.0, 1.0)
"""Lengths of a step of time in days: a minute, an hour, a day."""
MOST_STEPS: dict[Statistic, int] = {"event_times": 360, "repeated_events": 96}
"""Steps up to a horizon, above which the next longer step is taken; days may be more."""


def time_step(statistic: Statistic, horizon: float) -> float:
    """Return the length of the steps in which time since exposure is counted, in days.

    Times to an event: minutes up to 6 hours, hours up to 15 days, days beyond. Repeated events,
    which need all pairs of steps: minutes up to 96 minutes, hours up to 4 days.

    Examples
    --------
    >>> time_step("event_times", 90.0), 24 * time_step("event_times", 14.0)
    (1.0, 1.0)
    """
    most = MOST_STEPS[statistic]
    return next((step for step in _STEPS if horizon / step < most + 0.5), _STEPS[-1])


@dataclass(frozen=True)
class UnitRequest:
    """A metric's per-unit variables and what carries them, for events and units data.

    `variables` are the outcomes (one for a mean or proportion, numerator and denominator
    for a ratio), `covariates` their pre-exposure values or empty. Rows of the resulting
    moments are variables first, then covariates. `matures_after` is the end of the window
    in days; None for finished columns. `binary` asks that values other than 0, 1 and null
    are refused.

    The other statistics have no covariates. ``value_counts``: one variable. ``event_times``: on
    an event log one of ``first_time``, elsewhere the columns of the time in days and of whether
    it is that of the event. ``repeated_events``: one of ``count`` or ``sum`` on an event log.
    These two count time up to `horizon`, in days after exposure, and units as long as they were
    watched; an event that is known only `known_after` days later, as long as that has passed.

    With `winsorize` the first variable, and the first covariate, count as at most that quantile of
    the units of all arms together.

    With `among` the metric is about the units for which that value is other than 0, and the
    others are outside.
    """

    metric: str
    variables: tuple[UnitValue, ...]
    covariates: tuple[UnitValue, ...] = ()
    matures_after: float | None = None
    binary: bool = False
    statistic: Statistic = "moments"
    horizon: float | None = None
    among: UnitValue | None = None
    known_after: float = 0.0
    winsorize: float | None = None

    @property
    def values(self) -> tuple[UnitValue, ...]:
        """All values that the data must give: variables, covariates and the condition."""
        group = () if self.among is None else (self.among,)
        return (*self.variables, *self.covariates, *group)

    @property
    def calendar(self) -> bool:
        """Whether the window closes at a midnight, and not so many hours after exposure."""
        return any(
            isinstance(source, EventValue) and source.calendar
            for value in self.variables
            for source in sources_of(value)
        )


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
class PastLevels:
    """A segment by a number that is known before exposure.

    `cuts` rise; a unit is on the first level below the first cut, and on the last from the last
    cut on. There is one more of the `labels`.
    """

    name: str
    value: UnitValue
    cuts: tuple[float, ...]
    labels: tuple[str, ...]


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
    """What cells are split by, for segments and for strata of metrics: columns of attributes, and
    the names of `past`."""
    strata: tuple[str, ...] = ()
    """Those of `segments` that strata alone ask for."""
    past: tuple[PastLevels, ...] = ()
    """Those of `segments` that the event log gives."""
    unit_costs: tuple[float, ...] = ()
    """Cost per unit of each variant, in the order of `variants`; empty where none has any."""
    fixed_costs: tuple[float, ...] = ()
    """What each variant costs once; as `unit_costs`."""

    @property
    def variants(self) -> tuple[str, ...]:
        """Control first, then the treatments in the order of the file."""
        return (self.control, *self.treatments)

    @property
    def attributes(self) -> tuple[str, ...]:
        """Those of `segments` that are columns of attributes."""
        past = {levels.name for levels in self.past}
        return tuple(name for name in self.segments if name not in past)

    def key_of(self, column: str) -> str:
        """Return the key of the experiment file that names a column of `segments`."""
        return "metrics.strata" if column in self.strata else "analysis.segments"
