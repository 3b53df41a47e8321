"""Two arms by the bootstrap: four kinds of interval, Poisson weights, any statistic."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

from abtest.errors import UsageError
from abtest.stats.arguments import require_interval, require_one_of
from abtest.stats.columns import arm_counts
from abtest.stats.floats import Values
from abtest.stats.resampling.answer import estimates, require_draws, resampled_comparison
from abtest.stats.resampling.effects import Replicates, difference, relative
from abtest.stats.resampling.intervals import (
    Levels,
    bias_of,
    interval_of,
    relative_of,
    require_replicates,
    test_of,
)
from abtest.stats.resampling.jackknife import acceleration, left_out
from abtest.stats.resampling.result import ResampledComparison
from abtest.stats.resampling.statistic import (
    Resampling,
    SampleQuantile,
    Statistic,
    UserStatistic,
    WeightedStatistic,
    statistic_of,
)
from abtest.stats.resampling.studentized import studentized
from abtest.stats.results import Alternative, Method, RelativeInterval
from abtest.stats.value_counts import ValueCounts

BootstrapMethod = Literal["percentile", "basic", "bca", "studentized", "poisson"]
"""How an interval is made of bootstrap replicates."""
_METHODS = frozenset(get_args(BootstrapMethod))
_NAMES: dict[str, Method] = {
    "percentile": "bootstrap_percentile",
    "basic": "bootstrap_basic",
    "bca": "bootstrap_bca",
    "studentized": "bootstrap_studentized",
    "poisson": "bootstrap_poisson",
}
AnyStatistic = Literal["mean"] | SampleQuantile | WeightedStatistic | UserStatistic
"""What may be compared."""


def bootstrap(
    control: Values | ValueCounts,
    treatment: Values | ValueCounts,
    *,
    seed: int,
    statistic: AnyStatistic = "mean",
    method: BootstrapMethod = "percentile",
    replicates: int = 10_000,
    alternative: Alternative = "two-sided",
    confidence_level: float = 0.95,
) -> ResampledComparison:
    """Return the difference of a statistic of two arms, with bootstrap intervals and a p-value.

    Both arms are resampled independently, as counts of their distinct values: no unit is ever
    copied, and memory does not grow with units or replicates beyond one number for each.

    Parameters
    ----------
    control, treatment
        One value per unit, or `ValueCounts`: the answer is the same. Nulls are left out and
        counted.
    seed
        Of the random numbers, at least 0. The same seed gives the same answer.
    statistic
        ``mean`` (default), ``SampleQuantile(0.9)``, or a function of (distinct values, weights)
        that returns a number, if need be as `WeightedStatistic`.
    method
        ``percentile`` (default): quantiles of the replicates. ``basic``: those reflected at the
        estimate. ``bca``: percentiles corrected for bias and acceleration (Efron 1987, JASA 82,
        171); not for quantiles, where it has no meaning. ``studentized``: quantiles of
        (replicate - estimate) / its standard error, the most exact for means of skewed values;
        the mean, or a `WeightedStatistic` with a standard error. ``poisson``: percentiles, where
        each unit counts a Poisson(1) number of times (Hanley & MacGibbon 2006; Chamandy et al.
        2012, "Estimating uncertainty for massive data streams").
    replicates
        Samples drawn.
    alternative
        ``two-sided``, ``greater`` or ``less``; the intervals are of the same kind.
    confidence_level
        Of both intervals.

    Raises
    ------
    UsageError
        If the samples come as `Moments`, an argument is not one of those above, the method does
        not fit the statistic, or there are too few replicates for the level.
    NotEstimable
        ``too_few_units`` (fewer than two in an arm), ``constant`` (no mean varies, or the bias
        has no measure), ``not_finite``.

    Notes
    -----
    *Ranks.* Of B replicates the m-th smallest is the lower limit of level m / (B + 1) (Davison &
    Hinkley 1997, equation 5.6; for BCa of its own level). The p-value is the smallest level at
    which the interval leaves 0 out, so that both agree exactly; except for BCa it is never below
    1 / (B + 1), or 2 / (B + 1) two-sided.

    *Relative effects* are (T - C) / |C| of the same replicates, by the same method. By
    ``percentile`` and ``poisson`` they leave 0 out exactly when the p-value does; by the others
    they may differ near the level. Replicates whose control has another sign than the estimate
    widen both ends.

    *Many units.* A quantile takes one draw per replicate, exactly. A mean of more than about a
    million units draws one by one only the values that lie far out, as many as it takes until the
    bound of Berry and Esseen proves the normal distribution of the others to be right within a
    tenth of the Monte Carlo error.

    *When.* With few units (below about 30 an arm) percentiles are too short; the mean's t
    interval or ``studentized`` are better. For quantiles `compare_quantiles` needs no draws and is
    on the safe side with few units.

    Examples
    --------
    Survival of mice in days (Efron & Tibshirani 1993, table 2.1):

    >>> control = [52, 104, 146, 10, 51, 30, 40, 27, 46]
    >>> treatment = [94, 197, 16, 38, 99, 141, 23]
    >>> result = bootstrap(control, treatment, seed=1)
    >>> round(result.estimate, 2), result.replicates, result.seed
    (30.63, 10000, 1)
    >>> -30 < result.interval[0] < 0 < 70 < result.interval[1] < 100
    True
    """
    require_interval(confidence_level, alternative)
    require_one_of(method, _METHODS, "method")
    size = require_draws(replicates, seed)
    require_replicates(size, confidence_level, alternative)
    chosen = statistic_of(statistic)
    if method == "bca" and isinstance(chosen, SampleQuantile):
        raise UsageError(
            "BCa has no meaning for quantiles: leaving one unit out does not move them smoothly",
            given='method="bca" with a quantile',
            todo='Use method="percentile", or compare_quantiles.',
        )
    arms = arm_counts(control, "control"), arm_counts(treatment, "treatment")
    values = estimates(chosen, arms)
    streams = [np.random.default_rng(part) for part in np.random.SeedSequence(seed).spawn(2)]
    drawn = Resampling(size, poisson=method == "poisson")
    effects = _effects(chosen, arms, values, drawn, streams, method)
    absolute, levels = effects[0]
    found = (
        interval_of(absolute, levels, confidence_level, alternative),
        _relative(effects[1], confidence_level, alternative),
        test_of(absolute, levels, alternative),
    )
    return resampled_comparison(
        chosen,
        arms,
        values,
        found,
        method=_NAMES[method],
        confidence_level=confidence_level,
        drawn=(size, int(seed)),
    )


def _effects(
    statistic: Statistic,
    arms: tuple[ValueCounts, ValueCounts],
    values: tuple[float, float],
    how: Resampling,
    streams: list[np.random.Generator],
    method: BootstrapMethod,
) -> tuple[tuple[Replicates, Levels], tuple[Replicates, Levels] | None]:
    """Return the replicates of both effects, such that their ranks are the limits."""
    plain = Levels.plain(how.replicates)
    if method == "studentized":
        both = studentized(statistic, arms, values, how, streams)
        return (both[0], plain), None if both[1] is None else (both[1], plain)
    control, treatment = (
        statistic.resampled(arm, how, stream) for arm, stream in zip(arms, streams, strict=True)
    )
    absolute = difference(values, (control, treatment))
    ratio = relative(values, (control, treatment))
    if method == "basic":
        reflected = None if ratio is None else (ratio.reflected(), plain)
        return (absolute.reflected(), plain), reflected
    if method == "bca":
        left = left_out(statistic, arms[0]), left_out(statistic, arms[1])

        def levels(effect: Replicates, scale: Literal["difference", "relative"]) -> Levels:
            bend = acceleration(values, left, arms, scale)
            return Levels.accelerated(how.replicates, bias_of(effect), bend)

        return (
            (absolute, levels(absolute, "difference")),
            None if ratio is None else (ratio, levels(ratio, "relative")),
        )
    return (absolute, plain), None if ratio is None else (ratio, plain)


def _relative(
    effect: tuple[Replicates, Levels] | None, confidence_level: float, alternative: Alternative
) -> RelativeInterval:
    if effect is None:
        return RelativeInterval(None, None, None, "undefined")
    return relative_of(interval_of(*effect, confidence_level, alternative))
