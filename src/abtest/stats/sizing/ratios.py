"""Design for ratios of totals."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Self

import numpy as np

from abtest.errors import UsageError
from abtest.stats.arguments import require_one_of
from abtest.stats.moments import Floats, Moments
from abtest.stats.results import Measure
from abtest.stats.sizing.design import Design
from abtest.stats.sizing.formulas import Judge
from abtest.stats.sizing.numbers import one_number
from abtest.stats.sizing.past import past_covariance, require_baseline, squared_correlation


@dataclass(frozen=True)
class RatioDesign(Design):
    """A comparison of ratios of totals, such as clicks per view; the unit is who was assigned.

    Attributes
    ----------
    numerator_mean, denominator_mean
        Per unit in control.
    numerator_variance, denominator_variance, covariance
        Of one unit.
    method
        ``welch`` (default) or ``z``.

    Raises
    ------
    UsageError
        If a number cannot be, or settings contradict each other.

    Notes
    -----
    With R the ratio, a unit has the variance (s2_y + R^2 s2_x - 2 R s_xy) / xbar^2 (delta method;
    Deng, Knoblich & Lu 2018, KDD); it is taken as the same in treatment.

    Examples
    --------
    >>> from abtest.stats import sample_size
    >>> design = RatioDesign(1.2, 6.0, 2.0, 30.0, 5.0, relative=True)
    >>> round(design.ratio, 2), sample_size(design, effect=0.05).units
    (0.2, 10468)
    """

    numerator_mean: float
    denominator_mean: float
    numerator_variance: float
    denominator_variance: float
    covariance: float
    method: Literal["welch", "z"] = "welch"
    ratio: float = field(init=False)
    """The ratio of control."""

    numbers: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        require_one_of(self.method, ("welch", "z"), "method")
        for name, low, closed in (
            ("numerator_mean", -1e150, False),
            ("denominator_mean", -1e150, False),
            ("numerator_variance", 0.0, True),
            ("denominator_variance", 0.0, True),
            ("covariance", -1e150, False),
        ):
            value = one_number(getattr(self, name), name, low, 1e150, closed=closed)
            self._set(**{name: value})
        bound = math.sqrt(self.numerator_variance) * math.sqrt(self.denominator_variance)
        if abs(self.covariance) > bound * (1.0 + 1e-9):
            raise UsageError(
                "A covariance cannot exceed the product of the standard deviations",
                given=f"covariance {self.covariance:g}, product {bound:g}",
                todo="Take all three numbers from the same units.",
            )
        require_baseline(self.denominator_mean, "denominator_mean")
        self._set(ratio=self.numerator_mean / self.denominator_mean)
        if not self._unit_variance > 1e-300:
            raise UsageError(
                "The ratio does not vary between units, so there is nothing to plan",
                given="numerators that are the same multiple of denominators",
                todo="Check that numerator and denominator count what they should.",
            )
        self._check_kinds()
        if self.relative:
            require_baseline(self.ratio, "numerator_mean")
        super().__post_init__()

    @classmethod
    def from_moments(cls, moments: Moments, **settings: Any) -> Self:
        """Return the design that past units suggest.

        Parameters
        ----------
        moments
            Of (numerator, denominator), or of those and the same two of the time before: then the
            variance reduction is that of the pre-period ratio with its own denominator.
        **settings
            As of the class.

        Raises
        ------
        UsageError
            If there are fewer than two units, or a denominator sums to zero.
        """
        covariance = past_covariance(moments, (2, 4))
        means = moments.mean
        if len(means) == 4 and means[1] != 0.0 and means[3] != 0.0:
            # each ratio by its first-order value of a unit, (numerator - R denominator) / mean
            gradients = np.zeros((2, 4))
            gradients[0, :2] = np.array([1.0, -means[0] / means[1]]) / means[1]
            gradients[1, 2:] = np.array([1.0, -means[2] / means[3]]) / means[3]
            linear = gradients @ covariance @ gradients.T
            if linear[1, 1] > 0.0:
                settings.setdefault("variance_reduction", squared_correlation(linear))
        return cls(
            float(means[0]),
            float(means[1]),
            float(covariance[0, 0]),
            float(covariance[1, 1]),
            float(covariance[0, 1]),
            **settings,
        )

    @property
    def judge(self) -> Judge:
        """How the estimate is judged."""
        return self.method

    @property
    def value(self) -> Floats | float | None:
        """The ratio of control."""
        return self.ratio

    @property
    def measure(self) -> Measure:
        """A ratio of totals."""
        return "ratio"

    @property
    def units_lost(self) -> Floats:
        """One: the adjustment of ratios has one slope for both arms, not counted."""
        return np.ones(())

    def unit_variances(self, difference: Floats) -> tuple[Floats, Floats]:
        """Return the linearised variances of (control, treatment)."""
        both = np.full(np.shape(difference), self._unit_variance)
        return both, both

    @property
    def _unit_variance(self) -> float:
        """Scaled by the denominator first, so that nothing overflows."""
        x, r = abs(self.denominator_mean), self.ratio
        spread = self.numerator_variance / x / x + r * r * (self.denominator_variance / x / x)
        return spread - 2.0 * r * (self.covariance / x / x)
