"""What it costs to estimate the slope of a covariate: in variance, and in the test's own error.

With xbar_a the mean covariate of arm a, an adjusted mean is ybar_a - b_a (xbar_a - xbar_all). For
a normal covariate the error of the slope b_a multiplies the arm's variance by
1 + w t^2 / (n - 1), where t has Student's distribution with n - 1 degrees of freedom and w is the
other arm's share of the units. The test further counts (b_t - b_c)^2 S_x / N, for slopes that
differ (Negi & Wooldridge 2021, Econometric Rev. 40, 504); where they do not, that is the noise of
both, and for each arm the same term with the arm's own share of the units as w. Both are of the
order 1 / n: with 10 of 100 units in treatment, a power of 80% without them is one of 75.6%.

A power follows the effect in standard errors, so the terms are averaged in roots: integrals over
the angle whose tangent is t / sqrt(n - 1), which has a density in proportion to cos^(n - 2).
"""

from __future__ import annotations

import math

import numpy as np

from abtest.stats.moments import Floats

_FEWEST = 3.0
"""Units that leave a variance beside a slope."""
_MANY = 3e3
"""Units from which on a series is exact to 1e-10."""
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(64)
_UNIT, _UNIT_WEIGHTS = (_NODES + 1.0) / 2.0, _WEIGHTS / 2.0
_FAR = 9.0
"""Standard deviations of an angle beyond which there is less than 1e-17."""


def estimate_factor(units: Floats, share: Floats) -> Floats:
    """Return the factor m^-2 of a variance, m the mean of (1 + share t^2 / (n - 1))^(-1/2).

    It is 1 + share / (n - 3 + 1.5 share) but for terms of the order n^-3, which is used in arms of
    more than 3000 units.

    Parameters
    ----------
    units
        Independent units of the arm; below 3 it counts as 3.
    share
        Of the other arm in the units of both.

    Examples
    --------
    >>> float(estimate_factor(np.array(10.0), np.array(0.9)).round(3))
    1.107
    """
    series = 1.0 + share / (np.maximum(units, _MANY) - 3.0 + 1.5 * share)
    return np.where(units < _MANY, _mean(units, share, -0.5) ** -2, series)


def judged_factor(units: Floats, share: Floats) -> Floats:
    """Return the factor m^2 of the variance that a test uses, m the mean of the root of it.

    Parameters
    ----------
    units, share
        As in `estimate_factor`, but the share is the arm's own.

    Examples
    --------
    >>> float(judged_factor(np.array(10.0), np.array(0.5)).round(3))
    1.068
    """
    series = 1.0 + share / (np.maximum(units, _MANY) - 3.0 + 0.5 * share)
    return np.where(units < _MANY, _mean(units, share, 0.5) ** 2, series)


def _mean(units: Floats, share: Floats, exponent: float) -> Floats:
    """Return the mean of (1 + share t^2 / (n - 1))^exponent, exponent 1/2 or -1/2."""
    df = np.clip(units, _FEWEST, _MANY)[..., None] - 1.0
    end = np.minimum(math.pi / 2.0, _FAR / np.sqrt(df))
    # nodes go to the end with the third power, which smooths broken powers of the cosine there
    beyond = (1.0 - _UNIT) ** 3
    cosine = np.where(end < math.pi / 2.0, np.cos(end * (1.0 - beyond)), np.sin(end * beyond))
    weights = (1.0 - _UNIT) ** 2 * _UNIT_WEIGHTS
    square = cosine * cosine
    widened = square + np.asarray(share)[..., None] * (1.0 - square)
    # (1 + w tan^2)^p = (cos^2 + w sin^2)^p / cos^2p
    inside = widened**exponent * cosine ** (df - 1.0 - 2.0 * exponent)
    return np.asarray((weights * inside).sum(axis=-1) / (weights * cosine ** (df - 1.0)).sum(-1))
