"""What every table of effects has: one row per pair of arms, with a status where it has none."""

from __future__ import annotations

import operator
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, get_args

import numpy as np
from numpy.typing import NDArray

from abtest.errors import UsageError
from abtest.stats.answer import Plain
from abtest.stats.moments import Floats
from abtest.stats.not_estimable import NotEstimable, NotEstimableCode
from abtest.stats.results import Interval, Measure, Method, RelativeInterval

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class EffectTable(Plain):
    """Effects of treatment against control for r pairs of arms.

    The fields are described by the tables that have them. Arrays have shape (r,).
    """

    status: NDArray[np.str_]
    estimate: Floats
    lower: Floats
    upper: Floats
    relative_estimate: Floats
    relative_lower: Floats
    relative_upper: Floats
    relative_status: NDArray[np.str_]
    p_value: Floats
    log10_p: Floats
    statistic: Floats
    df: Floats
    n_control: Floats
    n_treatment: Floats
    control_value: Floats
    treatment_value: Floats
    nulls_control: Floats
    nulls_treatment: Floats
    variance_reduction: Floats
    warnings: NDArray[np.object_]
    measure: Measure
    method: Method
    confidence_level: float

    def __len__(self) -> int:
        """Return the number of rows."""
        return int(self.status.shape[0])

    def require_row(self, row: int) -> None:
        """Refuse a row without a number.

        Raises
        ------
        UsageError
            If the row is no whole number.
        NotEstimable
            If its status is not ``ok``.
        """
        try:
            status = str(self.status[operator.index(row)])
        except TypeError as error:
            raise UsageError(
                "One row of a table is taken at a time",
                given=f"table[{row!r}]",
                todo="Give the number of a row, or take a part of the data frame .table.",
            ) from error
        if status == "ok":
            return
        code: NotEstimableCode = next(c for c in get_args(NotEstimableCode) if c == status)
        raise NotEstimable(
            code,
            "This comparison has no number",
            given=f"row {row}: {status}",
            todo="Look at the units and values of the row.",
        )

    def absolute_of(self, row: int) -> Interval:
        """Return treatment - control of one row with its interval."""
        return Interval(
            finite_or_none(self.estimate[row]),
            finite_or_none(self.lower[row]),
            finite_or_none(self.upper[row]),
        )

    def relative_of(self, row: int) -> RelativeInterval:
        """Return the relative effect of one row with its confidence set."""
        return RelativeInterval(
            finite_or_none(self.relative_estimate[row]),
            finite_or_none(self.relative_lower[row]),
            finite_or_none(self.relative_upper[row]),
            status=self.relative_status[row].item(),
        )

    @property
    def table(self) -> pd.DataFrame:
        """One row per comparison."""
        import pandas as pd

        return pd.DataFrame({field.name: getattr(self, field.name) for field in fields(self)})

    def _repr_html_(self) -> str:
        """Return the table as pandas shows it."""
        return self.table._repr_html_()  # type: ignore[operator,no-any-return]  # pandas has it


def finite_or_none(value: float) -> float | None:
    """Return a number of an array, None for what is not there."""
    return float(value) if np.isfinite(value) else None
