"""Levels of units by thresholds, period by period, with room before they fall."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Literal

import ibis
import ibis.expr.types as ir

from abtest.cohorts.log import EventLog
from abtest.cohorts.periods import Period, period_number
from abtest.data.clock import microseconds

Measure = Literal["count", "value", "active_days"]
_DECIMALS = 6
"""Sums and limits are rounded to so many, so that the order of additions moves nobody."""


@dataclass(frozen=True)
class Question:
    """What is asked of a log, as `tiers` has it; `ladder` from the lowest tier up."""

    active: tuple[str, ...] | None
    measure: Measure
    ladder: tuple[tuple[str, float], ...]
    hysteresis: float
    period: Period
    days: float
    base: str

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the levels from 0 up."""
        return (self.base, *(name for name, _ in self.ladder))

    def kept_from(self, threshold: float) -> float:
        """Return the amount from which on a unit keeps a tier that it has."""
        return round(threshold * (1.0 - self.hysteresis), _DECIMALS)


def unit_levels(log: EventLog, asked: Question, end: int) -> ir.Table:
    """Return unit, number, amount, level, and before, after and next_level of the same unit.

    One row per unit and period with events, kept in the engine. Calendar periods have the numbers
    of `period_number`, those before `end`. With arms periods are stretches of days before the
    exposure of each unit, the last of them -1.

    A unit has level k or more if the last period in which it reached that threshold came after
    the last one in which it fell below the limit for keeping it. A period without events is such
    a fall from every level.
    """
    rows = _amounts(log, asked)
    rows = rows.filter(rows["number"] < end)
    order = ibis.window(group_by="unit", order_by="number")
    so_far = ibis.window(group_by="unit", order_by="number", preceding=None, following=0)
    rows = rows.mutate(before=rows["number"].lag().over(order))
    nothing = ibis.null("int64")
    gap = rows["before"].isnull() | (rows["before"] < rows["number"] - 1)
    silent = ibis.ifelse(gap, rows["number"] - 1, nothing)
    held = []
    for _, threshold in asked.ladder:
        reached = ibis.ifelse(rows["amount"] >= threshold, rows["number"], nothing)
        below = rows["amount"] < asked.kept_from(threshold)
        fallen = ibis.ifelse(below, rows["number"], silent)
        rose, fell = reached.max().over(so_far), fallen.max().over(so_far)
        held.append((rose > fell).fill_null(False).cast("int64"))
    rows = rows.mutate(level=reduce(add, held))
    return log.keep(
        rows.mutate(
            after=rows["number"].lead().over(order), next_level=rows["level"].lead().over(order)
        )
    )


def _amounts(log: EventLog, asked: Question) -> ir.Table:
    """Return unit, number of the period, and what the unit did in it."""
    events = log.named(asked.active)
    if log.arms is None:
        number = period_number(log.event_day(events["time"]), asked.period)
        events = events.mutate(number=number)
    else:
        joined = events.join(log.arms.units, "unit")
        joined = joined.filter(joined["time"] < joined["start"])
        ago = joined["start"].delta(joined["time"], unit="microsecond") - 1
        back = (ago // microseconds(asked.days)).cast("int64")
        events = joined.select(*events.columns, number=-1 - back)
    keys = ["unit", "number"]
    if asked.measure == "active_days":
        days = events.select(*keys, day=log.event_day(events["time"])).distinct()
        return days.group_by(keys).aggregate(amount=days.count())
    once = events.distinct()  # exact repeats are one event
    amount = once.count()
    if asked.measure == "value":
        amount = once["value"].sum().fill_null(0.0).round(_DECIMALS)
    return once.group_by(keys).aggregate(amount=amount)


def named_level(level: ir.Value, names: Sequence[str]) -> ir.Value:
    """Return the name of a level."""
    return level.cases(*enumerate(names), else_=names[0])


def starting_periods(log: EventLog, asked: Question, end: int) -> ir.Table:
    """Return unit and started, the calendar period of its first event of any name."""
    first = log.events.group_by("unit").aggregate(time=log.events["time"].min())
    starts = first.select("unit", started=period_number(log.event_day(first["time"]), asked.period))
    return log.keep(starts.filter(starts["started"] < end))


@dataclass(frozen=True)
class PeriodCounts:
    """Counts of calendar periods, by number.

    Attributes
    ----------
    members
        Units at each level.
    moves
        Units by level in the period before and level in this one; None before for new units.
    """

    members: dict[int, list[int]]
    moves: dict[int, dict[tuple[int | None, int], int]]


def period_counts(
    log: EventLog, rows: ir.Table, starts: ir.Table, asked: Question, span: tuple[int, int]
) -> PeriodCounts:
    """Return how many units are at each level and how many moved, from one query over rows.

    Units without events in a period are at level 0, from the period of their first event on.
    """
    joined = rows.join(starts, "unit")
    back = joined["before"].isnull() | (joined["before"] < joined["number"] - 1)
    follows = (joined["after"] == joined["number"] + 1).fill_null(False)
    chosen = joined.select(
        "number", "level",
        to=follows.ifelse(joined["next_level"], 0),
        new=joined["number"] == joined["started"],
        back=back,
    )  # fmt: skip
    keys = ("number", "level", "to", "new", "back")
    found = log.run(chosen.group_by(*keys).aggregate(n=chosen.count())).to_pylist()
    begun = starts.group_by("started").aggregate(n=starts.count())
    started = {int(row["started"]): int(row["n"]) for row in log.run(begun).to_pylist()}
    return _booked(found, started, len(asked.names), span)


def _booked(
    found: Sequence[Mapping[str, int]],
    started: Mapping[int, int],
    levels: int,
    span: tuple[int, int],
) -> PeriodCounts:
    periods = range(*span)
    members = {number: [0] * levels for number in periods}
    moves: dict[int, dict[tuple[int | None, int], int]] = {
        number: {(a, b): 0 for a in (None, *range(levels)) for b in range(levels)}
        for number in periods
    }
    for row in found:
        number, level, n = int(row["number"]), int(row["level"]), int(row["n"])
        members[number][level] += n
        if number + 1 in moves:
            moves[number + 1][level, int(row["to"])] += n
        if row["new"]:
            moves[number][None, level] += n
        elif row["back"]:
            moves[number][0, level] += n
    total = 0
    for number in periods:
        own, above = moves[number], range(1, levels)
        new = started.get(number, 0)
        own[None, 0] = new - sum(own[None, level] for level in above)
        own[0, 0] = (members[number - 1][0] if number - 1 in members else 0) - sum(
            own[0, level] for level in above
        )
        total += new
        members[number][0] = total - sum(members[number][1:])
    return PeriodCounts(members, moves)
