"""Differences of paths between arms, by unit: a test per cell, and false discoveries over all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from abtest.cohorts.differences import (
    FEW,
    LEAST_UNITS,
    discovered,
    moments_of,
    residual_ratio_differences,
    share_differences,
)
from abtest.stats import MomentsTable

if TYPE_CHECKING:
    import pandas as pd


def transition_differences(
    cells: pd.DataFrame, units: Mapping[str, int], confidence_level: float
) -> pd.DataFrame:
    """Return differences of P(target | source) by unit, with false discoveries under control.

    With n transitions of a unit from the source to the target, of t from the source, and the ratio
    R = sum n / sum t of both arms together, n - R t is what the unit has beyond what is expected of
    it. To deal the units to the arms in another way does not change R: the permutation test of the
    difference of the means of n - R t is one of units, and Student's t test of these means is what
    it comes to with many units. It holds its level in small and unequal arms, where the delta
    method's test does not; that one holds where the arms differ in spread. The p-value is the
    larger of the two: where it is small, the delta method's interval does not hold 0.

    Parameters
    ----------
    cells
        A row per arm and transition, the same transitions in the same order in every arm: arm,
        source, target, n, units, only, nn, nt, t, visitors, tt; see `Walks`.
    units
        Per arm, control first.
    confidence_level
        Of every interval by itself.
    """
    parts = {arm: cells[cells["arm"] == arm] for arm in units}
    moments = {
        arm: _ratio(units[arm], part, ("n", "t"), ("nn", "nt", "tt")) for arm, part in parts.items()
    }
    keys = {name: next(iter(parts.values()))[name].tolist() for name in ("source", "target")}
    found = residual_ratio_differences(moments, keys, confidence_level=confidence_level)
    return _judged(found, parts, lambda part: part["visitors"].to_numpy())


def step_differences(
    places: pd.DataFrame, sizes: pd.DataFrame, confidence_level: float, *, by_session: bool
) -> pd.DataFrame:
    """Return differences of the shares of paths at each event at each step, by unit.

    Parameters
    ----------
    places
        A row per arm, step and event: arm, step, node, m, units, only, mm, ms; see `Walks`.
    sizes
        Per arm, control first: units, walked, paths, ss.
    confidence_level
        Of every interval by itself.
    by_session
        Whether a unit has several paths; else it has one.
    """
    met = places.groupby(["step", "node"])["m"].transform("sum") > 0
    parts = {arm: places[met & (places["arm"] == arm)] for arm in sizes.index}
    first = next(iter(parts.values()))
    keys: dict[str, list[Any]] = {"step": first["step"].tolist(), "event": first["node"].tolist()}
    if by_session:
        moments = {}
        for arm, part in parts.items():
            of = sizes.loc[arm]
            whole = part.assign(s=of["paths"], ss=of["ss"])
            moments[arm] = _ratio(int(of["units"]), whole, ("m", "s"), ("mm", "ms", "ss"))
        found = residual_ratio_differences(moments, keys, confidence_level=confidence_level)
        return _judged(
            found,
            parts,
            lambda part: np.full(len(part), sizes.loc[part["arm"].iloc[0], "walked"]),
        )
    counts = {
        arm: (np.full(len(part), sizes.loc[arm, "paths"]), part["m"].to_numpy())
        for arm, part in parts.items()
    }
    found = share_differences(counts, keys, confidence_level=confidence_level)
    return discovered(found)


def negative_differences(negative: pd.DataFrame, confidence_level: float) -> pd.DataFrame:
    """Return differences of the shares of units that did what nobody wants, by unit."""
    parts = {str(arm): part for arm, part in negative.groupby("arm", sort=False)}
    counts = {
        arm: (part["exposed"].to_numpy(), part["units"].to_numpy()) for arm, part in parts.items()
    }
    keys = {"event": next(iter(parts.values()))["event"].tolist()}
    return share_differences(counts, keys, confidence_level=confidence_level)


def _ratio(
    units: int, part: pd.DataFrame, sums: tuple[str, str], products: tuple[str, str, str]
) -> MomentsTable:
    places = ((0, 0), (0, 1), (1, 1))
    return moments_of(
        np.full(len(part), units),
        [part[name].to_numpy() for name in sums],
        {place: part[name].to_numpy() for place, name in zip(places, products, strict=True)},
    )


def _judged(found: pd.DataFrame, parts: Mapping[str, pd.DataFrame], visitors: Any) -> pd.DataFrame:
    """Return the rows without tests where few units are in a cell, or few are not."""
    control, *treatments = parts
    rows = {name: parts[name][["units", "only"]].to_numpy() for name in parts}
    there = {name: visitors(parts[name]) for name in parts}
    few = []
    for arm in treatments:
        both = there[control] + there[arm]
        inside = rows[control][:, 0] + rows[arm][:, 0]
        outside = both - rows[control][:, 1] - rows[arm][:, 1]
        least = np.minimum(there[control], there[arm])
        few.append(np.minimum(np.minimum(inside, outside), least) < LEAST_UNITS)
    few_rows = np.concatenate(few)
    before = [there[control] for _ in treatments]
    after = [there[arm] for arm in treatments]
    found.insert(found.columns.get_loc("control_value"), "units_control", np.concatenate(before))  # type: ignore[arg-type]
    found.insert(found.columns.get_loc("control_value"), "units", np.concatenate(after))  # type: ignore[arg-type]
    found.loc[few_rows, ["lower", "upper", "p_value"]] = np.nan
    found.loc[few_rows & (found["status"] == "ok").to_numpy(), "status"] = FEW
    return discovered(found)
