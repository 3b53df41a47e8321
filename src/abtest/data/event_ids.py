"""Events with an id of their own: what is sent twice is there once."""

from __future__ import annotations

from collections.abc import Sequence

import ibis
import ibis.expr.types as ir


def first_of_each_id(rows: ir.Table, unit: str, order: Sequence[str]) -> ir.Table:
    """Return the rows without those of an id that the unit has already; without the column id.

    Rows without a unit or an id stay.

    Parameters
    ----------
    rows
        Columns of the unit, of what they are ordered by, and id.
    unit
        Column of the unit.
    order
        Columns of which the smallest values come first: the earliest of an id is kept.
    """
    window = ibis.window(group_by=[unit, "id"], order_by=[rows[name] for name in order])
    place = ibis.row_number().over(window)
    marked = rows.mutate(again=(place > 0) & rows["id"].notnull() & rows[unit].notnull())
    return marked.filter(~marked["again"]).drop("id", "again")
