"""Means over rows of two arms whose clusters were randomised."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from abtest.stats.arguments import require_interval
from abtest.stats.clusters.adjusted import adjusted_robust_pair
from abtest.stats.clusters.door import cluster_tables
from abtest.stats.clusters.robust import (
    FEWEST_CLUSTERS,
    FEWEST_DF,
    design_effects,
    robust_pair,
    worth,
)
from abtest.stats.columns import filled
from abtest.stats.comparison import Comparison
from abtest.stats.floats import Values
from abtest.stats.results import Alternative, WarningCode


def compare_clustered_means(
    control: Any,
    treatment: Any,
    *,
    covariates: tuple[Values, Values] | None = None,
    alternative: Alternative = "two-sided",
    confidence_level: float = 0.95,
) -> Comparison:
    """Return the difference of means over rows, where clusters of rows were randomised.

    Such as orders of shops, or sessions of users, when shops or users were assigned. Rows of one
    cluster are alike: to take them for independent makes intervals too short, by the root of the
    design effect. Here each cluster is one observation: cluster-robust variances CR2 with
    Satterthwaite's degrees of freedom (Bell & McCaffrey 2002, Survey Methodology 28, 169;
    Pustejovsky & Tipton 2018, JBES 36, 672), made for few clusters and for clusters of unequal
    size; with many of them they are those of any other cluster-robust method.

    Parameters
    ----------
    control, treatment
        (values, clusters): the value and the cluster of every row. Clusters are numbers, text,
        dates or tuples, or several columns (a frame, a list of arrays). Or a `ClusterTable`: one
        line per cluster, the answer is the same; of several variables it is (value,
        covariates...), which are adjusted for. Rows with a null value are left out and counted.
    covariates
        Values of the same rows from before exposure, (control, treatment), as in `compare_means`:
        of rows or the same for all rows of a cluster. One slope for both arms, since clusters are
        few. A missing value becomes the mean of the others, and a further covariate says where.
    alternative
        ``two-sided``, ``greater`` or ``less``; the intervals are of the same kind.
    confidence_level
        Of both intervals.

    Returns
    -------
    Comparison
        `n_control` and `n_treatment` are clusters, the nulls rows; `details` has the rows of
        each arm and, without covariates, its design effect: how many times the variance is that
        of independent rows. The relative effect is Fieller's set with the same degrees of
        freedom. With ``few_clusters`` where an arm is worth fewer than 10 clusters of equal size,
        (sum n)^2 / sum n^2, or fewer than 4 degrees of freedom are left (Tipton 2015, Psychol.
        Methods 20, 375: below that p-values are not to be trusted).

    Raises
    ------
    UsageError
        If an arm is neither, a cluster is null or in both arms, or an argument is out of range.
    NotEstimable
        ``too_few_units`` (fewer than two clusters in an arm), ``constant`` (clusters' means do
        not vary), ``not_finite``, ``too_small``.

    Notes
    -----
    The estimand is the mean over rows: a cluster of 1,000 rows counts a hundred times one of ten.
    `compare_means_of_clusters` answers about the mean cluster.

    Degrees of freedom are those of independent rows of equal variance in both arms, as in R's
    clubSandwich: with clusters of one row the variance is Welch's and the degrees of freedom are
    known beforehand. Own simulation of tests at 5%: clusters of 10 rows, 4 an arm, reject in 5.0%;
    4 against 20 in 4.0%, and in 7.1% if the four have three times the standard deviation. Sizes
    lognormal with sigma 1: 5.5% with 5 an arm, 6.3% with 10 (6.8% where half of the variance is
    between clusters), 6.0% with 30; one cluster with most of the rows: 10.6%.
    `compare_means_of_clusters` keeps its level there; it compares another thing, the mean cluster.

    Examples
    --------
    >>> control = ([3, 4, 3, 9, 8, 1, 2, 4], ["a", "a", "a", "b", "b", "c", "c", "d"])
    >>> treatment = ([5, 6, 12, 13, 9, 4, 8, 7], ["e", "e", "f", "f", "f", "g", "h", "h"])
    >>> result = compare_clustered_means(control, treatment)
    >>> round(result.estimate, 4), round(result.df, 3), round(result.p_value, 4)
    (3.75, 5.207, 0.1733)
    >>> from abtest.stats import ClusterTable
    >>> names, rows = ["a", "b", "c", "d"], [3, 2, 2, 1]
    >>> table = ClusterTable.from_sums(names, rows, sums=[10, 17, 3, 4], squares=[34, 145, 5, 16])
    >>> round(compare_clustered_means(table, treatment).p_value, 4)
    0.1733
    """
    require_interval(confidence_level, alternative)
    extra, codes = filled(covariates, with_mean=True)
    arms = cluster_tables((control, treatment), extra)
    pair = robust_pair(*arms)
    adjusted = pair
    if arms[0].centre.size > 1:
        adjusted = adjusted_robust_pair(pair, *arms)
    few: tuple[WarningCode, ...] = ()
    if min(map(worth, arms)) < FEWEST_CLUSTERS or (adjusted.df or np.inf) < FEWEST_DF:
        few = ("few_clusters",)
    details = {"rows_control": float(arms[0].rows), "rows_treatment": float(arms[1].rows)}
    if adjusted is pair:
        details |= design_effects(pair, *arms)
    found = Comparison.of(
        adjusted.with_warnings(*codes, *few), arms, alternative, confidence_level, measure="mean"
    )
    return replace(found, details=details, counted="clusters")
