"""Sessions told from where they open and close: one sort of a unit's events, nothing numbered."""

from __future__ import annotations

from collections.abc import Mapping

import ibis
import ibis.expr.types as ir

from abtest.data.clock import microseconds
from abtest.data.request import SessionValue

EDGE_MEASURES = frozenset({"sessions", "seconds", "followed", "absence", "first_end"})
"""What needs no more than the first and the last event of sessions."""
_SECOND = 1_000_000


def edge_values(events: ir.Table, values: Mapping[SessionValue, str], gap: int) -> ir.Table:
    """Return uid and the values.

    Parameters
    ----------
    events
        Columns uid and passed, microseconds since exposure.
    values
        Column name for every value; measures are those of `EDGE_MEASURES`.
    gap
        An event more microseconds after the one before it starts a session.
    """
    unit = ibis.window(group_by="uid", order_by="passed")
    passed = events["passed"]
    beside = events.select(
        "uid", "passed", before=passed.lag().over(unit), after=passed.lead().over(unit)
    )
    passed, before, after = beside["passed"], beside["before"], beside["after"]
    # exposure ends a session
    first = before.isnull() | ((before < 0) & (passed >= 0))
    last = after.isnull() | ((passed < 0) & (after >= 0))
    edges = beside.select(
        "uid",
        "passed",
        since=passed - before,
        until=last.ifelse(None, after - passed),
        opens=first | (passed - before > gap),
        closes=last | (after - passed > gap),
    )
    asked: dict[str, ir.Value] = {}
    for value, column in values.items():
        asked |= _asked(edges, value, column)
    found = edges.group_by("uid").aggregate(**asked)
    return found.select(
        "uid", **{column: _value(found, value, column, gap) for value, column in values.items()}
    )


def _asked(edges: ir.Table, value: SessionValue, column: str) -> dict[str, ir.Value]:
    """Return aggregates of a unit's events from which `_value` makes a value."""
    start, end = map(microseconds, value.window)
    passed, opens, closes = edges["passed"], edges["opens"], edges["closes"]
    if value.measure == "first_end":
        return {
            f"{column}_first": passed.min(where=passed >= 0),
            f"{column}_close": passed.min(where=closes & (passed >= 0)),
        }
    inside = (passed >= start) & (passed < end)
    if value.measure == "sessions":
        return {f"{column}_met": (opens & inside).sum()}
    found: dict[str, ir.Value] = {}
    if start != 0:
        found = {
            f"{column}_open": passed.min(where=opens & (passed >= start)),
            f"{column}_close": passed.min(where=closes & (passed >= start)),
        }
    if value.measure == "seconds":
        if start != 0:
            found[f"{column}_last"] = passed.max(where=inside)
            found[f"{column}_before"] = passed.max(where=passed < start)
        return found | {f"{column}_met": edges["since"].sum(where=~opens & inside)}
    inside = closes & (passed >= start) & (passed < _over(value))
    if value.measure == "followed":
        return found | {f"{column}_met": inside.sum()}
    return found | {f"{column}_met": _away(edges["until"], value).sum(where=inside)}


def _value(table: ir.Table, value: SessionValue, column: str, gap: int) -> ir.Value:
    """Return a value of a unit; of the session that began before the window nothing counts."""
    if value.measure == "first_end":
        return (table[f"{column}_first"] <= gap).ifelse(table[f"{column}_close"], None)
    met = table[f"{column}_met"].fill_null(0).cast("float64")
    if value.measure == "sessions":
        return met
    if value.window[0] != 0:
        opened, closed = table[f"{column}_open"], table[f"{column}_close"]
        early = closed.notnull() & (opened.isnull() | (closed < opened).fill_null(False))
        if value.measure == "seconds":
            last = ibis.least(closed, table[f"{column}_last"])
            extra = last - table[f"{column}_before"]
        else:
            early = early & (closed < _over(value)).fill_null(False)
            next_side = (closed < 0) & (opened >= 0)
            away = _away(next_side.ifelse(None, opened - closed), value)
            extra = ibis.literal(1, "int64") if value.measure == "followed" else away
        met = met - early.ifelse(extra, 0).fill_null(0).cast("float64")
    units = {"seconds": _SECOND, "absence": microseconds(1.0), "followed": 1}
    return met / units[value.measure]


def _over(value: SessionValue) -> int:
    """Return when the last session ends that is followed to the end of its limit."""
    return microseconds(value.window[1] - value.limit)


def _away(until: ir.Value, value: SessionValue) -> ir.Value:
    """Return the time to the next session, at most the limit; the limit where there is none."""
    limit = microseconds(value.limit)
    return ibis.least(until.fill_null(limit), limit)
