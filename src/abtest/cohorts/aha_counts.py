"""How often units did what in their first days, and whether they came back later: counts of units.

The engine counts by unit and event once; only counts of units that are alike leave it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Literal

import ibis
import ibis.expr.types as ir

from abtest.cohorts.log import EventLog
from abtest.data import engine
from abtest.data.clock import microseconds

if TYPE_CHECKING:
    import pandas as pd

RankBy = Literal["phi_reach", "phi", "difference"]
Half = Literal["explore", "hold_out"]
HALVES: tuple[Half, Half] = ("explore", "hold_out")
_DIGITS = 8
"""Digits of a unit's digest that decide in which part it is."""


@dataclass(frozen=True)
class Question:
    """What is asked of a log; names are None for any, lengths are days from a unit's start."""

    behaviours: tuple[str, ...] | None
    counts: tuple[int, ...]
    days: tuple[float, ...]
    outcome: tuple[str, ...] | None
    window: tuple[float, float]
    start: tuple[str, ...] | None
    alive: float | None
    holdout: float
    top: int
    max_phi: float
    rank_by: RankBy

    @property
    def landmark(self) -> float:
        """The day by which behaviours are over."""
        return max(self.days, default=0.0)


@dataclass(frozen=True, eq=False)
class Counted:
    """Counts of units.

    Attributes
    ----------
    started
        Units that started.
    watched
        Those of them whose later window has ended.
    alive
        Those of them that count: all, or those that were still there at the landmark.
    early
        Units that count and had no event from the end of the first day to the landmark.
    base
        By half: units and retained, those that came back.
    cells
        Rows of event, days, half, count (at least 1; the largest stands for that and more), units
        and retained.
    """

    started: int
    watched: int
    alive: int
    early: int
    base: dict[Half, tuple[int, int]]
    cells: pd.DataFrame


def counted(log: EventLog, asked: Question) -> Counted:
    """Return the counts of units that are asked for."""
    starts = _starts(log, asked)
    clock = ibis.literal(log.clock, "timestamp(6)")
    over = starts["start"] + _days(asked.window[1]) <= clock
    seen = log.run(starts.aggregate(started=starts.count(), watched=over.sum().fill_null(0)))
    watched = log.keep(starts.filter(over).mutate(half=_half(starts, asked)))
    pairs = log.keep(_pairs(log, watched, asked))
    units = _units(watched, pairs)
    if asked.alive is not None:
        units = units.filter(units["alive"] == 1)
    units = log.keep(units)
    groups = log.run(
        units.group_by("half").aggregate(
            units=units.count(), retained=units["met"].sum(), early=(1 - units["later"]).sum()
        )
    ).to_pylist()
    rows = {row["half"]: row for row in groups}
    return Counted(
        started=int(seen["started"][0].as_py()),
        watched=int(seen["watched"][0].as_py()),
        alive=sum(int(row["units"]) for row in groups),
        early=sum(int(row["early"]) for row in groups),
        base={
            half: (int(rows[half]["units"]), int(rows[half]["retained"]))
            if half in rows
            else (0, 0)
            for half in HALVES
        },
        cells=log.run(_cells(pairs, units, asked)).to_pandas(),
    )


def _days(days: float) -> ir.Value:
    return ibis.interval(microseconds=microseconds(days))


def _starts(log: EventLog, asked: Question) -> ir.Table:
    """Return unit and start; with arms the units of control alone."""
    if log.arms is not None:
        units = log.arms.units
        return units.filter(units["arm"] == log.arms.control).select("unit", "start")
    named = log.named(asked.start)
    return named.group_by("unit").aggregate(start=named["time"].min())


def _half(units: ir.Table, asked: Question) -> ir.Value:
    """Return the half of a unit by a digest of its name: neither order nor engine counts.

    The digest is salted, since experiments may have split units by one of the name alone.
    """
    text = ibis.literal("aha:") + units["unit"].cast("string")
    bound = f"{int(asked.holdout * 16**_DIGITS):0{_DIGITS}x}"
    return ibis.ifelse(engine.md5(text).left(_DIGITS) < bound, HALVES[1], HALVES[0])


def _pairs(log: EventLog, starts: ir.Table, asked: Question) -> ir.Table:
    """Return one row per unit and event it had: counts by each day, and what came when."""
    begin, end = asked.window
    joined = log.events.join(starts.select("unit", "start"), "unit")
    inside = (joined["time"] >= joined["start"]) & (joined["time"] < joined["start"] + _days(end))
    rows = joined.filter(inside).distinct()  # exact repeats are one event
    since = rows["start"]

    def between(first: float, last: float) -> ir.BooleanValue:
        return (rows["time"] >= since + _days(first)) & (rows["time"] < since + _days(last))

    met = between(begin, end)
    if asked.outcome is not None:
        met = met & rows["event"].isin(asked.outcome)
    alive = asked.landmark if asked.alive is None else asked.alive
    flags = {
        "met": met,
        "alive": between(asked.landmark - alive, asked.landmark),
        "later": between(min(1.0, asked.landmark), asked.landmark),
    }
    return rows.group_by("unit", "event").aggregate(
        **{f"n{i}": between(0.0, days).ifelse(1, 0).sum() for i, days in enumerate(asked.days)},
        **{name: flag.ifelse(1, 0).max() for name, flag in flags.items()},
    )


def _units(watched: ir.Table, pairs: ir.Table) -> ir.Table:
    """Return unit, half and the marks of every unit; those without events have none."""
    marks = ("met", "alive", "later")
    found = pairs.group_by("unit").aggregate(**{name: pairs[name].max() for name in marks})
    whole = watched.left_join(found, "unit")
    filled = {name: found[name].fill_null(0).cast("int64") for name in marks}
    return whole.select(watched["unit"], watched["half"], **filled)


def _cells(pairs: ir.Table, units: ir.Table, asked: Question) -> ir.Table:
    if asked.behaviours is not None:
        pairs = pairs.filter(pairs["event"].isin(asked.behaviours))
    elif asked.start is not None:
        pairs = pairs.filter(pairs["event"].notin(asked.start))
    most = max(asked.counts)
    joined = pairs.join(units.select("unit", "half", retained="met"), "unit")
    parts = []
    for i, days in enumerate(asked.days):
        count = ibis.least(joined[f"n{i}"], ibis.literal(most, "int64")).cast("int64")
        part = joined.mutate(count=count, days=ibis.literal(days, "float64"))
        part = part.filter(part["count"] > 0)
        parts.append(
            part.group_by("event", "days", "half", "count").aggregate(
                units=part.count(), retained=part["retained"].sum()
            )
        )
    return reduce(lambda a, b: a.union(b), parts).order_by("event", "days", "half", "count")
