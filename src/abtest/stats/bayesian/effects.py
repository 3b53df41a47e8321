"""The posterior of an effect: from two arms, or normal by itself."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy import special

from abtest.stats.bayesian.arms import Arm, places_around, turning
from abtest.stats.bayesian.priors import PriorScale
from abtest.stats.bayesian.quadrature import log_integrals
from abtest.stats.moments import Floats

_ASYMPTOTIC = 30.0
"""Beyond so many standard deviations the expected loss is its asymptote."""
_CERTAIN = 7.5
"""A control so many standard deviations from 0 has its sign for certain: to 1e-13."""
_LARGEST_LOG = 600.0
"""A ratio beyond exp(600) has no end worth naming: control may as well be 0."""
_DEEPEST = 1e6
"""What stands for the logarithm of a tail of 0, and for that of any deeper one."""


class EffectPosterior(Protocol):
    """What is believed of treatment against control after the data."""

    @property
    def mean(self) -> float:
        """Posterior mean of the effect."""

    def log_tails(self, value: float) -> tuple[float, float]:
        """Return logarithms of P(effect < value) and P(effect > value), each by itself."""

    def log_losses(self) -> tuple[float, float]:
        """Return logarithms of E max(-effect, 0) and E max(effect, 0)."""

    def quantile(self, probability: float) -> float:
        """Return the value that the effect is below with this probability."""


@dataclass(frozen=True)
class NormalEffect:
    """A normal posterior of the effect.

    Attributes
    ----------
    mean, sd
        Its mean and standard deviation.
    """

    mean: float
    sd: float

    def log_tails(self, value: float) -> tuple[float, float]:
        """Return logarithms of P(effect < value) and P(effect > value)."""
        u = (value - self.mean) / self.sd
        return float(special.log_ndtr(u)), float(special.log_ndtr(-u))

    def log_losses(self) -> tuple[float, float]:
        """Return logarithms of E max(-effect, 0) and E max(effect, 0)."""
        u = self.mean / self.sd
        scale = math.log(self.sd)
        return scale + log_unit_loss(u), scale + log_unit_loss(-u)

    def quantile(self, probability: float) -> float:
        """Return the value that the effect is below with this probability."""
        return self.mean + self.sd * float(special.ndtri(probability))


def log_unit_loss(u: float) -> float:
    """Return log(phi(u) - u (1 - Phi(u))): the expected loss in standard deviations.

    For large u the two terms cancel: beyond 0 they are one product with Mills' ratio (through
    the scaled complementary error function), beyond 30 the asymptote phi(u) / u^2 with its
    next terms (Abramowitz & Stegun 1964, 7.1.23).

    Examples
    --------
    >>> round(math.exp(log_unit_loss(0.0)), 6)
    0.398942
    >>> round(log_unit_loss(100.0) / math.log(10.0), 4)
    -2175.8716
    """
    log_phi = -0.5 * u * u - 0.5 * math.log(2.0 * math.pi)
    if u <= 0.0:
        return math.log(math.exp(log_phi) - u * float(special.ndtr(-u)))
    if u <= _ASYMPTOTIC:
        mills = math.sqrt(math.pi / 2.0) * float(special.erfcx(u / math.sqrt(2.0)))
        return log_phi + math.log1p(-u * mills)
    w = 1.0 / u / u
    series = 1.0 - w * (3.0 - w * (15.0 - w * (105.0 - w * 945.0)))
    return log_phi - 2.0 * math.log(u) + math.log(series)


@dataclass(frozen=True)
class RelativeEffect:
    """A normal effect over the size of control, which is normal too and may be uncertain.

    Whether treatment is better does not depend on the size it is divided by: P(effect > 0) is
    that of the difference. The other probabilities are those of the ratio of two normal
    variables, as in Fieller's set: P(effect < r) = P(difference - r |control| < 0).

    Attributes
    ----------
    effect
        Posterior of treatment - control.
    control, control_sd
        Posterior mean and standard deviation of control.
    load
        Covariance of the difference and control over the variance of the difference.
    """

    effect: NormalEffect
    control: float
    control_sd: float
    load: float

    @property
    def mean(self) -> float:
        """Ratio of the posterior means; the mean of a ratio of normal variables does not exist."""
        return self.effect.mean / abs(self.control)

    def log_losses(self) -> tuple[float, float]:
        """Return logarithms of E max(-difference, 0) and E max(difference, 0), over control."""
        size = math.log(abs(self.control))
        ship, keep = self.effect.log_losses()
        return ship - size, keep - size

    def log_tails(self, value: float) -> tuple[float, float]:
        """Return logarithms of P(effect < value) and P(effect > value)."""
        if value == 0.0:
            return self.effect.log_tails(0.0)
        if abs(self.control) < _CERTAIN * self.control_sd:
            return self._log_tails_over_control(value)
        factor = value if self.control > 0.0 else -value
        rest = self.effect.mean - factor * self.control
        return NormalEffect(rest, self._sd(factor)).log_tails(0.0)

    def _sd(self, factor: float) -> float:
        """Return the standard deviation of difference - factor control, if little more than 0."""
        sd = self.effect.sd
        own = factor * self.control_sd / sd
        return sd * math.sqrt(max(1.0 - 2.0 * factor * self.load + own * own, 1e-18))

    def _log_tails_over_control(self, value: float) -> tuple[float, float]:
        """Integrate over control, which may lie on either side of 0."""
        ratio = self.effect.sd / self.control_sd
        load = self.load * ratio * ratio
        sd = self._sd(load)
        places = np.append(places_around(self.control, self.control_sd), 0.0)

        def integrands(t: Floats) -> Floats:
            u = (t - self.control) / self.control_sd
            v = (value * np.abs(t) - self.effect.mean - load * (t - self.control)) / sd
            scale = math.log(self.control_sd * math.sqrt(2.0 * math.pi))
            return np.stack([special.log_ndtr(v), special.log_ndtr(-v)]) - 0.5 * u * u - scale

        below, above = log_integrals(integrands, places)
        return min(float(below), 0.0), min(float(above), 0.0)

    def quantile(self, probability: float) -> float:
        """Return the value that the effect is below with this probability."""
        sd = self._sd(self.effect.mean / self.control) / abs(self.control)
        return _quantile(self.log_tails, probability, self.mean, sd)


@dataclass(frozen=True)
class ArmsEffect:
    """The effect between two independent arms, by quadrature.

    Attributes
    ----------
    control, treatment
        Posteriors of the arms, of one family.
    scale
        ``absolute``: treatment - control. ``relative``: treatment / control - 1; its mean is that
        of the posterior means, and its losses are shares of control's posterior mean.
    """

    control: Arm
    treatment: Arm
    scale: PriorScale

    @property
    def mean(self) -> float:
        """Posterior mean of the effect."""
        difference = self.treatment.mean - self.control.mean
        return difference if self.scale == "absolute" else difference / self.control.mean

    def log_losses(self) -> tuple[float, float]:
        """Return logarithms of E max(-effect, 0) and E max(effect, 0).

        E max(C - T, 0) is the integral of P(T < x) P(C > x) over x: no difference is taken.
        """
        control, treatment = self.control, self.treatment

        def integrands(t: Floats) -> Floats:
            slope = control.log_slope(t)
            control_below, control_above = control.log_tails(t)
            below, above = treatment.log_tails(t)
            return np.stack([below + control_above + slope, control_below + above + slope])

        ship, keep = log_integrals(integrands, joined([control, treatment]))
        share = 0.0 if self.scale == "absolute" else math.log(control.mean)
        return float(ship) - share, float(keep) - share

    def log_tails(self, value: float) -> tuple[float, float]:
        """Return logarithms of P(effect < value) and P(effect > value).

        They are integrals over control of its density times P(T < x + value), and of that
        times P(T > x + value).
        """
        if self.scale == "relative" and value <= -1.0:
            return -math.inf, 0.0
        to_treatment, to_control = self._maps(value)
        own = (self.control.places, self.treatment.places)
        with np.errstate(invalid="ignore"):
            seen = to_control(np.concatenate([[-np.inf], own[1], [np.inf]]))
        gap = 0.1 * min(float(np.diff(places).min()) for places in own)
        places = thinned(np.concatenate([own[0], seen[np.isfinite(seen)]]), gap)
        if self.scale == "absolute" and value != 0.0:
            places = turning(places, math.log(abs(value)))  # where the shift exceeds the value
        for end in seen[[0, -1]]:
            if math.isfinite(end):
                places = np.append(places[np.abs(places - end) > gap], end)

        def integrands(t: Floats) -> Floats:
            # where treatment's values end a tail is 0, not what rounding leaves of it: the
            # quadrature then sees that it bends without end there
            other = np.where(t <= seen[0], -np.inf, to_treatment(t))
            below, above = self.treatment.log_tails(np.where(t >= seen[-1], np.inf, other))
            return np.stack([below, above]) + self.control.log_density(t)

        below, above = log_integrals(integrands, places)
        return min(float(below), 0.0), min(float(above), 0.0)

    def _maps(self, value: float) -> tuple[Callable[[Floats], Floats], Callable[[Floats], Floats]]:
        """Return the way from control's coordinate to treatment's at this effect, and back."""
        arm = self.control
        if value == 0.0:
            return (lambda t: t), (lambda t: t)
        if self.scale == "absolute":
            return (lambda t: arm.shifted(t, value)), (lambda t: arm.shifted(t, -value))
        factor = 1.0 + value
        return (lambda t: arm.scaled(t, factor)), (lambda t: arm.scaled(t, 1.0 / factor))

    def quantile(self, probability: float) -> float:
        """Return the value that the effect is below with this probability; infinite beyond e^600.

        Relative effects are searched for as logarithms of the ratio, which have no end.
        """
        control, treatment = self.control, self.treatment
        if self.scale == "absolute":
            sd = math.hypot(control.sd, treatment.sd)
            return _quantile(self.log_tails, probability, treatment.mean - control.mean, sd)

        def tails(log_ratio: float) -> tuple[float, float]:
            if log_ratio >= _LARGEST_LOG:
                return 0.0, -math.inf
            return self.log_tails(math.expm1(log_ratio))

        sd = math.hypot(control.sd / control.mean, treatment.sd / treatment.mean)
        found = _quantile(tails, probability, math.log(treatment.mean / control.mean), sd)
        return math.expm1(found) if found < _LARGEST_LOG - 1.0 else math.inf


def joined(arms: Sequence[Arm]) -> Floats:
    """Return the places of all arms, without those that say the same."""
    places = [arm.places for arm in arms]
    return thinned(np.concatenate(places), min(float(np.diff(own).min()) for own in places))


def thinned(places: Floats, gap: float) -> Floats:
    """Return both ends, and of those between one for each step of `gap`."""
    low, high = float(places.min()), float(places.max())
    between = np.unique(np.floor((places - low) / gap)) * gap + low
    return np.unique(np.concatenate([[low, high], between[between < high]]))


def _quantile(
    log_tails: Callable[[float], tuple[float, float]], probability: float, centre: float, sd: float
) -> float:
    """Return where the smaller tail has its probability: the root of its logarithm."""
    from scipy.optimize import brentq

    lower = probability <= 0.5
    target = math.log(probability if lower else 1.0 - probability)

    def rising(place: float) -> float:
        below, above = (max(tail, -_DEEPEST) for tail in log_tails(place))
        return below - target if lower else target - above

    near, step = centre + float(special.ndtri(probability)) * sd, 0.25 * sd
    sign = 1.0 if rising(near) < 0.0 else -1.0
    far = near + sign * step
    while sign * rising(far) < 0.0:
        near, step = far, 2.0 * step
        far = near + sign * step
    return float(brentq(rising, min(near, far), max(near, far), xtol=1e-11 * sd, rtol=1e-14))
