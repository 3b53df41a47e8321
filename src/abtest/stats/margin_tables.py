"""What tests against a margin answer for many pairs of arms at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from abtest.stats.effect_table import EffectTable, finite_or_none
from abtest.stats.margin_results import Direction, Equivalence, MarginScale, NonInferiority
from abtest.stats.moments import Floats
from abtest.stats.results import Alternative, Test
from abtest.stats.tails import tail_test


@dataclass(frozen=True, eq=False)
class _MarginTable(EffectTable):
    """Fields that both tables share; they are described there."""

    scale: MarginScale
    alpha: float

    def _shared(self, row: int) -> dict[str, Any]:
        """Return what both answers share of one row.

        Raises
        ------
        NotEstimable
            If its status is not ``ok``.
        """
        self.require_row(row)
        return {
            "scale": self.scale,
            "absolute": self.absolute_of(row),
            "relative": self.relative_of(row),
            "alpha": self.alpha,
            "confidence_level": self.confidence_level,
            "p_value": float(self.p_value[row]),
            "log10_p": float(self.log10_p[row]),
            "n_control": int(self.n_control[row]),
            "n_treatment": int(self.n_treatment[row]),
            "nulls_control": int(self.nulls_control[row]),
            "nulls_treatment": int(self.nulls_treatment[row]),
            "control_value": float(self.control_value[row]),
            "treatment_value": float(self.treatment_value[row]),
            "method": self.method,
            "variance_reduction": finite_or_none(self.variance_reduction[row]),
            "warnings": self.warnings[row],
        }


@dataclass(frozen=True, eq=False)
class NonInferiorityTable(_MarginTable):
    """Whether r treatments are not worse than their controls; ``table[i]`` is one of them.

    Arrays have shape (r,). Limits that an interval does not have are infinite; numbers of a row
    whose `status` is not ``ok`` are NaN, and its decision is False.

    Attributes
    ----------
    status
        ``ok``, or why there is no number: the codes of `NotEstimable`.
    estimate, lower, upper
        Treatment - control with its one-sided interval.
    relative_estimate, relative_lower, relative_upper, relative_status
        The same over |control|.
    p_value, log10_p, statistic, df
        The one-sided tests against the bounds; `df` is infinite for score tests.
    n_control, n_treatment, control_value, treatment_value
        Units and estimates of the arms.
    nulls_control, nulls_treatment, variance_reduction, warnings
        As in `ComparisonTable`.
    measure, method, confidence_level, scale, alpha, direction
        The same for all rows; see `NonInferiority`.
    margin, bound
        The losses that are still acceptable, and the effects that are tested against.
    non_inferior
        Whether ``p_value < alpha``.
    """

    direction: Direction
    margin: Floats
    bound: Floats
    non_inferior: NDArray[np.bool_]

    def __getitem__(self, row: int) -> NonInferiority:
        """Return the answer of one row.

        Raises
        ------
        NotEstimable
            If its status is not ``ok``.
        """
        return NonInferiority(
            **self._shared(row),
            margin=float(self.margin[row]),
            bound=float(self.bound[row]),
            direction=self.direction,
            statistic=float(self.statistic[row]),
            df=finite_or_none(self.df[row]),
            non_inferior=bool(self.non_inferior[row]),
        )

    def __repr__(self) -> str:
        """Return what it holds."""
        found = int(self.non_inferior.sum())
        return f"NonInferiorityTable({len(self)} comparisons, {found} non-inferior, {self.method})"


@dataclass(frozen=True, eq=False)
class EquivalenceTable(_MarginTable):
    """Whether r treatments differ from their controls by less than a margin either way.

    ``table[i]`` is one of them. Arrays have shape (r,); rows without a number are as in
    `NonInferiorityTable`.

    Attributes
    ----------
    status, n_control, n_treatment, control_value, treatment_value, nulls_control,
    nulls_treatment, variance_reduction, warnings, measure, method
        As in `NonInferiorityTable`.
    estimate, lower, upper
        Treatment - control with its two-sided interval of level 1 - 2 alpha.
    relative_estimate, relative_lower, relative_upper, relative_status
        The same over |control|.
    p_value, log10_p, statistic, df
        Of the one of the two tests with the larger p-value; `df` is infinite for score tests.
    confidence_level, scale, alpha
        The same for all rows; see `Equivalence`.
    lower_bound, upper_bound
        The effects that are tested against: a loss and a gain.
    lower_statistic, upper_statistic
        Of the tests that the effect is above the lower bound, and that it is below the upper one.
    equivalent
        Whether ``p_value < alpha``.
    """

    lower_bound: Floats
    upper_bound: Floats
    lower_statistic: Floats
    upper_statistic: Floats
    equivalent: NDArray[np.bool_]

    def __getitem__(self, row: int) -> Equivalence:
        """Return the answer of one row.

        Raises
        ------
        NotEstimable
            If its status is not ``ok``.
        """
        return Equivalence(
            **self._shared(row),
            bounds=(float(self.lower_bound[row]), float(self.upper_bound[row])),
            lower_test=self._test(self.lower_statistic, row, "greater"),
            upper_test=self._test(self.upper_statistic, row, "less"),
            equivalent=bool(self.equivalent[row]),
        )

    def _test(self, statistics: Floats, row: int, alternative: Alternative) -> Test:
        return tail_test(float(statistics[row]), finite_or_none(self.df[row]), alternative)

    def __repr__(self) -> str:
        """Return what it holds."""
        found = int(self.equivalent.sum())
        return f"EquivalenceTable({len(self)} comparisons, {found} equivalent, {self.method})"
