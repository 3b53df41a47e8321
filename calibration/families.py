"""Three treatments against one control: errors and intervals of the whole family."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from abtest.stats import Moments, compare_arms, heterogeneity
from abtest.stats.multiplicity.comparisons import FamilyMethod
from calibration import worlds
from calibration.answers import ALPHA, LEVEL
from calibration.cell import Cell, Observed
from calibration.worlds import World

SIZES = ((25, 25, 25, 25), (250, 250, 250, 250), (400, 200, 200, 200))
RUNS = 10_000
FAMILY_RUNS = 4_000
"""Every family takes a quadrature per draw."""
METHODS: tuple[FamilyMethod, ...] = ("dunnett", "bonferroni", "holm")
SEGMENTS = 5


@dataclass(frozen=True)
class Arms:
    """Several arms of one population without any effect."""

    world: World
    sizes: tuple[int, ...]

    def __call__(self, rng: np.random.Generator, runs: int) -> list[Observed]:
        """Return how often a family has a false alarm, and all of its intervals hold 0."""
        tables = [worlds.moments(self.world.control, rng, runs, n) for n in self.sizes]
        alarms = dict.fromkeys(METHODS, 0)
        held = dict.fromkeys(METHODS, 0)
        for row in range(runs):
            control, *others = (Moments(int(t.n[row]), t.mean[row], t.m2[row]) for t in tables)
            treatments = {str(place): arm for place, arm in enumerate(others)}
            for method in METHODS:
                family = compare_arms(control, treatments, method=method, alpha=ALPHA)
                alarms[method] += any(one.rejected for one in family.rows)
                held[method] += all(_holds_zero(one.absolute) for one in family.rows)
        found = []
        for method in METHODS:
            found.append(Observed(method, "type_i", ALPHA, alarms[method], runs))
            if method != "holm":  # its intervals are those of single comparisons
                found.append(Observed(method, "coverage", LEVEL, held[method], runs))
        return found


def _holds_zero(interval: object) -> bool:
    lower, upper = getattr(interval, "lower", None), getattr(interval, "upper", None)
    return (lower is None or lower <= 0.0) and (upper is None or upper >= 0.0)


@dataclass(frozen=True)
class Segments:
    """Segments in which the effect is the same, and the test of whether it is."""

    world: World
    units: int

    def __call__(self, rng: np.random.Generator, runs: int) -> list[Observed]:
        """Return how often the effects are said to differ."""
        from abtest.stats import estimate_means

        tables = [
            [worlds.moments(self.world.control, rng, runs, self.units) for _ in range(SEGMENTS)]
            for _ in range(2)
        ]
        alarms = 0
        for row in range(runs):
            pairs = [
                estimate_means(
                    *([Moments(int(t.n[row]), t.mean[row], t.m2[row])] for t in pair),
                    adjusted=False,
                )
                for pair in zip(*tables, strict=True)
            ]
            alarms += heterogeneity(pairs).p_value < ALPHA
        return [Observed("interaction test", "type_i", ALPHA, alarms, runs)]


def cells() -> Iterator[Cell]:
    """Return the grid."""
    for make in (worlds.normal, worlds.exponential):
        world = make()
        for sizes in SIZES:
            note = "control larger" if sizes[0] > sizes[1] else "equal arms"
            drawn = Arms(world, sizes)
            reduced = sum(sizes) == 100
            yield Cell("many arms", world.title, sizes, note, drawn, FAMILY_RUNS, reduced=reduced)
        for units in (15, 100, 1_000):
            both = (units * SEGMENTS, units * SEGMENTS)
            note = f"{SEGMENTS} segments"
            test = Segments(world, units)
            reduced = units == 15
            yield Cell("segments", world.title, both, note, test, RUNS, reduced=reduced)
