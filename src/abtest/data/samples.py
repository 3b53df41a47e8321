"""A metric in cells: what its kind needs of the units, so that any of the cells add up."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from abtest.stats.moments import Moments
from abtest.stats.survival.event_times import EventTimes
from abtest.stats.survival.repeated_events import RepeatedEvents
from abtest.stats.value_counts import ValueCounts

Floats: TypeAlias = NDArray[np.float64]
Counts: TypeAlias = NDArray[np.int64]
Kept: TypeAlias = NDArray[np.bool_]

Sample: TypeAlias = Any
"""A metric in one arm: `Moments`, `ValueCounts`, `EventTimes` or `RepeatedEvents`, as its request
asks. All know `n` and `nulls`, and samples of one metric add up."""


class MetricCells(Protocol):
    """One metric in every cell."""

    @property
    def n(self) -> Counts:
        """Units in the metric, shape (cells,)."""

    @property
    def nulls(self) -> Counts:
        """Units without a value, shape (cells,)."""

    @property
    def immature(self) -> Counts:
        """Units whose window is still open, shape (cells,)."""

    @property
    def outside(self) -> Counts:
        """Units that the metric is not about, shape (cells,)."""

    @property
    def covariate_nulls(self) -> Counts:
        """Units of `n` whose covariate is missing, shape (cells, covariates)."""

    @property
    def indicated(self) -> tuple[int, ...]:
        """Positions of covariates with an indicator of where they are missing."""

    def at(self, keep: Kept) -> MetricCells:
        """Return the cells for which `keep` is true."""

    def sample(self, keep: Kept) -> Sample:
        """Return the cells for which `keep` is true as one sample."""


@dataclass(frozen=True, eq=False)
class CellUnits:
    """Units of each cell: in the metric, without a value, immature and outside; shape (cells,)."""

    n: Counts
    nulls: Counts
    immature: Counts
    outside: Counts

    @classmethod
    def of(cls, n: Counts, units: Counts, immature: Counts, outside: Counts) -> CellUnits:
        """Build from all units of each cell: those that are nothing else have no value."""
        return cls(n, units - n - immature - outside, immature, outside)

    def kept(self, keep: Kept) -> CellUnits:
        """Return the units of the cells for which `keep` is true."""
        return CellUnits(self.n[keep], self.nulls[keep], self.immature[keep], self.outside[keep])


@dataclass(frozen=True, eq=False)
class _Counted:
    """Units of one metric in every cell."""

    units: CellUnits

    @property
    def n(self) -> Counts:
        """Units in the metric, shape (cells,)."""
        return self.units.n

    @property
    def nulls(self) -> Counts:
        """Units without a value, shape (cells,)."""
        return self.units.nulls

    @property
    def immature(self) -> Counts:
        """Units whose window is still open, shape (cells,)."""
        return self.units.immature

    @property
    def outside(self) -> Counts:
        """Units that the metric is not about, shape (cells,)."""
        return self.units.outside


@dataclass(frozen=True, eq=False)
class MetricSums(_Counted):
    """Sums of one metric about its pilot constants, one row per cell.

    `sums` have shape (cells, k); `products` (cells, k, k); `pilot` (k,). `covariate_nulls`, of
    shape (cells, covariates), counts the units of `n` whose covariate was missing and stands at
    its pilot; a covariate with missing values has a further variable at the end that says where;
    `indicated` are the positions of these covariates, in that order.
    """

    pilot: Floats
    sums: Floats
    products: Floats
    covariate_nulls: Counts
    indicated: tuple[int, ...] = ()

    def at(self, keep: Kept) -> MetricSums:
        """Return the sums of the cells for which `keep` is true."""
        return MetricSums(
            self.units.kept(keep),
            self.pilot,
            self.sums[keep],
            self.products[keep],
            self.covariate_nulls[keep],
            self.indicated,
        )

    def sample(self, keep: Kept) -> Moments:
        """Return the moments of the cells for which `keep` is true, merged about the pilot."""
        return Moments.from_pilot_sums(
            int(self.n[keep].sum()),
            self.pilot,
            self.sums[keep].sum(axis=0),
            self.products[keep].sum(axis=0),
            int(self.nulls[keep].sum()),
        )


@dataclass(frozen=True, eq=False)
class _Unadjusted(_Counted):
    """What the metrics without covariates have in common."""

    @property
    def covariate_nulls(self) -> Counts:
        """Missing covariates: there are none, shape (cells, 0)."""
        return np.zeros((len(self.units.n), 0), dtype=np.int64)

    @property
    def indicated(self) -> tuple[int, ...]:
        """Covariates with an indicator: there are none."""
        return ()


@dataclass(frozen=True, eq=False)
class MetricCounts(_Unadjusted):
    """Distinct values of one metric: rows of (cell, value, units), rising by cell and value.

    `cell` is the position of the cell; `cell`, `values` and `counts` have shape (rows,). `digits`
    are the significant digits that values were rounded to because there are too many, None for
    all.
    """

    cell: Counts
    values: Floats
    counts: Counts
    digits: int | None = None

    def at(self, keep: Kept) -> MetricCounts:
        """Return the values of the cells for which `keep` is true."""
        (cell, values, counts), units = _at(keep, self.cell, (self.values, self.counts)), self.units
        return MetricCounts(units.kept(keep), cell, values, counts, self.digits)

    def sample(self, keep: Kept) -> ValueCounts:
        """Return the value counts of the cells for which `keep` is true."""
        rows = keep[self.cell]
        found = ValueCounts.from_table(self.values[rows], self.counts[rows])
        return ValueCounts(found.values, found.counts, int(self.nulls[keep].sum()))


@dataclass(frozen=True, eq=False)
class MetricTimes(_Unadjusted):
    """Distinct times of one metric: rows of (cell, time, units with the event, units lost).

    `cell` is the position of the cell; all columns have shape (rows,). `digits` as in
    `MetricCounts`.
    """

    cell: Counts
    times: Floats
    events: Counts
    censored: Counts
    digits: int | None = None

    def at(self, keep: Kept) -> MetricTimes:
        """Return the times of the cells for which `keep` is true."""
        columns = (self.times, self.events, self.censored)
        cell, times, events, censored = _at(keep, self.cell, columns)
        return MetricTimes(self.units.kept(keep), cell, times, events, censored, self.digits)

    def sample(self, keep: Kept) -> EventTimes:
        """Return the times of the cells for which `keep` is true."""
        rows = keep[self.cell]
        found = EventTimes.from_table(self.times[rows], self.events[rows], self.censored[rows])
        nulls = int(self.nulls[keep].sum())
        return EventTimes(found.times, found.events, found.censored, found.entries, nulls)


@dataclass(frozen=True, eq=False)
class CellSums:
    """Sums by cell and two steps of time: rows of (cell, first step, second step, sum)."""

    cell: Counts
    first: Counts
    second: Counts
    sums: Floats

    def at(self, keep: Kept) -> CellSums:
        """Return the rows of the cells for which `keep` is true."""
        cell, first, second, sums = _at(keep, self.cell, (self.first, self.second, self.sums))
        return CellSums(cell, first, second, sums)

    def table(self, keep: Kept, size: int) -> Floats:
        """Return the sums of the kept cells by first and second step, shape (size, size)."""
        rows = keep[self.cell]
        place = self.first[rows] * size + self.second[rows]
        found = np.bincount(place, weights=self.sums[rows], minlength=size * size)
        return np.asarray(found.reshape(size, size))


@dataclass(frozen=True, eq=False)
class MetricRepeats(_Unadjusted):
    """Amounts of one metric by steps of time since exposure, as `RepeatedEvents` needs them.

    Step k lasts from k to k + 1 times `step` days; a unit with an end of e was watched for the
    steps 0 to e - 1.

    `ended` has rows of (cell, end, 0, units); `by_end` rows of (cell, end, step, amount), for the
    units with that end; `products` rows of (cell, step, step, sum over units of the product of
    their amounts), each pair of steps once.
    """

    step: float
    steps: int
    ended: CellSums
    by_end: CellSums
    products: CellSums

    def at(self, keep: Kept) -> MetricRepeats:
        """Return the sums of the cells for which `keep` is true."""
        parts = (self.ended.at(keep), self.by_end.at(keep), self.products.at(keep))
        return MetricRepeats(self.units.kept(keep), self.step, self.steps, *parts)

    def sample(self, keep: Kept) -> RepeatedEvents:
        """Return the sums of the kept cells; amounts of a step stand at its end."""
        size = self.steps + 1
        products = self.products.table(keep, size)
        products = products + np.triu(products, 1).T
        later = np.zeros((size, size))
        later[:, 1:] = self.by_end.table(keep, size)[:, :-1]
        moved = np.zeros((size, size))
        moved[1:, 1:] = products[:-1, :-1]
        return RepeatedEvents.from_table(
            np.arange(size) * self.step, self.ended.table(keep, size)[:, 0], later, moved
        )


def _at(keep: Kept, cell: Counts, columns: Iterable[NDArray[Any]]) -> list[NDArray[Any]]:
    """Return the rows of kept cells: the new positions of these, and the columns."""
    rows = keep[cell]
    place = np.cumsum(keep) - 1
    return [place[cell[rows]], *(column[rows] for column in columns)]
