"""Events that belong to units: several values of one unit, which are resampled together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from abtest.errors import UsageError
from abtest.stats.clusters.ids import numbered
from abtest.stats.floats import as_floats
from abtest.stats.moments import Floats, Moments
from abtest.stats.not_estimable import NotEstimable
from abtest.stats.resampling.statistic import Mean, SampleQuantile, Statistic
from abtest.stats.value_counts import ValueCounts

_CELLS = 2_000_000
_GRID = 64


@dataclass(frozen=True, eq=False)
class ClusteredEvents:
    """Values of events and the unit that each belongs to.

    Attributes
    ----------
    values
        Of the events, rising, shape (events,).
    units
        Numbers of their units from 0, shape (events,).
    count
        Units with an event.
    nulls
        Events left out because their value was null.
    """

    values: Floats
    units: NDArray[np.int64]
    count: int
    nulls: int

    @classmethod
    def of(cls, events: Any, name: str) -> ClusteredEvents:
        """Build from (values, units), one entry per event each.

        Raises
        ------
        UsageError
            If they are no such pair, or a unit is null.
        NotEstimable
            ``not_finite`` if a value is infinite.
        """
        if not (isinstance(events, tuple | list) and len(events) == 2):
            raise UsageError(
                f"The events of {name} are (values, units)",
                given=type(events).__name__,
                todo="Give the value and the unit of every event: (values, units).",
            )
        values = as_floats(events[0], name)
        units, _ = numbered(events[1], name, row="event", group="unit")
        if values.shape != units.shape:
            raise UsageError(
                f"Each event of {name} needs one value and one unit",
                given=f"{values.size} values and {units.size} units",
                todo="Give both for every event.",
            )
        if np.isinf(values).any():
            raise NotEstimable(
                "not_finite",
                "Values are infinite",
                given=name,
                todo="Look for infinite values in the column.",
            )
        known = ~np.isnan(values)
        present, units = np.unique(units[known], return_inverse=True)
        order = np.argsort(values[known], kind="stable")
        return cls(values[known][order] + 0.0, units[order], present.size, int((~known).sum()))

    def value_counts(self) -> ValueCounts:
        """Return how often each value occurs among the events."""
        counts = ValueCounts.from_values(self.values)
        return ValueCounts(counts.values, counts.counts, self.nulls)

    def at_or_below(self, value: float) -> Moments:
        """Return the moments over units of (events at or below a value, events)."""
        below = self.units[: int(np.searchsorted(self.values, value, side="right"))]
        return Moments.from_columns(
            [np.bincount(part, minlength=self.count) for part in (below, self.units)]
        )

    def resampled(self, statistic: Statistic, replicates: int, rng: np.random.Generator) -> Floats:
        """Return a statistic of the events of units drawn with replacement, (replicates,)."""
        rows = max(_CELLS // self.count, 1)
        found = []
        for start in range(0, replicates, rows):
            size = min(rows, replicates - start)
            shares = np.full(self.count, 1.0 / self.count)
            often = rng.multinomial(self.count, shares, size=size).astype(np.float64)
            if isinstance(statistic, Mean):
                found.append(self._means(often))
            elif isinstance(statistic, SampleQuantile):
                found.append(self._quantiles(statistic, often))
            else:
                found.extend(self._any(statistic, often))
        return np.concatenate(found)

    def _means(self, often: Floats) -> Floats:
        pilot = float(self.values[len(self.values) // 2])
        sums = np.bincount(self.units, self.values - pilot, minlength=self.count)
        events = np.bincount(self.units, minlength=self.count)
        means: Floats = pilot + (often @ sums) / (often @ events)
        return means

    def _any(self, statistic: Statistic, often: Floats) -> list[Floats]:
        values, places = np.unique(self.values, return_inverse=True)
        table = self._table(places, values.size)
        rows = max(_CELLS // values.size, 1)
        return [
            statistic.rows(values, (table @ often[start : start + rows].T).T)
            for start in range(0, len(often), rows)
        ]

    def _table(self, places: NDArray[np.int64], size: int) -> Any:
        """Return the events of each place (rows) and unit (columns), sparse."""
        from scipy.sparse import coo_array

        ones = np.ones(places.size)
        return coo_array((ones, (places, self.units)), shape=(size, self.count)).tocsr()

    def _quantiles(self, statistic: SampleQuantile, often: Floats) -> Floats:
        """Return quantiles of the events, looking closely only where they all lie.

        A coarse grid says between which values the quantiles of all samples are; what is below is
        one number for each sample.
        """
        n = self.values.size
        ends = np.unique(np.linspace(0, n - 1, _GRID).astype(np.int64))
        cells = np.searchsorted(ends, np.arange(n))
        reached = np.cumsum(self._table(cells, ends.size) @ often.T, axis=0)
        needed = np.ceil(statistic.share * reached[-1] - 1e-9)
        cell = (reached < np.maximum(needed, 1.0)).sum(axis=0)
        first = int(ends[cell.min() - 1]) + 1 if cell.min() else 0
        last = int(ends[cell.max()]) + 1
        close = ClusteredEvents(self.values[first:last], self.units[first:last], self.count, 0)
        before = reached[cell.min() - 1] if cell.min() else np.zeros(len(often))
        values, places = np.unique(close.values, return_inverse=True)
        table = close._table(places, values.size)
        found = []
        rows = max(_CELLS // values.size, 1)
        for start in range(0, len(often), rows):
            part = slice(start, start + rows)
            inside = np.cumsum(table @ often[part].T, axis=0) + before[part]
            found.append(values[(inside < np.maximum(needed[part], 1.0)).sum(axis=0)])
        return np.concatenate(found)
