"""A weighted sum of arms' means, whose variances are their own."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from abtest.errors import UsageError
from abtest.stats.columns import arm_moments
from abtest.stats.floats import Values, as_floats
from abtest.stats.moments import Floats, Moments, too_small_squares
from abtest.stats.not_estimable import NotEstimable, not_finite, too_small
from abtest.stats.results import Alternative, Interval, Test, WarningCode
from abtest.stats.tails import critical_value, tail_test
from abtest.stats.value_counts import ValueCounts

_LARGEST_DOSE = 1e100


@dataclass(frozen=True)
class ContrastEstimate:
    """A contrast of means with its interval and the test that it is 0.

    Attributes
    ----------
    name
        What it says, such as ``linear``.
    effect
        Estimate and interval, in the unit that its function names.
    p_value, log10_p, statistic, df
        The test of no effect; `df` is None for the normal distribution.
    alternative
        ``two-sided``, ``greater`` or ``less``; the interval is of the same kind.
    """

    name: str
    effect: Interval
    p_value: float
    log10_p: float
    statistic: float
    df: float | None
    alternative: Alternative

    @classmethod
    def of(cls, name: str, effect: Interval, test: Test) -> ContrastEstimate:
        """Return an effect with its test."""
        return cls(
            name, effect, test.p_value, test.log10_p, test.statistic, test.df, test.alternative
        )


@dataclass(frozen=True, eq=False)
class ArmMeans:
    """Means of k arms with sampling variances of their own, none pooled.

    Attributes
    ----------
    n, means, variances
        Units, means, and variances of the means, each of shape (k,).
    nulls
        Units left out because a value was null, by arm.
    """

    n: Floats
    means: Floats
    variances: Floats
    nulls: tuple[int, ...]

    @classmethod
    def of(
        cls, samples: Sequence[Values | Moments | ValueCounts], names: Sequence[str]
    ) -> ArmMeans:
        """Return the means of arms that came as values, moments or value counts.

        Raises
        ------
        NotEstimable
            ``too_few_units``, ``constant`` (no arm varies), ``not_finite`` or
            ``too_small``.
        UsageError
            If values are not numbers.
        """
        arms = [
            arm_moments((values,), (), name) for values, name in zip(samples, names, strict=True)
        ]
        smallest = min(arms, key=lambda arm: arm.n)
        if smallest.n < 2:
            raise NotEstimable(
                "too_few_units",
                "An arm has fewer than two units with a value",
                given=", ".join(f"{name}: {arm.n}" for name, arm in zip(names, arms, strict=True)),
                todo="Wait for more units, or leave the arm out.",
            )
        n = np.array([arm.n for arm in arms], dtype=np.float64)
        means = np.array([float(arm.mean[0]) for arm in arms])
        squares = np.array([float(arm.m2[0, 0]) for arm in arms])
        if not (np.isfinite(means).all() and np.isfinite(squares).all()):
            raise not_finite()
        if too_small_squares(squares).any():
            raise too_small()
        if not squares.sum() > 0.0:
            raise no_variation(means)
        return cls(n, means, squares / (n - 1.0) / n, tuple(arm.nulls for arm in arms))

    @property
    def warnings(self) -> tuple[WarningCode, ...]:
        """``constant_arm`` where an arm has one value alone, so that its error counts as 0."""
        return () if (self.variances > 0.0).all() else ("constant_arm",)

    def degrees_of_freedom(self, weights: Floats) -> float:
        """Return those of a contrast (Satterthwaite 1946, Biometrics Bull. 2, 110).

        Raises
        ------
        NotEstimable
            ``constant`` if no arm of the contrast varies.
        """
        parts = weights**2 * self.variances
        if not parts.max() > 0.0:
            raise no_variation(self.means)
        scaled = parts / parts.max()
        return float(scaled.sum() ** 2 / (scaled**2 / (self.n - 1.0)).sum())

    def contrast(
        self, name: str, weights: Floats, alternative: Alternative, confidence_level: float
    ) -> ContrastEstimate:
        """Return the sum of weights times means, Welch's way.

        Raises
        ------
        NotEstimable
            ``constant`` if no arm of the contrast varies.
        """
        df = self.degrees_of_freedom(weights)
        # means that differ by little from a large level: weights sum to 0, so it falls out
        estimate = float(weights @ (self.means - self.means[0]))
        largest = float(np.abs(weights).max())
        scaled = weights / largest
        error = largest * math.sqrt(float(scaled**2 @ self.variances))
        critical = critical_value(confidence_level, df, two_sided=alternative == "two-sided")
        return ContrastEstimate.of(
            name,
            one_or_two_sided(estimate, critical * error, alternative),
            tail_test(estimate / error, df, alternative),
        )


def one_or_two_sided(estimate: float, width: float, alternative: Alternative) -> Interval:
    """Return an interval of this half width, with one end where the test is one-sided."""
    return Interval(
        estimate,
        None if alternative == "less" else estimate - width,
        None if alternative == "greater" else estimate + width,
    )


def no_variation(means: Floats) -> NotEstimable:
    """Return the error of arms without variation."""
    return NotEstimable(
        "constant",
        "No arm varies, so there is no error to measure a difference against",
        given=", ".join(f"{mean:g}" for mean in means),
        todo="Check that the metric counts what it should.",
    )


def require_doses(doses: Values, arms: int) -> Floats:
    """Return the doses of ordered arms: finite, different, one per arm.

    Raises
    ------
    UsageError
        If they are not, or there are fewer than two.
    """
    values = as_floats(doses, "doses")
    if len(values) != arms or arms < 2:
        raise UsageError(
            "Ordered arms have one dose each, and there are at least two",
            given=f"{arms} arms, {len(values)} doses",
            todo="Give as many doses as arms.",
        )
    if not np.isfinite(values).all() or len(set(values.tolist())) != arms:
        raise UsageError(
            "Doses are finite and different",
            given=str(values.tolist()),
            todo="Merge arms of the same dose; give ranks where doses have no number.",
        )
    with np.errstate(over="ignore"):  # refused in the next lines
        range_of_doses = float(np.ptp(values))
    if not 1.0 / _LARGEST_DOSE < range_of_doses < _LARGEST_DOSE:
        raise UsageError(
            "Doses must differ by numbers that can be squared",
            given=str(values.tolist()),
            todo="Give them in another unit.",
        )
    return values


def span_words(interval: Interval) -> str:
    """Return the limits of an interval in words."""
    if interval.lower is None:
        return f"{interval.upper:.4g} or less"
    if interval.upper is None:
        return f"{interval.lower:.4g} or more"
    return f"{interval.lower:.4g} to {interval.upper:.4g}"
