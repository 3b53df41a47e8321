"""Which units enter a metric, and for how long each was watched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import ibis
import ibis.expr.types as ir

from abtest.data.clock import local_date, microseconds, utc_clock
from abtest.data.entry import EVERY_UNIT, Entry
from abtest.data.request import (
    UnitRequest,
    UnitValue,
    time_step,
)
from abtest.data.timed import times_on_steps

Enrolment = tuple[float, bool, UnitValue | None]
"""When a window closes, in days after exposure or dates, and which units a metric is about."""


def enrolment_of(request: UnitRequest) -> Enrolment:
    """Return when the window of a metric closes, and which units it is about."""
    return request.matures_after or 0.0, request.calendar, request.among


def with_entries(
    table: ir.Table,
    requests: Sequence[UnitRequest],
    columns: Mapping[UnitValue, str],
    as_of: datetime,
    zone: str,
) -> tuple[ir.Table, dict[Enrolment, Entry]]:
    """Return the units with the flags that say which of them enter the metrics."""
    entries: dict[Enrolment, Entry] = {}
    flags: dict[str, ir.Value] = {}
    clock = ibis.literal(utc_clock(as_of), "timestamp(6)")
    today = ibis.literal(local_date(as_of, zone))
    for end, calendar, among in dict.fromkeys(map(enrolment_of, requests)):
        number = len(entries)
        if calendar:
            closed = table["day"] + ibis.interval(days=int(end)) <= today
        else:
            closed = table["time"] + ibis.interval(microseconds=microseconds(end)) <= clock
        if among is not None:
            inside = table[columns[among]] != 0.0
            flags |= {f"ready{number}": closed & inside, f"outside{number}": closed & ~inside}
            entries[end, calendar, among] = Entry(f"ready{number}", f"outside{number}")
        elif end:
            flags[f"ready{number}"] = closed
            entries[end, calendar, among] = Entry(f"ready{number}")
        else:
            entries[end, calendar, among] = EVERY_UNIT
    return (table.mutate(**flags) if flags else table), entries


def with_times(
    table: ir.Table,
    requests: Sequence[UnitRequest],
    values: Mapping[UnitValue, str],
    as_of: datetime,
) -> ir.Table:
    """Return the units with the steps they were watched, and the times of metrics of times."""
    clock = ibis.literal(utc_clock(as_of), "timestamp(6)")
    elapsed = clock.delta(table["time"], unit="microsecond")
    for request in requests:
        if request.horizon is None:
            continue
        step = time_step(request.statistic, request.horizon)
        steps = round(request.horizon / step)
        known = ibis.greatest(elapsed - microseconds(request.known_after), 0)
        watched = ibis.least((known // microseconds(step)).cast("int64"), steps)
        if request.statistic == "repeated_events":
            table = table.mutate(**{f"steps_{request.metric}": watched})
            continue
        first = table[values[request.variables[0]]]
        time, observed = times_on_steps(first, watched, step)
        table = table.mutate(**{f"time_{request.metric}": time, f"seen_{request.metric}": observed})
    return table
