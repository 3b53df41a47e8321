"""What is fetched beside the one aggregation: rows that belong to its cells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import ibis
import ibis.expr.types as ir
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from abtest.data.entry import Entry
from abtest.data.measured import Failure
from abtest.data.samples import CellUnits, MetricCells
from abtest.data.source import Sources

MAX_DISTINCT = 10_000
"""Above as many distinct values they are taken on a grid."""
DIGITS = 4
"""Significant digits of the grid: its relative step is at most 1e-3."""
LARGEST = 1.7976931348623157e308
"""Largest finite number; Ibis has no test for infinity that holds on every engine."""
_NOTHING = 1e-290
"""Values nearer to 0 than this are 0 on the grid."""

Keys = Mapping[str, ir.Value]


class DetailPlan(Protocol):
    """One metric that needs more than sums."""

    @property
    def metric(self) -> str:
        """Its id."""

    def expressions(self, table: ir.Table, prefix: str) -> dict[str, ir.Value]:
        """Return what is counted per cell by the aggregation: ``n``, perhaps who is left out."""

    def fetch(self, query: Query, units: CellUnits) -> MetricCells | Failure:
        """Return the metric in all cells, or why it cannot be had."""


@dataclass(frozen=True)
class Query:
    """Where details come from and which cells they belong to.

    `table` has one row per unit, `keys` are what makes a cell, `cells` the answer of the
    aggregation with one row per cell, `label` names the source in errors.
    """

    sources: Sources
    table: ir.Table
    keys: Keys
    cells: pa.Table
    label: str

    def run(self, expression: ir.Table) -> pa.Table:
        """Return the result of an expression."""
        return self.sources.run(expression, self.label)

    def look(self, **asked: ir.Value) -> dict[str, int]:
        """Return whole numbers that are asked of all units at once."""
        found = self.run(self.table.aggregate(**asked)).to_pylist()[0]
        return {name: int(value or 0) for name, value in found.items()}

    def placed(self, found: pa.Table) -> NDArray[np.int64]:
        """Return the position of the cell of every row of an answer that has the keys."""
        names = list(self.keys)
        numbered = self.cells.select(names).to_pandas()
        numbered["cell"] = np.arange(len(numbered))
        # pandas, unlike Arrow, joins null with null: a day may be null
        joined = found.select(names).to_pandas().merge(numbered, on=names, how="left")
        return np.asarray(joined["cell"].to_numpy(dtype=np.int64))

    def units(self, prefix: str) -> CellUnits:
        """Return the units of each cell from what a plan counted under `prefix`."""
        names = set(self.cells.column_names)

        def counted(name: str) -> NDArray[np.int64]:
            if f"{prefix}{name}" not in names:
                return np.zeros(self.cells.num_rows, dtype=np.int64)
            return np.asarray(self.cells[f"{prefix}{name}"].to_numpy(), dtype=np.int64)

        units = np.asarray(self.cells["units"].to_numpy(), dtype=np.int64)
        return CellUnits.of(counted("n"), units, counted("immature"), counted("outside"))


def fetch_details(
    query: Query, plans: Mapping[str, DetailPlan]
) -> tuple[dict[str, MetricCells], dict[str, Failure]]:
    """Return every metric in all cells, and what failed.

    Parameters
    ----------
    query
        Where they come from.
    plans
        By the prefix of what they had counted in the aggregation.
    """
    metrics: dict[str, MetricCells] = {}
    failures: dict[str, Failure] = {}
    entering = query.cells["status"].to_numpy() >= 0
    for prefix, plan in plans.items():
        units = query.units(prefix)
        if units.n[entering].sum() == 0 and units.nulls[entering].sum() > 0:
            failures[plan.metric] = ("all_null", {"units": int(units.nulls[entering].sum())})
            continue
        found = plan.fetch(query, units)
        if isinstance(found, tuple):
            failures[plan.metric] = found
        else:
            metrics[plan.metric] = found
    return metrics, failures


def entering(table: ir.Table, known: ir.BooleanValue, entry: Entry) -> ir.BooleanValue:
    """Return whether a unit of the experiment is in a metric, given whether it has a value."""
    ready = entry.condition(table)
    known = known & (table["status"] >= 0)
    return known if ready is None else known & ready


def counted_units(
    table: ir.Table, known: ir.BooleanValue, entry: Entry, prefix: str
) -> dict[str, ir.Value]:
    """Return the units with a value, and those left out where units can be that."""
    ready = entry.condition(table)
    inside = known if ready is None else known & ready
    asked = {"n": inside.sum().fill_null(0), **entry.counts(table)}
    return {f"{prefix}{name}": expression for name, expression in asked.items()}


def on_grid(value: ir.Value) -> ir.Value:
    """Return values rounded to `DIGITS` significant digits, up to the last bits."""
    size = value.abs()
    magnitude = (size > _NOTHING).ifelse(size, 1.0).log10().floor()
    scale = ibis.literal(10.0) ** (DIGITS - 1 - magnitude)
    return (value * scale).round() / scale


def grid_values(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what `on_grid` gave to the last bit: the division of engines differs there."""
    distinct, place = np.unique(values, return_inverse=True)
    return np.array([float(f"{one:.{DIGITS}g}") for one in distinct.tolist()])[place]
