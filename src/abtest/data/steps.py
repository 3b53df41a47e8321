"""Steps that units take one after another: how far each came."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

import ibis
import ibis.expr.types as ir

from abtest.data.clock import microseconds
from abtest.data.request import StepsValue
from abtest.data.windows import Span


def step_values(
    rows: Callable[[Iterable[str], Span], ir.Table], values: Mapping[StepsValue, str]
) -> Iterator[ir.Table]:
    """Yield tables of uid and a value, one for each: units without the first step have no row.

    Parameters
    ----------
    rows
        Gives the events of some names and times: columns uid, name and passed, microseconds since
        exposure.
    values
        Column name for every value.
    """
    for value, name in values.items():
        start, end = map(microseconds, value.window)
        names = dict.fromkeys(name for step in value.steps for name in step)
        yield _taken(rows(names, (start, end)), value, name)


def _taken(events: ir.Table, value: StepsValue, column: str) -> ir.Table:
    inside = events.select("uid", "name", time="passed")
    first, *others = value.steps
    reached = _earliest(inside.filter(inside["name"].isin(first)))
    found = reached.select(uid="uid", steps=ibis.literal(1, "int64"))
    before = first
    for step in others:
        met = inside.filter(inside["name"].isin(step))
        came = met["time"] >= reached["reached"]
        if set(step) & set(before):  # one event is not two steps
            came = met["time"] > reached["reached"]
        joined = met.join(reached, [met["uid"] == reached["uid"], came])
        reached = _earliest(joined.select(uid=met["uid"], time=met["time"]))
        found = found.union(reached.select(uid="uid", steps=ibis.literal(1, "int64")))
        before = step
    return found.group_by("uid").aggregate(**{column: found["steps"].sum().cast("float64")})


def _earliest(events: ir.Table) -> ir.Table:
    return events.group_by("uid").aggregate(reached=events["time"].min())
