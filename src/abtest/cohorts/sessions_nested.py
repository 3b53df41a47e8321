"""Sessions of many timeouts from one sort: those of a longer one begin where shorter ones do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import ibis
import ibis.expr.types as ir

from abtest.cohorts.log import EventLog

MINUTE = 60_000_000
"""Microseconds."""


def marked(log: EventLog, events: ir.Table, view: Sequence[str]) -> ir.Table:
    """Return the events with what came before each of them in their unit.

    Columns arm, uid, time, pause since the event before in microseconds (null for the first), place
    (events before it); where some events are views, is_view and seen (views before it). A log has
    many events: no column is wider than it must be.

    Parameters
    ----------
    events
        Columns arm, uid, name, time; exact repeats once.
    view
        Names of views; none where any event is one.
    """
    is_view = events["name"].isin(view).ifelse(1, 0)
    # where views are counted the order must be the same each time; what happens at once is in one
    # session
    order = [events["time"], *([events["name"]] if view else [])]
    unit = {"group_by": "uid", "order_by": order}
    before = events["time"].lag().over(ibis.window(**unit))
    place = ibis.row_number().over(ibis.window(**unit)).cast("int32")
    seen: dict[str, ir.Value] = {}
    if view:
        so_far = ibis.window(preceding=None, following=0, **unit)
        so_far_seen = is_view.sum().over(so_far) - is_view
        seen = {"seen": so_far_seen.cast("int32"), "is_view": is_view}
    kept = events.select("arm", "uid", "time", before=before, place=place, **seen)
    pause = kept["time"].delta(kept["before"], unit="microsecond")
    return log.keep(kept.mutate(pause=pause).drop("before"))


def nested(log: EventLog, marks: ir.Table, timeouts: Iterable[float]) -> dict[float, ir.Table]:
    """Return the sessions of each timeout: arm, unit, session, start, end, events, views.

    Parameters
    ----------
    marks
        What `marked` returned.
    timeouts
        Minutes.
    """
    met = {"time": marks["time"].max(), "place": marks.count()}
    if "seen" in marks.columns:
        met["seen"] = marks["is_view"].sum()
    last = log.keep(marks.group_by("arm", "uid").aggregate(**met))
    found: dict[float, ir.Table] = {}
    opens = marks
    for minutes in sorted(timeouts):
        begins = opens["pause"].isnull() | (opens["pause"] > round(minutes * MINUTE))
        opens = log.keep(opens.filter(begins).select("arm", "uid", "pause", *met))
        found[minutes] = log.keep(_sessions(opens, last))
    return found


def _sessions(opens: ir.Table, last: ir.Table) -> ir.Table:
    """Return sessions: each lasts until what came before the next one, the last until the end."""
    counts = last.columns[3:]
    before = opens["time"] - opens["pause"].as_interval("us")
    columns = opens.select("arm", "uid", *counts, before=before, start="time")
    ends = last.select(
        "arm",
        "uid",
        **{name: last[name].cast(opens[name].type()) for name in counts},
        before="time",
        start=ibis.null(opens["time"].type()),
    )
    rows = columns.union(ends)
    unit = ibis.window(group_by="uid", order_by="place")
    following = {f"next_{name}": rows[name].lead().over(unit) for name in ("before", *counts)}
    number = ibis.row_number().over(unit).cast("int64") + 1
    begun = rows.mutate(session=number, **following)
    begun = begun.filter(begun["start"].notnull())
    events = (begun["next_place"] - begun["place"]).cast("int64")
    views = (begun["next_seen"] - begun["seen"]).cast("int64") if "seen" in counts else events
    return begun.select(
        "arm", "session", "start", unit="uid", end="next_before", events=events, views=views
    )
