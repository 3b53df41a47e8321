"""Two arms as one estimate: intervals, relative effects and tests from the same four numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property

from abtest.stats.fieller import Contrast, relative_interval
from abtest.stats.joint import JointMeans, Propagated
from abtest.stats.moments import Floats
from abtest.stats.not_estimable import constant_arms
from abtest.stats.results import Alternative, Interval, Method, RelativeInterval, Test, WarningCode
from abtest.stats.tails import critical_value, tail_test


@dataclass(frozen=True)
class ArmPair:
    """Estimates of two arms with their joint covariance; a `PairEstimate`.

    Absolute effects are treatment - control. Relative effects divide by |control|, so that they
    have the sign of the absolute effect and a baseline below zero does not turn the direction.

    Attributes
    ----------
    control_value, treatment_value
        Estimates of the arms.
    covariance
        Their 2 x 2 sampling covariance, control first.
    df
        Degrees of freedom of the difference (Welch-Satterthwaite, unless the method is another),
        used for every statement; None for the normal distribution.
    n_control, n_treatment
        Units that the estimate uses.
    method
        ``welch``, ``delta``, or one of them with covariates (``_cuped``) or within strata.
    warnings
        Codes of what a reader should know.
    variance_reduction
        1 - variance of the adjusted (stratified) over that of the plain difference; None for that.
    difference_variance
        Variance of the difference where it is known better than from the covariance, in which it
        may cancel; None otherwise.
    known_difference
        Treatment - control where it is known better than from the values, which may be large
        beside it; None otherwise.

    Examples
    --------
    >>> pair = ArmPair(10.0, 10.5, ((0.01, 0.0), (0.0, 0.01)), 1000.0, 500, 502, "welch")
    >>> round(pair.test().p_value, 6)
    0.000426
    >>> pair.relative(0.95).status
    'bounded'
    """

    control_value: float
    treatment_value: float
    covariance: tuple[tuple[float, float], tuple[float, float]]
    df: float | None
    n_control: int
    n_treatment: int
    method: Method
    warnings: tuple[WarningCode, ...] = ()
    variance_reduction: float | None = None
    difference_variance: float | None = None
    known_difference: float | None = None

    def with_warnings(self, *codes: WarningCode) -> ArmPair:
        """Return the same pair with further warning codes."""
        return replace(self, warnings=(*self.warnings, *codes)) if codes else self

    @cached_property
    def contrast(self) -> Contrast:
        """The difference and its baseline with their variances."""
        (control, both), (_, treatment) = self.covariance
        variance = self.difference_variance
        if variance is None:
            variance = control + treatment - 2.0 * both
        difference = self.known_difference
        if difference is None:
            difference = self.treatment_value - self.control_value
        return Contrast(
            difference=difference,
            baseline=self.control_value,
            difference_variance=variance,
            baseline_variance=control,
            covariance=both - control,
        )

    def absolute(self, confidence_level: float, alternative: Alternative = "two-sided") -> Interval:
        """Return treatment - control with its interval; one-sided ones have one limit."""
        contrast = self.contrast
        two_sided = alternative == "two-sided"
        width = critical_value(confidence_level, self.df, two_sided=two_sided) * math.sqrt(
            contrast.difference_variance
        )
        estimate = contrast.difference
        return Interval(
            estimate,
            None if alternative == "less" else estimate - width,
            None if alternative == "greater" else estimate + width,
        )

    def relative(
        self, confidence_level: float, alternative: Alternative = "two-sided"
    ) -> RelativeInterval:
        """Return the relative effect with Fieller's set, from the quantile of the absolute one."""
        two_sided = alternative == "two-sided"
        critical = critical_value(confidence_level, self.df, two_sided=two_sided)
        return relative_interval(self.contrast, critical, alternative)

    def test(
        self,
        *,
        absolute: float = 0.0,
        relative: float | None = None,
        alternative: Alternative = "two-sided",
    ) -> Test:
        """Test treatment - control against a bound.

        With `relative` = b the contrast treatment - control - b |control| is tested against 0:
        for a baseline above zero that is treatment - (1 + b) control. It needs no ratio, so it
        decides also where the relative interval is not bounded, and it rejects exactly the
        bounds that the relative interval leaves out.
        """
        c = self.contrast
        if relative is None:
            estimate, variance = c.difference - absolute, c.difference_variance
        else:
            sign = -1.0 if c.baseline < 0.0 else 1.0
            estimate = c.difference - relative * abs(c.baseline)
            variance = (
                c.difference_variance
                - 2.0 * relative * sign * c.covariance
                + relative * relative * c.baseline_variance
            )
        if variance <= 0.0:
            raise constant_arms(self.control_value, self.treatment_value)
        return tail_test(estimate / math.sqrt(variance), self.df, alternative)


def arm_pair(
    values: Floats,
    joint: JointMeans,
    spread: Propagated,
    *,
    df: Floats,
    method: Method,
    unadjusted_variance: float | None = None,
) -> ArmPair:
    """Return the pair of two arm values with the joint covariance that was propagated to them.

    Parameters
    ----------
    values
        Estimates (control, treatment).
    joint
        The means that they were made from.
    spread
        Their covariance and its parts.
    df
        Degrees of freedom of the parts, shape (2, P).
    method
        Name of the method.
    unadjusted_variance
        Variance of the difference without covariates, where they were used.

    Raises
    ------
    NotEstimable
        ``constant`` if neither arm varies.
    """
    if not spread.parts.sum() > 0.0:
        raise constant_arms(float(values[0]), float(values[1]))
    warnings: list[WarningCode] = ["phase_dropped"] if joint.dropped_phases else []
    if (spread.parts.sum(axis=1) == 0.0).any():
        warnings.append("constant_arm")
    covariance = spread.covariance
    reduction = None
    if unadjusted_variance is not None:
        reduction = 1.0 - spread.difference_variance / unadjusted_variance
    return ArmPair(
        control_value=float(values[0]),
        treatment_value=float(values[1]),
        covariance=(
            (float(covariance[0, 0]), float(covariance[0, 1])),
            (float(covariance[1, 0]), float(covariance[1, 1])),
        ),
        df=spread.degrees_of_freedom(df),
        n_control=int(joint.units[0].sum()),
        n_treatment=int(joint.units[1].sum()),
        method=method,
        warnings=tuple(warnings),
        variance_reduction=reduction,
        difference_variance=spread.difference_variance if covariance[0, 1] != 0.0 else None,
    )
