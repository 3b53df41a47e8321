"""Confidence distributions of one arm's quantile: how sure its values are, from ranks alone."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from abtest.stats.moments import Floats
from abtest.stats.value_counts import ValueCounts

_REACH = 40.0
"""Values whose ranks are more standard deviations away have chances below 1e-300."""


@dataclass(frozen=True, eq=False)
class Discrete:
    """A distribution on a few values, with tails that keep their digits.

    Attributes
    ----------
    values
        Rising, shape (k,); the ends may be infinite.
    chances
        Probability of each.
    at_or_below, at_or_above
        Probabilities of this value or a smaller one, and of this or a larger one.
    """

    values: Floats
    chances: Floats
    at_or_below: Floats
    at_or_above: Floats

    @classmethod
    def of(cls, values: Floats, at_or_below: Floats, above: Floats) -> Discrete:
        """Build from both tails: probabilities of at most each value, and of more than it."""
        before = np.concatenate([[0.0], at_or_below[:-1]])
        at_or_above = np.concatenate([[1.0], above[:-1]])
        chances = np.where(at_or_below < 0.5, at_or_below - before, at_or_above - above)
        kept = chances > 0.0
        return cls(values[kept], chances[kept], at_or_below[kept], at_or_above[kept])

    def below(self, value: float) -> float:
        """Return the probability of less than a value."""
        place = int(np.searchsorted(self.values, value))
        return float(self.at_or_below[place - 1]) if place else 0.0

    def single(self, confidence_level: float) -> bool:
        """Return whether one value alone has this probability."""
        return bool(self.chances.max() >= confidence_level)

    def mirrored(self) -> Discrete:
        """Return the distribution of the negative."""
        return Discrete(
            -self.values[::-1],
            self.chances[::-1],
            self.at_or_above[::-1],
            self.at_or_below[::-1],
        )


@dataclass(frozen=True, eq=False)
class Limits:
    """The lower and the upper confidence limit of one quantile at all levels at once.

    A limit at level u, with u drawn evenly from 0 to 1, has these distributions.
    """

    lower: Discrete
    upper: Discrete

    def mirrored(self) -> Limits:
        """Return the limits of the quantile of negated values."""
        return Limits(self.upper.mirrored(), self.lower.mirrored())


def unit_limits(sample: ValueCounts, share: float) -> Limits:
    """Return the exact limits of a quantile of independent units.

    With R binomial (n units, the share) they are the R-th and the (R + 1)-th smallest value; the
    0-th and (n + 1)-th are infinite. Each one-sided limit holds its level for any distribution,
    with or without ties (Thompson 1936, Ann. Math. Stat. 7, 122; Scheffe & Tukey 1945,
    Ann. Math. Stat. 16, 187).
    """
    n = sample.n
    reached = np.cumsum(sample.counts).astype(np.float64)
    spread = _REACH * math.sqrt(n * share * (1.0 - share)) + 1000.0
    first = int(np.searchsorted(reached, n * share - spread))
    last = int(np.searchsorted(reached, n * share + spread)) + 1
    ranks, values = reached[first:last], sample.values[first:last]
    at_most, more = _binomial(ranks, n, share)
    none, some = _binomial(np.zeros(1), n, share)
    lower = Discrete.of(
        np.concatenate([[-math.inf], values]),
        np.concatenate([none, at_most]),
        np.concatenate([some, more]),
    )
    below, rest = _binomial(ranks - 1.0, n, share)
    upper = Discrete.of(
        np.concatenate([values, [math.inf]]),
        np.concatenate([below, [1.0]]),
        np.concatenate([rest, [0.0]]),
    )
    return Limits(lower, upper)


def _binomial(k: Floats, n: int, share: float) -> tuple[Floats, Floats]:
    """Return P(R <= k) and P(R > k) of a binomial R, for k from 0 to n."""
    inside = np.minimum(k, n - 1.0)
    at_most = np.where(k >= n, 1.0, special.betaincc(inside + 1.0, n - inside, share))
    more = np.where(k >= n, 0.0, special.betainc(inside + 1.0, n - inside, share))
    return at_most, more


def log_chance_of_order(low: ValueCounts, high: ValueCounts, share: float) -> float:
    """Return log P(lower limit of `high` <= upper limit of `low`) where it underflows.

    Parameters
    ----------
    low, high
        The arm with the smaller quantile and that with the larger one.
    share
        Which quantile.
    """
    # the upper limit of `low` is v with the chance of P(>= v) - P(> v)
    reached = np.cumsum(low.counts)
    log_from = _log_at_most(low.n - np.concatenate([[0], reached]), low.n, 1.0 - share)
    log_after = np.concatenate([log_from[1:], [-math.inf]])
    with np.errstate(divide="ignore"):  # a value without a chance
        log_chance = log_from + np.log1p(-np.exp(log_after - log_from))
    at_most = np.concatenate([[0], np.cumsum(high.counts)])
    held = at_most[np.searchsorted(high.values, low.values, side="right")]
    log_held = np.concatenate([_log_at_most(held, high.n, share), [0.0]])
    return float(special.logsumexp(log_chance + log_held))


def _log_at_most(k: NDArray[np.int64], n: int, share: float) -> Floats:
    """Return log P(R <= k) of a binomial R, also where it underflows.

    There it is the log of P(R = k) (1 + k q / ((n - k + 1) p) + ...), a series of falling terms.
    """
    ranks = k.astype(np.float64)
    direct, _ = _binomial(ranks, n, share)
    far = direct < 1e-280
    with np.errstate(divide="ignore"):
        found = np.log(direct)
    x = ranks[far]
    if x.size:
        term, total = np.ones_like(x), np.ones_like(x)
        step = 0.0
        while (term > 1e-17 * total).any():
            term = term * np.maximum(x - step, 0.0) * (1.0 - share)
            term = term / ((n - x + step + 1.0) * share)
            total += term
            step += 1.0
        choose = special.gammaln(n + 1.0) - special.gammaln(x + 1.0) - special.gammaln(n - x + 1.0)
        chance = choose + special.xlogy(x, share) + special.xlog1py(n - x, -share)
        found[far] = chance + np.log(total)
    return found
