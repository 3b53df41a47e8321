"""Ways to deal the units of two arms to two arms anew: all of them, or some at random."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from abtest.stats.moments import Floats
from abtest.stats.resampling.statistic import Statistic
from abtest.stats.value_counts import ValueCounts

_MOST_SWAPS = 500_000
_MOST_DEALS = 20_000
_CELLS = 2_000_000
_ROUNDING = 1e-12
"""Sums that differ by less than this, beside their size, are equal."""


@dataclass(frozen=True, eq=False)
class Deals:
    """Deals with the effect from which on each is as extreme as the data.

    Attributes
    ----------
    shifts
        That effect, for tests against larger and against smaller effects: infinite, with a
        different sign, for deals that are as extreme whatever the effect.
    ways
        Of units to make each deal, whole numbers; None for deals drawn at random.
    growths
        The same effects as relative ones; None where there are none.
    """

    shifts: tuple[Floats, Floats]
    ways: Floats | None
    growths: tuple[Floats, Floats] | None

    @property
    def size(self) -> int:
        """How many deals there are."""
        return len(self.shifts[0])

    def chance_at_most(self, effect: float) -> float:
        """Return the p-value of an effect against larger ones."""
        return self._chance(self.shifts[0], effect)

    def chance_at_least(self, effect: float) -> float:
        """Return the p-value of an effect against smaller ones."""
        return self._chance(-self.shifts[1], -effect)

    def _chance(self, effects: Floats, effect: float) -> float:
        extreme = int((effects <= effect).sum())
        if self.ways is None:
            return (extreme + 1.0) / (self.size + 1.0)
        # summed as in `smallest`, so that the interval agrees to the last digit
        order = np.argsort(effects, kind="stable")
        ways = np.cumsum(self.ways[order])
        return float(ways[extreme - 1] / ways[-1])

    def smallest(self, effects: Floats, outside: float) -> float | None:
        """Return the smallest effect whose p-value is at least `outside`; None if there is none.

        Parameters
        ----------
        effects
            From which each deal is extreme, shape of `shifts`.
        outside
            The level beyond a limit.
        """
        order = np.argsort(effects, kind="stable")
        if self.ways is None:
            reached = np.arange(2.0, self.size + 2.0) / (self.size + 1.0)
            none = 1.0 / (self.size + 1.0)
        else:
            reached, none = np.cumsum(self.ways[order]), 0.0
            reached /= reached[-1]
        place = int(np.searchsorted(reached, outside))
        if none >= outside or place == self.size:
            return None
        limit = float(effects[order[place]])
        return limit if math.isfinite(limit) else None

    @classmethod
    def of_swaps(
        cls, swapped: Floats, control: Floats, treatment: Floats, ways: Floats | None
    ) -> Deals:
        """Build from deals that swap units.

        Parameters
        ----------
        swapped
            How many units of each arm change place.
        control, treatment
            The sums of their values.
        ways
            Of units to make each deal, or None.
        """
        away = treatment - control
        near = np.abs(away) <= _ROUNDING * (np.abs(treatment) + np.abs(control))
        none = swapped == 0.0
        shift = np.where(near, 0.0, away) / np.maximum(swapped, 1.0)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            growth = np.where(near, 0.0, away / control)
        always = none | ((control == 0.0) & (treatment == 0.0))
        return cls(
            (np.where(none, -np.inf, shift), np.where(none, np.inf, shift)),
            ways,
            (np.where(always, -np.inf, growth), np.where(always, np.inf, growth)),
        )


def all_swaps(control: ValueCounts, treatment: ValueCounts) -> Deals | None:
    """Return all deals as swaps with the ways to make each, or None where there are too many."""
    n, m = control.n, treatment.n
    most = min(n, m)
    if _too_many(n, m):
        return None
    counts = [_subset_counts(arm, most) for arm in (control, treatment)]
    if sum(a * b for a, b in zip(*counts, strict=True)) > _MOST_SWAPS:
        return None
    subsets = [_subsets(arm, most) for arm in (control, treatment)]
    swapped, first, second, ways = [], [], [], []
    for size in range(most + 1):
        (sums0, ways0), (sums1, ways1) = subsets[0][size], subsets[1][size]
        swapped.append(np.full(sums0.size * sums1.size, float(size)))
        first.append(np.repeat(sums0, sums1.size))
        second.append(np.tile(sums1, sums0.size))
        ways.append(np.outer(ways0, ways1).ravel())
    parts = [np.concatenate(part) for part in (swapped, first, second, ways)]
    return Deals.of_swaps(*parts)


def _too_many(n: int, m: int) -> bool:
    """Return whether the ways to deal are more than a float holds, however few differ."""
    return float(special.gammaln(n + m + 1) - special.gammaln(n + 1) - special.gammaln(m + 1)) > 700


def _subset_counts(arm: ValueCounts, most: int) -> list[int]:
    """Return how many different subsets of 0, 1, ..., `most` units there are, capped."""
    ways = np.zeros(most + 1)
    ways[0] = 1.0
    for count in arm.counts.tolist():
        sums = np.cumsum(ways)
        sums[count + 1 :] -= sums[: -count - 1] if count < most else 0.0
        ways = np.minimum(sums, 1e15)
        if ways.max() > 10 * _MOST_SWAPS:
            return [_MOST_SWAPS + 1] * (most + 1)
    return [int(way) for way in ways]


def _subsets(arm: ValueCounts, most: int) -> list[tuple[Floats, Floats]]:
    """Return the sums of the subsets of each size, and the ways of units to make each."""
    found = [(np.zeros(1), np.ones(1)), *[(np.empty(0), np.empty(0))] * most]
    for value, count in zip(arm.values.tolist(), arm.counts.tolist(), strict=True):
        grown = []
        for size in range(most + 1):
            taken = range(min(size, count) + 1)
            sums = [found[size - some][0] + some * value for some in taken]
            ways = [found[size - some][1] * float(math.comb(count, some)) for some in taken]
            grown.append((np.concatenate(sums), np.concatenate(ways)))
        found = grown
    return found


def drawn_swaps(
    control: ValueCounts, treatment: ValueCounts, size: int, rng: np.random.Generator
) -> Deals:
    """Return deals drawn at random, as swaps."""
    swapped = rng.hypergeometric(control.n, treatment.n, treatment.n, size)
    pilot = float(control.values[0])
    sums = [_sums_drawn(arm, swapped, pilot, rng) for arm in (control, treatment)]
    whole = swapped * pilot
    return Deals.of_swaps(swapped.astype(np.float64), sums[0] + whole, sums[1] + whole, None)


def _sums_drawn(
    arm: ValueCounts, taken: NDArray[np.int64], pilot: float, rng: np.random.Generator
) -> Floats:
    """Return sums of values less the pilot of so many units drawn without replacement."""
    left, rest = taken.copy(), arm.n
    sums = np.zeros(taken.shape)
    for value, count in zip(arm.values.tolist(), arm.counts.tolist(), strict=True):
        rest -= count
        some = rng.hypergeometric(count, rest, left) if rest else left
        sums += some * (value - pilot)
        left = left - some
    return sums


def every_deal(
    statistic: Statistic, arms: tuple[ValueCounts, ValueCounts], values: tuple[float, float]
) -> Deals | None:
    """Return all deals of a statistic, or None where there are too many."""
    pooled = arms[0] + arms[1]
    m = arms[1].n
    if _too_many(arms[0].n, m) or _subset_counts(pooled, m)[m] > _MOST_DEALS:
        return None
    tables = np.zeros((1, 0), dtype=np.int64)
    rest = pooled.n
    for count in pooled.counts.tolist():
        rest -= count
        had = tables.sum(axis=1)
        grown = [
            np.column_stack([tables[kept], np.full(int(kept.sum()), some)])
            for some in range(min(count, m) + 1)
            if (kept := (had + some <= m) & (had + some + rest >= m)).any()
        ]
        tables = np.concatenate(grown)
    ways = np.ones(len(tables))
    for count, taken in zip(pooled.counts.tolist(), tables.T, strict=True):
        ways *= np.array([float(math.comb(count, some)) for some in range(min(count, m) + 1)])[
            taken
        ]
    return _of_statistic(statistic, pooled, tables, values, ways)


def drawn_deals(
    statistic: Statistic,
    arms: tuple[ValueCounts, ValueCounts],
    values: tuple[float, float],
    size: int,
    rng: np.random.Generator,
) -> Deals:
    """Return deals of a statistic, drawn at random."""
    pooled = arms[0] + arms[1]
    rows = max(_CELLS // pooled.values.size, 1)
    parts = []
    for start in range(0, size, rows):
        some = min(rows, size - start)
        tables = rng.multivariate_hypergeometric(
            pooled.counts, arms[1].n, size=some, method="marginals"
        )
        parts.append(_of_statistic(statistic, pooled, tables, values, None).shifts)
    lower, upper = (np.concatenate(side) for side in zip(*parts, strict=True))
    return Deals((lower, upper), None, None)


def _of_statistic(
    statistic: Statistic,
    pooled: ValueCounts,
    tables: NDArray[np.int64],
    values: tuple[float, float],
    ways: Floats | None,
) -> Deals:
    """Return deals by how far their effect is below that of the data: extreme at 0 or below."""
    treatment = statistic.rows(pooled.values, tables.astype(np.float64))
    control = statistic.rows(pooled.values, (pooled.counts - tables).astype(np.float64))
    away = (values[1] - values[0]) - (treatment - control)
    size = np.abs(treatment) + np.abs(control) + abs(values[0]) + abs(values[1])
    away = np.where(np.abs(away) <= _ROUNDING * size, 0.0, away)
    return Deals((away, away), ways, None)
