"""Numbers of sessions: per arm with intervals by unit, and differences of arms by unit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from abtest.cohorts.differences import holm, mean_differences, moments_of, ratio_differences
from abtest.cohorts.sessions_runs import PAIRS
from abtest.stats import Moments, MomentsTable, NotEstimable, ratio_of_totals

if TYPE_CHECKING:
    import pandas as pd

Totals = Mapping[str, float]
MEASURES: dict[str, tuple[str, str]] = {
    "sessions_per_unit": ("sessions", "units"),
    "mean_seconds": ("seconds", "sessions"),
    "events_per_session": ("events", "sessions"),
    "bounce_share": ("bounces", "sessions"),
}
"""Each is a total over another; the units are the sample."""


def wide_row(arm: str, units: int, totals: Totals | None) -> dict[str, Any]:
    """Return an arm's row of the table."""
    found = totals or {}
    return {
        "arm": arm,
        "units": units,
        "sessions": int(found.get("sessions", 0)),
        "sessions_per_unit": _over(found.get("sessions", 0.0), units),
        "mean_seconds": _over(found.get("seconds", 0.0), found.get("sessions", 0.0)),
        "median_seconds": found.get("median", np.nan),
        "events_per_session": _over(found.get("events", 0.0), found.get("sessions", 0.0)),
        "bounce_share": _over(found.get("bounces", 0.0), found.get("sessions", 0.0)),
    }


def long_rows(
    arm: str, units: int, totals: Totals | None, confidence_level: float
) -> list[dict[str, Any]]:
    """Return an arm's measures with their intervals by unit; the median of sessions has none."""
    row = wide_row(arm, units, totals)
    rows = []
    for measure in MEASURES:
        limits = _limits(units, totals or {}, measure, confidence_level)
        rows.append({"measure": measure, "value": row[measure]} | limits)
    rows.append(
        {"measure": "median_seconds", "value": row["median_seconds"], "lower": np.nan,
         "upper": np.nan}
    )  # fmt: skip
    return rows


def differences_of(
    arms: Sequence[str],
    units: Mapping[str, int],
    totals: Mapping[str, Totals | None],
    confidence_level: float,
) -> pd.DataFrame:
    """Return treatment minus control for every measure, by unit; Holm over an arm's measures."""
    import pandas as pd

    parts = []
    for measure, (top, below) in MEASURES.items():
        tables = {name: _moments(units[name], totals[name] or {}, top, below) for name in arms}
        keys = {"measure": [measure]}
        if below == "units":
            means = {
                name: MomentsTable(t.n, t.mean[:, :1], t.m2[:, :1, :1])
                for name, t in tables.items()
            }
            parts.append(mean_differences(means, keys, confidence_level=confidence_level))
        else:
            parts.append(ratio_differences(tables, keys, confidence_level=confidence_level))
    found = pd.concat(parts, ignore_index=True)
    places = {name: position for position, name in enumerate(arms)}
    found = found.sort_values("arm", key=lambda names: names.map(places), kind="stable")
    for name in arms[1:]:
        own = found["arm"] == name
        found.loc[own, "p_adjusted"] = holm(found.loc[own, "p_value"].to_numpy())
    return found.reset_index(drop=True)


def _over(total: float, below: float) -> float:
    return total / below if below else np.nan


def _moments(units: int, totals: Totals, top: str, below: str) -> MomentsTable:
    """Return the moments of numerator and denominator per unit; the units without sessions are 0.

    The denominator `units` is 1 for each.
    """
    sums = [totals.get(top, 0.0), units if below == "units" else totals.get(below, 0.0)]
    products = {(0, 0): totals.get(f"{top}_{top}", 0.0)}
    if below == "units":
        products |= {(0, 1): sums[0], (1, 1): float(units)}
    else:
        assert (top, below) in PAIRS
        products[0, 1] = totals.get(f"{top}_{below}", 0.0)
        products[1, 1] = totals.get(f"{below}_{below}", 0.0)
    return moments_of(
        [units], [[x] for x in sums], {place: np.array([x]) for place, x in products.items()}
    )


def _limits(units: int, totals: Totals, measure: str, confidence_level: float) -> dict[str, float]:
    unknown = {"lower": np.nan, "upper": np.nan}
    if not units:
        return unknown
    table = _moments(units, totals, *MEASURES[measure])
    try:
        found = ratio_of_totals(
            Moments(units, table.mean[0], table.m2[0]), confidence_level=confidence_level
        )
    except NotEstimable:
        return unknown
    if found.status != "bounded":
        return unknown
    assert found.lower is not None
    assert found.upper is not None
    return {"lower": found.lower, "upper": found.upper}
