"""Difference and ratio of a quantile of events that belong to units."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
from scipy import special

from abtest.errors import UsageError
from abtest.stats.arguments import require_interval, require_share
from abtest.stats.comparison import Comparison
from abtest.stats.joint import quadratic_form
from abtest.stats.means.ranks import inverse_quantile
from abtest.stats.moments import Moments
from abtest.stats.not_estimable import too_few_units
from abtest.stats.quantiles.compare import melded_comparison, require_subtractable
from abtest.stats.quantiles.melding import Melded
from abtest.stats.quantiles.order import Discrete, Limits
from abtest.stats.resampling.clustered import ClusteredEvents
from abtest.stats.resampling.clusters import cluster_bootstrap
from abtest.stats.resampling.statistic import SampleQuantile
from abtest.stats.results import Alternative, Test
from abtest.stats.tails import log_upper_tail
from abtest.stats.value_counts import ValueCounts

FEWEST_UNITS = 200
FEWEST_BEYOND = 100
"""Below either (events on the thinner side of the quantile), units are resampled if they may be."""
_UNDERFLOWS = 1e-280
_STEPS = 400


def compare_event_quantiles(
    control: Any,
    treatment: Any,
    *,
    quantile: float = 0.5,
    seed: int | None = None,
    alternative: Alternative = "two-sided",
    confidence_level: float = 0.95,
) -> Comparison:
    """Return the difference of a quantile of events, where units have several events each.

    Such as page load times, of users who load many pages: the quantile is that of all events of
    an arm (not a mean of quantiles of users), its error that of units, since events of one unit
    are alike. To take events for units makes intervals far too short.

    Parameters
    ----------
    control, treatment
        (values, units): the value and the unit of every event. Or what two passes over a
        database give: (`ValueCounts` of the events, `Moments` over units of (events at or below
        the arm's quantile, events)), with the quantile as `inverse_quantile` defines it.
    quantile
        Which one, as a share of the events.
    seed
        With a seed, units are resampled (`cluster_bootstrap`) where an arm has fewer than
        200 of them, or fewer than 100 events on the thinner side of the quantile; it needs
        (values, units). Without one the answer is that below, with ``few_clusters``
        in `warnings`.
    alternative
        ``two-sided``, ``greater`` or ``less``; the intervals are of the same kind.
    confidence_level
        Of both intervals.

    Returns
    -------
    Comparison
        `n_control` and `n_treatment` are units; `details` has the ``quantile``, the events and
        the design effect of each arm: how many times the variance is that of independent events.

    Raises
    ------
    UsageError
        If an arm is neither pair, the moments do not belong to the quantile, or an argument is
        out of range.
    NotEstimable
        ``too_few_units`` (fewer than two in an arm), ``not_finite``.

    Notes
    -----
    The share of events at or below the quantile is a ratio of totals over units, with the
    variance of the delta method (Deng, Knoblich & Lu 2018, KDD, section 4.2), scaled to the exact
    share. Ranks p -+ t * error, t with units - 1 degrees of freedom, are the limits of an
    arm; both arms are melded as in `compare_quantiles`, so that no density is estimated, ties do
    no harm, and the p-value is the smallest level at which the interval leaves 0 out. Where the
    share does not vary between units (all events beyond one value), events of a unit count as
    one.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> units = np.repeat(np.arange(500), 8)
    >>> pace = np.repeat(rng.normal(size=500), 8)
    >>> control = np.exp(pace + rng.normal(size=4000))
    >>> treatment = np.exp(0.4 + pace + rng.normal(size=4000))
    >>> result = compare_event_quantiles((control, units), (treatment, units), quantile=0.9)
    >>> round(result.details["design_effect_control"], 1), result.p_value < 0.05
    (2.5, True)
    """
    require_interval(confidence_level, alternative)
    require_share(quantile, "quantile", "0.5")
    share = float(quantile)
    sides = [_side(control, share, "control"), _side(treatment, share, "treatment")]
    arms, units = (sides[0][0], sides[1][0]), (sides[0][1], sides[1][1])
    if min(units[0].n, units[1].n) < 2:
        raise too_few_units(units[0].n, units[1].n)
    require_subtractable(*arms)
    thinner = min(arm.n for arm in arms) * min(share, 1.0 - share)
    few = min(units[0].n, units[1].n) < FEWEST_UNITS or thinner < FEWEST_BEYOND
    if few and seed is not None:
        return cluster_bootstrap(
            control,
            treatment,
            seed=seed,
            statistic=SampleQuantile(share),
            alternative=alternative,
            confidence_level=confidence_level,
        )
    effects, melded, test = _tested(arms, units, share, alternative)
    values = inverse_quantile(arms[0], share), inverse_quantile(arms[1], share)
    found = melded_comparison(
        arms, values, melded, test, confidence_level, method="melded_clustered", quantile=share
    )
    return replace(
        found,
        n_control=units[0].n,
        n_treatment=units[1].n,
        warnings=(*(("few_clusters",) if few else ()), *found.warnings),
        details={
            "quantile": share,
            "events_control": float(arms[0].n),
            "events_treatment": float(arms[1].n),
            "design_effect_control": effects[0],
            "design_effect_treatment": effects[1],
        },
    )


def _tested(
    arms: tuple[ValueCounts, ValueCounts],
    units: tuple[Moments, Moments],
    share: float,
    alternative: Alternative,
) -> tuple[list[float], Melded, Test]:
    """Return the design effects, the melded limits and the test of no difference."""
    effects = [design_effect(moments) for moments in units]
    shares = [
        (share, math.sqrt(effect * share * (1.0 - share) / arm.n), moments.n - 1.0)
        for effect, arm, moments in zip(effects, arms, units, strict=True)
    ]
    melded = Melded(event_limits(arms[0], *shares[0]), event_limits(arms[1], *shares[1]))
    return effects, melded, _test(melded, arms, shares, alternative)


def _side(events: Any, share: float, name: str) -> tuple[ValueCounts, Moments]:
    """Return the value counts of the events of an arm, and its moments over units."""
    summed = isinstance(events, tuple | list) and len(events) == 2
    if summed and isinstance(events[0], ValueCounts) and isinstance(events[1], Moments):
        counts, moments = events[0], events[1]
        if counts.n == 0:
            raise too_few_units(0, 0)
        at = inverse_quantile(counts, share)
        below = int(counts.counts[counts.values <= at].sum())
        totals = moments.mean[:2] * moments.n
        if len(moments.mean) != 2 or not np.allclose(totals, [below, counts.n], rtol=1e-9):
            raise UsageError(
                f"The moments of {name} are not those of its events",
                given=f"sums {totals.tolist()}, where the value counts have {[below, counts.n]}",
                todo=f"Sum (events at or below {at:g}, events) over the units of {name}.",
            )
        return counts, moments
    clustered = ClusteredEvents.of(events, name)
    if clustered.count < 2:
        raise too_few_units(clustered.count, clustered.count)
    counts = clustered.value_counts()
    return counts, clustered.at_or_below(inverse_quantile(counts, share))


def design_effect(units: Moments) -> float:
    """Return the variance of a share of events by units, over that of independent events.

    Parameters
    ----------
    units
        Moments over units of (events that count, events).
    """
    events = float(units.mean[1]) * units.n
    share = float(units.mean[0] / units.mean[1])
    contrast = np.array([1.0, -share])
    variance = quadratic_form(contrast, units.covariance) / units.n / float(units.mean[1]) ** 2
    independent = share * (1.0 - share) / events
    if not (variance > 0.0 and independent > 0.0):
        return events / units.n  # not measured: as if a unit's events were all alike
    return variance / independent


def event_limits(sample: ValueCounts, share: float, error: float, df: float) -> Limits:
    """Return the limits of a quantile whose share has this standard error.

    At level u they are the sample's quantile at share + error * t, t being Student's quantile of
    u; beyond 0 and 1 there is none.
    """
    reached = np.cumsum(sample.counts) / sample.n
    away = (reached - share) / error
    at_most, more = special.stdtr(df, away), special.stdtr(df, -away)
    none = special.stdtr(df, -share / error)
    lower = Discrete.of(
        np.concatenate([[-math.inf], sample.values]),
        np.concatenate([[none], at_most[:-1], [1.0]]),
        np.concatenate([[1.0 - none], more[:-1], [0.0]]),
    )
    upper = Discrete.of(
        np.concatenate([sample.values, [math.inf]]),
        np.concatenate([at_most, [1.0]]),
        np.concatenate([more, [0.0]]),
    )
    return Limits(lower, upper)


def _test(
    melded: Melded,
    arms: tuple[ValueCounts, ValueCounts],
    shares: list[tuple[float, float, float]],
    alternative: Alternative,
) -> Test:
    """Return the test of no difference; far out the logarithm of p is that of its largest term."""
    greater, less = melded.p_greater, melded.p_less
    upwards = greater <= less if alternative == "two-sided" else alternative == "greater"
    factor = 2.0 if alternative == "two-sided" else 1.0
    p_value = min(factor * (greater if upwards else less), 1.0)
    if p_value > _UNDERFLOWS:
        return Test(p_value, math.log10(p_value), 0.0, None, alternative)
    low, high = (0, 1) if upwards else (1, 0)
    at = np.quantile(
        np.concatenate([arm.values for arm in arms]), np.linspace(0, 1, _STEPS), method="nearest"
    )

    def log_beyond(arm: int, value: float, sign: float) -> float:
        share, error, df = shares[arm]
        values, counts = arms[arm].values, arms[arm].counts
        within = values < value if sign > 0 else values <= value
        reached = float(counts[within].sum()) / arms[arm].n
        return log_upper_tail(sign * (reached - share) / error, df)

    log_p = max(log_beyond(low, v, 1.0) + log_beyond(high, v, -1.0) for v in at.tolist())
    log10_p = min((log_p + math.log(factor)) / math.log(10.0), math.log10(_UNDERFLOWS))
    return Test(p_value, log10_p, 0.0, None, alternative)
