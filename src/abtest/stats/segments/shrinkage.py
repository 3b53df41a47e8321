"""Empirical-Bayes estimates of segment effects, with intervals that admit what was estimated."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from abtest.stats.moments import Floats
from abtest.stats.segments.spread import weighted_mean

FEWEST_SEGMENTS = 4
"""Below it the spread of true effects is not known well enough to shrink by it."""


@dataclass(frozen=True, eq=False)
class Shrunken:
    """Segment effects drawn towards their mean, each of shape (k,).

    Attributes
    ----------
    effects
        (1 - shrinkage) times the estimate plus shrinkage times the mean.
    errors
        Standard errors, with the uncertainty of mean and spread.
    shrinkage
        Share of the way to the mean, from 0 to below 1.
    """

    effects: Floats
    errors: Floats
    shrinkage: Floats


def shrink(effects: Floats, variances: Floats, tau2: float) -> Shrunken | None:
    """Return normal-normal empirical-Bayes estimates; None below four segments.

    Morris (1983, "Parametric empirical Bayes inference", JASA 78, 47) with one mean:
    with W_i = 1 / (V_i + A) and A = tau2, the shrinkage is

        B_i = (k - 3) / (k - 1) V_i W_i

    whose first factor keeps it from being too strong where A is 0 only by chance, and the
    variance of the shrunken effect is

        V_i (1 - (k - r_i) / k B_i) + 2 / (k - 3) B_i^2 (V + A) W_i (Y_i - mean)^2

    with r_i = k W_i / sum(W) and V the W-weighted mean of the V_i: the second term, missing in
    naive empirical-Bayes intervals, is what not knowing A costs.

    Parameters
    ----------
    effects, variances
        Estimates Y_i and their sampling variances V_i, shape (k,).
    tau2
        Variance of true effects; the paper's own estimator is Paule and Mandel's.
    """
    k = len(effects)
    if k < FEWEST_SEGMENTS:
        return None
    total = variances + tau2
    weights = total.min() / total
    mean = weighted_mean(effects, total)
    shrinkage = (k - 3.0) / (k - 1.0) * variances / total
    leverage = k * weights / weights.sum()
    typical = (weights * variances).sum() / weights.sum()
    unknown = 2.0 / (k - 3.0) * shrinkage**2 * (typical + tau2) / total
    variance = variances * (1.0 - (k - leverage) / k * shrinkage)
    variance = variance + unknown * (effects - mean) ** 2
    return Shrunken(
        effects + shrinkage * (mean - effects), np.sqrt(variance), np.asarray(shrinkage)
    )
