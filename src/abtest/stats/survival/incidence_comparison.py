"""Two arms' shares that had one event, as the first of all, up to one horizon."""

from __future__ import annotations

from dataclasses import dataclass, fields

from abtest.stats.arguments import require_interval
from abtest.stats.comparison import Comparison
from abtest.stats.floats import Values
from abtest.stats.not_estimable import NotEstimable, too_few_units
from abtest.stats.pairs import ArmPair
from abtest.stats.results import Alternative, WarningCode
from abtest.stats.survival.compare import as_time
from abtest.stats.survival.competing_times import (
    CompetingTimes,
    arm_competing_times,
    require_cause,
)
from abtest.stats.survival.gray import GrayTest, gray_test
from abtest.stats.survival.incidence import aalen_johansen
from abtest.stats.survival.restricted import ArmEstimate, require_known

FEW = 10
"""Events of an arm before the horizon below which the normal approximation is rough."""


@dataclass(frozen=True)
class IncidenceComparison(Comparison):
    """A comparison of cumulative incidences at a horizon, with Gray's test beside it.

    Attributes
    ----------
    horizon
        The time up to which the arms are compared, in the unit of the times.
    cause
        Number of the event.
    gray
        Gray's test of all follow-up, another question than that of the other fields; None where
        it has no number. The other fields are those of `Comparison`, and `details` holds the
        events of this cause and of others up to the horizon in each arm.
    """

    horizon: float = 0.0
    cause: int = 1
    gray: GrayTest | None = None

    def __str__(self) -> str:
        """Return the result as a sentence."""
        from abtest.stats.display import p_value

        words = f"Share with event {self.cause} first, up to {self.horizon:g}: {super().__str__()}"
        if self.gray is None:
            return words
        return f"{words} Gray's test of all times: p = {p_value(self.gray)}."


def compare_incidence(
    control: CompetingTimes | tuple[Values, Values],
    treatment: CompetingTimes | tuple[Values, Values],
    *,
    horizon: float,
    cause: int = 1,
    alternative: Alternative = "two-sided",
    confidence_level: float = 0.95,
) -> IncidenceComparison:
    """Return the difference of two arms' shares with one event up to a horizon.

    The share that had the event as the first of all, where other events can come before it:
    units that paid until day 30, where some cancelled before. Look at every cause: a treatment
    that cancels more pays less, with the same hazard of paying.

    Parameters
    ----------
    control, treatment
        ``(time, cause)``, one row per unit, with cause 0 where no event was seen, or
        `CompetingTimes`: the answer is the same. Units with a null are left out and counted.
    horizon
        The time up to which arms are compared; fix it before the data are seen. It may lie as far
        as that of `compare_survival`.
    cause
        Number of the event of interest.
    alternative
        ``two-sided``, ``greater`` (treatment has more of the event) or ``less``; the intervals
        are of the same kind.
    confidence_level
        Of both intervals.

    Returns
    -------
    IncidenceComparison
        `absolute` is treatment - control; `relative` is the ratio less 1 with Fieller's set.
        Both leave out 0 exactly when p < 1 - confidence_level.

    Raises
    ------
    UsageError
        If an argument is not one of those above.
    NotEstimable
        ``too_few_units`` (fewer than two in an arm), ``no_events`` (of the cause, in neither arm
        up to the horizon), ``constant`` (no variation in either arm), ``horizon_too_far``, or as
        `CompetingTimes.from_values`.

    Notes
    -----
    Estimates and variances are those of `cumulative_incidence`; the test is normal. Without
    censoring it compares shares with variance F (1 - F) / n. An arm with fewer than ten events of
    the cause before the horizon has the warning ``few_events``.

    Examples
    --------
    >>> control = [1, 2, 2, 3, 4, 5, 6, 7], [1, 2, 0, 2, 0, 2, 0, 0]
    >>> treatment = [1, 1, 2, 3, 4, 5, 6, 7], [1, 1, 1, 2, 1, 0, 0, 0]
    >>> result = compare_incidence(control, treatment, horizon=4)
    >>> round(result.estimate, 4), round(result.p_value, 4)
    (0.375, 0.0768)
    """
    require_interval(confidence_level, alternative)
    number, horizon = require_cause(cause), as_time(horizon)
    arms = arm_competing_times(control, "control"), arm_competing_times(treatment, "treatment")
    if min(arms[0].n, arms[1].n) < 2:
        raise too_few_units(arms[0].n, arms[1].n)
    require_known((arms[0].any_event, arms[1].any_event), horizon)
    seen = [arm.times <= horizon for arm in arms]
    events = [int(arm.of_cause(number)[row].sum()) for arm, row in zip(arms, seen, strict=True)]
    if not sum(events):
        raise NotEstimable(
            "no_events",
            f"Neither arm has an event of cause {number} up to the horizon",
            given=f"a horizon of {horizon:g}",
            todo="Wait until units have had it, or fix a longer horizon.",
        )
    first, second = (_share_at(arm, number, horizon) for arm in arms)
    warnings: tuple[WarningCode, ...] = ("few_events",) if min(events) < FEW else ()
    pair = ArmPair(
        first.value,
        second.value,
        ((first.variance, 0.0), (0.0, second.variance)),
        df=None,
        n_control=arms[0].n,
        n_treatment=arms[1].n,
        method="aalen_johansen",
        warnings=warnings,
    )
    base = Comparison.of(pair, arms, alternative, confidence_level, measure="incidence")
    given = {field.name: getattr(base, field.name) for field in fields(Comparison)}
    every = [int(arm.any_event.events[row].sum()) for arm, row in zip(arms, seen, strict=True)]
    given["details"] = {
        "events_control": float(events[0]),
        "events_treatment": float(events[1]),
        "competing_control": float(every[0] - events[0]),
        "competing_treatment": float(every[1] - events[1]),
    }
    return IncidenceComparison(
        **given, horizon=horizon, cause=number, gray=_gray(arms, number, alternative)
    )


def _share_at(arm: CompetingTimes, cause: int, horizon: float) -> ArmEstimate:
    """Return the share with the event at the horizon, with its variance."""
    used = (arm.any_event.events > 0) & (arm.times <= horizon)
    if not used.any():
        return ArmEstimate(0.0, 0.0)
    share, variance = aalen_johansen(
        arm.any_event.events[used], arm.of_cause(cause)[used], arm.any_event.at_risk[used]
    )
    return ArmEstimate(float(share[-1]), float(variance[-1]))


def _gray(
    arms: tuple[CompetingTimes, CompetingTimes], cause: int, alternative: Alternative
) -> GrayTest | None:
    try:
        return gray_test(*arms, cause=cause, alternative=alternative)
    except NotEstimable:
        return None
