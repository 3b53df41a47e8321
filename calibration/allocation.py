"""Units counted against planned shares: false alarms where they came as planned."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Literal

import numpy as np
from scipy import special

from abtest.stats import sample_ratio, sample_ratio_by_segment
from abtest.stats.allocation.exact import log_probabilities
from abtest.stats.moments import Floats
from calibration.answers import ALPHA
from calibration.cell import Cell, Observed
from calibration.exact import CERTAIN

RUNS, SEGMENT_RUNS = 10_000, 3_000
"""Draws of three arms, and of segments, which take a millisecond or more."""
OF_EXPERIMENTS = 0.001
"""The level at which an experiment's sample ratio is judged."""
LEVELS = (ALPHA, OF_EXPERIMENTS)
SPLITS = {"50/50": (0.5, 0.5), "90/10": (0.9, 0.1), "99/1": (0.99, 0.01)}
THREE = {"1:1:1": (1 / 3, 1 / 3, 1 / 3), "8:1:1": (0.8, 0.1, 0.1)}
MOST_TABLES = 5_000
"""Tables of three arms up to which they are enumerated."""
Method = Literal["auto", "chi_square", "exact"]
METHODS: tuple[Method, ...] = ("auto", "chi_square")
"""``exact`` is what ``auto`` takes below 1,000 units."""


@dataclass(frozen=True)
class Enumerated:
    """All tables of so many units, each with its probability."""

    units: int
    shares: tuple[float, ...]

    def __call__(self, rng: np.random.Generator, runs: int) -> list[Observed]:
        """Return the probability of a false alarm."""
        del rng, runs  # nothing is drawn
        tables = list(_tables(self.units, len(self.shares)))
        probability = np.exp(log_probabilities(self.units, np.array(self.shares)))
        found = []
        for method in METHODS:
            p_values = np.array(
                [sample_ratio(table, self.shares, method=method).p_value for table in tables]
            )
            found += [
                _observed(f"{method}, enumerated", level, float(probability @ (p_values <= level)))
                for level in LEVELS
            ]
        return found


def _observed(method: str, level: float, rate: float) -> Observed:
    return Observed(_named(method, level), "type_i", level, rate * CERTAIN, CERTAIN)


def _named(method: str, level: float) -> str:
    """Return the method's name, which says the level: both are in one cell."""
    return method if level == ALPHA else f"{method}, at {level:g}"


def _tables(units: int, arms: int) -> Iterator[tuple[int, ...]]:
    """Return all ways in which units fall into arms, in the order of `log_probabilities`."""
    if arms == 1:
        yield (units,)
        return
    for first in range(units + 1):
        for rest in _tables(units - first, arms - 1):
            yield (first, *rest)


@dataclass(frozen=True)
class Drawn:
    """Three arms or more with too many tables to enumerate."""

    units: int
    shares: tuple[float, ...]

    def __call__(self, rng: np.random.Generator, runs: int) -> list[Observed]:
        """Return how often the arms are said to differ from the plan."""
        tables = rng.multinomial(self.units, self.shares, runs).tolist()
        p_values = np.array([sample_ratio(table, self.shares).p_value for table in tables])
        return [
            Observed(_named("auto", level), "type_i", level, int((p_values <= level).sum()), runs)
            for level in LEVELS
        ]


SEGMENTS: Floats = np.array([0.4, 0.3, 0.15, 0.1, 0.05])
"""Shares of five segments among all units."""


@dataclass(frozen=True)
class Segments:
    """Segments of different size in which the shares are as planned."""

    units: int
    shares: tuple[float, float]

    def __call__(self, rng: np.random.Generator, runs: int) -> list[Observed]:
        """Return how often any segment is said to differ, or the segments from each other."""
        alarms = dict.fromkeys(LEVELS, 0)
        differing = tested = 0
        for _ in range(runs):
            units = rng.multinomial(self.units, SEGMENTS)
            counts = rng.binomial(units, self.shares[0])
            table = {
                str(place): [int(first), int(whole - first)]
                for place, (first, whole) in enumerate(zip(counts, units, strict=True))
            }
            found = sample_ratio_by_segment(table, self.shares)
            smallest = min(one.adjusted_p_value or 0.0 for one in found.segments if one.method)
            for level in LEVELS:
                alarms[level] += smallest <= level
            if found.homogeneity is not None:
                tested += 1
                differing += found.homogeneity.p_value < ALPHA
        return [
            *(
                Observed(_named("any segment", level), "type_i", level, count, runs)
                for level, count in alarms.items()
            ),
            Observed("homogeneity", "type_i", ALPHA, differing, tested, runs - tested),
        ]


def cells() -> Iterator[Cell]:
    """Return the grid."""
    for units, (split, shares) in product((30, 100, 1_000, 10_000), SPLITS.items()):
        sizes = _expected(units, shares)
        small = units == 30
        counted = Enumerated(units, shares)
        yield Cell("sample ratio", "two arms", sizes, split, counted, 1, reduced=small)
    for units, (split, plan) in product((30, 90, 1_000, 10_000), THREE.items()):
        sizes = _expected(units, plan)
        enumerable = special.binom(units + 2, 2) <= MOST_TABLES
        drawn = Enumerated(units, plan) if enumerable else Drawn(units, plan)
        runs = 1 if enumerable else RUNS
        yield Cell("sample ratio", "three arms", sizes, split, drawn, runs, reduced=units == 1_000)
    for units, (split, pair) in product((100, 1_000, 10_000), list(SPLITS.items())[:2]):
        sizes = _expected(units, pair)
        drawn_segments = Segments(units, pair)
        reduced = (units, split) == (1_000, "90/10")
        yield Cell(
            "sample ratio",
            "two arms in five segments",
            sizes,
            split,
            drawn_segments,
            SEGMENT_RUNS,
            reduced=reduced,
        )


def _expected(units: int, shares: tuple[float, ...]) -> tuple[int, ...]:
    """Return expected units by arm, which sum to the whole."""
    others = [round(units * share) for share in shares[1:]]
    return units - sum(others), *others
