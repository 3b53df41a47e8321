"""Purchase dates of units in order, counted in the engine."""

from __future__ import annotations

from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import numpy as np
from numpy.typing import NDArray

from abtest.cohorts.log import EventLog
from abtest.cohorts.periods import number_of_date, period_number
from abtest.data.clock import local_date, microseconds

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Question:
    """What is asked of a log.

    Attributes
    ----------
    purchase
        Names of events; None for any.
    up_to
        The last purchase that is looked at.
    within
        Days in which the next purchase counts, without arms.
    days
        Days from exposure, with arms.
    """

    purchase: tuple[str, ...] | None
    up_to: int
    within: float | None
    days: float | None


@dataclass(frozen=True, eq=False)
class Waits:
    """Days from one purchase to the next, or to the end of the log: distinct ones, counted.

    `events` are units that bought again so many days later, `censored` those that have not bought
    again and were watched for so many days; all of one shape.
    """

    days: Floats
    events: Floats
    censored: Floats

    @property
    def reached(self) -> int:
        """Units that made the first of the two purchases."""
        return int(self.events.sum() + self.censored.sum())

    @property
    def again(self) -> int:
        """Units that made both."""
        return int(self.events.sum())


def waits_of(log: EventLog, asked: Question) -> dict[int, Waits]:
    """Return the waits after the first, second ... purchase, up to `up_to` - 1."""
    end = number_of_date(local_date(log.as_of, log.timezone), "day")
    events = log.named(asked.purchase)
    days = events.select("unit", day=period_number(log.event_day(events["time"]), "day"))
    days = days.filter(days["day"] < end).distinct()
    own = ibis.window(group_by="unit", order_by="day")
    placed = days.mutate(
        place=ibis.row_number().over(own) + 1, following=days["day"].lead().over(own)
    )
    placed = placed.filter(placed["place"] < asked.up_to)
    counted = placed.group_by(
        "place",
        days=ibis.coalesce(placed["following"], ibis.literal(end - 1, "int64")) - placed["day"],
    ).aggregate(
        events=placed["following"].notnull().sum(), censored=placed["following"].isnull().sum()
    )
    found = log.run(counted.order_by("place", "days")).to_pandas()
    empty = np.zeros(0)
    waits = {place: Waits(empty, empty, empty) for place in range(1, asked.up_to)}
    for place, rows in found.groupby("place"):
        columns = (rows[name].to_numpy(np.float64) for name in ("days", "events", "censored"))
        waits[int(place)] = Waits(*columns)
    return waits


@dataclass(frozen=True, eq=False)
class Reached:
    """Of one arm: units whose days are over, and how many of these made so many purchases.

    ``at_least[k - 1]`` made k purchases or more.
    """

    units: int
    at_least: NDArray[np.int64]


def reached_of(log: EventLog, asked: Question) -> tuple[dict[str, Reached], int]:
    """Return purchases since exposure per arm, control first, and how many units still wait."""
    assert log.arms is not None
    assert asked.days is not None
    clock = ibis.literal(log.clock, "timestamp(6)")
    length = microseconds(asked.days)
    every = log.arms.units
    over = clock.delta(every["start"], unit="microsecond") >= length
    units = log.keep(every.filter(over))
    events = log.named(asked.purchase)
    joined = events.join(units, "unit")
    elapsed = events["time"].delta(units["start"], unit="microsecond")
    rows = joined.select(
        events["unit"],
        units["arm"],
        day=period_number(log.event_day(events["time"]), "day"),
        inside=(events["time"] >= units["start"]) & (elapsed < length),
    )
    days = rows.filter(rows["inside"]).select("arm", "unit", "day").distinct()
    each = days.group_by("arm", "unit").aggregate(n=days.count())
    each = each.mutate(n=ibis.least(each["n"], ibis.literal(asked.up_to)))
    counted = log.run(each.group_by("arm", "n").aggregate(units=each.count())).to_pylist()
    sizes = log.run(units.group_by("arm").aggregate(n=units.count())).to_pylist()
    size = {row["arm"]: int(row["n"]) for row in sizes}
    found = {}
    for arm in log.arms.names:
        exactly = np.zeros(asked.up_to + 1, dtype=np.int64)
        for row in counted:
            if row["arm"] == arm:
                exactly[row["n"]] = row["units"]
        found[arm] = Reached(size.get(arm, 0), np.cumsum(exactly[::-1])[::-1][1:])
    waiting = _count(log, every) - sum(size.values())
    return found, waiting


def _count(log: EventLog, table: ir.Table) -> int:
    return int(log.run(table.aggregate(n=table.count()))["n"][0].as_py())
