"""Means of many pairs of arms in one pass: `plain_means` on arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from abtest.stats.comparison_table import ArmRows
from abtest.stats.moments_table import MomentsTable, nulls_of, same_rows, too_small_rows

if TYPE_CHECKING:
    from abtest.stats.means.compare import MeansMethod


def mean_rows(control: MomentsTable, treatment: MomentsTable, method: MeansMethod) -> ArmRows:
    """Return the means of every row without covariates, from the first variable of both tables.

    Parameters
    ----------
    control, treatment
        Moments of the outcome.
    method
        As in `plain_means`.

    Raises
    ------
    UsageError
        If the tables differ in rows.
    """
    n0, n1 = same_rows(control, treatment)
    square0, square1 = control.m2[:, 0, 0], treatment.m2[:, 0, 0]
    with np.errstate(all="ignore"):  # rows without a number get a status
        variances = np.stack([square0 / (n0 - 1) * (1.0 / n0), square1 / (n1 - 1) * (1.0 / n1)])
        df = np.full(n0.shape, np.inf)
        if method == "welch":
            part0, part1 = variances / variances.max(axis=0)
            df = (part0 + part1) ** 2 / (part0 * part0 / (n0 - 1) + part1 * part1 / (n1 - 1))
        elif method == "student":
            df = n0 + n1 - 2.0
            pooled = (square0 + square1) / df
            variances = np.stack([pooled / n0, pooled / n1])
    means = np.stack([control.mean[:, 0], treatment.mean[:, 0]])
    small = too_small_rows(control, treatment) & np.isfinite(means + variances).all(axis=0)
    refused = np.where(small, "too_small", "") if small.any() else None  # columns of text are slow
    return ArmRows(
        np.stack([n0, n1]),
        means,
        variances,
        df,
        refused=refused,
        nulls=nulls_of(control, treatment),
        warnings={"constant_arm": (square0 == 0.0) | (square1 == 0.0)},
    )
