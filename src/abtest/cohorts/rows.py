"""Rows of a table as dictionaries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

Row = dict[str, Any]


def records(frame: pd.DataFrame) -> list[Row]:
    """Return the rows by the names of their columns."""
    return [dict(zip(frame.columns, row, strict=True)) for row in frame.itertuples(index=False)]
