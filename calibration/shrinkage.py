"""Segments whose true effects vary: intervals of each after shrinkage, their mean and spread."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np

from abtest.stats import Moments, estimate_means, heterogeneity
from calibration import worlds
from calibration.answers import LEVEL
from calibration.cell import Cell, Observed
from calibration.compositions import holds

RUNS = 2_000
"""A draw takes half a millisecond."""
MEAN, SD, EFFECT = 5.0, 2.0, 1.0
DESIGNS = ((5, 150), (5, 1_000), (5, 10_000), (10, 1_000), (10, 10_000))
"""Segments, and units over all of them and both arms."""
VARYING = {
    "effects that are alike": 0.0,
    "effects that vary by half of their error": 0.5,
    "effects that vary as much as their error": 1.0,
}
"""Standard deviation of true effects, in standard errors of a segment's estimate."""


@dataclass(frozen=True)
class Varying:
    """Segments of equal size whose true effects are normal, drawn anew every time.

    An empirical-Bayes interval promises its level over effects and data together; here over
    segments too.
    """

    segments: int
    units: int
    varying: float

    @property
    def tau(self) -> float:
        """Standard deviation of true effects."""
        return self.varying * SD * float(np.sqrt(2.0 / self.units))

    def __call__(self, rng: np.random.Generator, runs: int) -> list[Observed]:
        """Return how often intervals hold."""
        k, n = self.segments, self.units
        effects = EFFECT + self.tau * rng.standard_normal((runs, k))
        arm = worlds.Arm(lambda rng, size: rng.normal(MEAN, SD, size), MEAN, SD**2)
        control, treatment = (worlds.moments(arm, rng, runs * k, n) for _ in range(2))
        shrunken, average, spread = 0.0, 0, 0
        for row in range(runs):
            pairs = [
                estimate_means(
                    [Moments(n, control.mean[at], control.m2[at])],
                    [Moments(n, treatment.mean[at] + effects[row, place], treatment.m2[at])],
                    adjusted=False,
                )
                for place, at in enumerate(range(row * k, row * k + k))
            ]
            found = heterogeneity(pairs)
            average += holds(found.average, EFFECT)
            spread += found.spread_set == "bounded" and holds(found.tau2, self.tau**2)
            shrunken += float(
                np.mean(
                    [
                        one.shrunken is not None and holds(one.shrunken, true)
                        for one, true in zip(found.segments, effects[row], strict=True)
                    ]
                )
            )
        return [
            Observed(name, "coverage", LEVEL, count, runs)
            for name, count in (
                ("shrunken effects", shrunken),
                ("average effect", average),
                ("variance of effects", spread),
            )
        ]


def cells() -> Iterator[Cell]:
    """Return the grid."""
    for (segments, total), varying in product(DESIGNS, VARYING):
        drawn = Varying(segments, total // (2 * segments), VARYING[varying])
        note = f"{segments} segments, {varying}"
        reduced = total == 150
        sizes = (total // 2, total // 2)
        yield Cell("segments", "normal", sizes, note, drawn, RUNS, reduced=reduced)
