"""Bootstrap means of very many units, without drawing how often each value occurs."""

from __future__ import annotations

import math

import numpy as np

from abtest.stats.moments import Floats
from abtest.stats.value_counts import ValueCounts

_CONSTANT = 0.4748
"""Of the bound of Berry and Esseen (Shevtsova 2011, arXiv 1111.6554)."""
_OF_NOISE = 0.1
"""The bound may be this share of the Monte Carlo error 1 / sqrt(replicates)."""
_DRAWN = (0, 4, 16, 64, 256)
"""How many of the values that lie farthest out are tried to be drawn one by one."""


def fast_means(
    sample: ValueCounts, replicates: int, rng: np.random.Generator, *, poisson: bool
) -> Floats | None:
    """Return bootstrap means, or None where that takes drawing each value.

    The values that lie farthest out are drawn one by one. The sum of the others, as many as are
    drawn of them, is taken as normal where the bound of Berry and Esseen,
    0.4748 E|d|^3 / (sd^3 sqrt(units)), proves that its distribution function is off by
    less than a tenth of the Monte Carlo error 1 / sqrt(replicates) at any point.

    Parameters
    ----------
    sample
        Of one arm.
    replicates
        How many means.
    rng
        Random numbers.
    poisson
        Whether the number of units is Poisson too.
    """
    allowed = _OF_NOISE / math.sqrt(replicates)
    n = sample.n
    if _CONSTANT / math.sqrt(n) > allowed:  # E|d|^3 is at least sd^3
        return None
    unit = float(np.abs(sample.values).max()) or 1.0
    values = sample.values / unit
    centre = float(values @ sample.counts) / n
    order = np.argsort(-np.abs(values - centre))
    values, counts = values[order] - centre, sample.counts[order]
    for drawn in _DRAWN:
        if drawn >= values.size:
            return None
        rest, weights = values[drawn:], counts[drawn:]
        units = int(weights.sum())
        mean = float(rest @ weights) / units
        variance = float((rest - mean) ** 2 @ weights) / units
        third = float(np.abs(rest - mean) ** 3 @ weights) / units
        if variance > 0.0 and _CONSTANT * third <= allowed * variance**1.5 * math.sqrt(units):
            break
    else:
        return None
    cells = np.append(counts[:drawn], units)
    if poisson:
        often = rng.poisson(cells, size=(replicates, drawn + 1))
    else:
        often = rng.multinomial(n, cells / n, size=replicates)
    left = often[:, -1]
    sums = often[:, :-1] @ values[:drawn] + left * mean
    sums += np.sqrt(variance * left) * rng.standard_normal(replicates)
    found: Floats = unit * (centre + sums / often.sum(axis=1))
    return found
