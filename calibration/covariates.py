"""CUPED: means with one and two covariates, ratios with their own past, and strata."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from abtest.stats import Comparison, Moments, estimate_means, estimate_ratios
from abtest.stats.moments import Floats
from abtest.stats.moments_table import MomentsTable
from calibration import worlds
from calibration.answers import LEVEL, Answers
from calibration.cell import Cell, Observed
from calibration.two_arms import RUNS, SPLITS, sizes_of
from calibration.worlds import Arm

SIZES = (30, 100, 1_000, 10_000)
LIFT = 0.5


def spending(effect: float, steeper: bool) -> Arm:
    """Return (value, two covariates) of units; `steeper` has more effect on those with a past.

    The covariates are a gamma of mean 2 and a Poisson count of mean 4.
    """
    slope = 1.6 if steeper else 1.0

    def draw(rng: np.random.Generator, size: tuple[int, int]) -> Floats:
        first, second = rng.standard_gamma(2.0, size), rng.poisson(4.0, size).astype(float)
        noise = rng.normal(0.0, 1.5, size)
        value = 4.0 + effect + slope * (first - 2.0) + 0.5 * (second - 4.0) + noise
        return np.stack([value, first, second])

    variance = slope * slope * 2.0 + 0.25 * 4.0 + 2.25
    return Arm(draw, 4.0 + effect, variance)


def clicks(effect: float, more: bool) -> Arm:
    """Return (clicks, views, clicks before, views before); `more` views after exposure.

    Users differ in how much they view (gamma 4) and in how often they click (beta 4, 6).
    """
    extra = 1.0 if more else 0.0

    def draw(rng: np.random.Generator, size: tuple[int, int]) -> Floats:
        habit, activity = rng.beta(4.0, 6.0, size), rng.gamma(4.0, 0.5, size)
        before, after = rng.poisson(2.0 * activity), rng.poisson(2.0 * activity + extra)
        clicked = rng.binomial(after, habit + effect * (1.0 - habit))
        return np.stack([clicked, after, rng.binomial(before, habit), before]).astype(float)

    return Arm(draw, 0.4 + effect * 0.6, float("nan"))  # habit and activity are independent


@dataclass(frozen=True)
class Adjusted:
    """Both arms of one population, by estimators of moments."""

    control: Arm
    treatment: Arm
    sizes: tuple[int, int]
    methods: dict[str, Callable[[Moments, Moments], Comparison]]

    def __call__(self, rng: np.random.Generator, runs: int) -> list[Observed]:
        """Return what every method did, on the same draws."""
        tables = [
            worlds.moments(arm, rng, runs, n)
            for arm, n in zip((self.control, self.treatment), self.sizes, strict=True)
        ]
        difference = self.treatment.value - self.control.value
        truth = difference, difference / self.control.value
        found = []
        for name, compare in self.methods.items():
            answers = Answers.of_calls(_calls(tables, compare))
            found += answers.observed(name, truth, power=float("nan"))
        return [one for one in found if one.quantity != "power"]


def _calls(
    tables: list[MomentsTable], compare: Callable[[Moments, Moments], Comparison]
) -> Iterator[Callable[[], Comparison]]:
    for row in range(len(tables[0])):
        arms = [Moments(int(t.n[row]), t.mean[row], t.m2[row]) for t in tables]
        yield partial(compare, arms[0], arms[1])


def _mean(covariates: int, control: Moments, treatment: Moments) -> Comparison:
    """Return the means adjusted by the first covariates."""
    kept = [_first(arm, 1 + covariates) for arm in (control, treatment)]
    pair = estimate_means([kept[0]], [kept[1]], adjusted=covariates > 0)
    return Comparison.of(pair, kept, "two-sided", LEVEL, measure="mean")


def _ratio(adjusted: bool, control: Moments, treatment: Moments) -> Comparison:
    pair = estimate_ratios([control], [treatment], adjusted=adjusted)
    return Comparison.of(pair, (control, treatment), "two-sided", LEVEL, measure="ratio")


def _first(moments: Moments, k: int) -> Moments:
    return Moments(moments.n, moments.mean[:k], moments.m2[:k, :k], moments.nulls)


MEANS: dict[str, Callable[[Moments, Moments], Comparison]] = {
    "welch": partial(_mean, 0),
    "CUPED, one covariate": partial(_mean, 1),
    "CUPED, two covariates": partial(_mean, 2),
}
RATIOS: dict[str, Callable[[Moments, Moments], Comparison]] = {
    "delta": partial(_ratio, False),
    "CUPED with the past's own denominator": partial(_ratio, True),
}


def cells() -> Iterator[Cell]:
    """Return the grid."""
    for situation, make, methods, lift, other in (
        ("mean, two skewed covariates", spending, MEANS, LIFT, "unequal slopes"),
        ("clicks / views with a past", clicks, RATIOS, 0.05, "more views in treatment"),
    ):
        for total in SIZES:
            for split, share in SPLITS.items():
                for unequal in (False, True):
                    for effect in (0.0, lift):
                        sizes = sizes_of(total, share)
                        drawn = Adjusted(make(0.0, False), make(effect, unequal), sizes, methods)
                        note = (
                            f"{split}, {other if unequal else 'equal'}, "
                            f"{'effect' if effect else 'no effect'}"
                        )
                        yield Cell(
                            "covariates",
                            situation,
                            sizes,
                            note,
                            drawn,
                            RUNS if total < 10_000 else 4_000,
                            reduced=total == 100,
                        )
