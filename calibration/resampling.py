"""Bootstrap and permutation: means, their ratio and 90th percentiles, of units and of clusters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import product

import numpy as np

from abtest.stats import (
    SampleQuantile,
    ValueCounts,
    bootstrap,
    cluster_bootstrap,
    permutation,
)
from abtest.stats.moments import Floats
from abtest.stats.resampling.bootstrap import BootstrapMethod
from abtest.stats.resampling.statistic import Mean, Resampling
from calibration import worlds
from calibration.cell import Cell, Observed
from calibration.quantiles import NEEDED, Durations, Lognormal
from calibration.tally import Tally
from calibration.two_arms import SPLITS, TwoArms, detectable, sizes_of
from calibration.worlds import Arm, World

SIZES = (30, 100, 1_000)
CLUSTERS = (10, 20, 50, 200)
"""By arm."""
RUNS = 1_000
REPLICATES = 999
METHODS: tuple[BootstrapMethod, ...] = ("percentile", "basic", "bca", "studentized", "poisson")
OF_QUANTILES: tuple[BootstrapMethod, ...] = ("percentile", "basic", "poisson")
OF_CLUSTERS = ("percentile", "basic")
SHARE = 0.9


@dataclass(frozen=True, eq=False)
class OnceDrawn(Mean):
    """The mean, whose replicates are drawn once for all methods that take the same ones."""

    drawn: dict[tuple[int, bool], Floats] = field(default_factory=dict)

    def resampled(self, sample: ValueCounts, how: Resampling, rng: np.random.Generator) -> Floats:
        """Return the means of bootstrap samples; the generator's state says which they are."""
        key = (rng.bit_generator.state["state"]["state"], how.poisson)
        if key not in self.drawn:
            self.drawn[key] = super().resampled(sample, how, rng)
        return self.drawn[key]


@dataclass(frozen=True)
class Means:
    """All methods of the mean, and of the ratio of means, on the same draws."""

    arms: tuple[Arm, Arm]
    sizes: tuple[int, int]
    powered: bool

    def __call__(self, rng: np.random.Generator, runs: int) -> list[Observed]:
        """Return what they did in every draw."""
        control, treatment = (arm.value for arm in self.arms)
        truth = treatment - control, treatment / control - 1.0
        names = (*METHODS, "permutation")
        tally = Tally(dict.fromkeys(names, truth), powered=self.powered)
        for _ in range(runs):
            drawn = [
                ValueCounts.from_values(arm.draw(rng, (1, n))[0])
                for arm, n in zip(self.arms, self.sizes, strict=True)
            ]
            once, seed = OnceDrawn(), int(rng.integers(2**31))
            compare = partial(bootstrap, *drawn, seed=seed, replicates=REPLICATES)
            for method in METHODS:
                tally.compare(method, partial(compare, method=method, statistic=once))
            tally.compare(
                "permutation",
                partial(permutation, *drawn, seed=seed, replicates=REPLICATES),
            )
        return tally.observed()


@dataclass(frozen=True)
class Percentiles:
    """All methods of the 90th percentile, on the same draws."""

    arms: tuple[Lognormal, Lognormal]
    sizes: tuple[int, int]

    def __call__(self, rng: np.random.Generator, runs: int) -> list[Observed]:
        """Return what they did in every draw."""
        control, treatment = (arm.quantile(SHARE) for arm in self.arms)
        truth = treatment - control, treatment / control - 1.0
        tally = Tally(dict.fromkeys(OF_QUANTILES, truth))
        for _ in range(runs):
            drawn = [
                ValueCounts.from_values(arm.draw(rng, n))
                for arm, n in zip(self.arms, self.sizes, strict=True)
            ]
            compare = partial(
                bootstrap,
                *drawn,
                seed=int(rng.integers(2**31)),
                statistic=SampleQuantile(SHARE),
                replicates=REPLICATES,
            )
            for method in OF_QUANTILES:
                tally.compare(method, partial(compare, method=method))
        return tally.observed()


@dataclass(frozen=True)
class Correlated:
    """Normal events, five of each cluster, which are alike."""

    mean: float = 5.0
    correlation: float = 0.2
    each: int = 5

    @property
    def variance(self) -> float:
        """Variance of a cluster's mean."""
        return self.correlation + (1.0 - self.correlation) / self.each

    def draw(self, rng: np.random.Generator, clusters: int) -> tuple[Floats, Floats]:
        """Return values and clusters of the events."""
        shared = rng.normal(self.mean, np.sqrt(self.correlation), (clusters, 1))
        own = rng.normal(0.0, np.sqrt(1.0 - self.correlation), (clusters, self.each))
        return (shared + own).ravel(), np.repeat(np.arange(clusters), self.each)


@dataclass(frozen=True)
class Clusters:
    """The cluster bootstrap of the mean and, of durations, of the 90th percentile.

    Attributes
    ----------
    arms
        Control and treatment.
    clusters
        In each.
    powered
        Whether power is to be shown.
    """

    arms: tuple[Correlated | Durations, Correlated | Durations]
    clusters: int
    powered: bool = False

    @property
    def truths(self) -> dict[str, tuple[float, float]]:
        """The true effects of every method."""
        control, treatment = (arm.mean for arm in self.arms)
        truth = treatment - control, treatment / control - 1.0
        found = {f"{method}, mean": truth for method in OF_CLUSTERS}
        first, second = self.arms
        if isinstance(first, Durations) and isinstance(second, Durations):
            low, high = first.quantile(SHARE), second.quantile(SHARE)
            found[f"percentile, p{100 * SHARE:g}"] = high - low, high / low - 1.0
        return found

    def __call__(self, rng: np.random.Generator, runs: int) -> list[Observed]:
        """Return what they did in every draw."""
        tally = Tally(self.truths, powered=self.powered)
        for _ in range(runs):
            drawn = [arm.draw(rng, self.clusters) for arm in self.arms]
            compare = partial(
                cluster_bootstrap,
                *drawn,
                seed=int(rng.integers(2**31)),
                replicates=REPLICATES,
            )
            for name in tally.truths:
                kind = "basic" if name.startswith("basic") else "percentile"
                statistic = "mean" if name.endswith("mean") else SampleQuantile(SHARE)
                tally.compare(name, partial(compare, method=kind, statistic=statistic))
        return tally.observed()


def _of_means() -> Iterator[Cell]:
    for world, totals in ((worlds.exponential(), SIZES), (worlds.revenue(), SIZES[1:])):
        for total, (split, share) in product(totals, SPLITS.items()):
            for unequal, powered in ((False, False), (True, False), (False, True)):
                if (unequal and total != SIZES[1]) or (powered and total > SIZES[1]):
                    continue  # alike, and slow
                sizes = sizes_of(total, share)
                arms = _arms(world, sizes, unequal=unequal, powered=powered)
                if arms is None:
                    continue
                spread = "unequal variances" if unequal else "equal"
                note = f"{split}, {spread}, {'effect' if powered else 'no effect'}"
                drawn = Means(arms, sizes, powered)
                reduced = total == SIZES[0] and split == "50/50" and not powered
                yield Cell("bootstrap", world.title, sizes, note, drawn, RUNS, reduced=reduced)


def _arms(
    world: World, sizes: tuple[int, int], *, unequal: bool, powered: bool
) -> tuple[Arm, Arm] | None:
    """Return both arms; None where no effect can be found with so few units."""
    effect = 0.0
    if powered:
        effect = detectable(TwoArms(world, (), sizes, unequal, powered))
    if effect > world.largest:
        return None
    return world.control, world.treatment(effect, unequal)


def _of_percentiles() -> Iterator[Cell]:
    values = Lognormal()
    for total, (split, share), more in product(SIZES, SPLITS.items(), (1.0, 1.5)):
        drawn = Percentiles((values, Lognormal(more)), sizes_of(total, share))
        note = f"{split}, {'no effect' if more == 1.0 else 'effect'}"
        reduced = total == SIZES[1]
        yield Cell("bootstrap", "lognormal, p90", drawn.sizes, note, drawn, RUNS, reduced=reduced)


def _of_clusters() -> Iterator[Cell]:
    events, durations = Correlated(), Durations()
    for clusters in CLUSTERS:
        effect = NEEDED * float(np.sqrt(2.0 * events.variance / clusters))
        normal, slow = "normal events, 5 of a cluster", "durations of events, skewed"
        for title, note, drawn in (
            (normal, "no effect", Clusters((events, events), clusters)),
            (
                normal,
                "effect",
                Clusters((events, Correlated(events.mean + effect)), clusters, powered=True),
            ),
            (slow, "no effect", Clusters((durations, durations), clusters)),
        ):
            sizes = (clusters, clusters)
            split = f"50/50, {note}"
            reduced = clusters == CLUSTERS[0]
            yield Cell("cluster bootstrap", title, sizes, split, drawn, RUNS, reduced=reduced)


def cells() -> Iterator[Cell]:
    """Return the grid."""
    yield from _of_means()
    yield from _of_percentiles()
    yield from _of_clusters()
