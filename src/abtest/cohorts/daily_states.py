"""The states of units by day, and how often they stay active from one day to the next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np

from abtest.cohorts.differences import moments_of
from abtest.cohorts.log import EventLog
from abtest.cohorts.unit_periods import Counts, active_within, counts_by_period
from abtest.stats import MomentsTable

WEEK, MONTH = 7, 30
"""Days since the last activity up to which an active unit is current, and reactivated."""
ACTIVE = ("new", "current", "reactivated", "resurrected")
AWAY = ("at_risk_wau", "at_risk_mau", "dormant")


def state_rows(rows: ir.Table) -> ir.Table:
    """Return the rows of `unit_periods` by day, with the unit's state on that day."""
    gap = rows["number"] - rows["before"]
    return rows.mutate(
        state=ibis.cases(
            (gap.isnull(), "new"),
            (gap <= WEEK, "current"),
            (gap <= MONTH, "reactivated"),
            else_="resurrected",
        )
    )


def state_counts(
    cohort: str, found: Mapping[str, Mapping[str, Counts]], size: int
) -> dict[str, Counts]:
    """Return the units of one cohort by state and day.

    Units away are counted as differences: those active within 7 days less those active today,
    within 30 days less within 7, ever less within 30.
    """
    none = np.zeros(size, dtype=np.int64)
    counts = {state: found[state].get(cohort, none) for state in ACTIVE}
    today = sum(counts.values(), none)
    week, month = (found[name].get(cohort, none) for name in ("week", "month"))
    counts["at_risk_wau"] = week - today
    counts["at_risk_mau"] = month - week
    counts["dormant"] = np.cumsum(counts["new"]) - month
    return counts


def daily_counts(
    log: EventLog, rows: ir.Table, first: int, size: int
) -> dict[str, dict[str, Counts]]:
    """Return per state, cohort and day the active units; and those of the last 7 and 30 days."""
    found = {}
    for state in ACTIVE:
        part = rows.filter(rows["state"] == state)
        found[state] = counts_by_period(log, part, part["number"], first, size)
    starts = counts_by_period(log, rows, rows["number"], first, size)
    for name, length in (("week", WEEK), ("month", MONTH)):
        found[name] = active_within(log, rows, length, first, starts, size)
    return found


def rate_moments(log: EventLog, rows: ir.Table, end: int) -> dict[str, MomentsTable]:
    """Return per cohort the moments of days active tomorrow over days in a state, by unit.

    One row per state of `ACTIVE`. Days whose tomorrow is not complete are left out. All exposed
    units count, or all that were ever active; those never in a state are (0, 0).
    """
    known = rows["number"] + 1 < end
    again = known & (rows["after"] == rows["number"] + 1).fill_null(False)
    asked = {}
    for state in ACTIVE:
        of_state = rows["state"] == state
        asked[f"x_{state}"] = (known & of_state).cast("int64").sum()
        asked[f"y_{state}"] = (again & of_state).cast("int64").sum()
    units = rows.group_by("cohort", "unit").aggregate(**asked)
    sums: dict[str, ir.Value] = {"units": units.count()}
    for state in ACTIVE:
        x, y = units[f"x_{state}"], units[f"y_{state}"]
        sums |= {f"x_{state}": x.sum(), f"y_{state}": y.sum(), f"xx_{state}": (x * x).sum()}
        sums |= {f"xy_{state}": (x * y).sum(), f"yy_{state}": (y * y).sum()}
    found = log.run(units.group_by("cohort").aggregate(**sums)).to_pylist()
    by_cohort: dict[str, dict[str, Any]] = {row["cohort"]: row for row in found}
    sizes = _sizes(log, by_cohort)
    return {name: _moments(by_cohort.get(name, {}), size) for name, size in sizes.items()}


def _sizes(log: EventLog, found: Mapping[str, dict[str, Any]]) -> dict[str, int]:
    if log.arms is None:
        return {"all": found.get("all", {}).get("units", 0)}
    units = log.arms.units
    counted = log.run(units.group_by("arm").aggregate(n=units.count())).to_pylist()
    sizes = {row["arm"]: row["n"] for row in counted}
    return {name: sizes[name] for name in log.arms.names}


def _moments(row: Mapping[str, Any], size: int) -> MomentsTable:
    def of(name: str) -> list[int]:
        return [row.get(f"{name}_{state}", 0) for state in ACTIVE]

    products = {(0, 0): of("yy"), (0, 1): of("xy"), (1, 1): of("xx")}
    return moments_of([size] * len(ACTIVE), [of("y"), of("x")], products)
