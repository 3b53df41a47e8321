"""How many units a share of a sample is: whole numbers, the same for rows and for value counts."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from abtest.stats.value_counts import ValueCounts


def units_below(share: float, n: int) -> int:
    """Return the whole number of units in a share of n, rounded down.

    The share is taken as the decimal number that was written: 0.29 of 100 units are 29, although
    0.29 * 100 is 28.999999999999996 in binary arithmetic (there SciPy and R take 28).

    Examples
    --------
    >>> units_below(0.29, 100)
    29
    """
    return math.floor(Fraction(repr(float(share))) * n)


def rank_of_share(share: float, n: int) -> int:
    """Return the rank, from 1, of the smallest of n values that a share of them does not exceed.

    Examples
    --------
    >>> rank_of_share(0.75, 4), rank_of_share(0.29, 100), rank_of_share(0.999, 500)
    (3, 29, 500)
    """
    return max(math.ceil(Fraction(repr(float(share))) * n), 1)


def inverse_quantile(sample: ValueCounts, share: float) -> float:
    """Return the smallest value that at least a share of the units does not exceed.

    The inverse of the empirical distribution function (Hyndman & Fan 1996, Am. Stat. 50, 361,
    type 1; NumPy's ``inverted_cdf``): always a value that some unit has, and the same from rows,
    from value counts and from their merged parts.

    Parameters
    ----------
    sample
        At least one unit.
    share
        Between 0 and 1, as the decimal number that was written.

    Examples
    --------
    >>> inverse_quantile(ValueCounts.from_values([1.0, 2.0, 3.0, 9.0]), 0.75)
    3.0
    """
    place = int(np.searchsorted(np.cumsum(sample.counts), rank_of_share(share, sample.n)))
    return float(sample.values[place])
