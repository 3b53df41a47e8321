"""Tests with one number per cluster: its mean, or its total over its size."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal, get_args

import numpy as np

from abtest.stats.arguments import require_interval, require_one_of
from abtest.stats.clusters.door import apart, cluster_tables
from abtest.stats.clusters.robust import FEWEST_CLUSTERS, worth
from abtest.stats.clusters.table import ClusterTable
from abtest.stats.comparison import Comparison
from abtest.stats.means.compare import plain_means
from abtest.stats.moments import Moments
from abtest.stats.pairs import ArmPair
from abtest.stats.ratios import estimate_ratios
from abtest.stats.results import Alternative, Method

ClusterWeights = Literal["equal", "size"]
"""Whether clusters count alike, or as their rows."""
_WEIGHTS = frozenset(get_args(ClusterWeights))


def compare_means_of_clusters(
    control: Any,
    treatment: Any,
    *,
    weights: ClusterWeights = "equal",
    alternative: Alternative = "two-sided",
    confidence_level: float = 0.95,
) -> Comparison:
    """Return the difference of two arms of clusters, each cluster being one observation.

    Parameters
    ----------
    control, treatment
        (values, clusters) or a `ClusterTable`, as in `compare_clustered_means`.
    weights
        Which question is asked. ``equal``: by how much does the mean of a cluster change, for the
        average cluster? Each cluster's mean counts once, in Welch's test; the measure is
        ``cluster_mean``. ``size``: by how much does the mean of a row change? Clusters count as
        their rows, whose number is random too: the ratio of totals to rows, by the delta method
        over clusters (Donner & Klar 2000, Design and Analysis of Cluster Randomization Trials,
        chapter 7; Deng, Knoblich & Lu 2018, KDD); the measure is ``mean``. Where effects differ
        between large and small clusters the two answers differ, and neither is wrong.
    alternative
        ``two-sided``, ``greater`` or ``less``; the intervals are of the same kind.
    confidence_level
        Of both intervals.

    Returns
    -------
    Comparison
        `n_control` and `n_treatment` are clusters, the nulls rows; `details` has the rows of each
        arm. With ``few_clusters`` where an arm has fewer than 10 clusters; by size, where it has
        no more than as many such clusters of equal size would hold: (sum n)^2 / sum n^2 < 10.

    Raises
    ------
    UsageError
        If an arm is neither, a cluster is null or in both arms, or an argument is out of range.
    NotEstimable
        ``too_few_units`` (fewer than two clusters in an arm), ``constant``, ``not_finite``,
        ``too_small``.

    Notes
    -----
    With ``equal`` the test is Welch's, close to its level for normal means of clusters however few
    they are: the safe choice below 10. Clusters of unequal size have means of unequal variance,
    which makes it less sharp, not wrong. With ``size`` the
    degrees of freedom are those of equally large clusters: where sizes differ much and clusters
    are few, `compare_clustered_means` (the same estimate) keeps its level better.

    Examples
    --------
    >>> control = ([3, 4, 3, 9, 8, 1, 2, 4], ["a", "a", "a", "b", "b", "c", "c", "d"])
    >>> treatment = ([5, 6, 12, 13, 9, 4, 8, 7], ["e", "e", "f", "f", "f", "g", "h", "h"])
    >>> for weights in ("equal", "size"):
    ...     result = compare_means_of_clusters(control, treatment, weights=weights)
    ...     print(result.measure, round(result.estimate, 4), round(result.p_value, 4))
    cluster_mean 2.75 0.2531
    mean 3.75 0.1537
    """
    require_interval(confidence_level, alternative)
    require_one_of(weights, _WEIGHTS, "way to weight clusters")
    arms = cluster_tables((control, treatment))
    counted = [float(len(arm)) for arm in arms]
    if weights == "size":
        pair = _by_size(*arms)
        counted = [worth(arm) for arm in arms]
    else:
        pair = _equal(*arms)
    few = ("few_clusters",) if min(counted) < FEWEST_CLUSTERS else ()
    found = Comparison.of(
        pair.with_warnings(*few),
        arms,
        alternative,
        confidence_level,
        measure="mean" if weights == "size" else "cluster_mean",
    )
    details = {"rows_control": float(arms[0].rows), "rows_treatment": float(arms[1].rows)}
    return replace(found, details=details, counted="clusters")


def _equal(control: ClusterTable, treatment: ClusterTable) -> ArmPair:
    """Return the means of the clusters' means."""
    moments, offsets = [], []
    for table in (control, treatment):
        overall, deviations = apart(table)
        moments.append(Moments.from_columns([deviations]))
        offsets.append(float(table.centre[0] + overall))
    return _moved(plain_means(moments[0], moments[1]), offsets, "cluster_welch")


def _by_size(control: ClusterTable, treatment: ClusterTable) -> ArmPair:
    """Return the ratios of totals to rows, about the arms' means over rows."""
    moments, offsets = [], []
    for table in (control, treatment):
        overall, deviations = apart(table)
        with np.errstate(over="ignore"):  # judged by what is made of it
            totals = table.n * deviations
        moments.append([Moments.from_columns([totals, table.n])])
        offsets.append(float(table.centre[0] + overall))
    return _moved(estimate_ratios(*moments, adjusted=False), offsets, "delta")


def _moved(pair: ArmPair, offsets: list[float], method: Method) -> ArmPair:
    """Return the pair with the numbers added that its values are about."""
    return replace(
        pair,
        control_value=offsets[0] + pair.control_value,
        treatment_value=offsets[1] + pair.treatment_value,
        method=method,
    )
