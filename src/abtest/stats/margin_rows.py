"""Tests against a margin for many pairs of arms in one pass."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from abtest.errors import UsageError
from abtest.stats.adjustment.cuped_rows import adjusted_rows
from abtest.stats.arguments import require_one_of
from abtest.stats.comparison_table import ArmRows, ComparisonTable, compare_rows
from abtest.stats.effect_table import EffectTable
from abtest.stats.margin_results import Direction, MarginScale
from abtest.stats.margin_tables import EquivalenceTable, NonInferiorityTable
from abtest.stats.means.rows import mean_rows
from abtest.stats.moments import Floats
from abtest.stats.moments_table import MomentsTable
from abtest.stats.proportions.rows import compare_rows_of_proportions
from abtest.stats.proportions.score_statistics import difference_scores, ratio_scores
from abtest.stats.ratios import ratio_rows
from abtest.stats.results import Alternative
from abtest.stats.row_warnings import remove_warnings
from abtest.stats.samples import PairMeasure
from abtest.stats.tails import tail_rows

_MEASURES = frozenset(get_args(PairMeasure))


@dataclass(frozen=True, eq=False)
class _Tests:
    """One-sided tests of every row; `refused` is why one has none, empty where it has."""

    p_value: Floats
    log10_p: Floats
    statistic: Floats
    refused: NDArray[np.str_]


@dataclass(frozen=True, eq=False)
class _Estimated:
    """Pairs of two tables with their intervals; `arms` is None for counts of proportions."""

    effects: ComparisonTable
    arms: ArmRows | None

    def against(self, bound: Floats, scale: MarginScale, *, upwards: bool) -> _Tests:
        """Return the tests that effects are above (or below) their bounds."""
        with np.errstate(all="ignore"):  # rows without a number are NaN and have a status
            if self.arms is None:
                statistic, refused = self._scores(bound, scale)
            else:
                statistic, refused = self._linear(self.arms, bound, scale)
        statistic = np.where((self.effects.status == "ok") & (refused == ""), statistic, np.nan)
        p_value, log10_p = tail_rows(statistic, self.effects.df, "greater" if upwards else "less")
        return _Tests(p_value, log10_p, statistic, refused)

    def _linear(
        self, arms: ArmRows, bound: Floats, scale: MarginScale
    ) -> tuple[Floats, NDArray[np.str_]]:
        """Return statistics as `ArmPair.test` makes them of one pair."""
        control, (variance0, variance1) = self.effects.control_value, arms.variances
        variance = variance0 + variance1 - 2.0 * arms.covariance
        if scale == "absolute":
            distance = self.effects.estimate - bound
        else:
            sign = np.where(control < 0.0, -1.0, 1.0)
            distance = self.effects.estimate - bound * np.abs(control)
            variance = (
                variance
                - 2.0 * bound * sign * (arms.covariance - variance0)
                + bound * bound * variance0
            )
        return distance / np.sqrt(variance), np.where(variance > 0.0, "", "constant")

    def _scores(self, bound: Floats, scale: MarginScale) -> tuple[Floats, NDArray[np.str_]]:
        """Return statistics as `ScorePair.test` makes them of one pair."""
        found = self.effects
        n0, n1 = found.n_control, found.n_treatment
        counts = np.rint(found.control_value * n0), n0, np.rint(found.treatment_value * n1), n1
        if scale == "absolute":
            reachable = np.abs(bound) < 1.0
            statistic = difference_scores(counts, np.where(reachable, bound, 0.0), corrected=True)
        else:
            reachable = bound > -1.0
            statistic = ratio_scores(counts, 1.0 + bound, corrected=True, relative=bound)
        return statistic, np.where(reachable, "", "bound_out_of_range")


def non_inferiority_rows(
    control: MomentsTable,
    treatment: MomentsTable,
    margin: Floats,
    scale: MarginScale,
    direction: Direction,
    measure: PairMeasure,
    alpha: float,
) -> NonInferiorityTable:
    """Return `non_inferiority` of every row; margins have shape (r,).

    Raises
    ------
    UsageError
        If tables and measure do not fit.
    """
    upwards = direction == "increase"
    bound = -margin if upwards else margin
    level = 1.0 - alpha
    pairs = _estimated(control, treatment, measure, level, "greater" if upwards else "less")
    tests = pairs.against(bound, scale, upwards=upwards)
    return NonInferiorityTable(
        **_effects(pairs.effects, tests),
        scale=scale,
        alpha=alpha,
        direction=direction,
        margin=margin,
        bound=bound,
        non_inferior=tests.p_value < alpha,
    )


def equivalence_rows(
    control: MomentsTable,
    treatment: MomentsTable,
    bounds: tuple[Floats, Floats],
    scale: MarginScale,
    measure: PairMeasure,
    alpha: float,
) -> EquivalenceTable:
    """Return `equivalence` of every row; bounds have shape (r,).

    Raises
    ------
    UsageError
        If tables and measure do not fit.
    """
    pairs = _estimated(control, treatment, measure, 1.0 - 2.0 * alpha, "two-sided")
    lower = pairs.against(bounds[0], scale, upwards=True)
    upper = pairs.against(bounds[1], scale, upwards=False)
    first = lower.log10_p >= upper.log10_p
    worse = _Tests(
        np.where(first, lower.p_value, upper.p_value),
        np.where(first, lower.log10_p, upper.log10_p),
        np.where(first, lower.statistic, upper.statistic),
        np.where(lower.refused == "", upper.refused, lower.refused),
    )
    return EquivalenceTable(
        **_effects(pairs.effects, worse),
        scale=scale,
        alpha=alpha,
        lower_bound=bounds[0],
        upper_bound=bounds[1],
        lower_statistic=lower.statistic,
        upper_statistic=upper.statistic,
        equivalent=worse.p_value < alpha,
    )


def _estimated(
    control: MomentsTable,
    treatment: MomentsTable,
    measure: PairMeasure,
    level: float,
    alternative: Alternative,
) -> _Estimated:
    """Return the pairs of two tables, estimated as `estimate_samples` does."""
    require_one_of(measure, _MEASURES, "measure")
    covariates = max(control.mean.shape[1], treatment.mean.shape[1]) > 1
    if measure == "proportion":
        if covariates:
            raise UsageError(
                "Tables of proportions with covariates are compared as means",
                given="moments of several variables",
                todo='Use measure="mean": the adjusted share is a mean.',
            )
        found = compare_rows_of_proportions(control, treatment, "score", alternative, level)
        return _Estimated(found, None)
    if measure == "ratio":
        arms = ratio_rows(control, treatment)
    elif covariates:
        arms = adjusted_rows(control, treatment)
    else:
        arms = mean_rows(control, treatment, "welch")
    found = compare_rows(
        arms,
        measure=measure,
        method="delta" if measure == "ratio" else "welch_cuped" if covariates else "welch",
        alternative=alternative,
        confidence_level=level,
    )
    return _Estimated(found, arms)


def _effects(found: ComparisonTable, tests: _Tests) -> dict[str, Any]:
    """Return the fields of a comparison with other tests, NaN where those have no number."""
    values = {field.name: getattr(found, field.name) for field in fields(EffectTable)}
    values |= {name: getattr(tests, name) for name in ("p_value", "log10_p", "statistic")}
    refused = (found.status == "ok") & (tests.refused != "")
    if refused.any():
        for name, column in values.items():
            if isinstance(column, np.ndarray) and column.dtype.kind == "f":
                values[name] = np.where(refused, np.nan, column)
        for name in ("n_control", "n_treatment", "nulls_control", "nulls_treatment"):
            values[name] = getattr(found, name)
        remove_warnings(values["warnings"], refused)
        values["status"] = np.where(refused, tests.refused, found.status)
        values["relative_status"] = np.where(refused, "undefined", found.relative_status)
    return values
