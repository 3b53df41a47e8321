"""Design for proportions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from abtest.errors import UsageError
from abtest.stats.arguments import require_one_of
from abtest.stats.moments import Floats
from abtest.stats.results import Measure
from abtest.stats.sizing.design import Design
from abtest.stats.sizing.formulas import Judge
from abtest.stats.sizing.numbers import Truths, number_or_row
from abtest.stats.sizing.restricted import proportions_apart, proportions_in_ratio


@dataclass(frozen=True)
class ProportionsDesign(Design):
    """A comparison of proportions, such as retention.

    Attributes
    ----------
    baseline
        Proportion of control, between 0 and 1.
    method
        ``score`` (the default): pooled variance in the test, restricted to the margin where there
        is one, unpooled in the estimate; the score test and, for no margin, the pooled z test.
        ``welch`` (the default with covariates or clusters): unpooled variances and t, as
        experiments judge. ``z``: unpooled and normal. ``arcsine``: Cohen's h, superiority only.

    Raises
    ------
    UsageError
        If a number cannot be, or settings contradict each other.

    Notes
    -----
    For 20% against 25% they give 1094 (score), 1092 (welch), 1091 (z) and 1092 (arcsine) units
    per arm. Taking the baseline's variance for both arms (1030) is too few for a rise towards 50%
    and not offered.

    Examples
    --------
    >>> from abtest.stats import sample_size
    >>> sample_size(ProportionsDesign(0.20), effect=0.05).units_by_arm
    (1094, 1094)
    """

    baseline: float
    method: Literal["score", "welch", "z", "arcsine"] | None = None

    numbers: ClassVar[tuple[str, ...]] = ("baseline",)

    def __post_init__(self) -> None:
        if self.method is not None:
            require_one_of(self.method, ("score", "welch", "z", "arcsine"), "method")
        self._set(baseline=number_or_row(self.baseline, "The baseline proportion", 0.0, 1.0))
        super().__post_init__()
        if self.method in {"score", "arcsine"} and (self.clusters or self.is_adjusted):
            raise UsageError(
                "Adjusted and clustered proportions are judged with unpooled variances",
                given=f"method {self.method!r} with covariates or clusters",
                todo='Use method="welch".',
            )
        if self.method == "arcsine" and self.test != "superiority":
            raise UsageError(
                "The arcsine formula has no margins",
                given=f"test {self.test!r}",
                todo='Use method="score".',
            )

    @property
    def judge(self) -> Judge:
        """How the estimate is judged."""
        if self.method is not None:
            return self.method
        return "welch" if self.clusters or self.is_adjusted else "score"

    @property
    def value(self) -> Floats | float | None:
        """The proportion of control."""
        return self.baseline

    @property
    def limits(self) -> tuple[Floats | float, Floats | float]:
        """The differences that take treatment to 0 and to 1."""
        return -self.baseline, 1.0 - self.baseline

    def possible(self, difference: Floats) -> Truths:
        """Return for each difference whether treatment stays between 0 and 1."""
        treatment = self.baseline + difference
        return np.asarray((treatment >= -1e-12) & (treatment <= 1.0 + 1e-12))

    @property
    def measure(self) -> Measure:
        """A proportion."""
        return "proportion"

    def rarer(self, difference: Floats) -> tuple[Floats, Floats]:
        """Return the smaller of p and 1 - p of each arm."""
        p0, p1 = self._both(difference)
        return np.minimum(p0, 1.0 - p0), np.minimum(p1, 1.0 - p1)

    def unit_variances(self, difference: Floats) -> tuple[Floats, Floats]:
        """Return p (1 - p) of (control, treatment)."""
        p0, p1 = self._both(difference)
        return p0 * (1.0 - p0), p1 * (1.0 - p1)

    def null_variances(
        self, difference: Floats, bound: float, treated: Floats
    ) -> tuple[Floats, Floats] | None:
        """Return p (1 - p) at the most likely proportions that differ by the bound."""
        if self.judge != "score":
            return None
        both = self._both(difference)
        q0, q1 = shares_at_bound(both, treated, bound, relative=self.relative)
        return q0 * (1.0 - q0), q1 * (1.0 - q1)

    def _both(self, difference: Floats) -> tuple[Floats, Floats]:
        p0 = np.broadcast_to(np.asarray(self.baseline), np.shape(difference))
        return p0, np.clip(p0 + difference, 0.0, 1.0)


def shares_at_bound(
    shares: tuple[Floats, Floats], treated: Floats, bound: float, *, relative: bool
) -> tuple[Floats, Floats]:
    """Return the most likely proportions of (control, treatment) that differ by the bound.

    Parameters
    ----------
    shares
        Those that are expected.
    treated
        Share of the treatment arm among the two.
    bound
        Absolute, or a share of control's if `relative`.
    """
    p0, p1 = shares
    if relative:
        q0 = proportions_in_ratio(p0, p1, treated, 1.0 + bound)
        return q0, np.minimum(q0 * (1.0 + bound), 1.0)
    q0 = proportions_apart(p0, p1, treated, bound)
    return q0, np.clip(q0 + bound, 0.0, 1.0)
