"""When a t interval of two unequal arms is not to be trusted, because the values are skewed."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from abtest.stats.moments import Floats
from abtest.stats.results import WarningCode
from abtest.stats.value_counts import ValueCounts

UNITS_PER_SQUARED_SKEWNESS = 355.0
"""Units per squared skewness that a normal approximation needs (Kohavi et al. 2014, rule 7)."""


def skew_warning(arms: Sequence[Floats | ValueCounts]) -> tuple[WarningCode, ...]:
    """Return ``skewed_unequal_arms`` if the smaller arm is too small for the skewness, else none.

    Rule 7 of Kohavi, Deng, Longbotham & Xu (2014, "Seven rules of thumb for web site
    experimenters", KDD) asks for 355 s^2 units, s being the skewness; then the skewness of a
    mean, s / sqrt(n), is below 0.053. In a difference of two arms of one distribution it cancels
    when they are equally large; what remains is that of one mean of

        n_c n_t (n_c + n_t) / (n_c - n_t)^2

    units, which is the size of the smaller arm where the other one is much larger (1.4 times it
    at 90/10) and infinite for equal arms. s is that of both arms about their own means, because
    the skewness of one arm is too noisy to be compared with that of the other; one below twice
    the standard error that it has in normal samples, sqrt(6 / n), is taken for noise. It needs
    values or value counts: `Moments` have no third moment.

    Parameters
    ----------
    arms
        Control and treatment: values (NaN are left out) or value counts.

    Examples
    --------
    >>> rare = np.repeat([0.0, 100.0], [99, 1])
    >>> skew_warning((rare, np.tile(rare, 9)))
    ('skewed_unequal_arms',)
    >>> skew_warning((rare, rare))
    ()
    """
    (n0, dev0, units0), (n1, dev1, units1) = (_deviations(arm) for arm in arms)
    largest = max(float(np.abs(dev).max(initial=0.0)) for dev in (dev0, dev1))
    if n0 == n1 or not 0.0 < largest < math.inf:
        return ()
    squares = cubes = 0.0
    for deviations, units in ((dev0 / largest, units0), (dev1 / largest, units1)):
        squares += float((units * deviations**2).sum())
        cubes += float((units * deviations**3).sum())
    total = n0 + n1
    skewness = (cubes / total) / (squares / total) ** 1.5
    effective = n0 * n1 * total / (n0 - n1) ** 2
    noise = skewness * skewness < 4.0 * 6.0 / total
    enough = effective >= UNITS_PER_SQUARED_SKEWNESS * skewness * skewness
    return () if noise or enough else ("skewed_unequal_arms",)


def _deviations(arm: Floats | ValueCounts) -> tuple[float, Floats, Floats | float]:
    """Return the units of an arm, deviations from its mean, and the units with each of them."""
    if isinstance(arm, ValueCounts):
        return float(arm.n), arm.values - arm.moments().mean[0], arm.counts.astype(np.float64)
    known = arm[~np.isnan(arm)]
    return float(known.size), known - known.mean(), 1.0
