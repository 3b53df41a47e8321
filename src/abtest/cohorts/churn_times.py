"""Times of units to leaving: who left when, and how long the others were watched."""

from __future__ import annotations

from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import numpy as np

from abtest.cohorts.log import EventLog
from abtest.data.clock import microseconds
from abtest.data.request import time_step
from abtest.data.timed import times_on_steps
from abtest.stats import CompetingTimes

ALL = "all units"
"""Name of the units of a log without arms."""
_LEFT, _COMPETED = 1, 2


@dataclass(frozen=True)
class Question:
    """What is asked of a log.

    Attributes
    ----------
    start, active, leave, competing
        Names of events; None or () for any or none.
    inactive_days, horizon
        Days.
    """

    start: tuple[str, ...] | None
    active: tuple[str, ...] | None
    inactive_days: float
    horizon: float
    leave: tuple[str, ...] = ()
    competing: tuple[str, ...] = ()

    @property
    def step(self) -> float:
        """Days of a step, as metrics of times count them."""
        return time_step("event_times", self.horizon)

    @property
    def steps(self) -> int:
        """Steps up to the horizon."""
        return round(self.horizon / self.step)

    @property
    def until(self) -> float:
        """The horizon as the end of its last step."""
        return self.steps * self.step

    @property
    def known_after(self) -> float:
        """Days until it is known that a unit has left."""
        return 0.0 if self.leave else self.inactive_days


def arm_times(log: EventLog, asked: Question) -> dict[str, CompetingTimes]:
    """Return per arm the distinct times with the units that left, left otherwise, or are lost."""
    starts = _starts(log, asked)
    left = _leaving(log, starts, asked) if asked.leave else _pausing(log, starts, asked)
    whole = starts.left_join(left, "unit")
    clock = ibis.literal(log.clock, "timestamp(6)")
    elapsed = clock.delta(whole["start"], unit="microsecond") - microseconds(asked.known_after)
    steps = (ibis.greatest(elapsed, 0) // microseconds(asked.step)).cast("int64")
    # who did nothing from the start on left at once; who never cancelled has not left
    first = whole["first"] if asked.leave else whole["first"].fill_null(0)
    time, seen = times_on_steps(first, ibis.least(steps, asked.steps), asked.step)
    cause = ibis.ifelse(seen == 1.0, whole["cause"].fill_null(_LEFT), 0)
    units = whole.select(whole["arm"], time=time, cause=cause.cast("int64"))
    found = log.run(units.group_by("arm", "time", "cause").aggregate(n=units.count())).to_pandas()
    names = (ALL,) if log.arms is None else log.arms.names
    tables = {}
    for name in names:
        rows = found[found["arm"] == name]
        columns = [
            np.where(rows["cause"] == cause, rows["n"], 0) for cause in (_LEFT, _COMPETED, 0)
        ]
        tables[name] = CompetingTimes.from_table(
            rows["time"].to_numpy(dtype=np.float64), columns[:2], columns[2]
        )
    return tables


def _starts(log: EventLog, asked: Question) -> ir.Table:
    """Return unit, arm and start."""
    if log.arms is not None:
        return log.arms.units
    named = log.named(asked.start or asked.active)
    units = named.group_by("unit").aggregate(start=named["time"].min())
    return units.mutate(arm=ibis.literal(ALL))


def _from_start(events: ir.Table, starts: ir.Table) -> ir.Table:
    joined = events.join(starts, "unit").select(events["unit"], "event", "time", "start")
    return joined.filter(joined["time"] >= joined["start"])


def _pausing(log: EventLog, starts: ir.Table, asked: Question) -> ir.Table:
    """Return per unit the time of the last activity before the first pause that is too long."""
    gap = ibis.interval(microseconds=microseconds(asked.inactive_days))
    events = _from_start(log.named(asked.active), starts)
    following = events["time"].lead().over(ibis.window(group_by="unit", order_by="time"))
    events = events.mutate(following=following)
    pauses = events["following"].isnull() | (events["following"] > events["time"] + gap)
    units = events.group_by("unit", "start").aggregate(
        begun=events["time"].min(), last=events["time"].min(where=pauses)
    )
    soon = units["begun"] <= units["start"] + gap
    passed = units["last"].delta(units["start"], unit="microsecond")
    return units.select("unit", first=soon.ifelse(passed, 0), cause=ibis.literal(_LEFT))


def _leaving(log: EventLog, starts: ir.Table, asked: Question) -> ir.Table:
    """Return per unit the time of the first event that ends it, and which it was."""
    events = _from_start(log.named((*asked.leave, *asked.competing)), starts)
    leaves = events["event"].isin(asked.leave)
    units = events.group_by("unit", "start").aggregate(
        first=events["time"].min(), left=events["time"].min(where=leaves)
    )
    mine = (units["left"] == units["first"]).fill_null(False)
    passed = units["first"].delta(units["start"], unit="microsecond")
    return units.select("unit", first=passed, cause=mine.ifelse(_LEFT, _COMPETED))
