"""Lin's regression from values: robust errors that moments cannot give."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from abtest.errors import UsageError
from abtest.stats.adjustment.cuped import PERFECT
from abtest.stats.adjustment.slopes import covariate_status, none_used
from abtest.stats.arguments import require_one_of
from abtest.stats.columns import filled
from abtest.stats.comparison import Comparison
from abtest.stats.floats import Values, as_floats
from abtest.stats.means.compare import estimate_means
from abtest.stats.moments import Floats, Moments
from abtest.stats.not_estimable import constant_arms, not_finite
from abtest.stats.pairs import ArmPair
from abtest.stats.results import Alternative, WarningCode
from abtest.stats.value_counts import ValueCounts

RobustErrors = Literal["auto", "hc2", "hc3"]
"""Estimators of the variance that let it differ between units."""
Target = Literal["population", "units"]
"""What the effect is about: the population that units come from, or these units alone."""

SMALL = 250
"""Units below which ``auto`` takes HC3 (Long & Ervin 2000, Am. Stat. 54, 217)."""
HIGH_LEVERAGE = 0.5
"""Leverage above which it does so too: most of a fitted value is then the unit's own."""
_WHOLE = 1.0 - 1e-9
"""Leverage at which a unit decides a slope alone and has no residual left."""


def compare_adjusted_means(
    control: Values,
    treatment: Values,
    *,
    covariates: tuple[Values, Values],
    errors: RobustErrors = "auto",
    target: Target = "population",
    alternative: Alternative = "two-sided",
    confidence_level: float = 0.95,
) -> Comparison:
    """Return the difference of two means by Lin's regression with robust standard errors.

    The regression of the outcome on arm, covariates about their overall means, and all products
    of the two (Lin 2013, Ann. Appl. Stat. 7, 295), with n - 2k - 2 degrees of freedom for k
    covariates. Its estimate is that of ``compare_means(..., covariates=...)``, which needs only
    moments; here each unit's residual enters the error with its leverage h, as e^2 / (1 - h)
    (HC2, unbiased for equal variances) or e^2 / (1 - h)^2 (HC3, close to the jackknife; MacKinnon
    & White 1985, J. Econometrics 29, 305). The errors from moments are those of a variance that
    does not depend on the covariates within an arm; they come to the same as n grows. Skewed
    covariates that also drive the variance put HC2 and moments 5% apart at 30 units per arm, 1% at
    300 and 0.1% at 3,000 (medians), HC3 twice as far.

    Parameters
    ----------
    control, treatment
        One value per unit. Nulls (NaN) are left out and counted.
    covariates
        Pre-exposure values of the same units, as in `compare_means`.
    errors
        ``hc2``, ``hc3``, or ``auto``: HC3 below 250 units or with a leverage above 1/2.
    target
        ``units``: the regression's own variance, which takes the overall means of the covariates
        as given. ``population`` adds their sampling variance, (b_t - b_c)' S_x (b_t - b_c) / n
        for the difference (Negi & Wooldridge 2021, Econometric Rev. 40, 504).
    alternative
        ``two-sided``, ``greater`` or ``less``; one-sided tests come with one-sided intervals.
    confidence_level
        Of both intervals.

    Returns
    -------
    Comparison
        `details` has the largest leverage and the number of covariates used. Where covariates
        cannot be used it is Welch's comparison with a warning that says why. A covariate that
        has the same value in all units of an arm but one is left out, as `compare_means` does
        with one of 0 and 1; a unit that decides slopes alone for other reasons (leverage 1)
        gives ``covariate_too_few_units``.

    Raises
    ------
    NotEstimable
        ``too_few_units``, ``constant`` or ``not_finite``.
    UsageError
        If the arguments do not fit together, or samples come as `Moments` or `ValueCounts`.

    Examples
    --------
    >>> result = compare_adjusted_means(
    ...     [2.0, 4.1, 6.2, 7.9], [3.1, 5.0, 6.9, 9.2], covariates=([1, 2, 3, 4], [1, 2, 3, 4])
    ... )
    >>> result.method, round(result.absolute.estimate, 4), result.df
    ('lin_hc3', 1.0, 4.0)
    """
    require_one_of(errors, get_args(RobustErrors), "kind of robust errors")
    require_one_of(target, get_args(Target), "target")
    outcomes = [_values(control, "control"), _values(treatment, "treatment")]
    extra, codes = filled(covariates, with_mean=True)
    moments = [
        Moments.from_columns([outcome, *(pair[side] for pair in extra)])
        for side, outcome in enumerate(outcomes)
    ]
    plain = estimate_means([moments[0]], [moments[1]], adjusted=False)
    known = [~np.isnan(outcome) for outcome in outcomes]
    if not extra:  # each was missing more often in one arm
        plain = plain.with_warnings(*codes)
        return Comparison.of(plain, moments, alternative, confidence_level, measure="mean")
    designs = [np.column_stack([pair[side] for pair in extra])[known[side]] for side in (0, 1)]
    fitted = _fit([y[k] for y, k in zip(outcomes, known, strict=True)], designs, errors)
    if isinstance(fitted, str):
        pair, details = plain.with_warnings(fitted, *codes), {}
    else:
        pair = fitted.pair(plain, target).with_warnings(*codes)
        details = {
            "covariates": float(len(extra)),
            "covariates_used": float(fitted.slopes.shape[1]),
            "largest_leverage": fitted.leverage,
        }
    found = Comparison.of(pair, moments, alternative, confidence_level, measure="mean")
    return replace(found, details=details)


@dataclass(frozen=True, eq=False)
class _Fit:
    """Two regressions, one per arm, predicted at the overall means of the covariates.

    Attributes
    ----------
    values, variances, slopes
        Predictions, their robust variances, and slopes, shapes (2,), (2,), (2, k).
    shared
        Sampling covariance of the overall means of the covariates, shape (k, k).
    leverage
        The largest leverage.
    method
        ``lin_hc2`` or ``lin_hc3``.
    dropped
        Whether covariates were left out.
    """

    values: Floats
    variances: Floats
    slopes: Floats
    shared: Floats
    leverage: float
    method: Literal["lin_hc2", "lin_hc3"]
    dropped: bool

    def pair(self, plain: ArmPair, target: Target) -> ArmPair:
        """Return the adjusted pair, beside the unadjusted one."""
        covariance = np.diag(self.variances)
        if target == "population":
            covariance = covariance + self.slopes @ self.shared @ self.slopes.T
        (v0, v01), (_, v1) = covariance.tolist()
        if not self.variances.sum() > 0.0:
            raise constant_arms(plain.control_value, plain.treatment_value)
        (p0, p01), (_, p1) = plain.covariance
        warnings: tuple[WarningCode, ...] = ("covariate_dropped",) if self.dropped else ()
        return replace(
            plain,
            control_value=float(self.values[0]),
            treatment_value=float(self.values[1]),
            covariance=((v0, v01), (v01, v1)),
            difference_variance=None,
            df=float(plain.n_control + plain.n_treatment - 2 * self.slopes.shape[1] - 2),
            method=self.method,
            variance_reduction=1.0 - (v0 + v1 - 2.0 * v01) / (p0 + p1 - 2.0 * p01),
            warnings=warnings,
        )


def _fit(outcomes: list[Floats], designs: list[Floats], errors: RobustErrors) -> _Fit | WarningCode:
    """Return both regressions, or the code of why covariates cannot be used."""
    # small covariates in a unit in which their squares do not underflow: it falls out of all below
    unit = np.ldexp(1.0, np.minimum(np.frexp(np.abs(np.vstack(designs)).max(axis=0))[1], 0))
    designs = [design / unit for design in designs]
    both = np.vstack(designs)
    with np.errstate(over="ignore", invalid="ignore"):
        centre = both.mean(axis=0)
        grams = np.stack([(d - d.mean(axis=0)).T @ (d - d.mean(axis=0)) for d in designs])
    if not np.isfinite(grams).all():
        raise not_finite()
    for gram, design in zip(grams, designs, strict=True):  # no rounding may look like variation
        flat = design.min(axis=0) == design.max(axis=0)
        gram[flat, :] = gram[:, flat] = 0.0
    status = covariate_status(grams, np.logical_or(*(_one_differs(part) for part in designs)))
    kept = [place for place, found in enumerate(status) if found == "used"]
    if not kept:
        return none_used(status)
    if min(len(outcome) for outcome in outcomes) < len(kept) + 2:
        return "covariate_too_few_units"
    arms = [
        _regression(y, design[:, kept] - centre[kept])
        for y, design in zip(outcomes, designs, strict=True)
    ]
    leverage = max(float(arm.leverage.max()) for arm in arms)
    if all(arm.perfect for arm in arms) and any(float(np.ptp(y)) > 0.0 for y in outcomes):
        return "covariate_is_outcome"
    if leverage > _WHOLE:
        return "covariate_too_few_units"
    n = len(both)
    careful = n < SMALL or leverage > HIGH_LEVERAGE
    power = 2 if errors == "hc3" or (errors == "auto" and careful) else 1
    shared = sum(
        gram[np.ix_(kept, kept)] / (len(y) - 1) * (len(y) / n) / n
        for gram, y in zip(grams, outcomes, strict=True)
    )
    return _Fit(
        np.array([arm.value for arm in arms]),
        np.array([arm.variance(power) for arm in arms]),
        np.stack([arm.slopes for arm in arms]),
        np.asarray(shared),
        leverage,
        "lin_hc3" if power == 2 else "lin_hc2",
        len(kept) < len(status),
    )


def _one_differs(design: Floats) -> NDArray[np.bool_]:
    """Return which columns have the same value in all units but one."""
    if len(design) < 3:
        return np.zeros(design.shape[1], dtype=bool)
    ordered = np.sort(design, axis=0)
    return np.asarray((ordered[0] == ordered[-2]) | (ordered[1] == ordered[-1]))


@dataclass(frozen=True, eq=False)
class _Regression:
    """One arm's least squares with an intercept: value at 0, slopes, and what errors need.

    `pull` is the weight of each unit in the value; `perfect` says that nothing is left over.
    """

    value: float
    slopes: Floats
    residuals: Floats
    leverage: Floats
    pull: Floats
    perfect: bool

    def variance(self, power: int) -> float:
        """Return the sum of pull^2 e^2 / (1 - h)^power."""
        scale = float(np.abs(self.residuals).max(initial=0.0))
        if scale == 0.0:
            return 0.0
        share = (self.pull * (self.residuals / scale)) ** 2 / (1.0 - self.leverage) ** power
        return float(share.sum()) * scale * scale


def _regression(outcome: Floats, design: Floats) -> _Regression:
    units = np.abs(design).max(axis=0)
    full = np.column_stack([np.ones(len(outcome)), design / units])
    q, r = np.linalg.qr(full)
    level = float(outcome.mean())
    centred = outcome - level
    coefficients = np.linalg.solve(r, q.T @ centred)
    residuals = centred - full @ coefficients
    squares = float(centred @ centred)
    perfect = not float(residuals @ residuals) > PERFECT * squares
    if perfect:
        residuals = np.zeros_like(residuals)
    first = np.zeros(full.shape[1])
    first[0] = 1.0
    return _Regression(
        value=level + float(coefficients[0]),
        slopes=coefficients[1:] / units,
        residuals=residuals,
        leverage=np.minimum((q * q).sum(axis=1), 1.0),
        pull=q @ np.linalg.solve(r.T, first),
        perfect=perfect,
    )


def _values(values: Values, name: str) -> Floats:
    if isinstance(values, Moments | ValueCounts):
        raise UsageError(
            "This method needs the values of units",
            given=f"{type(values).__name__} of {name}",
            todo="Give arrays, or use compare_means, which adjusts moments.",
        )
    floats = as_floats(values, name)
    if np.isinf(floats).any() or not math.isfinite(float(np.nansum(np.abs(floats)))):
        raise not_finite()
    return floats
