"""Metrics of events that the log does not have: a wrong name, or something nobody ever did."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches

from abtest.data.activity import EventRows
from abtest.data.measured import Failure
from abtest.data.plan import Spread
from abtest.data.request import (
    AllOf,
    ArmCost,
    EventValue,
    SessionValue,
    StepsValue,
    Times,
    Total,
    UnitRequest,
    UnitValue,
    Within,
    sources_of,
)
from abtest.data.source import Sources
from abtest.data.windows import ANY

MOST_NAMES = 10_000
"""More different names of events are not compared with a wrong one."""


def absent_events(
    sources: Sources,
    events: EventRows,
    requests: Sequence[UnitRequest],
    columns: Mapping[UnitValue, str],
    spreads: Mapping[str, Spread],
) -> dict[str, Failure]:
    """Return the metrics with a variable that no event of the log adds anything to.

    The log is only looked at where a variable is 0, or null, for every unit.

    Parameters
    ----------
    sources, events
        The log and its connection.
    requests
        Of metrics.
    columns
        Where the values stand; amounts that repeat have none.
    spreads
        What is known of these columns.
    """
    suspects = _without_anything(requests, columns, spreads)
    asked = sorted({name for request in suspects for name in _names(request)})
    if not asked:
        return {}
    table, label = events.table, events.source.label
    met = table.filter(table["name"].isin(asked)).select("name").distinct()
    there = {str(name) for name in sources.run(met, label)["name"].to_pylist()}
    missing = [request for request in suspects if _is_nothing(request, there)]
    if not missing:
        return {}
    named = table.filter(table["name"].notnull()).select("name").distinct()
    found = sources.run(named.order_by("name").limit(MOST_NAMES), label)
    known = [str(name) for name in found["name"].to_pylist()]
    return {request.metric: _failure(request, there, known) for request in missing}


def _without_anything(
    requests: Sequence[UnitRequest],
    columns: Mapping[UnitValue, str],
    spreads: Mapping[str, Spread],
) -> list[UnitRequest]:
    """Return the requests with a variable that is 0 or null for every unit."""
    some = {value for value, name in columns.items() if spreads[name].reach}
    return [request for request in requests if not some.issuperset(request.variables)]


def _names(request: UnitRequest) -> Iterator[str]:
    """Yield the names of events that the variables of a metric are made of."""
    for variable in request.variables:
        for value in sources_of(variable):
            if isinstance(value, EventValue):
                yield from (name for name in value.events if name != ANY)
            elif isinstance(value, SessionValue):
                yield from (name for name in value.views if name != ANY)
            elif isinstance(value, StepsValue):
                yield from (name for step in value.steps for name in step if name != ANY)


def _is_nothing(request: UnitRequest, there: set[str]) -> bool:
    return any(_adds_nothing(variable, there) for variable in request.variables)


def _adds_nothing(value: UnitValue, there: set[str]) -> bool:  # noqa: PLR0911  one per form
    """Return whether a value is 0 or null for every unit because its events are not there."""
    match value:
        case EventValue():
            return _all_absent(value.events, there)
        case StepsValue():
            return _all_absent(value.steps[0], there)
        case SessionValue():
            needs_views = value.measure in ("single_view", "with_view", "without_key")
            return needs_views and _all_absent(value.views, there)
        case Times():
            return _adds_nothing(value.value, there)
        case Within(value=StepsValue(steps=steps), least=least) if least > 0.0:
            return any(_all_absent(step, there) for step in steps[: math.ceil(least)])
        case Within():
            return value.least > 0.0 and _adds_nothing(value.value, there)
        case Total():
            parts = [part for part in value.values if not _is_cost(part)]
            return bool(parts) and all(_adds_nothing(part, there) for part in parts)
        case AllOf():
            return any(_adds_nothing(part, there) for part in value.values)
        case _:
            return False


def _is_cost(value: UnitValue) -> bool:
    return isinstance(value.value if isinstance(value, Times) else value, ArmCost)


def _all_absent(names: Sequence[str], there: set[str]) -> bool:
    return ANY not in names and there.isdisjoint(names)


def _failure(request: UnitRequest, there: set[str], known: Sequence[str]) -> Failure:
    absent = [name for name in dict.fromkeys(_names(request)) if name not in there]
    near = [one for name in absent for one in get_close_matches(name, known, n=1, cutoff=0.5)]
    return "no_such_event", {"events": absent, "nearest": list(dict.fromkeys(near))}
