"""Tests of counts: equal shares in every row of a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from abtest.errors import UsageError
from abtest.stats.floats import as_floats
from abtest.stats.moments import Floats
from abtest.stats.not_estimable import NotEstimable
from abtest.stats.results import Test
from abtest.stats.tails import chi_square_test

SMALLEST_EXPECTED = 5.0
"""Rows are pooled until every expected count is at least this (Cochran 1954)."""

MOST = 2.0**53
"""Above it not every whole number is a float."""


def homogeneity(counts: Sequence[Sequence[int]]) -> Test:
    """Return the test of whether all rows have the same distribution over columns.

    Pearson's chi-square of a table. Empty rows and columns say nothing and are dropped. Sparse
    rows are pooled with the rows that follow (rows are days or the like, so neighbours belong
    together) until every expected count of the group is at least 5; what remains at the end joins
    the last group.

    Parameters
    ----------
    counts
        Units by row and column, all rows equally long.

    Raises
    ------
    UsageError
        If a count is negative or no whole number, or rows differ in length.
    NotEstimable
        ``too_few_units`` if fewer than two rows or columns remain.

    Examples
    --------
    >>> round(homogeneity([[50, 50], [70, 30], [0, 0]]).p_value, 5)
    0.00389
    """
    if not hasattr(counts, "__len__"):
        raise UsageError(
            "Counts must be a table",
            given=repr(counts),
            todo="Give a sequence of rows, each with a count per column.",
        )
    rows = [whole_counts(row) for row in counts]
    if len({len(row) for row in rows}) > 1:
        raise UsageError(
            "All rows of a table must be equally long",
            given=f"rows of {sorted({len(row) for row in rows})} columns",
            todo="Give a 0 where a column has no units.",
        )
    table = np.array(rows)
    if table.size:
        table = table[table.sum(axis=1) > 0.0][:, table.sum(axis=0) > 0.0]
        table = _pooled(table) if table.size else table
    if table.ndim != 2 or min(table.shape) < 2:
        raise NotEstimable(
            "too_few_units",
            "Fewer than two rows or columns have enough units to compare",
            given=f"{len(counts)} rows, {table.shape[0]} after pooling sparse ones",
            todo="Wait for more units.",
        )
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    statistic = float(((table - expected) ** 2 / expected).sum())
    return chi_square_test(statistic, (table.shape[0] - 1) * (table.shape[1] - 1))


def _pooled(table: Floats) -> Floats:
    """Return the table with neighbouring rows summed until no expected count is small."""
    smallest_share = float(table.sum(axis=0).min() / table.sum())
    groups: list[Floats] = []
    open_group = np.zeros(table.shape[1])
    for row in table:
        open_group = open_group + row
        if open_group.sum() * smallest_share >= SMALLEST_EXPECTED:
            groups.append(open_group)
            open_group = np.zeros(table.shape[1])
    if groups:
        groups[-1] = groups[-1] + open_group
    return np.array(groups).reshape(-1, table.shape[1])


def whole_counts(row: Any) -> Floats:
    """Return counts as floats.

    Raises
    ------
    UsageError
        If one is missing, negative, no whole number or no number at all.
    """
    values = as_floats(row, "counts") if hasattr(row, "__len__") else np.array([np.nan])
    kinds = getattr(row, "dtype", None)
    truths = kinds == np.bool_ or (
        isinstance(row, list | tuple) and any(isinstance(v, bool | np.bool_) for v in row)
    )
    whole = np.isfinite(values).all() and (values >= 0.0).all() and (values % 1.0 == 0.0).all()
    if truths or not whole:
        raise UsageError(
            "Counts must be whole numbers of at least 0",
            given=str(row),
            todo="Give numbers of units, not shares.",
        )
    if values.size and values.max() > MOST:
        raise UsageError(
            "Counts are too large to be counts",
            given=str(row),
            todo="Give numbers of units, below 2^53.",
        )
    return values
