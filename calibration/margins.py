"""Non-inferiority and equivalence where the truth lies exactly at the margin, and inside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from abtest.stats import (
    Moments,
    NotEstimable,
    PairEstimate,
    equivalence,
    estimate_means,
    estimate_proportions,
    non_inferiority,
)
from calibration import worlds
from calibration.cell import Cell, Observed
from calibration.two_arms import SPLITS, sizes_of
from calibration.worlds import World

SIZES = (100, 1_000, 10_000)
RUNS = 10_000
MARGIN = 0.1
ONE_SIDED, TOST = 0.025, 0.05
Estimate = Callable[[Moments, Moments], PairEstimate]


@dataclass(frozen=True)
class AtTheMargin:
    """A population whose treatment is worse by exactly the margin."""

    world: World
    estimate: Estimate
    sizes: tuple[int, int]
    unequal: bool

    def __call__(self, rng: np.random.Generator, runs: int) -> list[Observed]:
        """Return how often a treatment at the margin passes."""
        arms = self.world.control, self.world.treatment(-MARGIN, self.unequal)
        tables = [
            worlds.moments(arm, rng, runs, n) for arm, n in zip(arms, self.sizes, strict=True)
        ]
        absolute = arms[0].value - arms[1].value
        passed = dict.fromkeys(_PROMISES, 0)
        missing = 0
        for row in range(runs):
            control, treatment = (Moments(int(t.n[row]), t.mean[row], t.m2[row]) for t in tables)
            try:
                pair = self.estimate(control, treatment)
                found = _judged(pair, absolute)
            except NotEstimable:
                missing += 1
                continue
            for name, result in zip(passed, found, strict=True):
                passed[name] += result
        return [
            Observed(name, "type_i", _PROMISES[name], count, runs - missing, missing)
            for name, count in passed.items()
        ]


_PROMISES = {
    "non-inferiority, relative margin": ONE_SIDED,
    "non-inferiority, absolute margin": ONE_SIDED,
    "equivalence (TOST), absolute margins": TOST,
}


def _judged(pair: PairEstimate, absolute: float) -> tuple[bool, bool, bool]:
    return (
        non_inferiority(pair, margin=MARGIN, alpha=ONE_SIDED).non_inferior,
        non_inferiority(pair, margin_absolute=absolute, alpha=ONE_SIDED).non_inferior,
        equivalence(pair, margin_absolute=absolute, alpha=TOST).equivalent,
    )


def _means(control: Moments, treatment: Moments) -> PairEstimate:
    return estimate_means([control], [treatment], adjusted=False)


def _proportions(control: Moments, treatment: Moments) -> PairEstimate:
    return estimate_proportions([control], [treatment], adjusted=False)


def cells() -> Iterator[Cell]:
    """Return the grid."""
    for make, estimate in (
        (worlds.normal, _means),
        (worlds.exponential, _means),
        (partial(worlds.rare_event, 0.2), _proportions),
    ):
        world = make()
        for total in SIZES:
            for split, share in SPLITS.items():
                for unequal in (False, True) if world.unequal else (False,):
                    sizes = sizes_of(total, share)
                    drawn = AtTheMargin(world, estimate, sizes, unequal)
                    note = f"{split}, {'unequal variances' if unequal else 'equal'}"
                    reduced = total == 100
                    yield Cell("margins", world.title, sizes, note, drawn, RUNS, reduced=reduced)
