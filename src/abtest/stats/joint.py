"""The joint vector of arm means over phases of allocation, and what follows from it linearly.

Every estimate from moments is a smooth function of one vector: the means of the control arm, of
the treatment arm, and of both together. Its sampling covariance is written down here, once;
CUPED and ratios are Jacobians of it (the delta method), nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from abtest.errors import UsageError
from abtest.stats.moments import Floats, Moments, too_small_squares
from abtest.stats.not_estimable import not_finite, too_few_units, too_small

_CANCELLED = 1e-13
"""A variance this small beside the terms that it is the sum of is their rounding."""


@dataclass(frozen=True, eq=False)
class JointMeans:
    """Means of two arms over the same phases, with weights that make the phases one population.

    A phase is a period of constant allocation. Arms are compared within phases, because the
    base rate may differ between them; phase p weighs w_p = n_p / n, its share of all units.

    Attributes
    ----------
    units
        Units by arm (control, treatment) and phase, shape (2, P).
    means
        Means of k variables, shape (2, P, k).
    covariances
        Sample covariances of the values of units, shape (2, P, k, k).
    dropped_phases
        Phases left out because an arm had fewer than two units there.
    known_weights
        Weights of the phases, shape (P,), where they are known from elsewhere instead of the
        shares of the units.
    random_shares
        Whether the shares of the phases have a sampling error of their own.
    """

    units: NDArray[np.float64]
    means: Floats
    covariances: Floats
    dropped_phases: int = 0
    known_weights: Floats | None = None
    random_shares: bool = True

    @classmethod
    def of(cls, control: Sequence[Moments], treatment: Sequence[Moments], size: int) -> JointMeans:
        """Return the joint means of the first `size` variables, one `Moments` per phase.

        Phases with fewer than two units in an arm are left out of both arms: nothing can be
        compared within them, and merging them into others would mix base rates. The estimate then
        describes the units of the other phases.

        Raises
        ------
        NotEstimable
            ``too_few_units`` if no phase remains; ``not_finite`` if means or variances are not;
            ``too_small`` if squares underflow.
        UsageError
            If the arms differ in phases or the moments have fewer than `size` variables.
        """
        _require_shape(control, treatment, size)
        pairs = list(zip(control, treatment, strict=True))
        kept = [pair for pair in pairs if min(pair[0].n, pair[1].n) >= 2]
        empty = sum(1 for pair in pairs if pair[0].n == pair[1].n == 0)
        if not kept:
            raise too_few_units(sum(m.n for m in control), sum(m.n for m in treatment))
        arms = [[pair[arm] for pair in kept] for arm in (0, 1)]
        means = np.array([[m.mean[:size] for m in arm] for arm in arms])
        covariances = np.array([[m.covariance[:size, :size] for m in arm] for arm in arms])
        if not (np.isfinite(means).all() and np.isfinite(covariances).all()):
            raise not_finite()
        if too_small_squares(
            np.array([[m.m2.diagonal()[:size] for m in arm] for arm in arms])
        ).any():
            raise too_small()
        units = np.array([[m.n for m in arm] for arm in arms], dtype=np.float64)
        return cls(units, means, covariances, len(pairs) - len(kept) - empty)

    @property
    def phase_weights(self) -> Floats:
        """Shares w_p of the phases among all units, or their known weights, shape (P,)."""
        if self.known_weights is not None:
            return self.known_weights
        return np.asarray(self.units.sum(axis=0) / self.units.sum())

    @property
    def arm_shares(self) -> Floats:
        """Shares f_ap of the arms within each phase, shape (2, P)."""
        return np.asarray(self.units / self.units.sum(axis=0))

    @property
    def mean_weights(self) -> Floats:
        """Weights w_p^2 / n_ap with which unit covariances enter those of means, shape (2, P)."""
        return np.asarray(self.phase_weights**2 / self.units)

    @property
    def arm_means(self) -> Floats:
        """Means of the arms over phases, shape (2, k)."""
        return np.asarray(np.einsum("p,apk->ak", self.phase_weights, self.means))

    @property
    def overall_mean(self) -> Floats:
        """Mean of all units of both arms, shape (k,)."""
        shares = self.phase_weights * self.arm_shares
        return np.asarray(np.einsum("ap,apk->k", shares, self.means))

    def propagate(self, jacobian: Jacobian) -> Propagated:
        """Return the joint covariance of the two arms' estimates and the parts it is made of.

        The covariance is sum_ap w_p^2 H_ap S_ap H_ap' / n_ap with H_ap = J_a + f_ap J_all, plus
        the noise of the phase shares, (1/n) sum_p w_p (h_p - h)(h_p - h)' with h_p the linear
        value of phase p: the units of an experiment are a sample, and so is its mixture of
        phases (superpopulation; Miratrix, Sekhon & Yu 2013, JRSS B 75, 369).
        """
        weights = self.phase_weights
        own, shared = jacobian.own, jacobian.overall
        covariance = np.zeros((2, 2))
        parts = np.zeros(self.units.shape)
        for arm, phase in np.ndindex(*self.units.shape):
            gradient = np.outer(np.arange(2) == arm, own[arm])
            gradient = gradient + self.arm_shares[arm, phase] * shared
            unit_covariance = self.covariances[arm, phase]
            scale = self.mean_weights[arm, phase]
            covariance += scale * _sandwich(gradient, unit_covariance)
            parts[arm, phase] = scale * quadratic_form(gradient[1] - gradient[0], unit_covariance)
        if not self.random_shares:
            return Propagated(covariance, parts)
        with np.errstate(over="ignore", invalid="ignore"):  # what overflows is judged later
            linear = np.einsum("ak,apk->pa", own, self.means)
            linear = linear + np.einsum("bk,ap,apk->pb", shared, self.arm_shares, self.means)
            deviations = linear - weights @ linear
            covariance += (deviations.T * weights) @ deviations / self.units.sum()
            # of the difference by itself: levels may lie so far apart that it would cancel
            noise = float(weights @ (deviations[:, 1] - deviations[:, 0]) ** 2 / self.units.sum())
        return Propagated(covariance, parts, noise)


@dataclass(frozen=True, eq=False)
class Jacobian:
    """Derivatives of the two arms' estimates with respect to the joint means.

    Attributes
    ----------
    own
        Of each arm's estimate with respect to its own means, shape (2, k).
    overall
        Of each arm's estimate with respect to the means of all units, shape (2, k).
    """

    own: Floats
    overall: Floats


@dataclass(frozen=True, eq=False)
class Propagated:
    """A joint covariance of two arms' estimates, and the parts of the difference's variance.

    Attributes
    ----------
    covariance
        Of the control and treatment estimate, shape (2, 2).
    parts
        Variance of the difference due to each arm and phase, shape (2, P).
    noise
        Variance of the difference due to the shares of the phases.
    """

    covariance: Floats
    parts: Floats
    noise: float = 0.0

    @property
    def difference_variance(self) -> float:
        """Variance of treatment minus control."""
        return float(self.parts.sum()) + self.noise

    def degrees_of_freedom(self, df: Floats) -> float:
        """Return the Welch-Satterthwaite degrees of freedom of the difference.

        (sum of parts)^2 / sum(part^2 / df) (Welch 1947, Biometrika 34, 28), at ratio 1 for
        relative effects too, so that absolute and relative statements agree.

        Parameters
        ----------
        df
            Degrees of freedom of each part, shape (2, P).
        """
        scaled = self.parts / self.parts.max()
        return float(scaled.sum() ** 2 / (scaled**2 / df).sum())


def quadratic_form(vector: Floats, matrix: Floats) -> float:
    """Return v' M v, or 0 where it is only the rounding of terms that cancel."""
    value = float(vector @ matrix @ vector)
    size = float(np.abs(vector) @ np.abs(matrix) @ np.abs(vector))
    return value if value > _CANCELLED * size else 0.0


def quadratic_rows(vectors: Floats, matrices: Floats) -> Floats:
    """Return `quadratic_form` of many vectors, shape (..., k), and matrices, shape (..., k, k)."""
    value = np.einsum("...i,...ij,...j->...", vectors, matrices, vectors)
    size = np.einsum("...i,...ij,...j->...", *map(np.abs, (vectors, matrices, vectors)))
    return np.asarray(np.where(value > _CANCELLED * size, value, 0.0))


def _sandwich(gradients: Floats, matrix: Floats) -> Floats:
    """Return G M G', with zeros for the rows of G whose variance is only rounding.

    Where the numerator of a ratio equals its denominator in every unit, the terms cancel to
    something like -1e-34, which is no variance.
    """
    product = gradients @ matrix @ gradients.T
    kept = np.array([quadratic_form(gradient, matrix) > 0.0 for gradient in gradients])
    return np.asarray(np.where(np.outer(kept, kept), product, 0.0))


def _require_shape(control: Sequence[Moments], treatment: Sequence[Moments], size: int) -> None:
    if len(control) != len(treatment) or not control:
        raise UsageError(
            "Both arms need moments of the same phases",
            given=f"{len(control)} control, {len(treatment)} treatment phases",
            todo="Give one Moments per phase and arm; an arm without units there as an empty one.",
        )
    shortest = min(len(moments.mean) for moments in (*control, *treatment))
    if shortest < size:
        raise UsageError(
            "The moments lack a variable that the estimate needs",
            given=f"{shortest} variables, {size} needed",
            todo="Sum the covariates too, or ask for the estimate without adjustment.",
        )
