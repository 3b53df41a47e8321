"""Repeated rows of a unit: identical ones count once, different ones are refused."""

from __future__ import annotations

import ibis.expr.types as ir

from abtest.data import engine
from abtest.data.source import Sources
from abtest.errors import DataError


def repeated_rows(sources: Sources, table: ir.Table, unit: str, label: str) -> int:
    """Return how many rows have a unit that an earlier row has; null units do not count.

    Whole numbers in a range not much wider than the rows are counted in a bitmap, which is
    exact and takes a tenth of the time of a hash table.
    """
    column = table[unit]
    if not column.type().is_integer():
        return _count(sources, table.aggregate(x=column.count() - column.nunique()), label)
    ends = sources.run(
        table.aggregate(low=column.min(), high=column.max(), n=column.count()), label
    ).to_pylist()[0]
    rows, low, high = ends["n"], ends["low"], ends["high"]
    if rows < 2:
        return 0
    if high - low < min(engine.BITMAP_LIMIT, 64 * rows):
        distinct = engine.distinct_whole_numbers(column, low, high)
        return int(rows) - _count(sources, table.aggregate(x=distinct), label)
    return _count(sources, table.aggregate(x=column.count() - column.nunique()), label)


def _count(sources: Sources, expression: ir.Table, label: str) -> int:
    return int(sources.run(expression, label)["x"][0].as_py())


def refuse_conflicts(
    sources: Sources, table: ir.Table, unit: ir.Value, label: str, columns: tuple[str, ...]
) -> None:
    """Raise a DataError when rows of one unit differ in one of the columns.

    The message says how many units and which column; it holds no unit id.
    """
    rows = table.select(unit__=unit, **{f"c{i}": table[name] for i, name in enumerate(columns)})
    rows = rows.filter(rows["unit__"].notnull())
    repeated = rows.group_by("unit__").having(rows.count() > 1).aggregate()
    distinct = rows.semi_join(repeated, "unit__").distinct()
    conflict = distinct.group_by("unit__").aggregate(
        rows=distinct.count(),
        **{f"k{i}": _variety(distinct[f"c{i}"]) for i in range(len(columns))},
    )
    conflict = conflict.filter(conflict["rows"] > 1)
    found = sources.run(
        conflict.aggregate(
            units=conflict.count(),
            **{f"k{i}": (conflict[f"k{i}"] > 1).sum() for i in range(len(columns))},
        ),
        label,
    ).to_pylist()[0]
    if not found["units"]:
        return
    differing = [name for i, name in enumerate(columns) if found[f"k{i}"]]
    shown = ", ".join(differing[:5]) + (", ..." if len(differing) > 5 else "")
    units = "1 unit has" if found["units"] == 1 else f"{found['units']:,} units have"
    raise DataError(
        f"{units} several rows that differ",
        given=f"{label}: rows of one unit differ in {shown}",
        todo="keep one row per unit; leave `unit` out if every row is a unit of its own",
        code="conflicting_rows",
    )


def _variety(value: ir.Value) -> ir.Value:
    return value.nunique() + (value.isnull().any() & value.notnull().any()).cast("int64")
