"""Differences of proportions: the score method where events are rare, Welch elsewhere."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from abtest.stats.columns import Values, arm_moments, filled
from abtest.stats.comparison import Comparison
from abtest.stats.means.compare import estimate_means
from abtest.stats.moments import Moments
from abtest.stats.not_estimable import NotEstimable
from abtest.stats.pairs import ArmPair
from abtest.stats.proportions.score import ScorePair
from abtest.stats.results import Alternative

FEW_EVENTS = 10
"""Below this many successes or failures in an arm the normal approximation is not used."""


def estimate_proportions(
    control: Sequence[Moments], treatment: Sequence[Moments], *, adjusted: bool
) -> ArmPair | ScorePair:
    """Return the proportions of two arms, estimated from moments, one per phase of allocation.

    With fewer than 10 successes or failures in an arm and one phase it is the score method
    (``miettinen_nurminen``), without the covariate (warning ``covariate_not_used``): the normal
    approximation that an adjustment needs does not hold there. Otherwise it is a difference of
    means (``welch``, ``welch_cuped``), with the warning ``few_events`` where several phases
    keep the score method from being used on counts that small.

    Parameters
    ----------
    control, treatment
        Moments of (outcome of 0 and 1[, covariate]) by phase.
    adjusted
        Whether to use the covariate.

    Raises
    ------
    NotEstimable
        ``too_few_units``, ``constant``, ``not_binary`` or ``not_finite``.
    UsageError
        If phases or variables do not fit.

    Examples
    --------
    >>> pair = estimate_proportions(
    ...     [Moments.from_counts(100, 2)], [Moments.from_counts(100, 9)], adjusted=False
    ... )
    >>> pair.method, round(pair.test().p_value, 4)
    ('miettinen_nurminen', 0.0303)
    """
    arms = [_total(control), _total(treatment)]
    for arm in arms:
        _require_binary(arm)
    rare = any(min(_successes(arm), arm.n - _successes(arm)) < FEW_EVENTS for arm in arms)
    occupied = sum(1 for pair in zip(control, treatment, strict=False) if pair[0].n + pair[1].n)
    if rare and occupied == 1 and min(arm.n for arm in arms) >= 2:
        score = ScorePair(_successes(arms[0]), arms[0].n, _successes(arms[1]), arms[1].n)
        return score.with_warnings("covariate_not_used") if adjusted else score
    pair = estimate_means(control, treatment, adjusted=adjusted)
    return pair.with_warnings("few_events") if rare else pair


def compare_proportions(
    control: Values | Moments,
    treatment: Values | Moments,
    *,
    alternative: Alternative = "two-sided",
    confidence_level: float = 0.95,
    covariates: tuple[Values, Values] | None = None,
) -> Comparison:
    """Return the difference of two proportions with its intervals and test.

    Parameters
    ----------
    control, treatment
        One 0 or 1 (or truth value) per unit, or `Moments`, such as ``Moments.from_counts(n,
        successes)``; nulls are left out and counted.
    alternative
        ``two-sided``, ``greater`` or ``less``; one-sided tests come with one-sided intervals.
    confidence_level
        Of both intervals.
    covariates
        Pre-exposure values of the same units, (control, treatment): CUPED. A missing one becomes
        the mean of the others.

    Raises
    ------
    NotEstimable
        If there is no number: values other than 0 and 1, fewer than two units, no variation.
    UsageError
        If the arguments do not fit together.

    Examples
    --------
    >>> result = compare_proportions(
    ...     Moments.from_counts(44700, 8502), Moments.from_counts(45489, 8279)
    ... )
    >>> result.method, round(result.p_value, 5)
    ('welch', 0.00156)
    """
    filled_covariates, codes = filled(covariates, with_mean=True)
    arms = [
        arm_moments((values,), tuple(extra[i] for extra in filled_covariates), name)
        for i, (values, name) in enumerate(((control, "control"), (treatment, "treatment")))
    ]
    pair = estimate_proportions([arms[0]], [arms[1]], adjusted=len(arms[0].mean) > 1)
    return Comparison.of(
        pair.with_warnings(*codes), arms, alternative, confidence_level, measure="proportion"
    )


def _total(phases: Sequence[Moments]) -> Moments:
    total = Moments(0, np.zeros(1), np.zeros((1, 1)))
    for moments in phases:
        total = total + moments
    return total


def _successes(moments: Moments) -> int:
    return round(moments.n * float(moments.mean[0])) if moments.n else 0


def _require_binary(moments: Moments) -> None:
    """Refuse values other than 0 and 1: for those alone m2 = n p (1 - p) with a whole n p."""
    if moments.n == 0:
        return
    n, p, m2 = moments.n, float(moments.mean[0]), float(moments.m2[0, 0])
    if not (np.isfinite(p) and np.isfinite(m2)):
        return  # refused further on, as not finite
    whole = abs(n * p - round(n * p)) <= 1e-9 * n
    if whole and -1e-12 <= p <= 1.0 + 1e-12 and abs(m2 - n * p * (1.0 - p)) <= 1e-9 * n:
        return
    raise NotEstimable(
        "not_binary",
        "A proportion needs values of 0 and 1",
        given=f"mean {p:g}, variance {m2 / n:g} over {n} units",
        todo="Use a mean metric, or say which values count as a success.",
    )
