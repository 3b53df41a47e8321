"""Adjustment of ratios of totals for their own past, and for further covariates."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

from abtest.errors import UsageError
from abtest.stats.adjustment.cuped import PERFECT, Adjusted
from abtest.stats.adjustment.slopes import covariate_status, held_by_one, none_used
from abtest.stats.joint import Jacobian, JointMeans
from abtest.stats.moments import Floats
from abtest.stats.results import WarningCode

Coefficients = Literal[1, 2]
"""Slopes on the past of a ratio: one on its ratio, or one on each of its two parts."""

_CANCELLED = 1e-12
"""Share of its terms below which the variance of a linearised ratio is their rounding."""


def adjust_ratios(joint: JointMeans, coefficients: Coefficients = 1) -> Adjusted | WarningCode:
    """Return arm ratios adjusted by their pre-period, or the code of why they cannot be.

    With L_post = (m - R d) / dbar and L_pre = (m0 - R0 d0) / d0bar per arm, the pre-period with
    its own denominator, theta = (cov_c(L_post, L_pre) + cov_t(..)) / (var_c(L_pre) + var_t(..)),
    pooled within arms, and the adjusted value is R_a - theta (R0_a - R0_all) (GrowthBook's CUPED
    for ratios; Deng, Xu, Kohavi & Walker 2013, WSDM). The difference is free of R0_all; the
    covariance between arms is not. Two coefficients are the regression of L_post on m0 and d0
    themselves, which as a rule leaves less variance than that on their ratio and needs no
    denominator before exposure. Further covariates join the regression. Slopes are taken as
    known: their own error is of the order 1/n of the variance.

    Parameters
    ----------
    joint
        Means of (numerator, denominator, pre-period numerator, pre-period denominator, further
        covariates...).
    coefficients
        1 (slope on the pre-period ratio) or 2 (on its numerator and denominator).

    Returns
    -------
    Adjusted or WarningCode
        ``covariate_zero_denominator`` if a pre-period denominator sums to zero,
        ``covariate_constant`` if nothing varies before exposure, ``covariate_too_few_units`` if
        it varies by one unit alone (see `held_by_one`), ``covariate_is_outcome`` if it explains
        everything.

    Raises
    ------
    UsageError
        If there are neither 1 nor 2 coefficients.
    """
    if coefficients not in get_args(Coefficients) or isinstance(coefficients, bool):
        raise UsageError(
            "A ratio has one or two coefficients on its past",
            given=repr(coefficients),
            todo="Give coefficients=1 or coefficients=2.",
        )
    means, overall = joint.arm_means, joint.overall_mean
    if coefficients == 1 and ((means[:, 3] == 0.0).any() or overall[3] == 0.0):
        return "covariate_zero_denominator"
    size = means.shape[1]
    post = np.hstack([ratio_gradients(means[:, :2]), np.zeros((2, size - 2))])
    # gradients of the covariates of each arm, shape (2, covariates, variables)
    before = np.stack([_gradients(row, coefficients) for row in means])
    unit_covariances = np.einsum("p,apij->aij", joint.phase_weights, joint.covariances)
    equations = np.einsum("aik,akl,ajl->ij", before, unit_covariances, before)
    terms = np.einsum("aik,akl,ail->i", np.abs(before), np.abs(unit_covariances), np.abs(before))
    flat = ~(np.diag(equations) > _CANCELLED * terms)
    equations[flat, :] = equations[:, flat] = 0.0
    alone = held_by_one(joint, shared=True)[2:]
    if coefficients == 1:  # the first two make one covariate, their ratio
        alone = np.concatenate([[False], alone[2:]])
    status = covariate_status(equations[None], alone)
    kept = [place for place, found in enumerate(status) if found == "used"]
    if not kept:
        return none_used(status)
    right = np.einsum("aik,akl,al->i", before, unit_covariances, post)
    theta = np.zeros(len(status))
    units = np.sqrt(np.diag(equations))[kept]
    scaled = equations[np.ix_(kept, kept)] / units[:, None] / units[None, :]
    theta[kept] = np.linalg.solve(scaled, right[kept] / units) / units
    post_variance = float(np.einsum("ai,aij,aj->", post, unit_covariances, post))
    if post_variance > 0.0 and theta @ right >= (1.0 - PERFECT) * post_variance:
        return "covariate_is_outcome"

    changes = _values(means, coefficients) - _values(overall[None], coefficients)
    shared = theta @ _gradients(overall, coefficients)
    spread = joint.propagate(
        Jacobian(
            own=post - np.einsum("i,aik->ak", theta, before), overall=np.vstack([shared, shared])
        )
    )
    values = means[:, 0] / means[:, 1] - changes @ theta
    dropped = len(kept) < len(status)
    return Adjusted(values, spread, joint.units - 1.0, ("covariate_dropped",) if dropped else ())


def ratio_gradients(means: Floats) -> Floats:
    """Return the derivatives of numerator / denominator, (1, -R) / denominator, per row.

    Parameters
    ----------
    means
        Means of (numerator, denominator), shape (rows, 2).
    """
    denominator = means[:, 1]
    ratio = means[:, 0] / denominator
    return np.column_stack([1.0 / denominator, -ratio / denominator])


def _values(means: Floats, coefficients: Coefficients) -> Floats:
    """Return the covariates of each row of means, shape (rows, covariates)."""
    if coefficients == 2:
        return means[:, 2:]
    return np.column_stack([means[:, 2] / means[:, 3], means[:, 4:]])


def _gradients(means: Floats, coefficients: Coefficients) -> Floats:
    """Return the derivatives of the covariates by the means, shape (covariates, variables)."""
    identity = np.eye(len(means))
    if coefficients == 2:
        return np.asarray(identity[2:])
    first = np.zeros(len(means))
    first[2:4] = ratio_gradients(means[None, 2:4])[0]
    return np.vstack([first, identity[4:]])
