"""Whether two groups moved alike before a change: what can be seen of a parallel trend."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from abtest.stats.designs.changes import GroupMeans
from abtest.stats.designs.contrast import ContrastEstimate
from abtest.stats.designs.ordered import contrast_words
from abtest.stats.moments import Floats
from abtest.stats.not_estimable import NotEstimable

DOUBT = 0.05
"""p-value below which trends are said to differ."""


@dataclass(frozen=True)
class PreTrend:
    """How much more the treatment group moved than the control group before the change.

    Attributes
    ----------
    placebos
        The effect that would have been found from each earlier period to the last one before the
        change, where nothing was changed; oldest first.
    slope
        The difference of the straight trends over all periods before the change, for one period:
        what a trend that goes on adds to the estimate.
    p_value, log10_p
        That there is none: the smallest p-value of all of these times their number (Bonferroni).
    confidence_level
        Of all intervals, each by itself.
    """

    placebos: tuple[ContrastEstimate, ...]
    slope: ContrastEstimate
    p_value: float
    log10_p: float
    confidence_level: float

    def __str__(self) -> str:
        """Return the trend in words."""
        return (
            f"trend for one period {contrast_words(self.slope, self.confidence_level)}; "
            f"p of any difference before the change = {self.p_value:.3g}"
        )


def pre_trend(
    means: GroupMeans, periods: Sequence[Sequence[Floats]], confidence_level: float
) -> tuple[PreTrend | None, bool]:
    """Return the check of periods before the change, and whether trends are seen to differ.

    Parameters
    ----------
    means
        Of all groups.
    periods
        For each period before the change, oldest first, the weights that make the difference of
        treatment and control in it, less that of the last one.
    confidence_level
        Of the intervals.
    """
    count = len(periods)
    names = [f"from period {place + 1} to {count}" for place in range(count - 1)]
    moved = [_scaled(weights, -1.0) for weights in periods[:-1]]
    steps = np.arange(count) - (count - 1) / 2.0
    steps /= steps @ steps
    line = [
        np.asarray(sum(step * part for step, part in zip(steps, parts, strict=True)))
        for parts in zip(*periods, strict=True)
    ]
    found: list[ContrastEstimate] = []
    certain = False
    for name, weights in zip(names, moved, strict=True):
        try:
            found.append(means.contrast(name, weights, confidence_level))
        except NotEstimable:  # the same change in every unit: seen without error
            certain |= means.value(weights) != 0.0
    try:
        slope = means.contrast("slope", line, confidence_level)
    except NotEstimable:
        return None, certain
    tests = [*found, slope] if count > 2 else [slope]
    smallest = min(tests, key=lambda test: test.log10_p)
    check = PreTrend(
        placebos=tuple(found),
        slope=slope,
        p_value=min(len(tests) * smallest.p_value, 1.0),
        log10_p=min(math.log10(len(tests)) + smallest.log10_p, 0.0),
        confidence_level=confidence_level,
    )
    return check, certain or check.p_value < DOUBT


def _scaled(weights: Sequence[Floats], factor: float) -> list[Floats]:
    return [np.asarray(factor * part) for part in weights]
