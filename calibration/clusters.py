"""Clusters of rows: how alike their rows are, how many clusters there are, and how unequal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property, partial
from itertools import product

import numpy as np

from abtest.stats import (
    ClusterTable,
    NotEstimable,
    compare_clustered_means,
    compare_means_of_clusters,
    intraclass_correlation,
)
from abtest.stats.moments import Floats
from calibration.answers import LEVEL
from calibration.cell import Cell, Observed
from calibration.tally import Tally
from calibration.two_arms import noncentrality, sizes_of

RUNS = 2_000
TOTALS = (10, 20, 50, 200)
"""Clusters of both arms."""
CORRELATIONS = (0.0, 0.05, 0.3)
ROWS = 20
MEAN = 5.0
"""Of control, in standard deviations of a row."""
SIGMA = 1.0
"""Of the logarithms of unequal sizes."""
EXPLAINED = 0.7
"""Correlation of a cluster's covariate with what its rows share."""


@dataclass(frozen=True)
class Clusters:
    """Rows with a normal part of their cluster and a normal part of their own.

    Attributes
    ----------
    correlation
        Of two rows of a cluster.
    unequal
        Whether sizes are lognormal; else all are `ROWS`.
    """

    correlation: float
    unequal: bool

    def sizes(self, rng: np.random.Generator, clusters: int) -> Floats:
        """Return rows by cluster, `ROWS` on average (a little more where it is rounded up)."""
        if not self.unequal:
            return np.full(clusters, float(ROWS))
        drawn = rng.lognormal(np.log(ROWS) - SIGMA**2 / 2.0, SIGMA, clusters)
        return np.asarray(np.ceil(drawn))

    def draw(self, rng: np.random.Generator, clusters: int, mean: float, first: int) -> Floats:
        """Return names, sizes, sums and squares about `MEAN`, and a covariate, as columns."""
        n = self.sizes(rng, clusters)
        shared, other = rng.standard_normal((2, clusters))
        covariate = EXPLAINED * shared + np.sqrt(1.0 - EXPLAINED**2) * other
        own = np.sqrt(1.0 - self.correlation)
        means = mean - MEAN + np.sqrt(self.correlation) * shared
        means = means + own * rng.standard_normal(clusters) / np.sqrt(n)
        within = own**2 * rng.chisquare(np.maximum(n - 1.0, 0.5)) * (n > 1.0)
        names = first + np.arange(clusters)
        return np.array([names, n, n * means, within + n * means**2, covariate])

    def variance(self) -> float:
        """Return the variance of the mean of a cluster of `ROWS`."""
        return self.correlation + (1.0 - self.correlation) / ROWS


@dataclass(frozen=True)
class ClusteredMeans:
    """All ways to compare arms of clusters, and the correlation, on the same draws."""

    clusters: Clusters
    sizes: tuple[int, int]
    effect: float
    covariate: bool = field(default=False, kw_only=True)

    @cached_property
    def truth(self) -> tuple[float, float]:
        """The true difference and relative effect."""
        return self.effect, self.effect / MEAN

    def __call__(self, rng: np.random.Generator, runs: int) -> list[Observed]:
        """Return what they did in every draw."""
        names = ("CR2", "mean of clusters", "totals of clusters", "CR2 with a covariate")
        tally = Tally(dict.fromkeys(names, self.truth), powered=self.effect > 0.0)
        held: list[bool] = []
        for _ in range(runs):
            drawn = [
                self.clusters.draw(rng, size, mean, first)
                for size, mean, first in zip(
                    self.sizes, (MEAN, MEAN + self.effect), (0, self.sizes[0]), strict=True
                )
            ]
            if self.covariate:
                arms = [_with_covariate(arm) for arm in drawn]
                tally.compare(names[3], partial(compare_clustered_means, *arms))
                continue
            arms = [_plain(arm) for arm in drawn]
            tally.compare(names[0], partial(compare_clustered_means, *arms))
            tally.compare(names[1], partial(compare_means_of_clusters, *arms))
            tally.compare(names[2], partial(compare_means_of_clusters, *arms, weights="size"))
            held += self._held(arms)
        found = tally.observed()
        if not self.covariate:
            missing = runs - len(held)
            name = "correlation within clusters"
            found.append(Observed(name, "coverage", LEVEL, sum(held), len(held), missing))
        return found

    def _held(self, arms: list[ClusterTable]) -> list[bool]:
        """Return whether the interval of the correlation holds it; nothing where there is none."""
        try:
            lower, upper = intraclass_correlation(*arms).interval
        except NotEstimable:
            return []
        if lower is None or upper is None:
            return []
        return [lower <= self.clusters.correlation <= upper]


def _plain(arm: Floats) -> ClusterTable:
    names, n, sums, squares, _ = arm
    return ClusterTable.from_sums(names, n, sums, squares, pilot=MEAN)


def _with_covariate(arm: Floats) -> ClusterTable:
    """Return a table of two variables; the second is the same for all rows of a cluster."""
    names, n, sums, squares, covariate = arm
    crossed = sums * covariate
    products = np.array([[squares, crossed], [crossed, n * covariate**2]]).transpose(2, 0, 1)
    columns = np.column_stack([sums, n * covariate])
    return ClusterTable.from_sums(names, n, columns, products, pilot=(MEAN, 0.0))


def cells() -> Iterator[Cell]:
    """Return the grid."""
    for total, correlation, unequal in product(TOTALS, CORRELATIONS, (False, True)):
        clusters = Clusters(correlation, unequal)
        half, uneven = sizes_of(total, 0.5), sizes_of(total, 0.2)
        reduced = total == 20 and correlation == 0.05
        null = ClusteredMeans(clusters, half, 0.0)
        yield _cell("50/50, no effect", null, reduced)
        yield _cell("80/20, no effect", ClusteredMeans(clusters, uneven, 0.0), reduced=False)
        if unequal:
            continue
        errors = noncentrality(total - 2.0)
        effect = errors * float(np.sqrt(clusters.variance() * (1.0 / half[0] + 1.0 / half[1])))
        yield _cell("50/50, effect", ClusteredMeans(clusters, half, effect), reduced)
        if correlation == CORRELATIONS[-1]:
            adjusted = ClusteredMeans(clusters, half, 0.0, covariate=True)
            yield _cell("50/50, covariate, no effect", adjusted, reduced=False)


def _cell(note: str, drawn: ClusteredMeans, reduced: bool) -> Cell:
    sizes = "lognormal sizes" if drawn.clusters.unequal else f"{ROWS} rows each"
    situation = f"correlation {drawn.clusters.correlation:g}, {sizes}"
    return Cell("clusters", situation, drawn.sizes, note, drawn, RUNS, reduced=reduced)
