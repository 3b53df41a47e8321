"""What the curves of one arm share: columns over time, of which rows hold until the next."""

from __future__ import annotations

import math
from dataclasses import fields
from typing import TYPE_CHECKING

import numpy as np

from abtest.errors import UsageError
from abtest.stats.answer import Answer
from abtest.stats.moments import Floats

if TYPE_CHECKING:
    import pandas as pd

SHOWN = 20
"""Times of a curve that a notebook shows."""


class SteppedCurve(Answer):
    """A curve that changes at its `times` and holds in between; a dataclass of columns."""

    times: Floats
    confidence_level: float

    @property
    def table(self) -> pd.DataFrame:
        """One row per time."""
        import pandas as pd

        columns = ((field.name, getattr(self, field.name)) for field in fields(self))
        return pd.DataFrame({name: x for name, x in columns if isinstance(x, np.ndarray)})

    def _row_at(self, time: float, what: str, *, ended: bool) -> int:
        """Return the row that holds at a time; -1 before the first.

        Parameters
        ----------
        time
            From 0 on.
        what
            Is not known after the last unit was seen ...
        ended
            ... unless nothing can happen any more.

        Raises
        ------
        UsageError
            If the time is no such number.
        """
        known = isinstance(time, int | float | np.number) and not isinstance(time, bool)
        last = float(self.times[-1])
        if not (known and 0.0 <= time < math.inf) or (time > last and not ended):
            raise UsageError(
                f"The {what} is not known at this time",
                given=f"{time!r}; the last unit was seen at {last:g}",
                todo=f"Give a time from 0 to {last:g}.",
            )
        return int(np.searchsorted(self.times, time, side="right")) - 1

    def _shown(self) -> list[int]:
        """Return rows for a notebook, at most twenty, the first and the last among them."""
        return [
            int(row) for row in np.unique(np.linspace(0, self.times.size - 1, SHOWN, dtype=int))
        ]

    @property
    def _level(self) -> str:
        return f"{100 * self.confidence_level:.6g}% interval"
