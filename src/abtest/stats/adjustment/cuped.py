"""Adjustment for one pre-exposure covariate: what each arm would show at the overall covariate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from abtest.stats.joint import Jacobian, JointMeans, Propagated
from abtest.stats.moments import Floats
from abtest.stats.results import WarningCode

_PERFECT = 1e-12
"""Residual share of the variance below which the covariate is the outcome itself."""


@dataclass(frozen=True, eq=False)
class Adjusted:
    """Adjusted values of two arms, or why the adjustment is not possible.

    Attributes
    ----------
    values
        (control, treatment).
    spread
        Their joint covariance.
    df
        Degrees of freedom by arm and phase.
    """

    values: Floats
    spread: Propagated
    df: Floats


def adjust_means(joint: JointMeans) -> Adjusted | WarningCode:
    """Return arm means adjusted by one slope per arm, or the code of why they cannot be.

    ybar_a - b_a (xbar_a - xbar_all), with b_a the slope of arm a within phases and xbar_all the
    mean of both arms (Lin 2013, Ann. Appl. Stat. 7, 295). Its overall mean is random: the joint
    covariance carries b_a b_a' s2_x / N, so that a relative effect and unequal slopes are right
    for a population and not only for these units (Negi & Wooldridge 2021, Econometric Rev. 40,
    504). Residual variances have n - 2 (one more unit lost per arm to the slope), and the
    slope's own error enters with the arm's imbalance, as in the ordinary regression of one arm
    predicted at xbar_all.

    Parameters
    ----------
    joint
        Means of (outcome, covariate).

    Returns
    -------
    Adjusted or WarningCode
        ``covariate_constant`` if it does not vary within an arm, ``covariate_too_few_units``
        below three units, ``covariate_is_outcome`` if it explains everything.
    """
    weights = joint.mean_weights
    yy, xy, xx = (joint.covariances[:, :, i, j] for i, j in ((0, 0), (0, 1), (1, 1)))
    weighted_xx = (weights * xx).sum(axis=1)
    if (weighted_xx <= 0.0).any():
        return "covariate_constant"
    within = joint.units - 1.0
    arm_df = within.sum(axis=1, keepdims=True)
    if (arm_df < 2.0).any():
        return "covariate_too_few_units"
    slope = (weights * xy).sum(axis=1) / weighted_xx
    residual = yy - 2.0 * slope[:, None] * xy + slope[:, None] ** 2 * xx
    if (residual <= _PERFECT * yy).all() and (yy > 0.0).any():
        return "covariate_is_outcome"
    residual = np.maximum(residual, 0.0)

    imbalance = joint.arm_means[:, 1] - joint.overall_mean[1]
    values = joint.arm_means[:, 0] - slope * imbalance
    jacobian = Jacobian(
        own=np.column_stack([np.ones(2), -slope]),
        overall=np.column_stack([np.zeros(2), slope]),
    )
    spread = joint.propagate(jacobian)
    lost = arm_df / (arm_df - 1.0)  # (n - 1) / (n - 2) with one phase
    slope_error = weights**2 * lost * residual * xx / within / weighted_xx[:, None] ** 2
    extra = weights * residual * (lost - 1.0) + imbalance[:, None] ** 2 * slope_error
    widened = Propagated(spread.covariance + np.diag(extra.sum(axis=1)), spread.parts + extra)
    return Adjusted(values, widened, within / lost)


def adjust_ratios(joint: JointMeans) -> Adjusted | WarningCode:
    """Return arm ratios adjusted by their pre-period ratios, or the code of why they cannot be.

    With L_post = (m - R d) / dbar and L_pre = (m0 - R0 d0) / d0bar per arm, the pre-period with
    its own denominator, theta = (cov_c(L_post, L_pre) + cov_t(..)) / (var_c(L_pre) + var_t(..)),
    pooled within arms, and the adjusted value is R_a - theta (R0_a - R0_all) (GrowthBook's CUPED
    for ratios; Deng, Xu, Kohavi & Walker 2013, WSDM). The difference is free of R0_all; the
    covariance between arms is not.

    Parameters
    ----------
    joint
        Means of (numerator, denominator, pre-period numerator, pre-period denominator).

    Returns
    -------
    Adjusted or WarningCode
        ``covariate_zero_denominator`` if a pre-period denominator sums to zero,
        ``covariate_constant`` if the pre-period ratio does not vary, ``covariate_is_outcome``
        if it explains everything.
    """
    means, overall = joint.arm_means, joint.overall_mean
    if (means[:, 3] == 0.0).any() or overall[3] == 0.0:
        return "covariate_zero_denominator"
    post = ratio_gradients(means[:, :2])
    pre = ratio_gradients(means[:, 2:])
    overall_pre = ratio_gradients(overall[None, 2:])[0]
    post_full = np.hstack([post, np.zeros((2, 2))])
    pre_full = np.hstack([np.zeros((2, 2)), pre])

    unit_covariances = np.einsum("p,apij->aij", joint.phase_weights, joint.covariances)

    def pooled(left: Floats, right: Floats, matrices: Floats = unit_covariances) -> float:
        return float(np.einsum("ai,aij,aj->", left, matrices, right))

    pre_variance = pooled(pre_full, pre_full)
    terms = pooled(np.abs(pre_full), np.abs(pre_full), np.abs(unit_covariances))
    if not pre_variance > _PERFECT * terms:
        return "covariate_constant"
    theta = pooled(post_full, pre_full) / pre_variance
    post_variance = pooled(post_full, post_full)
    if post_variance > 0.0 and theta * theta * pre_variance >= (1.0 - _PERFECT) * post_variance:
        return "covariate_is_outcome"

    pre_ratio = means[:, 2] / means[:, 3]
    overall_ratio = overall[2] / overall[3]
    values = means[:, 0] / means[:, 1] - theta * (pre_ratio - overall_ratio)
    shared = np.concatenate([np.zeros(2), theta * overall_pre])
    spread = joint.propagate(
        Jacobian(own=post_full - theta * pre_full, overall=np.vstack([shared, shared]))
    )
    return Adjusted(values, spread, joint.units - 1.0)


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
