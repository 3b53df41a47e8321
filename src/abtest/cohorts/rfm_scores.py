"""Recency, frequency and value of units over one window, and their scores by quantile."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import ibis
import ibis.expr.types as ir

from abtest.cohorts.log import EventLog
from abtest.data.clock import microseconds

ALL = "all units"
"""Name of the units of a log without arms."""
NO_PURCHASE = "no purchase"
"""Segment of the units of arms that bought nothing in the window."""
OTHER = "other"
"""Segment of cells that have no name."""
Compare = Literal["cell", "segment"]
_DECIMALS = 6
"""Sums are rounded to so many, so that the order of additions does not part equal ones."""


@dataclass(frozen=True)
class Question:
    """What is asked of a log, as `rfm` has it; `segments` by scores of recency and frequency."""

    purchase: tuple[str, ...] | None
    days: float
    scores: int
    segments: Mapping[tuple[int, int], str]
    outcome: tuple[str, ...]
    outcome_days: float
    compare: Compare


def scored_units(log: EventLog, asked: Question) -> ir.Table:
    """Return one row per unit, kept in the engine.

    Columns unit, arm, recency_days, frequency, value, recency_score, frequency_score,
    value_score and segment. With arms also the units without a purchase, whose numbers are null
    but for the frequency of 0.
    """
    bought = _bought(log, asked)
    n = bought["unit"].count().over(ibis.window())

    def placed(value: ir.Value) -> ir.Value:
        """Return the class of a value from 1 on: of equal ones the lowest that one has."""
        smaller = ibis.rank().over(ibis.window(order_by=value))
        return (smaller * asked.scores // n + 1).cast("int64")

    has_value = "value" in log.events.columns
    unknown = ibis.null("int64")
    units = bought.mutate(
        recency_score=asked.scores + 1 - placed(bought["recency_days"]),
        frequency_score=placed(bought["frequency"]),
        value_score=placed(bought["value"]) if has_value else unknown,
    )
    units = units.mutate(segment=_segment(units, asked))
    columns = (
        "recency_days", "frequency", "value", "recency_score", "frequency_score", "value_score",
        "segment",
    )  # fmt: skip
    if log.arms is None:
        return log.keep(units.select("unit", "arm", *columns))
    of_arms = log.arms.units
    whole = of_arms.left_join(units, "unit")
    found = {name: units[name] for name in columns}
    found["frequency"] = units["frequency"].fill_null(0)
    found["segment"] = units["segment"].fill_null(NO_PURCHASE)
    return log.keep(whole.select(of_arms["unit"], of_arms["arm"], **found))


def _bought(log: EventLog, asked: Question) -> ir.Table:
    """Return unit, arm, recency_days, frequency and value of units with a purchase in the window.

    It ends at `as_of`, with arms before the exposure of each unit.
    """
    events, keys = log.named(asked.purchase), ["unit"]
    if asked.purchase is not None and len(asked.purchase) == 1:
        events = events.drop("event")  # one fact less to compare where repeats are looked for
    length = ibis.interval(microseconds=microseconds(asked.days))
    if log.arms is None:
        end = ibis.literal(log.clock, "timestamp(6)")
        inside = (events["time"] < end) & (events["time"] >= end - length)
    else:
        joined = events.join(log.arms.units, "unit")
        events = joined.select(*events.columns, "arm", end=joined["start"])
        keys += ["arm", "end"]
        inside = (events["time"] < events["end"]) & (events["time"] >= events["end"] - length)
    once = events.filter(inside).distinct()  # exact repeats are one purchase
    has_value = "value" in once.columns
    value = once["value"].sum().fill_null(0.0).round(_DECIMALS) if has_value else None
    units = once.group_by(keys).aggregate(
        last=once["time"].max(),
        frequency=once.count(),
        value=ibis.null("float64") if value is None else value,
    )
    if log.arms is None:
        units = units.mutate(arm=ibis.literal(ALL), end=end)
    passed = units["end"].delta(units["last"], unit="microsecond") // microseconds(1.0)
    return units.select(
        "unit", "arm", "frequency", "value", recency_days=passed.cast("int64")
    )  # fmt: skip


def _segment(units: ir.Table, asked: Question) -> ir.Value:
    width = asked.scores + 1
    place = units["recency_score"] * width + units["frequency_score"]
    named = [(r * width + f, name) for (r, f), name in asked.segments.items()]
    return place.cases(*named, else_=OTHER) if named else ibis.literal(OTHER)


def with_outcome(log: EventLog, units: ir.Table, asked: Question) -> ir.Table:
    """Return the units whose days after exposure have ended, with ``met``: 1 with the outcome."""
    assert log.arms is not None
    length = ibis.interval(microseconds=microseconds(asked.outcome_days))
    clock = ibis.literal(log.clock, "timestamp(6)")
    of_arms = log.arms.units
    ended = of_arms.filter(of_arms["start"] + length <= clock)
    joined = log.named(asked.outcome).join(ended, "unit")
    inside = (joined["time"] >= joined["start"]) & (joined["time"] < joined["start"] + length)
    met = joined.filter(inside).select("unit").distinct().mutate(met=ibis.literal(1))
    known = units.semi_join(ended, "unit")
    return known.left_join(met, "unit").select(
        *(known[name] for name in known.columns), met=met["met"].fill_null(0)
    )
