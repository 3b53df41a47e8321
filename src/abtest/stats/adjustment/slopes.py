"""Slopes on covariates from moments: which covariates can be used, and what they explain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from abtest.errors import UsageError
from abtest.stats.joint import JointMeans
from abtest.stats.moments import Floats, Moments
from abtest.stats.not_estimable import NotEstimable

SlopesBy = Literal["arm", "pooled"]
"""One slope vector per arm (Lin 2013), or one for both arms (analysis of covariance)."""
Slopes: TypeAlias = SlopesBy | Sequence[float] | Floats
"""How slopes are found, or the slopes themselves, one per covariate, fixed beforehand."""
CovariateStatus = Literal["used", "constant", "collinear", "one_unit"]
"""``constant``: no variation within an arm; ``collinear``: a linear function of those before;
``one_unit``: a single unit of an arm has a 1, or a 0, of a covariate of 0 and 1."""

NEW_SHARE = 1e-10
"""Share of a covariate's variance that those before it must leave for it to say something new."""
_ROUNDING = 1e-12
"""Rounding of a sum of n values of 0 and 1, for each of them."""

_SLOPES = frozenset(get_args(SlopesBy))


@dataclass(frozen=True, eq=False)
class FittedSlopes:
    """Slopes by arm and what is needed for their error.

    Attributes
    ----------
    values
        Slopes, shape (2, k); 0 for covariates that are not used.
    status
        What became of each covariate, length k.
    weights
        Weights of the cells (arm, phase) in the normal equations, shape (2, P).
    inverses
        Inverse of the normal equations of each arm's slopes, shape (2, k, k).
    shared
        Whether both arms have the same slopes.
    lost
        Factors by which residual variances grow for the units lost to slopes, shape (2,).
    """

    values: Floats
    status: tuple[CovariateStatus, ...]
    weights: Floats
    inverses: Floats
    shared: bool
    lost: Floats

    @property
    def kept(self) -> int:
        """Number of covariates used."""
        return self.status.count("used")


def fit_slopes(
    joint: JointMeans, slopes: Slopes = "arm"
) -> FittedSlopes | Literal["covariate_constant", "covariate_too_few_units"]:
    """Return slopes of the outcome on the covariates within arms and phases.

    Covariates are taken in the order given: one that does not vary within an arm, or of which
    those before it leave less than `NEW_SHARE` of the variance, is left out and says so, instead
    of being solved away by a generalised inverse. So is a covariate of 0 and 1 of which one
    level has a single unit (see `held_by_one`).

    Parameters
    ----------
    joint
        Means of (outcome, covariates...).
    slopes
        ``arm``: one vector per arm, cells weighing as in the variance of the arm's mean.
        ``pooled``: one vector, cells weighing with their degrees of freedom, as in ordinary
        least squares on arm, phase and covariates. Numbers are used as they are.

    Raises
    ------
    UsageError
        If numbers given as slopes are not one finite number per covariate.
    """
    size = joint.means.shape[2] - 1
    within = joint.units - 1.0
    if not isinstance(slopes, str):
        fixed = fixed_slopes(slopes, size)
        nothing = np.zeros((2, size, size))
        return FittedSlopes(
            np.vstack([fixed, fixed]), ("used",) * size, within, nothing, True, np.ones(2)
        )
    if slopes not in _SLOPES:
        raise UsageError(
            "There is no such way to find slopes",
            given=repr(slopes),
            todo='Use "arm" or "pooled", or give one number per covariate.',
        )
    shared = slopes == "pooled"
    weights = within if shared else joint.mean_weights
    equations = np.einsum("ap,apij->aij", weights, joint.covariances)
    df = within.sum(axis=1)
    if shared:
        equations, df = np.repeat(equations.sum(axis=0)[None], 2, axis=0), np.full(2, df.sum())
    alone = held_by_one(joint, shared=shared)[1:]
    status = covariate_status(equations[:, 1:, 1:], alone)
    kept = [place for place, found in enumerate(status) if found == "used"]
    if not kept:
        return none_used(status)
    if (df < len(kept) + 1.0).any():
        return "covariate_too_few_units"
    values, inverses = np.zeros((2, size)), np.zeros((2, size, size))
    for arm in (0, 1):
        inverse = _inverse(equations[arm, 1:, 1:][np.ix_(kept, kept)])
        inverses[arm][np.ix_(kept, kept)] = inverse
        values[arm, kept] = inverse @ equations[arm, 1:, 0][kept]
    return FittedSlopes(values, status, weights, inverses, shared, df / (df - len(kept)))


def pooled_slopes(control: Sequence[Moments], treatment: Sequence[Moments]) -> Floats:
    """Return the slopes of analysis of covariance, shape (k,), to be kept for several looks.

    An experiment that is looked at several times adjusts every look with the same slopes
    (``estimate_means(..., slopes=pooled_slopes(...))``), so that the looks differ by new units
    alone.

    Parameters
    ----------
    control, treatment
        Moments of (outcome, covariates...) by phase.

    Raises
    ------
    NotEstimable
        ``constant`` or ``too_few_units`` if there are no slopes; as `estimate_means` otherwise.
    UsageError
        If phases or variables do not fit.

    Examples
    --------
    >>> control = Moments.from_columns([[1.0, 2.0, 4.0], [1.0, 2.0, 3.0]])
    >>> treatment = Moments.from_columns([[2.0, 4.0, 5.0], [1.0, 2.0, 3.0]])
    >>> pooled_slopes([control], [treatment]).tolist()
    [1.5]
    """
    joint = JointMeans.of(control, treatment, variables(control, treatment))
    fitted = fit_slopes(joint, "pooled")
    if isinstance(fitted, str):
        raise NotEstimable(
            "constant" if fitted == "covariate_constant" else "too_few_units",
            "The covariates have no slopes",
            given=fitted,
            todo="Use the estimate without adjustment.",
        )
    return np.asarray(fitted.values[0])


def variables(control: Sequence[Moments], treatment: Sequence[Moments]) -> int:
    """Return how many variables adjusted moments have: those of the longest, at least two."""
    return max([2, *(len(moments.mean) for moments in (*control, *treatment))])


def held_by_one(joint: JointMeans, *, shared: bool) -> NDArray[np.bool_]:
    """Return which variables are 0 and 1 with one level held by a single unit, shape (k,).

    Such a unit decides the slope alone and has no residual: the fitted value at the overall mean
    extrapolates from it, and nothing tells its error. From moments it is seen where the sum of
    squares is the sum, and that is 1 or n - 1. The same unit among other values than 0 and 1
    cannot be seen in moments; `compare_adjusted_means` sees it in values.

    Parameters
    ----------
    joint
        Means of the variables.
    shared
        Whether both arms have the same slopes, so that only both together need a second unit.
    """
    n = joint.units.sum(axis=1)
    totals = np.einsum("ap,apk->ak", joint.units, joint.means)
    within = np.einsum("ap,apkk->ak", joint.units - 1.0, joint.covariances)
    with np.errstate(over="ignore", invalid="ignore"):  # far from 0 and 1
        squares = within + np.einsum("ap,apk->ak", joint.units, joint.means**2)
        if shared:
            n, totals, squares = (part.sum(axis=0, keepdims=True) for part in (n, totals, squares))
        return np.asarray(one_unit(n[:, None], totals, squares).any(axis=0))


def one_unit(n: Floats, totals: Floats, squares: Floats) -> NDArray[np.bool_]:
    """Return where n values are 0 and 1 with a single 1 or a single 0, from their sums."""
    close = _ROUNDING * n
    binary = np.abs(squares - totals) <= close
    return np.asarray(
        binary & ((np.abs(totals - 1.0) <= close) | (np.abs(n - totals - 1.0) <= close))
    )


def none_used(
    status: tuple[CovariateStatus, ...],
) -> Literal["covariate_constant", "covariate_too_few_units"]:
    """Return the code of covariates of which none can be used."""
    return "covariate_too_few_units" if "one_unit" in status else "covariate_constant"


def covariate_status(
    equations: Floats, alone: NDArray[np.bool_] | None = None
) -> tuple[CovariateStatus, ...]:
    """Return what becomes of each covariate: judged in every matrix, in the order given.

    Parameters
    ----------
    equations
        Sums of squares and products of the covariates, shape (groups, k, k).
    alone
        Which of them rest on one unit, shape (k,).
    """
    status: list[CovariateStatus] = []
    kept: list[int] = []
    for place in range(equations.shape[1]):
        if not (equations[:, place, place] > 0.0).all():
            status.append("constant")
        elif alone is not None and alone[place]:
            status.append("one_unit")
        elif min(_new_share(matrix, kept, place) for matrix in equations) <= NEW_SHARE:
            status.append("collinear")
        else:
            status.append("used")
            kept.append(place)
    return tuple(status)


def _new_share(matrix: Floats, kept: list[int], place: int) -> float:
    """Return the share of a covariate's variance that those kept do not explain."""
    if not kept:
        return 1.0
    scaled, _ = _scaled(matrix[np.ix_([*kept, place], [*kept, place])])
    explained = scaled[-1, :-1] @ np.linalg.solve(scaled[:-1, :-1], scaled[:-1, -1])
    return 1.0 - float(explained)


def _inverse(matrix: Floats) -> Floats:
    """Return the inverse of a positive definite matrix, whatever the units of its variables."""
    scaled, units = _scaled(matrix)
    return np.asarray(np.linalg.inv(scaled) / units[:, None] / units[None, :])


def _scaled(matrix: Floats) -> tuple[Floats, Floats]:
    """Return a matrix with ones on its diagonal, and the roots it was divided by."""
    units = np.sqrt(np.diag(matrix))
    return np.asarray(matrix / units[:, None] / units[None, :]), units


def fixed_slopes(slopes: ArrayLike, size: int) -> Floats:
    """Return slopes that come as numbers.

    Raises
    ------
    UsageError
        If they are not one finite number per covariate.
    """
    try:
        values = np.asarray(slopes, dtype=np.float64)
    except (TypeError, ValueError):
        values = np.empty(0)
    if values.shape != (size,) or not np.isfinite(values).all():
        raise UsageError(
            "Fixed slopes are one finite number per covariate",
            given=f"{slopes!r} for {size} covariates",
            todo="Give those of pooled_slopes, or name a way to find them.",
        )
    return values
