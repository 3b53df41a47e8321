"""Arms and covariates become the rows of Cox's partial likelihood."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from abtest.errors import UsageError
from abtest.stats.columns import covariate_columns
from abtest.stats.floats import Values, as_floats
from abtest.stats.moments import Floats
from abtest.stats.not_estimable import NotEstimable, not_finite
from abtest.stats.survival.cox import HazardRows
from abtest.stats.survival.event_times import EventTimes, arm_event_times


@dataclass(frozen=True, eq=False)
class ArmRows:
    """One arm: rows of (time, observed, units, covariates...), entries with negative units.

    `n`, `events` and `nulls` count units.
    """

    time: Floats
    observed: NDArray[np.bool_]
    units: Floats
    covariates: Floats
    n: int
    events: int
    nulls: int


def summed_rows(arm: EventTimes) -> ArmRows:
    """Return the rows of an arm without covariates: one per distinct time and fate."""
    times = np.concatenate([arm.times, arm.times, arm.times])
    units = np.concatenate([arm.events, arm.censored, -arm.entries]).astype(np.float64)
    observed = np.repeat([True, False, False], arm.times.size)
    kept = units != 0.0
    none = np.zeros((int(kept.sum()), 0))
    events = int(arm.events.sum())
    return ArmRows(times[kept], observed[kept], units[kept], none, arm.n, events, arm.nulls)


def arm_rows(values: Any, covariates: Values, units: Values | None, name: str) -> ArmRows:
    """Return the rows of an arm with covariates, each for one unit or for as many as given.

    Raises
    ------
    UsageError
        If the arm came summed up, or a column is no column of numbers as long as the arm.
    NotEstimable
        ``not_finite`` if a covariate is, ``not_a_count`` of units, or as
        `EventTimes.from_values`.
    """
    if isinstance(values, EventTimes):
        raise UsageError(
            "A sample that is summed up cannot be joined with covariates",
            given=f"EventTimes of {name} and separate covariates",
            todo="Give (time, observed) with one row per unit, or rows and their units.",
        )
    arm_event_times(values, name)  # refuses what no unit can be
    columns = [as_floats(column, name) for column in values]
    if len(columns) == 2:
        columns.append(np.zeros(columns[0].shape))
    columns.append(np.ones(columns[0].shape) if units is None else as_floats(units, "units"))
    columns += covariate_columns(covariates)
    if len({column.size for column in columns}) != 1:
        raise UsageError(
            "Covariates and units must have one value per row",
            given=f"{columns[0].size} rows of {name}, columns of "
            f"{[column.size for column in columns[3:]]}",
            todo="Give them in the order of the rows.",
        )
    table = np.column_stack(columns)
    count = table[:, 3]
    if not ((count >= 0.0) & (count < 2.0**53) & (np.trunc(count) == count)).all():
        raise NotEstimable(
            "not_a_count",
            "Numbers of units must be whole and at least 0",
            given=f"units of {name}: {count[:5].tolist()}",
            todo="Give the number of units that each row stands for.",
        )
    null = np.asarray(np.isnan(table).any(axis=1))
    used = table[~null & (count > 0.0)]
    if not np.isfinite(used[:, 4:]).all():
        raise not_finite()
    late = used[used[:, 2] > 0.0]
    observed = used[:, 1] == 1.0
    return ArmRows(
        time=np.concatenate([used[:, 0], late[:, 2]]),
        observed=np.concatenate([observed, np.zeros(len(late), dtype=bool)]),
        units=np.concatenate([used[:, 3], -late[:, 3]]),
        covariates=np.concatenate([used, late])[:, 4:],
        n=int(used[:, 3].sum()),
        events=int(used[observed, 3].sum()),
        nulls=int(count[null].sum()),
    )


def joined(arms: tuple[ArmRows, ArmRows]) -> tuple[HazardRows, Floats]:
    """Return the rows of both arms, the arm first among the values, and the scales of those.

    Values are centred and divided by their standard deviation, the scale.

    Raises
    ------
    NotEstimable
        ``covariates_unusable`` if one is constant, repeats others, or is too large to square.
    """
    time, observed, units = (
        np.concatenate([getattr(arm, name) for arm in arms])
        for name in ("time", "observed", "units")
    )
    treated = np.repeat([0.0, 1.0], [arm.time.size for arm in arms])
    values = np.column_stack([treated, np.concatenate([arm.covariates for arm in arms])])
    exits = np.maximum(units, 0.0)
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        values = values - np.average(values, axis=0, weights=exits)
        scale = np.sqrt(np.average(values * values, axis=0, weights=exits))
        values = values / scale if (scale > 0.0).all() else values
        shared = (values * exits[:, None]).T @ values / exits.sum()
    usable = np.isfinite(scale).all() and (scale > 1e-150).all() and np.isfinite(shared).all()
    if not usable or np.linalg.eigvalsh(shared)[0] < 1e-10:
        raise NotEstimable(
            "covariates_unusable",
            "A covariate is constant, repeats others or the arm, or is too large to square",
            todo="Leave it out, or give it in another unit.",
        )
    times = np.unique(time[observed])
    place = np.searchsorted(times, time, side="right")
    events = np.bincount(place[observed] - 1, units[observed], times.size).astype(np.float64)
    return HazardRows(place, observed, units, values, times, events), scale
