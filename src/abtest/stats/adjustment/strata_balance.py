"""Whether units were split between the arms in the same way in every stratum."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, gammaincc

from abtest.stats.moments import Floats

UNBALANCED = 0.001
"""p-value below which a split is no chance, as for a sample ratio."""
_LEAST_VARIANCE = 0.05
"""Of the sum of squares per stratum, against rounding where it can hardly vary."""


def split_p_value(units: Floats, among: NDArray[np.bool_] | None = None) -> float:
    """Return the p-value of the same split between the arms in every stratum.

    Of two tests the smaller p-value, doubled. Pearson's sum of squares over strata, referred to a
    gamma distribution with its mean and variance: the chi-square distribution where strata are
    large, and right for strata of a few units as well, which need not be pooled. And the exact
    binomial test of each stratum, times the number of strata, so that one stratum stands out
    among many. Strata are not chosen by how they are split: that would make chance look like
    more.

    Parameters
    ----------
    units
        Units by arm and stratum, shape (2, K).
    among
        Strata that are judged, shape (K,), against the split of all units; left out: all.

    Returns
    -------
    float
        1 where an arm is empty or there is a single stratum.

    Examples
    --------
    >>> round(split_p_value(np.array([[50.0, 60.0], [50.0, 40.0]])), 3)
    0.312
    >>> split_p_value(np.array([[1.0, 100.0], [50.0, 100.0]])) < 1e-8
    True
    """
    sizes = units.sum(axis=0)
    there = sizes > 0.0
    total, share = float(sizes.sum()), float(units[1].sum() / max(sizes.sum(), 1.0))
    judged = there if among is None else there & among
    if not 0.0 < share < 1.0 or there.sum() < 2 or not judged.any():
        return 1.0
    n, treated = sizes[judged], units[1, judged]
    spread = n * share * (1.0 - share)
    statistic = float(((treated - n * share) ** 2 / spread).sum())
    expected = (total - n) / (total - 1.0)  # of each square, given the sizes of the arms
    mean = float(expected.sum())
    excess = (1.0 - 6.0 * share * (1.0 - share)) / spread  # kurtosis of a binomial number, less 3
    variance = max(float((expected * (2.0 + excess)).sum()), _LEAST_VARIANCE * mean)
    joint = float(gammaincc(mean**2 / variance, statistic * mean / variance))
    # tails of a binomial number; no fewer than 0 and no more than n are certain
    least, most = treated == 0.0, treated == n
    above = betainc(np.where(least, 1.0, treated), n - treated + 1.0, share)
    below = betainc(np.where(most, 1.0, n - treated), treated + 1.0, 1.0 - share)
    each = 2.0 * np.minimum(np.where(least, 1.0, above), np.where(most, 1.0, below))
    return min(1.0, 2.0 * min(joint, float(there.sum() * each.min())))
