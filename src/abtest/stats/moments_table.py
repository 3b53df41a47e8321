"""Moments of many samples as one table, for many comparisons in one call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from abtest.errors import UsageError
from abtest.stats.moments import Floats, Moments, too_small_squares


@dataclass(frozen=True, eq=False)
class MomentsTable:
    """Count, means and centred second moments of k variables for each of r samples.

    Attributes
    ----------
    n
        Units of each sample, shape (r,).
    mean
        Means, shape (r, k).
    m2
        Sums of products of deviations, shape (r, k, k).
    nulls
        Units left out because a value was null, shape (r,), or one number for all rows.

    Examples
    --------
    >>> table = MomentsTable.from_moments([Moments.from_counts(10, 3), Moments.from_counts(20, 5)])
    >>> len(table), table.mean[:, 0].tolist()
    (2, [0.3, 0.25])
    """

    n: Floats
    mean: Floats
    m2: Floats
    nulls: Floats | float = 0.0

    @classmethod
    def from_moments(cls, rows: Sequence[Moments]) -> MomentsTable:
        """Build from one `Moments` per sample, all of the same variables.

        Raises
        ------
        UsageError
            If there are none, or they differ in their number of variables.
        """
        if len({row.mean.shape for row in rows}) != 1:
            raise UsageError(
                "Rows of a table must have the same variables",
                given=f"{len(rows)} rows of {sorted({len(row.mean) for row in rows})} variables",
                todo="Give at least one Moments, each with the same variables.",
            )
        return cls(
            np.array([row.n for row in rows], dtype=np.float64),
            np.stack([row.mean for row in rows]),
            np.stack([row.m2 for row in rows]),
            np.array([row.nulls for row in rows], dtype=np.float64),
        )

    @classmethod
    def from_columns(cls, n: ArrayLike, mean: ArrayLike, variance: ArrayLike) -> MomentsTable:
        """Build from the columns of a table of one variable: units, mean, sample variance (n - 1).

        Raises
        ------
        UsageError
            If lengths differ, or a count or variance is negative.

        Examples
        --------
        >>> MomentsTable.from_columns([3], [2.0], [1.5]).m2.tolist()
        [[[3.0]]]
        """
        units, means, variances = (np.asarray(x, dtype=np.float64) for x in (n, mean, variance))
        if units.ndim != 1 or not units.shape == means.shape == variances.shape:
            raise UsageError(
                "Units, means and variances must be columns of the same length",
                given=f"shapes {units.shape}, {means.shape}, {variances.shape}",
                todo="Give one number per sample in each.",
            )
        if (units < 0).any() or (units % 1 != 0).any() or (variances < 0).any():
            raise UsageError(
                "Units must be whole numbers, and neither they nor variances negative",
                given=f"smallest {units.min():g} units, variance {np.nanmin(variances):g}",
                todo="Check which column is which.",
            )
        m2 = variances * np.maximum(units - 1.0, 0.0)
        return cls(units, means[:, None], m2[:, None, None])

    def __len__(self) -> int:
        """Return the number of samples."""
        return int(self.n.shape[0])

    @overload
    def __getitem__(self, rows: int) -> Moments: ...

    @overload
    def __getitem__(self, rows: slice | NDArray[np.bool_]) -> MomentsTable: ...

    def __getitem__(self, rows: int | slice | NDArray[np.bool_]) -> Moments | MomentsTable:
        """Return one sample, or the table of a slice or of the rows where a mask is true.

        Examples
        --------
        >>> table = MomentsTable.from_columns([3, 4, 5], [1.0] * 3, [0.5] * 3)
        >>> len(table[1:]), table[2].n
        (2, 5)
        """
        n, nulls = self.n[rows], np.broadcast_to(self.nulls, self.n.shape)[rows]
        if np.ndim(n) == 0:
            return Moments(int(n), self.mean[rows], self.m2[rows], int(nulls))
        return MomentsTable(n, self.mean[rows], self.m2[rows], nulls)


def same_rows(control: MomentsTable, treatment: MomentsTable) -> tuple[Floats, Floats]:
    """Return the units of both tables, which must have the same number of rows.

    Raises
    ------
    UsageError
        If they do not.
    """
    if len(control) != len(treatment):
        raise UsageError(
            "Tables must have the same number of rows",
            given=f"{len(control)} rows of control, {len(treatment)} of treatment",
            todo="Give one row per comparison in both.",
        )
    return control.n, treatment.n


def nulls_of(control: MomentsTable, treatment: MomentsTable) -> Floats:
    """Return the units of both tables that had no value, shape (2, r)."""
    return np.stack([np.broadcast_to(arm.nulls, arm.n.shape) for arm in (control, treatment)])


def too_small_rows(control: MomentsTable, treatment: MomentsTable) -> NDArray[np.bool_]:
    """Return in which rows a variable of an arm varies by too little for its squares."""
    squares = np.stack([np.einsum("rii->ri", arm.m2) for arm in (control, treatment)])
    return np.asarray(too_small_squares(squares).any(axis=(0, 2)))


def mixed_tables(other: str) -> UsageError:
    """Return the error of a table that is compared with something else."""
    return UsageError(
        "Tables of moments are compared with tables, row by row",
        given=f"a MomentsTable with {other}",
        todo="Give two MomentsTable, or compare one pair at a time.",
    )
