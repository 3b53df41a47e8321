"""Two arms' times by which a share of units has had the event."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from abtest.stats.arguments import require_interval, require_share
from abtest.stats.comparison import Comparison
from abtest.stats.floats import Values
from abtest.stats.moments import Floats
from abtest.stats.not_estimable import NotEstimable, not_finite, too_few_units
from abtest.stats.results import Alternative, Interval, RelativeInterval
from abtest.stats.survival.curve import ROUNDING, greenwood_terms
from abtest.stats.survival.event_times import EventTimes, arm_event_times
from abtest.stats.tails import critical_value, tail_test

FEW = 10
"""Events of an arm below which the normal approximation of its curve is rough."""


@dataclass(frozen=True)
class TimeQuantileComparison(Comparison):
    """A comparison of the times by which a share of units has had the event.

    Attributes
    ----------
    share
        The share; 0.5 compares medians. The other fields are those of `Comparison`; limits are
        None where the set goes on beyond the last event. `details` holds the events of the arms.
    """

    share: float = 0.5

    def __str__(self) -> str:
        """Return the result as a sentence."""
        return f"Time by which {self.share:.6g} have had the event: {super().__str__()}"


@dataclass(frozen=True, eq=False)
class _Candidates:
    """Times that one arm's quantile may be, rising, with the square by which each is rejected."""

    times: Floats
    squares: Floats
    estimate: float


def compare_survival_quantiles(
    control: EventTimes | tuple[Values, ...],
    treatment: EventTimes | tuple[Values, ...],
    *,
    share: float = 0.5,
    alternative: Alternative = "two-sided",
    confidence_level: float = 0.95,
) -> TimeQuantileComparison:
    """Return the difference of the times by which a share of each arm has had the event.

    The difference of medians (or of other quantiles) of Kaplan-Meier curves, in the unit of the
    times. It needs that the curves come down to the share; where they do not, as when most units
    never have the event, see `compare_survival`.

    Parameters
    ----------
    control, treatment
        ``(time, observed)`` or ``(time, observed, entry)``, one row per unit, or `EventTimes`:
        the answer is the same. Units with a null are left out and counted.
    share
        Share of units with the event, between 0 and 1; fix it before the data are seen.
    alternative
        ``two-sided``, ``greater`` (treatment takes longer) or ``less``; the intervals are of the
        same kind.
    confidence_level
        Of both intervals.

    Returns
    -------
    TimeQuantileComparison
        `absolute` is treatment - control; `relative` is treatment / control - 1. Both leave out 0
        exactly when p < 1 - confidence_level.

    Raises
    ------
    UsageError
        If an argument is not one of those above.
    NotEstimable
        ``too_few_units`` (fewer than two in an arm), ``not_reached`` (a curve stays above),
        ``not_finite`` (a ratio beyond floats), or as `EventTimes.from_values`.

    Notes
    -----
    No density is estimated. A pair of times (u, v) is rejected by z(u)^2 + z(v)^2, with z how far
    the curves at them are from the share, on the log-log scale of `survival_curve`; a difference
    is rejected as far as the best pair that has it (Su & Wei 1993, Biometrics 49, 603). That is
    chi-square with one degree of freedom at the true difference. Here the set is filled up to an
    interval, and p is that of differences of the other sign, so that both say the same. With ties
    (whole days) a time counts as the quantile if the curve passes the share there: the intervals
    are conservative. Weigh differences of a day or two on day counts with that in mind: both
    quantiles can only be whole days.

    Examples
    --------
    Weeks of remission with placebo and 6-mercaptopurine (Freireich et al. 1963, Blood 21, 699):

    >>> placebo = [1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23]
    >>> drug = [6, 6, 6, 7, 10, 13, 16, 22, 23, 6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]
    >>> result = compare_survival_quantiles((placebo, [1] * 21), (drug, [1] * 9 + [0] * 12))
    >>> result.control_value, result.treatment_value, result.interval
    (8.0, 23.0, (2.0, None))
    """
    require_share(share, "share", "0.5")
    require_interval(confidence_level, alternative)
    arms = arm_event_times(control, "control"), arm_event_times(treatment, "treatment")
    if min(arms[0].n, arms[1].n) < 2:
        raise too_few_units(arms[0].n, arms[1].n)
    first, second = (_candidates(arm, share) for arm in arms)
    estimate = second.estimate - first.estimate
    test = tail_test(_statistic(first, second, estimate), None, alternative)
    q = critical_value(confidence_level, None, two_sided=alternative == "two-sided")
    events = [int(arm.events.sum()) for arm in arms]
    return TimeQuantileComparison(
        measure="survival_quantile",
        scale="difference",
        absolute=_difference(first, second, estimate, q, alternative),
        relative=_ratio(first, second, q, alternative),
        p_value=test.p_value,
        log10_p=test.log10_p,
        statistic=test.statistic,
        df=None,
        method="su_wei",
        alternative=alternative,
        confidence_level=confidence_level,
        n_control=arms[0].n,
        n_treatment=arms[1].n,
        nulls_control=arms[0].nulls,
        nulls_treatment=arms[1].nulls,
        control_value=first.estimate,
        treatment_value=second.estimate,
        warnings=("few_events",) if min(events) < FEW else (),
        details={"events_control": float(events[0]), "events_treatment": float(events[1])},
        share=share,
    )


def _candidates(arm: EventTimes, share: float) -> _Candidates:
    """Return the times of events, and infinity, with how far each is from being the quantile.

    A time is too early as far as the curve after it is above what the share leaves, too late as
    far as the curve before it is below.
    """
    left = 1.0 - share
    used = arm.events > 0
    times, events, at_risk = arm.times[used], arm.events[used], arm.at_risk[used]
    survival = np.cumprod(1.0 - events / at_risk)
    reached = np.flatnonzero(survival <= left + ROUNDING)
    if not reached.size:
        raise NotEstimable(
            "not_reached",
            "A curve stays above the share: too few units have had the event so far",
            given=f"{1.0 - survival[-1] if survival.size else 0.0:.2%} with the event, "
            f"{share:.2%} asked for",
            todo="Ask for a smaller share, or wait until more units have had the event.",
        )
    kept = survival > 0.0
    size = -np.cumsum(np.log1p(-np.where(kept, events / at_risk, 0.0)))
    error = np.sqrt(np.cumsum(greenwood_terms(events, at_risk)))
    # positive where the curve is below: the band of `survival_curve` at this level ends there
    with np.errstate(divide="ignore", invalid="ignore"):
        below = np.where(kept, np.log(size / -math.log(left)) * size / error, np.inf)
    below[np.abs(survival - left) <= ROUNDING] = 0.0
    # where all units at risk have had it, no more is known than just before
    known = below[kept]
    last = known[-1] if known.size else 0.0
    below = np.concatenate([[-np.inf], np.where(kept, below, last)])
    early = np.concatenate([np.where(kept, -below[1:], 0.0), [0.0]])
    distance = np.maximum(np.maximum(early, below), 0.0)
    return _Candidates(np.concatenate([times, [np.inf]]), distance**2, float(times[reached[0]]))


def _statistic(control: _Candidates, treatment: _Candidates, estimate: float) -> float:
    """Return the signed root of the least square of pairs whose difference is 0 or turned."""
    if estimate == 0.0:
        return 0.0
    least = treatment.squares
    if estimate > 0.0:  # the best time of treatment that is not later than each of control
        best = np.concatenate([[np.inf], np.minimum.accumulate(least)])
        place = np.searchsorted(treatment.times, control.times, side="right")
    else:
        best = np.concatenate([np.minimum.accumulate(least[::-1])[::-1], [np.inf]])
        place = np.searchsorted(treatment.times, control.times, side="left")
    return math.copysign(math.sqrt(float((control.squares + best[place]).min())), estimate)


def _reach(control: _Candidates, treatment: _Candidates, q: float) -> tuple[Floats, Floats, Floats]:
    """Return control's times not rejected, with the least and largest of treatment's for each."""
    order = np.argsort(treatment.squares, kind="stable")
    squares, times = treatment.squares[order], treatment.times[order]
    lowest, highest = np.minimum.accumulate(times), np.maximum.accumulate(times)
    room = q * q * (1.0 + 1e-12) - control.squares
    place = np.searchsorted(squares, room, side="right") - 1
    kept = place >= 0
    return control.times[kept], lowest[place[kept]], highest[place[kept]]


def _difference(
    control: _Candidates,
    treatment: _Candidates,
    estimate: float,
    q: float,
    alternative: Alternative,
) -> Interval:
    times, lowest, highest = _reach(control, treatment, q)
    lower = -math.inf if np.isinf(times).any() else float((lowest - times).min())
    finite = np.isfinite(times)
    upper = float((highest[finite] - times[finite]).max())
    return Interval(
        estimate,
        None if alternative == "less" or math.isinf(lower) else lower,
        None if alternative == "greater" or math.isinf(upper) else upper,
    )


def _ratio(
    control: _Candidates, treatment: _Candidates, q: float, alternative: Alternative
) -> RelativeInterval:
    """Return the ratio less 1; open upwards where control may be 0 or treatment has no end."""
    if control.estimate <= 0.0:
        return RelativeInterval(None, None, None, "undefined")
    times, lowest, highest = _reach(control, treatment, q)
    finite = np.isfinite(times)
    with np.errstate(over="ignore", under="ignore", divide="ignore", invalid="ignore"):
        down = (lowest / times).min() - 1.0 if finite.all() else math.nan
        up = (highest[finite] / times[finite]).max() - 1.0 if (times > 0.0).all() else math.nan
        estimate = treatment.estimate / control.estimate - 1.0
    if not math.isfinite(estimate):
        raise not_finite()
    lower = float(down) if alternative != "less" and math.isfinite(down) else None
    upper = float(up) if alternative != "greater" and math.isfinite(up) else None
    ends = (lower is not None) + (upper is not None)
    return RelativeInterval(
        estimate,
        lower,
        upper,
        "bounded" if ends == 2 else "half_line" if ends else "unbounded",
    )
