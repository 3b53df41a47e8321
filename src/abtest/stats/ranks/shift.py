"""The Hodges-Lehmann shift: order statistics of all pairwise differences, without forming them."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from abtest.stats.value_counts import ValueCounts

Places = NDArray[np.int64]
_FEW = 4
"""Places still open for each distinct value at which sorting them is quicker than halving on."""


class Differences:
    """All differences treatment - control of two samples of value counts, as if sorted.

    Every distinct value of the arm with fewer of them makes a row of differences that is already
    in order, so that an order statistic is found by halving rows (Johnson & Mizoguchi 1978, SIAM
    J. Comput. 7, 147): k (log k)^2 steps for k distinct values, instead of as many as there are
    pairs of units.

    Examples
    --------
    >>> differences = Differences(
    ...     ValueCounts.from_values([0.0, 1.0]), ValueCounts.from_table([3.0, 5.0], [9, 1])
    ... )
    >>> differences.ranked(1), differences.ranked(10), differences.ranked(19), differences.median
    (2.0, 3.0, 4.0, 3.0)
    """

    def __init__(self, control: ValueCounts, treatment: ValueCounts) -> None:
        # a difference is a sum with the control's values negated; both parts rise
        first = (treatment.values, treatment.counts.astype(np.float64))
        second = (-control.values[::-1], control.counts[::-1].astype(np.float64))
        rows, columns = sorted((first, second), key=lambda part: part[0].size)
        self._rows, self._row_units = rows
        self._columns = columns[0]
        self._units_before = np.concatenate([[0.0], np.cumsum(columns[1])])
        self.pairs = control.n * treatment.n

    @property
    def median(self) -> float:
        """Median of all differences: the Hodges-Lehmann estimate of the shift."""
        lower = self.ranked((self.pairs + 1) // 2)
        if self.pairs % 2 or self._mass(self._first_above(lower)) >= self.pairs // 2 + 1:
            return lower
        return lower / 2.0 + self.ranked(self.pairs // 2 + 1) / 2.0

    def ranked(self, rank: int) -> float:
        """Return the difference of this rank, from 1 for the smallest to `pairs`."""
        low = np.zeros(self._rows.size, dtype=np.int64)
        high = np.full(self._rows.size, self._columns.size, dtype=np.int64)
        while int((high - low).sum()) > _FEW * (self._rows.size + self._columns.size):
            pivot = self._middle(low, high)
            least = self._first_above(math.nextafter(pivot, -math.inf))
            above = self._first_above(pivot)
            if rank <= self._mass(least):
                high = np.minimum(high, least)
            elif rank > self._mass(above):
                low = np.maximum(low, above)
            else:
                return pivot + 0.0  # never -0.0
        return self._ranked_among(low, high, rank) + 0.0

    def _ranked_among(self, low: Places, high: Places, rank: int) -> float:
        """Return the difference of a rank, by sorting the places still open."""
        open_places = high - low
        rows = np.repeat(np.arange(self._rows.size), open_places)
        starts = np.cumsum(open_places) - open_places
        places = np.arange(rows.size) + np.repeat(low - starts, open_places)
        differences = self._rows[rows] + self._columns[places]
        units = self._row_units[rows] * np.diff(self._units_before)[places]
        order = np.argsort(differences)
        reached = np.cumsum(units[order]) + self._mass(low)
        return float(differences[order[np.searchsorted(reached, rank)]])

    def _middle(self, low: Places, high: Places) -> float:
        """Return the median of the rows' middles, weighted with the places still open in them."""
        open_places = high - low
        rows = np.flatnonzero(open_places)
        middles = self._rows[rows] + self._columns[(low[rows] + high[rows]) // 2]
        order = np.argsort(middles)
        reached = np.cumsum(open_places[rows][order])
        return float(middles[order[np.searchsorted(reached, reached[-1] / 2.0)]])

    def _mass(self, places: Places) -> float:
        """Return the pairs of units before a place in every row."""
        return float(self._row_units @ self._units_before[places])

    def _first_above(self, bound: float) -> Places:
        """Return for every row the first place whose difference exceeds the bound."""
        columns, k = self._columns, self._columns.size
        with np.errstate(over="ignore"):  # infinite is as good as the end of the row
            place = np.searchsorted(columns, bound - self._rows, side="right")
        # rounding of bound - row may put the place a little off: then it is searched for
        before = self._rows + columns[np.maximum(place - 1, 0)] <= bound
        after = self._rows + columns[np.minimum(place, k - 1)] > bound
        off = np.flatnonzero(~((before | (place == 0)) & (after | (place == k))))
        if off.size:
            rows, low, high = self._rows[off], np.zeros_like(off), np.full_like(off, k)
            for _ in range(k.bit_length()):
                middle = (low + high) // 2
                right = (low < high) & (rows + columns[np.minimum(middle, k - 1)] <= bound)
                low, high = np.where(right, middle + 1, low), np.where(right, high, middle)
            place[off] = low
        return place
