"""In which calendar periods each unit was active, one row per unit and period."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from abtest.cohorts.log import EventLog
from abtest.cohorts.periods import Period, period_number


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
    number = period_number(log.local_day(events["time"]), period)
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
