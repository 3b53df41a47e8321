"""CR2 with covariates, from sums of products of each cluster: no matrix of rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from abtest.stats.adjustment.cuped import PERFECT
from abtest.stats.adjustment.slopes import covariate_status, none_used
from abtest.stats.clusters.table import ClusterTable
from abtest.stats.moments import Floats
from abtest.stats.pairs import ArmPair

_WHOLE = 1.0 - 1e-9
"""Leverage at which a cluster decides a slope alone and has no residual left."""
_NOISE = 1e-24
"""Share of a covariate's squares that is the rounding of its means."""


def adjusted_robust_pair(plain: ArmPair, control: ClusterTable, treatment: ClusterTable) -> ArmPair:
    """Return the means adjusted for covariates, or the plain ones with the code of why not.

    Rows are regressed on arm and covariates, with one slope for both arms. The values are those
    at the covariates' means over all rows. These are random: their own error, over clusters,
    enters the values of both arms alike, so the relative effect and not the difference.

    Parameters
    ----------
    plain
        The unadjusted means.
    control, treatment
        Tables of (outcome, covariates...).
    """
    rows = _Rows.of(control, treatment)
    status = covariate_status(rows.within[None, 1:, 1:])
    kept = [place + 1 for place, found in enumerate(status) if found == "used"]
    if not kept:
        return plain.with_warnings(none_used(status))
    if len(rows.n) < len(kept) + 3:
        return plain.with_warnings("covariate_too_few_units")
    fit = _Regression.of(rows, kept)
    if fit.residual <= PERFECT * rows.within[0, 0]:
        return plain.with_warnings("covariate_is_outcome")
    variance = float(fit.direction @ fit.covariance @ fit.direction)
    if fit.leverage.max() > _WHOLE or not 0.0 < variance < np.inf:
        return plain.with_warnings("covariate_too_few_units")
    covariance = fit.covariance[:2, :2] + fit.slopes[2:] @ fit.means_covariance @ fit.slopes[2:]
    values = rows.centre + fit.slopes[:2]
    found = ArmPair(
        control_value=float(values[0]),
        treatment_value=float(values[1]),
        covariance=(
            (float(covariance[0, 0]), float(covariance[0, 1])),
            (float(covariance[1, 0]), float(covariance[1, 1])),
        ),
        df=fit.degrees_of_freedom(),
        n_control=len(control),
        n_treatment=len(treatment),
        method="cr2_adjusted",
        variance_reduction=1.0 - variance / plain.contrast.difference_variance,
        difference_variance=variance,
    )
    return found.with_warnings(*(("covariate_dropped",) if len(kept) < len(status) else ()))


@dataclass(frozen=True, eq=False)
class _Rows:
    """Clusters of both arms: rows n, arm (0 or 1), means (c, k) and m2 (c, k, k).

    The outcome is about `centre`, covariates are about their means over all rows. `within` has
    the sums of products within arms, 0 for a covariate without variation.
    """

    n: Floats
    arm: np.typing.NDArray[np.int64]
    means: Floats
    m2: Floats
    within: Floats
    centre: float

    @classmethod
    def of(cls, control: ClusterTable, treatment: ClusterTable) -> _Rows:
        n = np.concatenate([control.n, treatment.n])
        arm = np.repeat([0, 1], [len(control), len(treatment)])
        with np.errstate(over="ignore", invalid="ignore"):  # too large covariates are not used
            means = np.concatenate([table.about(control.centre) for table in (control, treatment)])
            m2 = np.concatenate([control.m2, treatment.m2])
            overall = n @ means / n.sum()
            overall[0] = 0.0
            means = means - overall
            sums = np.stack([n[arm == side] @ means[arm == side] for side in (0, 1)])
            inside = means - (sums / np.bincount(arm, n)[:, None])[arm]
            within = m2.sum(axis=0) + (n[:, None] * inside).T @ inside
            squares = np.einsum("ckk->k", m2) + n @ means**2
        unusable = ~np.isfinite(np.diag(within)) | (np.diag(within) <= _NOISE * squares)
        unusable[0] = False
        within[unusable, :] = within[:, unusable] = 0.0
        return cls(n, arm, means, m2, within, float(control.centre[0]))


@dataclass(frozen=True, eq=False)
class _Regression:
    """Least squares of the outcome on (control, treatment, covariates) with CR2.

    With M = (X'X)^-1 = L L' and the eigenvectors V and values d of L' X_g'X_g L, products with
    A_g = (1 - X_g M X_g')^-1/2 are those with 1 + X_g L V phi V' L' X_g', phi = 1 / (s (1 + s)),
    s^2 = 1 - d; with its square phi = 1 / s^2. So nothing larger than (k, k) is needed (Bell &
    McCaffrey 2002; Pustejovsky & Tipton 2018, JBES 36, 672, with independent rows of equal
    variance as the working model).

    Attributes
    ----------
    slopes
        Coefficients; those of covariates in units of their standard deviations.
    covariance
        CR2, shape (k, k).
    residual
        Residual sum of squares.
    leverage
        Largest eigenvalue of each cluster's part of the hat matrix.
    direction
        Treatment - control.
    means_covariance
        Of the covariates' means over all rows, over clusters.
    """

    slopes: Floats
    covariance: Floats
    residual: float
    leverage: Floats
    direction: Floats
    means_covariance: Floats
    _root: Floats
    _loads: Floats
    _own: Floats

    @classmethod
    def of(cls, rows: _Rows, kept: list[int]) -> _Regression:
        n, chosen = rows.n, [0, *kept]
        unit = np.sqrt(np.diag(rows.within)[chosen] / n.sum())
        unit[0] = 1.0
        means = rows.means[:, chosen] / unit
        sums = rows.m2[:, chosen][:, :, chosen] / unit[:, None] / unit
        sums = sums + n[:, None, None] * means[:, :, None] * means[:, None, :]
        squares, products = _normal_equations(rows, means, sums)
        lower = np.linalg.cholesky(squares.sum(axis=0))
        inverse_lower = np.linalg.inv(lower)  # M = L L' with L = inverse_lower'
        slopes = inverse_lower.T @ (inverse_lower @ products.sum(axis=0))
        scores = products - squares @ slopes
        values, vectors = np.linalg.eigh(inverse_lower @ squares @ inverse_lower.T)
        left = np.sqrt(np.maximum(1.0 - values, 1.0 - _WHOLE))
        direction = np.zeros(len(slopes))
        direction[:2] = -1.0, 1.0
        pull = squares @ (inverse_lower.T @ (inverse_lower @ direction))
        turned = inverse_lower.T @ vectors  # L V of every cluster

        def times(power: Floats, vector: Floats) -> Floats:
            inside = power * np.einsum("cij,ci->cj", turned, vector)
            moved = np.einsum("cij,cj->ci", turned, inside)
            return np.asarray(vector + np.einsum("cij,cj->ci", squares, moved))

        half = 1.0 / (left * (1.0 + left))
        corrected = times(half, scores) @ inverse_lower.T
        aim = inverse_lower.T @ (inverse_lower @ direction)
        shift = n[:, None] * means[:, 1:] / n.sum()
        return cls(
            slopes,
            inverse_lower.T @ (corrected.T @ corrected) @ inverse_lower,
            float(sums[:, 0, 0].sum() - slopes @ products.sum(axis=0)),
            values[:, -1],
            direction,
            shift.T @ shift * (len(n) / (len(n) - 1.0)),
            inverse_lower,
            times(half, pull),
            times(1.0 / left**2, pull) @ aim,
        )

    def degrees_of_freedom(self) -> float:
        """Return Satterthwaite's degrees of freedom of the variance of `direction`.

        (tr B)^2 / tr(B B) for B = diag(q) - U M U', the covariance of the clusters' parts under
        the working model.
        """
        turned = self._loads @ self._root.T
        lengths = (turned**2).sum(axis=1)
        trace = (self._own - lengths).sum()
        squared = (self._own**2 - 2.0 * self._own * lengths).sum() + (
            (turned.T @ turned) ** 2
        ).sum()
        return float(trace**2 / squared)


def _normal_equations(rows: _Rows, means: Floats, sums: Floats) -> tuple[Floats, Floats]:
    """Return X'X (c, k, k) and X'y (c, k) of each cluster."""
    clusters, size = means.shape[0], means.shape[1] + 1
    line = np.arange(clusters)
    squares, products = np.zeros((clusters, size, size)), np.zeros((clusters, size))
    totals = rows.n[:, None] * means
    squares[line, rows.arm, rows.arm] = rows.n
    squares[line, rows.arm, 2:] = totals[:, 1:]
    squares[line, 2:, rows.arm] = totals[:, 1:]
    squares[:, 2:, 2:] = sums[:, 1:, 1:]
    products[line, rows.arm] = totals[:, 0]
    products[:, 2:] = sums[:, 0, 1:]
    return squares, products
