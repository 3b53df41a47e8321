"""How likely two arms' exact limits of a quantile, melded, show an effect."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import special

from abtest.stats.moments import Floats
from abtest.stats.value_counts import ValueCounts

_RANKS = np.linspace(-12.0, 12.0, 241)
"""Ranks of control, in standard deviations, at which a smooth pilot is looked up."""
_DRAWS = np.linspace(-6.0, 6.0, 97)
"""Deviations of control that are averaged over."""
_HALVINGS = 50
_ATOM_UNITS, _ATOM_SHARE = 5, 0.005
"""From so many units of a pilot, and this share of them, on a value at the quantile is an atom."""


@dataclass(frozen=True, eq=False)
class Pilot:
    """The distribution of values that a pilot suggests.

    Where many units share the value at the quantile it is the pilot's own, in steps; else it is
    straight between the middles of its steps, as the next sample would not have the same values.
    """

    sample: ValueCounts
    share: float

    @cached_property
    def value(self) -> float:
        """The quantile: in steps the value of a unit."""
        if self.is_tied:
            return float(self.sample.values[self._place])
        return float(self.at(np.array([self.share]))[0])

    @cached_property
    def is_tied(self) -> bool:
        """Whether many units share the value at the quantile."""
        here = int(self.sample.counts[self._place])
        return here >= max(_ATOM_UNITS, _ATOM_SHARE * self.sample.n)

    @cached_property
    def _place(self) -> int:
        reached = np.cumsum(self.sample.counts)
        place = int(np.searchsorted(reached, self.share * self.sample.n * (1.0 - 1e-12)))
        return min(place, reached.size - 1)

    @cached_property
    def _reached(self) -> Floats:
        return np.asarray(np.cumsum(self.sample.counts) / self.sample.n)

    @cached_property
    def _middles(self) -> Floats:
        return np.asarray(self._reached - self.sample.counts / (2.0 * self.sample.n))

    def below(self, x: Floats) -> Floats:
        """Return the share of units up to and with x."""
        values = self.sample.values
        if self.is_tied:
            # values that were shifted and back are the same but for rounding
            near = np.abs(x) * 1e-12
            return np.insert(self._reached, 0, 0.0)[np.searchsorted(values, x + near, "right")]
        return np.interp(x, values, self._middles, left=0.0, right=1.0)

    def before(self, x: Floats) -> Floats:
        """Return the share of units below x."""
        if not self.is_tied:
            return self.below(x)
        near = np.abs(x) * 1e-12
        return np.insert(self._reached, 0, 0.0)[np.searchsorted(self.sample.values, x - near)]

    def at(self, share: Floats) -> Floats:
        """Return the values that these shares of units do not exceed, of a smooth pilot."""
        return np.interp(share, self._middles, self.sample.values)

    def places(self, spread: float) -> Floats:
        """Return values that control's limits may have: its own, or a fine row of them."""
        if not self.is_tied:
            inside = self.share + spread * _RANKS
            ends = self._middles[0], self._middles[-1]
            return np.unique(self.at(np.clip(inside, *ends)))
        reach = 14.0 * spread
        reached = self._reached
        first = int(np.searchsorted(reached, self.share - reach))
        last = int(np.searchsorted(reached, self.share + reach)) + 1
        return self.sample.values[first:last]


@dataclass(frozen=True)
class Arms:
    """Units of both arms, and what treatment's values are: moved and stretched."""

    control: float
    treatment: float
    shift: float
    factor: float


def chance_of_showing(
    pilot: Pilot, arms: Arms, bound: Callable[[Floats], Floats], tail: float, *, upwards: bool
) -> float:
    """Return the probability that treatment is shown to be beyond the bound.

    The limits of an arm of n units compare a normal W with the ranks at a value x that has the
    share F below it, (F - q) / s with s^2 = q (1 - q) / n, moved by how far the arm's own ranks
    deviate there: by sqrt(F (1 - F)) / sqrt(q (1 - q)) times a normal Z that is the same for all
    values near the quantile (Bahadur 1966, Ann. Math. Stat. 37, 577).
    Given both arms' Z the p-value is a sum over control's values; the rest is an integral over
    control's Z, for each of which treatment's Z must be beyond where the p-value is the level.

    Parameters
    ----------
    pilot
        The distribution of control.
    arms
        Units and effect.
    bound
        From values of control to those that treatment must be above (or below).
    tail
        Level of this side.
    upwards
        Whether treatment is to be above.
    """
    if not upwards:
        turned = Pilot(
            ValueCounts(-pilot.sample.values[::-1], pilot.sample.counts[::-1]), 1.0 - pilot.share
        )
        mirrored = Arms(arms.control, arms.treatment, -arms.shift, arms.factor)
        return chance_of_showing(turned, mirrored, lambda x: -bound(-x), tail, upwards=True)
    q = pilot.share
    s0, s1 = (float(np.sqrt(q * (1.0 - q) / n)) for n in (arms.control, arms.treatment))
    values = pilot.places(s0)
    half0, half1 = 0.5 / (arms.control * s0), 0.5 / (arms.treatment * s1)
    # control's upper limit, one rank up: P(limit >= v) falls from step to step
    edges = (
        pilot.before(values)
        if pilot.is_tied
        else pilot.below(np.concatenate([values[:1], (values[1:] + values[:-1]) / 2.0]))
    )
    ranks = (edges - q) / s0 - half0
    ranks[0] = -np.inf
    moved = ranks[None, :] + _DRAWS[:, None] * _spread(edges, q)
    above = special.ndtr(-np.maximum.accumulate(moved, axis=1))
    chances = above - np.concatenate([above[:, 1:], np.zeros((_DRAWS.size, 1))], axis=1)
    # treatment's lower limit: P(limit <= what is to be exceeded)
    reached = pilot.below((bound(values) - arms.shift) / arms.factor)
    lower, spread = (reached - q) / s1 + half1, _spread(reached, q)
    low, high = np.full(_DRAWS.shape, -60.0), np.full(_DRAWS.shape, 60.0)
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        moved = np.maximum.accumulate(lower[None, :] + middle[:, None] * spread, axis=1)
        p_value = (chances * special.ndtr(moved)).sum(axis=1)
        shown = p_value < tail
        low, high = np.where(shown, middle, low), np.where(shown, high, middle)
    weights = np.exp(-0.5 * _DRAWS**2)
    return float((weights * special.ndtr(low)).sum() / weights.sum())


def _spread(shares: Floats, q: float) -> Floats:
    """Return by how much ranks at these shares deviate, in units of those at the quantile."""
    inside = np.clip(shares, 0.0, 1.0)
    return np.asarray(np.sqrt(inside * (1.0 - inside) / (q * (1.0 - q))))
