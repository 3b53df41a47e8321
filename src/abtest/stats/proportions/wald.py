"""Wald's method for two proportions, and Agresti and Caffo's repair of it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from abtest.stats.not_estimable import constant_arms
from abtest.stats.pairs import ArmPair
from abtest.stats.proportions.two_by_two import TwoByTwo
from abtest.stats.results import Alternative, Interval, Method, RelativeInterval, Test


def wald_pair(table: TwoByTwo) -> ArmPair:
    """Return the pair with unpooled variances p (1 - p) / n and normal quantiles.

    Raises
    ------
    NotEstimable
        ``constant`` if both arms are at 0 or 100 percent: the variance is estimated as 0, the
        best known fault of the method.

    Examples
    --------
    >>> interval = wald_pair(TwoByTwo(48, 80, 56, 70)).absolute(0.95)
    >>> round(interval.lower, 4), round(interval.upper, 4)
    (0.0575, 0.3425)
    """
    variances = _variances(table)
    if not sum(variances) > 0.0:
        raise constant_arms(table.control_value, table.treatment_value)
    pair = _normal_pair(table, variances, "wald")
    return pair.with_warnings("constant_arm") if min(variances) == 0.0 else pair


@dataclass(frozen=True)
class AddedPair(TwoByTwo):
    """Two proportions with a success and a failure added to each arm; a `PairEstimate`.

    Agresti & Caffo (2000, Am. Stat. 54, 280). The interval, the relative set (Fieller) and the
    p-value are those of the pair with the added units; the estimates are those of the data, so
    that at low levels and few units the estimate may lie outside.

    Examples
    --------
    >>> interval = AddedPair(1, 34, 7, 34).absolute(0.95)
    >>> round(interval.lower, 4), round(interval.upper, 4)
    (0.0116, 0.3217)
    """

    method: Method = "agresti_caffo"

    def absolute(self, confidence_level: float, alternative: Alternative = "two-sided") -> Interval:
        """Return the difference of the data with the interval of the larger sample."""
        found = self._added.absolute(confidence_level, alternative)
        return replace(found, estimate=self.difference)

    def relative(
        self, confidence_level: float, alternative: Alternative = "two-sided"
    ) -> RelativeInterval:
        """Return the relative effect of the data with Fieller's set of the larger sample."""
        found = self._added.relative(confidence_level, alternative)
        return replace(found, estimate=self.ratio)

    def test(
        self,
        *,
        absolute: float = 0.0,
        relative: float | None = None,
        alternative: Alternative = "two-sided",
    ) -> Test:
        """Test treatment - control against a bound, absolute or relative to control."""
        return self._added.test(absolute=absolute, relative=relative, alternative=alternative)

    @property
    def _added(self) -> ArmPair:
        x0, n0, x1, n1 = self.counts
        added = TwoByTwo(x0 + 1, n0 + 2, x1 + 1, n1 + 2)
        return _normal_pair(added, _variances(added), self.method)


def _variances(table: TwoByTwo) -> tuple[float, float]:
    x0, n0, x1, n1 = table.counts
    return x0 / n0 * ((n0 - x0) / n0) / n0, x1 / n1 * ((n1 - x1) / n1) / n1


def _normal_pair(table: TwoByTwo, variances: tuple[float, float], method: Method) -> ArmPair:
    return ArmPair(
        table.control_value,
        table.treatment_value,
        ((variances[0], 0.0), (0.0, variances[1])),
        None,
        table.n_control,
        table.n_treatment,
        method,
    )
