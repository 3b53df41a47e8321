"""Power of tests whose statistic is normal with a mean and a standard deviation of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from scipy import special

from abtest.stats.moments import Floats

if TYPE_CHECKING:
    from abtest.stats.sizing.design import Design

Statistic: TypeAlias = tuple[Floats, Floats]
"""Mean and standard deviation of z, positive where the estimate is above the bound."""


def normal_rejection(design: Design, statistics: list[Statistic]) -> Floats:
    """Return the probability that the test shows what it is to show, shape (r,).

    Parameters
    ----------
    design
        What the test is.
    statistics
        One for each of the design's bounds.
    """
    critical = -special.ndtri(np.asarray(design.level) / design.sides)
    mean, sd = statistics[0]
    if design.test == "equivalence":
        far, spread = statistics[1]
        both = special.ndtr((-far - critical) / spread) - special.ndtr((critical - mean) / sd)
        return np.asarray(np.maximum(both, 0.0))
    mean = design.sign * mean
    found = special.ndtr((mean - critical) / sd)
    if design.sides == 2:
        found = found + special.ndtr((-mean - critical) / sd)
    return np.asarray(np.minimum(found, 1.0))
