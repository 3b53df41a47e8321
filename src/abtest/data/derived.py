"""Values that follow from other values of the same unit, as columns of the table of units."""

from __future__ import annotations

import math
from collections.abc import Mapping

import ibis
import ibis.expr.types as ir

from abtest.data.request import (
    AllOf,
    ArmCost,
    DerivedValue,
    Design,
    EventValue,
    SessionValue,
    SourceValue,
    StepsValue,
    Times,
    Total,
    UnitValue,
    Within,
)

WHOLE = frozenset({"count", "any", "distinct_days"})
"""Aggregates whose values are whole numbers."""
SESSION_COUNTS = frozenset(
    {"sessions", "single_view", "with_view", "without_key", "engaged", "followed"}
)
"""Measures of sessions whose values are."""


def is_whole(value: UnitValue) -> bool:
    """Return whether a value is a whole number for every unit that has one."""
    if isinstance(value, EventValue):
        return value.aggregate in WHOLE
    if isinstance(value, StepsValue):
        return True
    if isinstance(value, SessionValue):
        return value.measure in SESSION_COUNTS
    if isinstance(value, Total):
        return all(is_whole(part) for part in value.values)
    return isinstance(value, Within | AllOf)


def with_derived(
    table: ir.Table,
    columns: Mapping[UnitValue, str],
    derived: Mapping[DerivedValue, str],
    design: Design,
) -> ir.Table:
    """Return the table with a column for each derived value.

    Parameters
    ----------
    table
        One row per unit.
    columns
        Where the values stand that they are made of.
    derived
        Names of the new columns.
    design
        Has the costs of the variants.
    """
    if not derived:
        return table
    return table.mutate(
        **{name: _expression(value, table, columns, design) for value, name in derived.items()}
    )


def _expression(
    value: UnitValue, table: ir.Table, columns: Mapping[UnitValue, str], design: Design
) -> ir.Value:
    """Return a value as an expression; null where a part of it is."""
    if isinstance(value, SourceValue):
        return table[columns[value]]
    if isinstance(value, ArmCost):
        return _arm_cost(table, design)
    if isinstance(value, Times):
        return _expression(value.value, table, columns, design) * value.factor
    if isinstance(value, Total):
        parts = [_expression(part, table, columns, design) for part in value.values]
        return sum(parts[1:], start=parts[0])
    if isinstance(value, AllOf):
        met = [_expression(part, table, columns, design) != 0.0 for part in value.values]
        return _as_number(ibis.and_(*met))
    inner = _expression(value.value, table, columns, design)
    limits = []
    if value.least > -math.inf:
        limits.append(inner >= value.least)
    if value.most < math.inf:
        limits.append(inner <= value.most)
    return _as_number(ibis.and_(*limits))


def _arm_cost(table: ir.Table, design: Design) -> ir.Value:
    """Return what each unit costs by its arm."""
    units = table.count().over(ibis.window(group_by="status"))
    costs = zip(design.unit_costs, design.fixed_costs, strict=True)
    branches = [
        (table["status"] == index, ibis.literal(each) + ibis.literal(once) / units)
        for index, (each, once) in enumerate(costs)
        if each or once
    ]
    return ibis.cases(*branches, else_=0.0).cast("float64") if branches else ibis.literal(0.0)


def _as_number(condition: ir.BooleanValue) -> ir.Value:
    return condition.cast("int8").cast("float64")
