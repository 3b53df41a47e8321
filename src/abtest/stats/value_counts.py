"""Value counts: every distinct value with its number of units; an exact, mergeable sample."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from abtest.errors import UsageError
from abtest.stats.floats import Values, as_floats
from abtest.stats.moments import SMALLEST, Floats, Moments


@dataclass(frozen=True, eq=False)
class ValueCounts:
    """Distinct values in rising order and how many units have each.

    Most engagement values repeat, so that an exact answer costs what the distinct values cost
    and not what the units cost.

    Attributes
    ----------
    values
        Distinct finite values, rising, shape (k,).
    counts
        Units with each value, at least 1, shape (k,).
    nulls
        Units left out because their value was null.

    Examples
    --------
    >>> first = ValueCounts.from_values([3.0, 1.0, 1.0])
    >>> both = first + ValueCounts.from_values([2.0, 1.0, float("nan")])
    >>> both.values.tolist(), both.counts.tolist(), both.n, both.nulls
    ([1.0, 2.0, 3.0], [3, 1, 1], 5, 1)
    """

    values: Floats
    counts: np.typing.NDArray[np.int64]
    nulls: int = 0

    @classmethod
    def from_values(cls, values: Values) -> ValueCounts:
        """Build from one value per unit; NaN is counted in `nulls`.

        Raises
        ------
        UsageError
            If the values are not one column of finite numbers.
        """
        array = as_floats(values, "a sample")
        return cls.from_table(array, np.ones(array.shape, dtype=np.int64))

    @classmethod
    def from_table(cls, values: Values, counts: Values) -> ValueCounts:
        """Build from values, in any order and possibly repeated, and the units with each.

        Raises
        ------
        UsageError
            If shapes differ, a value is infinite, or a count is negative or no whole number.

        Examples
        --------
        >>> ValueCounts.from_table([5.0, 0.0, 5.0], [1, 10, 2]).counts.tolist()
        [10, 3]
        """
        array = as_floats(values, "a sample")
        weights = as_floats(counts, "its counts")
        if array.shape != weights.shape:
            raise UsageError(
                "Values and their counts must be one-dimensional and equally long",
                given=f"shapes {array.shape} and {weights.shape}",
                todo="Give one count per value.",
            )
        # NaN passes none of these comparisons
        if not ((weights >= 0.0) & (weights < 2.0**53) & (np.trunc(weights) == weights)).all():
            raise UsageError(
                "Counts must be whole numbers of at least 0",
                given=str(weights[:5].tolist()),
                todo="Give numbers of units, not shares.",
            )
        if np.isinf(array).any():
            raise UsageError(
                "Values must be finite",
                given="an infinite value",
                todo="Look for infinite values in the column.",
            )
        null = np.isnan(array)
        distinct, place = np.unique(array[~null], return_inverse=True)
        units = np.zeros(distinct.shape, dtype=np.int64)
        np.add.at(units, place, weights[~null].astype(np.int64))
        kept = units > 0
        # adding 0.0 turns -0.0, which equals 0.0, into it
        return cls(distinct[kept] + 0.0, units[kept], int(weights[null].sum()))

    @property
    def n(self) -> int:
        """Units with a value."""
        return int(self.counts.sum())

    def __add__(self, other: ValueCounts) -> ValueCounts:
        """Return the value counts of both samples together, exactly."""
        merged = ValueCounts.from_table(
            np.concatenate([self.values, other.values]),
            np.concatenate([self.counts, other.counts]),
        )
        return ValueCounts(merged.values, merged.counts, self.nulls + other.nulls)

    def moments(self) -> Moments:
        """Return count, mean and centred second moment of the sample.

        Examples
        --------
        >>> moments = ValueCounts.from_table([1.0, 3.0], [1, 3]).moments()
        >>> moments.n, float(moments.mean[0]), float(moments.m2[0, 0])
        (4, 2.5, 3.0)
        """
        n = self.n
        if n == 0:
            return Moments(0, np.zeros(1), np.zeros((1, 1)), self.nulls)
        if self.values.size == 1:  # no rounding may look like variation
            return Moments(n, self.values.copy(), np.zeros((1, 1)), self.nulls)
        pilot = self.values[0]
        with np.errstate(invalid="ignore", over="ignore"):  # too large values are judged later
            mean = pilot + float(((self.values - pilot) * self.counts).sum()) / n
            mean += float(((self.values - mean) * self.counts).sum()) / n
            squares = float(((self.values - mean) ** 2 * self.counts).sum())
        squares = squares or SMALLEST  # two values differ, even where their squares underflow
        return Moments(n, np.array([mean]), np.array([[squares]]), self.nulls)
