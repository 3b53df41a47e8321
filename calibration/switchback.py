"""Whole periods treated or not: blocks of them, alike from one to the next, with a daily cycle."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from abtest.stats import (
    Interval,
    SwitchbackTable,
    compare_switchback,
    switchback_test,
)
from abtest.stats.moments import Floats
from calibration.cell import Cell, Observed
from calibration.tally import NONE, Tally
from calibration.two_arms import noncentrality, sizes_of

RUNS, MANY_RUNS = 1_000, 2_000
"""Draws of a cell of 200 blocks, and of smaller ones: a draw has a randomisation test."""
TOTALS = (10, 20, 50, 200)
"""Blocks of both arms."""
ROWS = 20
"""Of a period, on average; their variance is 1."""
SHARED = 0.05
"""Variance that rows of a period share."""
MEAN = 5.0
CYCLE = 24
"""Periods of a day."""
REPLICATES = 999


@dataclass(frozen=True)
class Periods:
    """How rows of periods vary.

    Attributes
    ----------
    alike
        Correlation of what rows share in a period with that in the next one.
    cycle
        Height of the daily cycle, in standard deviations of a row.
    """

    alike: float
    cycle: float

    def means(self, rng: np.random.Generator, periods: int) -> Floats:
        """Return the true means of periods, without effect."""
        noise = np.sqrt(SHARED * (1.0 - self.alike**2)) * rng.standard_normal(periods)
        start = np.sqrt(SHARED) * rng.standard_normal()
        shared, _ = signal.lfilter([1.0], [1.0, -self.alike], noise, zi=[self.alike * start])
        place = rng.uniform(0.0, CYCLE) + np.arange(periods)
        return np.asarray(shared + self.cycle * np.sin(2.0 * np.pi * place / CYCLE))

    def variance(self) -> float:
        """Return the variance of the mean of a period of `ROWS`, without the cycle."""
        return SHARED + 1.0 / ROWS


@dataclass(frozen=True)
class Switchback:
    """Blocks of periods, as many treated as `sizes` says, in an order that is drawn.

    Attributes
    ----------
    length
        Periods of a block.
    washout
        Periods left out after each switch; in as many only half of the new arm is felt.
    """

    periods: Periods
    sizes: tuple[int, int]
    effect: float
    length: int
    washout: int

    def __call__(self, rng: np.random.Generator, runs: int) -> list[Observed]:
        """Return what the tests did in every draw."""
        names = "spells" if self.washout else "blocks"
        robust, means, test = f"CR2 of {names}", f"means of {names}", "randomisation test"
        truth = self.effect, self.effect / MEAN
        truths = {robust: truth, means: truth, test: (self.effect, NONE)}
        tally = Tally(truths, powered=self.effect > 0.0 and self.length == 1)
        for _ in range(runs):
            table = self._drawn(rng)
            compare = partial(compare_switchback, table, washout=self.washout)
            tally.compare(robust, compare)
            tally.compare(means, partial(compare, weights="equal"))
            tally.difference(test, partial(self._randomised, table, int(rng.integers(2**31))))
        return tally.observed()

    def _randomised(self, table: SwitchbackTable, seed: int) -> tuple[float, Interval]:
        found = switchback_test(table, seed=seed, washout=self.washout, replicates=REPLICATES)
        return found.p_value, found.absolute

    def _drawn(self, rng: np.random.Generator) -> SwitchbackTable:
        blocks = rng.permutation(np.repeat([0, 1], self.sizes))
        treated = np.repeat(blocks, self.length)
        size = treated.size
        rows = 1.0 + rng.poisson(ROWS - 1.0, size)
        felt = self.effect * _felt(treated, self.washout)
        means = self.periods.means(rng, size) + felt + rng.standard_normal(size) / np.sqrt(rows)
        names = np.repeat(np.arange(blocks.size), self.length)
        return SwitchbackTable.from_sums(
            rows, rows * means, np.arange(size), treated, pilot=MEAN, blocks=names
        )


def _felt(treated: NDArray[np.int64], washout: int) -> Floats:
    """Return the share of the effect that is felt: half of it for a while after each switch."""
    if not washout:
        return treated.astype(np.float64)
    recent = [
        np.concatenate([treated[:1].repeat(lag), treated[:-lag]]) for lag in range(1, washout + 1)
    ]
    switched = np.any([one != treated for one in recent], axis=0)
    return np.where(switched, 0.5, treated)


WORLDS = {
    "independent periods": Periods(0.0, 0.0),
    "neighbours alike (0.9), daily cycle": Periods(0.9, 0.2),
}


def cells() -> Iterator[Cell]:
    """Return the grid."""
    for total, (title, periods) in product(TOTALS, WORLDS.items()):
        half, uneven = sizes_of(total, 0.5), sizes_of(total, 0.3)
        reduced = total == 20
        errors = noncentrality(total - 2.0)
        effect = errors * float(np.sqrt(periods.variance() * (1.0 / half[0] + 1.0 / half[1])))
        yield _cell(title, "no effect", Switchback(periods, half, 0.0, 1, 0), reduced)
        yield _cell(title, "no effect", Switchback(periods, uneven, 0.0, 1, 0))
        yield _cell(title, "no effect", Switchback(periods, half, 0.0, 4, 1))
        yield _cell(title, "carry-over, effect", Switchback(periods, half, effect, 4, 1))
        if not periods.alike:
            yield _cell(title, "effect", Switchback(periods, half, effect, 1, 0), reduced)


def _cell(situation: str, note: str, drawn: Switchback, reduced: bool = False) -> Cell:
    split = "50/50" if drawn.sizes[0] == drawn.sizes[1] else "70/30"
    design = f"blocks of {drawn.length}, wash-out {drawn.washout}, " if drawn.washout else ""
    note = f"{split}, {design}{note}"
    runs = RUNS if sum(drawn.sizes) == TOTALS[-1] else MANY_RUNS
    return Cell("switchback", situation, drawn.sizes, note, drawn, runs, reduced=reduced)
