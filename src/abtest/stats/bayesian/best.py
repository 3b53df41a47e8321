"""Several arms at once: which is best, and what each would cost."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from abtest.stats.bayesian.arms import Arm, NormalArm, places_around
from abtest.stats.bayesian.effects import NormalEffect, joined, thinned
from abtest.stats.bayesian.quadrature import log_integrals, log_sum
from abtest.stats.moments import Floats

_AT_ONCE = 32
"""So many means of arms are integrated over at once: a bound on memory."""
_AROUND = np.array([-120.0, -12.0, -5.0, 0.0, 5.0, 12.0, 120.0])


@dataclass(frozen=True)
class Ranking:
    """Logarithms of what every arm, control first, is and would cost.

    Attributes
    ----------
    log_best
        Of the probability that it is the best of all.
    log_loss
        Of its expected loss: E(best of all - this one).
    """

    log_best: tuple[float, ...]
    log_loss: tuple[float, ...]


def rank_arms(arms: Sequence[Arm], *, largest: bool) -> Ranking:
    """Return the ranking of independent arms of one family.

    P(i is best) is the integral of its density times the product of P(j < x) over all others,
    its expected loss that of P(i < x) (1 - that product): one-dimensional, and no difference.

    Parameters
    ----------
    arms
        Posteriors, control first.
    largest
        Whether the largest value is the best.
    """
    k = len(arms)

    def integrands(t: Floats) -> Floats:
        tails = [arm.log_tails(t) for arm in arms]
        worse = np.stack([below if largest else above for below, above in tails])
        better = np.stack([above if largest else below for below, above in tails])
        slope = arms[0].log_slope(t)
        best = [arm.log_density(t) + _others(worse, i) for i, arm in enumerate(arms)]
        loss = [worse[i] + _any_other(worse, better, i) + slope for i in range(k)]
        return np.stack(best + loss)

    logs = log_integrals(integrands, joined(arms))
    return _ranking(logs)


@dataclass(frozen=True)
class NormalFamily:
    """Normal effects of several treatments against one control, all with the same prior.

    Estimates share the error of control: d_j = effect_j + s_0 z + s_j e_j with z and e_j
    standard normal. Given z the effects are independent, so that everything is a mixture over z.
    With a proper prior the other treatments say something about z: where all of them lie below
    control, control was probably lucky.

    Attributes
    ----------
    estimates
        Treatment - control, shape (k,), with the sign turned so that larger is better.
    errors
        Standard errors of the treatments' values, shape (k,), above 0.
    control_error
        That of control.
    prior
        Mean and standard deviation of the effects' prior, with the same sign; None for flat.
    """

    estimates: Floats
    errors: Floats
    control_error: float
    prior: tuple[float, float] | None

    @property
    def _weights(self) -> Floats:
        """Share of each estimate in its posterior, given z."""
        if self.prior is None:
            return np.ones_like(self.errors)
        return np.asarray(1.0 / (1.0 + (self.errors / self.prior[1]) ** 2))

    @property
    def _shared(self) -> tuple[float, float]:
        """Posterior mean and standard deviation of z."""
        if self.prior is None:
            return 0.0, 1.0
        centre, sd = self.prior
        spread = np.hypot(self.errors, sd)
        loads = self.control_error / spread
        precision = 1.0 + float(loads @ loads)
        return float(loads @ ((self.estimates - centre) / spread)) / precision, precision**-0.5

    def _given(self, z: Floats) -> tuple[Floats, Floats]:
        """Return posterior means (k, n) and standard deviations (k,), given z of shape (n,)."""
        weights = self._weights
        centre = 0.0 if self.prior is None else self.prior[0]
        own = weights * self.estimates + (1.0 - weights) * centre
        means = own[:, None] - (weights * self.control_error)[:, None] * z
        return means, np.sqrt(weights) * self.errors

    def effects(self) -> list[tuple[NormalEffect, float]]:
        """Return the posterior of every effect by itself, and its load on control.

        The load is the covariance with control over the variance of the effect.
        """
        z, sd_z = self._shared
        means, sds = self._given(np.array([z]))
        shared = self._weights * self.control_error * sd_z
        spreads = np.hypot(sds, shared)
        loads = -(shared / spreads) * (self.control_error * sd_z / spreads)
        return [
            (NormalEffect(float(m), float(s)), float(load))
            for m, s, load in zip(means[:, 0], spreads, loads, strict=True)
        ]

    @property
    def control_shift(self) -> tuple[float, float]:
        """How far control's posterior mean is from its estimate, and its standard deviation."""
        z, sd_z = self._shared
        return self.control_error * z, self.control_error * sd_z

    def ranking(self) -> Ranking:
        """Return the ranking of control and the treatments."""
        if self.control_error == 0.0:
            return _ranking(self._log_parts(np.zeros(1))[:, 0])
        if self.prior is None:
            control = NormalArm(0.0, self.control_error)
            arms = zip(self.estimates.tolist(), self.errors.tolist(), strict=True)
            return rank_arms([control, *(NormalArm(d, s) for d, s in arms)], largest=True)
        mean, sd = self._shared

        def integrands(z: Floats) -> Floats:
            weight = -0.5 * ((z - mean) / sd) ** 2 - math.log(sd * math.sqrt(2.0 * math.pi))
            pieces = np.array_split(z, -(-len(z) * len(self.errors) // _AT_ONCE))
            return np.concatenate([self._log_parts(piece) for piece in pieces], axis=1) + weight

        return _ranking(log_integrals(integrands, places_around(mean, sd)))

    def _log_parts(self, z: Floats) -> Floats:
        """Return logarithms of P(best), then of losses, given z: control is at 0."""
        means, sds = self._given(z)
        k = len(sds)
        places = thinned(means[..., None] + sds[:, None, None] * _AROUND, float(sds.min()))
        far = float(np.abs(places).max())

        def above(t: Floats) -> Floats:
            u = (t - means[..., None]) / sds[:, None, None]
            worse, better = special.log_ndtr(u), special.log_ndtr(-u)
            scale = np.log(sds * math.sqrt(2.0 * math.pi))[:, None, None]
            density = -0.5 * u * u - scale
            best = [density[i] + _others(worse, i) for i in range(k)]
            loss = [worse[i] + _any_other(worse, better, i) for i in range(k)]
            return np.concatenate([*best, _any_other(worse, better, k), *loss])

        def below(t: Floats) -> Floats:
            u = (t - means[..., None]) / sds[:, None, None]
            return np.asarray(special.log_ndtr(u)).reshape(-1, len(t))

        upper = log_integrals(above, np.concatenate([[0.0, far], places[places > 0.0]]))
        lower = log_integrals(below, np.concatenate([[-far, 0.0], places[places < 0.0]]))
        upper, lower = upper.reshape(2 * k + 1, -1), lower.reshape(k, -1)
        control = special.log_ndtr(-means / sds[:, None]).sum(axis=0)
        own = np.logaddexp(upper[k + 1 :], lower)
        return np.concatenate([control[None], upper[: k + 1], own])


def _others(logs: Floats, i: int) -> Floats:
    """Return the sum over all rows but i."""
    return np.asarray(np.delete(logs, i, axis=0).sum(axis=0)) if i < len(logs) else logs.sum(axis=0)


def _any_other(worse: Floats, better: Floats, i: int) -> Floats:
    """Return log P(one of the rows but i is better): log(1 - product of P(worse))."""
    together = _others(worse, i)
    others = np.delete(better, i, axis=0) if i < len(better) else better
    if not len(others):
        return np.full_like(together, -np.inf)
    # where the product is 1 to the last digit, what is missing is the sum of the tails
    with np.errstate(divide="ignore"):
        direct = np.log(-np.expm1(together))
    return np.where(together > -1e-15, log_sum(np.moveaxis(others, 0, -1)), direct)


def _ranking(logs: Floats) -> Ranking:
    half = len(logs) // 2
    best = tuple(min(float(value), 0.0) for value in logs[:half])
    return Ranking(best, tuple(float(value) for value in logs[half:]))
