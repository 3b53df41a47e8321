"""CR2: cluster-robust variances that are unbiased for equal ones, with degrees of freedom."""

from __future__ import annotations

import numpy as np

from abtest.stats.clusters.door import apart
from abtest.stats.clusters.table import ClusterTable
from abtest.stats.not_estimable import constant_arms
from abtest.stats.pairs import ArmPair
from abtest.stats.results import WarningCode

FEWEST_CLUSTERS = 10
"""Clusters of equal size that an arm must be worth, or there is a warning."""
FEWEST_DF = 4.0
"""Degrees of freedom below which CR2 is not to be trusted (Tipton 2015)."""


def robust_pair(control: ClusterTable, treatment: ClusterTable) -> ArmPair:
    """Return the means over rows of two arms of clusters with their CR2 variances.

    For two means the matrices of CR2 have a closed form in rows n_g and means m_g of clusters:
    with N rows, mean m and shares f_g = n_g / N in an arm, its variance is
    sum f_g^2 (m_g - m)^2 / (1 - f_g) (Bell & McCaffrey 2002, Survey Methodology 28, 169). Under
    the working model of independent rows of equal variance that of an arm is 1 / N on average,
    with variance 2 t / N^2, t = sum h_g^2 (1 - 2 f_g) + (sum f_g h_g)^2, h_g = f_g / (1 - f_g), so
    that Satterthwaite's degrees of freedom are (1/N_c + 1/N_t)^2 / (t_c / N_c^2 + t_t / N_t^2).

    Raises
    ------
    NotEstimable
        ``constant``, ``not_finite`` or ``too_small``.
    """
    values, variances, rows, spread = np.zeros((4, 2))
    for arm, table in enumerate((control, treatment)):
        overall, deviations = apart(table)
        share = table.n / table.n.sum()
        rest = (table.n.sum() - table.n) / table.n.sum()
        held = share / rest
        rows[arm] = table.n.sum()
        values[arm] = table.centre[0] + overall
        variances[arm] = ((share * deviations) ** 2 / rest).sum()
        spread[arm] = (held**2 * (1.0 - 2.0 * share)).sum() + (share * held).sum() ** 2
    if not variances.sum() > 0.0:
        raise constant_arms(float(values[0]), float(values[1]))
    varies = variances > 0.0  # an arm without error has no part in the degrees of freedom
    df = (1.0 / rows[varies]).sum() ** 2 / (spread[varies] / rows[varies] ** 2).sum()
    warnings: tuple[WarningCode, ...] = () if varies.all() else ("constant_arm",)
    return ArmPair(
        control_value=float(values[0]),
        treatment_value=float(values[1]),
        covariance=((float(variances[0]), 0.0), (0.0, float(variances[1]))),
        df=float(df),
        n_control=len(control),
        n_treatment=len(treatment),
        method="cr2",
        warnings=warnings,
    )


def worth(table: ClusterTable) -> float:
    """Return how many clusters of equal size an arm is worth: (sum n)^2 / sum n^2.

    That many carry a mean over rows (Kish; Carter, Schnepel & Steigerwald 2017, Rev. Econ. Stat.
    99, 698): of 30 clusters whose sizes are lognormal with sigma 1, about 11.
    """
    return float(table.n.sum() ** 2 / (table.n**2).sum())


def design_effects(
    pair: ArmPair, control: ClusterTable, treatment: ClusterTable
) -> dict[str, float]:
    """Return by arm how many times the variance is that of independent rows, where these vary."""
    found = {}
    for place, (name, table) in enumerate((("control", control), ("treatment", treatment))):
        rows = table.n.sum()
        squares = table.m2[:, 0, 0].sum() + table.n @ apart(table)[1] ** 2
        if squares > 0.0:
            effect = pair.covariance[place][place] / (squares / (rows - 1.0) / rows)
            found[f"design_effect_{name}"] = float(effect)
    return found
