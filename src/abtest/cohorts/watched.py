"""Units of arms whose window is over: those that count, and those that still wait."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir

from abtest.cohorts.log import EventLog
from abtest.data.clock import microseconds


@dataclass(frozen=True, eq=False)
class Watched:
    """Units that are watched for some days from exposure on.

    Attributes
    ----------
    units
        Those whose days are over: unit, arm, start.
    counts
        How many by arm, control first.
    waiting
        How many others there are in all arms.
    """

    units: ir.Table
    counts: Mapping[str, int]
    waiting: int


def watched(log: EventLog, days: float) -> Watched:
    """Return the units of arms whose first `days` days of 24 hours ended by `as_of`."""
    assert log.arms is not None
    units = log.arms.units
    clock = ibis.literal(log.clock, "timestamp(6)")
    over = units["start"] + ibis.interval(microseconds=microseconds(days)) <= clock
    found = log.run(units.group_by("arm").aggregate(n=over.sum(), waiting=(~over).sum()))
    rows = {str(row["arm"]): row for row in found.to_pylist()}
    counts = {name: int(rows[name]["n"]) for name in log.arms.names}
    return Watched(units.filter(over), counts, sum(int(row["waiting"]) for row in rows.values()))
