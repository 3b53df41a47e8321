"""How experiments judge proportions: the score method where events are rare, Welch elsewhere."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from abtest.stats.means.compare import estimate_means
from abtest.stats.moments import Moments
from abtest.stats.pairs import ArmPair
from abtest.stats.proportions.score import ScorePair
from abtest.stats.proportions.two_by_two import require_binary, successes_of

FEW_EVENTS = 10
"""Below this many successes or failures in an arm the normal approximation is not used."""


def estimate_proportions(
    control: Sequence[Moments], treatment: Sequence[Moments], *, adjusted: bool
) -> ArmPair | ScorePair:
    """Return the proportions of two arms, estimated from moments, one per phase of allocation.

    This is the rule of experiments, where covariates, phases and margins ask for one test: with
    fewer than 10 successes or failures in an arm and one phase it is the score method
    (``miettinen_nurminen``), without the covariate (warning ``covariate_not_used``): the normal
    approximation that an adjustment needs does not hold there. Otherwise it is a difference of
    means (``welch``, ``welch_cuped``), with the warning ``few_events`` where several phases
    keep the score method from being used on counts that small. `compare_proportions` takes the
    method that it is told.

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
        require_binary(arm)
    rare = has_few_events(arms)
    occupied = sum(1 for pair in zip(control, treatment, strict=False) if pair[0].n + pair[1].n)
    if rare and occupied == 1 and min(arm.n for arm in arms) >= 2:
        score = ScorePair(successes_of(arms[0]), arms[0].n, successes_of(arms[1]), arms[1].n)
        return score.with_warnings("covariate_not_used") if adjusted else score
    pair = estimate_means(control, treatment, adjusted=adjusted)
    return pair.with_warnings("few_events") if rare else pair


def has_few_events(arms: Sequence[Moments]) -> bool:
    """Return whether an arm has fewer than 10 successes or failures."""
    return any(min(successes_of(arm), arm.n - successes_of(arm)) < FEW_EVENTS for arm in arms)


def _total(phases: Sequence[Moments]) -> Moments:
    total = Moments(0, np.zeros(1), np.zeros((1, 1)))
    for moments in phases:
        total = total + moments
    return total
