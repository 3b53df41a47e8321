"""Comparisons by rank: tests and intervals of the index, and intervals of the shift."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Protocol

import numpy as np
from scipy import special, stats

from abtest.stats import Interval, NotEstimable, RankComparison, compare_ranks
from abtest.stats.moments import Floats
from abtest.stats.ranks.compare import RanksMethod
from calibration.answers import ALPHA, LEVEL
from calibration.cell import Cell, Observed
from calibration.two_arms import SPLITS, sizes_of

SIZES = (30, 100, 1_000, 10_000)
RUNS = 2_000
METHODS: tuple[RanksMethod, ...] = ("brunner_munzel", "mann_whitney")
DAYS = 28


class Values(Protocol):
    """Two populations of values, whose effect is a shift or none at all."""

    @property
    def title(self) -> str:
        """Its name on the page."""

    @property
    def index(self) -> float:
        """P(T > C) + P(T = C) / 2."""

    @property
    def shift(self) -> float | None:
        """Median of the difference of two units, where that is known."""

    @property
    def null(self) -> bool:
        """Whether the index is 1/2."""

    def draw(self, rng: np.random.Generator, n: int, *, treated: bool) -> Floats:
        """Return the values of n units of an arm."""


@dataclass(frozen=True)
class Normal:
    """Normal values: treatment is `moved` by a distance and spread `wider`."""

    moved: float = 0.0
    wider: float = 1.0

    @property
    def title(self) -> str:
        """Its name on the page."""
        return "normal" if self.wider == 1.0 else "normal, treatment spread thrice"

    @property
    def index(self) -> float:
        """The probability that a difference of two normal values is above 0."""
        return float(special.ndtr(self.moved / np.hypot(1.0, self.wider)))

    @property
    def shift(self) -> float:
        """The median of that difference."""
        return self.moved

    @property
    def null(self) -> bool:
        """Whether the arms have one centre."""
        return self.moved == 0.0

    def draw(self, rng: np.random.Generator, n: int, *, treated: bool) -> Floats:
        """Return n values."""
        scale, centre = (self.wider, self.moved) if treated else (1.0, 0.0)
        return rng.normal(centre, scale, n)


@dataclass(frozen=True)
class ActiveDays:
    """Days of 28 on which a user was active: many on none, few on most; or a little more often."""

    more: bool = False
    title: str = "active days of 28"

    @property
    def shape(self) -> tuple[float, float]:
        """Shape of the users' rates in treatment (beta)."""
        return (0.75, 1.9) if self.more else (0.5, 2.0)

    @property
    def index(self) -> float:
        """From the two distributions, ties as half."""
        if self.null:
            return 0.5
        days = np.arange(DAYS + 1)
        control = stats.betabinom.pmf(days, DAYS, 0.5, 2.0)
        treated = stats.betabinom.pmf(days, DAYS, *self.shape)
        return float(treated @ (np.cumsum(control) - 0.5 * control))

    @property
    def shift(self) -> float | None:
        """0 where both arms are alike; more days are no shift."""
        return 0.0 if self.null else None

    @property
    def null(self) -> bool:
        """Whether both arms are alike."""
        return not self.more

    def draw(self, rng: np.random.Generator, n: int, *, treated: bool) -> Floats:
        """Return n numbers of days."""
        shape = self.shape if treated else (0.5, 2.0)
        return rng.binomial(DAYS, rng.beta(*shape, n)).astype(np.float64)


@dataclass(frozen=True)
class Ranks:
    """Both tests, the interval of the index and that of the shift, on the same draws."""

    values: Values
    sizes: tuple[int, int]

    def __call__(self, rng: np.random.Generator, runs: int) -> list[Observed]:
        """Return what they did in every draw."""
        found: dict[RanksMethod, list[RankComparison | None]] = {name: [] for name in METHODS}
        for _ in range(runs):
            arms = (
                self.values.draw(rng, n, treated=treated)
                for n, treated in zip(self.sizes, (False, True), strict=True)
            )
            compare = partial(compare_ranks, *arms)
            for name in METHODS:
                try:
                    found[name].append(compare(method=name))
                except NotEstimable:
                    found[name].append(None)
        return [one for name in METHODS for one in self._observed(name, found[name])]

    def _observed(
        self, name: RanksMethod, answers: list[RankComparison | None]
    ) -> Iterator[Observed]:
        given = [answer for answer in answers if answer is not None]
        runs, missing = len(given), len(answers) - len(given)
        if self.values.null:
            alarms = sum(answer.p_value < ALPHA for answer in given)
            yield Observed(name, "type_i", ALPHA, alarms, runs, missing)
        if name == "brunner_munzel":
            held = sum(_holds(answer.index, self.values.index) for answer in given)
            yield Observed(f"{name}, index", "coverage", LEVEL, held, runs, missing)
        elif self.values.shift is not None:
            held = sum(_holds(answer.shift, self.values.shift) for answer in given)
            yield Observed(f"{name}, shift", "coverage", LEVEL, held, runs, missing)


def _holds(interval: Interval, truth: float) -> bool:
    above = interval.lower is None or interval.lower <= truth
    return above and (interval.upper is None or truth <= interval.upper)


def cells() -> Iterator[Cell]:
    """Return the grid."""
    populations: tuple[Values, ...] = (
        Normal(),
        Normal(moved=0.5),
        Normal(wider=3.0),
        ActiveDays(),
        ActiveDays(more=True),
    )
    for values, total, split in product(populations, SIZES, SPLITS):
        if total > 1_000 and isinstance(values, Normal) and (split == "50/50" or not values.null):
            continue  # 40 milliseconds per call where no two units have one value
        sizes = sizes_of(total, SPLITS[split])
        note = f"{split}, {'no effect' if values.null else 'effect'}"
        reduced = total == 100 and (isinstance(values, ActiveDays) or split == "90/10")
        drawn = Ranks(values, sizes)
        yield Cell("ranks", values.title, sizes, note, drawn, RUNS, reduced=reduced)
