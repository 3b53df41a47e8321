"""Which events of a log a value of a unit is made of."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from abtest.data.clock import microseconds
from abtest.data.request import EventValue

ANY = "*"
"""Stands for events of any name."""
Span = tuple[int | None, int | None]
"""From when to when events matter, in microseconds after exposure; None is no limit."""
EVERY_TIME: Span = (None, None)


def is_inside(rows: ir.Table, value: EventValue) -> ir.BooleanValue:
    """Return whether an event is one of those that a value is made of, `until` aside.

    Parameters
    ----------
    rows
        Columns name, passed (microseconds since the unit's exposure) and, for calendar windows,
        place (local dates since that of exposure).
    value
        Its events, those ignored and the window.
    """
    return is_within(rows, value) & is_named(rows, value.events, value.ignored)


def is_within(rows: ir.Table, value: EventValue) -> ir.BooleanValue:
    """Return whether an event is in the window of a value."""
    start, end = value.window
    passed = rows["passed"]
    if not value.calendar:
        return (passed >= microseconds(start)) & (passed < microseconds(end))
    found = (rows["place"] >= int(start)) & (rows["place"] < int(end))
    # what came before exposure on its date is in no window from day 0 on
    return found & (passed >= 0) if start >= 0 else found


def is_named(
    rows: ir.Table, names: tuple[str, ...], ignored: tuple[str, ...] = ()
) -> ir.BooleanValue:
    """Return whether an event has one of some names; ``"*"`` is any name but those ignored."""
    if ANY not in names:
        return rows["name"].isin(names)
    return rows["name"].notin(ignored) if ignored else ibis.literal(True)
