"""Tests of counts: against planned shares (sample ratio), and for equal shares in every row."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from abtest.errors import UsageError
from abtest.stats.moments import Floats
from abtest.stats.not_estimable import NotEstimable
from abtest.stats.results import Test
from abtest.stats.tails import chi_square_test

SMALLEST_EXPECTED = 5.0
"""Rows are pooled until every expected count is at least this (Cochran 1954)."""


def sample_ratio(
    counts: Sequence[int] | Sequence[Sequence[int]],
    shares: Sequence[float] | Sequence[Sequence[float]],
) -> Test:
    """Return the test of whether units arrived in the planned shares.

    Pearson's chi-square without continuity correction, over all arms at once and summed over
    phases of allocation: within a phase the shares are constant, between phases they are not.

    Parameters
    ----------
    counts
        Units by arm, or by phase and arm.
    shares
        Planned shares of the same shape, in any unit: they are scaled to sum to 1 within a
        phase. An arm that was closed in a phase is left out of that phase's rows.

    Raises
    ------
    UsageError
        If a share is not positive, a count is negative or no whole number, or shapes differ.
    NotEstimable
        ``too_few_units`` if there are no units at all.

    Examples
    --------
    >>> test = sample_ratio([821588, 815482], [0.5, 0.5])
    >>> f"{test.p_value:.1e}"
    '1.8e-06'
    """
    rows, plans = _rows(counts), _rows(shares)
    if [len(row) for row in rows] != [len(plan) for plan in plans]:
        raise UsageError(
            "Counts and planned shares must have the same phases and arms",
            given=f"counts {counts}, shares {shares}",
            todo="Give one share per count.",
        )
    statistic, df = 0.0, 0
    for row, plan in zip(rows, plans, strict=True):
        observed = _counts(row)
        expected_shares = _shares(plan)
        if observed.sum() == 0.0:
            continue
        expected = observed.sum() * expected_shares
        statistic += float(((observed - expected) ** 2 / expected).sum())
        df += len(observed) - 1
    if df == 0:
        raise NotEstimable(
            "too_few_units",
            "There are no units to count",
            given=f"counts {counts}",
            todo="Wait for exposures.",
        )
    return chi_square_test(statistic, df)


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
    if len({len(row) for row in counts}) > 1:
        raise UsageError(
            "All rows of a table must be equally long",
            given=f"rows of {sorted({len(row) for row in counts})} columns",
            todo="Give a 0 where a column has no units.",
        )
    table = np.array([_counts(row) for row in counts])
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


def _rows(values: Sequence[Any]) -> list[Sequence[Any]]:
    """Return a sequence of rows, from one row or several."""
    values = list(values)
    if values and not isinstance(values[0], Sequence | np.ndarray):
        return [values]
    return values


def _counts(row: Sequence[Any]) -> Floats:
    values = np.asarray(row, dtype=np.float64)
    if not np.isfinite(values).all() or (values < 0.0).any() or (values % 1.0 != 0.0).any():
        raise UsageError(
            "Counts must be whole numbers of at least 0",
            given=str(list(row)),
            todo="Give numbers of units, not shares.",
        )
    return values


def _shares(plan: Sequence[Any]) -> Floats:
    values = np.asarray(plan, dtype=np.float64)
    if not all(value > 0.0 and math.isfinite(value) for value in values):
        raise UsageError(
            "A planned share must be above 0",
            given=str(list(plan)),
            todo="Leave an arm that gets no units out of counts and shares; units that it got "
            "all the same are a fault to look into first.",
        )
    return np.asarray(values / values.sum())
