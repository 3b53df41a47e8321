"""What it costs to estimate the slope of a covariate: in variance, and in the test's own error.

With xbar_a the mean covariate of arm a, an adjusted mean is ybar_a - b_a (xbar_a - xbar_all). For
a normal covariate the error of the slope b_a multiplies the arm's variance by
1 + w t^2 / (n - 1), where t has Student's distribution with n - 1 degrees of freedom and w is the
other arm's share of the units. The test further counts (b_t - b_c)^2 S_x / N, for slopes that
differ (Negi & Wooldridge 2021, Econometric Rev. 40, 504); where they do not, that is the noise of
both, and for each arm the same term with the arm's own share of the units as w. Both are of the
order 1 / n: with 10 of 100 units in treatment, a power of 80% without them is one of 75%.

A power follows the effect in standard errors, so the terms are averaged in roots. With
B = 1 / (1 + t^2 / (n - 1)), which has the distribution Beta((n - 1) / 2, 1/2), the means are
Euler's integral of the hypergeometric function (Abramowitz & Stegun 15.3.1).
"""

from __future__ import annotations

import numpy as np
from scipy import special

from abtest.stats.moments import Floats

_FEWEST = 3.0
"""Units that leave a variance beside a slope."""
_LARGE = 60.0
"""Third parameter of 2F1 from which on ten terms of its sum are exact to 1e-13."""
_MANY = 3e3
"""Units from which on the series is exact to 1e-10."""


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
    half = _half(units)
    beta = special.poch(half, 0.5) ** 2 / half
    exact = (beta * _hypergeometric(0.5, half + 1.0, 1.0 - share)) ** -2
    return np.where(units < _MANY, exact, 1.0 + share / (_many(units) - 3.0 + 1.5 * share))


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
    half = _half(units)
    beta = special.poch(half, 0.5) / special.poch(half - 0.5, 0.5)
    exact = (beta * _hypergeometric(-0.5, half, 1.0 - share)) ** 2
    return np.where(units < _MANY, exact, 1.0 + share / (_many(units) - 3.0 + 0.5 * share))


def _half(units: Floats) -> Floats:
    """Return half the degrees of freedom of an arm, where the mean is exact."""
    return np.asarray((np.clip(units, _FEWEST, _MANY) - 1.0) / 2.0)


def _many(units: Floats) -> Floats:
    """Return the units of an arm, where the series is used."""
    return np.asarray(np.maximum(units, _MANY))


def _hypergeometric(a: float, c: Floats, z: Floats) -> Floats:
    """Return 2F1(a, 1/2; c; z); by its sum where c is large, where SciPy's can be NaN (1.17)."""
    term = total = np.ones(np.broadcast_shapes(np.shape(c), np.shape(z)))
    for k in range(10):
        term = term * (a + k) * (0.5 + k) / ((c + k) * (k + 1.0)) * z
        total = total + term
    return np.where(c < _LARGE, special.hyp2f1(a, 0.5, np.minimum(c, _LARGE), z), total)
