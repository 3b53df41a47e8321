"""Gaps between active days of units, thresholds from them, and the gap each unit is in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import ibis
import ibis.expr.types as ir
import numpy as np

from abtest.cohorts.log import EventLog
from abtest.data.clock import local_date

if TYPE_CHECKING:
    import pandas as pd

ALL = "all units"
"""Name of the units of a log without arms."""
NO_GROUP = "none"
"""Group of units that the table of groups does not have."""
_ROUNDING = 1e-9
"""Shares of counts this close to a quantile reach it."""


@dataclass(frozen=True)
class Question:
    """What is asked of a log, as `inactivity_alarm` has it."""

    active: tuple[str, ...] | None
    quantile: float
    min_gaps: int
    top: int


@dataclass(frozen=True, eq=False)
class Silence:
    """Gaps, thresholds and units.

    Attributes
    ----------
    counts
        By arm and origin of the threshold: units, those over it, median threshold.
    groups
        By arm and group: the same; empty without groups.
    never
        Per arm the units without an active day.
    top, gaps, units, pooled
        As `InactivityAlarm` has them.
    """

    counts: dict[tuple[str, str], tuple[int, int, float]]
    groups: dict[tuple[str, str], tuple[int, int, float]]
    never: dict[str, int]
    top: pd.DataFrame
    gaps: pd.DataFrame
    units: ir.Table
    pooled: int | None


def silence_of(log: EventLog, asked: Question, by: ir.Table | None = None) -> Silence:
    """Return the gaps of a log, and how long each unit is silent.

    `by` has the columns unit and group.
    """
    days = log.keep(_days(log, asked))
    counted = log.run(
        days.filter(days["gap"].notnull())
        .group_by("arm", days=days["gap"])
        .aggregate(gaps=lambda t: t.count())
        .order_by("arm", "days")
    ).to_pandas()
    pooled = _pooled(counted, asked.quantile)
    whole = _units(log, days, asked, pooled)
    if by is not None:
        joined = whole.left_join(by, "unit")
        group = by["group"].fill_null(NO_GROUP)
        whole = joined.select(*(whole[name] for name in whole.columns), group=group)
    units = log.keep(whole)
    best = units.filter(units["over"]).order_by(
        ibis.desc("times"), ibis.desc("days_silent"), "unit"
    )
    top = log.run(best.limit(asked.top).drop("over")).to_pandas()
    return Silence(
        counts=_counts(log, units, "threshold_from", "both"),
        groups={} if by is None else _counts(log, units, "group", None),
        never=_never(log, units),
        top=top,
        gaps=_shares(counted),
        units=units,
        pooled=pooled,
    )


def _days(log: EventLog, asked: Question) -> ir.Table:
    """Return arm, unit, active day and the days since the one before; null for the first."""
    events, keys = log.named(asked.active), ["unit"]
    if log.arms is not None:
        joined = events.join(log.arms.units, "unit")
        events, keys = joined.filter(joined["time"] >= joined["start"]), ["arm", "unit"]
    days = events.select(*keys, day=log.event_day(events["time"])).distinct()
    if log.arms is None:
        days = days.mutate(arm=ibis.literal(ALL))
    before = days["day"].lag().over(ibis.window(group_by="unit", order_by="day"))
    return days.mutate(gap=days["day"].delta(before, unit="day").cast("int64"))


def _pooled(counted: pd.DataFrame, quantile: float) -> int | None:
    """Return the shortest gap that this share of all gaps does not exceed."""
    if counted.empty:
        return None
    by_days = counted.groupby("days")["gaps"].sum().sort_index()
    reached = np.cumsum(by_days.to_numpy()) >= quantile * by_days.sum() - _ROUNDING
    return int(by_days.index[int(np.argmax(reached))])


def _units(log: EventLog, days: ir.Table, asked: Question, pooled: int | None) -> ir.Table:
    """Return one row per unit with an active day."""
    unit = ibis.window(group_by="unit")
    gaps = days.filter(days["gap"].notnull())
    rank = ibis.row_number().over(ibis.window(group_by="unit", order_by=gaps["gap"])) + 1
    ranked = gaps.mutate(rank=rank, n=gaps["gap"].count().over(unit))
    reached = ranked["rank"] >= asked.quantile * ranked["n"] - _ROUNDING
    own = ranked.group_by("unit").aggregate(
        gaps=ranked["n"].max(), own=ranked["gap"].min(where=reached)
    )
    last = days.group_by("unit", "arm").aggregate(last_active=days["day"].max())
    whole = last.left_join(own, "unit").select(
        last["unit"], "arm", "last_active", gaps=own["gaps"].fill_null(0), own=own["own"]
    )
    enough = whole["gaps"] >= asked.min_gaps
    today = ibis.literal(local_date(log.as_of, log.timezone))
    silent = today.delta(whole["last_active"], unit="day").cast("int64")
    whole = whole.mutate(
        days_silent=silent,
        threshold=ibis.ifelse(enough, whole["own"], ibis.literal(pooled, "int64")),
        threshold_from=ibis.ifelse(enough, "own gaps", "all gaps"),
    )
    times = whole["days_silent"].cast("float64") / whole["threshold"].cast("float64")
    over = (whole["days_silent"] > whole["threshold"]).fill_null(False)
    return whole.select(
        "unit", "arm", "last_active", "days_silent", "gaps", "threshold", "threshold_from",
        times=times, over=over,
    )  # fmt: skip


def _counts(
    log: EventLog, units: ir.Table, key: str, every: str | None
) -> dict[tuple[str, str], tuple[int, int, float]]:
    """Return units, those over and the median threshold by arm and key, and of arms as `every`."""
    asked: dict[str, Any] = {
        "n": units.count(),
        "over": units["over"].ifelse(1, 0).sum(),
        "middle": units["threshold"].median(),
    }
    rows = log.run(units.group_by("arm", key).aggregate(**asked)).to_pylist()
    if every is not None:
        whole = log.run(units.group_by("arm").aggregate(**asked)).to_pylist()
        rows += [row | {key: every} for row in whole]
    return {
        (row["arm"], row[key]): (
            int(row["n"]), int(row["over"]), np.nan if row["middle"] is None else row["middle"]
        )
        for row in rows
    }  # fmt: skip


def _never(log: EventLog, units: ir.Table) -> dict[str, int]:
    if log.arms is None:
        return {}
    of_arms = log.arms.units
    silent = of_arms.anti_join(units, "unit").group_by("arm").aggregate(n=lambda t: t.count())
    return {row["arm"]: int(row["n"]) for row in log.run(silent).to_pylist()}


def _shares(counted: pd.DataFrame) -> pd.DataFrame:
    total = counted.groupby("arm")["gaps"].transform("sum")
    return counted.assign(share=counted.groupby("arm")["gaps"].cumsum() / total)
