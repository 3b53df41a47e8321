"""What of an event log becomes a unit's number: which events, how they are put together, when."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Annotated, Literal, NamedTuple, Protocol, cast, get_args

from pydantic import Field

from abtest.data.request import (
    AllOf,
    ArmCost,
    EventValue,
    SessionMeasure,
    SessionValue,
    Single,
    StepsValue,
    Times,
    Total,
    UnitValue,
    Within,
    mapped,
    parts_of,
    sources_of,
)
from abtest.data.settings import Name, Names, Table

EventNames = Name | Annotated[tuple[Name, ...], Field(strict=False, min_length=1)]
"""One name or several; "*" is any event."""
UnitAggregate = Literal["count", "any", "sum", "max", "distinct_days", "distinct_events"]
"""How a unit's events become one number: `distinct_events` counts the names that were met."""
SessionAggregate = Literal[
    "sessions",
    "session_seconds",
    "single_view_sessions",
    "sessions_with",
    "sessions_without_key",
    "engaged_sessions",
    "followed_sessions",
    "days_between_sessions",
]
"""What is made of a unit's sessions: their number; seconds from first to last event; those with
one `event`; those with any `event`, and those of these without a `key`; those of 10 seconds, two
`event` or one `key`; those that end with `limit_days` of the window left; and days until the next
starts, at most `limit_days`."""
CostAggregate = Literal["cost", "profit"]
"""What the unit costs: by its arm, and `cost_each` per `event`; or the summed value of `event`
less that."""
_MEASURES: dict[str, SessionMeasure] = {
    "sessions": "sessions",
    "session_seconds": "seconds",
    "single_view_sessions": "single_view",
    "sessions_with": "with_view",
    "sessions_without_key": "without_key",
    "engaged_sessions": "engaged",
    "followed_sessions": "followed",
    "days_between_sessions": "absence",
}
Window = Annotated[tuple[float, float], Field(strict=False)]
Limit = Annotated[float, Field(allow_inf_nan=False)]
Clock = Literal["rolling", "calendar"]
Share = Annotated[float, Field(gt=0.5, lt=1)]
"""A share of units, of which values above its quantile are too large to be taken as they are."""

ANY = "*"
MAX_PRE_WINDOW_DAYS = 28.0
"""The pre-exposure window of a covariate is as long as the metric's window, at most this."""


class Activity(Table):
    """Events of a unit as one number, or 1 and 0 for whether it meets conditions."""

    event: EventNames | None = None
    """Name of the event, or a list of names of which each counts; "*" is any event."""
    ignore: Names = ()
    """Names that do not count where the event is "*"."""
    aggregate: UnitAggregate | SessionAggregate | CostAggregate = "count"
    """How the unit's events, or its sessions, become one number."""
    key: EventNames | None = None
    """Events of which one makes a session an engaged one (engaged_sessions), or takes it out
    (sessions_without_key)."""
    limit_days: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    """Days after a session for which the next is waited for (followed_sessions and
    days_between_sessions)."""
    gap_minutes: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    """A pause longer than this ends a session, for this number alone, instead of what
    data.sessions says."""
    cost_each: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    """Cost of each event (cost)."""
    at_least: Limit | None = None
    """The number becomes 1 for units that reach this, 0 for the others."""
    at_most: Limit | None = None
    """The number becomes 1 for units that do not exceed this, 0 for the others."""
    window_days: Window | None = None
    """[start, end) in days after exposure, negative before it; left out: that of the metric."""
    steps: Annotated[tuple[EventNames, ...], Field(strict=False)] = ()
    """Instead of an event: 1 for units that take all of these steps in order, 0 for the others."""
    all: Annotated[tuple[Activity, ...], Field(strict=False)] = ()
    """Instead of an event: 1 for units that meet every one of these, 0 for the others."""


class Counted(NamedTuple):
    """Names of events that count, and of those that do not where any does."""

    events: tuple[str, ...]
    ignored: tuple[str, ...] = ()


def names_of(event: str | tuple[str, ...]) -> tuple[str, ...]:
    """Return one name or several as several.

    Examples
    --------
    >>> names_of("open"), names_of(("open", "search"))
    (('open',), ('open', 'search'))
    """
    return (event,) if isinstance(event, str) else event


def counted_value(
    counted: Counted, aggregate: UnitAggregate | Single, window: tuple[float, float], clock: Clock
) -> UnitValue:
    """Return the number of a unit's events.

    Parameters
    ----------
    counted
        The events.
    aggregate
        How they become one number.
    window
        When they count, in days after exposure.
    clock
        ``rolling`` from the moment of exposure, or ``calendar`` dates.
    """
    names, calendar = counted.events, clock == "calendar"
    if aggregate == "distinct_events":
        each = (EventValue((name,), "any", window, calendar) for name in dict.fromkeys(names))
        return Total(tuple(each))
    ignored = counted.ignored if ANY in names else ()
    return EventValue(names, aggregate, window, calendar, ignored)


def limited_value(value: UnitValue, least: float | None, most: float | None) -> UnitValue:
    """Return 1 where a number lies within the limits, 0 elsewhere; the number without any."""
    if least is None and most is None:
        return value
    lowest = -math.inf if least is None else least
    return Within(value, lowest, math.inf if most is None else most)


def activity_value(part: Activity, window: tuple[float, float], clock: Clock) -> UnitValue:
    """Return the number that an activity is; `window` where it has none of its own."""
    own = part.window_days or window
    if part.all:
        return all_value(part.all, own, clock)
    if part.steps:
        value: UnitValue = steps_value(part.steps, own)
        return limited_value(value, part.at_least, part.at_most)
    if part.aggregate in _MEASURES:
        value = session_value(part, own)
        return limited_value(value, part.at_least, part.at_most)
    if is_of_costs(part.aggregate):
        return cost_value(part, own, clock)
    assert part.event is not None
    counted = Counted(names_of(part.event), part.ignore)
    value = counted_value(counted, cast("UnitAggregate", part.aggregate), own, clock)
    return limited_value(value, part.at_least, part.at_most)


def steps_value(steps: tuple[str | tuple[str, ...], ...], window: tuple[float, float]) -> UnitValue:
    """Return 1 for units that take all steps in order within the window, 0 for the others."""
    return Within(StepsValue(tuple(map(names_of, steps)), window), least=float(len(steps)))


def is_of_sessions(aggregate: str | None) -> bool:
    """Return whether an aggregate is made of sessions and not of events."""
    return aggregate in _MEASURES


def is_of_costs(aggregate: str | None) -> bool:
    """Return whether an aggregate is made of what units cost."""
    return aggregate in get_args(CostAggregate)


class OfCosts(Protocol):
    """What an activity, or a metric, says of the costs that it counts."""

    @property
    def event(self) -> str | tuple[str, ...] | None:
        """Events that cost, or that bring money in."""

    @property
    def ignore(self) -> tuple[str, ...]:
        """Events that do not count where any does."""

    @property
    def cost_each(self) -> float | None:
        """Cost of each event."""

    @property
    def aggregate(self) -> str | None:
        """Cost or profit."""


def cost_value(part: OfCosts, window: tuple[float, float], clock: Clock) -> UnitValue:
    """Return what a unit costs, or what it brings in less that."""
    arm = ArmCost()
    if part.event is None:
        return Total((arm,))
    counted = Counted(names_of(part.event), part.ignore)
    if part.aggregate == "profit":
        return Total((counted_value(counted, "sum", window, clock), Times(arm, -1.0)))
    each = Times(counted_value(counted, "count", window, clock), part.cost_each or 0.0)
    return Total((arm, each))


class OfSessions(Protocol):
    """What an activity, or a metric, says of the sessions that it counts."""

    @property
    def event(self) -> str | tuple[str, ...] | None:
        """Views."""

    @property
    def key(self) -> str | tuple[str, ...] | None:
        """Events that make a session an engaged one."""

    @property
    def limit_days(self) -> float | None:
        """How long the next session is waited for."""

    @property
    def gap_minutes(self) -> float | None:
        """Own pause that ends a session."""

    @property
    def aggregate(self) -> str | None:
        """What is made of sessions."""


def session_value(part: OfSessions, window: tuple[float, float]) -> SessionValue:
    """Return the number that is made of a unit's sessions."""
    return SessionValue(
        _MEASURES[str(part.aggregate)],
        window,
        views=() if part.event is None else names_of(part.event),
        key=() if part.key is None else names_of(part.key),
        limit=part.limit_days or 0.0,
        gap=part.gap_minutes,
    )


def counts_units(part: Activity) -> bool:
    """Return whether an activity is 1 for some units and 0 for the others."""
    limits = part.at_least is not None or part.at_most is not None
    return part.aggregate == "any" or limits or bool(part.all) or bool(part.steps)


def all_value(parts: tuple[Activity, ...], window: tuple[float, float], clock: Clock) -> UnitValue:
    """Return 1 for units that meet every condition: a number other than 0."""
    return AllOf(tuple(activity_value(part, window, clock) for part in parts))


def before_exposure(values: tuple[UnitValue, ...]) -> tuple[UnitValue, ...]:
    """Return the same values before exposure, by the same definition.

    Of one window: as long a one that ends at exposure, at most 28 days. Of several: all moved
    back until the last ends there. Costs of arms are none before exposure, and what is made of
    them alone has no value there.
    """
    values = tuple(value for value in map(_without_costs, values) if value is not None)
    windows = {window for value in values for window in windows_of(value)}
    if len(windows) == 1:
        ((start, end),) = windows
        only = (-min(end - start, MAX_PRE_WINDOW_DAYS), 0.0)
        return _moved(values, lambda _: only)
    last = max((end for _, end in windows), default=0.0)
    return _moved(values, lambda window: (window[0] - last, window[1] - last))


def _without_costs(value: UnitValue) -> UnitValue | None:
    """Return a value without what arms cost; None where nothing is left."""
    if isinstance(value, ArmCost):
        return None
    if isinstance(value, Times):
        return None if _without_costs(value.value) is None else value
    if isinstance(value, Total):
        kept = (_without_costs(part) for part in parts_of(value))
        parts = tuple(part for part in kept if part is not None)
        return Total(parts) if parts else None
    return value


def windows_of(value: UnitValue) -> Iterator[tuple[float, float]]:
    """Yield the windows of the events that a value is made of."""
    for source in sources_of(value):
        if isinstance(source, EventValue | SessionValue | StepsValue):
            yield source.window


def _moved(
    values: tuple[UnitValue, ...],
    window: Callable[[tuple[float, float]], tuple[float, float]],
) -> tuple[UnitValue, ...]:
    def moved(source: UnitValue) -> UnitValue:
        if isinstance(source, EventValue | SessionValue | StepsValue):
            return replace(source, window=window(source.window))
        return source

    return tuple(mapped(value, moved) for value in values)
