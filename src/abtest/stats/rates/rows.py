"""Comparisons of rates row by row: statistics and limits of a method, put into one table."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from abtest.stats.comparison_table import ComparisonTable
from abtest.stats.moments import Floats
from abtest.stats.rates.exact import exact_limits, exact_test
from abtest.stats.rates.log_rates import LogRatios, dispersion
from abtest.stats.rates.score import difference_limits, ratio_limits, ratio_statistic
from abtest.stats.rates.totals import EventTotals
from abtest.stats.results import Alternative, Method
from abtest.stats.row_warnings import warning_rows
from abtest.stats.tails import critical_value, tail_rows

_FARTHEST_APART = 230.0
"""Exposures whose ratio is beyond exp(230), 1e100, are of different units."""
ConditionalMethod = Literal["poisson_score", "poisson_exact", "poisson_mid_p"]
"""Methods that need totals alone."""


@dataclass(frozen=True, eq=False)
class _Answers:
    """Tests and limits of r comparisons; limits of the ratio are minus 1."""

    p_value: Floats
    log10_p: Floats
    statistic: Floats
    df: Floats
    ratio: tuple[Floats, Floats]
    difference: tuple[Floats, Floats] | None


def poisson_rows(
    totals: EventTotals,
    *,
    method: ConditionalMethod,
    alternative: Alternative,
    confidence_level: float,
) -> ComparisonTable:
    """Return the comparison of Poisson rates of every row, from totals alone."""
    status = _status(totals)
    safe = _safe(totals, status == "ok")
    if method == "poisson_score":
        answers = _score(safe, alternative, confidence_level)
    else:
        mid = method == "poisson_mid_p"
        outside = 1.0 - confidence_level
        p_value, log10_p = exact_test(safe, alternative, mid=mid)
        none = np.full(p_value.shape, np.nan)
        limits = exact_limits(
            safe, outside / 2.0 if alternative == "two-sided" else outside, mid=mid
        )
        answers = _Answers(p_value, log10_p, none, none + np.inf, limits, None)
    return _table(totals, status, answers, method, alternative, confidence_level)


def log_ratio_rows(
    totals: EventTotals,
    log_ratios: LogRatios,
    *,
    method: Method,
    alternative: Alternative,
    confidence_level: float,
) -> ComparisonTable:
    """Return the comparison of every row from the logarithms of its ratios."""
    status = _status(totals)
    with np.errstate(invalid="ignore"):
        reasons = [
            (totals.units < 2.0).any(axis=0),
            (totals.events == 0.0).any(axis=0),
            ~(log_ratios.variance > 0.0),
        ]
    status = np.where(
        status == "ok", np.select(reasons, ["too_few_units", "no_events", "constant"], "ok"), status
    )
    ok = status == "ok"
    safe = LogRatios(
        np.where(ok, log_ratios.estimate, 0.0),
        np.where(ok, log_ratios.variance, 1.0),
        np.where(ok, log_ratios.df, 1.0),
    )
    p_value, log10_p, statistic = safe.test(alternative)
    limits = safe.limits(confidence_level, alternative)
    answers = _Answers(p_value, log10_p, statistic, safe.df, limits, None)
    return _table(totals, status, answers, method, alternative, confidence_level)


def _score(totals: EventTotals, alternative: Alternative, confidence_level: float) -> _Answers:
    statistic = ratio_statistic(totals, np.ones(totals.events.shape[1]))
    df = np.full(statistic.shape, np.inf)
    p_value, log10_p = tail_rows(statistic, df, alternative)
    critical = critical_value(confidence_level, None, two_sided=alternative == "two-sided")
    open_end = np.full(statistic.shape, np.inf)
    return _Answers(
        p_value,
        log10_p,
        statistic,
        df,
        (ratio_limits(totals, critical), ratio_limits(totals, -critical)),
        (
            -open_end if alternative == "less" else difference_limits(totals, critical),
            open_end if alternative == "greater" else difference_limits(totals, -critical),
        ),
    )


def _table(
    totals: EventTotals,
    status: NDArray[np.str_],
    answers: _Answers,
    method: Method,
    alternative: Alternative,
    confidence_level: float,
) -> ComparisonTable:
    ok = status == "ok"

    def shown(column: Floats) -> Floats:
        return np.where(ok, column, np.nan)

    lower, upper = (shown(limit) for limit in answers.ratio)
    if alternative == "less":
        lower = shown(np.full(ok.shape, -np.inf))
    elif alternative == "greater":
        upper = shown(np.full(ok.shape, np.inf))
    rates = totals.rates
    with np.errstate(all="ignore"):  # rows without a number have a status
        ratio = np.where(totals.events[0] > 0.0, rates[1] / rates[0] - 1.0, np.nan)
    nothing = totals.events.sum(axis=0) == 0.0
    lower, upper = (
        np.where(ok & nothing, -math.inf, lower),
        np.where(ok & nothing, math.inf, upper),
    )
    open_ends = np.isinf(lower).astype(int) + np.isinf(upper)
    names = np.array(["bounded", "half_line", "unbounded"])
    none = np.full(ok.shape, np.nan)
    difference = answers.difference
    # totals of one arm make the sizes of both those of events
    units = np.where(np.isnan(totals.units).any(axis=0), totals.events, totals.units)
    nulls = np.zeros(units.shape) if totals.nulls is None else totals.nulls
    poisson = method in get_args(ConditionalMethod)
    beyond = ok & poisson & dispersion(totals)[1]
    return ComparisonTable(
        status=status,
        estimate=none if difference is None else shown(rates[1] - rates[0]),
        lower=none if difference is None else shown(difference[0]),
        upper=none if difference is None else shown(difference[1]),
        relative_estimate=shown(ratio),
        relative_lower=lower,
        relative_upper=upper,
        relative_status=np.where(ok, names[open_ends], "undefined"),
        p_value=shown(answers.p_value),
        log10_p=shown(answers.log10_p),
        statistic=shown(answers.statistic),
        df=shown(answers.df),
        n_control=units[0],
        n_treatment=units[1],
        control_value=shown(rates[0]),
        treatment_value=shown(rates[1]),
        nulls_control=nulls[0],
        nulls_treatment=nulls[1],
        variance_reduction=none,
        warnings=warning_rows(len(ok), {"overdispersed": beyond}),
        measure="rate",
        method=method,
        alternative=alternative,
        confidence_level=confidence_level,
        scale="ratio" if difference is None else "difference",
    )


def _status(totals: EventTotals) -> NDArray[np.str_]:
    """Return ``ok`` or the code of why a row of totals has no number."""
    events, exposure = totals.events, totals.exposure
    with np.errstate(all="ignore"):
        apart = np.abs(np.log(exposure[1] / exposure[0]))
        return np.select(
            [
                (totals.units < 1.0).any(axis=0),
                ~(np.isfinite(events) & np.isfinite(exposure)).all(axis=0),
                ~((events >= 0.0) & (events % 1.0 == 0.0)).all(axis=0),
                ~(exposure > 0.0).all(axis=0),
                ~np.isfinite(totals.rates).all(axis=0) | (apart > _FARTHEST_APART),
            ],
            ["too_few_units", "not_finite", "not_a_count", "not_positive", "not_finite"],
            "ok",
        )


def _safe(totals: EventTotals, ok: NDArray[np.bool_]) -> EventTotals:
    """Return totals in which rows without a number have others in their place."""
    return EventTotals(
        np.where(ok, totals.events, 1.0),
        np.where(ok, totals.exposure, 1.0),
        totals.units,
        totals.spread,
        totals.pearson,
        totals.squares,
        totals.nulls,
    )
