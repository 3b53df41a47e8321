"""Posteriors of one arm, in a coordinate in which they are log-concave."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import special

from abtest.stats.bayesian.quadrature import NODES, WEIGHTS, log_integrals
from abtest.stats.moments import Floats

Flags = NDArray[np.bool_]
_SMALLEST_DIRECT = 1e-3
"""Below this the library's functions may be wrong: SciPy 1.17 loses a third of gammainc(1e8, x) at
five standard deviations, and its betainc underflows."""
_STRAIGHT = 1e-280
"""Below this second derivative shares and rates, or what they lack to 1, begin to underflow."""
_ENDS = np.array([0.0, 3.0, 12.0, 45.0])
_FAR_STEPS = np.concatenate(
    [a + (b - a) * (NODES + 1.0) / 2.0 for a, b in itertools.pairwise(_ENDS)]
)
_FAR_WEIGHTS = np.concatenate([(b - a) * WEIGHTS / 2.0 for a, b in itertools.pairwise(_ENDS)])
"""Gauss-Legendre panels of what falls at least as fast as exp(-x) from 1 at 0."""
LARGE = 1e5
"""From such shapes on tails are integrated: SciPy 1.15 has 9 digits of betainc(5e7, 5e7, x)."""
_NEAR_ENDS = np.array([0.0, 1.0, 2.0, 3.0, 4.5, 6.0, 8.0, 11.0, 16.0, 25.0, 40.0])
_NEAR_STEPS = np.concatenate(
    [a + (b - a) * (NODES + 1.0) / 2.0 for a, b in itertools.pairwise(_NEAR_ENDS)]
)
_NEAR_WEIGHTS = np.concatenate([(b - a) * WEIGHTS / 2.0 for a, b in itertools.pairwise(_NEAR_ENDS)])
"""Panels, in standard deviations, of a density that is nearly normal."""


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
_TURN = np.array([-25.0, -9.0, -3.0, -1.0, 0.0, 1.0, 3.0, 9.0, 25.0])
"""Logarithms of shares and rates turn within steps of about 1, however wide posteriors are."""


def places_around(centre: float, spread: float) -> Floats:
    """Return places from end to end of a log-concave posterior, dense around its centre."""
    steps = spread * np.array(_STEPS)
    return centre + np.concatenate([-steps[:0:-1], steps])


def turning(places: Floats, *where: float) -> Floats:
    """Return places with those around turns added, if they lie too far apart to see them."""
    if np.diff(places).min() < 1.0:
        return places
    return np.unique(np.concatenate([places, *(_TURN + turn for turn in where)]))


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
    def smallest_shape(self) -> float:
        """The smaller of both shapes: where it is large the posterior is nearly normal."""
        return min(self.a, self.b)

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
        return math.log(self.a / self.b)

    @property
    def places(self) -> Floats:
        """Where t is to be divided."""
        spread = math.sqrt(float(special.polygamma(1, self.a) + special.polygamma(1, self.b)))
        # near 0 and 1 shares are powers; they turn at 1 / b, at 1 - 1 / a, and between them
        ends = -math.log(max(self.b, 1.0)), math.log(max(self.a, 1.0))
        return turning(places_around(self.mode, spread), self.mode, 0.0, *ends)

    @cached_property
    def _log_total(self) -> float:
        return float(log_integrals(lambda t: self._from_mode(t)[None, :], self.places)[0])

    def _from_mode(self, t: Floats) -> Floats:
        """Return the logarithm of the density, less that at the mode."""
        step = t - self.mode
        logs = -math.log1p(self.b / self.a), -math.log1p(self.a / self.b)
        return -self.a * _growth(logs, -step) - self.b * _growth(logs[::-1], step)

    def log_density(self, t: Floats) -> Floats:
        """Return the logarithm of the density over t."""
        return self._from_mode(t) - self._log_total

    def log_tails(self, t: Floats) -> tuple[Floats, Floats]:
        """Return logarithms of the probabilities below t and above t."""
        return _log_tails(self, t)

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

    def _slopes(self, t: Floats) -> tuple[Floats, Floats]:
        """Return the sizes of both derivatives of the logarithm of the density."""
        share, rest = special.expit(t), special.expit(-t)
        return np.abs(self.a * rest - self.b * share), (self.a + self.b) * share * rest

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


def _growth(logs: tuple[float, float], step: Floats) -> Floats:
    """Return log(p + q exp(step)) from the logarithms of p and q = 1 - p."""
    near = np.abs(step) < 1.0
    return np.where(
        near,
        np.log1p(math.exp(logs[1]) * np.expm1(np.where(near, step, 0.0))),
        np.logaddexp(logs[0], logs[1] + step),
    )


@dataclass(frozen=True)
class GammaArm:
    """The posterior Gamma(a, rate b) of a rate x; the coordinate is log(x).

    There the density is proportional to exp(a t - b exp(t)), log-concave for all a above 0.
    """

    a: float
    b: float

    @property
    def smallest_shape(self) -> float:
        """The shape: where it is large the posterior is nearly normal."""
        return self.a

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
        return math.log(self.a / self.b)

    @property
    def places(self) -> Floats:
        """Where t is to be divided."""
        places = places_around(self.mode, math.sqrt(float(special.polygamma(1, self.a))))
        return turning(places, self.mode, -math.log(self.b))

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
        return _log_tails(self, t)

    def _tail(self, t: Floats, lower: Flags) -> Floats:
        """Return P(below t) where `lower`, P(above t) elsewhere."""
        z = self.a * np.exp(np.minimum(t - self.mode, 600.0))  # b x, which is Gamma(a, 1)
        found = np.empty_like(t)
        found[lower] = special.gammainc(self.a, z[lower])
        found[~lower] = special.gammaincc(self.a, z[~lower])
        return found

    def _slopes(self, t: Floats) -> tuple[Floats, Floats]:
        """Return the sizes of both derivatives of the logarithm of the density."""
        growth = np.expm1(np.minimum(t - self.mode, 300.0))
        return self.a * np.abs(growth), self.a * (growth + 1.0)

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


def _log_tails(arm: BetaArm | GammaArm, t: Floats) -> tuple[Floats, Floats]:
    """Return logarithms of the tails below and above t, the larger one from the smaller."""
    lower = t <= arm.mode
    smaller = _tail(arm, t, lower)
    steep, bent = arm._slopes(t)
    straight = bent < _STRAIGHT  # from there on the density is an exponential function
    wrong = (smaller > 0.5) & ~straight  # a skew posterior has its median elsewhere
    lower = lower ^ wrong
    smaller[wrong] = _tail(arm, t[wrong], lower[wrong])
    far = (smaller < _SMALLEST_DIRECT) & (steep * steep > 10.0 * bent) & ~wrong
    far = (far | straight) & np.isfinite(t)
    with np.errstate(divide="ignore"):
        logs = np.log(smaller)
        logs[far] = _log_far_tail(arm, t[far], lower[far], steep[far])
        rest = np.log1p(-np.minimum(np.exp(logs), 1.0))
    return np.where(lower, logs, rest), np.where(lower, rest, logs)


def _tail(arm: BetaArm | GammaArm, t: Floats, lower: Flags) -> Floats:
    """Return P(below t) where `lower`, P(above t) elsewhere.

    Of a nearly normal posterior the density, which keeps its digits at any size, is integrated
    outwards from t.
    """
    if arm.smallest_shape < LARGE:
        return arm._tail(t, lower)
    spread = math.sqrt(1.0 / float(arm._slopes(np.array([arm.mode]))[1][0]))
    known = np.isfinite(t)
    found = np.where(lower == (t < 0.0), 0.0, 1.0)
    steps = spread * _NEAR_STEPS * np.where(lower[known], -1.0, 1.0)[:, None]
    density = np.exp(arm.log_density(t[known][:, None] + steps))
    found[known] = spread * (density @ _NEAR_WEIGHTS)
    return found


def _log_far_tail(arm: BetaArm | GammaArm, t: Floats, lower: Flags, steep: Floats) -> Floats:
    """Return log P(below t) where `lower`, log P(above t) elsewhere, far out on either side.

    A log-concave density falls from t on at least as fast as an exponential function of its own
    slope there: the tail is the density over that slope, times an integral a little below 1.
    """
    steps = _FAR_STEPS / np.where(lower, -steep, steep)[:, None]
    density = arm.log_density(t)
    fall = arm.log_density(t[:, None] + steps) - density[:, None]
    return np.asarray(density - np.log(steep) + np.log(np.exp(fall) @ _FAR_WEIGHTS))
