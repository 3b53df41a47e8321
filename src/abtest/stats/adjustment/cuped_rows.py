"""Adjustment of means for many comparisons in one pass: `adjust_means` on arrays."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from abtest.errors import UsageError
from abtest.stats.adjustment.cuped import PERFECT
from abtest.stats.adjustment.slopes import NEW_SHARE, one_unit
from abtest.stats.comparison_table import ArmRows
from abtest.stats.joint import quadratic_rows
from abtest.stats.moments import Floats
from abtest.stats.moments_table import MomentsTable, nulls_of, same_rows, too_small_rows


def adjusted_rows(control: MomentsTable, treatment: MomentsTable) -> ArmRows:
    """Return the adjusted means of every row, with slopes of each arm's own.

    The formulas of `adjust_means` for one phase. A row whose covariates cannot all be used is
    refused as ``covariates_unusable``: a table has one method.

    Parameters
    ----------
    control, treatment
        Moments of (outcome, covariates...).

    Raises
    ------
    UsageError
        If the tables differ in rows or variables.
    """
    n = np.stack(same_rows(control, treatment))
    if control.mean.shape != treatment.mean.shape:
        raise UsageError(
            "Both tables need the same covariates",
            given=f"{control.mean.shape[1]} and {treatment.mean.shape[1]} variables",
            todo="Sum outcome and covariates into each Moments, in one order.",
        )
    means = np.stack([control.mean, treatment.mean])
    k = means.shape[2] - 1
    with np.errstate(all="ignore"):  # rows without a number get a status
        covariances = np.stack([control.m2, treatment.m2]) / (n - 1.0)[:, :, None, None]
        usable, inverses = _inverses(covariances[:, :, 1:, 1:])
        usable &= (n - 1.0 >= k + 1.0).all(axis=0)
        totals = n[:, :, None] * means[:, :, 1:]
        squares = np.einsum("arii->ari", np.stack([control.m2, treatment.m2])[:, :, 1:, 1:])
        alone = one_unit(n[:, :, None], totals, squares + totals * means[:, :, 1:])
        usable &= ~alone.any(axis=(0, 2))
        slopes = np.einsum("arij,arj->ari", inverses, covariances[:, :, 1:, 0])
        contrasts = np.concatenate([np.ones((*slopes.shape[:2], 1)), -slopes], axis=2)
        residual = np.einsum("ari,arij,arj->ar", contrasts, covariances, contrasts)
        spread = covariances[:, :, 0, 0]
        perfect = (residual <= PERFECT * spread).all(axis=0) & (spread > 0.0).any(axis=0)
        residual = np.maximum(residual, 0.0)
        overall = (n[:, :, None] * means).sum(axis=0) / n.sum(axis=0)[:, None]
        imbalance = means[:, :, 1:] - overall[None, :, 1:]
        values = means[:, :, 0] - (slopes * imbalance).sum(axis=2)
        lost = (n - 1.0) / (n - 1.0 - k)
        pull = np.einsum("ari,arij,arj->ar", imbalance, inverses, imbalance)
        extra = residual * ((lost - 1.0) / n + lost / (n - 1.0) * pull)
        variances, covariance, parts = _propagated(n, contrasts, slopes, covariances, extra)
        scaled = parts / parts.max(axis=0)
        df = scaled.sum(axis=0) ** 2 / (scaled**2 * lost / (n - 1.0)).sum(axis=0)
        reduction = 1.0 - parts.sum(axis=0) / (spread / n).sum(axis=0)
    finite = np.isfinite(means).all(axis=(0, 2)) & np.isfinite(covariances).all(axis=(0, 2, 3))
    flat = ~(spread > 0.0).any(axis=0)
    refused = np.where(usable & ~perfect, "", "covariates_unusable")
    refused = np.where(flat, "constant", refused)
    refused = np.where(too_small_rows(control, treatment), "too_small", refused)
    refused = np.where(finite, refused, "not_finite")
    return ArmRows(
        n,
        values,
        variances,
        df,
        covariance,
        refused,
        nulls_of(control, treatment),
        reduction,
        {"constant_arm": (spread == 0.0).any(axis=0)},
    )


def _inverses(squares: Floats) -> tuple[NDArray[np.bool_], Floats]:
    """Return which rows' covariates are independent in both arms, and the inverses by arm."""
    units = np.sqrt(np.einsum("arii->ari", squares))
    scaled = squares / units[..., :, None] / units[..., None, :]
    known = np.isfinite(scaled).all(axis=(2, 3))
    scaled = np.where(known[..., None, None], scaled, np.eye(squares.shape[2]))
    # what each covariate has that those before it do not: the squared pivots of Cholesky
    pivots = _pivots(scaled)
    usable = known & (pivots > NEW_SHARE).all(axis=2)
    scaled = np.where(usable[..., None, None], scaled, np.eye(squares.shape[2]))
    inverses = np.linalg.inv(scaled) / units[..., :, None] / units[..., None, :]
    return usable.all(axis=0), np.asarray(inverses)


def _pivots(matrices: Floats) -> Floats:
    """Return the pivots of elimination without exchanges, shape (arms, rows, k)."""
    left = matrices.copy()
    pivots = np.empty(matrices.shape[:3])
    for place in range(matrices.shape[2]):
        pivot = left[..., place, place]
        pivots[..., place] = pivot
        factor = left[..., :, place] / pivot[..., None]
        left = left - factor[..., :, None] * left[..., place, None, :]
    return pivots


def _propagated(
    n: Floats, contrasts: Floats, slopes: Floats, covariances: Floats, extra: Floats
) -> tuple[Floats, Floats, Floats]:
    """Return variances of both values, their covariance, and parts of the difference's variance."""
    shares = n / n.sum(axis=0)
    shared = np.concatenate([np.zeros((*slopes.shape[:2], 1)), slopes], axis=2)
    variances, covariance, parts = extra.copy(), np.zeros(n.shape[1]), extra.copy()
    for arm in (0, 1):
        gradients = shared * shares[arm][None, :, None]
        gradients[arm] += contrasts[arm]
        units = covariances[arm] / n[arm][:, None, None]
        for one in (0, 1):
            variances[one] += quadratic_rows(gradients[one], units)
        covariance += np.einsum("ri,rij,rj->r", gradients[0], units, gradients[1])
        parts[arm] += quadratic_rows(gradients[1] - gradients[0], units)
    return variances, covariance, parts
