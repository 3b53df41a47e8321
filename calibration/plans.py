"""What is planned: designs, populations that have exactly their truths, and tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from abtest.stats import (
    Clusters,
    MeansDesign,
    MomentsTable,
    ProportionsDesign,
    RateDesign,
    RatioDesign,
    compare_means,
    compare_proportions,
    compare_rates,
    compare_ratios,
    equivalence,
    non_inferiority,
)
from abtest.stats.moments import Floats
from abtest.stats.sizing.design import Design
from calibration import worlds
from calibration.worlds import Arm

Arms = tuple[Arm, Arm]
Judge = Callable[[Design, MomentsTable, MomentsTable], NDArray[np.bool_]]
"""From a design and the moments of both arms to whether every draw shows what it is to show."""


def normal(mean: Floats, covariance: Floats) -> Arm:
    """Return normal values of one variable or several, whose moments have a known distribution."""
    half = np.linalg.cholesky(covariance)
    k = len(mean)

    def draw(rng: np.random.Generator, size: tuple[int, int]) -> Floats:
        noise = np.tensordot(half, rng.standard_normal((k, *size)), axes=1)
        return np.asarray(mean[:, None, None] + noise)

    def summed(rng: np.random.Generator, runs: int, n: int) -> MomentsTable:
        # Bartlett's decomposition of a Wishart matrix
        factor = np.tril(rng.standard_normal((runs, k, k)), -1)
        for place in range(k):
            factor[:, place, place] = np.sqrt(rng.chisquare(n - 1 - place, runs))
        spread = half @ factor
        means = mean + rng.standard_normal((runs, k)) @ half.T / np.sqrt(n)
        return MomentsTable(np.full(runs, float(n)), means, spread @ spread.transpose(0, 2, 1))

    return Arm(draw, float(mean[0]), float(covariance[0, 0]), summed)


@dataclass(frozen=True)
class Kind:
    """A kind of plan, with a population and a test.

    Attributes
    ----------
    title
        In words.
    design
        From the size of the effect or margin and settings to the design.
    effect
        From that size to the true effect on the design's scale.
    arms
        From design and true difference to both arms of the population.
    shown
        The test.
    largest
        Sizes above this one are none.
    """

    title: str
    design: Callable[..., Design]
    effect: Callable[[float], float]
    arms: Callable[[Any, float], Arms]
    shown: Judge
    largest: float = 20.0


def _same(size: float) -> float:
    return size


def _none(size: float) -> float:
    del size  # what it is the size of is the margin
    return 0.0


def _superior(compare: Callable[..., Any], method: str) -> Judge:
    def shown(design: Design, control: MomentsTable, treatment: MomentsTable) -> NDArray[np.bool_]:
        found = compare(control, treatment, method=method, alternative=design.alternative)
        return np.asarray((found.status == "ok") & (found.p_value < design.level))

    return shown


def _by_ratio(design: Design, control: MomentsTable, treatment: MomentsTable) -> NDArray[np.bool_]:
    found = compare_ratios(control, treatment)
    return np.asarray((found.status == "ok") & (found.p_value < design.level))


def _within(design: Design, control: MomentsTable, treatment: MomentsTable) -> NDArray[np.bool_]:
    """Judge non-inferiority or equivalence, by the margin of the design."""
    settings: Any = {"margin" if design.relative else "margin_absolute": design.margin}
    settings.update(measure=design.measure, alpha=design.level)
    if design.test == "equivalence":
        return np.asarray(equivalence(control, treatment, **settings).equivalent)
    return np.asarray(non_inferiority(control, treatment, **settings).non_inferior)


MEAN, SD = 5.0, 2.0


def _means(size: float, **settings: Any) -> MeansDesign:
    del size
    return MeansDesign(mean=MEAN, sd=SD, **settings)


def _unequal(size: float, **settings: Any) -> MeansDesign:
    return replace(_means(size, **settings), sd_treatment=2.0 * SD)


def _with_margin(make: Callable[..., Design], size: float, **settings: Any) -> Design:
    return make(size, margin=size, **settings)


def _normal_arms(design: MeansDesign, difference: float) -> Arms:
    return (
        normal(np.array([MEAN]), np.array([[SD**2]])),
        normal(np.array([MEAN + difference]), np.array([[(design.sd_treatment or SD) ** 2]])),
    )


CORRELATION = 0.7


def _cuped(size: float, **settings: Any) -> MeansDesign:
    del size
    return MeansDesign(mean=MEAN, sd=SD, correlation=CORRELATION, **settings)


def _cuped_arms(design: MeansDesign, difference: float) -> Arms:
    del design
    shared = CORRELATION * SD
    spread = np.array([[SD**2, shared], [shared, 1.0]])
    return normal(np.array([MEAN, 0.0]), spread), normal(np.array([MEAN + difference, 0.0]), spread)


CLUSTERS = Clusters(mean_size=10, icc=0.1)


def _clustered(size: float, **settings: Any) -> MeansDesign:
    return replace(_means(size, **settings), clusters=CLUSTERS)


def _cluster_arms(design: MeansDesign, difference: float) -> Arms:
    """Return means of clusters of equal size."""
    variance = (
        SD**2 * design.clusters.design_effect / CLUSTERS.mean_size if design.clusters else 0.0
    )
    return (
        normal(np.array([MEAN]), np.array([[variance]])),
        normal(np.array([MEAN + difference]), np.array([[variance]])),
    )


def _exponential(size: float, **settings: Any) -> MeansDesign:
    return MeansDesign(mean=1.0, sd=1.0, sd_treatment=1.0 + size, **settings)


def _exponential_arms(design: MeansDesign, difference: float) -> Arms:
    del design
    world = worlds.exponential()
    return world.control, world.treatment(difference, False)


def _proportions(
    baseline: float, method: str | None, size: float, **settings: Any
) -> ProportionsDesign:
    del size
    chosen: Any = method
    return ProportionsDesign(baseline, method=chosen, **settings)


def _binary_arms(design: ProportionsDesign, difference: float) -> Arms:
    world = worlds.rare_event(design.baseline)
    return world.control, world.treatment(difference / design.baseline, False)


RATIO, DENOMINATOR, RESIDUAL = 0.3, (5.0, 1.5), 1.0
"""The ratio, mean and sd of the denominator, and the sd of numerator - ratio x denominator."""


def _part_moments(ratio: float) -> tuple[Floats, Floats]:
    """Return means and covariance of (numerator, denominator)."""
    mean, sd = DENOMINATOR
    shared = ratio * sd**2
    return (
        np.array([ratio * mean, mean]),
        np.array([[ratio * shared + RESIDUAL**2, shared], [shared, sd**2]]),
    )


def _ratios(size: float, **settings: Any) -> RatioDesign:
    del size
    mean, spread = _part_moments(RATIO)
    return RatioDesign(mean[0], mean[1], spread[0, 0], spread[1, 1], spread[0, 1], **settings)


def _ratio_arms(design: RatioDesign, difference: float) -> Arms:
    """Return arms of the same variance about their own ratio, as the design has it."""
    del design
    return normal(*_part_moments(RATIO)), normal(*_part_moments(RATIO + difference))


RATE = 0.5


def _rates(dispersion: float, size: float, **settings: Any) -> RateDesign:
    del size
    if dispersion == 1.0:
        return RateDesign(RATE, **settings)
    return RateDesign(RATE, dispersion=dispersion, method="welch", **settings)


def _events(rate: float, dispersion: float) -> Arm:
    """Return events per user, Poisson or with a variance that is a multiple of the mean."""

    def draw(rng: np.random.Generator, size: tuple[int, int]) -> Floats:
        shape = rate / (dispersion - 1.0)
        return rng.negative_binomial(shape, 1.0 / dispersion, size).astype(float)

    def summed(rng: np.random.Generator, runs: int, n: int) -> MomentsTable:
        # the score test needs the total alone
        total = rng.poisson(n * rate, runs)
        return MomentsTable.from_columns(np.full(runs, n), total / n, np.ones(runs))

    return Arm(draw, rate, rate * dispersion, summed if dispersion == 1.0 else None)


def _event_arms(design: RateDesign, difference: float) -> Arms:
    return _events(RATE, design.dispersion), _events(RATE + difference, design.dispersion)


def _mean_kind(title: str, shown: Judge, **settings: Any) -> Kind:
    return Kind(title, partial(_means, **settings), _same, _normal_arms, shown)


def _margin_kind(
    title: str, make: Callable[..., Design], arms: Callable[[Any, float], Arms], **settings: Any
) -> Kind:
    """Return a test against the margin of what is equal in truth."""
    largest = 0.15 if arms is _binary_arms else 0.99 if settings.get("relative") else 20.0
    design = partial(_with_margin, make, **settings)
    return Kind(title, design, _none, arms, _within, largest)


def _share_kind(title: str, baseline: float, planned: str | None, judged: str) -> Kind:
    return Kind(
        title,
        partial(_proportions, baseline, planned),
        _same,
        _binary_arms,
        _superior(compare_proportions, judged),
        0.99 * (1.0 - baseline),
    )


WELCH = _mean_kind("mean, Welch", _superior(compare_means, "welch"))
STUDENT = _mean_kind("mean, Student", _superior(compare_means, "student"), method="student")
Z = _mean_kind("mean, z", _superior(compare_means, "z"), method="z")
ONE_SIDED = _mean_kind("mean, one-sided", _superior(compare_means, "welch"), alternative="greater")
UNEQUAL = Kind(
    "mean, twice the sd in treatment",
    _unequal,
    _same,
    _normal_arms,
    _superior(compare_means, "welch"),
)
EXPONENTIAL = Kind(
    "mean, exponential", _exponential, _same, _exponential_arms, _superior(compare_means, "welch")
)
CUPED = Kind(
    "mean, CUPED (correlation 0.7)", _cuped, _same, _cuped_arms, _superior(compare_means, "welch")
)
CLUSTERED = Kind(
    "mean, clusters of 10", _clustered, _same, _cluster_arms, _superior(compare_means, "welch")
)
NOT_WORSE = _margin_kind("mean, non-inferiority", _means, _normal_arms, test="non_inferiority")
NOT_WORSE_RELATIVE = _margin_kind(
    "mean, non-inferiority, relative margin",
    _means,
    _normal_arms,
    test="non_inferiority",
    relative=True,
)
EQUIVALENT = _margin_kind("mean, equivalence", _means, _normal_arms, test="equivalence")
EQUIVALENT_RELATIVE = _margin_kind(
    "mean, equivalence, relative margin",
    _means,
    _normal_arms,
    test="equivalence",
    relative=True,
)
SCORE = _share_kind("proportion of 20%, score", 0.2, None, "score")
SHARE_WELCH = _share_kind("proportion of 20%, Welch", 0.2, "welch", "welch")
ARCSINE = _share_kind("proportion of 20%, arcsine for the score test", 0.2, "arcsine", "score")
RARE = _share_kind("proportion of 0.4%, score", 0.004, None, "score")
SHARE_NOT_WORSE = _margin_kind(
    "proportion of 20%, non-inferiority",
    partial(_proportions, 0.2, None),
    _binary_arms,
    test="non_inferiority",
)
SHARE_EQUIVALENT = _margin_kind(
    "proportion of 20%, equivalence",
    partial(_proportions, 0.2, None),
    _binary_arms,
    test="equivalence",
)
RATIOS = Kind("ratio of totals", _ratios, _same, _ratio_arms, _by_ratio)
RATES = Kind(
    "Poisson rate, score",
    partial(_rates, 1.0),
    _same,
    _event_arms,
    _superior(compare_rates, "score"),
)
DISPERSED = Kind(
    "rate of dispersion 2, Welch",
    partial(_rates, 2.0),
    _same,
    _event_arms,
    _superior(compare_means, "welch"),
)
