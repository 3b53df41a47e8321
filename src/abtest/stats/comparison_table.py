"""Many comparisons in one call: the formulas of one pair, on arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from abtest.stats.arguments import require_interval
from abtest.stats.comparison import Comparison, Scale
from abtest.stats.effect_table import EffectTable, finite_or_none
from abtest.stats.fieller import relative_rows
from abtest.stats.moments import Floats
from abtest.stats.results import Alternative, Measure, Method, WarningCode
from abtest.stats.row_warnings import warning_rows
from abtest.stats.tails import critical_values, tail_rows


@dataclass(frozen=True, eq=False)
class ArmRows:
    """Estimates of two arms for r comparisons.

    Attributes
    ----------
    n, values, variances
        Units, estimates and sampling variances, control first, each of shape (2, r).
    df
        Degrees of freedom of the differences, shape (r,); infinite for the normal distribution.
    covariance
        Of the two estimates, shape (r,) or a number.
    refused
        Codes of why rows have no number, empty where they have one, shape (r,); None if the
        units, values and variances tell.
    nulls
        Units without a value, shape (2, r); None if there are none.
    variance_reduction
        Share of the variance that covariates removed, shape (r,); None where there were none.
    warnings
        In which rows each warning holds, shape (r,).
    """

    n: Floats
    values: Floats
    variances: Floats
    df: Floats
    covariance: Floats | float = 0.0
    refused: NDArray[np.str_] | None = None
    nulls: Floats | None = None
    variance_reduction: Floats | None = None
    warnings: Mapping[WarningCode, NDArray[np.bool_]] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class ComparisonTable(EffectTable):
    """Treatment against control for r comparisons; ``table[i]`` is one of them.

    Arrays have shape (r,). Limits that an interval does not have are infinite; numbers of a row
    whose `status` is not ``ok`` are NaN, and so is a relative estimate that does not exist.

    Attributes
    ----------
    status
        ``ok``, or why there is no number: the codes of `NotEstimable`.
    estimate, lower, upper
        Treatment - control with its interval.
    relative_estimate, relative_lower, relative_upper, relative_status
        The same over |control|.
    p_value, log10_p, statistic, df
        The tests of no difference; `df` is infinite for the normal distribution, `statistic` is
        NaN where the test orders tables and has none.
    n_control, n_treatment, control_value, treatment_value
        Units and estimates of the arms.
    nulls_control, nulls_treatment
        Units left out because a value was null.
    variance_reduction
        Share of the variance that covariates removed; NaN where there were none.
    warnings
        Codes of what a reader should know, a tuple in each row.
    measure, method, confidence_level, alternative, scale
        The same for all rows; on the scale ``ratio`` there is no difference, see `Comparison`.
    """

    alternative: Alternative
    scale: Scale = "difference"

    def __getitem__(self, row: int) -> Comparison:
        """Return one comparison.

        Raises
        ------
        NotEstimable
            If its status is not ``ok``.
        """
        self.require_row(row)
        return Comparison(
            measure=self.measure,
            scale=self.scale,
            absolute=self.absolute_of(row),
            relative=self.relative_of(row),
            p_value=float(self.p_value[row]),
            log10_p=float(self.log10_p[row]),
            statistic=None if np.isnan(self.statistic[row]) else float(self.statistic[row]),
            df=finite_or_none(self.df[row]),
            method=self.method,
            alternative=self.alternative,
            confidence_level=self.confidence_level,
            n_control=int(self.n_control[row]),
            n_treatment=int(self.n_treatment[row]),
            nulls_control=int(self.nulls_control[row]),
            nulls_treatment=int(self.nulls_treatment[row]),
            control_value=float(self.control_value[row]),
            treatment_value=float(self.treatment_value[row]),
            variance_reduction=finite_or_none(self.variance_reduction[row]),
            warnings=self.warnings[row],
        )

    def __repr__(self) -> str:
        """Return what it holds."""
        return f"ComparisonTable({len(self)} comparisons, {self.method}, {self.alternative})"


def compare_rows(
    arms: ArmRows,
    *,
    measure: Measure,
    method: Method,
    alternative: Alternative,
    confidence_level: float,
) -> ComparisonTable:
    """Return intervals, relative sets and tests of every row, as `ArmPair` makes them of one.

    Raises
    ------
    UsageError
        If the alternative has another name, or the level is not between 0 and 1.
    """
    require_interval(confidence_level, alternative)
    status = _status(arms)
    ok = status == "ok"
    df = np.where(ok, arms.df, np.nan)
    with np.errstate(all="ignore"):  # rows without a number are NaN and have a status
        control, treatment = np.where(ok, arms.values, np.nan)
        variance0, variance1 = arms.variances
        difference = treatment - control
        variance = variance0 + variance1 - 2.0 * arms.covariance
        error = np.sqrt(variance)
        critical = critical_values(confidence_level, df, two_sided=alternative == "two-sided")
        width = critical * error
        relative = relative_rows(
            difference,
            control,
            variance,
            variance0,
            arms.covariance - variance0,
            critical,
            alternative,
        )
        statistic = difference / error
    p_value, log10_p = tail_rows(statistic, df, alternative)
    none = np.where(ok, np.inf, np.nan)
    reduction = np.nan if arms.variance_reduction is None else arms.variance_reduction
    nulls = np.zeros(arms.n.shape) if arms.nulls is None else arms.nulls
    return ComparisonTable(
        status=status,
        estimate=difference,
        lower=-none if alternative == "less" else difference - width,
        upper=none if alternative == "greater" else difference + width,
        relative_estimate=relative.estimate,
        relative_lower=relative.lower,
        relative_upper=relative.upper,
        relative_status=relative.status,
        p_value=p_value,
        log10_p=log10_p,
        statistic=statistic,
        df=df,
        n_control=arms.n[0],
        n_treatment=arms.n[1],
        control_value=control,
        treatment_value=treatment,
        nulls_control=nulls[0],
        nulls_treatment=nulls[1],
        variance_reduction=np.where(ok, reduction, np.nan),
        warnings=warning_rows(len(df), {code: at & ok for code, at in arms.warnings.items()}),
        measure=measure,
        method=method,
        alternative=alternative,
        confidence_level=confidence_level,
    )


def _status(arms: ArmRows) -> NDArray[np.str_]:
    """Return ``ok`` or the code of why a row has no number."""
    finite = np.isfinite(arms.values).all(axis=0) & np.isfinite(arms.variances).all(axis=0)
    status = np.select(
        [~finite, ~(arms.variances.sum(axis=0) > 0.0)], ["not_finite", "constant"], "ok"
    )
    if arms.refused is not None:
        status = np.where(arms.refused == "", status, arms.refused)
    return np.where(arms.n.min(axis=0) < 2, "too_few_units", status)
