"""Paths in the engine: steps of every unit or session, counted with what tests by unit need."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import ibis
import ibis.expr.types as ir

from abtest.cohorts.in_sessions import in_sessions
from abtest.cohorts.log import EventLog
from abtest.cohorts.watched import Watched, watched
from abtest.data.clock import microseconds
from abtest.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

By = Literal["unit", "session"]
ALL = "all"
"""Name of the one group where there are no arms."""
START, END, OTHER = "path_start", "path_end", "other"
"""What stands before the first event, after the last, and for events that are not shown."""
MOST_PATHS = 20
"""So many whole paths are told apart, the most frequent ones."""
_SECOND = 1_000_000


@dataclass(frozen=True)
class Question:
    """What is asked of a log, see `paths`; names are empty for any."""

    by: By
    names: tuple[str, ...]
    starts: tuple[str, ...]
    ends: tuple[str, ...]
    collapse: bool
    steps: int
    top: int
    within_days: float | None
    negative: tuple[str, ...]
    gap_minutes: float


@dataclass(frozen=True, eq=False)
class Walks:
    """What the engine counted; frames have a row per arm and what they are named for.

    Attributes
    ----------
    nodes
        Events as they are shown, the most frequent first, ``other`` last.
    units
        Per arm the units in scope, also those without any event.
    waiting
        Units of arms whose window has not ended.
    without_id
        Events without a session id, where sessions are the log's own.
    tied
        Steps at the same moment as the step before them.
    without_path
        Units, or sessions, in scope that have no event of a path.
    cells
        source, target: n (transitions), units (with one), only (units that go nowhere else from
        there), and over units the sums nn of n squared, nt of n times the unit's t.
    sources
        source: t (transitions from there), visitors (units), tt (sum of t squared).
    pauses
        source, target: median_seconds.
    places
        step, node: m (paths there), units, only (units whose paths are all there), and the sums mm
        and ms of m squared and of m times the unit's paths. A null node is all paths with as many
        steps.
    sizes
        s (paths), ss (sum over units of paths squared), units (with a path).
    flows
        step, node, after (null at the end): n.
    ways
        One row per path of the most frequent: its events node1 ..., a null where it is over, n,
        units and longer (whether it goes on).
    negative
        event: units, n.
    """

    nodes: tuple[str, ...]
    units: dict[str, int]
    waiting: int
    without_id: int
    tied: int
    without_path: int
    cells: pd.DataFrame
    sources: pd.DataFrame
    pauses: pd.DataFrame
    places: pd.DataFrame
    sizes: pd.DataFrame
    flows: pd.DataFrame
    ways: pd.DataFrame
    negative: pd.DataFrame


def walks(log: EventLog, asked: Question) -> Walks:
    """Return the paths of a log, counted."""
    exposed = None if log.arms is None else watched(log, asked.within_days or 0.0)
    units = _every_unit(log) if exposed is None else dict(exposed.counts)
    # of repeats in a row one step is left in any case
    scoped = _scoped(exposed, asked, log.events if asked.collapse else log.once)
    events, without_id = scoped, 0
    if asked.by == "session":
        scoped = log.keep(scoped)
        if "session" in scoped.columns:
            missing = scoped["session"].isnull().sum().fill_null(0)
            without_id = _number(log, scoped.aggregate(n=missing))
        events = log.keep(in_sessions(scoped, asked.gap_minutes))
    subjects = events.select(*_keys(asked)).distinct()
    count = sum(units.values())
    if asked.by == "session":
        count = _number(log, subjects.aggregate(n=subjects.count()))
    if asked.names:
        events = events.filter(events["event"].isin(asked.names))
    cut = log.keep(_cut(events, asked)) if asked.starts or asked.ends else events
    nodes = _nodes(log, cut, asked)
    rows = log.keep(_numbered(cut, nodes, asked))
    first = rows.filter(rows["position"] == 1)
    own = log.keep(first.group_by("arm", "unit").aggregate(s=first.count()))
    per_unit = log.keep(_transitions(rows))
    sizes = _frame(
        log,
        own.group_by("arm").aggregate(
            s=own["s"].sum(), ss=(own["s"] * own["s"]).sum(), units=own.count()
        ),
    )
    return Walks(
        nodes=nodes,
        units=units,
        waiting=0 if exposed is None else exposed.waiting,
        without_id=without_id,
        tied=_number(log, rows.aggregate(n=(rows["pause"] == 0).ifelse(1, 0).sum())),
        without_path=count - int(sizes["s"].sum()),
        cells=_frame(log, _cells(per_unit)),
        sources=_frame(log, _sources(per_unit)),
        pauses=_frame(log, _pauses(rows)),
        places=_frame(log, _places(rows, own, asked)),
        sizes=sizes,
        flows=_frame(log, _flows(rows, asked)),
        ways=_frame(log, _ways(rows, asked)),
        negative=_negative(log, exposed, asked),
    )


def _frame(log: EventLog, table: ir.Table) -> pd.DataFrame:
    """Return a table with the names of arms, which are numbers in the engine."""
    frame: pd.DataFrame = log.run(table).to_pandas()
    if "arm" in frame.columns:
        names = (ALL,) if log.arms is None else log.arms.names
        frame["arm"] = frame["arm"].map(dict(enumerate(names))).astype("str")
    return frame


def _number(log: EventLog, table: ir.Table) -> int:
    return int(log.run(table)["n"][0].as_py() or 0)


def _keys(asked: Question) -> list[str]:
    return ["arm", *_subject(asked)]


def _subject(asked: Question) -> list[str]:
    """Return the keys without the arm: a unit has one, and it is text to sort by."""
    return ["unit", "session"] if asked.by == "session" else ["unit"]


def _every_unit(log: EventLog) -> dict[str, int]:
    return {ALL: _number(log, log.events.aggregate(n=log.events["unit"].nunique()))}


def _window(asked: Question) -> ir.Value:
    assert asked.within_days is not None
    return ibis.interval(microseconds=microseconds(asked.within_days))


def _scoped(exposed: Watched | None, asked: Question, events: ir.Table) -> ir.Table:
    """Return arm, unit, event, us (microseconds since 1970) and session where there are ids."""
    epoch = ibis.literal(0).as_timestamp("s")
    chosen: dict[str, ir.Value] = {
        "unit": events["unit"],
        "event": events["event"],
        "us": events["time"].delta(epoch, unit="microsecond").cast("int64"),
    }
    if asked.by == "session" and "session" in events.columns:
        chosen["session"] = events["session"]
    if exposed is None:
        return events.select(arm=ibis.literal(0, "int8"), **chosen)
    units = exposed.units
    joined = events.join(units, "unit")
    inside = (events["time"] >= units["start"]) & (events["time"] < units["start"] + _window(asked))
    numbers = ((name, place) for place, name in enumerate(exposed.counts))
    number = units["arm"].cases(*numbers).cast("int8")
    return joined.filter(inside).select(arm=number, **chosen)


def _order(events: ir.Table, asked: Question) -> list[ir.Value]:
    """Return the order of a subject's events: by time, then as they are named, then by name."""
    by = [events["us"], events["event"]]
    if len(asked.names) > 1:
        listed = ((events["event"] == name, i) for i, name in enumerate(asked.names))
        by.insert(1, ibis.cases(*listed, else_=len(asked.names)))
    return by


def _cut(events: ir.Table, asked: Question) -> ir.Table:
    """Return the events from the first that begins a path to the first that ends it."""
    keys = _keys(asked)
    whole = ibis.window(group_by=_subject(asked))
    order = ibis.window(group_by=_subject(asked), order_by=_order(events, asked))
    events = events.select(*keys, "event", "us", place=ibis.row_number().over(order))
    if asked.starts:
        begins = events["place"].min(where=events["event"].isin(asked.starts)).over(whole)
        events = events.mutate(begins=begins)
        events = events.filter(events["place"] >= events["begins"]).drop("begins")
    if asked.ends:
        last = events["place"].min(where=events["event"].isin(asked.ends)).over(whole)
        events = events.mutate(last=last)
        inside = events["last"].isnull() | (events["place"] <= events["last"]).fill_null(False)
        events = events.filter(inside).drop("last")
    return events.drop("place")


def _nodes(log: EventLog, events: ir.Table, asked: Question) -> tuple[str, ...]:
    """Return the events that are shown: the most frequent, and those that begin and end paths.

    Raises
    ------
    DataError
        ``reserved_event`` for events that are called like the ends of paths.
    """
    counted = events.group_by("event").aggregate(n=events.count())
    reserved = _frame(log, counted.filter(counted["event"].isin((START, END))))
    if len(reserved):
        raise DataError(
            "An event is called like what stands for the ends of paths",
            given=f"{reserved['event'].iloc[0]!r} in {log.label}",
            todo="leave it out: name the events of paths with names=[...]",
            code="reserved_event",
        )
    order = [counted["n"].desc(), counted["event"]]
    named = counted.filter(counted["event"] != OTHER).order_by(order)
    shown = _frame(log, named.limit(asked.top))["event"].tolist()
    always = _frame(log, named.filter(named["event"].isin((*asked.starts, *asked.ends, ""))))
    shown += [name for name in always["event"] if name not in shown]
    every = _number(log, counted.aggregate(n=counted.count()))
    return (*shown, OTHER) if every > len(shown) else tuple(shown)


def _numbered(events: ir.Table, nodes: tuple[str, ...], asked: Question) -> ir.Table:
    """Return a row per step: keys, position (from 1), node, us, and after, pause of the next."""
    keys = _keys(asked)
    known = events["event"].isin(nodes or (OTHER,))
    rows = events.select(*keys, "us", "event", node=known.ifelse(events["event"], OTHER))
    if asked.collapse:
        order = ibis.window(group_by=_subject(asked), order_by=_order(rows, asked))
        rows = rows.mutate(before=rows["node"].lag().over(order))
        rows = rows.filter(rows["before"].isnull() | (rows["before"] != rows["node"]))
        rows = rows.drop("before")
    order = ibis.window(group_by=_subject(asked), order_by=_order(rows, asked))
    return rows.select(
        *keys,
        "node",
        position=(ibis.row_number().over(order) + 1).cast("int64"),
        after=rows["node"].lead().over(order),
        pause=rows["us"].lead().over(order) - rows["us"],
    )


def _transitions(rows: ir.Table) -> ir.Table:
    """Return arm, unit, source, target, n, and t, the unit's transitions from there."""
    inner = rows.select("arm", "unit", source=rows["node"], target=rows["after"].fill_null(END))
    first = rows.filter(rows["position"] == 1)
    begins = first.select("arm", "unit", source=ibis.literal(START), target=first["node"])
    every = inner.union(begins)
    counted = every.group_by("unit", "source", "target").aggregate(
        arm=every["arm"].arbitrary(), n=every.count()
    )
    from_there = ibis.window(group_by=["unit", "source"])
    return counted.mutate(t=counted["n"].sum().over(from_there).cast("int64"))


def _cells(per_unit: ir.Table) -> ir.Table:
    n, t = per_unit["n"].cast("float64"), per_unit["t"].cast("float64")
    return per_unit.group_by("arm", "source", "target").aggregate(
        n=per_unit["n"].sum().cast("int64"),
        units=per_unit.count(),
        only=(n == t).ifelse(1, 0).sum().cast("int64"),
        nn=(n * n).sum(),
        nt=(n * t).sum(),
    )


def _sources(per_unit: ir.Table) -> ir.Table:
    own = per_unit.group_by("unit", "source").aggregate(
        arm=per_unit["arm"].arbitrary(), t=per_unit["t"].max()
    )
    t = own["t"].cast("float64")
    return own.group_by("arm", "source").aggregate(
        t=own["t"].sum().cast("int64"), visitors=own.count(), tt=(t * t).sum()
    )


def _pauses(rows: ir.Table) -> ir.Table:
    followed = rows.filter(rows["after"].notnull())
    seconds = followed["pause"].cast("float64") / _SECOND
    return followed.group_by("arm", source=followed["node"], target=followed["after"]).aggregate(
        median_seconds=seconds.median()
    )


def _places(rows: ir.Table, own: ir.Table, asked: Question) -> ir.Table:
    """Return sums over units of paths at each event at each step, and of paths that are so long."""
    near = rows.filter(rows["position"] <= asked.steps)
    counted = near.group_by("arm", "unit", "position", "node").aggregate(m=near.count())
    so_long = near.group_by("arm", "unit", "position").aggregate(m=near.count())
    long = so_long.select(
        "arm", "unit", "position", node=ibis.literal(None, "string"), m=so_long["m"]
    )
    every = counted.union(long)
    joined = every.join(own, ["arm", "unit"])
    kept = joined.select(
        every["arm"],
        every["node"],
        step=every["position"],
        m=every["m"].cast("float64"),
        s=own["s"].cast("float64"),
    )
    m, s = kept["m"], kept["s"]
    return kept.group_by("arm", "step", "node").aggregate(
        m=m.sum(),
        units=kept.count(),
        only=(m == s).ifelse(1, 0).sum().cast("int64"),
        mm=(m * m).sum(),
        ms=(m * s).sum(),
    )


def _flows(rows: ir.Table, asked: Question) -> ir.Table:
    near = rows.filter(rows["position"] <= asked.steps)
    return near.group_by("arm", "node", "after", step=near["position"]).aggregate(n=near.count())


def _ways(rows: ir.Table, asked: Question) -> ir.Table:
    """Return the most frequent paths of all arms together, counted by arm."""
    names = [f"node{k}" for k in range(1, asked.steps + 1)]
    steps: dict[str, Any] = {
        name: rows["node"].max(where=rows["position"] == k) for k, name in enumerate(names, 1)
    }
    longer = (rows["position"].max() > asked.steps).ifelse(1, 0).cast("int64")
    whole = rows.group_by(*_keys(asked)).aggregate(longer=longer, **steps)
    of_units = whole.group_by("arm", "unit", *names, "longer").aggregate(n=whole.count())
    counted = of_units.group_by("arm", *names, "longer").aggregate(
        n=of_units["n"].sum().cast("int64"), units=of_units.count()
    )
    over_arms = ibis.window(group_by=[*names, "longer"])
    ranked = counted.mutate(total=counted["n"].sum().over(over_arms))
    order = [
        ranked["total"].desc(),
        *(ranked[name].fill_null("") for name in names),
        ranked["longer"],
    ]
    ranked = ranked.mutate(place=ibis.dense_rank().over(ibis.window(order_by=order)))
    return ranked.filter(ranked["place"] < MOST_PATHS).order_by("place", "arm")


def _negative(log: EventLog, exposed: Watched | None, asked: Question) -> pd.DataFrame:
    met = _scoped(exposed, asked, log.named(asked.negative or ("",)).distinct())
    own = met.group_by("arm", "event", "unit").aggregate(n=met.count())
    found = own.group_by("arm", "event").aggregate(
        units=own.count(), n=own["n"].sum().cast("int64")
    )
    return _frame(log, found)
