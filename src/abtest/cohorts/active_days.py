"""How many units were active on how many days of a window."""

from __future__ import annotations

from datetime import UTC, date, timedelta
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np

from abtest.cohorts.choices import Choice
from abtest.cohorts.log import EventLog
from abtest.cohorts.periods import first_date, period_number, unfinished
from abtest.cohorts.retention_cells import Windows
from abtest.data import masks
from abtest.data.clock import local_date, microseconds, midnight, utc_clock

Counts = dict[str, np.ndarray[Any, np.dtype[np.int64]]]


def first_day_of_window(log: EventLog, days: int) -> tuple[date, int]:
    """Return the first of the last complete days before `as_of`, and how many the log lacks."""
    first = first_date(unfinished(log.as_of, log.timezone, "day"), "day") - timedelta(days=days)
    begun = local_date(log.facts.first.replace(tzinfo=UTC), log.timezone)
    return first, max(0, (begun - first).days)


def too_long(log: EventLog, days: int) -> Choice:
    """Return the choice of so many last complete days, refused where the log has fewer."""
    known = days - first_day_of_window(log, days)[1]
    todo = (
        f"at most {known}: the log has no more complete days before as_of"
        if known > 0
        else "a later as_of: no calendar day of the log is complete"
    )
    return known < days, "days", days, todo


def active_days_counts(
    log: EventLog, active: tuple[str, ...] | None, days: int, windows: Windows, *, idle: bool
) -> Counts:
    """Return per cohort how many units were active on 0, 1 ... `days` days.

    Parameters
    ----------
    log
        With arms the window counts from exposure, otherwise it is the last complete days.
    active
        Names of events; None for any.
    days
        Length of the window.
    windows
        Whether days with arms are dates or 24 hours long.
    idle
        Whether, without arms, units without activity count that have any event before the
        window's end; with arms they always do.
    """
    units = (
        _last_days(log, active, days, idle=idle)
        if log.arms is None
        else _exposed(log, active, days, windows)
    )
    counted = units.select("cohort", days=masks.count_bits(units, 0, days - 1))
    if log.arms is None and not idle:
        counted = counted.filter(counted["days"] > 0)
    rows = log.run(counted.group_by("cohort", "days").aggregate(n=counted.count())).to_pylist()
    found: Counts = {}
    for row in rows:
        histogram = found.setdefault(row["cohort"], np.zeros(days + 1, dtype=np.int64))
        histogram[row["days"]] = row["n"]
    return found


def _begin(log: EventLog, number: int) -> ir.Value:
    begin = utc_clock(midnight(first_date(number, "day"), log.timezone))
    return ibis.literal(begin, "timestamp(6)")


def _last_days(log: EventLog, active: tuple[str, ...] | None, days: int, *, idle: bool) -> ir.Table:
    """Return cohort and masks of units with an event in the window, with `idle` before its end."""
    end = unfinished(log.as_of, log.timezone, "day")
    events = (
        log.events if idle else log.events.filter(log.events["time"] >= _begin(log, end - days))
    )
    number = period_number(log.event_day(events["time"]), "day")
    rows = events.select("unit", "event", number=number)
    rows = rows.filter(rows["number"] < end)
    place = rows["number"] - (end - days)
    if active is not None:
        place = ibis.ifelse(rows["event"].isin(active), place, -1)
    units = rows.group_by("unit").aggregate(**masks.mask_aggregates(place.cast("int64"), days))
    return _filled(units, days, ibis.literal("all"))


def _exposed(
    log: EventLog, active: tuple[str, ...] | None, days: int, windows: Windows
) -> ir.Table:
    """Return cohort and masks of every exposed unit whose window is over."""
    assert log.arms is not None
    units = log.arms.units
    if windows == "rolling":
        clock = ibis.literal(log.clock, "timestamp(6)")
        length = ibis.interval(microseconds=microseconds(days))
        units = units.filter(units["start"] + length <= clock)
    else:
        end = unfinished(log.as_of, log.timezone, "day")
        units = units.mutate(begun=period_number(log.local_day(units["start"]), "day"))
        units = units.filter(units["begun"] + days <= end)
    units = log.keep(units)
    events = log.named(active)
    joined = events.join(units, "unit")
    if windows == "rolling":
        passed = events["time"].delta(units["start"], unit="microsecond")
        place = passed // microseconds(1.0)
    else:
        place = period_number(log.event_day(events["time"]), "day") - units["begun"]
    after = events["time"] >= units["start"]
    met = joined.select(events["unit"], place=ibis.ifelse(after, place, -1).cast("int64"))
    found = met.group_by("unit").aggregate(**masks.mask_aggregates(met["place"], days))
    whole = units.left_join(found, units["unit"] == found["unit"])
    words = (f"mask{word}" for word in range(masks.words_for(days)))
    return _filled(whole.select(cohort=units["arm"], **{w: found[w] for w in words}), days)


def _filled(units: ir.Table, days: int, cohort: ir.Value | None = None) -> ir.Table:
    """Return cohort and masks, which are 0 where no event was met."""
    words = (f"mask{word}" for word in range(masks.words_for(days)))
    return units.select(
        cohort=units["cohort"] if cohort is None else cohort,
        **{word: units[word].fill_null(ibis.literal(0, "int64")) for word in words},
    )
