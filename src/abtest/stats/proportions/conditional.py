"""Fisher's noncentral hypergeometric distribution: successes of treatment, given all successes."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import special

from abtest.stats.moments import Floats
from abtest.stats.proportions.crossings import root
from abtest.stats.proportions.two_by_two import TwoByTwo

TIE = 1e-9
"""Relative distance below which two tables count as equally probable."""


@dataclass(frozen=True, eq=False)
class Conditional:
    """Distribution of the treatment's successes given all margins, for every odds ratio.

    All logarithms are relative to the probability of the observed table, so that tables far from
    it lose no digits. `t` is always the logarithm of the odds ratio.

    Attributes
    ----------
    observed
        Place of the observed table in the support.
    successes
        Successes of treatment in every table, rising, shape (s,).
    log_weights
        ln C(n1, k) C(n0, m - k) less that of the observed table.
    """

    observed: int
    successes: Floats
    log_weights: Floats

    @classmethod
    def of(cls, table: TwoByTwo) -> Conditional:
        """Return the distribution of the tables with the margins of `table`."""
        x0, n0, x1, n1 = table.counts
        low, high = max(0, x0 + x1 - n0), min(n1, x0 + x1)
        k = np.arange(low, high, dtype=np.float64)
        # ln w(k + 1) / w(k), summed outwards from the observed table
        steps = np.log((n1 - k) * (x0 + x1 - k)) - np.log((k + 1.0) * (n0 - x0 - x1 + k + 1.0))
        place = x1 - low
        up = np.cumsum(steps[place:])
        down = np.cumsum(-steps[:place][::-1])[::-1]
        weights = np.concatenate([down, [0.0], up])
        return cls(place, np.arange(low, high + 1, dtype=np.float64), weights)

    @cached_property
    def distances(self) -> Floats:
        """Successes of every table less those of the observed one."""
        return np.asarray(self.successes - self.successes[self.observed])

    def reflected(self) -> Conditional:
        """Return the distribution with arms exchanged: the odds ratio turns over."""
        last = self.successes.size - 1
        return Conditional(last - self.observed, -self.successes[::-1], self.log_weights[::-1])

    def near(self, low: float, high: float) -> Conditional:
        """Return the tables that count at some t of [low, high], and the observed one.

        Left out are those that are e^-60 times as probable as the most probable one.
        """
        kept = np.zeros(self.successes.size, dtype=bool)
        kept[self.observed] = True
        for t in (low, high):
            heights = self.log_weights + self.distances * t
            kept |= heights > heights.max() - 60.0
        first, last = (int(place) for place in np.flatnonzero(kept)[[0, -1]])
        part = slice(first, last + 1)
        return Conditional(self.observed - first, self.successes[part], self.log_weights[part])

    def log_probability(self, chosen: NDArray[np.bool_] | slice, t: float, less: float) -> float:
        """Return the logarithm of the probability of chosen tables.

        `less` is what is taken off the weight 1 of the observed table (1/2 for mid-p).
        """
        heights = self.log_weights + self.distances * t
        part = float(special.logsumexp(heights[chosen]))
        if less:
            part += math.log1p(-less * math.exp(-part))
        return min(part - float(special.logsumexp(heights)), 0.0)

    def log_tail(self, t: float, *, upper: bool, less: float) -> float:
        """Return the logarithm of P(K >= observed), or of P(K <= observed)."""
        chosen = slice(self.observed, None) if upper else slice(None, self.observed + 1)
        return self.log_probability(chosen, t, less)

    def log_two_sided(self, t: float, *, less: float) -> float:
        """Return the logarithm of the probability of tables no more probable than the observed."""
        heights = self.log_weights + self.distances * t
        return self.log_probability(heights <= TIE, t, less)

    def most_likely(self) -> float:
        """Return the logarithm of the conditional maximum likelihood odds ratio.

        Infinite where the observed table is at an end of the support.
        """
        if self.observed == 0 or self.observed == self.successes.size - 1:
            return -math.inf if self.observed == 0 else math.inf

        def excess(t: float) -> float:
            return float(special.softmax(self.log_weights + self.distances * t) @ self.distances)

        return root(excess, *outwards(excess))


def outwards(rising: Callable[[float], float]) -> tuple[float, float]:
    """Return two numbers around 0 between which a rising function changes its sign."""
    step = 1.0
    low, high = -step, step
    while rising(low) > 0.0:
        low, step = low - 2.0 * step, 2.0 * step
    step = 1.0
    while rising(high) < 0.0:
        high, step = high + 2.0 * step, 2.0 * step
    return low, high
