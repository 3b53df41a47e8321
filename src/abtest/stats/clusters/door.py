"""The door of clustered methods: two arms as tables of whole clusters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from abtest.errors import UsageError
from abtest.stats.clusters.table import ClusterTable
from abtest.stats.floats import Values
from abtest.stats.moments import SMALLEST_SQUARES, Floats
from abtest.stats.not_estimable import NotEstimable, not_finite, too_small

_EPSILON = float(np.finfo(np.float64).eps)


def cluster_table(arm: Any, name: str, covariates: Sequence[Values] = ()) -> ClusterTable:
    """Return an arm as a table of clusters, given as (values, clusters) or as one.

    Raises
    ------
    UsageError
        If it is neither, or a table comes with separate covariates.
    NotEstimable
        ``not_finite`` if a value is infinite.
    """
    if isinstance(arm, ClusterTable):
        if covariates:
            raise UsageError(
                "A table of clusters cannot be joined with covariates",
                given=f"a ClusterTable of {name} and separate covariates",
                todo="Sum value and covariates into one ClusterTable, or give rows for both.",
            )
        return arm
    if not (isinstance(arm, tuple | list) and len(arm) == 2):
        raise UsageError(
            f"The rows of {name} are (values, clusters)",
            given=type(arm).__name__,
            todo="Give the value and the cluster of every row, or a ClusterTable.",
        )
    return ClusterTable.from_rows(arm[0], arm[1], covariates, name)


def cluster_tables(
    arms: Sequence[Any],
    covariates: Sequence[tuple[Values, Values]] = (),
    names: Sequence[str] = ("control", "treatment"),
) -> list[ClusterTable]:
    """Return arms as tables of at least two clusters each, none of them in two arms.

    Raises
    ------
    UsageError
        If a cluster is in two arms, the arms have different variables, or as `cluster_table`.
    NotEstimable
        ``too_few_units`` (fewer than two clusters in an arm), ``not_finite``.
    """
    tables = [
        cluster_table(arm, name, [pair[place] for pair in covariates])
        for place, (arm, name) in enumerate(zip(arms, names, strict=True))
    ]
    if len({table.centre.size for table in tables}) != 1:
        raise UsageError(
            "Both arms need the same variables",
            given=f"{[table.centre.size for table in tables]} variables",
            todo="Sum the same columns in both.",
        )
    counts = [len(table) for table in tables]
    repeated = sum(counts) - len(set().union(*(table.clusters for table in tables)))
    if repeated:
        raise UsageError(
            "A cluster is in one arm: these methods are for clusters that were randomised whole",
            given=f"{repeated} clusters with rows in both arms",
            todo="Name clusters (arm, number) if their numbers start again in each arm; else leave "
            "those out, or compare arms within clusters.",
        )
    if min(counts) < 2:
        raise NotEstimable(
            "too_few_units",
            "An arm has fewer than two clusters with a value",
            given=f"{counts} clusters of {', '.join(names)}",
            todo="Clusters were randomised, so that rows of one cluster cannot tell the error.",
        )
    return tables


def apart(table: ClusterTable) -> tuple[float, Floats]:
    """Return the mean of the first variable over rows minus `centre`, and clusters' about it.

    Deviations that are smaller than the rounding of the means are 0.

    Raises
    ------
    NotEstimable
        ``not_finite`` or ``too_small`` where squares overflow or underflow.
    """
    n, total, shift = table.n, float(table.n.sum()), table.shift[:, 0]
    with np.errstate(over="ignore", invalid="ignore"):
        overall = float(n @ shift) / total
        found = shift - overall
        rest = float(n @ found) / total  # what rounding left
        found = found - rest
        between = float(n**2 @ found**2)
        spread = float(table.m2[:, 0, 0].sum() + n @ shift**2)
    if not np.isfinite(between + spread):
        raise not_finite()
    noise = _EPSILON * max(16.0, float(n.max()) ** 0.5)
    if np.abs(found).max() <= noise * (spread / total) ** 0.5:
        found = np.zeros(len(n))
    if float(n @ found**2) < SMALLEST_SQUARES and found.any():
        raise too_small()
    return overall + rest, found
