"""Units seen more than once: paired, crossover, difference in differences."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import product

import numpy as np

from abtest.stats import (
    DifferenceInDifferences,
    Interval,
    compare_crossover_means,
    compare_difference_in_differences,
    compare_paired_means,
)
from abtest.stats.moments import Floats
from calibration.cell import Cell, Observed
from calibration.tally import NONE, Tally
from calibration.two_arms import noncentrality, sizes_of

RUNS = 2_000
TOTALS = (20, 50, 200, 1_000)
ALIKE = 0.7
"""Correlation of two values of a unit."""
LATER = 0.3
"""By how much all values change from a period to the next, in standard deviations."""
PERIODS = 4
"""Of differences in differences: three before the change."""


@dataclass(frozen=True)
class Values:
    """Values of mean `mean` and variance 1 that are alike within a unit.

    Attributes
    ----------
    skewed
        Exponential values, a sum of gammas; else normal ones.
    """

    skewed: bool

    @property
    def mean(self) -> float:
        """Mean of a value."""
        return 1.0 if self.skewed else 3.0

    def draw(self, rng: np.random.Generator, times: int, n: int) -> Floats:
        """Return values of n units, shape (times, n)."""
        if self.skewed:
            return rng.standard_gamma(ALIKE, n) + rng.standard_gamma(1.0 - ALIKE, (times, n))
        shared = np.sqrt(ALIKE) * rng.standard_normal(n)
        own = np.sqrt(1.0 - ALIKE) * rng.standard_normal((times, n))
        return np.asarray(self.mean + shared + own)

    def other(self, rng: np.random.Generator, times: int, n: int) -> Floats:
        """Return values of other units each time."""
        return np.concatenate([self.draw(rng, 1, n) for _ in range(times)])


@dataclass(frozen=True)
class Paired:
    """Two conditions of the same units."""

    values: Values
    sizes: tuple[int]
    errors: float

    def __call__(self, rng: np.random.Generator, runs: int) -> list[Observed]:
        """Return what the test did in every draw."""
        size = self.sizes[0]
        effect = self.errors * float(np.sqrt(2.0 * (1.0 - ALIKE) / size))
        truth = effect, effect / self.values.mean
        tally = Tally({"paired_t": truth}, powered=effect > 0.0)
        for _ in range(runs):
            control, treatment = self.values.draw(rng, 2, size)
            pairs = control, treatment + effect
            tally.compare("paired_t", partial(compare_paired_means, pairs))
        return tally.observed()


@dataclass(frozen=True)
class Crossover:
    """Two conditions of the same units in either order, with values that change over time."""

    values: Values
    sizes: tuple[int, int]
    errors: float

    def __call__(self, rng: np.random.Generator, runs: int) -> list[Observed]:
        """Return what the tests did in every draw."""
        spread = 2.0 * (1.0 - ALIKE) * sum(1.0 / size for size in self.sizes) / 4.0
        effect = self.errors * float(np.sqrt(spread))
        truths = {
            "crossover_welch": (effect, effect / (self.values.mean + LATER / 2.0)),
            "carry-over": (0.0, NONE),
        }
        tally = Tally(truths, powered=effect > 0.0)
        for _ in range(runs):
            first, second = (self.values.draw(rng, 2, size) for size in self.sizes)
            first[1] += LATER
            second[1] += LATER
            first[1] += effect
            second[0] += effect
            _crossed(tally, (first[0], first[1]), (second[1], second[0]))
        return tally.observed()


def _crossed(tally: Tally, first: tuple[Floats, ...], second: tuple[Floats, ...]) -> None:
    call = partial(compare_crossover_means, first, second)
    tally.compare("crossover_welch", call)

    def carried() -> tuple[float, Interval | None]:
        found = call().carry_over
        assert found is not None  # sums vary
        return found.p_value, None

    tally.test("carry-over", carried)


@dataclass(frozen=True)
class Differences:
    """Two groups of another level before and after a change that one of them had.

    Attributes
    ----------
    same_units
        Whether each period has the same units.
    unequal
        Whether the treatment group has twice the standard deviation.
    """

    values: Values
    sizes: tuple[int, int]
    errors: float
    same_units: bool
    unequal: bool

    def __call__(self, rng: np.random.Generator, runs: int) -> list[Observed]:
        """Return what the tests did in every draw."""
        scales = 1.0, 2.0 if self.unequal else 1.0
        alike = ALIKE if self.same_units else 0.0
        each = [scale**2 / size for scale, size in zip(scales, self.sizes, strict=True)]
        effect = self.errors * float(np.sqrt(2.0 * (1.0 - alike) * sum(each)))
        expected = scales[1] * self.values.mean + (PERIODS - 1) * LATER
        method = "did_panel" if self.same_units else "did_samples"
        truths = {method: (effect, effect / expected), "trends before": (0.0, NONE)}
        tally = Tally(truths, powered=effect > 0.0)
        draw = self.values.draw if self.same_units else self.values.other
        changed = LATER * np.arange(PERIODS)[:, None]
        for _ in range(runs):
            groups = [
                scale * draw(rng, PERIODS, size) + changed
                for scale, size in zip(scales, self.sizes, strict=True)
            ]
            groups[1][-1] += effect
            call = partial(
                compare_difference_in_differences,
                *(tuple(group) for group in groups),
                same_units=self.same_units,
            )
            _moved(tally, method, call)
        return tally.observed()


def _moved(tally: Tally, method: str, call: Callable[[], DifferenceInDifferences]) -> None:
    tally.compare(method, call)

    def before() -> tuple[float, Interval | None]:
        check = call().pre_trend
        assert check is not None  # there are periods before
        return check.p_value, None

    tally.test("trends before", before)


def cells() -> Iterator[Cell]:
    """Return the grid."""
    for total, skewed in product(TOTALS, (False, True)):
        values, reduced = Values(skewed), total == 50 and not skewed
        half, uneven = sizes_of(total, 0.5), sizes_of(total, 0.2)
        kind = "skewed" if skewed else "normal"
        for effect in (False, True):
            word = "effect" if effect else "no effect"
            alone = noncentrality(total - 1.0) if effect else 0.0
            two = noncentrality(total - 2.0) if effect else 0.0
            paired = Paired(values, (total,), alone)
            yield _cell(f"paired, {kind}", word, paired, reduced)
            crossed = Crossover(values, half, two)
            yield _cell(f"crossover, {kind}", f"50/50, {word}", crossed, reduced)
            for same in (True, False):
                title = f"differences in differences, {'same' if same else 'other'} units, {kind}"
                drawn = Differences(values, half, two, same, unequal=False)
                yield _cell(title, f"50/50, {word}", drawn, reduced and same)
        yield _cell(f"crossover, {kind}", "80/20, no effect", Crossover(values, uneven, 0.0))
        for same in (True, False):
            title = f"differences in differences, {'same' if same else 'other'} units, {kind}"
            drawn = Differences(values, uneven, 0.0, same, unequal=True)
            yield _cell(title, "80/20, twice the sd in treatment, no effect", drawn)


def _cell(
    situation: str,
    note: str,
    drawn: Paired | Crossover | Differences,
    reduced: bool = False,
) -> Cell:
    family = "units seen more than once"
    return Cell(family, situation, drawn.sizes, note, drawn, RUNS, reduced=reduced)
