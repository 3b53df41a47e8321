"""Posteriors of one arm, in a coordinate in which they are log-concave."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import special

from abtest.stats.bayesian.quadrature import log_integrals
from abtest.stats.moments import Floats
from abtest.stats.tails import log_incomplete_beta, log_upper_gamma

Flags = NDArray[np.bool_]
_SMALLEST_DIRECT = 1e-280
"""Below this the library's distribution functions underflow; series of logarithms take over."""


class Arm(Protocol):
    """The posterior of one arm over a coordinate t that rises with its value x."""

    @property
    def mean(self) -> float:
        """Posterior mean of the value."""

    @property
    def sd(self) -> float:
        """Posterior standard deviation of the value."""

    @property
    def places(self) -> Floats:
        """Where t is to be divided: from end to end, dense where the posterior is."""

    def log_density(self, t: Floats) -> Floats:
        """Return the logarithm of the density over t."""

    def log_tails(self, t: Floats) -> tuple[Floats, Floats]:
        """Return logarithms of the probabilities below t and above t, each by itself."""

    def log_slope(self, t: Floats) -> Floats:
        """Return log(dx / dt)."""

    def shifted(self, t: Floats, by: float) -> Floats:
        """Return the coordinate of x(t) + `by`; infinite where there is no such value."""

    def scaled(self, t: Floats, by: float) -> Floats:
        """Return the coordinate of x(t) * `by`, for `by` above 0."""


_STEPS = [0.0, 1.5, 4.0, 9.0, 30.0, 120.0]
_BEND = [1.0, 3.0, 9.0, 25.0, 50.0]
"""Logarithms of shares and rates bend within steps of about 1, however wide posteriors are."""


def places_around(centre: float, spread: float) -> Floats:
    """Return places from end to end of a log-concave posterior, dense around its centre."""
    steps = spread * np.array(_STEPS)
    if spread > 1.0:
        steps = np.unique(np.concatenate([steps, _BEND]))
    return centre + np.concatenate([-steps[:0:-1], steps])


@dataclass(frozen=True)
class NormalArm:
    """A normal posterior; the coordinate is the value itself."""

    mean: float
    sd: float

    @property
    def places(self) -> Floats:
        """Where t is to be divided."""
        return places_around(self.mean, self.sd)

    def log_density(self, t: Floats) -> Floats:
        """Return the logarithm of the density over t."""
        u = (t - self.mean) / self.sd
        return np.asarray(-0.5 * u * u - math.log(self.sd) - 0.5 * math.log(2.0 * math.pi))

    def log_tails(self, t: Floats) -> tuple[Floats, Floats]:
        """Return logarithms of the probabilities below t and above t."""
        u = (t - self.mean) / self.sd
        return np.asarray(special.log_ndtr(u)), np.asarray(special.log_ndtr(-u))

    def log_slope(self, t: Floats) -> Floats:
        """Return log(dx / dt)."""
        return np.zeros_like(t)

    def shifted(self, t: Floats, by: float) -> Floats:
        """Return the coordinate of x(t) + `by`."""
        return t + by

    def scaled(self, t: Floats, by: float) -> Floats:
        """Return the coordinate of x(t) * `by`."""
        return t * by


@dataclass(frozen=True)
class BetaArm:
    """The posterior Beta(a, b) of a share x; the coordinate is log(x / (1 - x)).

    There the density is proportional to x^a (1 - x)^b, log-concave for all a and b above 0. Its
    logarithm is measured from the mode, so that it keeps its digits for billions of units.
    """

    a: float
    b: float

    @property
    def mean(self) -> float:
        """Posterior mean of the share."""
        return self.a / (self.a + self.b)

    @property
    def sd(self) -> float:
        """Posterior standard deviation of the share."""
        total = self.a + self.b
        return math.sqrt(self.mean * (self.b / total) / (total + 1.0))

    @property
    def mode(self) -> float:
        """Where the density over t is highest."""
        return math.log(self.a) - math.log(self.b)

    @property
    def places(self) -> Floats:
        """Where t is to be divided."""
        spread = math.sqrt(float(special.polygamma(1, self.a) + special.polygamma(1, self.b)))
        return places_around(self.mode, spread)

    @cached_property
    def _log_total(self) -> float:
        return float(log_integrals(lambda t: self._from_mode(t)[None, :], self.places)[0])

    def _from_mode(self, t: Floats) -> Floats:
        """Return the logarithm of the density, less that at the mode."""
        step = t - self.mode
        total = self.a + self.b
        share, rest = self.a / total, self.b / total
        near = np.abs(step) < 1.0
        growth = np.where(
            near,
            np.log1p(share * np.expm1(np.where(near, step, 0.0))),
            np.logaddexp(math.log(rest), math.log(share) + step),
        )
        return np.asarray(self.a * step - total * growth)

    def log_density(self, t: Floats) -> Floats:
        """Return the logarithm of the density over t."""
        return self._from_mode(t) - self._log_total

    def log_tails(self, t: Floats) -> tuple[Floats, Floats]:
        """Return logarithms of the probabilities below t and above t."""
        mirrored = BetaArm(self.b, self.a)
        return _logarithms(self, self._tail, t, self._far_below, lambda t: mirrored._far_below(-t))

    def _tail(self, t: Floats, lower: Flags) -> Floats:
        """Return P(below t) where `lower`, P(above t) elsewhere."""
        low = t <= 0.0  # from the end that is nearer, so that no share is rounded to 1
        nearer, other = np.where(low, self.a, self.b), np.where(low, self.b, self.a)
        share = special.expit(-np.abs(t))
        same = low == lower
        found = np.empty_like(t)
        found[same] = special.betainc(nearer[same], other[same], share[same])
        found[~same] = special.betaincc(nearer[~same], other[~same], share[~same])
        return found

    def _far_below(self, t: float) -> float:
        if math.isinf(t):
            return -math.inf
        logs = (-float(np.logaddexp(0.0, -t)), -float(np.logaddexp(0.0, t)))
        return log_incomplete_beta(self.a, self.b, logs, float(special.betaln(self.a, self.b)))

    def log_slope(self, t: Floats) -> Floats:
        """Return log(dx / dt) = log(x (1 - x))."""
        return np.asarray(-np.logaddexp(0.0, -t) - np.logaddexp(0.0, t))

    def shifted(self, t: Floats, by: float) -> Floats:
        """Return the coordinate of x(t) + `by`."""
        share, rest = special.expit(t) + by, special.expit(-t) - by
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(np.maximum(share, 0.0)) - np.log(np.maximum(rest, 0.0)))

    def scaled(self, t: Floats, by: float) -> Floats:
        """Return the coordinate of x(t) * `by`."""
        rest = special.expit(-t) - special.expit(t) * (by - 1.0)
        log_share = math.log(by) - np.logaddexp(0.0, -t)  # a share may underflow, not its logarithm
        with np.errstate(divide="ignore"):
            return np.asarray(log_share - np.log(np.maximum(rest, 0.0)))


@dataclass(frozen=True)
class GammaArm:
    """The posterior Gamma(a, rate b) of a rate x; the coordinate is log(x).

    There the density is proportional to exp(a t - b exp(t)), log-concave for all a above 0.
    """

    a: float
    b: float

    @property
    def mean(self) -> float:
        """Posterior mean of the rate."""
        return self.a / self.b

    @property
    def sd(self) -> float:
        """Posterior standard deviation of the rate."""
        return math.sqrt(self.a) / self.b

    @property
    def mode(self) -> float:
        """Where the density over t is highest."""
        return math.log(self.a) - math.log(self.b)

    @property
    def places(self) -> Floats:
        """Where t is to be divided."""
        return places_around(self.mode, math.sqrt(float(special.polygamma(1, self.a))))

    @cached_property
    def _log_total(self) -> float:
        return float(log_integrals(lambda t: self._from_mode(t)[None, :], self.places)[0])

    def _from_mode(self, t: Floats) -> Floats:
        step = t - self.mode
        return np.asarray(self.a * (step - np.expm1(np.minimum(step, 600.0))))

    def log_density(self, t: Floats) -> Floats:
        """Return the logarithm of the density over t."""
        return self._from_mode(t) - self._log_total

    def log_tails(self, t: Floats) -> tuple[Floats, Floats]:
        """Return logarithms of the probabilities below t and above t."""
        return _logarithms(self, self._tail, t, self._far_below, self._far_above)

    def _tail(self, t: Floats, lower: Flags) -> Floats:
        """Return P(below t) where `lower`, P(above t) elsewhere."""
        z = self.a * np.exp(np.minimum(t - self.mode, 600.0))  # b x, which is Gamma(a, 1)
        found = np.empty_like(t)
        found[lower] = special.gammainc(self.a, z[lower])
        found[~lower] = special.gammaincc(self.a, z[~lower])
        return found

    def _far_below(self, t: float) -> float:
        """Return log P(a, z) by its series (Abramowitz & Stegun 1964, 6.5.29)."""
        if math.isinf(t):
            return -math.inf
        z = self.a * math.exp(t - self.mode)
        term = total = 1.0
        place = self.a
        while term > 1e-17 * total:
            place += 1.0
            term *= z / place
            total += term
        log_z = math.log(self.a) + t - self.mode
        return self.a * log_z - z - float(special.gammaln(self.a + 1.0)) + math.log(total)

    def _far_above(self, t: float) -> float:
        return log_upper_gamma(self.a, self.a * math.exp(min(t - self.mode, 600.0)))

    def log_slope(self, t: Floats) -> Floats:
        """Return log(dx / dt) = t."""
        return t

    def shifted(self, t: Floats, by: float) -> Floats:
        """Return the coordinate of x(t) + `by`."""
        value = np.exp(np.minimum(t, 600.0)) + by
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(np.maximum(value, 0.0)))

    def scaled(self, t: Floats, by: float) -> Floats:
        """Return the coordinate of x(t) * `by`."""
        return t + math.log(by)


def _logarithms(
    arm: BetaArm | GammaArm,
    tail: Callable[[Floats, Flags], Floats],
    t: Floats,
    far_below: Callable[[float], float],
    far_above: Callable[[float], float],
) -> tuple[Floats, Floats]:
    """Return logarithms of the tails below and above t, the larger one from the smaller.

    The smaller one far out is made by hand: it may be lost, and yet not be small, where the
    share or rate itself underflows.
    """
    lower = t <= arm.mode
    smaller = tail(t, lower)
    wrong = smaller > 0.5  # a skew posterior has its median elsewhere
    lower = lower ^ wrong
    smaller[wrong] = tail(t[wrong], lower[wrong])
    with np.errstate(divide="ignore"):
        logs = np.log(smaller)
    for place in np.flatnonzero(smaller < _SMALLEST_DIRECT):
        logs[place] = (far_below if lower[place] else far_above)(float(t[place]))
    with np.errstate(divide="ignore"):
        rest = np.log1p(-np.minimum(np.exp(logs), 1.0))
    return np.where(lower, logs, rest), np.where(lower, rest, logs)
