"""Two arms of every population: closed-form methods from moments."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from scipy import special

from abtest.stats import ComparisonTable, MomentsTable, compare_means
from abtest.stats.means.compare import MeansMethod
from calibration import worlds
from calibration.cell import Cell, Observed
from calibration.worlds import Arm, World

LEVEL = 0.95
ALPHA = 0.05
POWER = 0.8
SIZES = (30, 100, 1_000, 10_000, 100_000)
RUNS = 10_000
SPLITS = {"50/50": 0.5, "90/10": 0.1}


@dataclass(frozen=True)
class Method:
    """A comparison of two tables of moments, under the name that it has on the page."""

    name: str
    compare: Callable[[MomentsTable, MomentsTable], ComparisonTable]


def _means(method: MeansMethod) -> Method:
    def compare(control: MomentsTable, treatment: MomentsTable) -> ComparisonTable:
        return compare_means(control, treatment, method=method)

    return Method(method, compare)


MEANS = (_means("welch"), _means("student"), _means("z"))


@dataclass(frozen=True)
class TwoArms:
    """A population, sizes, and a lift of the treatment; called to be drawn."""

    world: World
    methods: tuple[Method, ...]
    sizes: tuple[int, int]
    unequal: bool
    powered: bool

    @property
    def arms(self) -> tuple[Arm, Arm]:
        """Both arms; a powered cell has the effect that normal theory detects with power 0.8."""
        effect = 0.0
        if self.powered:
            effect = _detectable(self)
        return self.world.control, self.world.treatment(effect, self.unequal)

    def __call__(self, rng: np.random.Generator, runs: int) -> list[Observed]:
        """Return rejections and coverage of every method, all on the same draws."""
        arms = self.arms
        control, treatment = (
            worlds.moments(arm, rng, runs, n) for arm, n in zip(arms, self.sizes, strict=True)
        )
        truth = arms[1].value - arms[0].value, arms[1].value / arms[0].value - 1.0
        return [
            one
            for method in self.methods
            for one in observe(method.name, method.compare(control, treatment), truth, POWER)
        ]


def observe(
    name: str, table: ComparisonTable, truth: tuple[float, float], power: float
) -> list[Observed]:
    """Return how often a method rejected, and held the true difference and relative effect."""
    ok = table.status == "ok"
    runs, missing = int(ok.sum()), int((~ok).sum())
    rejected = int((table.p_value[ok] < ALPHA).sum())
    quantity, promised = ("type_i", ALPHA) if truth[0] == 0.0 else ("power", power)
    inside = (table.lower <= truth[0]) & (truth[0] <= table.upper)
    between = (table.relative_lower <= truth[1]) & (truth[1] <= table.relative_upper)
    gap = table.relative_status == "two_rays"
    relative = np.where(gap, ~between, between)
    return [
        Observed(name, quantity, promised, rejected, runs, missing),  # type: ignore[arg-type]  # one of two
        Observed(name, "coverage", LEVEL, int(inside[ok].sum()), runs, missing),
        Observed(name, "relative_coverage", LEVEL, int(relative[ok].sum()), runs, missing),
    ]


def _detectable(cell: TwoArms) -> float:
    """Return the relative effect that a z test of the true variances finds with power 0.8."""
    needed = special.ndtri(0.5 + LEVEL / 2.0) + special.ndtri(POWER)
    control = cell.world.control
    effect = 0.0
    for _ in range(200):  # the variance depends on the effect
        treated = cell.world.treatment(min(effect, cell.world.largest), cell.unequal)
        error = np.sqrt(control.variance / cell.sizes[0] + treated.variance / cell.sizes[1])
        change = float(needed * error / control.value)
        if abs(change - effect) <= 1e-9 * change or change > 2.0 * cell.world.largest:
            return change
        effect = change
    return float("inf")


def cells() -> Iterator[Cell]:
    """Return the grid: every population, size, split, variance, without and with an effect."""
    for world, methods, family in (
        (worlds.normal(), MEANS, "means"),
        (worlds.exponential(), MEANS, "means"),
        (worlds.revenue(), MEANS, "means"),
    ):
        for total in SIZES:
            for split, share in SPLITS.items():
                sizes = _sizes(total, share)
                for unequal in (False, True) if world.unequal else (False,):
                    for powered in (False, True):
                        drawn = TwoArms(world, methods, sizes, unequal, powered)
                        if powered and not _detectable(drawn) <= world.largest:
                            continue  # no effect of this population can be found with so few
                        spread = "unequal variances" if unequal else "equal"
                        effect = "effect" if powered else "no effect"
                        note = f"{split}, {spread}, {effect}"
                        small = total in (100, 1_000)
                        yield Cell(family, world.title, sizes, note, drawn, RUNS, reduced=small)


def _sizes(total: int, share: float) -> tuple[int, int]:
    treatment = round(total * share)
    return total - treatment, max(treatment, 2)
