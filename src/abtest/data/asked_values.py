"""Which values per unit some metrics and segments ask of an event log, and their columns."""

from __future__ import annotations

from collections.abc import Sequence

from abtest.data import activity
from abtest.data.request import (
    ColumnValue,
    DerivedValue,
    Design,
    EventValue,
    SessionValue,
    StepsValue,
    UnitRequest,
    sources_of,
)
from abtest.errors import UsageError


def named_values(
    requests: Sequence[UnitRequest], design: Design
) -> dict[EventValue | SessionValue | StepsValue, str]:
    """Return a column name for every distinct value per unit that is needed."""
    names: dict[EventValue | SessionValue | StepsValue, str] = {}
    for request in requests:
        for value in event_values(request):
            if request.statistic != "repeated_events":
                names.setdefault(value, f"v{len(names)}")
    for value in past_sources(design):
        names.setdefault(value, f"v{len(names)}")
    return names


def values_by_step(requests: Sequence[UnitRequest]) -> list[EventValue]:
    """Return the amounts that are asked for by steps of time."""
    repeated = (request for request in requests if request.statistic == "repeated_events")
    return [value for request in repeated for value in amounts_of(request)]


def past_sources(design: Design) -> list[EventValue | SessionValue | StepsValue]:
    """Return the values that segments by the past are made of."""
    return [
        source
        for levels in design.past
        for source in sources_of(levels.value)
        if not isinstance(source, ColumnValue)
    ]


def derived_names(requests: Sequence[UnitRequest], design: Design) -> dict[DerivedValue, str]:
    """Return a column name for every distinct value that follows from others."""
    names: dict[DerivedValue, str] = {}
    past = (levels.value for levels in design.past)
    for value in (*(value for request in requests for value in request.values), *past):
        if isinstance(value, DerivedValue):
            names.setdefault(value, f"d{len(names)}")
    return names


def valueless_names(requests: Sequence[UnitRequest]) -> dict[EventValue, str]:
    """Return a column name for every amount whose events may lack a value."""
    names: dict[EventValue, str] = {}
    for request in requests:
        for value in amounts_of(request):
            if activity.needs_every_value(value):
                names.setdefault(value, f"valueless{len(names)}")
    return names


def amounts_of(request: UnitRequest) -> list[EventValue]:
    """Return the amounts of events that a metric's variables are made of."""
    sources = [source for value in request.variables for source in sources_of(value)]
    return [source for source in sources if isinstance(source, EventValue)]


def event_values(request: UnitRequest) -> list[EventValue | SessionValue | StepsValue]:
    """Return what a metric's values are made of.

    Raises
    ------
    UsageError
        ``column_on_events`` for a finished column.
    """
    found = []
    for value in request.values:
        for source in sources_of(value):
            if isinstance(source, ColumnValue):
                raise UsageError(
                    "An event log has no finished columns",
                    given=f"metric {request.metric!r}",
                    todo="name an event and an aggregate",
                    code="column_on_events",
                )
            found.append(source)
    return found
