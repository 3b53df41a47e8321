"""Rank tests of two arms' times: log-rank, Gehan, Tarone-Ware, Fleming-Harrington."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, get_args

from abtest.errors import UsageError
from abtest.stats.answer import Answer
from abtest.stats.arguments import require_interval, require_one_of
from abtest.stats.floats import Values
from abtest.stats.listing import listing
from abtest.stats.not_estimable import NotEstimable, too_few_units
from abtest.stats.results import Alternative, Interval, WarningCode
from abtest.stats.survival.event_times import EventTimes, arm_event_times
from abtest.stats.survival.log_rank import RankStatistic, RankWeight, rank_statistic
from abtest.stats.tails import critical_value, tail_test

if TYPE_CHECKING:
    from abtest.show.fragment import Fragment

FEW = 10
"""Events of both arms below which the normal approximation is rough."""
_WEIGHTS = frozenset(get_args(RankWeight))


@dataclass(frozen=True)
class LogRankTest(Answer):
    """The test whether both arms have one distribution of times.

    Attributes
    ----------
    hazard_ratio
        Treatment over control: exp(score / information), Peto's one-step estimate, with the
        interval that inverts the test. Below 1 the event comes later in treatment. It is near
        the ratio of Cox's model for moderate effects, nearer to 1 for large ones, and an
        average over time where hazards are not proportional.
    p_value, log10_p
        The test of one distribution.
    statistic
        z, positive where the event comes later in treatment; its square is the chi-square of
        other tools.
    df
        None: z is normal.
    events_control, events_treatment
        Events of the arms.
    expected_control, expected_treatment
        Events expected if both had one distribution; unweighted.
    method
        ``log_rank``, ``gehan``, ``tarone_ware`` or ``fleming_harrington``.
    powers
        The exponents (rho, gamma) of ``fleming_harrington``; (0, 0) otherwise.
    alternative
        ``two-sided``, ``greater`` (times of treatment are longer) or ``less``; the interval is
        of the same kind.
    confidence_level
        Of the interval.
    n_control, n_treatment
        Units used.
    nulls_control, nulls_treatment
        Units left out because something about them was null.
    warnings
        ``few_events`` below ten events in both arms together.
    """

    hazard_ratio: Interval
    p_value: float
    log10_p: float
    statistic: float
    df: None
    events_control: int
    events_treatment: int
    expected_control: float
    expected_treatment: float
    method: RankWeight
    powers: tuple[float, float]
    alternative: Alternative
    confidence_level: float
    n_control: int
    n_treatment: int
    nulls_control: int
    nulls_treatment: int
    warnings: tuple[WarningCode, ...] = ()

    @property
    def estimate(self) -> float | None:
        """Estimate of the hazard ratio."""
        return self.hazard_ratio.estimate

    @property
    def interval(self) -> tuple[float | None, float | None]:
        """Lower and upper limit of the hazard ratio; None where it has no end."""
        return self.hazard_ratio.lower, self.hazard_ratio.upper

    def __str__(self) -> str:
        """Return what was found, in one sentence."""
        from abtest.stats.display import p_value, span

        level = f"{100 * self.confidence_level:.6g}% interval"
        return (
            f"{self.events_treatment:,} events in treatment where {self.expected_treatment:,.4g} "
            f"are expected, {self.events_control:,} in control where "
            f"{self.expected_control:,.4g} are: hazard ratio {self.hazard_ratio.estimate:.4g} "
            f"({level} {span(self.hazard_ratio)}); p = {p_value(self)} ({self.method})."
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


def log_rank_test(
    control: EventTimes | tuple[Values, ...],
    treatment: EventTimes | tuple[Values, ...],
    *,
    weight: RankWeight = "log_rank",
    powers: tuple[float, float] = (0.0, 0.0),
    alternative: Alternative = "two-sided",
    confidence_level: float = 0.95,
) -> LogRankTest:
    """Return the test whether both arms have one distribution of times.

    z = -sum w (O - E) / sqrt(sum w^2 v) over the distinct times of events, with O and E the
    observed and expected events of treatment and v the hypergeometric variance, exact for ties
    (Mantel 1966, Cancer Chemotherapy Reports 50, 163; Klein & Moeschberger 2003, eq. 7.3.3).
    The test has most power where the hazards are proportional; curves that cross may leave it
    silent. It says how likely, not how much: for the size of an effect see `compare_survival`.

    Parameters
    ----------
    control, treatment
        ``(time, observed)`` or ``(time, observed, entry)``, one row per unit, or `EventTimes`:
        the answer is the same. All follow-up is used.
    weight
        ``log_rank``: w = 1. ``gehan``: w = n at risk (Gehan 1965; Breslow 1970), early times
        count more, also where units leave early. ``tarone_ware``: w = sqrt(n) (Tarone & Ware
        1977). ``fleming_harrington``: w = S^rho (1 - S)^gamma, with S the pooled Kaplan-Meier
        curve just before each time (Harrington & Fleming 1982, Biometrika 69, 553). Choose
        before the data are seen.
    powers
        (rho, gamma), 0 or more and not both 0; of ``fleming_harrington`` alone.
    alternative
        ``two-sided``, ``greater`` (times of treatment are longer: a hazard ratio below 1) or
        ``less``.
    confidence_level
        Of the interval of the hazard ratio, which leaves out 1 exactly when p < 1 - level.

    Raises
    ------
    UsageError
        If an argument is not one of those above.
    NotEstimable
        ``too_few_units`` (fewer than two in an arm), ``no_events`` (in neither arm),
        ``constant`` (no time with an event at which both arms have units at risk and not all
        have it, or a weight of 0 at all of them), or as `EventTimes.from_values`.

    Examples
    --------
    Weeks of remission with placebo and 6-mercaptopurine (Freireich et al. 1963, Blood 21, 699):

    >>> placebo = [1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23]
    >>> drug = [6, 6, 6, 7, 10, 13, 16, 22, 23, 6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]
    >>> test = log_rank_test((placebo, [1] * 21), (drug, [1] * 9 + [0] * 12))
    >>> round(test.statistic**2, 4), round(test.expected_treatment, 3)
    (16.7929, 19.251)
    """
    require_one_of(weight, _WEIGHTS, "weight")
    require_interval(confidence_level, alternative)
    exponents = _exponents(weight, powers)
    arms = arm_event_times(control, "control"), arm_event_times(treatment, "treatment")
    if min(arms[0].n, arms[1].n) < 2:
        raise too_few_units(arms[0].n, arms[1].n)
    events = [int(arm.events.sum()) for arm in arms]
    if not sum(events):
        raise NotEstimable(
            "no_events", "Neither arm has an event", todo="Wait until units have had the event."
        )
    found = rank_statistic(arms, weight, exponents)
    if not found.variance > 0.0:
        raise NotEstimable(
            "constant",
            "At no time with an event could the arms have differed",
            given=f"{sum(events)} events",
            todo="Look whether both arms were under observation at the same times.",
        )
    test = tail_test(-found.score / math.sqrt(found.variance), None, alternative)
    return LogRankTest(
        hazard_ratio=_hazard_ratio(found, confidence_level, alternative),
        p_value=test.p_value,
        log10_p=test.log10_p,
        statistic=test.statistic,
        df=None,
        events_control=events[0],
        events_treatment=events[1],
        expected_control=found.all_events - found.expected,
        expected_treatment=found.expected,
        method=weight,
        powers=exponents,
        alternative=alternative,
        confidence_level=confidence_level,
        n_control=arms[0].n,
        n_treatment=arms[1].n,
        nulls_control=arms[0].nulls,
        nulls_treatment=arms[1].nulls,
        warnings=("few_events",) if found.all_events < FEW else (),
    )


def _exponents(weight: RankWeight, powers: Sequence[float]) -> tuple[float, float]:
    """Return the two exponents, refusing what no weight has."""
    pair = isinstance(powers, tuple | list) and len(powers) == 2
    numbers = pair and all(
        isinstance(power, int | float) and not isinstance(power, bool) and 0.0 <= power <= 100.0
        for power in powers
    )
    if not numbers or (any(powers) != (weight == "fleming_harrington")):
        raise UsageError(
            "Powers are the two exponents of fleming_harrington, from 0 to 100 and not both 0",
            given=f"weight {weight!r} and powers {powers!r}",
            todo='Give weight="fleming_harrington", powers=(1, 0), or no powers.',
        )
    return float(powers[0]), float(powers[1])


def _hazard_ratio(found: RankStatistic, level: float, alternative: Alternative) -> Interval:
    """Return the one-step hazard ratio with the interval that inverts the test."""
    logarithm = found.score / found.information
    width = critical_value(level, None, two_sided=alternative == "two-sided")
    width *= math.sqrt(found.variance) / found.information
    return Interval(
        math.exp(logarithm),
        None if alternative == "greater" else _ratio(logarithm - width),
        None if alternative == "less" else _ratio(logarithm + width),
    )


def _ratio(logarithm: float) -> float | None:
    """Return the ratio; None where it is beyond what a float holds."""
    return math.exp(logarithm) if abs(logarithm) < 700.0 else None
