"""Differences of means: Welch, with one covariate by Lin's adjustment."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from abtest.stats.columns import Values, arm_moments, filled
from abtest.stats.comparison import Comparison
from abtest.stats.cuped import adjust_means
from abtest.stats.joint import Jacobian, JointMeans
from abtest.stats.moments import Moments
from abtest.stats.pairs import ArmPair, arm_pair
from abtest.stats.results import Alternative


def estimate_means(
    control: Sequence[Moments], treatment: Sequence[Moments], *, adjusted: bool
) -> ArmPair:
    """Return the means of two arms, estimated from moments, one per phase of allocation.

    Variances are never pooled (Welch 1947, Biometrika 34, 28). Phases are combined with their
    share of all units. With `adjusted` the moments carry (outcome, covariate) and the values are
    what each arm would show at the covariate's overall mean; where that is not possible the
    result is the unadjusted one with a warning that says why.

    Parameters
    ----------
    control, treatment
        Moments of (outcome[, covariate]) by phase.
    adjusted
        Whether to use the covariate.

    Raises
    ------
    NotEstimable
        ``too_few_units``, ``constant`` or ``not_finite``.
    UsageError
        If phases or variables do not fit.

    Examples
    --------
    >>> control = Moments.from_columns([[1.0, 2.0, 3.0, 4.0]])
    >>> treatment = Moments.from_columns([[2.0, 4.0, 6.0, 8.0]])
    >>> pair = estimate_means([control], [treatment], adjusted=False)
    >>> pair.method, round(pair.test().p_value, 4)
    ('welch', 0.1516)
    """
    plain_joint = JointMeans.of(control, treatment, 1)
    plain_spread = plain_joint.propagate(Jacobian(own=np.ones((2, 1)), overall=np.zeros((2, 1))))
    plain = arm_pair(
        plain_joint.arm_means[:, 0],
        plain_joint,
        plain_spread,
        df=plain_joint.units - 1.0,
        method="welch",
    )
    if not adjusted:
        return plain
    joint = JointMeans.of(control, treatment, 2)
    result = adjust_means(joint)
    if isinstance(result, str):
        return plain.with_warnings(result)
    return arm_pair(
        result.values,
        joint,
        result.spread,
        df=result.df,
        method="welch_cuped",
        unadjusted_variance=plain_spread.difference_variance,
    )


def compare_means(
    control: Values | Moments,
    treatment: Values | Moments,
    *,
    alternative: Alternative = "two-sided",
    confidence_level: float = 0.95,
    covariates: tuple[Values, Values] | None = None,
) -> Comparison:
    """Return the difference of two means with its intervals and test.

    Parameters
    ----------
    control, treatment
        One value per unit, or `Moments`; nulls (NaN) are left out and counted. Moments of two
        variables are (value, covariate) and are adjusted.
    alternative
        ``two-sided``, ``greater`` (treatment above control) or ``less``; one-sided tests come
        with one-sided intervals.
    confidence_level
        Of both intervals.
    covariates
        Pre-exposure values of the same units, (control, treatment): CUPED. A missing one becomes
        the mean of the others, so that no unit is lost.

    Raises
    ------
    NotEstimable
        If there is no number: fewer than two units, no variation, infinite values.
    UsageError
        If the arguments do not fit together.

    Examples
    --------
    >>> result = compare_means([1.0, 2.0, 3.0, 4.0], [2.0, 4.0, 6.0, 8.0])
    >>> result.absolute.estimate, round(result.p_value, 4)
    (2.5, 0.1516)
    """
    filled_covariates, codes = filled(covariates, with_mean=True)
    arms = [
        arm_moments((values,), tuple(extra[i] for extra in filled_covariates), name)
        for i, (values, name) in enumerate(((control, "control"), (treatment, "treatment")))
    ]
    pair = estimate_means([arms[0]], [arms[1]], adjusted=len(arms[0].mean) > 1)
    return Comparison.of(pair.with_warnings(*codes), arms, alternative, confidence_level)
