"""The mean time without the event up to a horizon, and how far a horizon may reach."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from abtest.stats.not_estimable import NotEstimable, not_finite, too_small
from abtest.stats.pairs import ArmPair
from abtest.stats.results import Method
from abtest.stats.survival.curve import greenwood_terms
from abtest.stats.survival.event_times import EventTimes

ENOUGH_UNITS = 30
"""So many units at risk are enough, however large the arm."""
ENOUGH_SHARE = 0.1
"""This share of an arm at risk is enough, however small the arm."""
FEW_UNITS = 50
"""Units of an arm below which tests by the normal distribution reject too often."""


@dataclass(frozen=True)
class ArmEstimate:
    """The estimate of one arm and its sampling variance."""

    value: float
    variance: float


def independent_pair(
    values: tuple[ArmEstimate, ArmEstimate], units: tuple[int, int], method: Method
) -> ArmPair:
    """Return two arms' estimates as a pair that is judged by the normal distribution."""
    first, second = values
    return ArmPair(
        first.value,
        second.value,
        ((first.variance, 0.0), (0.0, second.variance)),
        df=None,
        n_control=units[0],
        n_treatment=units[1],
        method=method,
    )


def restricted_mean(arm: EventTimes, horizon: float) -> ArmEstimate:
    """Return the mean of min(time, horizon): the area under the curve up to the horizon.

    Its variance is sum A^2 d / (n (n - d)) over the times of events, with A the area from there
    to the horizon (Klein & Moeschberger 2003, eq. 4.5.2; survRM2).

    Raises
    ------
    NotEstimable
        ``not_finite`` or ``too_small`` if the horizon squared is.
    """
    used = (arm.events > 0) & (arm.times <= horizon)
    events, at_risk = arm.events[used], arm.at_risk[used]
    # in units of the horizon, so that nothing overflows on the way
    ends = np.concatenate([[0.0], arm.times[used] / horizon, [1.0]])
    survival = np.concatenate([[1.0], np.cumprod(1.0 - events / at_risk)])
    areas = survival * np.diff(ends)
    after = np.cumsum(areas[:0:-1])[::-1]
    share = float((after**2 * greenwood_terms(events, at_risk)).sum())
    variance = share * horizon * horizon
    if math.isinf(variance):
        raise not_finite()
    if share > 0.0 and variance < np.finfo(np.float64).tiny:
        raise too_small()
    return ArmEstimate(float(areas.sum()) * horizon, variance)


def survival_at(arm: EventTimes, horizon: float) -> ArmEstimate:
    """Return the share without the event after the horizon, with Greenwood's variance."""
    used = (arm.events > 0) & (arm.times <= horizon)
    events, at_risk = arm.events[used], arm.at_risk[used]
    survival = float(np.prod(1.0 - events / at_risk))
    greenwood = float(greenwood_terms(events, at_risk).sum())
    return ArmEstimate(survival, survival * survival * greenwood)


def known_up_to(arm: EventTimes) -> float:
    """Return the last time up to which an arm's curve rests on enough units.

    That is the first time at which a unit left without the event (until then all is known), or
    later while at least 30 units or a tenth of the arm are at risk, there and at all events
    before. Infinite if no unit left without the event. With delayed entry the second holds from
    the start.

    Examples
    --------
    >>> left = [0, 15, 0, 3, 1]
    >>> known_up_to(EventTimes.from_table([1, 2, 3, 4, 5], [40, 0, 40, 0, 1], left))
    3.0
    """
    needed = min(ENOUGH_UNITS, math.ceil(ENOUGH_SHARE * arm.n))
    enough = arm.at_risk >= needed
    complete = 0.0
    if not arm.entries.any():
        lost = np.flatnonzero(arm.censored > 0)
        if not lost.size:
            return math.inf
        complete = float(arm.times[lost[0]])
    thin = np.flatnonzero((arm.events > 0) & ~enough & (arm.times > complete))
    if thin.size:
        enough &= arm.times < arm.times[thin[0]]
    rows = np.flatnonzero(enough)
    return max(complete, float(arm.times[rows[-1]]) if rows.size else 0.0)


def require_known(arms: tuple[EventTimes, EventTimes], horizon: float) -> None:
    """Refuse a horizon that is beyond what both arms' curves know.

    Raises
    ------
    NotEstimable
        ``horizon_too_far``, with the longest one that is not.
    """
    furthest = min(known_up_to(arm) for arm in arms)
    if horizon > furthest:
        raise horizon_too_far(horizon, furthest)


def no_events(horizon: float) -> NotEstimable:
    """Return the error of arms without any event up to the horizon."""
    return NotEstimable(
        "no_events",
        "Neither arm has an event up to the horizon",
        given=f"a horizon of {horizon:g}",
        todo="Wait until units have had the event, or fix a longer horizon.",
    )


def horizon_too_far(horizon: float, furthest: float) -> NotEstimable:
    """Return the error of a horizon beyond the furthest that enough units were seen for."""
    return NotEstimable(
        "horizon_too_far",
        f"Up to the horizon, each arm needs {ENOUGH_UNITS} units or {ENOUGH_SHARE:.0%} of "
        "its own at risk, unless none left without the event before",
        given=f"a horizon of {horizon:g}; enough are at risk up to {furthest:g}",
        todo="Fix a shorter horizon, or wait until more units have been seen that long.",
    )
