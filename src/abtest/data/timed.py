"""Times to an event by cell: how many units had it when, and how many were lost before."""

from __future__ import annotations

from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import numpy as np

from abtest.data.clock import microseconds
from abtest.data.detail import (
    DIGITS,
    LARGEST,
    MAX_DISTINCT,
    Query,
    counted_units,
    entering,
    grid_values,
    on_grid,
)
from abtest.data.entry import EVERY_UNIT, Entry
from abtest.data.measured import Failure
from abtest.data.samples import CellUnits, MetricTimes


@dataclass(frozen=True)
class TimePlan:
    """One metric of times to an event.

    `time` is a column of days, `observed` one that is 1 where the event was at that time and 0
    where the unit was last seen without it. `entry` says which units enter.
    """

    metric: str
    time: str
    observed: str
    entry: Entry = EVERY_UNIT

    def expressions(self, table: ir.Table, prefix: str) -> dict[str, ir.Value]:
        """Return what is counted per cell beside the times themselves."""
        known = table[self.time].notnull() & table[self.observed].notnull()
        return counted_units(table, known, self.entry, prefix)

    def fetch(self, query: Query, units: CellUnits) -> MetricTimes | Failure:
        """Return the distinct times of every cell; too many are taken on a grid."""
        table, time, observed = query.table, query.table[self.time], query.table[self.observed]
        enters = entering(table, time.notnull() & observed.notnull(), self.entry)
        size = query.look(
            distinct=time.nunique(where=enters),
            infinite=(enters & (time.abs() > LARGEST)).sum(),
            early=(enters & (time < 0.0)).sum(),
            other=(enters & (observed != 0.0) & (observed != 1.0)).sum(),
        )
        if size["infinite"]:
            return "infinite_values", {"units": size["infinite"]}
        if size["early"]:
            return "impossible_times", {"units": size["early"]}
        if size["other"]:
            return "not_binary", {"units": size["other"]}
        coarse = size["distinct"] > MAX_DISTINCT
        chosen = table.select(
            **query.keys,
            moment=on_grid(time) if coarse else time,
            seen=observed,
            in_=enters,
        )
        kept = chosen.filter(ibis._.in_)
        found = query.run(
            kept.group_by(*query.keys, "moment").aggregate(
                events=(kept["seen"] == 1.0).sum(), lost=(kept["seen"] == 0.0).sum()
            )
        )
        cell = query.placed(found)
        times = found["moment"].to_numpy().astype(np.float64) + 0.0
        times = grid_values(times) if coarse else times
        order = np.lexsort((times, cell))
        events, lost = (
            found[name].to_numpy().astype(np.int64)[order] for name in ("events", "lost")
        )
        return MetricTimes(
            units, cell[order], times[order], events, lost, DIGITS if coarse else None
        )


def times_on_steps(
    first: ir.Value, watched: ir.Value, step: float
) -> tuple[ir.FloatingValue, ir.FloatingValue]:
    """Return the time of each unit in days, and whether it is that of the event.

    Parameters
    ----------
    first
        Microseconds from exposure to the first event; null where there was none.
    watched
        Whole steps of time that the unit was watched to their end, up to the horizon.
    step
        Length of a step in days. An event stands in the middle of its step. One in a step that
        was not watched to its end does not count: units lost early in it could not have had it.
    """
    place = (first // microseconds(step)).cast("int64")
    seen = (first.notnull() & (place < watched)).fill_null(False)
    time = seen.ifelse(place.cast("float64") + 0.5, watched.cast("float64")) * step
    return time, seen.cast("float64")
