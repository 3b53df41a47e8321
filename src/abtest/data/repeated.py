"""Amounts that repeat, by cell and steps of time: what mean cumulative functions need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import ibis.expr.types as ir
import numpy as np
import pyarrow as pa

from abtest.data.detail import LARGEST, Query, counted_units, entering
from abtest.data.entry import EVERY_UNIT, Entry
from abtest.data.measured import Failure
from abtest.data.plan import exact_sum, total
from abtest.data.samples import CellSums, CellUnits, MetricRepeats
from abtest.stats.moments import SMALLEST_SQUARES


@dataclass(frozen=True)
class RepeatPlan:
    """One metric of amounts by steps of time since exposure.

    `amounts` has one row per unit (``uid``) and ``step`` with its ``amount``; `watched` is the
    column of the table of units with the whole steps that each was watched. `step` is the length
    of one in days, `steps` their number up to the horizon. `whole` says that amounts are whole
    numbers, `entry` which units enter.
    """

    metric: str
    amounts: ir.Table
    watched: str
    step: float
    steps: int
    whole: bool
    entry: Entry = EVERY_UNIT

    def expressions(self, table: ir.Table, prefix: str) -> dict[str, ir.Value]:
        """Return what is counted per cell beside the amounts."""
        known = table[self.watched].notnull()
        return counted_units(table, known, self.entry, prefix)

    def fetch(self, query: Query, units: CellUnits) -> MetricRepeats | Failure:
        """Return amounts by the end of watching, and their products, of every cell."""
        table, watched = query.table, query.table[self.watched]
        chosen = table.select(
            **query.keys,
            uid=table["uid"],
            ends=watched,
            in_=entering(table, watched.notnull(), self.entry),
        )
        named = chosen.filter(chosen["in_"]).drop("in_")
        ended = query.run(named.group_by(*query.keys, "ends").aggregate(n=named.count()))
        amounts = self.amounts
        joined = amounts.join(named, "uid").select(
            *(named[name] for name in (*query.keys, "ends")),
            amounts["uid"],
            amounts["step"],
            amounts["amount"],
        )
        inside = query.sources.keep(joined.filter(joined["step"] < joined["ends"]), query.label)
        size = inside["amount"].abs()
        looked = inside.aggregate(infinite=(size > LARGEST).sum(), reach=size.max(), n=size.count())
        facts = query.run(looked).to_pylist()[0]
        if facts["infinite"]:
            return "infinite_values", {"units": int(facts["infinite"])}
        reach, rows = float(facts["reach"] or 0.0), int(facts["n"])
        by_end = query.run(
            inside.group_by(*query.keys, "ends", "step").aggregate(
                **exact_sum("sum", inside["amount"], reach, rows, whole=self.whole)
            )
        )
        other = inside.view().select(same="uid", later="step", also="amount")
        pairs = inside.join(other, inside["uid"] == other["same"])
        pairs = pairs.filter(pairs["step"] <= pairs["later"])
        square = exact_sum(
            "sum", pairs["amount"] * pairs["also"], reach * reach, rows, whole=self.whole
        )
        products = query.run(pairs.group_by(*query.keys, "step", "later").aggregate(**square))
        sums = [
            _rows(query, ended, ("ends", None), ended["n"].to_numpy().astype(np.float64)),
            _rows(query, by_end, ("ends", "step"), _total(by_end)),
            _rows(query, products, ("step", "later"), _total(products)),
        ]
        if not all(np.isfinite(one.sums).all() for one in sums):
            return "values_too_large", {}
        if reach and np.abs(sums[2].sums).sum() < SMALLEST_SQUARES:
            return "too_small", {}
        return MetricRepeats(units, self.step, self.steps, *sums)


def _total(found: pa.Table) -> np.typing.NDArray[np.float64]:
    parts = {
        name: found[name].to_numpy().astype(np.float64)
        for name in found.column_names
        if name.startswith("sum_")
    }
    with np.errstate(invalid="ignore"):
        return total(parts, "sum")


def _rows(
    query: Query, found: pa.Table, steps: Sequence[str | None], sums: np.typing.NDArray[np.float64]
) -> CellSums:
    """Return the rows of an answer in a fixed order; a step that is None is 0."""
    cell = query.placed(found)
    first, second = (
        np.zeros_like(cell) if name is None else found[name].to_numpy().astype(np.int64)
        for name in steps
    )
    order = np.lexsort((second, first, cell))
    return CellSums(cell[order], first[order], second[order], sums[order])
