"""Design for means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self

import numpy as np

from abtest.errors import UsageError
from abtest.stats.arguments import require_one_of
from abtest.stats.moments import Floats, Moments
from abtest.stats.sizing.design import Design
from abtest.stats.sizing.formulas import Judge
from abtest.stats.sizing.numbers import number_or_row
from abtest.stats.sizing.past import past_covariance, require_baseline, squared_correlation


@dataclass(frozen=True)
class MeansDesign(Design):
    """A comparison of means: values per unit. For scores of answers see `ScoreDesign`.

    Attributes
    ----------
    mean
        Of control; needed for relative effects and margins.
    sd, variance
        Of one unit in control; exactly one of them.
    sd_treatment
        Of one unit in treatment; the same as control's by default.
    method
        ``welch`` (default), ``student`` (one pooled variance, refused with two) or ``z``
        (normal, variances of the arms).

    Raises
    ------
    UsageError
        If a number cannot be, or settings contradict each other.

    Notes
    -----
    The effective sizes of Lin's adjustment are those of R^2; the further loss of accuracy from
    estimating the slope, of order 1 / n, is in the degrees of freedom only: at a correlation of
    0.7 a promised power of 80% is 79% with 50 units in each arm, and 75% with 90 and 10
    (``docs/calibration.md``, "Planned sizes").

    Examples
    --------
    >>> from abtest.stats import sample_size
    >>> sample_size(MeansDesign(sd=1.0), effect=0.5).units_by_arm
    (64, 64)
    """

    mean: float | None = None
    sd: float | None = None
    variance: float | None = None
    sd_treatment: float | None = None
    method: Literal["welch", "student", "z"] = "welch"

    numbers: ClassVar[tuple[str, ...]] = ("mean", "sd", "variance", "sd_treatment")

    def __post_init__(self) -> None:
        require_one_of(self.method, ("welch", "student", "z"), "method")
        for name in self.numbers:
            value = getattr(self, name)
            if value is not None:
                low = -1e150 if name == "mean" else 1e-150
                high = 1e300 if name == "variance" else 1e150
                self._set(**{name: number_or_row(value, name, low, high)})
        if (self.sd is None) == (self.variance is None):
            raise UsageError(
                "A mean is planned from its standard deviation or its variance",
                given=f"sd {self.sd}, variance {self.variance}",
                todo="Give exactly one of them, from past data.",
            )
        if self.method == "student" and self.sd_treatment is not None:
            raise UsageError(
                "Student's test pools one variance, so it cannot be planned with two",
                given=f"sd_treatment {self.sd_treatment}",
                todo='Use method="welch".',
            )
        self._check_kinds()
        if self.relative:
            require_baseline(self.mean, "mean")
        super().__post_init__()

    @classmethod
    def from_moments(cls, moments: Moments, **settings: Any) -> Self:
        """Return the design that past units suggest.

        Parameters
        ----------
        moments
            Of (value) or (value, covariate): then their squared correlation is the variance
            reduction.
        **settings
            As of the class.

        Raises
        ------
        UsageError
            If there are fewer than two units, or no variation.
        """
        variances = past_covariance(moments, (1, 2))
        if len(variances) == 2 and variances[1, 1] > 0.0:
            settings.setdefault("variance_reduction", squared_correlation(variances))
        return cls(mean=float(moments.mean[0]), variance=float(variances[0, 0]), **settings)

    @property
    def judge(self) -> Judge:
        """How the estimate is judged."""
        return self.method

    @property
    def value(self) -> Floats | float | None:
        """The mean of control."""
        return self.mean

    def unit_variances(self, difference: Floats) -> tuple[Floats, Floats]:
        """Return the variances of (control, treatment); they do not depend on the effect."""
        ones = np.ones(np.shape(difference))
        sd = self.sd
        control = np.asarray(self.variance if sd is None else np.square(sd)) * ones
        other = self.sd_treatment
        return control, control if other is None else np.asarray(np.square(other)) * ones
