"""Does `sample_size` keep its promise? Experiments of the size that it asks for, drawn and tested.

Every population has exactly the truths that its design states. To have the same sizes for all
designs, the effect (or the margin) is the one for which so many units are needed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import optimize

from abtest.stats import Moments, PowerResult, compare_arms, power, sample_size
from abtest.stats.sizing.design import Design
from calibration import plans, worlds
from calibration.cell import Cell, Observed
from calibration.plans import Kind
from calibration.two_arms import SPLITS

RUNS, FAMILY_RUNS = 10_000, 3_000
"""Draws; those of a family of arms take a call each."""
SLIGHTLY = 1.0 + 1e-7
"""More effect than so many units need, lest rounding asks for one more."""


@dataclass(frozen=True)
class Planned:
    """A plan for a total of units, and its promise."""

    kind: Kind
    total: int
    allocation: tuple[float, ...] = (1.0, 1.0)
    promise: float = 0.8

    def plan(self) -> tuple[Design, PowerResult]:
        """Return the design that needs this many units for its power, and what is asked for."""
        largest = float(np.log(self.kind.largest))
        size = optimize.brentq(self._excess, largest - 12.0, largest, xtol=1e-12)
        size = float(np.exp(size)) * SLIGHTLY
        return self._design(size), sample_size(self._design(size), effect=self.kind.effect(size))

    @property
    def possible(self) -> bool:
        """Whether so few units can have the power at all."""
        return self._excess(float(np.log(self.kind.largest))) > 0.0

    def _design(self, size: float) -> Design:
        return self.kind.design(size, allocation=self.allocation, power=self.promise)

    def _excess(self, log_size: float) -> float:
        size = float(np.exp(log_size))
        found = power(self._design(size), units=self.total, effect=self.kind.effect(size))
        return found.power - self.promise

    def __call__(self, rng: np.random.Generator, runs: int) -> list[Observed]:
        """Return how many experiments of this size show what they are to show."""
        design, plan = self.plan()
        independent = plan.clusters_by_arm or plan.units_by_arm
        control, treatment = (
            worlds.moments(arm, rng, runs, int(n))
            for arm, n in zip(
                self.kind.arms(design, plan.absolute_effect), independent, strict=False
            )
        )
        shown = int(self.kind.shown(design, control, treatment).sum())
        return [Observed(plan.formula, "promised_power", self.promise, shown, runs)]


@dataclass(frozen=True)
class Family:
    """Three treatments of one effect against control, planned for each of them."""

    total: int

    def __call__(self, rng: np.random.Generator, runs: int) -> list[Observed]:
        """Return how often the first treatment is found, by methods of the family."""
        found = Planned(plans.WELCH, self.total, (1.0,) * 4)
        design, plan = found.plan()
        control, treatment = plans.WELCH.arms(design, plan.absolute_effect)
        tables = [
            worlds.moments(arm, rng, runs, int(n))
            for arm, n in zip((control, *(treatment,) * 3), plan.units_by_arm, strict=True)
        ]
        shown = 0
        for row in range(runs):
            arms = [Moments(int(t.n[row]), t.mean[row], t.m2[row]) for t in tables]
            family = compare_arms(
                arms[0], dict(zip("abc", arms[1:], strict=True)), method="bonferroni"
            )
            shown += family.rows[0].rejected
        return [Observed(plan.formula, "promised_power", found.promise, shown, runs)]


EVERYWHERE = (30, 100, 1_000, 10_000)
LARGER = (100, 1_000, 10_000)
GRID: tuple[tuple[Kind, tuple[int, ...]], ...] = (
    (plans.WELCH, EVERYWHERE),
    (plans.STUDENT, EVERYWHERE),
    (plans.Z, EVERYWHERE),
    (plans.ONE_SIDED, EVERYWHERE),
    (plans.UNEQUAL, EVERYWHERE),
    (plans.EXPONENTIAL, (30, 100, 1_000)),
    (plans.CUPED, EVERYWHERE),
    (plans.CLUSTERED, (1_000, 10_000)),
    (plans.NOT_WORSE, EVERYWHERE),
    (plans.NOT_WORSE_RELATIVE, LARGER),
    (plans.EQUIVALENT, EVERYWHERE),
    (plans.EQUIVALENT_RELATIVE, LARGER),
    (plans.SCORE, LARGER),
    (plans.SHARE_WELCH, LARGER),
    (plans.ARCSINE, LARGER),
    (plans.RARE, (1_000, 10_000, 100_000)),
    (plans.SHARE_NOT_WORSE, (1_000, 10_000)),
    (plans.SHARE_EQUIVALENT, (1_000, 10_000)),
    (plans.RATIOS, EVERYWHERE),
    (plans.RATES, EVERYWHERE),
    (plans.DISPERSED, (30, 100, 1_000)),
)
"""What is planned, for how many units."""
MORE_POWER = (plans.WELCH, plans.SCORE, plans.NOT_WORSE, plans.EQUIVALENT)
"""Kinds that are asked for a power of 0.9 too."""


def cells() -> Iterator[Cell]:
    """Return the grid."""
    for kind, totals in GRID:
        for total in totals:
            for split, share in SPLITS.items():
                for promise in (0.8, 0.9) if kind in MORE_POWER else (0.8,):
                    allocation = (1.0 - share, share)
                    drawn = Planned(kind, total, allocation, promise)
                    if not drawn.possible:
                        continue
                    sizes = tuple(round(total * part) for part in allocation)
                    note = split if promise == 0.8 else f"{split}, power {promise:g}"
                    reduced = total in (100, 1_000) and promise == 0.8
                    yield Cell(
                        "planned sizes", kind.title, sizes, note, drawn, RUNS, reduced=reduced
                    )
    for total in LARGER:
        yield Cell(
            "planned sizes",
            "mean, three treatments (Bonferroni)",
            (total // 4,) * 4,
            "equal arms",
            Family(total),
            FAMILY_RUNS,
            reduced=total == 100,
        )
