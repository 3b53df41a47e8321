"""Value counts of a metric by cell: all that quantiles, ranks and scores need."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import numpy as np
import pyarrow as pa

from abtest.data.measured import Failure, MetricCounts
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


@dataclass(frozen=True)
class CountPlan:
    """One metric whose distinct values are counted.

    `value` is a column of the table of units, `mature` a Boolean column or None where every unit
    counts.
    """

    metric: str
    value: str
    mature: str | None = None

    def expressions(self, table: ir.Table, prefix: str) -> dict[str, ir.Value]:
        """Return what is counted per cell beside the values themselves."""
        value = table[self.value]
        found: dict[str, ir.Value] = {"n": value.count()}
        if self.mature is not None:
            mature = table[self.mature]
            found["n"] = mature.ifelse(value, None).count()
            found["immature"] = (~mature).sum().fill_null(0)
        return {f"{prefix}{name}": expression for name, expression in found.items()}

    def enters(self, table: ir.Table) -> ir.BooleanValue:
        """Return whether a unit has a value that counts."""
        known = table[self.value].notnull() & (table["status"] >= 0)
        return known if self.mature is None else known & table[self.mature]


@dataclass(frozen=True)
class _Size:
    """What is asked of a column before its values are fetched."""

    distinct: int
    infinite: int


def count_values(
    sources: Sources,
    table: ir.Table,
    keys: Keys,
    plans: Sequence[CountPlan],
    cells: pa.Table,
    label: str,
) -> tuple[dict[str, MetricCounts], dict[str, Failure]]:
    """Return the distinct values of every metric in every cell, and what failed.

    Parameters
    ----------
    sources
        Where queries run.
    table
        One row per unit.
    keys
        What makes a cell.
    plans
        The metrics.
    cells
        The answer of the aggregation: keys, ``units``, and what the plans counted per cell as
        ``c0_n``, ``c0_immature`` ...
    label
        Name of the source in errors.
    """
    sizes = _sizes(sources, table, plans, label)
    metrics: dict[str, MetricCounts] = {}
    failures: dict[str, Failure] = {}
    units = cells["units"].to_numpy().astype(np.int64)
    entering = cells["status"].to_numpy() >= 0
    for number, plan in enumerate(plans):
        n = cells[f"c{number}_n"].to_numpy().astype(np.int64)
        waiting = np.zeros_like(n)
        if plan.mature is not None:
            waiting = cells[f"c{number}_immature"].to_numpy().astype(np.int64)
        nulls = units - n - waiting
        if sizes[number].infinite:
            failures[plan.metric] = ("infinite_values", {"units": sizes[number].infinite})
        elif n[entering].sum() == 0 and nulls[entering].sum() > 0:
            failures[plan.metric] = ("all_null", {"units": int(nulls[entering].sum())})
        else:
            on_grid = sizes[number].distinct > MAX_DISTINCT
            found = sources.run(_counts(table, keys, plan, on_grid=on_grid), label)
            metrics[plan.metric] = _placed(found, cells, list(keys), n, nulls, waiting, on_grid)
    return metrics, failures


def _sizes(
    sources: Sources, table: ir.Table, plans: Sequence[CountPlan], label: str
) -> list[_Size]:
    asked: dict[str, ir.Value] = {}
    for number, plan in enumerate(plans):
        enters = plan.enters(table)
        value = table[plan.value]
        asked[f"distinct{number}"] = value.nunique(where=enters)
        asked[f"infinite{number}"] = (enters & (value.abs() > LARGEST)).sum().fill_null(0)
    found = sources.run(table.aggregate(**asked), label).to_pylist()[0]
    return [
        _Size(int(found[f"distinct{i}"]), int(found[f"infinite{i}"])) for i in range(len(plans))
    ]


def _counts(table: ir.Table, keys: Keys, plan: CountPlan, *, on_grid: bool) -> ir.Table:
    value = table[plan.value]
    if on_grid:
        size = value.abs()
        magnitude = (size > _NOTHING).ifelse(size, 1.0).log10().floor()
        scale = ibis.literal(10.0) ** (DIGITS - 1 - magnitude)
        value = (value * scale).round() / scale
    # keys are columns of the unfiltered table: they are named before rows are left out
    kept = table.select(**keys, value=value, enters=plan.enters(table)).filter(ibis._.enters)
    return kept.group_by(*keys, "value").aggregate(n=kept.count())


def _placed(
    found: pa.Table,
    cells: pa.Table,
    keys: Sequence[str],
    n: np.typing.NDArray[np.int64],
    nulls: np.typing.NDArray[np.int64],
    immature: np.typing.NDArray[np.int64],
    on_grid: bool,
) -> MetricCounts:
    """Return the values with the position of their cell, in a fixed order."""
    numbered = cells.select(list(keys)).to_pandas()
    numbered["cell"] = np.arange(len(numbered))
    # pandas, unlike Arrow, joins null with null: a day may be null
    joined = found.to_pandas().merge(numbered, on=list(keys), how="left", validate="many_to_one")
    cell = joined["cell"].to_numpy(dtype=np.int64)
    value = joined["value"].to_numpy(dtype=np.float64) + 0.0  # -0.0 is 0
    count = joined["n"].to_numpy(dtype=np.int64)
    if on_grid:  # the engine's division leaves different last digits
        distinct, place = np.unique(value, return_inverse=True)
        value = np.array([float(f"{one:.{DIGITS}g}") for one in distinct.tolist()])[place]
    order = np.lexsort((value, cell))
    return MetricCounts(
        cell=cell[order],
        values=value[order],
        units=count[order],
        n=n,
        nulls=nulls,
        immature=immature,
        digits=DIGITS if on_grid else None,
    )


