"""How far each unit, or session, came: the engine's part of a funnel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import ibis
import ibis.expr.types as ir

from abtest.cohorts.in_sessions import in_sessions
from abtest.cohorts.log import EventLog
from abtest.cohorts.watched import Watched, watched
from abtest.data.clock import microseconds

Mode = Literal["ordered", "strict", "any", "any_after_first", "each"]
By = Literal["unit", "session", "event"]
Entry = Literal["exposure", "first", "best"]
Exclusion = Literal["drop_out", "remove_unit"]
ALL = "all"
"""Name of the one group where there are no arms."""
_SECOND = 1_000_000
QUANTILES = tuple(number / 20 for number in range(1, 20))
"""Of the time to a step."""


@dataclass(frozen=True)
class Question:
    """What is asked of a log, see `funnel`; `within` and `grace` are in days and seconds."""

    steps: tuple[tuple[str, ...], ...]
    labels: tuple[str, ...]
    mode: Mode
    by: By
    entry: Entry
    within: float | None
    exclude: tuple[str, ...]
    exclusion: Exclusion
    hold_constant: bool
    grace: float
    gap_minutes: float

    @property
    def count(self) -> int:
        """Number of steps."""
        return len(self.steps)

    @property
    def timed(self) -> bool:
        """Whether steps have times of their own."""
        return self.mode in ("ordered", "strict") and self.by != "event"


@dataclass(frozen=True, eq=False)
class Reached:
    """What the engine counted.

    Attributes
    ----------
    depths
        One row per subject in the engine: arm, unit, depth (steps reached; with ``each`` columns
        reached1 ... instead) and, where steps are timed, seconds2 ...
    units
        By arm the units in scope, also those without any event.
    waiting
        Units, or without arms entries, whose window has not ended.
    removed
        Subjects left out for an excluded event.
    """

    depths: ir.Table
    units: dict[str, int]
    waiting: int
    removed: int


def reached(log: EventLog, asked: Question) -> Reached:
    """Return how far the subjects of a log came."""
    exposed = None if log.arms is None else watched(log, asked.within or 0.0)
    units = _every_unit(log) if exposed is None else dict(exposed.counts)
    waiting = 0 if exposed is None else exposed.waiting
    events = _events(log, exposed, asked)
    if asked.by == "event":
        return Reached(_lines(log, events, asked), units, waiting, 0)
    if asked.by == "session":
        events = in_sessions(events, asked.gap_minutes)
    subjects = events.select(*_subject(asked)).distinct() if asked.by == "session" else None
    moments = log.keep(_moments(events, asked, arms=log.arms is not None))
    removed = 0
    if asked.exclude and asked.exclusion == "remove_unit":
        moments, removed = _without_excluded(log, moments, asked)
    found = _DEPTHS[asked.mode](log, moments, asked)
    late = 0 if log.arms is not None else _late(log, moments, asked)
    depths = _by_subject(found, asked)
    if subjects is not None:  # also those without a step
        depths = _with_the_others(subjects, depths, asked)
    return Reached(log.keep(depths), units, waiting + late, removed)


def _clock(log: EventLog) -> ir.Value:
    return ibis.literal(log.clock, "timestamp(6)")


def _span(asked: Question) -> ir.Value:
    assert asked.within is not None
    return ibis.interval(microseconds=microseconds(asked.within))


def _every_unit(log: EventLog) -> dict[str, int]:
    found = log.run(log.events.aggregate(n=log.events["unit"].nunique()))
    return {ALL: int(found["n"][0].as_py())}


def _events(log: EventLog, exposed: Watched | None, asked: Question) -> ir.Table:
    """Return arm, unit, start, us (microseconds since 1970), time, event and what is held."""
    # what is counted, or must be the very next event, is looked at once
    events = log.once if asked.by == "event" or asked.mode == "strict" else log.events
    epoch = ibis.literal(0).as_timestamp("s")
    chosen: dict[str, ir.Value] = {
        "unit": events["unit"],
        "event": events["event"],
        "time": events["time"],
        "us": events["time"].delta(epoch, unit="microsecond").cast("int64"),
    }
    if "session" in events.columns:
        chosen["session"] = events["session"]
    if asked.hold_constant:
        chosen["held"] = events[HELD]
    if exposed is None:
        return events.select(**chosen, **_NO_ARM)
    units = exposed.units
    joined = events.join(units, "unit")
    inside = (events["time"] >= units["start"]) & (events["time"] < units["start"] + _span(asked))
    start = units["start"].delta(epoch, unit="microsecond").cast("int64")
    return joined.filter(inside).select(**chosen, arm=units["arm"], start=start)


_NO_ARM = {"arm": ibis.literal(ALL), "start": ibis.literal(0, "int64")}
HELD = "property"
"""Column of the log whose value a subject's steps must share."""


def _flags(events: ir.Table, asked: Question) -> dict[str, ir.Value]:
    flags = {f"s{k}": events["event"].isin(step) for k, step in enumerate(asked.steps, 1)}
    if asked.exclude:
        flags["excluded"] = events["event"].isin(asked.exclude)
    return flags


def _lines(log: EventLog, events: ir.Table, asked: Question) -> ir.Table:
    """Return how many events of each step a unit has, as reached1 ..."""
    flagged = events.mutate(**_flags(events, asked))
    counts = {f"reached{k}": flagged[f"s{k}"].sum() for k in range(1, asked.count + 1)}
    return log.keep(flagged.group_by("arm", "unit").aggregate(**counts))


def _keys(asked: Question) -> list[str]:
    keys = ["arm", "unit"]
    if asked.by == "session":
        keys.append("session")
    if asked.hold_constant:
        keys.append("held")
    return keys


def _unit_keys(asked: Question) -> list[str]:
    """Return the keys without the arm: a unit has one, and it is text to sort by."""
    return [key for key in _keys(asked) if key != "arm"]


def _subject(asked: Question) -> list[str]:
    return [key for key in _keys(asked) if key != "held"]


def _moments(events: ir.Table, asked: Question, *, arms: bool) -> ir.Table:
    """Return a row per subject and moment with a flag for each step that happens in it.

    For ``strict`` a row per event, as what lies between counts.
    """
    flags = _flags(events, asked)
    keys = _keys(asked)
    held = events.filter(events["held"].notnull()) if asked.hold_constant else events
    if asked.mode == "strict":
        position = ibis.cases(
            *((events["event"].isin(step), k) for k, step in enumerate(asked.steps, 1)),
            else_=asked.count + 1,
        )
        return held.select(*keys, "us", "start", "event", position=position, **flags)
    met = held.mutate(**flags)
    met = met.filter(ibis.or_(*(met[name] for name in flags)))
    facts = {name: met[name].any() for name in flags}
    if arms:
        facts |= {"arm": met["arm"].arbitrary(), "start": met["start"].min()}
        return met.group_by(*_unit_keys(asked), "us").aggregate(**facts)
    moments = met.group_by(*_unit_keys(asked), "us").aggregate(**facts)
    return moments.mutate(**_NO_ARM)


def _window(asked: Question, **frame: Any) -> Any:
    return ibis.window(group_by=_unit_keys(asked), order_by="us", **frame)


def _anchored(log: EventLog, moments: ir.Table, asked: Question) -> ir.Table:
    """Return the moments with ``entry``: when the clock of a subject started; null for none."""
    us, first = moments["us"], moments["s1"]
    if asked.entry == "exposure":
        entry = ibis.ifelse(first, moments["start"], None)
    elif asked.entry == "first":
        whole = _window(asked, preceding=None, following=None)
        begun = us.min(where=first).over(whole)
        entry = ibis.ifelse(first & (us >= begun), begun, None)
    else:
        entry = ibis.ifelse(first, us, None)
    if log.arms is None and asked.within is not None:
        entry = ibis.ifelse(entry <= _last_entry(log, asked), entry, None)
    return moments.mutate(entry1=entry.cast("int64"))


def _last_entry(log: EventLog, asked: Question) -> ir.Value:
    """Return the latest moment from which a window is over by now."""
    assert asked.within is not None
    epoch = ibis.literal(0).as_timestamp("s")
    clock = _clock(log).delta(epoch, unit="microsecond").cast("int64")
    return clock - microseconds(asked.within)


def _late(log: EventLog, moments: ir.Table, asked: Question) -> int:
    """Return the subjects whose first step lies so late that their window is still open."""
    if asked.within is None:
        return 0
    begun = moments.filter(moments["s1"])
    first = begun.group_by(*_keys(asked)).aggregate(us=begun["us"].min())
    late = log.run(first.aggregate(n=(first["us"] > _last_entry(log, asked)).sum()))
    return int(late["n"][0].as_py() or 0)


def _without_excluded(log: EventLog, moments: ir.Table, asked: Question) -> tuple[ir.Table, int]:
    """Return the moments of subjects without an excluded event from their first step on."""
    keys = _keys(asked)
    first = moments.group_by(*keys).aggregate(begun=moments["us"].min(where=moments["s1"]))
    joined = moments.join(first, keys).select(*moments.columns, "begun")
    bad = joined["excluded"] & (joined["us"] > joined["begun"])
    if asked.within is not None:
        bad = bad & (joined["us"] <= joined["begun"] + microseconds(asked.within))
    removed = log.keep(joined.filter(bad).select(*keys).distinct())
    count = int(log.run(removed.aggregate(n=removed.count()))["n"][0].as_py())
    return log.keep(moments.anti_join(removed, keys)), count


def _ordered(log: EventLog, moments: ir.Table, asked: Question) -> ir.Table:
    """Return the moments with entry1 ...: the latest entry from which this step was reached.

    The latest entry leaves the most time, so that no other has to be kept; each step is one
    running maximum over the sorted moments.
    """
    table = _anchored(log, moments, asked)
    if asked.exclude and asked.exclusion == "drop_out":
        excluded = table["us"].max(where=table["excluded"])
        table = table.mutate(out=excluded.over(_window(asked, preceding=None, following=0)))
    for k in range(2, asked.count + 1):
        before = table[f"entry{k - 1}"].max().over(_up_to(asked, k))
        table = table.mutate(**{f"entry{k}": _kept(table, before, k, asked)})
    return table


def _up_to(asked: Question, k: int) -> Any:
    """Return the moments at which the step before may have been: up to this one, and grace."""
    unit = {"group_by": _unit_keys(asked), "order_by": "us"}
    names = set(asked.steps[k - 1])
    if any(names & set(step) for step in asked.steps[: k - 1]):  # one event is not two steps
        return ibis.rows_window(preceding=(None, 1), **unit)
    if asked.grace:
        return ibis.range_window(preceding=None, following=round(asked.grace * _SECOND), **unit)
    return ibis.rows_window(preceding=None, following=0, **unit)


def _kept(table: ir.Table, before: ir.Value, k: int, asked: Question) -> ir.Value:
    """Return the entry of the step before where this one follows it in time and undisturbed."""
    follows = table[f"s{k}"]
    if asked.within is not None:
        last = before + microseconds(asked.within)
        inside = table["us"] < last if asked.entry == "exposure" else table["us"] <= last
        follows = follows & inside
    if "out" in table.columns:
        follows = follows & (table["out"].isnull() | (table["out"] <= before))
    return ibis.ifelse(follows, before, None).cast("int64")


def _strict(log: EventLog, moments: ir.Table, asked: Question) -> ir.Table:
    """Return the events with entry1 ...: where each step is the very next event."""
    table = _anchored(log, moments, asked)
    order = [table["us"], table["position"], table["event"]]
    for k in range(2, asked.count + 1):
        window = ibis.window(group_by=_unit_keys(asked), order_by=order)
        before = table[f"entry{k - 1}"].lag().over(window)
        table = table.mutate(**{f"entry{k}": _kept(table, before, k, asked)})
    return table


def _any(log: EventLog, moments: ir.Table, asked: Question) -> ir.Table:
    """Return the moments with ``depth``: steps from here on within the window, in any order."""
    after_first = asked.mode == "any_after_first"
    us = moments["us"]
    steps = [moments[f"s{k}"] for k in range(1, asked.count + 1)]
    starts = steps[0] if after_first else ibis.or_(*steps)
    if asked.entry != "best":
        whole = _window(asked, preceding=None, following=None)
        starts = starts & (us == us.min(where=starts).over(whole))
    if asked.entry == "exposure":
        end = moments["start"] + microseconds(asked.within or 0.0) - 1
    elif asked.within is None:
        end = ibis.literal(2**62, "int64")
    else:
        end = us + microseconds(asked.within)
    if log.arms is None and asked.within is not None:
        starts = starts & (us <= _last_entry(log, asked))
    ahead = ibis.rows_window(preceding=0, following=None, group_by=_unit_keys(asked), order_by="us")
    met = [(us.min(where=step).over(ahead) <= end).fill_null(False).cast("int64") for step in steps]
    depth = sum(met[1:], start=met[0])
    return moments.mutate(depth=ibis.ifelse(starts, depth, 0))


def _each(log: EventLog, moments: ir.Table, asked: Question) -> ir.Table:
    del log, asked
    return moments


def _with_the_others(subjects: ir.Table, depths: ir.Table, asked: Question) -> ir.Table:
    keys = _subject(asked)
    joined = subjects.left_join(depths, keys)
    counts = [name for name in depths.columns if name not in keys]
    return joined.select(
        *(subjects[key] for key in keys),
        **{
            name: depths[name] if name.startswith("seconds") else depths[name].fill_null(0)
            for name in counts
        },
    )


def _by_subject(found: ir.Table, asked: Question) -> ir.Table:
    """Return a row per subject, of the value that came furthest where one is held."""
    keys = _subject(asked)
    asked_for: dict[str, ir.Value] = {}
    numbers = range(1, asked.count + 1)
    if asked.mode == "each":
        asked_for = {f"reached{k}": found[f"s{k}"].any().cast("int64") for k in numbers}
    elif asked.timed:
        reached = [found[f"entry{k}"].notnull().any().cast("int64") for k in numbers]
        asked_for["depth"] = sum(reached[1:], start=reached[0])
        for k in numbers[1:]:
            entry = found[f"entry{k}"]
            passed = (found["us"] - entry).argmin(found["us"], where=entry.notnull())
            passed = ibis.ifelse(passed < 0, 0, passed)  # within the grace; null stays null
            asked_for[f"seconds{k}"] = passed.cast("float64") / _SECOND
    else:
        asked_for["depth"] = found["depth"].max()
    return found.group_by(*keys).aggregate(**asked_for)


_DEPTHS = {
    "ordered": _ordered,
    "strict": _strict,
    "any": _any,
    "any_after_first": _any,
    "each": _each,
}
