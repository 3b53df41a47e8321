"""The Mann-Whitney test: exact given the ties where arms are small, else by the normal."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from abtest.stats.moments import Floats
from abtest.stats.ranks.placements import Placements
from abtest.stats.results import Alternative, Test
from abtest.stats.tails import critical_value, tail_test

EXACT_BELOW = 50
"""Arms with fewer units than this, both of them, get the exact distribution (as in R)."""


def is_small(found: Placements) -> bool:
    """Return whether both arms are small enough for the exact distribution."""
    return max(found.n_control, found.n_treatment) < EXACT_BELOW


def exact_test(found: Placements, alternative: Alternative) -> Test:
    """Return the exact test that both arms have one distribution, given the ties.

    Every way to deal the values to the arms is equally likely. The two-sided p-value is twice
    the smaller tail. `statistic` is U.
    """
    chances = null_distribution(found.ties, found.n_treatment)
    place = round(2.0 * found.u)
    below, above = float(chances[: place + 1].sum()), float(chances[place:].sum())
    tails = {"less": below, "greater": above, "two-sided": 2.0 * min(below, above)}
    p_value = min(tails[alternative], 1.0)
    return Test(p_value, math.log10(p_value), found.u, None, alternative)


def normal_test(found: Placements, alternative: Alternative, *, continuity: bool) -> Test:
    """Return the test by the normal distribution, with the variance that ties leave.

    With `continuity` U is taken half a pair nearer to the middle (for one-sided tests: nearer to
    the hypothesis).
    """
    distance = found.u - found.pairs / 2.0
    if continuity:
        signs = {"greater": 1.0, "less": -1.0, "two-sided": float(np.sign(distance))}
        distance -= signs[alternative] / 2.0
    return tail_test(distance / math.sqrt(found.rank_variance), None, alternative)


def rejected_below(
    found: Placements,
    confidence_level: float,
    *,
    two_sided: bool,
    exact: bool,
    continuity: bool,
) -> int:
    """Return how many of the values 0, 1, 2, ... of U the lower tail of the test rejects.

    For samples without ties: ties only make U vary less, so this is on the safe side with them.
    The confidence interval of the shift leaves out as many pairwise differences at an end
    (Lehmann 1975, Nonparametrics, chapter 2; Hollander & Wolfe 1999, section 4.3).
    """
    n0, n1 = found.n_control, found.n_treatment
    if exact:
        outside = (1.0 - confidence_level) / (2.0 if two_sided else 1.0)
        chances = null_distribution((1,) * (n0 + n1), n1)[::2]
        return int(np.searchsorted(np.cumsum(chances), outside, side="left"))
    error = math.sqrt(float(n0) * n1 / 12.0 * (n0 + n1 + 1.0))
    width = critical_value(confidence_level, None, two_sided=two_sided) * error
    return max(math.ceil(found.pairs / 2.0 - (0.5 if continuity else 0.0) - width), 0)


@lru_cache(maxsize=32)  # the interval needs that without ties again and again
def null_distribution(ties: tuple[int, ...], treated: int) -> Floats:
    """Return the probabilities of 2 U = 0, 1, 2, ... when the values are dealt at random.

    Values are dealt in rising order; a unit of treatment wins against the units of control dealt
    before it and half against those tied with it. All terms are positive, so that small
    probabilities keep their digits.

    Parameters
    ----------
    ties
        Units of both arms together with each distinct value, in rising order.
    treated
        Units of treatment.

    Examples
    --------
    >>> (null_distribution((1, 1, 1), 1) * 3.0).tolist()
    [1.0, 0.0, 1.0, 0.0, 1.0]
    >>> (null_distribution((2, 1), 1) * 3.0).tolist()
    [0.0, 2.0, 0.0, 0.0, 1.0]
    """
    controls = sum(ties) - treated
    top = 2 * treated * controls
    ways = np.zeros((treated + 1, top + 1))
    ways[0, 0] = 1.0
    dealt = 0
    for tied in ties:
        following = np.zeros_like(ways)
        for had in range(max(0, dealt - controls), min(treated, dealt) + 1):
            below = dealt - had
            for more in range(max(0, tied - controls + below), min(tied, treated - had) + 1):
                won = more * (2 * below + tied - more)
                gained = ways[had, : top + 1 - won] * float(math.comb(tied, more))
                following[had + more, won:] += gained
        dealt, ways = dealt + tied, following
    chances: Floats = ways[treated] / float(math.comb(sum(ties), treated))
    chances.setflags(write=False)
    return chances
