"""How alike rows of one cluster are, and what that costs."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import special

from abtest.errors import UsageError
from abtest.stats.arguments import require_level
from abtest.stats.clusters.correlation_result import ClusterCorrelation
from abtest.stats.clusters.door import apart, cluster_tables
from abtest.stats.clusters.table import ClusterTable
from abtest.stats.moments import SMALLEST_SQUARES
from abtest.stats.not_estimable import NotEstimable, not_finite, too_small
from abtest.stats.results import WarningCode

_FEWEST_CLUSTERS = 20
"""Clusters below which an estimate says little: the interval is about 0.3 wide at 10 rows each."""
_END = 1e-12


def intraclass_correlation(*arms: Any, confidence_level: float = 0.95) -> ClusterCorrelation:
    """Return how alike rows of one cluster are, with the design effect that follows.

    The correlation of two rows of one cluster, estimated by analysis of variance within arms:
    (MSB - MSW) / (MSB + (n0 - 1) MSW), MSB and MSW the mean squares between and within clusters,
    n0 = (N - sum over arms of sum n_g^2 / N_a) / (G - arms) (Donner & Klar 2000, Design and
    Analysis of Cluster Randomization Trials, section 1.4 and 6.2).

    Parameters
    ----------
    arms
        One or more of (values, clusters) or `ClusterTable`, such as control and treatment, or past
        data as one. Differences between arms are not counted as likeness.
    confidence_level
        Of the interval.

    Returns
    -------
    ClusterCorrelation
        The estimate may be below 0 where rows of a cluster are less alike than chance would make
        them; the design effect is then that of 0. With ``few_clusters`` below 20 clusters.

    Raises
    ------
    UsageError
        If an arm is neither, a cluster is null or in several arms, or the level is no level.
    NotEstimable
        ``too_few_units`` (an arm of one cluster, or no cluster of two rows), ``constant`` (no row
        differs from another), ``not_finite``, ``too_small``.

    Notes
    -----
    The interval is Wald's (1940, Ann. Math. Stat. 11, 96), exact for normal data whatever the
    sizes of clusters: those correlations rho with F(rho) between the quantiles of F, where
    F(rho) = sum w_g (m_g - m_w)^2 / ((G - arms) MSW), w_g = n_g / (1 + n_g rho / (1 - rho)), m_w
    their weighted mean in the arm. For equal sizes it is Searle's (1971, Linear Models, 9.8). For
    binary values it is approximate. There is no test of a correlation of 0 here: rows of
    randomised clusters are not independent because a test did not see it.

    Examples
    --------
    >>> values = [3, 4, 3, 9, 8, 7, 1, 2, 2, 5, 7, 6]
    >>> found = intraclass_correlation((values, list("aaabbbcccddd")))
    >>> round(found.estimate, 3), round(found.design_effect, 2)
    (0.92, 2.84)
    >>> [round(limit, 3) for limit in found.interval]
    [0.649, 0.994]
    """
    require_level(confidence_level)
    if not arms:
        raise UsageError("A correlation needs rows", given="no arm", todo="Give one or more.")
    tables = cluster_tables(arms, names=[f"arm {place + 1}" for place in range(len(arms))])
    between = _Between(tables)
    clusters, rows = sum(len(table) for table in tables), float(between.n.sum())
    df = clusters - len(tables), rows - clusters
    if df[1] < 1.0:
        raise NotEstimable(
            "too_few_units",
            "No cluster has two rows",
            given=f"{clusters} clusters of one row",
            todo="With one row per cluster there is no correlation, and no design effect.",
        )
    with np.errstate(over="ignore", invalid="ignore"):
        inside = sum(float(table.m2[:, 0, 0].sum()) for table in tables)
        mean_squares = between.spread(0.0) / df[0], inside / df[1]
    _require_squares(mean_squares, inside)
    sizes = sum(float((table.n**2).sum() / table.n.sum()) for table in tables)
    n0 = (rows - sizes) / df[0]
    total = mean_squares[0] + (n0 - 1.0) * mean_squares[1]
    estimate = (mean_squares[0] - mean_squares[1]) / total
    codes: list[WarningCode] = ["few_clusters"] if clusters < _FEWEST_CLUSTERS else []
    limits: tuple[float | None, float | None] = (None, None)
    if mean_squares[1] > 0.0:
        limits = _limits(between, mean_squares[1], df, confidence_level)
    else:
        codes.append("constant_clusters")
    return ClusterCorrelation(
        estimate=float(estimate),
        lower=limits[0],
        upper=limits[1],
        confidence_level=confidence_level,
        clusters=clusters,
        rows=int(rows),
        size_by_row=float((between.n**2).sum() / rows),
        variance_between=float((mean_squares[0] - mean_squares[1]) / n0),
        variance_within=float(mean_squares[1]),
        nulls=sum(table.nulls for table in tables),
        warnings=tuple(codes),
    )


class _Between:
    """Clusters' means within their arms, and how they spread for a given correlation."""

    def __init__(self, tables: list[ClusterTable]) -> None:
        self.arms = [(table.n, apart(table)[1]) for table in tables]
        self.n = np.concatenate([table.n for table in tables])

    def spread(self, correlation: float) -> float:
        """Return the weighted squares of clusters' means about their arms' weighted means."""
        total = 0.0
        for n, deviations in self.arms:
            weights = n * (1.0 - correlation) / (1.0 + (n - 1.0) * correlation)
            about = deviations - float(weights @ deviations) / float(weights.sum())
            total += float(weights @ about**2)
        return total


def _limits(
    between: _Between, within: float, df: tuple[float, float], confidence_level: float
) -> tuple[float, float]:
    """Return the correlations where the ratio of variances reaches a quantile of F."""
    from scipy.optimize import brentq

    outside = (1.0 - confidence_level) / 2.0
    smallest = -(1.0 - _END) / (float(between.n.max()) - 1.0)
    found = []
    for share in (1.0 - outside, outside):
        wanted = float(special.fdtri(*df, share)) * df[0] * within
        if between.spread(smallest) <= wanted:
            found.append(smallest)
        elif between.spread(1.0 - _END) >= wanted:
            found.append(1.0)
        else:
            ends = smallest, 1.0 - _END
            found.append(float(brentq(lambda r: between.spread(r) - wanted, *ends, xtol=1e-15)))  # noqa: B023
    return found[0], found[1]


def _require_squares(mean_squares: tuple[float, float], inside: float) -> None:
    """Refuse squares that overflow, underflow or are 0 all.

    Raises
    ------
    NotEstimable
        ``not_finite``, ``too_small`` or ``constant``.
    """
    if not math.isfinite(sum(mean_squares)):
        raise not_finite()
    if 0.0 < inside < SMALLEST_SQUARES:
        raise too_small()
    if not sum(mean_squares) > 0.0:
        raise NotEstimable(
            "constant",
            "No row differs from the others of its arm",
            todo="Check that the metric counts what it should.",
        )
