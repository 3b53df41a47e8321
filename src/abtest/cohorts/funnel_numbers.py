"""Numbers of funnels: shares with their limits, times, differences of arms by unit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import ibis.expr.types as ir
import numpy as np

from abtest.cohorts.differences import (
    mean_differences,
    moments_of,
    ratio_differences,
    share_differences,
)
from abtest.cohorts.funnel_steps import ALL, QUANTILES, Question, Reached
from abtest.cohorts.log import EventLog
from abtest.stats import (
    Moments,
    MomentsTable,
    NotEstimable,
    proportion_interval,
    ratio_of_totals,
)

if TYPE_CHECKING:
    import pandas as pd

Sums = Mapping[str, float]


def step_rows(
    log: EventLog, found: Reached, asked: Question, confidence_level: float
) -> pd.DataFrame:
    """Return a row per arm and step."""
    import pandas as pd

    sums = _sums(log, found, asked)
    medians = _medians(log, found, asked)
    rows: list[dict[str, Any]] = []
    for arm in _arms(log):
        own = sums[arm]
        entered = _entered(log, found, asked, arm, own)
        before = np.nan
        for k, label in enumerate(asked.labels, 1):
            count = own[f"r{k}"]
            limits = _limits(log, found, asked, arm, own, k, confidence_level)
            rows.append(
                {"arm": arm, "step": k, "label": _label(asked, k, label), "entered": int(entered),
                 "reached": int(count), "share": _over(count, entered)}
                | limits
                | {
                    "step_share": _over(count, before) if k > 1 else np.nan,
                    "dropped": max(int(before - count), 0) if k > 1 else 0,
                    "median_seconds": medians.get((arm, k), np.nan),
                }
            )  # fmt: skip
            before = count
    return pd.DataFrame(rows)


def _label(asked: Question, k: int, label: str) -> str:
    if asked.mode == "any":
        return f"{k} of {asked.count} steps"
    if asked.mode == "any_after_first" and k > 1:
        return f"{asked.labels[0]} and {k - 1} more"
    return label


def _arms(log: EventLog) -> tuple[str, ...]:
    return (ALL,) if log.arms is None else log.arms.names


def _over(part: float, whole: float) -> float:
    return part / whole if whole else np.nan


def _reached(table: ir.Table, asked: Question, k: int) -> ir.Value:
    """Return what a subject adds to a step."""
    if asked.mode == "each":
        return table[f"reached{k}"].cast("float64")
    return (table["depth"] >= k).cast("int8").cast("float64")


def _sums(log: EventLog, found: Reached, asked: Question) -> dict[str, Sums]:
    """Return sums over units, by arm: subjects n, steps r1 ..., and products for limits."""
    depths = found.depths
    steps = range(1, asked.count + 1)
    reached = {f"r{k}": _reached(depths, asked, k).sum() for k in steps}
    units = depths.group_by("arm", "unit").aggregate(n=depths.count().cast("float64"), **reached)
    asked_for = {"n": units["n"].sum(), "n_n": (units["n"] * units["n"]).sum()}
    for k in steps:
        step = units[f"r{k}"]
        asked_for |= {
            f"r{k}": step.sum(),
            f"r{k}_r{k}": (step * step).sum(),
            f"r{k}_n": (step * units["n"]).sum(),
            f"r{k}_r1": (step * units["r1"]).sum(),
        }
    rows = log.run(units.group_by("arm").aggregate(**asked_for)).to_pylist()
    by_arm = {str(row["arm"]): {k: v for k, v in row.items() if k != "arm"} for row in rows}
    nothing = dict.fromkeys(asked_for, 0.0)
    return {arm: by_arm.get(arm, nothing) for arm in _arms(log)}


def _medians(log: EventLog, found: Reached, asked: Question) -> dict[tuple[str, int], float]:
    if not asked.timed or asked.count < 2:
        return {}
    depths = found.depths
    medians = {f"m{k}": depths[f"seconds{k}"].quantile(0.5) for k in range(2, asked.count + 1)}
    rows = log.run(depths.group_by("arm").aggregate(**medians)).to_pylist()
    return {
        (str(row["arm"]), k): np.nan if row[f"m{k}"] is None else float(row[f"m{k}"])
        for row in rows
        for k in range(2, asked.count + 1)
    }


def time_rows(log: EventLog, found: Reached, asked: Question) -> pd.DataFrame:
    """Return quantiles of the time to each step among those who reached it."""
    import pandas as pd

    names = ["arm", "step", "label", "quantile", "seconds"]
    if not asked.timed or asked.count < 2:
        return pd.DataFrame({name: [] for name in names})
    depths = found.depths
    wanted = {
        f"q{k}_{place}": depths[f"seconds{k}"].quantile(quantile)
        for k in range(2, asked.count + 1)
        for place, quantile in enumerate(QUANTILES)
    }
    rows = {
        str(row["arm"]): row
        for row in log.run(depths.group_by("arm").aggregate(**wanted)).to_pylist()
    }
    made = [
        (arm, k, asked.labels[k - 1], quantile, rows[arm][f"q{k}_{place}"])
        for arm in _arms(log)
        if arm in rows
        for k in range(2, asked.count + 1)
        for place, quantile in enumerate(QUANTILES)
    ]
    found_rows = pd.DataFrame(made, columns=names)
    found_rows["seconds"] = found_rows["seconds"].astype("float64")
    return found_rows


def _entered(log: EventLog, found: Reached, asked: Question, arm: str, sums: Sums) -> float:
    """Return what shares are of."""
    if asked.by == "event":
        return sums["r1"]
    if asked.by == "session":
        return sums["n"] if log.arms is not None or asked.mode == "each" else sums["r1"]
    if log.arms is not None or asked.mode == "each":
        return found.units[arm]
    return sums["r1"]


def _ratio(found: Reached, arm: str, sums: Sums, k: int, below: str) -> MomentsTable:
    """Return moments by unit of a step's sessions and of those that the share is of."""
    products = {
        (0, 0): [sums[f"r{k}_r{k}"]],
        (0, 1): [sums[f"r{k}_{below}"]],
        (1, 1): [sums[f"{below}_{below}"]],
    }
    return moments_of([found.units[arm]], [[sums[f"r{k}"]], [sums[below]]], products)


def _limits(
    log: EventLog,
    found: Reached,
    asked: Question,
    arm: str,
    sums: Sums,
    k: int,
    confidence_level: float,
) -> dict[str, float]:
    unknown = {"lower": np.nan, "upper": np.nan}
    entered = _entered(log, found, asked, arm, sums)
    if asked.by == "event" or not entered:
        return unknown
    if asked.by == "unit":
        interval = proportion_interval(
            int(sums[f"r{k}"]), int(entered), confidence_level=confidence_level
        ).interval
    else:
        below = "n" if log.arms is not None or asked.mode == "each" else "r1"
        table = _ratio(found, arm, sums, k, below)
        try:
            ratio = ratio_of_totals(
                Moments(found.units[arm], table.mean[0], table.m2[0]),
                confidence_level=confidence_level,
            )
        except NotEstimable:
            return unknown
        interval = (ratio.lower, ratio.upper) if ratio.status == "bounded" else (None, None)
    low, high = (np.nan if end is None else float(end) for end in interval)
    return {"lower": low, "upper": high}


def differences_of(
    log: EventLog, found: Reached, asked: Question, confidence_level: float
) -> pd.DataFrame:
    """Return treatment minus control of every step, by unit."""
    sums = _sums(log, found, asked)
    steps = range(1, asked.count + 1)
    keys: dict[str, list[Any]] = {
        "step": list(steps),
        "label": [_label(asked, k, label) for k, label in enumerate(asked.labels, 1)],
    }
    arms = _arms(log)
    if asked.by == "unit":
        counts = {
            arm: ([found.units[arm]] * asked.count, [sums[arm][f"r{k}"] for k in steps])
            for arm in arms
        }
        return share_differences(counts, keys, confidence_level=confidence_level)
    if asked.by == "event":
        means = {
            arm: moments_of(
                [found.units[arm]] * asked.count,
                [[sums[arm][f"r{k}"] for k in steps]],
                {(0, 0): [sums[arm][f"r{k}_r{k}"] for k in steps]},
            )
            for arm in arms
        }
        return mean_differences(means, keys, confidence_level=confidence_level)
    ratios = {
        arm: moments_of(
            [found.units[arm]] * asked.count,
            [[sums[arm][f"r{k}"] for k in steps], [sums[arm]["n"]] * asked.count],
            {
                (0, 0): [sums[arm][f"r{k}_r{k}"] for k in steps],
                (0, 1): [sums[arm][f"r{k}_n"] for k in steps],
                (1, 1): [sums[arm]["n_n"]] * asked.count,
            },
        )
        for arm in arms
    }
    return ratio_differences(ratios, keys, confidence_level=confidence_level)
