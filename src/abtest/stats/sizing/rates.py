"""Design for rates of events."""

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
from abtest.stats.sizing.restricted import rates_apart, rates_in_ratio


@dataclass(frozen=True)
class RateDesign(Design):
    """A comparison of rates: events per unit of time, over an exposure per unit.

    Attributes
    ----------
    rate
        Events per unit of time in control, above 0.
    exposure
        Time that each unit is watched.
    dispersion
        Variance of a unit's count over its mean: 1 for Poisson, more for real people.
    method
        ``score`` (the default): variance under the hypothesis in the test; ``welch`` (the default
        with covariates or clusters): counts per unit as means; ``z``: unpooled and normal.

    Raises
    ------
    UsageError
        If a number cannot be, or settings contradict each other.

    Notes
    -----
    A relative effect is a rate ratio minus 1. Score tests of Poisson rates: Gu, Ng, Tang &
    Schucany (2008), Biometrical J. 50(2).

    Examples
    --------
    >>> from abtest.stats import sample_size
    >>> sample_size(RateDesign(0.5, relative=True), effect=0.2).units_by_arm
    (864, 864)
    """

    rate: float
    exposure: float = 1.0
    dispersion: float = 1.0
    method: Literal["score", "welch", "z"] | None = None

    numbers: ClassVar[tuple[str, ...]] = ("rate", "exposure", "dispersion")

    def __post_init__(self) -> None:
        if self.method is not None:
            require_one_of(self.method, ("score", "welch", "z"), "method")
        for name in self.numbers:
            self._set(**{name: number_or_row(getattr(self, name), name, 1e-150, 1e150)})
        super().__post_init__()
        if self.method == "score" and (self.clusters or self.is_adjusted):
            raise UsageError(
                "Adjusted and clustered rates are judged with unpooled variances",
                given="method 'score' with covariates or clusters",
                todo='Use method="welch".',
            )

    @property
    def judge(self) -> Judge:
        """How the estimate is judged."""
        if self.method is not None:
            return self.method
        return "welch" if self.clusters or self.is_adjusted else "score"

    @property
    def value(self) -> Floats | float | None:
        """The rate of control."""
        return self.rate

    @property
    def measure(self) -> Measure:
        """A rate."""
        return "rate"

    def rarer(self, difference: Floats) -> tuple[Floats, Floats]:
        """Return events of a unit of each arm."""
        r0, r1 = self._both(difference)
        return r0 * self.exposure, r1 * self.exposure

    @property
    def limits(self) -> tuple[Floats | float, Floats | float]:
        """A rate can fall to 0 and rise without end."""
        return -self.rate, np.inf

    def possible(self, difference: Floats) -> Truths:
        """Return for each difference whether the treatment rate is not negative."""
        return np.asarray(np.isfinite(difference) & (difference >= -self.rate * (1.0 + 1e-12)))

    def unit_variances(self, difference: Floats) -> tuple[Floats, Floats]:
        """Return variances of a unit's rate, (control, treatment)."""
        r0, r1 = self._both(difference)
        return r0 * self._per_time, r1 * self._per_time

    def null_variances(
        self, difference: Floats, bound: float, treated: Floats
    ) -> tuple[Floats, Floats] | None:
        """Return variances at the most likely rates that differ by the bound."""
        if self.judge != "score":
            return None
        r0, r1 = self._both(difference)
        if self.relative:
            q0 = rates_in_ratio(r0, r1, treated, 1.0 + bound)
            q1 = q0 * (1.0 + bound)
        else:
            q0 = rates_apart(r0, r1, treated, bound)
            q1 = np.maximum(q0 + bound, 0.0)
        return q0 * self._per_time, q1 * self._per_time

    @property
    def _per_time(self) -> float:
        return self.dispersion / self.exposure

    def _both(self, difference: Floats) -> tuple[Floats, Floats]:
        r0 = np.broadcast_to(np.asarray(self.rate), np.shape(difference))
        return r0, np.maximum(r0 + difference, 0.0)
