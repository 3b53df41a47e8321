"""What a method said in every draw, as arrays that are counted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from abtest.stats import Comparison, ComparisonTable, NotEstimable
from abtest.stats.moments import Floats
from calibration.cell import Observed

LEVEL = 0.95
ALPHA = 0.05
POWER = 0.8


@dataclass(frozen=True, eq=False)
class Answers:
    """p-values and limits of r draws; infinite limits are open ends.

    Attributes
    ----------
    ok
        Draws in which the method gave a number.
    p_value, lower, upper
        Test and interval of the difference.
    relative_lower, relative_upper
        Limits of the relative effect.
    outside
        Draws whose relative set is everything but what lies between its limits.
    """

    ok: NDArray[np.bool_]
    p_value: Floats
    lower: Floats
    upper: Floats
    relative_lower: Floats
    relative_upper: Floats
    outside: NDArray[np.bool_]

    @classmethod
    def of_table(cls, table: ComparisonTable) -> Answers:
        """Return what a table of comparisons says."""
        return cls(
            table.status == "ok",
            table.p_value,
            table.lower,
            table.upper,
            table.relative_lower,
            table.relative_upper,
            table.relative_status == "two_rays",
        )

    @classmethod
    def of_calls(cls, calls: Iterable[Callable[[], Comparison]]) -> Answers:
        """Return what single comparisons say; one that cannot be estimated is not ok."""
        return cls.of_rows([row_of(call) for call in calls])

    @classmethod
    def of_rows(cls, rows: Sequence[Row]) -> Answers:
        """Return rows as columns."""
        columns = np.array(rows, dtype=np.float64).T
        ok, p_value, lower, upper, relative_lower, relative_upper, outside = columns
        limits = (lower, upper, relative_lower, relative_upper)
        return cls(ok == 1.0, p_value, *limits, outside == 1.0)

    def observed(self, method: str, truth: tuple[float, float], power: float) -> list[Observed]:
        """Return how often the method rejected, and held the true difference and relative effect.

        Parameters
        ----------
        method
            Its name on the page.
        truth
            True difference and true relative effect (NaN where the method has none).
        power
            What it promises where the difference is not 0.
        """
        ok = self.ok
        runs, missing = int(ok.sum()), int((~ok).sum())
        rejected = int((self.p_value[ok] < ALPHA).sum())
        found = [
            Observed(method, "type_i", ALPHA, rejected, runs, missing)
            if truth[0] == 0.0
            else Observed(method, "power", power, rejected, runs, missing)
        ]
        difference, ratio = truth
        if not np.isnan(self.lower[ok]).all():
            inside = (self.lower <= difference) & (difference <= self.upper)
            found.append(Observed(method, "coverage", LEVEL, int(inside[ok].sum()), runs, missing))
        if not np.isnan(ratio):
            between = (self.relative_lower <= ratio) & (ratio <= self.relative_upper)
            inside = np.where(self.outside, ~between, between)
            held = int(inside[ok].sum())
            found.append(Observed(method, "relative_coverage", LEVEL, held, runs, missing))
        return found


Row = tuple[float, ...]
"""ok, p-value, limits of the difference and of the relative effect, whether they are outside."""
NOTHING: Row = (0.0, *(np.nan,) * 5, 0.0)


def row_of(call: Callable[[], Comparison]) -> Row:
    """Return what one comparison says; nothing if it cannot be estimated."""
    try:
        found = call()
    except NotEstimable:
        return NOTHING
    absolute, relative = found.absolute, found.relative
    no_difference = absolute.estimate is None
    return (
        1.0,
        found.p_value,
        np.nan if no_difference else end_of(absolute.lower, -np.inf),
        np.nan if no_difference else end_of(absolute.upper, np.inf),
        end_of(relative.lower, -np.inf),
        end_of(relative.upper, np.inf),
        float(relative.status == "two_rays"),
    )


def end_of(limit: float | None, none: float) -> float:
    """Return a limit, or what stands for none."""
    return none if limit is None else limit
