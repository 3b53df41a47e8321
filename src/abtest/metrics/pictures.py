"""Pictures of distributions and times: from the statistics of arms to figures of reports.

Every function compares each treatment with control, on axes that all its figures share. A
comparison without a number has no figure.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from abtest.metrics.picture_arms import (
    cumulative_arm,
    estimate_of,
    quantile_curve,
    survival_arm,
    thinned,
    value_shares,
)
from abtest.metrics.picture_scores import (
    AnswerScore,
    measure_of,
    ordered_groups,
    score_arm,
    score_difference,
)
from abtest.show.step_extent import axis_end, reach
from abtest.stats.not_estimable import NotEstimable

if TYPE_CHECKING:
    from abtest.show.drawing import Chart
    from abtest.stats.comparison import Comparison
    from abtest.stats.quantiles.band import QuantileEffects
    from abtest.stats.survival.event_times import EventTimes
    from abtest.stats.survival.repeated_events import RepeatedEvents
    from abtest.stats.value_counts import ValueCounts

QUANTILES = tuple(
    percent / 100.0 for percent in (1, 2.5, 5, 7.5, *range(10, 91, 5), 92.5, 95, 97.5, 99)
)
"""Closer ones would look the same, and the level of their band costs seconds instead of tenths."""

_Arm = TypeVar("_Arm")
_Result = TypeVar("_Result")


def survival_pictures(
    arms: Mapping[str, EventTimes],
    control: str,
    *,
    label: str,
    horizon: float,
    unit: str,
    confidence_level: float,
) -> tuple[Chart, ...]:
    """Return survival curves of each treatment with control, and the mean times' difference.

    Parameters
    ----------
    arms
        Times of every arm.
    control
        Which of them is control.
    label
        Name of the metric for readers.
    horizon
        The time up to which arms are compared, in `unit`. Where too few units have been watched so
        long, the figure goes as far as they have, and says so.
    unit
        Of the times, such as ``days``.
    confidence_level
        Of bands and intervals.

    Returns
    -------
    tuple
        One figure per treatment whose difference is estimable.

    Examples
    --------
    >>> from abtest.stats import EventTimes
    >>> days = EventTimes.from_table([1, 2, 3, 7], [9, 12, 4, 0], [0, 0, 0, 75])
    >>> late = EventTimes.from_table([1, 2, 3, 7], [4, 8, 2, 0], [0, 0, 0, 86])
    >>> keys = {"label": "First order", "unit": "days", "confidence_level": 0.95}
    >>> survival_pictures({"a": days, "b": late}, "a", horizon=7, **keys)[0].alt[:72]
    'Survival curves of First order. Mean time without the event up to 7 days'
    """
    from abtest.show.step_curves import CurvePair
    from abtest.show.survival_plot import lowest_share, survival_plot
    from abtest.stats.survival.compare import compare_survival
    from abtest.stats.survival.restricted import known_up_to

    label, horizon = _so_far(label, horizon, [known_up_to(arm) for arm in arms.values()], unit)
    found = _compared(
        arms,
        control,
        lambda first, second: compare_survival(
            first, second, horizon=horizon, confidence_level=confidence_level
        ),
    )
    drawn = {
        name: survival_arm(name, arms[name], horizon, confidence_level)
        for name in arms
        if found and name in {control, *found}
    }
    end = axis_end(drawn.values(), horizon)
    low = lowest_share(reach(drawn.values(), horizon, end)[0] if drawn else 0.0)
    return tuple(
        survival_plot(
            CurvePair(
                label=label,
                unit=unit,
                horizon=float(horizon),
                end=end,
                low=low,
                high=1.0,
                control=replace(drawn[control], summary=result.control_value),
                treatment=replace(drawn[name], summary=result.treatment_value),
                difference=estimate_of(result.absolute),
                confidence_level=confidence_level,
            )
        )
        for name, result in found.items()
    )


def cumulative_pictures(
    arms: Mapping[str, RepeatedEvents],
    control: str,
    *,
    label: str,
    horizon: float,
    unit: str,
    confidence_level: float,
) -> tuple[Chart, ...]:
    """Return mean cumulative functions of each treatment with control.

    Parameters
    ----------
    arms, control, label, horizon, unit, confidence_level
        As of `survival_pictures`.

    Returns
    -------
    tuple
        One figure per treatment whose difference is estimable.

    Examples
    --------
    >>> from abtest.stats import RepeatedEvents
    >>> few = RepeatedEvents.from_values([5, 3, 4, 5], [0, 0, 1, 3], [2, 4, 2, 1])
    >>> more = RepeatedEvents.from_values([5, 5, 4, 3], [0, 0, 1, 1, 2, 3], [1, 3, 2, 3, 3, 2])
    >>> keys = {"label": "Orders", "unit": "days", "confidence_level": 0.95}
    >>> cumulative_pictures({"a": few, "b": more}, "a", horizon=4, **keys)[0].alt[:65]
    'Mean cumulative functions of Orders. Per unit up to 4 days: a 1.0'
    """
    from abtest.show.cumulative_plot import cumulative_plot
    from abtest.show.step_curves import CurvePair
    from abtest.stats.survival.cumulative import compare_cumulative_means, known_up_to

    label, horizon = _so_far(label, horizon, [known_up_to(arm) for arm in arms.values()], unit)
    found = _compared(
        arms,
        control,
        lambda first, second: compare_cumulative_means(
            first, second, horizon=horizon, confidence_level=confidence_level
        ),
    )
    drawn = {
        name: cumulative_arm(name, arms[name], horizon, confidence_level)
        for name in arms
        if found and name in {control, *found}
    }
    end = axis_end(drawn.values(), horizon)
    low, high = reach(drawn.values(), horizon, end) if drawn else (0.0, 1.0)
    high = high + 0.04 * (high - low) if high > low else low + 1.0
    return tuple(
        cumulative_plot(
            CurvePair(
                label=label,
                unit=unit,
                horizon=float(horizon),
                end=end,
                low=low,
                high=high,
                control=replace(drawn[control], summary=result.control_value),
                treatment=replace(drawn[name], summary=result.treatment_value),
                difference=estimate_of(result.absolute),
                confidence_level=confidence_level,
            )
        )
        for name, result in found.items()
    )


def _so_far(label: str, horizon: float, known: Sequence[float], unit: str) -> tuple[str, float]:
    """Return label and horizon, or how far the curves of all arms rest on enough units yet."""
    reached = min([horizon, *known])
    if 0.0 < reached < horizon:
        return f"{label}, seen up to {reached:,.6g} of {horizon:,.6g} {unit}", reached
    return label, horizon


def quantile_pictures(
    arms: Mapping[str, ValueCounts],
    control: str,
    *,
    label: str,
    quantile: float,
    confidence_level: float,
) -> tuple[Chart, ...]:
    """Return each treatment's effect along the distribution, and its distribution with control's.

    Parameters
    ----------
    arms
        Values of every arm.
    control, label
        As of `survival_pictures`.
    quantile
        The one that is tested, as a share of units.
    confidence_level
        Of the band as a whole, and of the tested quantile's own interval.

    Returns
    -------
    tuple
        Effects first, then distributions; the former of treatments whose differences are
        estimable, the latter of those with values.

    Examples
    --------
    >>> from abtest.stats import ValueCounts
    >>> few = ValueCounts.from_table([1, 2, 3, 4, 9], [20, 40, 60, 50, 30])
    >>> more = ValueCounts.from_table([1, 2, 3, 4, 9], [20, 20, 40, 80, 50])
    >>> keys = {"label": "Visits", "quantile": 0.5, "confidence_level": 0.95}
    >>> effect, shares = quantile_pictures({"a": few, "b": more}, "a", **keys)
    >>> effect.alt[:70]
    'Differences of quantiles of Visits. The median: a 3, b 4; difference +'
    """
    from abtest.show.quantile_plot import effect_scale, quantile_plot
    from abtest.stats.quantiles.band import compare_many_quantiles
    from abtest.stats.quantiles.compare import compare_quantiles

    shares = tuple(sorted({*QUANTILES, float(quantile)}))

    def compare(first: ValueCounts, second: ValueCounts) -> tuple[Comparison, QuantileEffects]:
        own = compare_quantiles(first, second, quantile=quantile, confidence_level=confidence_level)
        fewer = thinned(first, shares), thinned(second, shares)
        return own, compare_many_quantiles(
            *fewer, quantiles=shares, confidence_level=confidence_level
        )

    curves = [
        quantile_curve(label, (control, name), (float(quantile), own), effects)
        for name, (own, effects) in _compared(arms, control, compare).items()
    ]
    scale = effect_scale(curves) if curves else None
    drawn = [quantile_plot(curve, scale) for curve in curves if scale is not None]
    return (*drawn, *_distributions(arms, control, label, confidence_level))


def score_pictures(
    arms: Mapping[str, ValueCounts],
    control: str,
    *,
    label: str,
    groups: Mapping[str, tuple[float, float]] | None,
    confidence_level: float,
    score: AnswerScore | None = None,
) -> tuple[Chart, ...]:
    """Return the answers of all arms by group, or the share of each answer.

    Parameters
    ----------
    arms
        Answers of every arm.
    control, label
        As of `survival_pictures`.
    groups
        Name -> lowest and highest answer of it, such as promoters (9, 10); an answer is in the
        first that holds it, one in none of them is one of the "other answers". Those of the net
        promoter score get that score, and no figure if there are answers off its scale. None:
        shares of each answer.
    confidence_level
        Of intervals.
    score
        What is said beside the shares of each answer.

    Returns
    -------
    tuple
        With groups, one figure of all arms that have answers; without, one per treatment.

    Examples
    --------
    >>> from abtest.stats import ValueCounts
    >>> answers = {"a": ValueCounts.from_table([3, 8, 10], [50, 80, 70])}
    >>> answers["b"] = ValueCounts.from_table([3, 8, 10], [40, 80, 80])
    >>> groups = {"detractors": (0, 6), "passives": (7, 8), "promoters": (9, 10)}
    >>> keys = {"label": "NPS", "groups": groups, "confidence_level": 0.95}
    >>> score_pictures(answers, "a", **keys)[0].alt[:75]
    'Answers of NPS by group. Score, promoters − detractors: a 10.0. b 20.0, dif'
    """
    if not groups:
        pairs = {} if score is None else _compared(arms, control, score.compare)
        said = {
            name: score.words((control, name), pair, confidence_level)
            for name, pair in pairs.items()
            if score is not None
        }
        return _distributions(arms, control, label, confidence_level, said)
    from abtest.show.score_plot import ScoreGroups, score_plot

    kept = {name: arms[name] for name in (control, *arms) if name in arms and arms[name].n}
    if control not in kept or len(kept) < 2:
        return ()
    named, measure = ordered_groups(groups, kept.values()), measure_of(groups)
    if measure == "net" and None in named.values():
        return ()  # answers off the scale have no score
    found = _compared(
        kept,
        control,
        lambda first, second: score_difference(first, second, named, measure, confidence_level),
    )
    rows = tuple(
        score_arm(name, arm, named, measure, found.get(name)) for name, arm in kept.items()
    )
    return (score_plot(ScoreGroups(label, tuple(named), rows, measure, confidence_level)),)


def _compared(
    arms: Mapping[str, _Arm], control: str, compare: Callable[[_Arm, _Arm], _Result]
) -> dict[str, _Result]:
    """Return the comparison of each treatment that has one."""
    found = {}
    for name in arms:
        if name == control or control not in arms:
            continue
        try:
            found[name] = compare(arms[control], arms[name])
        except NotEstimable:
            continue
    return found


def _distributions(
    arms: Mapping[str, ValueCounts],
    control: str,
    label: str,
    level: float,
    said: Mapping[str, tuple[str, ...]] | None = None,
) -> tuple[Chart, ...]:
    """Return each treatment's distribution with control's, and what is said of the two."""
    from abtest.show.distribution_plot import (
        FEW_VALUES,
        ValuePair,
        distribution_plot,
        value_scale,
    )

    kept = {name: arm for name, arm in arms.items() if arm.n}
    if control not in kept or len(kept) < 2:
        return ()
    values = np.unique(np.concatenate([arm.values for arm in kept.values()]))
    if math.isinf(float(values[-1]) - float(values[0])):
        return ()  # no axis holds them
    few = values.size <= FEW_VALUES
    drawn = {
        name: value_shares(name, arm, values if few else None, level) for name, arm in kept.items()
    }
    scale = None if few else value_scale(tuple(drawn.values()))
    tops = [float(arm.upper.max()) for arm in drawn.values() if arm.upper is not None]
    highest = 1.08 * max(tops, default=1.0)
    return tuple(
        distribution_plot(
            ValuePair(
                label,
                drawn[control],
                drawn[name],
                values,
                highest,
                level,
                (said or {}).get(name, ()),
            ),
            scale,
        )
        for name in drawn
        if name != control
    )
