"""Runs of events as sessions: by one rule, and by every timeout, which nest in each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import pairwise
from typing import Any, Literal

import ibis
import ibis.expr.types as ir

from abtest.cohorts.log import EventLog
from abtest.cohorts.sessions_nested import marked, nested
from abtest.cohorts.watched import Watched, watched
from abtest.data import sessions as rules
from abtest.data.clock import microseconds

By = Literal["gap", "column", "start_end"]
ALL = "all"
"""Name of the one group where there are no arms."""
NO_TIMEOUT = 0.0
"""Minutes of a rule that has no timeout."""
_SECOND = 1_000_000
_UNITS = {"s": 1, "min": 60, "h": 3_600, "d": 86_400}
EDGES: tuple[tuple[int, str], ...] = tuple(
    (number * _UNITS[unit], f"{number} {unit}")
    for unit, numbers in {
        "s": (1, 2, 4, 8, 15, 30),
        "min": (1, 2, 4, 8, 15, 30),
        "h": (1, 2, 4, 8, 16, 32),
        "d": (3, 6, 12, 24, 48),
    }.items()
    for number in numbers
)
"""Upper ends of the classes of pauses, in seconds, with their names: each about twice the last."""
_VARIABLES = ("sessions", "seconds", "events", "bounces")
PAIRS = (
    ("sessions", "sessions"),
    ("seconds", "sessions"),
    ("seconds", "seconds"),
    ("events", "sessions"),
    ("events", "events"),
    ("bounces", "sessions"),
    ("bounces", "bounces"),
)
"""Products of two numbers of a unit whose sums are needed."""


@dataclass(frozen=True)
class Question:
    """What is asked of a log; names are empty for any, `timeouts` are minutes, rising."""

    by: By
    gap: float
    starts: tuple[str, ...]
    ends: tuple[str, ...]
    ignored: tuple[str, ...]
    active: tuple[str, ...]
    view: tuple[str, ...]
    timeouts: tuple[float, ...]
    days: float | None

    @property
    def minutes(self) -> float:
        """The timeout of the rule that is asked for."""
        return self.gap if self.by == "gap" else NO_TIMEOUT


@dataclass(frozen=True, eq=False)
class Runs:
    """Sessions in the engine, and what is counted of them.

    Attributes
    ----------
    sessions
        By the rule that was asked for: arm, unit, session, start, end, events; in the engine.
    units
        Per arm the units that count, also those without a session.
    waiting
        Units of arms whose window has not ended.
    totals
        By minutes of the rule and arm: sums over units, and the median of seconds per session.
    pauses
        Pauses between events by class of `EDGES`, and those beyond the last.
    without_id
        Events without a session id, where sessions are made of these.
    """

    sessions: ir.Table
    units: dict[str, int]
    waiting: int
    totals: dict[tuple[float, str], dict[str, float]]
    pauses: tuple[int, ...]
    without_id: int


def runs_of(log: EventLog, asked: Question) -> Runs:
    """Return the sessions of a log by the rule that is asked for and by each timeout."""
    exposed = None if log.arms is None else watched(log, asked.days or 0.0)
    events = _events(log, exposed, asked)
    if asked.by != "gap":
        events = log.keep(events)
    marks = marked(log, events, asked.view)
    tables = nested(log, marks, {*asked.timeouts, *((asked.gap,) if asked.by == "gap" else ())})
    if asked.by == "column":
        rule = rules.SessionRule("column")
        tables[NO_TIMEOUT] = log.keep(_renumbered(_pieces(events, rule, asked)))
    elif asked.by == "start_end":
        rule = rules.SessionRule("events", starts=asked.starts, ends=asked.ends)
        tables[NO_TIMEOUT] = log.keep(_renumbered(_pieces(events, rule, asked)))
    main = tables[asked.minutes]
    without = 0
    if asked.by == "column":
        without = int(log.run(events.aggregate(n=events["session"].isnull().sum()))["n"][0].as_py())
    names = (ALL,) if log.arms is None else log.arms.names
    named = main["arm"].cases(*enumerate(names), else_=None)
    return Runs(
        sessions=main.select("unit", "session", "start", "end", "events", arm=named).relocate(
            "arm"
        ),
        units=_all_units(log) if exposed is None else dict(exposed.counts),
        waiting=0 if exposed is None else exposed.waiting,
        totals=_totals(log, tables, names),
        pauses=_pauses(log, marks),
        without_id=without,
    )


def _all_units(log: EventLog) -> dict[str, int]:
    return {ALL: int(log.run(log.events["unit"].nunique()).as_py())}


def _events(log: EventLog, exposed: Watched | None, asked: Question) -> ir.Table:
    """Return the events that can open and extend sessions: arm, uid, name, time, passed.

    Arms are numbers, by their place among the names. Exact repeats are one event.
    """
    events = log.events
    if asked.active:
        events = log.named((*asked.active, *asked.starts, *asked.ends))
    if asked.ignored:
        events = events.filter(events["event"].notin(asked.ignored))
    if exposed is None:
        first = ibis.literal(log.facts.first, "timestamp(6)")
        once = events.distinct().mutate(arm=ibis.literal(0, "int8"), start=first)
    else:
        assert asked.days is not None
        assert log.arms is not None
        places = ((name, place) for place, name in enumerate(log.arms.names))
        number = exposed.units["arm"].cases(*places, else_=None).cast("int8")
        joined = events.join(exposed.units.mutate(arm=number), "unit")
        window = ibis.interval(microseconds=microseconds(asked.days))
        inside = (joined["time"] >= joined["start"]) & (joined["time"] < joined["start"] + window)
        once = joined.filter(inside).select(*events.columns, "arm", "start").distinct()
    chosen = {"uid": once["unit"], "name": once["event"], "time": once["time"]}
    chosen["passed"] = once["time"].delta(once["start"], unit="microsecond")
    if "session" in once.columns:
        chosen["session"] = once["session"]
    return once.select("arm", **chosen)


def _pieces(events: ir.Table, rule: rules.SessionRule, asked: Question) -> ir.Table:
    """Return one row per session of a rule: arm, unit, session, start, end, events, views."""
    if rule.by != "column" and "session" in events.columns:
        events = events.drop("session")
    rows = rules.numbered(events, rule)
    view = rows["name"].isin(asked.view) if asked.view else rows["name"].notnull()
    return rows.group_by("arm", unit=rows["uid"], session=rows["session"]).aggregate(
        start=rows["time"].min(),
        end=rows["time"].max(),
        events=rows.count(),
        views=view.ifelse(1, 0).sum(),
    )


def _renumbered(sessions: ir.Table) -> ir.Table:
    """Return sessions numbered from 1 within each unit, in the order of their starts."""
    order = [sessions["start"], sessions["end"], sessions["session"]]
    place = ibis.row_number().over(ibis.window(group_by="unit", order_by=order)) + 1
    return sessions.mutate(session=place.cast("int64"))


def _totals(
    log: EventLog, tables: dict[float, ir.Table], names: Sequence[str]
) -> dict[tuple[float, str], dict[str, float]]:
    """Return sums over units of every rule and arm, made from their sessions in two queries."""
    columns = ("arm", "unit", "start", "end", "events", "views")
    every = reduce(
        lambda a, b: a.union(b),
        (
            table.select(*columns).mutate(rule=ibis.literal(minutes, "float64"))
            for minutes, table in tables.items()
        ),
    )
    length = every["end"].delta(every["start"], unit="microsecond").cast("float64") / _SECOND
    every = every.mutate(seconds=length)
    of_units = every.group_by("rule", "arm", "unit").aggregate(
        sessions=every.count().cast("float64"),
        seconds=every["seconds"].sum(),
        events=every["events"].sum().cast("float64"),
        bounces=(every["views"] == 1).ifelse(1, 0).sum().cast("float64"),
    )
    asked: dict[str, Any] = {name: of_units[name].sum() for name in _VARIABLES}
    asked |= {f"{a}_{b}": (of_units[a] * of_units[b]).sum() for a, b in PAIRS}
    sums = log.run(of_units.group_by("rule", "arm").aggregate(**asked)).to_pylist()
    middle = log.run(
        every.group_by("rule", "arm").aggregate(median=every["seconds"].median())
    ).to_pylist()
    found = {(row["rule"], names[row["arm"]]): row for row in sums}
    for row in middle:
        found[row["rule"], names[row["arm"]]]["median"] = row["median"]
    return found


def _pauses(log: EventLog, marks: ir.Table) -> tuple[int, ...]:
    """Return how many pauses between a unit's events are in each class."""
    longer = {
        f"longer{i}": (marks["pause"] > seconds * _SECOND).ifelse(1, 0).sum().fill_null(0)
        for i, (seconds, _) in enumerate(EDGES)
    }
    row = log.run(marks.aggregate(n=marks["pause"].count(), **longer)).to_pylist()[0]
    above = [int(row["n"]), *(int(row[f"longer{i}"]) for i in range(len(EDGES)))]
    return (*(a - b for a, b in pairwise(above)), above[-1])
