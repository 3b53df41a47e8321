"""Two arms' mean cumulative functions at one horizon."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from abtest.stats.arguments import require_interval
from abtest.stats.comparison import Comparison
from abtest.stats.floats import Values
from abtest.stats.pairs import ArmPair
from abtest.stats.phased import by_phase
from abtest.stats.results import Alternative
from abtest.stats.survival.compare import FEW, as_time
from abtest.stats.survival.mean_curve import mean_and_variance
from abtest.stats.survival.repeated_events import RepeatedEvents, arm_repeated_events
from abtest.stats.survival.restricted import (
    ENOUGH_SHARE,
    ENOUGH_UNITS,
    FEW_UNITS,
    ArmEstimate,
    horizon_too_far,
    independent_pair,
    no_events,
)


@dataclass(frozen=True)
class CumulativeComparison(Comparison):
    """A comparison of mean cumulative functions at a horizon.

    Attributes
    ----------
    horizon
        The time up to which the arms are compared, in the unit of the times. The other fields
        are those of `Comparison`; `details` holds the amounts up to the horizon and the units
        watched so long in each arm.
    """

    horizon: float = 0.0

    def __str__(self) -> str:
        """Return the result as a sentence."""
        return f"Per unit up to {self.horizon:g}: {super().__str__()}"


def compare_cumulative_means(
    control: RepeatedEvents | tuple[Values, ...],
    treatment: RepeatedEvents | tuple[Values, ...],
    *,
    horizon: float,
    alternative: Alternative = "two-sided",
    confidence_level: float = 0.95,
) -> CumulativeComparison:
    """Return the difference of two arms' events (or amounts) per unit up to a horizon.

    Orders, sessions or money of 30 days per unit, where not all units have been watched for 30
    days: each counts as long as it was.

    Parameters
    ----------
    control, treatment
        ``(end, unit, time)`` or ``(end, unit, time, amount)`` as `RepeatedEvents.from_values`
        takes them, or `RepeatedEvents`: the answer is the same.
    horizon
        The time up to which arms are compared; fix it before the data are seen. In each arm 30
        units, or a tenth of the arm, must have been watched so long.
    alternative
        ``two-sided``, ``greater`` (treatment has more) or ``less``; the intervals are of the
        same kind.
    confidence_level
        Of both intervals.

    Returns
    -------
    CumulativeComparison
        `absolute` is treatment - control; `relative` is the ratio less 1 with Fieller's set.
        Both leave out 0 exactly when p < 1 - confidence_level.

    Raises
    ------
    UsageError
        If an argument is not one of those above.
    NotEstimable
        ``too_few_units`` (fewer than two in an arm), ``no_events`` (in neither arm up to the
        horizon), ``constant`` (no variation in either arm), ``horizon_too_far``, or as
        `RepeatedEvents.from_values`.

    Notes
    -----
    Estimates and variances are those of `cumulative_mean`; the test is normal. With all units
    watched to the horizon it is a comparison of means with divisor n: with fewer than about 50
    units in an arm it rejects too often (warning ``few_units``), and so it does with heavy tails.
    ``few_events``: amounts of one sign in an arm come from few units, as their effective number
    (sum a)^2 / sum a^2 < 10 says (Kish 1965, Survey Sampling, 11.7), a being the sum of a unit's
    amounts; it is at most the number of units that have any.

    Examples
    --------
    >>> control = [5, 3, 4, 5], [0, 0, 1, 3], [2, 4, 2, 1]
    >>> treatment = [5, 5, 4, 3], [0, 0, 1, 1, 2, 3], [1, 3, 2, 3, 3, 2]
    >>> result = compare_cumulative_means(control, treatment, horizon=4)
    >>> round(result.control_value, 4), round(result.treatment_value, 4), round(result.p_value, 4)
    (1.0833, 1.5, 0.3941)
    """
    require_interval(confidence_level, alternative)
    horizon = as_time(horizon)
    arms = arm_repeated_events(control, "control"), arm_repeated_events(treatment, "treatment")
    pair = estimate_cumulative_means(arms[:1], arms[1:], horizon=horizon)
    base = Comparison.of(pair, arms, alternative, confidence_level, measure="cumulative_mean")
    given = {field.name: getattr(base, field.name) for field in fields(Comparison)}
    given["details"] = {
        f"{what}_{name}": value
        for arm, name in zip(arms, ("control", "treatment"), strict=True)
        for what, value in (
            ("amount", float(arm.by_end.sum(axis=0)[arm.times <= horizon].sum())),
            ("watched", float(arm.ended[arm.times >= horizon].sum())),
        )
    }
    return CumulativeComparison(**given, horizon=horizon)


def estimate_cumulative_means(
    control: Sequence[RepeatedEvents], treatment: Sequence[RepeatedEvents], *, horizon: float
) -> ArmPair:
    """Return the cumulative means of two arms, one `RepeatedEvents` per phase of allocation.

    The numbers of `compare_cumulative_means` where there is one phase; phases are combined with
    their share of all units. Phases in which too few units were watched up to the horizon are
    left out (``phase_dropped``), as long as there is another.

    Parameters
    ----------
    control, treatment
        Repeated events by phase.
    horizon
        The time up to which arms are compared.

    Raises
    ------
    NotEstimable
        As `compare_cumulative_means`.
    UsageError
        If phases do not fit.

    Examples
    --------
    >>> control = RepeatedEvents.from_values([5, 3, 4, 5], [0, 0, 1, 3], [2, 4, 2, 1])
    >>> treatment = RepeatedEvents.from_values([5, 5, 4], [0, 0, 1, 1], [1, 3, 2, 3])
    >>> pair = estimate_cumulative_means([control], [treatment], horizon=4)
    >>> round(pair.control_value, 4), round(pair.treatment_value, 4)
    (1.0833, 1.3333)
    """
    any_event = any(_has_events(arm, horizon) for arm in (*control, *treatment))

    def pair_of(first: RepeatedEvents, second: RepeatedEvents) -> ArmPair:
        furthest = min(known_up_to(first), known_up_to(second))
        if horizon > furthest:
            raise horizon_too_far(horizon, furthest)
        if not any_event:
            raise no_events(horizon)
        values = mean_at(first, horizon), mean_at(second, horizon)
        return independent_pair(values, (first.n, second.n), "lawless_nadeau")

    may_fail = frozenset({"horizon_too_far"})
    pair = by_phase(control, treatment, pair_of, may_fail=may_fail, enough=FEW_UNITS)
    fewest = min(_units_with_amounts(arm, horizon) for arm in (control, treatment))
    return pair.with_warnings(*(("few_events",) if fewest < FEW else ()))


def _units_with_amounts(arm: Sequence[RepeatedEvents], horizon: float) -> float:
    """Return how many equal units would have the arm's amounts; infinite for mixed signs."""
    total = squares = 0.0
    signs: set[float] = set()
    for phase in arm:
        known = int(np.searchsorted(phase.times, horizon, side="right"))
        amounts = phase.by_end[:, :known]
        total += float(amounts.sum())
        squares += float(phase.products[:known, :known].sum())
        signs |= set(np.sign(amounts[amounts != 0.0]).tolist())
    if len(signs) > 1:
        return math.inf
    return total**2 / squares if squares > 0.0 else 0.0


def _has_events(arm: RepeatedEvents, horizon: float) -> bool:
    return bool(np.diagonal(arm.products)[arm.times <= horizon].any())


def known_up_to(arm: RepeatedEvents) -> float:
    """Return the last time at which enough units are watched."""
    enough = np.flatnonzero(arm.at_risk >= min(ENOUGH_UNITS, math.ceil(ENOUGH_SHARE * arm.n)))
    return float(arm.times[enough[-1]]) if enough.size else 0.0


def mean_at(arm: RepeatedEvents, horizon: float) -> ArmEstimate:
    """Return the mean up to the horizon with its variance."""
    row = int(np.searchsorted(arm.times, horizon, side="right")) - 1
    if row < 0:
        return ArmEstimate(0.0, 0.0)
    mean, variance = mean_and_variance(arm)
    return ArmEstimate(float(mean[row]), float(variance[row]))
