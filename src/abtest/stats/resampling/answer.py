"""What every comparison by resampling asks first and answers last."""

from __future__ import annotations

import math

import numpy as np

from abtest.errors import UsageError
from abtest.stats.arguments import require_count
from abtest.stats.not_estimable import constant_arms, not_finite, too_few_units
from abtest.stats.resampling.result import ResampledComparison
from abtest.stats.resampling.statistic import Statistic
from abtest.stats.results import Interval, Method, RelativeInterval, Test
from abtest.stats.value_counts import ValueCounts

_MOST = 10_000_000


def require_draws(replicates: int, seed: int) -> int:
    """Return the number of replicates; refuse what is none, or a seed that is none.

    Raises
    ------
    UsageError
        If the seed is no whole number of at least 0, or there are too many replicates.
    """
    require_count(seed, "seed")
    if not isinstance(seed, int | np.integer):
        raise UsageError("seed is a whole number", given=repr(seed), todo="Give one, such as 1.")
    size = require_count(replicates, "replicates", smallest=1)
    if size > _MOST:
        raise UsageError(
            "So many replicates do not make a better answer",
            given=f"{size:,} replicates",
            todo=f"Give at most {_MOST:,}; 10,000 are usual.",
        )
    return size


def estimates(statistic: Statistic, arms: tuple[ValueCounts, ValueCounts]) -> tuple[float, float]:
    """Return the statistic of both arms.

    Raises
    ------
    NotEstimable
        ``too_few_units``, ``not_finite``, or ``constant`` if no mean varies.
    """
    if min(arms[0].n, arms[1].n) < 2:
        raise too_few_units(arms[0].n, arms[1].n)
    if statistic.name != "quantile" and all(arm.values.size == 1 for arm in arms):
        raise constant_arms(float(arms[0].values[0]), float(arms[1].values[0]))
    found = statistic.of(arms[0]), statistic.of(arms[1])
    spread = max(float(arm.values[-1]) for arm in arms) - min(float(arm.values[0]) for arm in arms)
    if not (math.isfinite(spread) and math.isfinite(found[0]) and math.isfinite(found[1])):
        raise not_finite()
    return found


def resampled_comparison(
    statistic: Statistic,
    arms: tuple[ValueCounts, ValueCounts],
    values: tuple[float, float],
    effect: tuple[Interval, RelativeInterval, Test],
    *,
    method: Method,
    confidence_level: float,
    drawn: tuple[int, int | None],
) -> ResampledComparison:
    """Return the answer; `drawn` are replicates and seed."""
    absolute, relative, test = effect
    tied = statistic.name == "quantile" and absolute.lower == absolute.upper
    return ResampledComparison(
        measure=statistic.name,
        scale="difference",
        absolute=absolute,
        relative=relative,
        p_value=test.p_value,
        log10_p=test.log10_p,
        statistic=None,
        df=None,
        method=method,
        alternative=test.alternative,
        confidence_level=confidence_level,
        n_control=arms[0].n,
        n_treatment=arms[1].n,
        nulls_control=arms[0].nulls,
        nulls_treatment=arms[1].nulls,
        control_value=values[0],
        treatment_value=values[1],
        warnings=("tied_quantile",) if tied and absolute.lower is not None else (),
        details=statistic.details,
        replicates=drawn[0],
        seed=drawn[1],
    )
