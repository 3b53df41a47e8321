"""Activity: from rows of events to one number per unit for every window that a metric asks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import ibis
import ibis.expr.types as ir

from abtest.data import engine, reading
from abtest.data import status as row_status
from abtest.data.clock import microseconds
from abtest.data.measured import Failure
from abtest.data.plan import split_sum
from abtest.data.request import Design, EventValue, SessionValue, StepsValue
from abtest.data.sessions import SessionRule, session_values
from abtest.data.settings import Events
from abtest.data.source import Source, Sources
from abtest.data.steps import step_values

ANY = "*"
VALUED = frozenset({"sum", "max", "last_value"})
"""What is made of the value column."""
AMOUNTS = frozenset({"sum", "max"})
"""What an event without a value adds nothing to, although it happened."""
SINGLES = frozenset({"first_time", "last_value"})
"""What is taken of one event, and null without one."""


@dataclass(frozen=True)
class EventRows:
    """Event rows in canonical columns: key, name, time and, where mapped, value and session.

    `value_failure` says why there are no values to sum, as code and values.
    """

    table: ir.Table
    source: Source
    valued: bool
    value_failure: Failure | None
    session: bool


def event_rows(
    settings: Events,
    source: Source,
    key: ir.Value,
    design: Design,
    sources: Sources,
    *,
    valued: bool,
) -> EventRows:
    """Return the events in canonical columns; `valued` says whether values are needed.

    A value column that is missing or holds no numbers concerns the metrics that sum it only.
    """
    raw = reading.column(source, settings.time, "data.events.time")
    time = reading.moment(raw, design.timezone, f"{source.label}, column {settings.time!r}")
    name = reading.text(reading.column(source, settings.name, "data.events.name"))
    chosen: dict[str, ir.Value] = {
        "key": key,
        "name": name,
        "time": time,
        "bad_time": reading.is_unreadable(raw, time),
    }
    failure = _value_failure(settings, source) if valued or settings.value else None
    if settings.value is not None and failure is None:
        column = source.table[settings.value]
        read = reading.number(column)
        assert read is not None  # else it would have failed
        chosen |= {"value": read, "bad_value": reading.is_unreadable(column, read)}
    if settings.session is not None:
        session = reading.column(source, settings.session, "data.events.session")
        chosen["session"] = reading.text(session)
    table = source.table.select(**chosen)
    if source.text:
        table = sources.keep(table, source.label)
    return EventRows(table, source, "value" in chosen, failure, "session" in chosen)


def _value_failure(settings: Events, source: Source) -> Failure | None:
    if settings.value is None:
        return "no_value_column", {"key": "data.events.value"}
    if settings.value not in source.table.columns:
        return "missing_column", {"column": settings.value, "nearest": None}
    kind = source.table[settings.value].type()
    if reading.number(source.table[settings.value]) is None:
        return "not_numeric", {"column": settings.value, "type": str(kind)}
    return None


@dataclass(frozen=True)
class EventCounts:
    """What one look over the events tells: rows, nulls, the latest time, the size of values."""

    rows: int
    nulls: int
    latest: datetime | None
    bad_values: int
    reach: float
    future: int


def count_events(
    events: EventRows, settings: Events, design: Design, sources: Sources, now: datetime
) -> EventCounts:
    """Return the counts of the event rows; refuse an empty table and times that cannot be read."""
    table = events.table
    clock = row_status.clock(now)
    incomplete = table["key"].isnull() | table["name"].isnull() | table["time"].isnull()
    asked: dict[str, ir.Value] = {
        "rows": table.count(),
        "nulls": incomplete.sum(),
        "bad": table["bad_time"].sum(),
        "latest": table["time"].max(where=table["time"] <= clock),
        "future": (~incomplete & (table["time"] > clock)).sum(),
    }
    if events.valued:
        asked |= {"reach": table["value"].abs().max(), "bad_values": table["bad_value"].sum()}
    found: dict[str, Any] = sources.run(table.aggregate(**asked), events.source.label).to_pylist()[
        0
    ]
    reading.refuse_empty(found["rows"], events.source)
    if found["bad"]:
        read = reading.moment(
            events.source.table[settings.time], design.timezone, events.source.label
        )
        reading.refuse_unreadable(
            sources, events.source, settings.time, read, code="times_unreadable"
        )
    return EventCounts(
        found["rows"],
        found["nulls"],
        found["latest"],
        found.get("bad_values") or 0,
        found.get("reach") or 0.0,
        found["future"],
    )


def late_events(events: EventRows, sources: Sources, as_of: datetime, now: datetime) -> int:
    """Return how many complete event rows lie at or after `as_of` and not after `now`."""
    table = events.table
    complete = table["key"].notnull() & table["name"].notnull()
    late = (table["time"] >= row_status.clock(as_of)) & (table["time"] <= row_status.clock(now))
    found = sources.run(table.aggregate(n=(complete & late).sum()), events.source.label)
    return int(found["n"][0].as_py() or 0)


def first_events(events: EventRows, name: str, as_of: datetime) -> ir.Table:
    """Return key and time of every unit's first event of a name (``"*"``: any) before `as_of`."""
    table = _believed(events, as_of)
    if name != ANY:
        table = table.filter(table["name"] == name)
    return table.group_by("key").aggregate(time=table["time"].min())


def _believed(events: EventRows, as_of: datetime) -> ir.Table:
    table = events.table
    return table.filter(
        table["key"].notnull() & table["name"].notnull() & (table["time"] < row_status.clock(as_of))
    )


@dataclass(frozen=True)
class Asked:
    """Columns that metrics ask for.

    Attributes
    ----------
    values
        Column name for every value.
    valueless
        Column name for every value of which is asked whether one of its events has none.
    """

    values: Mapping[EventValue | SessionValue | StepsValue, str]
    valueless: Mapping[EventValue, str]


def values_per_unit(
    events: EventRows,
    units: ir.Table,
    asked_for: Asked,
    design: Design,
    counts: EventCounts,
    *,
    as_of: datetime,
    first_event: str | None,
    rule: SessionRule,
) -> ir.Table:
    """Return every unit with its values, all from one pass over the events.

    Without events, aggregates are 0, and what is taken of one event is null.

    Exact repeats of an event count once. With a named `first_event` the rows of that event at
    time zero are the exposure, not activity.

    Parameters
    ----------
    events
        All event rows.
    units
        One row per unit: key, uid, status, crossover, time, phase, day.
    asked_for
        Names of the columns that metrics ask for.
    counts
        What `count_events` returned: the size of sums.
    rule
        How events become sessions.
    """
    values, valueless = asked_for.values, asked_for.valueless
    once = _once(events, _believed(events, as_of), units, first_event)
    of_events = {value: name for value, name in values.items() if isinstance(value, EventValue)}
    of_sessions = {value: name for value, name in values.items() if isinstance(value, SessionValue)}
    of_steps = {value: name for value, name in values.items() if isinstance(value, StepsValue)}
    ends: dict[tuple[tuple[str, ...], tuple[float, float]], str] = {}
    for until in dict.fromkeys((value.until, value.window) for value in of_events if value.until):
        ends[until] = f"ends{len(ends)}"
        once = once.mutate(**{ends[until]: _first_of(once, *until)})
    if any(value.calendar or value.aggregate == "distinct_days" for value in of_events):
        zone = design.timezone
        once = once.mutate(
            day=engine.local_day(once["time"], zone),
            start_day=engine.local_day(once["start"], zone),
        )
    active = once["time"] >= once["start"]
    if "exposure" in once.columns:
        active = active & ~once["exposure"]
    asked: dict[str, ir.Value] = {
        "repeats": (once["same"] - 1).sum(),
        "rows": once["same"].sum(),
        "active": active.sum(),
    }
    for value, name in of_events.items():
        asked[name] = _aggregate(once, value, counts, ends.get((value.until, value.window)))
    for value, name in valueless.items():
        asked[name] = (_counts(once, value) & once["value"].isnull()).any()
    summed = once.group_by("uid").aggregate(**asked)
    kept = ["uid", "status", "crossover", "time", "phase", "day", "key"]
    all_units = units.left_join(summed, units["uid"] == summed["uid"])
    found = all_units.select(
        *(units[name] for name in kept),
        event_repeats=summed["repeats"].fill_null(0),
        event_rows=summed["rows"].fill_null(0),
        idle=summed["active"].fill_null(0) == 0,
        **{name: summed[name].fill_null(False) for name in valueless.values()},
        **{
            name: summed[name] if value.aggregate in SINGLES else summed[name].fill_null(0.0)
            for value, name in of_events.items()
        },
    )
    activity = once.filter(~once["exposure"]) if "exposure" in once.columns else once
    for part in (
        *session_values(activity, of_sessions, rule),
        *step_values(activity, of_steps),
    ):
        columns = [name for name in part.columns if name != "uid"]
        joined = found.left_join(part, found["uid"] == part["uid"])
        found = joined.select(
            *(found[name] for name in found.columns),
            **{name: part[name].cast("float64").fill_null(0.0) for name in columns},
        )
    return found


def amounts_per_step(
    events: EventRows,
    units: ir.Table,
    value: EventValue,
    counts: EventCounts,
    *,
    step: float,
    as_of: datetime,
    first_event: str | None,
) -> ir.Table:
    """Return a row per unit (uid) and step of time since exposure in which it has an amount.

    The ``amount`` is the number of events or the sum of their values, step 0 begins at exposure.

    Parameters
    ----------
    events, units, counts, as_of, first_event
        As in `values_per_unit`.
    value
        A ``count`` or a ``sum`` in a window from 0 on.
    step
        Length of a step in days.
    """
    believed = _believed(events, as_of)
    if ANY not in value.events:
        believed = believed.filter(believed["name"].isin(value.events))
    once = _once(events, believed, units, first_event)
    inside = once.filter(_counts(once, value))
    place = inside["time"].delta(inside["start"], unit="microsecond") // microseconds(step)
    inside = inside.mutate(step=place.cast("int64"))
    if value.aggregate == "count":
        amount = inside.count().cast("float64")
    else:
        high, low = split_sum(inside["value"], counts.reach, counts.rows)
        amount = (high + low).fill_null(0.0)
    return inside.group_by("uid", "step").aggregate(amount=amount)


def _once(
    events: EventRows, believed: ir.Table, units: ir.Table, first_event: str | None
) -> ir.Table:
    """Return the events of units, exact repeats once, with the unit's exposure as ``start``."""
    columns = ["name", "time", *(["value"] if events.valued else [])]
    columns += ["session"] if events.session else []
    joined = believed.join(units, "key").select(
        *(believed[name] for name in columns), uid=units["uid"], start=units["time"]
    )
    once = joined.group_by("uid", *columns).aggregate(
        same=joined.count(), start=joined["start"].arbitrary()
    )
    if first_event is None or first_event == ANY:
        return once
    return once.mutate(exposure=(once["name"] == first_event) & (once["time"] == once["start"]))


def _first_of(once: ir.Table, names: tuple[str, ...], window: tuple[float, float]) -> ir.Value:
    """Return for every event the time of its unit's first one of some names in a window."""
    inside = _counts(once, EventValue(names, "any", window))
    return once["time"].min(where=inside).over(ibis.window(group_by="uid"))


def _aggregate(
    once: ir.Table, value: EventValue, counts: EventCounts, ends: str | None
) -> ir.Value:
    inside = _counts(once, value)
    if ends is not None:
        inside = inside & (once["time"] <= once[ends]).fill_null(True)
    if value.aggregate == "count":
        return inside.sum().cast("float64")
    if value.aggregate == "any":
        return inside.any().cast("int8").cast("float64")
    if value.aggregate == "distinct_days":
        return once["day"].nunique(where=inside).cast("float64")
    if value.aggregate in SINGLES:
        return _single(once, value, inside)
    if value.aggregate == "max":
        return once["value"].max(where=inside)
    high, low = split_sum(inside.ifelse(once["value"], None), counts.reach, counts.rows)
    return high + low


def _single(once: ir.Table, value: EventValue, inside: ir.BooleanValue) -> ir.Value:
    """Return what is taken of one event; null without one."""
    if value.aggregate == "first_time":
        return once["time"].delta(once["start"], unit="microsecond").min(where=inside)
    known = inside & once["value"].notnull()
    return once["value"].last(where=known, order_by=[once["time"], once["value"]])


def _counts(once: ir.Table, value: EventValue) -> ir.BooleanValue:
    """Return whether an event is one of those that a value is made of."""
    found = _inside_dates(once, value.window) if value.calendar else _inside(once, value.window)
    if ANY not in value.events:
        found = found & once["name"].isin(value.events)
    elif value.ignored:
        found = found & once["name"].notin(value.ignored)
    if "exposure" in once.columns:
        found = found & ~once["exposure"]
    return found


def _inside(once: ir.Table, window: tuple[float, float]) -> ir.Value:
    """Return whether t0 + start <= time < t0 + end: the only form that all engines agree on."""
    start, end = (ibis.interval(microseconds=microseconds(days)) for days in window)
    time, zero = once["time"], once["start"]
    return (time >= zero + start) & (time < zero + end)


def _inside_dates(once: ir.Table, window: tuple[float, float]) -> ir.Value:
    """Return whether the date of an event is one of a window that counts from that of exposure.

    What came before exposure on its date is in no window from day 0 on.
    """
    start, end = (ibis.interval(days=int(days)) for days in window)
    day, zero = once["day"], once["start_day"]
    found = (day >= zero + start) & (day < zero + end)
    return found & (once["time"] >= once["start"]) if window[0] >= 0 else found


def needs_every_value(value: EventValue) -> bool:
    """Return whether an event without a value is amiss: not among all that happened ("*")."""
    return value.aggregate in AMOUNTS and ANY not in value.events


def needs_values(values: Sequence[EventValue | SessionValue | StepsValue]) -> bool:
    """Return whether one of the values is made of the value column."""
    return any(isinstance(value, EventValue) and value.aggregate in VALUED for value in values)
