"""How long it takes until enough units have come."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from abtest.errors import UsageError
from abtest.stats.sizing.numbers import number_or_row, one_number

_MOST_DAYS = 1e6


def days_until(units: float, units_per_day: float | Sequence[float], maturity: float = 0) -> int:
    """Return whole days until so many units have come and are mature.

    Parameters
    ----------
    units
        Units over all arms.
    units_per_day
        New units over all arms: one number for every day, or one for each day in turn.
    maturity
        Days that a unit is watched after it came.

    Raises
    ------
    UsageError
        If numbers cannot be, or the days that are given do not bring that many units.

    Examples
    --------
    >>> days_until(10_000, 1_500), days_until(10_000, [6_000, 3_000, 2_000], maturity=7)
    (7, 10)
    """
    after: int = math.ceil(one_number(maturity, "maturity", 0.0, 1e6, closed=True))
    pace = number_or_row(units_per_day, "units_per_day", 0.0, 1e18, closed=True)
    if isinstance(pace, float):
        if units > pace * _MOST_DAYS:
            raise _never(units, pace * _MOST_DAYS)
        return max(math.ceil(units / pace - 1e-9), 0) + after
    so_far = np.cumsum(pace)
    enough = np.flatnonzero(so_far >= units * (1.0 - 1e-12))
    if not enough.size:
        raise _never(units, float(so_far[-1]))
    return int(enough[0]) + 1 + after


def _never(units: float, reached: float) -> UsageError:
    return UsageError(
        "The traffic that is given does not bring enough units",
        given=f"{reached:,.0f} of {units:,.0f} units",
        todo="Give more days, or plan for a larger effect.",
        code="not_enough_traffic",
    )
