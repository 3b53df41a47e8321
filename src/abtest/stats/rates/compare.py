"""Ratios and differences of rates of events: Poisson, quasi-Poisson and negative binomial."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal, get_args, overload

import numpy as np

from abtest.errors import UsageError
from abtest.stats.arguments import require_interval, require_one_of
from abtest.stats.comparison import Comparison
from abtest.stats.comparison_table import ComparisonTable
from abtest.stats.floats import Values
from abtest.stats.moments_table import MomentsTable, mixed_tables, same_rows
from abtest.stats.not_estimable import NotEstimable, constant_arms, not_finite, too_few_units
from abtest.stats.rates.log_rates import LogRatios, VarianceKind, dispersion, quasi_poisson
from abtest.stats.rates.negative_binomial import negative_binomial
from abtest.stats.rates.rows import ConditionalMethod, log_ratio_rows, poisson_rows
from abtest.stats.rates.totals import (
    EventArm,
    Events,
    EventTotals,
    event_arm,
    totals_of,
    totals_of_tables,
)
from abtest.stats.results import Alternative

RatesMethod = Literal["score", "exact", "mid_p", "quasi_poisson", "negative_binomial"]
"""Which model and test judge a ratio of rates."""
_METHODS = frozenset(get_args(RatesMethod))
_VARIANCES = frozenset(get_args(VarianceKind))
_POISSON: dict[str, ConditionalMethod] = {
    "score": "poisson_score",
    "exact": "poisson_exact",
    "mid_p": "poisson_mid_p",
}


@overload
def compare_rates(
    control: MomentsTable,
    treatment: MomentsTable,
    *,
    method: RatesMethod = ...,
    variance: VarianceKind = ...,
    alternative: Alternative = ...,
    confidence_level: float = ...,
) -> ComparisonTable: ...


@overload
def compare_rates(
    control: Events,
    treatment: Events,
    *,
    exposure: tuple[Any, Any] | None = ...,
    method: RatesMethod = ...,
    variance: VarianceKind = ...,
    alternative: Alternative = ...,
    confidence_level: float = ...,
) -> Comparison: ...


def compare_rates(
    control: Events | MomentsTable,
    treatment: Events | MomentsTable,
    *,
    exposure: tuple[Values, Values] | tuple[float, float] | None = None,
    method: RatesMethod = "score",
    variance: VarianceKind = "robust",
    alternative: Alternative = "two-sided",
    confidence_level: float = 0.95,
) -> Comparison | ComparisonTable:
    """Return the ratio of two rates of events with its interval and test.

    Use it where events come one by one and independently: crashes per device-hour, tickets per
    shop-day. Counts per user are not like that. Some users have many events and most have none, so
    that the counts vary far more than Poisson counts with the same mean, and a Poisson test calls
    noise an effect. Therefore counts per unit are compared as means by default (`compare_means`;
    with an exposure per unit `compare_ratios`): their variance is that of the units, whatever the
    distribution. Where a ratio of rates is wanted all the same, ``quasi_poisson`` has that
    variance too.

    Parameters
    ----------
    control, treatment
        Events of each arm: a total (with a total `exposure`), or events per unit as a column,
        `ValueCounts` or `Moments` of (events[, exposure]). Two `MomentsTable` are compared row by
        row in one pass. Nulls are left out and counted.
    exposure
        (control, treatment): two totals, or the exposure of each unit as columns. Left out, each
        unit counts 1, and the rate is events per unit.
    method
        ``score``: Poisson, test and both intervals from one score statistic. ``exact``: Poisson,
        given the sum of events; never above the level, for small counts. ``mid_p``: the same with
        the observed number counted half; close to the level on average. ``quasi_poisson``: a log
        link, and the variance of the units. ``negative_binomial``: the same with events that
        vary as m + alpha m^2, by maximum likelihood; needs the values of the units.
    variance
        Of the two regressions: ``robust`` (of the units) or ``model`` (of the model with one
        dispersion for both arms; it inherits the model's mistakes).
    alternative
        ``two-sided``, ``greater`` or ``less``; one-sided tests come with one-sided intervals.
    confidence_level
        Of the intervals.

    Returns
    -------
    Comparison or ComparisonTable
        Values are events per exposure. ``score`` has a difference too; the others are on the
        scale ``ratio``: `relative` is treatment / control - 1. `details` has the totals and the
        ``dispersion``: Pearson's, or alpha of the negative binomial. A Poisson method on counts
        per unit that vary more than that has the warning ``overdispersed``. `n_control` and
        `n_treatment` are units, or events where only totals are given.

    Raises
    ------
    NotEstimable
        ``not_a_count`` (events that are negative or not whole), ``not_positive`` (exposures),
        ``no_events`` (a regression with an arm without events), ``too_few_units``, ``constant``,
        ``not_finite``. In tables such a row has a status instead.
    UsageError
        If the arguments do not fit together.

    Notes
    -----
    Score: `ratio_statistic` and `difference_statistic`. Exact: two-sided p-values are twice the
    smaller tail, the test whose inversion the interval is; R's poisson.test gives that interval
    beside a p-value that sums the probabilities no larger than the observed one, and the two can
    contradict each other (Fay 2010, Biostatistics 11, 373). Regressions: `quasi_poisson`,
    `negative_binomial`; p and interval from one statistic of the log ratio.

    Examples
    --------
    >>> result = compare_rates(15, 41, exposure=(19_017, 28_010))
    >>> round(result.relative.estimate, 3), round(result.p_value, 4)
    (0.856, 0.0374)
    >>> compare_rates(15, 41, exposure=(19_017, 28_010), method="exact").scale
    'ratio'
    """
    require_one_of(method, _METHODS, "method")
    require_one_of(variance, _VARIANCES, "variance")
    require_interval(confidence_level, alternative)
    if variance == "model" and method in _POISSON:
        raise UsageError(
            "Only the regressions have a choice of variance",
            given=f"method {method!r} with variance {variance!r}",
            todo="Leave variance out: Poisson methods always have that of their model.",
        )
    if isinstance(control, MomentsTable) and isinstance(treatment, MomentsTable):
        if exposure is not None:
            raise mixed_tables("a separate exposure")
        same_rows(control, treatment)
        totals = totals_of_tables(control, treatment)
        return _rows(totals, method, variance, alternative, confidence_level)
    if isinstance(control, MomentsTable) or isinstance(treatment, MomentsTable):
        raise mixed_tables("one sample")
    parts = _pair(exposure)
    arms = (
        event_arm(control, parts[0], "control"),
        event_arm(treatment, parts[1], "treatment"),
    )
    totals = totals_of(arms)
    if not np.isfinite(totals.rates).all():
        raise not_finite()
    if method in _POISSON:
        table = _rows(totals, method, variance, alternative, confidence_level)
        return _answer(table, totals, float(dispersion(totals)[0][0]))
    _require_log_ratio(arms)
    if method == "quasi_poisson":
        table = _rows(totals, method, variance, alternative, confidence_level)
        return _answer(table, totals, float(dispersion(totals)[0][0]))
    values = [_values(arm) for arm in arms]
    fit = negative_binomial(values[0], values[1], variance)
    table = _log_rows(totals, fit.log_ratio, method, alternative, confidence_level)
    table = replace(
        table,
        control_value=np.array([fit.rates[0]]),
        treatment_value=np.array([fit.rates[1]]),
        relative_estimate=np.expm1(fit.log_ratio.estimate),
    )
    return _answer(table, totals, fit.dispersion)


def _rows(
    totals: EventTotals,
    method: RatesMethod,
    variance: VarianceKind,
    alternative: Alternative,
    confidence_level: float,
) -> ComparisonTable:
    """Return the table of a method that needs no values of units."""
    if method in _POISSON:
        return poisson_rows(
            totals,
            method=_POISSON[method],
            alternative=alternative,
            confidence_level=confidence_level,
        )
    if method == "negative_binomial":
        raise _needs_values("Moments")
    unknown = np.isnan(totals.pearson) & (totals.events > 0.0)
    if variance == "model" and unknown.any():
        raise _needs_values("Moments of units with different exposures")
    log_ratios = quasi_poisson(totals, variance)
    return _log_rows(totals, log_ratios, method, alternative, confidence_level)


def _log_rows(
    totals: EventTotals,
    log_ratios: LogRatios,
    method: RatesMethod,
    alternative: Alternative,
    confidence_level: float,
) -> ComparisonTable:
    return log_ratio_rows(
        totals,
        log_ratios,
        method="quasi_poisson" if method == "quasi_poisson" else "negative_binomial",
        alternative=alternative,
        confidence_level=confidence_level,
    )


def _answer(table: ComparisonTable, totals: EventTotals, spread: float) -> Comparison:
    """Return the one row of a table with what only single comparisons know."""
    if table.status[0] == "constant":
        raise constant_arms(float(totals.rates[0, 0]), float(totals.rates[1, 0]))
    if table.status[0] == "not_finite":
        control, treatment = totals.exposure[:, 0]
        raise NotEstimable(
            "not_finite",
            "Rates or the ratio of exposures are beyond what can be computed with",
            given=f"exposure {control:g} control, {treatment:g} treatment",
            todo="Check that both exposures have the same unit.",
        )
    details = {
        f"{name}_{arm}": float(values[i, 0])
        for name, values in (("events", totals.events), ("exposure", totals.exposure))
        for i, arm in enumerate(("control", "treatment"))
    }
    if np.isfinite(spread):
        details["dispersion"] = spread
    known = not np.isnan(totals.units).any()
    return replace(table[0], details=details, counted="units" if known else "events")


def _pair(exposure: tuple[Any, Any] | None) -> tuple[Any, Any]:
    if exposure is None:
        return None, None
    if not isinstance(exposure, tuple | list) or len(exposure) != 2:
        raise UsageError(
            "Exposures are a pair: that of control and that of treatment",
            given=type(exposure).__name__,
            todo="Give exposure=(control, treatment).",
        )
    return exposure[0], exposure[1]


def _require_log_ratio(arms: tuple[EventArm, EventArm]) -> None:
    """Refuse arms whose log rate has no variance that their units show."""
    if arms[0].moments is None or arms[1].moments is None:
        raise UsageError(
            "Totals do not tell how events vary between units",
            given="a total of events",
            todo='Give events per unit, or use method="score", "exact" or "mid_p".',
        )
    if min(arm.moments.n for arm in arms if arm.moments is not None) < 2:
        raise too_few_units(arms[0].moments.n, arms[1].moments.n)
    if min(arm.events for arm in arms) == 0.0:
        raise NotEstimable(
            "no_events",
            "An arm without events has no logarithm of its rate",
            given=f"{arms[0].events:g} control, {arms[1].events:g} treatment events",
            todo='Use method="score" or "exact", or compare means.',
        )


def _values(arm: EventArm) -> Any:
    if arm.units is None:
        raise _needs_values("Moments")
    return arm.units


def _needs_values(given: str) -> UsageError:
    return UsageError(
        "This variance needs the values of the units",
        given=given,
        todo='Give columns or ValueCounts, or use method="quasi_poisson" with robust variance.',
    )
