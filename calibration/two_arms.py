"""Two arms of every population: closed-form methods from moments."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy import optimize, special

from abtest.stats import (
    Comparison,
    Moments,
    MomentsTable,
    compare_means,
    compare_proportions,
    compare_ratios,
    estimate_proportions,
)
from abtest.stats.means.compare import MeansMethod
from abtest.stats.proportions.rows import RowsMethod
from calibration import worlds
from calibration.answers import ALPHA, LEVEL, POWER, Answers
from calibration.cell import Cell, Observed
from calibration.worlds import Arm, World

SIZES = (30, 100, 1_000, 10_000, 100_000)
RUNS = 10_000
SPLITS = {"50/50": 0.5, "90/10": 0.1}


@dataclass(frozen=True)
class Method:
    """A comparison of two tables of moments, under the name that it has on the page."""

    name: str
    answers: Callable[[MomentsTable, MomentsTable], Answers]


def _means(method: MeansMethod) -> Method:
    return Method(method, lambda c, t: Answers.of_table(compare_means(c, t, method=method)))


def _proportions(method: RowsMethod) -> Method:
    return Method(method, lambda c, t: Answers.of_table(compare_proportions(c, t, method=method)))


def _as_experiments_judge(control: MomentsTable, treatment: MomentsTable) -> Answers:
    """Return the proportions of experiment files: Welch, and the score method for rare events."""

    def calls() -> Iterator[Callable[[], Comparison]]:
        for row in range(len(control)):
            arms = [Moments(int(t.n[row]), t.mean[row], t.m2[row]) for t in (control, treatment)]
            yield partial(_experiment, arms[0], arms[1])

    return Answers.of_calls(calls())


def _experiment(control: Moments, treatment: Moments) -> Comparison:
    pair = estimate_proportions([control], [treatment], adjusted=False)
    return Comparison.of(pair, (control, treatment), "two-sided", LEVEL, measure="proportion")


MEANS = (_means("welch"), _means("student"), _means("z"))
PROPORTIONS = (
    Method("as experiments judge", _as_experiments_judge),
    _proportions("score"),
    _proportions("pooled_z"),
    _proportions("newcombe"),
    _proportions("agresti_caffo"),
    _proportions("welch"),
    _proportions("wald"),
)
RATIOS = (Method("delta", lambda c, t: Answers.of_table(compare_ratios(c, t))),)


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
            effect = detectable(self)
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
            for one in method.answers(control, treatment).observed(method.name, truth, POWER)
        ]


def detectable(cell: TwoArms) -> float:
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
        (worlds.rare_event(), PROPORTIONS, "proportions"),
        (worlds.clicks_per_view(), RATIOS, "ratios"),
    ):
        for total in SIZES:
            for split, share in SPLITS.items():
                sizes = sizes_of(total, share)
                for unequal in (False, True) if world.unequal else (False,):
                    for powered in (False, True):
                        drawn = TwoArms(world, methods, sizes, unequal, powered)
                        if powered and not detectable(drawn) <= world.largest:
                            continue  # no effect of this population can be found with so few
                        spread = "unequal variances" if unequal else "equal"
                        effect = "effect" if powered else "no effect"
                        note = f"{split}, {spread}, {effect}"
                        small = total in (100, 1_000)
                        yield Cell(family, world.title, sizes, note, drawn, RUNS, reduced=small)


def sizes_of(total: int, share: float) -> tuple[int, int]:
    """Return units of control and treatment, which has at least two."""
    treatment = round(total * share)
    return total - treatment, max(treatment, 2)


def noncentrality(df: float) -> float:
    """Return how many errors an effect has that a two-sided t test finds with `POWER`."""
    limit = float(special.stdtrit(df, 1.0 - ALPHA / 2.0))

    def short(errors: float) -> float:
        inside = special.nctdtr(df, errors, limit) - special.nctdtr(df, errors, -limit)
        return 1.0 - float(inside) - POWER

    return float(optimize.brentq(short, 2.0, 8.0, xtol=1e-10))
