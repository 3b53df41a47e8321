"""Arms and covariates become the rows of Cox's partial likelihood."""

from __future__ import annotations

from collections.abc import Sequence
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


def arm_rows(values: Any, covariates: Values, name: str) -> ArmRows:
    """Return the rows of an arm with covariates, one per unit.

    Raises
    ------
    UsageError
        If the arm came summed up, or a covariate is no column of numbers as long as the arm.
    NotEstimable
        ``not_finite`` if a covariate is, or as `EventTimes.from_values`.
    """
    if isinstance(values, EventTimes):
        raise UsageError(
            "A sample that is summed up cannot be joined with covariates",
            given=f"EventTimes of {name} and separate covariates",
            todo="Give (time, observed) with one row per unit.",
        )
    checked = arm_event_times(values, name)
    columns = [as_floats(column, name) for column in values]
    if len(columns) == 2:
        columns.append(np.zeros(columns[0].shape))
    others = covariate_columns(covariates)
    if {column.size for column in others} != {columns[0].size}:
        raise UsageError(
            "Covariates must have one value per unit",
            given=f"{columns[0].size} units of {name}, covariates of "
            f"{[column.size for column in others]}",
            todo="Give covariates in the order of the units.",
        )
    table = np.column_stack([*columns, *others])
    null = np.asarray(np.isnan(table).any(axis=1))
    table = table[~null]
    if not np.isfinite(table[:, 3:]).all():
        raise not_finite()
    late = table[table[:, 2] > 0.0]
    both = np.concatenate([table, late])
    time = np.concatenate([table[:, 0], late[:, 2]])
    observed = np.concatenate([table[:, 1] == 1.0, np.zeros(len(late), dtype=bool)])
    units = np.repeat([1.0, -1.0], [len(table), len(late)])
    n = len(table)
    events = int(observed.sum())
    return ArmRows(
        time, observed, units, both[:, 3:], n, events, checked.nulls + _more(null, columns)
    )


def _more(null: NDArray[np.bool_], columns: Sequence[Floats]) -> int:
    """Return the units that only their covariates leave out."""
    without = np.isnan(columns[0]) | np.isnan(columns[1]) | np.isnan(columns[2])
    return int(null.sum()) - int(without.sum())


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
