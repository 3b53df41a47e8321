"""The statistic of a metric from its columns of totals, in exact arithmetic."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Protocol

import numpy as np

from abtest.data.measured import Failure, FailureCode
from abtest.data.request import Design, TotalsRequest
from abtest.data.samples import CellUnits, MetricSums

LARGEST_COUNT = 2**53
"""Above it whole numbers are not exact in float64."""


class Row(Protocol):
    """A row of totals, as far as its statistic is concerned."""

    @property
    def variant(self) -> str:
        """Arm of the row."""

    @property
    def day(self) -> date | None:
        """Day of the row."""

    @property
    def values(self) -> object:
        """Mapping from column to number, None or text."""


@dataclass(frozen=True)
class Outcome:
    """Sums per row and the days that were left out."""

    sums: MetricSums
    skipped: tuple[date, ...]


@dataclass(frozen=True)
class _Row:
    """n, sum and sum of squared deviations from the row's own mean, exact."""

    n: int
    total: Fraction
    m2: Fraction


def outcome_columns(request: TotalsRequest) -> tuple[str, ...]:
    """Return the columns that a request names, counts first."""
    names = (
        request.trials,
        request.successes,
        request.n,
        request.sum,
        request.sum_squares,
        request.mean,
        request.variance,
    )
    return tuple(name for name in names if name is not None)


def read_outcome(
    request: TotalsRequest, rows: Sequence[Row], design: Design, *, skip: bool
) -> Outcome | Failure:
    """Return the sums of one metric, or why it has none.

    With `skip`, a day on which any arm has an empty cell, or no row at all, is left out of
    every arm and named; without, and without days, an empty cell fails the metric.
    """
    names = outcome_columns(request)
    cells = [_cells(row, names) for row in rows]
    empty = {row.day for row, values in zip(rows, cells, strict=True) if None in values}
    days = {row.day for row in rows}
    for variant in design.variants:
        empty |= days - {row.day for row in rows if row.variant == variant}
    if empty and (not skip or None in empty):
        shown = min((day for day in empty if day is not None), default=None)
        first = None if shown is None else shown.isoformat()
        return "empty_outcomes", {"days": len(empty), "first": first}
    found: list[_Row | None] = []
    for row, values in zip(rows, cells, strict=True):
        if row.day in empty:
            found.append(None)
            continue
        one = _statistic(request, values)
        if not isinstance(one, _Row):
            code, given = one
            return code, {**given, "variant": row.variant, **_when(row.day)}
        found.append(one)
    if all(one is None or one.n == 0 for one in found):
        return "all_null", {"days": len(empty)}
    return Outcome(_sums(found), tuple(sorted(day for day in empty if day is not None)))


def _when(day: date | None) -> dict[str, object]:
    return {} if day is None else {"day": day.isoformat()}


def _cells(row: Row, names: Sequence[str]) -> list[object]:
    values = row.values
    assert isinstance(values, dict)
    return [values.get(name) for name in names]


def _statistic(request: TotalsRequest, cells: Sequence[object]) -> _Row | Failure:
    """Return the statistic of one row, or what is wrong with its numbers."""
    numbers = []
    for name, value in zip(outcome_columns(request), cells, strict=True):
        if not isinstance(value, int | float):
            return "not_numeric", {"column": name}
        if not math.isfinite(value):
            return "infinite_values", {"column": name}
        numbers.append(Fraction(value))
    n = int(numbers[0])
    if n != numbers[0] or not 0 <= n <= LARGEST_COUNT:
        code: FailureCode = "values_too_large" if n > LARGEST_COUNT else "not_a_count"
        return code, {"column": request.trials or request.n}
    if request.trials is not None:
        return _proportion(n, numbers[1], request)
    if request.sum is not None:
        return _from_squares(n, numbers[1], numbers[2], request)
    return _from_variance(n, numbers[1], numbers[2], request)


def _from_variance(
    n: int, mean: Fraction, variance: Fraction, request: TotalsRequest
) -> _Row | Failure:
    if variance < 0:
        return "negative_variance", {"column": request.variance}
    return _Row(n, n * mean, max(n - 1, 0) * variance)


def _proportion(n: int, successes: Fraction, request: TotalsRequest) -> _Row | Failure:
    if successes < 0 or successes.denominator != 1:
        return "not_a_count", {"column": request.successes}
    if successes > n:
        return "successes_above_trials", {"column": request.successes}
    return _Row(n, successes, successes - successes**2 / n if n else Fraction(0))


def _from_squares(
    n: int, total: Fraction, squares: Fraction, request: TotalsRequest
) -> _Row | Failure:
    m2 = squares - total**2 / n if n else Fraction(0)
    if m2 < 0:
        if -m2 > Fraction(1, 10**9) * squares:  # more than the rounding of what was written
            return "negative_variance", {"column": request.sum_squares}
        m2 = Fraction(0)
    return _Row(n, total, m2)


def _sums(rows: Sequence[_Row | None]) -> MetricSums:
    """Return the rows' sums about their common mean, rounded once at the end."""
    known = [row for row in rows if row is not None]
    count = sum(row.n for row in known)
    mean = float(sum((row.total for row in known), Fraction(0)) / count)
    pilot = Fraction(mean)
    n = np.array([0 if row is None else row.n for row in rows], dtype=np.int64)
    sums = np.zeros((len(rows), 1))
    products = np.zeros((len(rows), 1, 1))
    for index, row in enumerate(rows):
        if row is None or row.n == 0:
            continue
        shift = row.total / row.n - pilot
        sums[index, 0] = float(row.n * shift)
        products[index, 0, 0] = float(row.m2 + row.n * shift**2)
    zeros = np.zeros(len(rows), dtype=np.int64)
    none = np.zeros((len(n), 0), dtype=np.int64)  # totals have no covariates
    units = CellUnits(n, zeros, zeros, zeros)
    return MetricSums(units, np.array([mean]), sums, products, none)
