"""The cluster bootstrap: units are drawn, each with all of its events."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

import numpy as np

from abtest.stats.arguments import require_interval, require_one_of
from abtest.stats.not_estimable import too_few_units
from abtest.stats.resampling.answer import estimates, require_draws, resampled_comparison
from abtest.stats.resampling.bootstrap import AnyStatistic
from abtest.stats.resampling.clustered import ClusteredEvents
from abtest.stats.resampling.effects import difference, relative
from abtest.stats.resampling.intervals import (
    Levels,
    interval_of,
    relative_of,
    require_replicates,
    test_of,
)
from abtest.stats.resampling.result import ResampledComparison
from abtest.stats.resampling.statistic import statistic_of
from abtest.stats.results import Alternative, RelativeInterval

_METHODS = frozenset({"percentile", "basic"})


def cluster_bootstrap(
    control: Any,
    treatment: Any,
    *,
    seed: int,
    statistic: AnyStatistic = "mean",
    method: Literal["percentile", "basic"] = "percentile",
    replicates: int = 10_000,
    alternative: Alternative = "two-sided",
    confidence_level: float = 0.95,
) -> ResampledComparison:
    """Return the difference of a statistic of events that belong to units, by drawing units.

    Events of one unit are alike; to draw them one by one would make the interval too short. Units
    are drawn with replacement and bring all of their events (Davison & Hinkley 1997, section
    3.8; Cameron, Gelbach & Miller 2008, "pairs cluster bootstrap").

    Parameters
    ----------
    control, treatment
        (values, units): the value and the unit of every event. Units are numbers, text or
        tuples. Events with a null value are left out and counted; units without an event do not
        occur.
    seed
        Of the random numbers, at least 0.
    statistic
        Of the events: ``mean`` (the ratio of total to number of events), ``SampleQuantile(0.9)``,
        a function of (distinct values, weights), or a `WeightedStatistic`.
    method
        ``percentile`` or ``basic``, as in `bootstrap`.
    replicates, alternative, confidence_level
        As in `bootstrap`.

    Returns
    -------
    ResampledComparison
        `n_control` and `n_treatment` are units; `details` has the events of each arm.

    Raises
    ------
    UsageError
        If an arm is no such pair, a unit is null, or an argument is not one of those above.
    NotEstimable
        ``too_few_units`` (fewer than two in an arm), ``constant``, ``not_finite``.

    Notes
    -----
    Takes a draw for each unit and replicate: meant for up to some thousand units. With more,
    `compare_ratios` (means) and `compare_event_quantiles` say the same without drawing. With
    fewer than about 20 units in an arm the interval is too short.

    Examples
    --------
    >>> control = ([3, 4, 3, 9, 8, 1, 2], ["a", "a", "a", "b", "b", "c", "d"])
    >>> treatment = ([5, 6, 12, 13, 4, 3], ["e", "e", "f", "f", "g", "h"])
    >>> result = cluster_bootstrap(control, treatment, seed=1)
    >>> round(result.estimate, 4), result.n_control, result.details["events_control"]
    (2.881, 4, 7.0)
    """
    require_interval(confidence_level, alternative)
    require_one_of(method, _METHODS, "method")
    size = require_draws(replicates, seed)
    require_replicates(size, confidence_level, alternative)
    chosen = statistic_of(statistic)
    events = ClusteredEvents.of(control, "control"), ClusteredEvents.of(treatment, "treatment")
    if min(events[0].count, events[1].count) < 2:
        raise too_few_units(events[0].count, events[1].count)
    arms = events[0].value_counts(), events[1].value_counts()
    values = estimates(chosen, arms)
    streams = [np.random.default_rng(part) for part in np.random.SeedSequence(seed).spawn(2)]
    first, second = (
        arm.resampled(chosen, size, stream) for arm, stream in zip(events, streams, strict=True)
    )
    absolute, ratio = difference(values, (first, second)), relative(values, (first, second))
    if method == "basic":
        absolute = absolute.reflected()
        ratio = None if ratio is None else ratio.reflected()
    levels = Levels.plain(size)
    undefined = RelativeInterval(None, None, None, "undefined")
    result = resampled_comparison(
        chosen,
        arms,
        values,
        (
            interval_of(absolute, levels, confidence_level, alternative),
            undefined
            if ratio is None
            else relative_of(interval_of(ratio, levels, confidence_level, alternative)),
            test_of(absolute, levels, alternative),
        ),
        method="cluster_percentile" if method == "percentile" else "cluster_basic",
        confidence_level=confidence_level,
        drawn=(size, int(seed)),
    )
    counted = {"events_control": float(arms[0].n), "events_treatment": float(arms[1].n)}
    return replace(
        result,
        n_control=events[0].count,
        n_treatment=events[1].count,
        details={**result.details, **counted},
    )
