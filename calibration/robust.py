"""Trimmed, capped and geometric means: each against the truth of what it estimates."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import numpy as np
from scipy import optimize, special

from abtest.stats import (
    Comparison,
    compare_capped_means,
    compare_geometric_means,
    compare_trimmed_means,
)
from abtest.stats.moments import Floats
from calibration.answers import Answers
from calibration.cell import Cell, Observed
from calibration.two_arms import RUNS, SPLITS, sizes_of

SIZES = (30, 100, 1_000, 10_000)
TRIM, CAP = 0.2, 0.99
LIFT = 0.2
SIGMA = 1.0
Quantile = Callable[[Floats], Floats]


@dataclass(frozen=True)
class Population:
    """A positive distribution by its quantile function; an effect multiplies it."""

    title: str
    quantile: Quantile
    below: Callable[[float], float]
    """Share of units below a value."""

    def draw(self, rng: np.random.Generator, n: int, effect: float) -> Floats:
        """Return n values."""
        return self.quantile(rng.random(n)) * (1.0 + effect)


EXPONENTIAL = Population("exponential", lambda u: -np.log1p(-u), lambda x: 1.0 - float(np.exp(-x)))
LOGNORMAL = Population(
    "lognormal",
    lambda u: np.exp(SIGMA * special.ndtri(u)),
    lambda x: float(special.ndtr(np.log(x) / SIGMA)),
)


def _mean_between(quantile: Quantile, low: float, high: float) -> float:
    """Return the integral of the quantile function from low to high."""
    nodes, weights = _legendre()
    u = low + (high - low) * 0.5 * (nodes + 1.0)
    return float((weights * quantile(u)).sum() * 0.5 * (high - low))


@cache
def _legendre() -> tuple[Floats, Floats]:
    """Return nodes and weights on (-1, 1): finding them takes longer than all integrals."""
    nodes, weights = np.polynomial.legendre.leggauss(2000)
    return np.asarray(nodes), np.asarray(weights)


def trimmed_mean(population: Population, scale: float) -> float:
    """Return the mean of the middle 60% of the population."""
    middle = _mean_between(population.quantile, TRIM, 1.0 - TRIM)
    return scale * middle / (1.0 - 2.0 * TRIM)


def capped_means(
    population: Population, effect: float, sizes: tuple[int, int]
) -> tuple[float, float]:
    """Return the means of both arms capped at the quantile of both together."""
    shares = np.array(sizes) / sum(sizes)
    scales = (1.0, 1.0 + effect)

    def above(threshold: float) -> float:
        below = [population.below(threshold / scale) for scale in scales]
        return float(shares @ below) - CAP

    threshold = optimize.brentq(above, 1e-9, 1e9, xtol=1e-12)
    found = []
    for scale in scales:
        at = population.below(threshold / scale)
        rest = (1.0 - at) * threshold
        found.append(scale * _mean_between(population.quantile, 0.0, at) + rest)
    return found[0], found[1]


@dataclass(frozen=True)
class Robust:
    """A method on raw values of one population."""

    population: Population
    name: str
    compare: Callable[..., Comparison]
    sizes: tuple[int, int]
    effect: float

    @property
    def truth(self) -> tuple[float, float]:
        """True difference and relative effect of what the method estimates."""
        if self.name == "geometric":
            return self.effect, self.effect
        if self.name == "trimmed":
            pair = (
                trimmed_mean(self.population, 1.0),
                trimmed_mean(self.population, 1.0 + self.effect),
            )
        else:
            pair = capped_means(self.population, self.effect, self.sizes)
        return (pair[1] - pair[0], pair[1] / pair[0] - 1.0) if self.effect else (0.0, 0.0)

    def __call__(self, rng: np.random.Generator, runs: int) -> list[Observed]:
        """Return what the method did in every draw."""

        def calls() -> Iterator[Callable[[], Comparison]]:
            for _ in range(runs):
                control = self.population.draw(rng, self.sizes[0], 0.0)
                treatment = self.population.draw(rng, self.sizes[1], self.effect)
                yield partial(self.compare, control, treatment)

        found = Answers.of_calls(calls()).observed(self.name, self.truth, power=float("nan"))
        return [one for one in found if one.quantity != "power"]


METHODS: dict[str, Callable[..., Any]] = {
    "trimmed": partial(compare_trimmed_means, trim=TRIM),
    "capped": partial(compare_capped_means, quantile=CAP),
    "geometric": compare_geometric_means,
}


def cells() -> Iterator[Cell]:
    """Return the grid."""
    for population in (EXPONENTIAL, LOGNORMAL):
        for name, compare in METHODS.items():
            if name == "geometric" and population is EXPONENTIAL:
                continue  # its logarithm is skewed too; the lognormal is what it is for
            for total in SIZES:
                for split, share in SPLITS.items():
                    sizes = sizes_of(total, share)
                    for effect in (0.0, LIFT):
                        drawn = Robust(population, name, compare, sizes, effect)
                        note = f"{split}, {'effect' if effect else 'no effect'}"
                        yield Cell(
                            f"{name} means",
                            population.title,
                            sizes,
                            note,
                            drawn,
                            RUNS if total < 10_000 else 2_000,
                            reduced=total == 100,
                        )
