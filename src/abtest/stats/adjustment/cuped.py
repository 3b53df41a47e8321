"""Adjustment of means: what each arm would show at the overall mean of its covariates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from abtest.stats.adjustment.slopes import FittedSlopes, Slopes, fit_slopes
from abtest.stats.joint import Jacobian, JointMeans, Propagated
from abtest.stats.moments import Floats
from abtest.stats.pairs import ArmPair, arm_pair
from abtest.stats.results import Method, WarningCode

PERFECT = 1e-12
"""Residual share of the variance below which the covariate is the outcome itself."""


@dataclass(frozen=True, eq=False)
class Adjusted:
    """Adjusted values of two arms.

    Attributes
    ----------
    values
        (control, treatment).
    spread
        Their joint covariance.
    df
        Degrees of freedom by arm and phase.
    warnings
        ``covariate_dropped`` where some of the covariates say nothing of their own, or rest on
        one unit.
    """

    values: Floats
    spread: Propagated
    df: Floats
    warnings: tuple[WarningCode, ...] = ()


def adjust_means(joint: JointMeans, slopes: Slopes = "arm") -> Adjusted | WarningCode:
    """Return arm means adjusted for k covariates, or the code of why they cannot be.

    ybar_a - b_a' (xbar_a - xbar_all), with b_a the slopes of arm a within phases and xbar_all the
    means of both arms (Lin 2013, Ann. Appl. Stat. 7, 295). These are random: the joint covariance
    carries b_a' S_x b_b / N, so that a relative effect and unequal slopes are right for a
    population and not only for these units (Negi & Wooldridge 2021, Econometric Rev. 40, 504).
    Residual variances have n - k - 1 degrees of freedom (each arm loses k units to its slopes),
    and the slopes' own error enters with the arm's imbalance, as in the ordinary regression of
    one arm predicted at xbar_all. Pooled slopes are those of analysis of covariance; both arms
    together lose k units then, and their error enters with the difference of the imbalances.

    Parameters
    ----------
    joint
        Means of (outcome, covariates...).
    slopes
        As in `fit_slopes`. Slopes given as numbers have no error and cost no unit.

    Returns
    -------
    Adjusted or WarningCode
        ``covariate_constant`` if none varies within every arm, ``covariate_too_few_units`` if
        an arm has fewer than k + 2 units or a level of 0 or 1 with a single one (see
        `held_by_one`), ``covariate_is_outcome`` if they explain everything.
    """
    fitted = fit_slopes(joint, slopes)
    if isinstance(fitted, str):
        return fitted
    contrasts = np.hstack([np.ones((2, 1)), -fitted.values])
    yy = joint.covariances[:, :, 0, 0]
    residual = np.einsum("ai,apij,aj->ap", contrasts, joint.covariances, contrasts)
    if (residual <= PERFECT * yy).all() and (yy > 0.0).any():
        return "covariate_is_outcome"
    residual = np.maximum(residual, 0.0)

    imbalance = joint.arm_means[:, 1:] - joint.overall_mean[1:]
    values = joint.arm_means[:, 0] - (fitted.values * imbalance).sum(axis=1)
    shared = np.hstack([np.zeros((2, 1)), fitted.values])
    spread = joint.propagate(Jacobian(own=contrasts, overall=shared))
    lost = fitted.lost[:, None]
    covariance, parts = _slope_error(joint, fitted, lost * residual, imbalance)
    extra = joint.mean_weights * residual * (lost - 1.0)
    widened = Propagated(
        spread.covariance + covariance + np.diag(extra.sum(axis=1)),
        spread.parts + parts + extra,
        spread.noise,
    )
    dropped = fitted.kept < len(fitted.status)
    return Adjusted(
        values, widened, (joint.units - 1.0) / lost, ("covariate_dropped",) if dropped else ()
    )


def adjusted_pair(
    plain: ArmPair,
    spread: Propagated,
    joint: JointMeans,
    result: Adjusted | WarningCode,
    method: Method,
) -> ArmPair:
    """Return the adjusted pair, or the plain one with the code of why it could not be adjusted.

    Parameters
    ----------
    plain, spread
        The unadjusted pair and the covariance that it was made of.
    joint, result
        The means that were adjusted, and what came of it.
    method
        Name of the adjusted method.

    Raises
    ------
    NotEstimable
        ``constant`` if neither arm varies.
    """
    if isinstance(result, str):
        return plain.with_warnings(result)
    kept = [code for code in plain.warnings if code == "constant_arm"]
    return arm_pair(
        result.values,
        joint,
        result.spread,
        df=result.df,
        method=method,
        unadjusted_variance=spread.difference_variance,
    ).with_warnings(*kept, *result.warnings)


def _slope_error(
    joint: JointMeans, fitted: FittedSlopes, residual: Floats, imbalance: Floats
) -> tuple[Floats, Floats]:
    """Return the covariance of the arms' values due to the slopes, and its parts by cell.

    Slopes are A^-1 sum_c w_c s_c over cells c, and the products s_c of residuals and covariates
    have the covariance sigma_c^2 S_c / (n_c - 1).
    """
    covariance, parts = np.zeros((2, 2)), np.zeros(joint.units.shape)
    for arm, phase in np.ndindex(*joint.units.shape):
        pull = np.einsum("ai,aij->aj", imbalance, fitted.inverses) * fitted.weights[arm, phase]
        if not fitted.shared:
            pull[1 - arm] = 0.0
        scale = residual[arm, phase] / (joint.units[arm, phase] - 1.0)
        covariates = joint.covariances[arm, phase, 1:, 1:]
        covariance += scale * (pull @ covariates @ pull.T)
        difference = pull[1] - pull[0]
        parts[arm, phase] = scale * float(difference @ covariates @ difference)
    return covariance, parts
