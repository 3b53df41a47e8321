"""Whether arms differ before exposure: each covariate by itself, and all of them together."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from abtest.stats.joint import JointMeans
from abtest.stats.moments import Floats
from abtest.stats.tails import f_tail, tail_test


@dataclass(frozen=True)
class Balance:
    """A covariate in both arms.

    Attributes
    ----------
    control_mean, treatment_mean
        Means, over phases of allocation.
    standardised_difference
        Their difference over the root of the mean of both variances (Austin 2009, Stat. Med. 28,
        3083); None where nothing varies.
    p_value, log10_p
        Of Welch's test of no difference; None where nothing varies.
    """

    control_mean: float
    treatment_mean: float
    standardised_difference: float | None
    p_value: float | None
    log10_p: float | None


@dataclass(frozen=True)
class JointBalance:
    """The test of no difference in any covariate: F with its two degrees of freedom."""

    p_value: float
    log10_p: float
    statistic: float
    df: tuple[float, float]


def covariate_balance(joint: JointMeans, place: int) -> Balance:
    """Return one variable of the joint means in both arms, compared within phases."""
    control, treatment = (float(mean) for mean in joint.arm_means[:, place])
    difference = float(joint.phase_weights @ (joint.means[1, :, place] - joint.means[0, :, place]))
    variances = joint.covariances[:, :, place, place]
    spread = float((variances @ joint.phase_weights).mean())
    parts = joint.mean_weights * variances
    if not spread > 0.0:
        return Balance(control, treatment, None, None, None)
    scaled = parts / parts.max()
    df = float(scaled.sum() ** 2 / (scaled**2 / (joint.units - 1.0)).sum())
    test = tail_test(difference / math.sqrt(float(parts.sum())), df, "two-sided")
    return Balance(control, treatment, difference / math.sqrt(spread), test.p_value, test.log10_p)


def joint_balance(joint: JointMeans, places: list[int]) -> JointBalance | None:
    """Return the test that k variables have equal means in both arms, or None.

    T^2 = d' V^-1 d with V the sum of the cells' covariances V_c of means, as
    T^2 (nu - k + 1) / (nu k) on F(k, nu - k + 1) with nu = (k + k^2) / sum_c (tr(W_c^2) +
    (tr W_c)^2) / (n_c - 1), W_c = V_c V^-1: the modified Nel and van der Merwe test, which does
    not change with the units or linear combinations of the variables (Krishnamoorthy & Yu 2004,
    Stat. Probab. Lett. 66, 161). For one variable it is Welch's; for two equal covariance
    matrices Hotelling's.

    Parameters
    ----------
    joint
        Means of the variables.
    places
        Which of them, none a linear function of the others.

    Returns
    -------
    JointBalance or None
        None without variables, or with too few units for so many.
    """
    k = len(places)
    if k == 0:
        return None
    cells = joint.mean_weights[:, :, None, None] * joint.covariances[:, :, places][..., places]
    difference = joint.phase_weights @ (joint.means[1] - joint.means[0])[:, places]
    return wald_f(difference, cells.reshape(-1, k, k), joint.units.ravel() - 1.0)


def wald_f(difference: Floats, cells: Floats, df: Floats) -> JointBalance | None:
    """Return the test that a vector of differences is 0, as `joint_balance` describes it.

    Parameters
    ----------
    difference
        Shape (k,).
    cells
        Covariances of the independent parts that its covariance is the sum of, shape (c, k, k).
    df
        Degrees of freedom of the parts, shape (c,).
    """
    k = len(difference)
    units = np.sqrt(np.einsum("cii->i", cells))
    scaled = cells / units[:, None] / units[None, :]
    inverse = np.linalg.inv(scaled.sum(axis=0))
    shares = scaled @ inverse
    traces = np.einsum("cij,cji->c", shares, shares) + np.einsum("cii->c", shares) ** 2
    nu = (k + k * k) / float((traces / df).sum())
    if not nu - k + 1.0 > 0.0:
        return None
    squared = max(float(difference / units @ inverse @ (difference / units)), 0.0)
    statistic = squared * (nu - k + 1.0) / (nu * k)
    p_value, log10_p = f_tail(statistic, float(k), nu - k + 1.0)
    return JointBalance(p_value, log10_p, statistic, (float(k), nu - k + 1.0))
