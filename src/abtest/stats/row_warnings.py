"""Warnings of many comparisons as one column: a tuple of codes in each row."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from abtest.stats.results import WarningCode


def warning_rows(
    rows: int, where: Mapping[WarningCode, NDArray[np.bool_]] | None = None
) -> NDArray[np.object_]:
    """Return the codes of every row, shape (rows,).

    Parameters
    ----------
    rows
        Their number.
    where
        In which rows each code holds, shape (rows,).

    Examples
    --------
    >>> warning_rows(2, {"few_events": np.array([True, False])}).tolist()
    [('few_events',), ()]
    """
    column = np.empty(rows, dtype=object)
    column.fill(())
    for code, mask in (where or {}).items():
        add_warning(column, code, mask)
    return column


def add_warning(column: NDArray[np.object_], code: WarningCode, where: NDArray[np.bool_]) -> None:
    """Put a code into some rows of a column, in place."""
    for row in np.flatnonzero(where):
        column[row] = (*column[row], code)


def remove_warnings(column: NDArray[np.object_], where: NDArray[np.bool_]) -> None:
    """Empty some rows of a column, in place."""
    for row in np.flatnonzero(where):
        column[row] = ()
