"""Attributes known before exposure, joined to the units that they describe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir

from abtest.data import reading, repeats
from abtest.data.request import Design, UnitValue
from abtest.data.source import Source, Sources


@dataclass(frozen=True)
class Attributes:
    """The table of attributes and its unit column, in the type that all tables share."""

    source: Source
    key: ir.Value


def segment_column(design: Design, name: str) -> str:
    """Return the column of the table of units that holds a segment."""
    return f"segment{design.segments.index(name)}"


def with_past(units: ir.Table, columns: Mapping[UnitValue, str], design: Design) -> ir.Table:
    """Return the units with the segments that the log gives.

    Parameters
    ----------
    units
        One row per unit with its values.
    columns
        Where the values stand.
    design
        Has the levels.
    """
    found: dict[str, ir.Value] = {}
    for levels in design.past:
        value = units[columns[levels.value]].fill_null(0.0)
        below = [
            (value < cut, label) for cut, label in zip(levels.cuts, levels.labels, strict=False)
        ]
        found[segment_column(design, levels.name)] = ibis.cases(*below, else_=levels.labels[-1])
    return units.mutate(**found) if found else units


def with_segments(
    attributes: Attributes | None, units: ir.Table, design: Design, sources: Sources
) -> tuple[ir.Table, int]:
    """Return the units with their segments ("" where there is none), and repeated rows.

    Raises
    ------
    DataError
        ``conflicting_rows`` when rows of one unit differ in a segment.
    """
    if attributes is None:
        return units, 0
    source = attributes.source
    names = design.attributes
    raw = {name: reading.column(source, name, design.key_of(name)) for name in names}
    columns = {segment_column(design, name): reading.text(raw[name]) for name in names}
    rows = source.table.select(key=attributes.key, **columns)
    rows = sources.keep(rows.filter(rows["key"].notnull()), source.label)
    repeated = repeats.repeated_rows(sources, rows, "key", source.label)
    if repeated:
        chosen = source.table.select(unit_key=attributes.key, **raw)
        repeats.refuse_conflicts(sources, chosen, chosen["unit_key"], source.label, names)
        rows = rows.distinct()
    joined = units.left_join(rows, units["key"] == rows["key"])
    kept = (units[name] for name in units.columns)
    found = {name: rows[name].fill_null("") for name in columns}
    return joined.select(*kept, **found), repeated
