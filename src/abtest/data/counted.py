"""Value counts of a metric by cell: all that quantiles, ranks and scores need."""

from __future__ import annotations

from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import numpy as np

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
from abtest.data.samples import CellUnits, MetricCounts


@dataclass(frozen=True)
class CountPlan:
    """One metric whose distinct values are counted.

    `value` is a column of the table of units, `entry` says which of these enter.
    """

    metric: str
    value: str
    entry: Entry = EVERY_UNIT

    def expressions(self, table: ir.Table, prefix: str) -> dict[str, ir.Value]:
        """Return what is counted per cell beside the values themselves."""
        return counted_units(table, table[self.value].notnull(), self.entry, prefix)

    def fetch(self, query: Query, units: CellUnits) -> MetricCounts | Failure:
        """Return the distinct values of every cell; too many are taken on a grid."""
        table, value = query.table, query.table[self.value]
        enters = entering(table, value.notnull(), self.entry)
        size = query.look(
            distinct=value.nunique(where=enters), infinite=(enters & (value.abs() > LARGEST)).sum()
        )
        if size["infinite"]:
            return "infinite_values", {"units": size["infinite"]}
        coarse = size["distinct"] > MAX_DISTINCT
        # keys are columns of the unfiltered table: they are named before rows are left out
        chosen = table.select(**query.keys, value=on_grid(value) if coarse else value, in_=enters)
        kept = chosen.filter(ibis._.in_)
        found = query.run(kept.group_by(*query.keys, "value").aggregate(n=kept.count()))
        cell = query.placed(found)
        values = found["value"].to_numpy().astype(np.float64) + 0.0  # -0.0 is 0
        counts = found["n"].to_numpy().astype(np.int64)
        values = grid_values(values) if coarse else values
        order = np.lexsort((values, cell))
        return MetricCounts(
            units, cell[order], values[order], counts[order], DIGITS if coarse else None
        )
