"""In which calendar periods each unit was active, one row per unit and period."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
import numpy as np
from numpy.typing import NDArray

from abtest.cohorts.log import EventLog
from abtest.cohorts.periods import Period, period_number

Counts = NDArray[np.int64]


def unit_periods(
    log: EventLog, active: tuple[str, ...] | None, period: Period, end: int
) -> ir.Table:
    """Return cohort, unit, number, and numbers of the periods before and after with activity.

    The latter are `before` and `after`, null where there is none. With arms the cohort is the
    arm, and only what happens from a unit's exposure on counts; otherwise it is ``all``.

    Parameters
    ----------
    log
        The log.
    active
        Names of events; None for any.
    period
        Of the calendar.
    end
        The first period that is left out.
    """
    events = log.named(active)
    number = period_number(log.event_day(events["time"]), period)
    if log.arms is None:
        rows = events.select("unit", number=number)
        rows = rows.mutate(cohort=ibis.literal("all"))
    else:
        units = log.arms.units
        joined = events.join(units, "unit").filter(events["time"] >= units["start"])
        rows = joined.select(events["unit"], number=number, cohort=units["arm"])
    rows = rows.filter(rows["number"] < end)
    once = rows.group_by("cohort", "unit", "number").aggregate()
    unit = ibis.window(group_by=["cohort", "unit"], order_by="number")
    return log.keep(
        once.mutate(
            before=once["number"].lag().over(unit),
            after=once["number"].lead().over(unit),
        )
    )


def counts_by_period(
    log: EventLog, rows: ir.Table, number: ir.Value, first: int, size: int
) -> dict[str, Counts]:
    """Return per cohort the number of rows by period; those before `first` are put to it."""
    numbers = rows.select("cohort", number=number)
    counted = numbers.group_by("cohort", "number").aggregate(n=numbers.count())
    found: dict[str, Counts] = {}
    for row in log.run(counted).to_pylist():
        counts = found.setdefault(row["cohort"], np.zeros(size, dtype=np.int64))
        if row["number"] - first < size:
            counts[max(row["number"] - first, 0)] += row["n"]
    return found


def active_within(
    log: EventLog, rows: ir.Table, length: int, first: int, starts: dict[str, Counts], size: int
) -> dict[str, Counts]:
    """Return per cohort and period the units that were active in the `length` that end with it.

    Each row of `unit_periods` holds until `length` later or the next one of its unit.
    """
    over = rows["number"] + length
    last = ibis.least(over, rows["after"].fill_null(over))
    ends = counts_by_period(log, rows, last, first, size)
    return {name: np.cumsum(counts - ends.get(name, 0)) for name, counts in starts.items()}
