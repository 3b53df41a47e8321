"""An arm as one line per cluster: rows, means and squares; all that clustered methods need."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from abtest.errors import UsageError
from abtest.stats.arguments import require_count
from abtest.stats.clusters.ids import numbered
from abtest.stats.floats import Values, as_floats
from abtest.stats.moments import Floats
from abtest.stats.not_estimable import not_finite, too_small

_EPSILON = float(np.finfo(np.float64).eps)
_ROUNDING = (16.0 * _EPSILON) ** 2
"""Share of a cluster's squares about a number that is the rounding of its mean."""


@dataclass(frozen=True, eq=False)
class ClusterTable:
    """Rows, means and centred second moments of k variables in each cluster of one arm.

    Attributes
    ----------
    clusters
        Names, one per cluster.
    n
        Rows of each cluster with a value in every variable, at least 1, shape (c,).
    centre
        Numbers that `shift` is about, shape (k,).
    shift
        Means of the clusters minus `centre`, shape (c, k).
    m2
        Sums of products of deviations from the cluster's means, shape (c, k, k).
    nulls
        Rows left out because a value was null.

    Examples
    --------
    >>> table = ClusterTable.from_rows([1.0, 3.0, 5.0], ["a", "a", "b"])
    >>> table.n.tolist(), table.means[:, 0].tolist(), table.m2[:, 0, 0].tolist()
    ([2.0, 1.0], [2.0, 5.0], [2.0, 0.0])

    Tables of parts of the rows merge, also where they share clusters:

    >>> both = table + ClusterTable.from_sums(["b"], [1], [7.0], [49.0])
    >>> both.n.tolist(), both.means[:, 0].tolist(), both.m2[:, 0, 0].tolist()
    ([2.0, 2.0], [2.0, 6.0], [2.0, 2.0])
    """

    clusters: tuple[Hashable, ...] = field(repr=False)
    n: Floats
    centre: Floats
    shift: Floats
    m2: Floats
    nulls: int = 0

    @classmethod
    def from_rows(
        cls,
        values: Values,
        clusters: Values,
        covariates: Sequence[Values] = (),
        name: str = "an arm",
    ) -> ClusterTable:
        """Build from one value and cluster per row; rows with a null value are counted.

        Parameters
        ----------
        values
            One per row.
        clusters
            One name per row: numbers, text, tuples, or several columns; see `numbered`.
        covariates
            Further columns.
        name
            Whose they are, for messages.

        Raises
        ------
        UsageError
            If lengths differ, values are not numbers, or a cluster is null.
        NotEstimable
            ``not_finite`` if a value is infinite, ``too_small`` where no square is above 0.
        """
        columns = [as_floats(column, name) for column in (values, *covariates)]
        places, names = numbered(clusters, name)
        if any(column.shape != places.shape for column in columns):
            raise UsageError(
                f"Each row of {name} needs one value and one cluster",
                given=f"{[column.size for column in columns]} values, {places.size} clusters",
                todo="Give one of each for every row.",
            )
        rows = np.column_stack(columns)
        known = ~np.isnan(rows).any(axis=1)
        rows, places = rows[known], places[known]
        if np.isinf(rows).any():
            raise not_finite()
        with np.errstate(over="ignore", invalid="ignore"):  # too large values are judged later
            centre = rows.mean(axis=0) if len(rows) else np.zeros(len(columns))
            flat = np.isinf(centre)
            if len(rows):
                flat |= rows.min(axis=0) == rows.max(axis=0)
                centre[flat] = rows[0, flat]
            rows = rows - centre
            n = np.bincount(places, minlength=len(names)).astype(np.float64)
            shift = _summed(places, len(names), rows) / np.maximum(n, 1.0)[:, None]
            rows -= shift[places]
            m2 = _products_summed(places, len(names), rows)
            lost = float(m2[:, 0, 0].sum() + n @ shift[:, 0] ** 2) == 0.0
        if len(rows) and lost and not flat[0]:
            raise too_small()
        return cls(tuple(names), n, centre, shift, m2, int((~known).sum()))._settled(_ROUNDING)

    @classmethod
    def from_sums(
        cls,
        clusters: Values,
        counts: Values,
        sums: Any,
        squares: Any,
        *,
        pilot: Any = 0.0,
        nulls: int = 0,
    ) -> ClusterTable:
        """Build from one line per cluster, or several, such as a database gives.

        Parameters
        ----------
        clusters
            Names, as in `from_rows`; lines of one cluster are added up.
        counts
            Rows with a value in every variable, shape (c,). Clusters of 0 rows are left out.
        sums
            sum(v - pilot), shape (c,) or (c, k).
        squares
            sum((v - pilot)^2), shape (c,), or sums of products, shape (c, k, k).
        pilot
            What was subtracted before summing: one number per variable. It should be near the
            mean, or squares lose their digits.
        nulls
            Rows left out because a value was null.

        Raises
        ------
        UsageError
            If shapes do not fit, a count is no whole number, a cluster is null, or squares are
            smaller than the sums allow.
        """
        places, names = numbered(clusters, "a table", row="line")
        n, totals, products = _lines(places.size, counts, sums, squares)
        centre = _plain(pilot, "pilot")
        if centre.shape not in ((1,), totals.shape[1:]):
            raise UsageError(
                "A table of clusters has one pilot, or one per variable",
                given=f"pilots of shape {centre.shape}",
                todo="Give the numbers that were subtracted before summing.",
            )
        centre = np.broadcast_to(centre, totals.shape[1:])
        held = n > 0.0
        totals, products = totals[held], products[held]
        n, places = n[held], places[held]
        if not all(np.isfinite(part).all() for part in (totals, products, centre)):
            raise not_finite()
        with np.errstate(over="ignore", invalid="ignore"):  # too large values are judged later
            shift = totals / n[:, None]
            m2 = products - n[:, None, None] * shift[:, :, None] * shift[:, None, :]
        noise = _EPSILON * np.maximum(16.0, np.sqrt(n))
        _require_squares(m2, products, noise)
        lines = cls(tuple(range(len(n))), n, centre, shift, m2, require_count(nulls, "nulls"))
        return lines._settled(noise[:, None])._merged(places, names)

    def __add__(self, other: ClusterTable) -> ClusterTable:
        """Return both tables as one; clusters of the same name are one cluster."""
        if self.centre.size != other.centre.size:
            raise UsageError(
                "Tables of clusters add up if they have the same variables",
                given=f"{self.centre.size} and {other.centre.size} variables",
                todo="Sum the same columns in both.",
            )
        centre = self.centre if len(self) else other.centre
        place: dict[Hashable, int] = {}
        places = [place.setdefault(name, len(place)) for name in (*self.clusters, *other.clusters)]
        joined = ClusterTable(
            (*self.clusters, *other.clusters),
            np.concatenate([self.n, other.n]),
            centre,
            np.concatenate([self.about(centre), other.about(centre)]),
            np.concatenate([self.m2, other.m2]),
            self.nulls + other.nulls,
        )
        return joined._merged(np.array(places, dtype=np.int64), list(place))

    def __len__(self) -> int:
        """Return the number of clusters."""
        return len(self.n)

    @property
    def rows(self) -> int:
        """Rows with a value."""
        return int(self.n.sum())

    @property
    def means(self) -> Floats:
        """Means of the clusters, shape (c, k)."""
        return np.asarray(self.centre + self.shift)

    def about(self, centre: Floats) -> Floats:
        """Return the means of the clusters minus other numbers, without losing digits."""
        with np.errstate(over="ignore", invalid="ignore"):  # too large values are judged later
            return np.asarray(self.shift + (self.centre - centre))

    def _merged(self, places: NDArray[np.int64], names: Sequence[Hashable]) -> ClusterTable:
        """Return the table with lines of one place added up (Chan, Golub & LeVeque 1983)."""
        size = len(names)
        with np.errstate(over="ignore", invalid="ignore"):  # too large values are judged later
            n = _summed(places, size, self.n)
            shift = _summed(places, size, self.n[:, None] * self.shift)
            shift /= np.maximum(n, 1.0)[:, None]
            apart = np.sqrt(self.n)[:, None] * (self.shift - shift[places])
            m2 = _summed(places, size, self.m2) + _products_summed(places, size, apart)
        return ClusterTable(tuple(names), n, self.centre, shift, m2, self.nulls)._settled(_ROUNDING)

    def _settled(self, noise: Floats | float) -> ClusterTable:
        """Return the table without empty clusters, with squares that are rounding set to 0."""
        squares = np.einsum("ckk->ck", self.m2)
        with np.errstate(over="ignore", invalid="ignore"):  # too large values are judged later
            whole = squares + self.n[:, None] * self.shift**2
        flat = squares <= noise * whole
        m2 = np.where(flat[:, :, None] | flat[:, None, :], 0.0, self.m2)
        kept = self.n > 0.0
        names = tuple(name for name, keep in zip(self.clusters, kept, strict=True) if keep)
        return ClusterTable(
            names, self.n[kept], self.centre, self.shift[kept], m2[kept], self.nulls
        )


def _summed(places: NDArray[np.int64], size: int, part: Floats) -> Floats:
    """Return the sums of lines (their first axis) by place."""
    flat = part.reshape(len(part), math.prod(part.shape[1:]))
    sums = [np.bincount(places, column, minlength=size) for column in flat.T]
    return np.asarray(np.column_stack(sums).reshape(size, *part.shape[1:]), dtype=np.float64)


def _products_summed(places: NDArray[np.int64], size: int, rows: Floats) -> Floats:
    """Return sums of products of each pair of columns by place, one pair at a time."""
    variables = rows.shape[1]
    found = np.zeros((size, variables, variables))
    for i in range(variables):
        for j in range(i + 1):
            found[:, i, j] = np.bincount(places, rows[:, i] * rows[:, j], minlength=size)
            found[:, j, i] = found[:, i, j]
    return found


def _lines(clusters: int, counts: Values, sums: Any, squares: Any) -> tuple[Floats, Floats, Floats]:
    """Return counts (c,), sums (c, k) and sums of products (c, k, k) as floats.

    Raises
    ------
    UsageError
        If shapes do not fit, or a count is no whole number.
    """
    n = as_floats(counts, "counts")
    totals, products = _plain(sums, "sums"), _plain(squares, "squares")
    totals = totals[:, None] if totals.ndim == 1 else totals
    products = products[:, None, None] if products.ndim == 1 else products
    size = totals.shape[1] if totals.ndim == 2 else 0
    fits = len(n) == clusters == len(totals) and products.shape == (clusters, size, size)
    if not (fits and size > 0):
        raise UsageError(
            "A table of clusters has one count, sum and square per line",
            given=f"{clusters} clusters, {n.size} counts, sums of shape {totals.shape}, "
            f"squares of shape {products.shape}",
            todo="Give squares as (lines,), or sums of products as (lines, k, k).",
        )
    if not ((n >= 0.0) & (n < 2.0**53) & (np.trunc(n) == n)).all():
        raise UsageError(
            "Counts must be whole numbers of at least 0",
            given=str(n[:5].tolist()),
            todo="Give numbers of rows, not shares.",
        )
    return n, totals, products


def _require_squares(m2: Floats, products: Floats, noise: Floats) -> None:
    """Refuse sums of squares that are smaller than sums allow, by more than rounding.

    Raises
    ------
    UsageError
        If one is.
    """
    squares, given = np.einsum("ckk->ck", m2), np.einsum("ckk->ck", products)
    if (squares < -noise[:, None] * np.abs(given)).any() or (given < 0.0).any():
        raise UsageError(
            "A sum of squares is smaller than its sum allows",
            given=f"{int((squares < -noise[:, None] * np.abs(given)).any(axis=1).sum())} lines",
            todo="Give sum((v - pilot)^2) with the pilot of the sums, and counts of the same rows.",
        )


def _plain(values: Any, name: str) -> Floats:
    """Return numbers of any shape as floats."""
    if np.ndim(values) <= 1:
        return as_floats(np.atleast_1d(values) if np.ndim(values) == 0 else values, name)
    array = np.asarray(values)
    return as_floats(array.reshape(-1), name).reshape(array.shape)
