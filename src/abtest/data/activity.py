"""Activity: the rows of an event log, read with one meaning and counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import ibis.expr.types as ir

from abtest.data import reading
from abtest.data import status as row_status
from abtest.data.clock import utc_clock
from abtest.data.ends import ends_of_complete
from abtest.data.event_ids import first_of_each_id
from abtest.data.measured import Failure
from abtest.data.request import Design, EventValue, SessionValue, StepsValue
from abtest.data.settings import Events
from abtest.data.source import Source, Sources
from abtest.data.windows import ANY

VALUED = frozenset({"sum", "max", "last_value"})
"""What is made of the value column."""
AMOUNTS = frozenset({"sum", "max"})
"""What an event without a value adds nothing to, although it happened."""


@dataclass(frozen=True)
class EventRows:
    """Event rows in canonical columns: key, name, time and, where mapped, value and session.

    `value_failure` says why there are no values to sum, as code and values. `repeated` rows are
    left out, since their unit has their id already.
    """

    table: ir.Table
    source: Source
    valued: bool
    value_failure: Failure | None
    session: bool
    repeated: int = 0


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
    if settings.id is not None:
        chosen["id"] = reading.text(reading.column(source, settings.id, "data.events.id"))
    table = source.table.select(**chosen)
    if source.text:
        table = sources.keep(table, source.label)
    repeated = 0
    if settings.id is not None:
        every = table
        order = [name for name in ("time", "name", "value", "session") if name in chosen]
        table = sources.keep(first_of_each_id(every, "key", order), source.label)
        counted = (
            sources.run(one.aggregate(n=one.count()), source.label) for one in (every, table)
        )
        rows, kept = (int(found["n"][0].as_py()) for found in counted)
        repeated = rows - kept
    return EventRows(table, source, "value" in chosen, failure, "session" in chosen, repeated)


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
    found: dict[str, Any] = {}
    asked: dict[str, ir.Value] = {}
    if events.valued:
        asked = {"reach": table["value"].abs().max(), "bad_values": table["bad_value"].sum()}
    ends = None
    if not events.source.table[settings.time].type().is_string():
        ends = ends_of_complete(sources, events.source, table, ("key", "name", "time"))
    if ends is not None and ends.last <= utc_clock(now):
        found = {"rows": ends.rows, "nulls": 0, "bad": 0, "latest": ends.last, "future": 0}
    else:
        incomplete = table["key"].isnull() | table["name"].isnull() | table["time"].isnull()
        asked |= {
            "rows": table.count(),
            "nulls": incomplete.sum(),
            "bad": table["bad_time"].sum(),
            "latest": table["time"].max(where=table["time"] <= clock),
            "future": (~incomplete & (table["time"] > clock)).sum(),
        }
    if asked:
        found |= sources.run(table.aggregate(**asked), events.source.label).to_pylist()[0]
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
    table = believed(events, as_of)
    if name != ANY:
        table = table.filter(table["name"] == name)
    return table.group_by("key").aggregate(time=table["time"].min())


def believed(events: EventRows, as_of: datetime) -> ir.Table:
    """Return the complete events before `as_of`."""
    table = events.table
    return table.filter(
        table["key"].notnull() & table["name"].notnull() & (table["time"] < row_status.clock(as_of))
    )


def needs_every_value(value: EventValue) -> bool:
    """Return whether an event without a value is amiss: not among all that happened ("*")."""
    return value.aggregate in AMOUNTS and ANY not in value.events


def needs_values(values: Sequence[EventValue | SessionValue | StepsValue]) -> bool:
    """Return whether one of the values is made of the value column."""
    return any(isinstance(value, EventValue) and value.aggregate in VALUED for value in values)
