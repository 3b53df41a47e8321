"""Moments: the sufficient statistic of means, ratios and CUPED; they merge exactly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


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
        Sums of products of deviations from the means, shape (k, k).
    nulls
        Units left out because a value was null.

    Notes
    -----
    Merging is Chan, Golub & LeVeque (1983), "Algorithms for computing the sample
    variance", eq. 1.5, in its pairwise covariance form.
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
        """
        pilot_array = np.asarray(pilot, dtype=np.float64)
        total = np.asarray(sums, dtype=np.float64)
        square = np.asarray(products, dtype=np.float64)
        if n == 0:
            return cls(0, np.zeros_like(pilot_array), np.zeros_like(square), nulls)
        centred = square - np.outer(total, total) / n
        np.fill_diagonal(centred, np.maximum(np.diag(centred), 0.0))
        return cls(n, pilot_array + total / n, centred, nulls)

    @classmethod
    def from_columns(cls, columns: Sequence[ArrayLike]) -> Moments:
        """Build from k columns of raw values; a unit with any NaN is counted in `nulls`."""
        values = np.vstack([np.asarray(column, dtype=np.float64) for column in columns])
        keep = ~np.isnan(values).any(axis=0)
        kept = values[:, keep]
        n = kept.shape[1]
        nulls = int(values.shape[1] - n)
        if n == 0:
            size = values.shape[0]
            return cls(0, np.zeros(size), np.zeros((size, size)), nulls)
        mean = kept.mean(axis=1)
        deviations = kept - mean[:, None]
        mean = mean + deviations.mean(axis=1)  # second pass takes away the rounding of the first
        deviations = kept - mean[:, None]
        return cls(n, mean, deviations @ deviations.T, nulls)

    def __add__(self, other: Moments) -> Moments:
        """Return the moments of both samples together."""
        n = self.n + other.n
        nulls = self.nulls + other.nulls
        if self.n == 0:
            return Moments(other.n, other.mean, other.m2, nulls)
        if other.n == 0:
            return Moments(self.n, self.mean, self.m2, nulls)
        shift = other.mean - self.mean
        mean = self.mean + shift * (other.n / n)
        m2 = self.m2 + other.m2 + np.outer(shift, shift) * (self.n * other.n / n)
        return Moments(n, mean, m2, nulls)

    @property
    def covariance(self) -> Floats:
        """Sample covariance matrix with n - 1, shape (k, k); NaN below two units."""
        if self.n < 2:
            return np.full_like(self.m2, np.nan)
        return self.m2 / (self.n - 1)
