"""What a look over a log counts: repeats, strange times, days without events, busy units."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import ibis
import ibis.expr.types as ir
import numpy as np

from abtest.cohorts.log import EventLog
from abtest.cohorts.periods import first_date, period_number

if TYPE_CHECKING:
    import pandas as pd

EARLIEST = datetime(2000, 1, 1)
"""Events of before are taken for a wrong clock."""
EXTREME = 10
"""So many times the 99th percentile of events per unit is extreme."""
QUIET = 0.1
"""A day with less than this share of the median day's events around it is quiet."""
AROUND, ENOUGH = 15, 20
"""Days of that median, and its least number of events: fewer vary by chance alone."""


@dataclass(frozen=True, eq=False)
class Counted:
    """Numbers of a log.

    Attributes
    ----------
    events, repeats
        Rows that are read, and how many of them repeat another exactly.
    old, epoch, midnight
        Events of before the year 2000, of them those of 1 January 1970, and events at local
        midnight to the microsecond.
    tied
        Events that share unit and time with another event.
    units, most, median, high
        Units, and events per unit: the largest number, the median and the 99th percentile.
    extreme, extreme_events
        Units with more than ten times the 99th percentile, and their events.
    """

    events: int
    repeats: int
    old: int
    epoch: int
    midnight: int
    tied: int
    units: int
    most: int
    median: float
    high: float
    extreme: int
    extreme_events: int

    @property
    def once(self) -> int:
        """Events without exact repeats."""
        return self.events - self.repeats


def count_log(log: EventLog, once: ir.Table) -> Counted:
    """Return the numbers of a log, of which `once` are the events without exact repeats."""
    events = log.events
    time = events["time"]
    instant = ibis.interval(microseconds=1)
    midnight = log.event_day(time) != log.event_day(time - instant)
    old = time < ibis.literal(EARLIEST, "timestamp(6)")
    epoch = time.date() == ibis.date("1970-01-01")
    found = _one(
        log,
        events.aggregate(
            events=events.count(),
            old=old.cast("int64").sum(),
            epoch=epoch.cast("int64").sum(),
            midnight=midnight.cast("int64").sum(),
        ),
    )
    moments = once.group_by("unit", "time").aggregate(n=once.count())
    tied = _one(log, moments.aggregate(n=moments["n"].sum(where=moments["n"] > 1)))
    units = log.keep(once.group_by("unit").aggregate(n=once.count()))
    n = units["n"]
    spread = _one(
        log,
        units.aggregate(
            units=units.count(), most=n.max(), once=n.sum(), median=n.quantile(0.5),
            high=n.quantile(0.99),
        ),
    )  # fmt: skip
    far = n > EXTREME * float(spread["high"])
    extreme = _one(log, units.aggregate(n=far.cast("int64").sum(), events=n.sum(where=far)))
    return Counted(
        events=found["events"],
        repeats=found["events"] - spread["once"],
        old=found["old"],
        epoch=found["epoch"],
        midnight=found["midnight"],
        tied=int(tied["n"] or 0),
        units=spread["units"],
        most=spread["most"],
        median=float(spread["median"]),
        high=float(spread["high"]),
        extreme=extreme["n"],
        extreme_events=int(extreme["events"] or 0),
    )


def events_by_day(log: EventLog) -> pd.DataFrame:
    """Return day, events, gap and quiet from the first to the last day with events.

    Days of before the year 2000 are left out.
    """
    import pandas as pd

    events = log.events.filter(log.events["time"] >= ibis.literal(EARLIEST, "timestamp(6)"))
    days = events.select(number=period_number(log.event_day(events["time"]), "day"))
    rows = log.run(days.group_by("number").aggregate(n=days.count()).order_by("number"))
    counts = dict(zip(rows["number"].to_pylist(), rows["n"].to_pylist(), strict=True))
    numbers = range(min(counts), max(counts) + 1) if counts else range(0)
    n = np.array([counts.get(number, 0) for number in numbers], dtype=np.int64)
    around = pd.Series(np.where(n > 0, n, np.nan)).rolling(AROUND, center=True, min_periods=1)
    usual = around.median().to_numpy(dtype=np.float64)
    # the first and the last day may be cut by the log's ends
    inner = np.zeros(len(n), dtype=bool)
    inner[1:-1] = True
    return pd.DataFrame(
        {
            "day": [first_date(number, "day").isoformat() for number in numbers],
            "events": n,
            "gap": n == 0,
            "quiet": inner & (n > 0) & (usual >= ENOUGH) & (n < QUIET * usual),
        }
    )


def events_by_name(log: EventLog, once: ir.Table) -> pd.DataFrame:
    """Return event, events, units and share, the most frequent first."""
    by_unit = once.group_by("event", "unit").aggregate(n=once.count())
    names = by_unit.group_by("event").aggregate(events=by_unit["n"].sum(), units=by_unit.count())
    found: pd.DataFrame = log.run(
        names.order_by([names["events"].desc(), names["event"]])
    ).to_pandas()
    return found.assign(share=found["events"] / found["events"].sum())


@dataclass(frozen=True, eq=False)
class Exposed:
    """Numbers of a log beside its exposures.

    Attributes
    ----------
    units, silent
        Per arm: units, and how many of them have no event from exposure on.
    strangers
        Units with events that are in no arm.
    early
        Units exposed before the first event of the log.
    before, of_exposed
        Events of units in arms before their exposure, and all events of theirs.
    """

    units: dict[str, int]
    silent: dict[str, int]
    strangers: int
    early: int
    before: int
    of_exposed: int


def count_exposed(log: EventLog, once: ir.Table) -> Exposed:
    """Return the numbers of a log beside its exposures."""
    assert log.arms is not None
    arms = log.arms.units
    joined = once.join(arms, "unit")
    after = joined.select(once["unit"], after=(once["time"] >= arms["start"]).cast("int64"))
    by_unit = log.keep(
        after.group_by("unit").aggregate(n=after.count(), after=after["after"].sum())
    )
    whole = arms.left_join(by_unit, "unit")
    silent = (by_unit["after"].fill_null(0) == 0).cast("int64")
    early = (arms["start"] < ibis.literal(log.facts.first, "timestamp(6)")).cast("int64")
    flags = whole.select(arm=arms["arm"], silent=silent, early=early)
    rows = log.run(
        flags.group_by("arm").aggregate(
            n=flags.count(), silent=flags["silent"].sum(), early=flags["early"].sum()
        )
    ).to_pylist()
    totals = _one(log, by_unit.aggregate(n=by_unit["n"].sum(), after=by_unit["after"].sum()))
    met = once.select("unit").distinct()
    strangers = _one(log, met.anti_join(arms, "unit").aggregate(n=lambda table: table.count()))
    by_arm = {row["arm"]: row for row in rows}
    events, later = int(totals["n"] or 0), int(totals["after"] or 0)
    return Exposed(
        units={name: by_arm[name]["n"] for name in log.arms.names},
        silent={name: by_arm[name]["silent"] for name in log.arms.names},
        strangers=strangers["n"],
        early=sum(row["early"] for row in rows),
        before=events - later,
        of_exposed=events,
    )


def _one(log: EventLog, expression: ir.Table) -> dict[str, Any]:
    found: dict[str, Any] = log.run(expression).to_pylist()[0]
    return found
