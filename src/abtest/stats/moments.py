"""Moments: the sufficient statistic of means, ratios and CUPED; they merge exactly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from abtest.errors import UsageError
from abtest.stats.arguments import require_count
from abtest.stats.floats import Values, as_floats

Floats = NDArray[np.float64]

_EPSILON = float(np.finfo(np.float64).eps)
SMALLEST = float(np.finfo(np.float64).smallest_subnormal)
"""What stands for a sum of squares that is above 0 and underflows."""
SMALLEST_SQUARES = 1e-300
"""A sum of squares below this, but above 0, has lost digits: values are too small to square."""


@dataclass(frozen=True, eq=False)
class Moments:
    """Count, means and centred second moments of k variables over n units.

    Attributes
    ----------
    n
        Units with a value in every variable.
    mean
        Means, shape (k,).
    m2
        Sums of products of deviations from the means, shape (k, k). That of a variable with
        itself is 0 exactly where it does not vary: where squares underflow it is the smallest
        number above 0, which estimates refuse as ``too_small``.
    nulls
        Units left out because a value was null.

    Notes
    -----
    Merging is Chan, Golub & LeVeque (1983), "Algorithms for computing the sample
    variance: analysis and recommendations", Am. Stat. 37, 242, for covariances too.

    Examples
    --------
    >>> first = Moments.from_columns([[1.0, 2.0]])
    >>> both = first + Moments.from_columns([[3.0, float("nan")]])
    >>> both.n, float(both.mean[0]), float(both.m2[0, 0]), both.nulls
    (3, 2.0, 2.0, 1)
    """

    n: int
    mean: Floats
    m2: Floats
    nulls: int = 0

    @classmethod
    def from_pilot_sums(
        cls, n: int, pilot: ArrayLike, sums: ArrayLike, products: ArrayLike, nulls: int = 0
    ) -> Moments:
        """Build from sums about pilot constants.

        A variance below the rounding of its own sums is set to 0, so that a constant column is
        seen as constant.

        Parameters
        ----------
        n
            Units summed.
        pilot
            Constants k_j subtracted before summing, shape (k,).
        sums
            sum(v_j - k_j), shape (k,).
        products
            sum((v_i - k_i)(v_j - k_j)), shape (k, k).
        nulls
            Units left out because a value was null.

        Examples
        --------
        >>> float(Moments.from_pilot_sums(2, [10.0], [1.0], [[5.0]]).mean[0])
        10.5
        """
        pilot_array = np.asarray(pilot, dtype=np.float64)
        total = np.asarray(sums, dtype=np.float64)
        square = np.asarray(products, dtype=np.float64)
        if n == 0:
            return cls(0, np.zeros_like(pilot_array), np.zeros_like(square), nulls)
        with np.errstate(invalid="ignore", over="ignore"):  # infinite values are judged later
            centred = square - np.outer(total, total) / n
        # A sum of n terms is good to about sqrt(n) roundings; what is smaller is noise.
        noise = _EPSILON * max(16.0, n**0.5) * np.diag(square)
        constant = np.diag(centred) <= noise
        centred[constant, :] = 0.0
        centred[:, constant] = 0.0
        # sums that are not 0 while their squares are: these cannot tell whether anything varies
        _keep_above_zero(centred, (total != 0.0) & (np.diag(square) < SMALLEST_SQUARES))
        return cls(n, pilot_array + total / n, centred, nulls)

    @classmethod
    def from_columns(cls, columns: Sequence[Values]) -> Moments:
        """Build from k columns of raw values; a unit with any NaN is counted in `nulls`.

        Raises
        ------
        UsageError
            If there are no columns, they differ in length, or are not numbers.
        """
        arrays = [as_floats(column, f"column {i + 1}") for i, column in enumerate(columns)]
        if len({array.shape for array in arrays}) != 1:
            raise UsageError(
                "The columns of one arm must be one-dimensional and equally long",
                given=f"shapes {[array.shape for array in arrays]}",
                todo="Give one value per unit in every column; a missing one as NaN.",
            )
        values = np.vstack(arrays)
        keep = ~np.isnan(values).any(axis=0)
        kept = values[:, keep]
        n = kept.shape[1]
        nulls = int(values.shape[1] - n)
        if n == 0:
            size = values.shape[0]
            return cls(0, np.zeros(size), np.zeros((size, size)), nulls)
        with np.errstate(invalid="ignore", over="ignore"):  # infinite values are judged later
            mean = kept.mean(axis=1)
            deviations = kept - mean[:, None]
            mean = mean + deviations.mean(axis=1)  # takes away the rounding of the first pass
            deviations = kept - mean[:, None]
            # Where all values are equal the mean may still be off by a rounding: no variation.
            flat = kept.min(axis=1) == kept.max(axis=1)
            deviations[flat] = 0.0
            m2 = deviations @ deviations.T
        _keep_above_zero(m2, ~flat)
        return cls(n, mean, m2, nulls)

    @classmethod
    def from_counts(cls, n: int, successes: int, nulls: int = 0) -> Moments:
        """Build from `successes` ones among `n` values of 0 and 1.

        Raises
        ------
        UsageError
            If the counts are not whole numbers with 0 <= successes <= n.

        Examples
        --------
        >>> float(Moments.from_counts(10, 3).m2[0, 0])
        2.1
        """
        n, successes = require_count(n, "n"), require_count(successes, "successes")
        nulls = require_count(nulls, "nulls")
        if successes > n:
            raise UsageError(
                "Counts of a proportion must be whole numbers with 0 <= successes <= n",
                given=f"{successes} successes of {n}",
                todo="Check which column counts successes and which trials.",
            )
        if n == 0:
            return cls(0, np.zeros(1), np.zeros((1, 1)), nulls)
        spread = successes * (n - successes) / n
        return cls(n, np.array([successes / n]), np.array([[spread]]), nulls)

    def __add__(self, other: Moments) -> Moments:
        """Return the moments of both samples together."""
        n = self.n + other.n
        nulls = self.nulls + other.nulls
        if self.n == 0:
            return Moments(other.n, other.mean, other.m2, nulls)
        if other.n == 0:
            return Moments(self.n, self.mean, self.m2, nulls)
        with np.errstate(invalid="ignore", over="ignore"):  # infinite values are judged later
            shift = other.mean - self.mean
            mean = self.mean + shift * (other.n / n)
            m2 = self.m2 + other.m2 + np.outer(shift, shift) * (self.n * other.n / n)
        _keep_above_zero(m2, shift != 0.0)
        return Moments(n, mean, m2, nulls)

    @property
    def covariance(self) -> Floats:
        """Sample covariance matrix with n - 1, shape (k, k); NaN below two units."""
        if self.n < 2:
            return np.full_like(self.m2, np.nan)
        return self.m2 / (self.n - 1)


def too_small_squares(squares: Floats) -> NDArray[np.bool_]:
    """Return which sums of squares are above 0, but have lost digits."""
    return np.asarray((squares > 0.0) & (squares < SMALLEST_SQUARES))


def _keep_above_zero(m2: Floats, varies: NDArray[np.bool_]) -> None:
    """Put the smallest number where a variable varies although its squares add up to 0."""
    lost = np.flatnonzero(varies & (np.diag(m2) == 0.0))
    m2[lost, lost] = SMALLEST
