"""Amounts by steps of age, summed up in the engine as mean cumulative functions need them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np

from abtest.cohorts.log import EventLog
from abtest.cohorts.periods import Period, period_number
from abtest.data.clock import microseconds
from abtest.stats import RepeatedEvents


@dataclass(frozen=True)
class Question:
    """What is asked of a log.

    Attributes
    ----------
    purchase, start
        Names of events; None for any, or for the purchases themselves.
    step
        Days between ages.
    steps
        Their number.
    cohort
        Calendar period of the start, without arms.
    """

    purchase: tuple[str, ...] | None
    start: tuple[str, ...] | None
    step: float
    steps: int
    cohort: Period


@dataclass(frozen=True, eq=False)
class Amounts:
    """Per cohort or arm what units brought by age; and how many are watched for no step yet."""

    cohorts: dict[Any, RepeatedEvents]
    waiting: dict[Any, int]


def amounts_of(log: EventLog, asked: Question) -> Amounts:
    """Return amounts per cohort, in the order of the cohorts."""
    units = _units(log, asked)
    counted = log.run(
        units.group_by("cohort", "ends").aggregate(n=units.count()).order_by("cohort", "ends")
    ).to_pylist()
    events = log.named(asked.purchase, log.once)
    events = events.filter(events["value"].notnull() & (events["value"] != 0.0))
    joined = events.join(units, "unit")
    elapsed = events["time"].delta(units["start"], unit="microsecond")
    place = (elapsed // microseconds(asked.step)).cast("int64") + 1
    rows = joined.select(
        events["unit"],
        units["cohort"],
        units["ends"],
        after=events["time"] >= units["start"],
        place=place,
        value=events["value"].cast("float64"),
    )
    rows = rows.filter(rows["after"] & (rows["place"] <= rows["ends"]))
    steps = log.keep(
        rows.group_by("cohort", "ends", "unit", "place").aggregate(amount=rows["value"].sum())
    )
    by_end = log.run(
        steps.group_by("cohort", "ends", "place").aggregate(amount=steps["amount"].sum())
    ).to_pylist()
    other = steps.view()
    pairs = steps.join(other, "unit").select(
        steps["cohort"],
        first=steps["place"],
        second=other["place"],
        product=steps["amount"] * other["amount"],
    )
    pairs = pairs.filter(pairs["first"] <= pairs["second"])
    products = log.run(
        pairs.group_by("cohort", "first", "second").aggregate(product=pairs["product"].sum())
    ).to_pylist()
    found = {row["cohort"]: _Sums(asked.steps) for row in counted}
    for row in counted:
        found[row["cohort"]].ended[row["ends"]] += row["n"]
    for row in by_end:
        found[row["cohort"]].by_end[row["ends"] - 1, row["place"] - 1] = row["amount"]
    for row in products:
        i, j = row["first"] - 1, row["second"] - 1
        table = found[row["cohort"]].products
        table[i, j] = table[j, i] = row["product"]
    return Amounts(
        {name: sums.events(asked.step) for name, sums in found.items()},
        {name: int(sums.ended[0]) for name, sums in found.items()},
    )


class _Sums:
    def __init__(self, steps: int) -> None:
        self.ended = np.zeros(steps + 1, dtype=np.int64)
        self.by_end = np.zeros((steps, steps))
        self.products = np.zeros((steps, steps))

    def events(self, step: float) -> RepeatedEvents:
        times = step * np.arange(1, self.ended.size)
        return RepeatedEvents.from_table(times, self.ended[1:], self.by_end, self.products)


def _units(log: EventLog, asked: Question) -> ir.Table:
    """Return unit, cohort, start and the whole steps for which it was watched."""
    if log.arms is not None:
        table = log.arms.units.select("unit", "start", cohort="arm")
    else:
        named = log.named(asked.purchase if asked.start is None else asked.start)
        if asked.start is None:
            named = named.filter(named["value"].notnull())
        table = named.group_by("unit").aggregate(start=named["time"].min())
        day = log.local_day(table["start"])
        table = table.mutate(cohort=period_number(day, asked.cohort))
    clock = ibis.literal(log.clock, "timestamp(6)")
    watched = clock.delta(table["start"], unit="microsecond") // microseconds(asked.step)
    return log.keep(table.mutate(ends=ibis.least(watched, ibis.literal(asked.steps)).cast("int64")))
