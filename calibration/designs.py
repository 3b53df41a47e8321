"""Designs of four arms: ordered by a dose, and two changes at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product

import numpy as np

from abtest.stats import (
    Comparison,
    Moments,
    MomentsTable,
    compare_factorial,
    compare_ordered_means,
    compare_ordered_proportions,
)
from abtest.stats.designs.contrast import ContrastEstimate
from calibration import worlds
from calibration.answers import ALPHA, LEVEL, Answers
from calibration.cell import Cell, Observed
from calibration.worlds import World

RUNS = 4_000
"""Each draw takes a call, of about a quarter of a millisecond."""
MEANS, PROPORTIONS = (40, 400, 4_000), (400, 4_000, 40_000)
"""Units of all arms together."""
SHARES = {"equal arms": (0.25, 0.25, 0.25, 0.25), "first arm larger": (0.55, 0.15, 0.15, 0.15)}
DOSES = (0.0, 1.0, 2.0, 4.0)
Sizes = tuple[int, ...]


def sizes_of(total: int, shares: Sequence[float]) -> Sizes:
    """Return units by arm."""
    return tuple(round(total * share) for share in shares)


@dataclass(frozen=True)
class Line:
    """How a mean changes with the dose, in shares of that of dose 0.

    Attributes
    ----------
    slope, bend
        Of dose and of its square.
    unequal
        Whether the two highest doses have another variance.
    """

    slope: float
    bend: float
    unequal: bool

    def effect(self, dose: float) -> float:
        """Return the relative effect of a dose."""
        return self.slope * dose + self.bend * dose**2

    @property
    def trend(self) -> float:
        """Slope of the least-squares line through the effects of all doses."""
        doses = np.array(DOSES)
        centred = doses - doses.mean()
        return self.slope + self.bend * float(centred @ doses**2 / (centred @ centred))


LINES = {
    "flat": Line(0.0, 0.0, False),
    "flat, unequal variances": Line(0.0, 0.0, True),
    "rising line, unequal variances": Line(0.1, 0.0, True),
    "rising and bending": Line(0.3, -0.05, False),
}


@dataclass(frozen=True)
class OrderedMeans:
    """Arms of one population whose means lie on a line or a parabola."""

    world: World
    line: Line
    sizes: Sizes

    def __call__(self, rng: np.random.Generator, runs: int) -> list[Observed]:
        """Return what the contrasts did."""
        arms = [
            self.world.treatment(self.line.effect(dose), self.line.unequal and dose >= 2.0)
            for dose in DOSES
        ]
        tables = [
            worlds.moments(arm, rng, runs, n) for arm, n in zip(arms, self.sizes, strict=True)
        ]
        linear, quadratic = [], []
        for samples in _draws(tables):
            found = compare_ordered_means(samples, DOSES)
            linear.append(found.linear)
            assert found.quadratic is not None  # there are four arms
            quadratic.append(found.quadratic)
        base = self.world.control.value
        return [
            *_counted("linear contrast", linear, base * self.line.trend),
            *_counted("quadratic contrast", quadratic, base * self.line.bend),
        ]


@dataclass(frozen=True)
class OrderedProportions:
    """Arms whose shares lie on a line."""

    base: float
    slope: float
    sizes: Sizes

    def __call__(self, rng: np.random.Generator, runs: int) -> list[Observed]:
        """Return what the test for trend, its interval and the test of the rest did."""
        tables = []
        for dose, n in zip(DOSES, self.sizes, strict=True):
            arm = worlds.rare_event(self.base).treatment(self.slope * dose, False)
            tables.append(worlds.moments(arm, rng, runs, n))
        linear, alarms, missing = [], 0, 0
        for samples in _draws(tables):
            if not any(arm.mean[0] for arm in samples):
                missing += 1
                continue
            found = compare_ordered_proportions(samples, DOSES)
            linear.append(found.linear)
            assert found.departure is not None  # there are four arms
            alarms += found.departure.p_value < ALPHA
        departure = Observed("departure", "type_i", ALPHA, alarms, runs - missing, missing)
        return [*_counted("trend", linear, self.base * self.slope, missing), departure]


@dataclass(frozen=True)
class Factorial:
    """Two changes in four arms.

    Attributes
    ----------
    effects
        Relative effects of the first change alone, the second alone, and both.
    unequal
        Whether the arm with both changes has another variance.
    """

    world: World
    effects: tuple[float, float, float]
    unequal: bool
    sizes: Sizes

    @property
    def truths(self) -> tuple[tuple[float, float], tuple[float, float], float]:
        """True (difference, relative effect) of both changes, and the true interaction."""
        base = self.world.control.value
        first, second, both = self.effects
        together = both - first - second if abs(both - first - second) > 1e-12 else 0.0
        mains = [
            (base * (alone + together / 2.0), (alone + together / 2.0) / (1.0 + other / 2.0))
            for alone, other in ((first, second), (second, first))
        ]
        return mains[0], mains[1], base * together

    def __call__(self, rng: np.random.Generator, runs: int) -> list[Observed]:
        """Return what main effects and interaction did."""
        arms = [
            self.world.treatment(effect, self.unequal and place == 3)
            for place, effect in enumerate((0.0, *self.effects))
        ]
        tables = [
            worlds.moments(arm, rng, runs, n) for arm, n in zip(arms, self.sizes, strict=True)
        ]
        found = [compare_factorial(*samples) for samples in _draws(tables)]
        first, second, together = self.truths
        changes = {"first change": first, "second change": second}
        answers = (
            Answers.of_calls(partial(_identity, one.first) for one in found),
            Answers.of_calls(partial(_identity, one.second) for one in found),
        )
        rows = [
            one
            for (name, truth), answer in zip(changes.items(), answers, strict=True)
            for one in answer.observed(name, truth, power=float("nan"))
            if one.quantity != "power"
        ]
        return rows + _counted("interaction", [one.interaction for one in found], together)


def _identity(value: Comparison) -> Comparison:
    return value


EFFECTS: dict[str, tuple[tuple[float, float, float], bool]] = {
    "nothing has an effect": ((0.0, 0.0, 0.0), False),
    "effects that add up, unequal variances": ((0.2, 0.3, 0.5), True),
    "only both together have an effect": ((0.0, 0.0, 0.4), False),
}
"""Effects of the first change, the second and both, and whether the last has another variance."""


def _draws(tables: Sequence[MomentsTable]) -> Iterator[list[Moments]]:
    """Return the arms of every draw."""
    for row in range(len(tables[0])):
        yield [Moments(int(t.n[row]), t.mean[row], t.m2[row]) for t in tables]


def _counted(
    name: str, found: Sequence[ContrastEstimate], truth: float, missing: int = 0
) -> list[Observed]:
    """Return false alarms, where nothing is true, and how many intervals hold the truth."""
    held = alarms = 0
    for one in found:
        assert one.effect.lower is not None
        assert one.effect.upper is not None  # two-sided
        held += one.effect.lower <= truth <= one.effect.upper
        alarms += one.p_value < ALPHA
    coverage = Observed(name, "coverage", LEVEL, held, len(found), missing)
    if truth != 0.0:
        return [coverage]
    return [Observed(name, "type_i", ALPHA, alarms, len(found), missing), coverage]


MAKE: tuple[Callable[[], World], ...] = (worlds.normal, worlds.exponential)


def cells() -> Iterator[Cell]:
    """Return the grid."""
    for make, total, split, line in product(MAKE, MEANS, SHARES, LINES):
        world, sizes = make(), sizes_of(total, SHARES[split])
        drawn = OrderedMeans(world, LINES[line], sizes)
        reduced = total == 40 and split == "first arm larger"
        note = f"{split}, {line}"
        yield Cell("ordered arms", world.title, sizes, note, drawn, RUNS, reduced=reduced)
    for base, total, split, slope in product((0.2, 0.004), PROPORTIONS, SHARES, (0.0, 0.15)):
        sizes = sizes_of(total, SHARES[split])
        rising = OrderedProportions(base, slope, sizes)
        title = f"proportion of {100 * base:g}%"
        reduced = total == 4_000 and split == "first arm larger"
        note = f"{split}, {'rising line' if slope else 'flat'}"
        yield Cell("ordered arms", title, sizes, note, rising, RUNS, reduced=reduced)
    for make, total, split, effect in product(MAKE, MEANS, SHARES, EFFECTS):
        world, sizes = make(), sizes_of(total, SHARES[split])
        effects, unequal = EFFECTS[effect]
        crossed = Factorial(world, effects, unequal, sizes)
        reduced = total == 40 and split == "first arm larger"
        note = f"{split}, {effect}"
        yield Cell("factorial designs", world.title, sizes, note, crossed, RUNS, reduced=reduced)
