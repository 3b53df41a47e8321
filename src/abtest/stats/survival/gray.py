"""Gray's test whether two arms have one cumulative incidence of an event."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from abtest.stats.answer import Answer
from abtest.stats.arguments import require_alternative
from abtest.stats.floats import Values
from abtest.stats.listing import listing
from abtest.stats.moments import Floats
from abtest.stats.not_estimable import NotEstimable, too_few_units
from abtest.stats.results import Alternative, WarningCode
from abtest.stats.survival.competing_times import (
    CompetingTimes,
    arm_competing_times,
    require_cause,
)
from abtest.stats.tails import tail_test

if TYPE_CHECKING:
    from abtest.show.fragment import Fragment

FEW = 10
"""Events of both arms below which the normal approximation is rough."""


@dataclass(frozen=True)
class GrayTest(Answer):
    """The test whether both arms have one cumulative incidence of an event.

    Attributes
    ----------
    p_value, log10_p
        The test of one cumulative incidence.
    statistic
        z, positive where treatment has more of the event; its square is the chi-square of other
        tools.
    df
        None: z is normal.
    cause
        Number of the event.
    events_control, events_treatment
        Events of this cause.
    expected_control, expected_treatment
        Events of it expected if both arms had one cumulative incidence.
    alternative
        ``two-sided``, ``greater`` (treatment has more of the event) or ``less``.
    n_control, n_treatment
        Units used.
    nulls_control, nulls_treatment
        Units left out because something about them was null.
    warnings
        ``few_events`` below ten events in both arms together.
    method
        ``gray``.
    """

    p_value: float
    log10_p: float
    statistic: float
    df: None
    cause: int
    events_control: int
    events_treatment: int
    expected_control: float
    expected_treatment: float
    alternative: Alternative
    n_control: int
    n_treatment: int
    nulls_control: int
    nulls_treatment: int
    warnings: tuple[WarningCode, ...] = ()
    method: str = "gray"

    def __str__(self) -> str:
        """Return what was found, in one sentence."""
        from abtest.stats.display import p_value

        return (
            f"{self.events_treatment:,} events of cause {self.cause} in treatment where "
            f"{self.expected_treatment:,.4g} are expected, {self.events_control:,} in control "
            f"where {self.expected_control:,.4g} are; p = {p_value(self)} (gray)."
        )

    def _fragment(self) -> Fragment:
        """Return the sentence and a table of the arms, for notebooks."""
        rows = [
            (name, f"{n:,}", f"{events:,}", f"{expected:,.2f}")
            for name, n, events, expected in (
                ("control", self.n_control, self.events_control, self.expected_control),
                ("treatment", self.n_treatment, self.events_treatment, self.expected_treatment),
            )
        ]
        return listing(str(self), ("arm", "units", "events", "expected"), rows)


def gray_test(
    control: CompetingTimes | tuple[Values, Values],
    treatment: CompetingTimes | tuple[Values, Values],
    *,
    cause: int = 1,
    alternative: Alternative = "two-sided",
) -> GrayTest:
    """Return Gray's test whether both arms have one cumulative incidence of an event.

    A log-rank test in which units that had another event stay at risk, as far as they would not
    have left otherwise: with R = n (1 - F(t-)) / S(t-) in each arm, z is the sum of observed
    less expected events of treatment, d1 - R1 d / R, over its standard error (Gray 1988, Annals
    of Statistics 16, 1141, with rho = 0). A log-rank test that takes competing events for the
    end of observation tests the hazards of the one cause instead; both may differ, or neither,
    when the share that ends with the event does.

    Parameters
    ----------
    control, treatment
        ``(time, cause)``, one row per unit, with cause 0 where no event was seen, or
        `CompetingTimes`: the answer is the same. All follow-up is used.
    cause
        Number of the event of interest.
    alternative
        ``two-sided``, ``greater`` (treatment has more of the event) or ``less``.

    Raises
    ------
    UsageError
        If an argument is not one of those above.
    NotEstimable
        ``too_few_units`` (fewer than two in an arm), ``no_events`` (of the cause, in neither
        arm), ``constant`` (at no time with such an event could the arms have differed), or as
        `CompetingTimes.from_values`.

    Notes
    -----
    The variance is that of the score's influence function under one cumulative incidence, with
    the multinomial variance of tied events. Without ties of both causes the statistic is that of
    cmprsk's ``cuminc``. That leaves out that a unit with the one event cannot have the other at
    the same time: on days with many events it rejects too often (8% instead of 5% where half of
    the units have an event on one day). There is no one-step ratio with this test: for the size
    of an effect see `compare_incidence`.

    Examples
    --------
    >>> control = [2, 3, 3, 5, 6, 6], [1, 2, 0, 1, 0, 2]
    >>> treatment = [3, 3, 4, 7, 8, 9], [1, 0, 2, 1, 1, 0]
    >>> test = gray_test(control, treatment)
    >>> round(test.statistic**2, 4), round(test.p_value, 4)
    (0.4143, 0.5198)
    """
    number = require_cause(cause)
    require_alternative(alternative)
    arms = arm_competing_times(control, "control"), arm_competing_times(treatment, "treatment")
    if min(arms[0].n, arms[1].n) < 2:
        raise too_few_units(arms[0].n, arms[1].n)
    events = [int(arm.of_cause(number).sum()) for arm in arms]
    if not sum(events):
        raise NotEstimable(
            "no_events",
            f"Neither arm has an event of cause {number}",
            todo="Wait until units have had it, or look at how events are numbered.",
        )
    score, variance = _score(arms, number)
    if not variance > 0.0:
        raise NotEstimable(
            "constant",
            "At no time with the event could the arms have differed",
            given=f"{sum(events)} events of cause {number}",
            todo="Look whether both arms were under observation at the same times.",
        )
    test = tail_test(score / math.sqrt(variance), None, alternative)
    return GrayTest(
        p_value=test.p_value,
        log10_p=test.log10_p,
        statistic=test.statistic,
        df=None,
        cause=number,
        events_control=events[0],
        events_treatment=events[1],
        expected_control=events[0] + score,
        expected_treatment=events[1] - score,
        alternative=alternative,
        n_control=arms[0].n,
        n_treatment=arms[1].n,
        nulls_control=arms[0].nulls,
        nulls_treatment=arms[1].nulls,
        warnings=("few_events",) if sum(events) < FEW else (),
    )


@dataclass(frozen=True)
class _Arm:
    """One arm at the times with an event in either: arrays of shape (k,).

    `at_risk` and `before` (the curve of no event) are those just before, `after` just after;
    `own` and `others` count events; `share` is the incidence just before.
    """

    at_risk: Floats
    own: Floats
    others: Floats
    before: Floats
    after: Floats
    share: Floats


def _score(arms: tuple[CompetingTimes, CompetingTimes], cause: int) -> tuple[float, float]:
    """Return the observed less expected events of treatment, and their variance."""
    times = np.union1d(*(arm.times[arm.any_event.events > 0] for arm in arms))
    parts = [_at(arm, times, cause) for arm in arms]
    # units at risk had nobody been lost to anything: n / S, and R = n (1 - F) / S
    whole = [_ratio(part.at_risk, part.before) for part in parts]
    still = [size * (1.0 - part.share) for size, part in zip(whole, parts, strict=True)]
    events, both = parts[0].own + parts[1].own, whole[0] + whole[1]
    score = float((parts[1].own - events * _ratio(still[1], still[0] + still[1])).sum())
    step = _ratio(events, both)  # the pooled incidence under the null hypothesis
    pooled = np.cumsum(step)
    left_before, left_after = 1.0 - (pooled - step), 1.0 - pooled
    weight = _ratio(whole[0] * whole[1], both)
    reach = np.cumsum(_ratio(weight * step, left_before))
    to_come = reach[-1] - reach
    variance = 0.0
    for part in parts:
        # nothing is to come for an arm that nobody is left of: the ratio of 0 has no part there
        lost = to_come * _ratio(left_after, part.after)
        # ties: hypergeometric, among the units at risk of both had they this arm's losses
        tied = _tied(events, both * part.before)
        variance += _arm_variance(part, step, tied, (weight + to_come - lost, lost))
    return score, variance


def _arm_variance(part: _Arm, step: Floats, tied: Floats, slopes: tuple[Floats, Floats]) -> float:
    """Return what one arm adds to the variance of the score.

    At each time the shares of units with this cause (step / S(t-), as under the null hypothesis)
    and with others are multinomial; the score moves with them by S(t-) times the slopes, up with
    the first and down with the second.
    """
    up, down = slopes
    others = part.before * _ratio(part.others, part.at_risk)
    own = up**2 * tied * _ratio(part.before * step, part.at_risk)
    other = down**2 * _tied(part.others, part.at_risk) * _ratio(part.before * others, part.at_risk)
    crossed = 2.0 * up * down * _ratio(step * others, np.maximum(part.at_risk - 1.0, 0.0))
    return float((own + other + crossed).sum())


def _at(arm: CompetingTimes, times: Floats, cause: int) -> _Arm:
    """Return an arm at given times, all times of its events among them."""
    at_risk = arm.any_event.at_risk_at(times).astype(np.float64)
    counts = np.zeros((2, times.size))
    here = arm.any_event.events > 0
    rows = np.searchsorted(times, arm.times[here])
    counts[0, rows] = arm.of_cause(cause)[here]
    counts[1, rows] = arm.any_event.events[here] - counts[0, rows]
    after: Floats = np.asarray(np.cumprod(1.0 - _ratio(counts.sum(axis=0), at_risk)))
    before: Floats = np.concatenate([np.ones(1), np.asarray(after[:-1], dtype=np.float64)])
    steps = before * _ratio(counts[0], at_risk)
    return _Arm(at_risk, counts[0], counts[1], before, after, np.cumsum(steps) - steps)


def _ratio(above: Floats, below: Floats) -> Floats:
    """Return a ratio, 0 where nothing is below: an arm that nobody is left of has no part."""
    return np.asarray(np.divide(above, below, out=np.zeros(above.shape), where=below > 0.0))


def _tied(events: Floats, at_risk: Floats) -> Floats:
    """Return the factor by which tied events lower the variance."""
    return np.where(events > 1.0, 1.0 - _ratio(events - 1.0, at_risk - 1.0), 1.0)
