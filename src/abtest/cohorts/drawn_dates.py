"""Which dates a picture over the calendar draws: one clock that was never set is not its scale."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from abtest.cohorts.log_health_counts import EARLIEST

if TYPE_CHECKING:
    import pandas as pd


def drawn_dates(table: pd.DataFrame, column: str, moves: str) -> tuple[pd.DataFrame, str]:
    """Return the rows that are drawn, and a sentence if others are in the table only.

    Where a log begins before the year 2000, rows are drawn from the first date after it at which
    the sum of the column `moves` is another than the day before; without one all are.

    Examples
    --------
    >>> import pandas as pd
    >>> days = ["1970-01-01", "1999-12-31", "2026-01-04", "2026-01-05"]
    >>> rows, said = drawn_dates(pd.DataFrame({"day": days, "units": [1, 0, 0, 9]}), "day", "units")
    >>> rows["units"].tolist(), said
    ([9], 'Dates before 2026-01-05 are in the table only.')
    """
    sums = table.groupby(column)[moves].sum()
    dates = [str(date) for date in sums.index]
    changed = np.diff(sums.to_numpy(dtype=np.float64), prepend=0.0) != 0.0
    if not dates or dates[0] >= f"{EARLIEST.year}":
        return table, ""
    later = [
        date for date, new in zip(dates, changed, strict=True) if new and date >= f"{EARLIEST.year}"
    ]
    if not later:
        return table, ""
    drawn = table[table[column].astype(str) >= later[0]]
    return drawn, f"Dates before {later[0]} are in the table only."
