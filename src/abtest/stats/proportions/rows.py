"""Many comparisons of proportions in one call: the formulas of one pair, on arrays."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from abtest.errors import UsageError
from abtest.stats.comparison_table import ComparisonTable
from abtest.stats.means.compare import compare_means
from abtest.stats.moments import Floats
from abtest.stats.moments_table import MomentsTable, nulls_of, same_rows
from abtest.stats.proportions.crossings import crossing_rows
from abtest.stats.proportions.estimate import FEW_EVENTS
from abtest.stats.proportions.hybrid import hybrid_ratios, hybrid_widths
from abtest.stats.proportions.score_limits import difference_limits
from abtest.stats.proportions.score_statistics import difference_scores, ratio_scores
from abtest.stats.proportions.wald import wald_rows
from abtest.stats.results import Alternative, Method
from abtest.stats.row_warnings import add_warning, remove_warnings, warning_rows
from abtest.stats.tails import critical_value, tail_rows

RowsMethod = Literal["agresti_caffo", "newcombe", "pooled_z", "score", "wald", "welch"]
"""Methods that compare tables of moments."""

_LOG_RATIO_LIMIT = 300.0
_NUMBERS = (
    "estimate",
    "lower",
    "upper",
    "relative_estimate",
    "relative_lower",
    "relative_upper",
    "p_value",
    "log10_p",
    "statistic",
    "df",
    "variance_reduction",
    "control_value",
    "treatment_value",
)
Rows: TypeAlias = tuple[Floats, Floats, Floats, Floats]
"""Successes and units of control, then of treatment, each of shape (r,)."""


@dataclass(frozen=True, eq=False)
class Limits:
    """What a method says of r pairs: statistic and limits of difference and ratio - 1, shape (r,).

    Ratios without an upper limit are infinite.
    """

    statistic: Floats
    lower: Floats
    upper: Floats
    relative_lower: Floats
    relative_upper: Floats


def compare_rows_of_proportions(
    control: MomentsTable,
    treatment: MomentsTable,
    method: RowsMethod,
    alternative: Alternative,
    confidence_level: float,
) -> ComparisonTable:
    """Return the comparison of every row; rows without a number get a status.

    Raises
    ------
    UsageError
        If tables, alternative or level do not fit.
    """
    status = _status(control, treatment)
    found = _compared(control, treatment, status, method, alternative, confidence_level)
    refused = status != "ok"
    for name in _NUMBERS:
        getattr(found, name)[refused] = np.nan
    remove_warnings(found.warnings, refused)
    nulls = nulls_of(control, treatment)
    return replace(
        found,
        status=np.where(refused, status, found.status),
        relative_status=np.where(refused, "undefined", found.relative_status),
        nulls_control=nulls[0],
        nulls_treatment=nulls[1],
    )


def _compared(
    control: MomentsTable,
    treatment: MomentsTable,
    status: NDArray[np.str_],
    method: RowsMethod,
    alternative: Alternative,
    confidence_level: float,
) -> ComparisonTable:
    """Return the comparison of every row, with other numbers where the counts refuse one."""
    covariates = max(control.mean.shape[1], treatment.mean.shape[1]) > 1
    if covariates:
        require_adjustable(method)
    ok = status == "ok"
    counts = _counts(control, treatment, ok)
    if method == "welch" or covariates:
        found = compare_means(
            control, treatment, alternative=alternative, confidence_level=confidence_level
        )
        if covariates:
            add_warning(found.warnings, "few_events", ok & (found.status == "ok") & _rare(counts))
        return replace(found, measure="proportion")
    if method in ("wald", "agresti_caffo"):
        return wald_rows(counts, method, alternative, confidence_level)
    critical = critical_value(confidence_level, None, two_sided=alternative == "two-sided")
    with np.errstate(all="ignore"):  # rows without a number are NaN and have a status
        if method == "newcombe":
            limits = _hybrid_limits(counts, critical)
        else:
            limits = _score_limits(counts, critical, corrected=method == "score")
        return _table(
            counts,
            status,
            limits,
            "miettinen_nurminen" if method == "score" else method,
            alternative,
            confidence_level,
        )


def require_adjustable(method: str) -> None:
    """Refuse covariates with a method that has no use for them.

    Raises
    ------
    UsageError
        If it has none.
    """
    if method not in ("score", "welch"):
        raise UsageError(
            "Covariates are used with Welch's method alone",
            given=f"method {method!r} with a covariate",
            todo='Leave the covariate out, or use method="welch".',
        )


def _status(control: MomentsTable, treatment: MomentsTable) -> NDArray[np.str_]:
    """Return ``ok`` or the code of why a row has no number, as `counts_of` says of one pair."""
    same_rows(control, treatment)
    finite, binary = (np.full(len(control), True) for _ in range(2))
    with np.errstate(all="ignore"):
        for arm in (control, treatment):
            n, p, m2 = arm.n, arm.mean[:, 0], arm.m2[:, 0, 0]
            finite &= np.isfinite(p) & np.isfinite(m2) | (n == 0)
            whole = np.abs(n * p - np.rint(n * p)) <= 1e-9 * n
            spread = np.abs(m2 - n * p * (1.0 - p)) <= 1e-9 * n
            binary &= whole & spread & (p >= -1e-12) & (p <= 1.0 + 1e-12) | (n == 0)
    few = np.minimum(control.n, treatment.n) < 2
    return np.select([~finite, ~binary, few], ["not_finite", "not_binary", "too_few_units"], "ok")


def _counts(control: MomentsTable, treatment: MomentsTable, ok: NDArray[np.bool_]) -> Rows:
    """Return successes and units of both arms; 1 of 2 in rows without a number."""
    n0, n1 = np.where(ok, control.n, 2.0), np.where(ok, treatment.n, 2.0)
    x0 = np.rint(n0 * np.where(ok, control.mean[:, 0], 0.5))
    x1 = np.rint(n1 * np.where(ok, treatment.mean[:, 0], 0.5))
    return x0, n0, x1, n1


def _rare(counts: Rows) -> NDArray[np.bool_]:
    """Return where an arm has few successes or failures, as `has_few_events` says of one pair."""
    x0, n0, x1, n1 = counts
    return np.asarray(np.min([x0, n0 - x0, x1, n1 - x1], axis=0) < FEW_EVENTS)


def _score_limits(counts: Rows, critical: float, *, corrected: bool) -> Limits:
    """Return what `ScorePair` says, by root finding on all rows at once."""
    x0, n0, x1, n1 = counts
    one = np.ones_like(n0)

    def ratio(log_ratio: Floats, *rows: Floats) -> Floats:
        of = (rows[0], rows[1], rows[2], rows[3])
        more = np.expm1(log_ratio)
        return ratio_scores(of, np.exp(log_ratio), corrected=corrected, relative=more)

    # a log ratio inside the set: the estimate, or next to 0 or infinity where that is one
    start = np.log(x1 / n1) - np.log(x0 / n0)
    end = _LOG_RATIO_LIMIT * one
    start = np.where((x0 > 0) & (x1 > 0), start, end * ((x1 > 0) * 1.0 - (x0 > 0) * 1.0))
    rows = (x0 * one, n0 * one, x1 * one, n1 * one)
    low = np.expm1(crossing_rows(ratio, critical, -end, start, rows))
    high = np.expm1(crossing_rows(ratio, -critical, start, end, rows))
    lower, upper = difference_limits(counts, critical, corrected=corrected)
    return Limits(
        statistic=difference_scores(counts, 0.0, corrected=corrected),
        lower=lower,
        upper=upper,
        relative_lower=np.where(x1 > 0, low, -1.0),
        relative_upper=np.where(x0 > 0, high, np.inf),
    )


def _hybrid_limits(counts: Rows, critical: float) -> Limits:
    """Return what `HybridPair` says; the statistic by root finding on all rows at once."""
    x0, n0, x1, n1 = counts
    estimate = x1 / n1 - x0 / n0
    below, above = hybrid_widths(counts, 1.0, critical)
    low, high = hybrid_ratios(counts, critical)

    def missing(quantile: Floats, *rows: Floats) -> Floats:
        widths = hybrid_widths((rows[0], rows[1], rows[2], rows[3]), 1.0, quantile)
        return rows[4] - np.where(rows[5] > 0.0, widths[0], widths[1])

    far = 10.0 * np.sqrt(n0 + n1) + 10.0  # there the interval holds every difference
    rows = (x0, n0, x1, n1, np.abs(estimate), estimate)
    quantile = crossing_rows(missing, 0.0, np.zeros_like(estimate), far, rows)
    statistic = np.where(estimate == 0.0, 0.0, np.copysign(quantile, estimate))
    return Limits(statistic, estimate - below, estimate + above, low - 1.0, high - 1.0)


def _table(
    counts: Rows,
    status: NDArray[np.str_],
    limits: Limits,
    method: Method,
    alternative: Alternative,
    confidence_level: float,
) -> ComparisonTable:
    x0, n0, x1, n1 = counts
    estimate = x1 / n1 - x0 / n0
    infinite = np.full_like(estimate, np.inf)
    p_value, log10_p = tail_rows(limits.statistic, infinite, alternative)
    less, greater = alternative == "less", alternative == "greater"
    low = -infinite if less else limits.relative_lower
    high = infinite if greater else limits.relative_upper
    half = np.isinf(low) | np.isinf(high)
    nothing = (np.isinf(low) & np.isinf(high)) | (x0 + x1 == 0.0)
    return ComparisonTable(
        status=status,
        estimate=estimate,
        lower=-infinite if less else limits.lower,
        upper=infinite if greater else limits.upper,
        relative_estimate=np.where(x0 > 0, x1 / n1 / (x0 / n0) - 1.0, np.nan),
        relative_lower=np.where(nothing, -np.inf, low),
        relative_upper=np.where(nothing, np.inf, high),
        relative_status=np.select([nothing, half], ["unbounded", "half_line"], "bounded"),
        p_value=p_value,
        log10_p=log10_p,
        statistic=limits.statistic,
        df=infinite,
        n_control=n0,
        n_treatment=n1,
        control_value=x0 / n0,
        treatment_value=x1 / n1,
        nulls_control=np.zeros_like(n0),
        nulls_treatment=np.zeros_like(n1),
        variance_reduction=np.full_like(n0, np.nan),
        warnings=warning_rows(len(n0)),
        measure="proportion",
        method=method,
        alternative=alternative,
        confidence_level=confidence_level,
    )
