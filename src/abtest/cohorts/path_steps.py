"""Paths in the engine: what follows what, step by step, for units or sessions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import ibis
import ibis.expr.types as ir

from abtest.cohorts.log import EventLog
from abtest.data.clock import microseconds
from abtest.data.sessions import SessionRule, numbered

By = Literal["unit", "session"]
ALL = "all"
"""Name of the one group where there are no arms."""
START, END, OTHER = "path_start", "path_end", "other"
"""Where paths begin and end, and the events that are too rare for a name of their own."""
ARROW = " → "
_SECOND = 1_000_000


@dataclass(frozen=True)
class Question:
    """What is asked of a log, see `paths`; names are empty for any."""

    by: By
    names: tuple[str, ...]
    collapse: bool
    steps: int
    top: int
    days: float | None
    negative: tuple[str, ...]
    gap: float


@dataclass(frozen=True, eq=False)
class Counted:
    """What the engine counted, as Arrow tables.

    Attributes
    ----------
    units
        By arm the units in scope, also those without an event.
    waiting
        Units whose days have not ended.
    transitions
        By arm, source and target: total, units, n_n, n_m (products with m, the unit's transitions
        out of the source), seconds (median).
    sources
        By arm and source: total, m_m.
    steps
        By arm, step and event: total paths, n_n and n_s (products by unit, s its paths).
    paths
        By arm: s, s_s (paths of units, and squares).
    flows
        By arm, step, event and the next: n paths.
    top
        By arm and path: n.
    negative
        By arm and event: units that did it.
    """

    units: dict[str, int]
    waiting: int
    transitions: list[dict[str, Any]]
    sources: list[dict[str, Any]]
    steps: list[dict[str, Any]]
    paths: dict[str, dict[str, float]]
    flows: list[dict[str, Any]]
    top: list[dict[str, Any]]
    negative: list[dict[str, Any]]


def counted(log: EventLog, asked: Question) -> Counted:
    """Return everything that is counted of the paths of a log."""
    units, waiting = _units(log, asked)
    events = log.keep(_events(log, asked))
    way = log.keep(_way(log, events, asked))
    pairs = log.keep(_pairs(way))
    transitions, sources = _transitions(log, pairs)
    return Counted(
        units=units,
        waiting=waiting,
        transitions=transitions,
        sources=sources,
        steps=_steps(log, way, asked),
        paths=_paths(log, way),
        flows=_flows(log, way, asked),
        top=_top(log, way, asked),
        negative=_negative(log, events, asked),
    )


def _rows(log: EventLog, table: ir.Table) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = log.run(table).to_pylist()
    return found


def _span(asked: Question) -> ir.Value:
    assert asked.days is not None
    return ibis.interval(microseconds=microseconds(asked.days))


def _units(log: EventLog, asked: Question) -> tuple[dict[str, int], int]:
    if log.arms is None:
        found = log.run(log.events.aggregate(n=log.events["unit"].nunique()))
        return {ALL: int(found["n"][0].as_py())}, 0
    units = log.arms.units
    over = units["start"] + _span(asked) <= ibis.literal(log.clock, "timestamp(6)")
    rows = _rows(log, units.group_by("arm").aggregate(n=over.sum(), waiting=(~over).sum()))
    by_arm = {str(row["arm"]): row for row in rows}
    return (
        {name: int(by_arm[name]["n"]) if name in by_arm else 0 for name in log.arms.names},
        sum(int(row["waiting"]) for row in rows),
    )


def _events(log: EventLog, asked: Question) -> ir.Table:
    """Return arm, unit, us, event and, where the log has it, session: events of the window."""
    events = log.once
    epoch = ibis.literal(0).as_timestamp("s")
    chosen: dict[str, ir.Value] = {
        "unit": events["unit"],
        "event": events["event"],
        "us": events["time"].delta(epoch, unit="microsecond").cast("int64"),
    }
    if "session" in events.columns:
        chosen["session"] = events["session"]
    if log.arms is None:
        return events.select(**chosen, arm=ibis.literal(ALL))
    units = log.arms.units
    span = _span(asked)
    inside = (
        (events["time"] >= units["start"])
        & (events["time"] < units["start"] + span)
        & (units["start"] + span <= ibis.literal(log.clock, "timestamp(6)"))
    )
    return events.join(units, "unit").filter(inside).select(**chosen, arm=units["arm"])


def _way(log: EventLog, events: ir.Table, asked: Question) -> ir.Table:
    """Return the events of each path in order: arm, unit, path, us, event, step, next, later.

    At one moment events stand in the order of their names: rows have none in an engine.
    """
    if asked.by == "session":
        events = _in_sessions(events, asked)
    else:
        events = events.mutate(path=ibis.literal("0"))
    if asked.names:
        events = events.filter(events["event"].isin(asked.names))
    frequent = _frequent(log, events, asked.top)
    named = ibis.ifelse(events["event"].isin(frequent), events["event"], ibis.literal(OTHER))
    events = events.select("arm", "unit", "path", "us", event=named)
    path = ["arm", "unit", "path"]
    if asked.collapse:
        order = ibis.window(group_by=path, order_by=[events["us"], events["event"]])
        events = events.mutate(before=events["event"].lag().over(order))
        events = events.filter(events["before"].isnull() | (events["before"] != events["event"]))
        events = events.drop("before")
    order = ibis.window(group_by=path, order_by=[events["us"], events["event"]])
    return events.mutate(
        step=(ibis.row_number().over(order) + 1).cast("int64"),
        next=events["event"].lead().over(order),
        later=events["us"].lead().over(order),
    )


def _in_sessions(events: ir.Table, asked: Question) -> ir.Table:
    """Return the events with ``path``: a session of the log's own, or without a longer pause."""
    own = "session" in events.columns
    passed = events["us"] + ibis.literal(2**61, "int64")  # all on one side of a clock's start
    named = events.mutate(uid=events["unit"], name=events["event"], passed=passed)
    rule = SessionRule("column") if own else SessionRule("gap", asked.gap)
    found = numbered(named, rule)
    return found.select("arm", "unit", "us", "event", path=found["session"].cast("string"))


def _frequent(log: EventLog, events: ir.Table, top: int) -> list[str]:
    found = events.group_by("event").aggregate(n=events.count())
    ordered = found.order_by([found["n"].desc(), found["event"]]).limit(top)
    return [str(row["event"]) for row in _rows(log, ordered)]


def _pairs(way: ir.Table) -> ir.Table:
    """Return how often each unit went from one event to another: arm, unit, source, target, n."""
    seconds = (way["later"] - way["us"]).cast("float64") / _SECOND
    moves = way.select(
        "arm", "unit", source=way["event"], target=way["next"].fill_null(END), seconds=seconds
    )
    first = way.filter(way["step"] == 1)
    begins = first.select(
        "arm",
        "unit",
        source=ibis.literal(START),
        target=first["event"],
        seconds=ibis.literal(None, "float64"),
    )
    return ibis.union(moves, begins)


def _transitions(
    log: EventLog, moves: ir.Table
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    n = moves.group_by("arm", "unit", "source", "target").aggregate(n=moves.count())
    m = moves.group_by("arm", "unit", "source").aggregate(m=moves.count())
    both = n.join(m, ["arm", "unit", "source"])
    both = both.select("arm", "unit", "source", "target", n=n["n"], m=m["m"]).mutate(
        n=lambda t: t["n"].cast("float64"), m=lambda t: t["m"].cast("float64")
    )
    cells = both.group_by("arm", "source", "target").aggregate(
        total=both["n"].sum(),
        units=both.count(),
        n_n=(both["n"] * both["n"]).sum(),
        n_m=(both["n"] * both["m"]).sum(),
    )
    middle = moves.group_by("arm", "source", "target").aggregate(
        seconds=moves["seconds"].quantile(0.5)
    )
    joined = cells.join(middle, ["arm", "source", "target"])
    kept = joined.select(*(cells[name] for name in cells.columns), seconds=middle["seconds"])
    m = m.mutate(m=m["m"].cast("float64"))
    sources = m.group_by("arm", "source").aggregate(total=m["m"].sum(), m_m=(m["m"] * m["m"]).sum())
    return (
        _rows(log, kept.order_by("arm", "source", "target")),
        _rows(log, sources.order_by("arm", "source")),
    )


def _steps(log: EventLog, way: ir.Table, asked: Question) -> list[dict[str, Any]]:
    """Return how many paths have each event at each step, and what its spread by unit needs."""
    early = way.filter(way["step"] <= asked.steps)
    met = early.group_by("arm", "unit", "step", "event").aggregate(n=early.count())
    first = way.filter(way["step"] == 1)
    owned = first.group_by("arm", "unit").aggregate(s=first.count())
    both = met.join(owned, ["arm", "unit"]).select(
        "arm", "step", "event", n=met["n"].cast("float64"), s=owned["s"].cast("float64")
    )
    found = both.group_by("arm", "step", "event").aggregate(
        total=both["n"].sum(), n_n=(both["n"] * both["n"]).sum(), n_s=(both["n"] * both["s"]).sum()
    )
    return _rows(log, found.order_by("arm", "step", "event"))


def _paths(log: EventLog, way: ir.Table) -> dict[str, dict[str, float]]:
    first = way.filter(way["step"] == 1)
    owned = first.group_by("arm", "unit").aggregate(s=first.count().cast("float64"))
    found = owned.group_by("arm").aggregate(s=owned["s"].sum(), s_s=(owned["s"] * owned["s"]).sum())
    return {
        str(row["arm"]): {"s": float(row["s"]), "s_s": float(row["s_s"])}
        for row in _rows(log, found)
    }


def _flows(log: EventLog, way: ir.Table, asked: Question) -> list[dict[str, Any]]:
    early = way.filter(way["step"] < asked.steps)
    found = early.group_by("arm", "step", "event", target=early["next"].fill_null(END)).aggregate(
        n=early.count()
    )
    return _rows(log, found.order_by("arm", "step", "event", "target"))


def _top(log: EventLog, way: ir.Table, asked: Question) -> list[dict[str, Any]]:
    """Return the most frequent beginnings of paths."""
    early = way.filter(way["step"] <= asked.steps)
    ways = early.group_by("arm", "unit", "path").aggregate(
        way=early["event"].group_concat(ARROW, order_by=early["step"]),
        goes_on=early["next"].notnull().sum(),
        length=early.count(),
    )
    longer = ways["goes_on"] == ways["length"]  # the last of these has a next one too
    text = ibis.ifelse(longer, ways["way"] + ibis.literal(f"{ARROW}…"), ways["way"])
    found = ways.group_by("arm", way=text).aggregate(n=ways.count())
    place = ibis.row_number().over(
        ibis.window(group_by="arm", order_by=[found["n"].desc(), found["way"]])
    )
    ranked = found.mutate(place=place)
    ranked = ranked.filter(ranked["place"] < asked.top)
    return _rows(log, ranked.order_by("arm", "place"))


def _negative(log: EventLog, events: ir.Table, asked: Question) -> list[dict[str, Any]]:
    if not asked.negative:
        return []
    met = events.filter(events["event"].isin(asked.negative))
    once = met.select("arm", "unit", "event").distinct()
    return _rows(log, once.group_by("arm", "event").aggregate(units=once.count()))


def reserved(log: EventLog, names: Sequence[str]) -> list[str]:
    """Return the events of the log that are called like the ends of paths."""
    events = log.events
    met = events.filter(events["event"].isin(list(names))).select("event").distinct()
    return [str(row["event"]) for row in _rows(log, met)]
