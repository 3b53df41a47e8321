"""Events and exposures of two arms: the door of the functions on rates."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from abtest.errors import UsageError
from abtest.stats.counts import MOST
from abtest.stats.floats import Values, as_floats
from abtest.stats.joint import quadratic_rows
from abtest.stats.moments import Floats, Moments
from abtest.stats.moments_table import MomentsTable, nulls_of
from abtest.stats.not_estimable import NotEstimable, not_finite
from abtest.stats.value_counts import ValueCounts

Events: TypeAlias = Values | Moments | ValueCounts | float
"""A total of events, or events per unit: a column, `ValueCounts` or `Moments`."""

_ROUNDING = 1e-9
"""Share by which a total made from a mean may miss a whole number."""


@dataclass(frozen=True, eq=False)
class EventTotals:
    """Events and exposure of two arms for r comparisons, control first.

    Attributes
    ----------
    events, exposure
        Totals, shape (2, r).
    units
        Units of each arm, shape (2, r); NaN where only totals are known.
    spread
        Sums over units of (events - rate * exposure)^2, shape (2, r); NaN where only totals are
        known.
    pearson
        The same over the expected events of each unit (Pearson's statistic), shape (2, r); NaN
        where units with different exposures are only known by their moments.
    squares
        Sums over units of exposure^2, shape (2, r); None or NaN where only totals are known.
    nulls
        Units left out because a value was null, shape (2, r); None if there are none.
    """

    events: Floats
    exposure: Floats
    units: Floats
    spread: Floats
    pearson: Floats
    squares: Floats | None = None
    nulls: Floats | None = None

    @property
    def rates(self) -> Floats:
        """Events per exposure, shape (2, r); infinite or NaN where there is none."""
        with np.errstate(all="ignore"):
            return np.asarray(self.events / self.exposure)


@dataclass(frozen=True, eq=False)
class EventArm:
    """Events of one arm: its moments and, where they are known, the values of its units.

    Attributes
    ----------
    moments
        Of (events, exposure) per unit; None where only totals are known.
    events, exposure
        Totals.
    units
        Events, exposure and the units with both, shape (3, k); None where
        values are not known.
    nulls
        Units left out because a value was null.
    """

    moments: Moments | None
    events: float
    exposure: float
    units: Floats | None
    nulls: int


def event_arm(values: Events, exposure: Values | float | None, name: str) -> EventArm:
    """Return one arm from a total, a column, value counts or moments of events.

    Parameters
    ----------
    values
        A whole number (then `exposure` is one too), or events per unit.
    exposure
        Of each unit, such as days; None means 1 each.
    name
        Of the arm, for messages.

    Raises
    ------
    NotEstimable
        ``not_a_count``, ``not_positive``, ``too_few_units`` or ``not_finite``.
    UsageError
        If values and exposure do not fit together.
    """
    if isinstance(values, int | float | np.number) and not isinstance(values, bool):
        return _total(float(values), exposure, name)
    if isinstance(values, Moments):
        return _summed(values, exposure, name)
    if isinstance(values, ValueCounts):
        if exposure is not None:
            raise UsageError(
                "Value counts cannot be joined with exposures",
                given=f"ValueCounts of {name} and an exposure",
                todo="Give columns for both, or Moments of (events, exposure).",
            )
        rows = np.stack([values.values, np.ones(values.values.shape), values.counts])
        return _rows(rows, values.nulls, name)
    events = as_floats(values, name)
    if exposure is not None and (np.ndim(exposure) == 0 or isinstance(exposure, str)):
        raise UsageError(
            "Events per unit need an exposure per unit",
            given=f"one exposure for {events.size} units of {name}",
            todo="Give a column of exposures, or the total of events with the total exposure.",
        )
    observed = np.ones(events.shape) if exposure is None else as_floats(exposure, f"{name} days")
    if observed.shape != events.shape:
        raise UsageError(
            "Events and exposures must be equally long",
            given=f"{events.size} events, {observed.size} exposures of {name}",
            todo="Give one exposure per unit.",
        )
    known = ~(np.isnan(events) | np.isnan(observed))
    nulls = int((~known).sum())
    if exposure is None:  # repeated numbers of events are summed up
        numbers, units = np.unique(events[known], return_counts=True)
        return _rows(np.stack([numbers, np.ones(numbers.shape), units]), nulls, name)
    pairs = [events[known], observed[known], np.ones(int(known.sum()))]
    return _rows(np.stack(pairs), nulls, name)


def totals_of(arms: tuple[EventArm, EventArm]) -> EventTotals:
    """Return the totals of two arms as one row."""
    columns = np.array([_parts(arm) for arm in arms]).T[:, :, None]
    return replace(EventTotals(*columns), nulls=np.array([[float(arm.nulls)] for arm in arms]))


def totals_of_tables(control: MomentsTable, treatment: MomentsTable) -> EventTotals:
    """Return the totals of every row of two tables of events, or of (events, exposure)."""
    parts = []
    for table in (control, treatment):
        moments = table if table.mean.shape[1] > 1 else _with_ones(table)
        with np.errstate(all="ignore"):  # rows without a number get a status
            events = _whole(table.n * table.mean[:, 0])
            exposure = table.n * moments.mean[:, 1]
            spread = _residual(moments.m2, events / exposure)
            pearson = np.where(moments.m2[:, 1, 1] == 0.0, spread * table.n / events, np.nan)
            squares = moments.m2[:, 1, 1] + table.n * moments.mean[:, 1] ** 2
        parts.append((events, exposure, table.n, spread, pearson, squares))
    columns = (np.stack(column) for column in zip(*parts, strict=True))
    return replace(EventTotals(*columns), nulls=nulls_of(control, treatment))


def _parts(arm: EventArm) -> tuple[float, ...]:
    """Return the entries of `EventTotals` for one arm."""
    if arm.moments is None:
        return arm.events, arm.exposure, math.nan, math.nan, math.nan, math.nan
    rate = arm.events / arm.exposure
    spread = float(_residual(arm.moments.m2, np.asarray(rate)))
    pearson = math.nan
    if arm.events == 0.0:
        pearson = 0.0
    elif arm.units is not None:
        events, exposure, units = arm.units[:, arm.units[1] > 0.0]
        expected = rate * exposure
        pearson = float((units * (events - expected) ** 2 / expected).sum())
    elif arm.moments.m2[1, 1] == 0.0:
        pearson = spread * arm.moments.n / arm.events
    n, mean = arm.moments.n, float(arm.moments.mean[1])
    with np.errstate(over="ignore"):  # infinite squares say nothing
        squares = float(arm.moments.m2[1, 1] + n * np.square(mean))
    return arm.events, arm.exposure, float(n), spread, pearson, squares


def _with_ones(table: MomentsTable) -> MomentsTable:
    """Return moments of (events, 1): an exposure of 1 for each unit."""
    mean = np.pad(table.mean, ((0, 0), (0, 1)), constant_values=1.0)
    return MomentsTable(table.n, mean, np.pad(table.m2, ((0, 0), (0, 1), (0, 1))))


def _whole(events: Floats) -> Floats:
    """Return totals made from means as the whole numbers that they are nearly."""
    rounded = np.round(events)
    near = np.abs(events - rounded) <= _ROUNDING * np.maximum(1.0, np.abs(rounded))
    return np.where(near, rounded, events)


def _residual(m2: Floats, rate: Floats) -> Floats:
    """Return sums of squares of events - rate * exposure, which has the mean 0."""
    contrast = np.stack([np.ones_like(rate), -rate], axis=-1)
    return quadratic_rows(contrast, m2[..., :2, :2])


def _total(events: float, exposure: Values | float | None, name: str) -> EventArm:
    """Return an arm of which only totals are known."""
    if isinstance(exposure, bool) or not isinstance(exposure, int | float | np.number):
        raise UsageError(
            "A total of events needs a total of exposure",
            given=f"{events:g} events of {name}, exposure {exposure!r}",
            todo="Give exposure=(control, treatment), such as unit-days.",
        )
    _require_events(np.array([events]), name)
    total = float(exposure)
    _require_exposure(total, name)
    return EventArm(None, events, total, None, 0)


def _summed(moments: Moments, exposure: Values | float | None, name: str) -> EventArm:
    """Return an arm from moments of events, or of (events, exposure)."""
    if exposure is not None:
        raise UsageError(
            "A sample that is summed up cannot be joined with exposures",
            given=f"Moments of {name} and a separate exposure",
            todo="Sum events and exposure into one Moments.",
        )
    _require_units(moments.n, name)
    if not (np.isfinite(moments.mean).all() and np.isfinite(moments.m2).all()):
        raise not_finite()
    events = float(_whole(np.asarray(moments.n * moments.mean[0])))
    _require_events(np.array([events]), name)
    if len(moments.mean) == 1:
        mean, m2 = np.append(moments.mean, 1.0), np.pad(moments.m2, (0, 1))
        moments = Moments(moments.n, mean, m2, moments.nulls)
    total = moments.n * float(moments.mean[1])
    _require_exposure(total, name)
    return EventArm(moments, events, total, None, moments.nulls)


def _rows(rows: Floats, nulls: int, name: str) -> EventArm:
    """Return an arm from (events, exposure, units), shape (3, k)."""
    events, exposure, units = rows
    n = int(units.sum())
    _require_units(n, name)
    _require_events(events, name)
    if not np.isfinite(exposure).all():
        raise not_finite()
    if (exposure < 0.0).any() or ((exposure == 0.0) & (events > 0.0)).any():
        raise NotEstimable(
            "not_positive",
            "Events need an exposure above 0",
            given=f"{int(units[exposure <= 0.0].sum())} units of {name} at 0 or below",
            todo="Check the column of exposures; units never exposed belong to no arm.",
        )
    totals = [float((column * units).sum()) for column in (events, exposure)]
    _require_events(np.array(totals[:1]), name)
    _require_exposure(totals[1], name)
    mean = np.array(totals) / n
    deviations = np.stack([events, exposure]) - mean[:, None]
    m2 = (deviations * units) @ deviations.T
    return EventArm(Moments(n, mean, m2, nulls), totals[0], totals[1], rows, nulls)


def _require_events(events: Floats, name: str) -> None:
    if (events > MOST).any():  # not every whole number is a float there
        raise not_finite()
    bad = ~((events >= 0.0) & (events % 1.0 == 0.0))
    if bad.any():
        raise NotEstimable(
            "not_a_count",
            "Events are whole numbers of at least 0",
            given=f"{name}: {', '.join(f'{value:g}' for value in events[bad][:3])}",
            todo="Compare other quantities with compare_means.",
        )


def _require_exposure(exposure: float, name: str) -> None:
    if math.isinf(exposure):
        raise not_finite()
    if not exposure > 0.0:
        raise NotEstimable(
            "not_positive",
            "A rate needs an exposure above 0",
            given=f"{exposure:g} of {name}",
            todo="Give the unit-days, or whatever the events are counted over.",
        )


def _require_units(n: int, name: str) -> None:
    if n < 1:
        raise NotEstimable(
            "too_few_units",
            "An arm has no unit with a value",
            given=name,
            todo="Wait for units, or look at why values are missing.",
        )
