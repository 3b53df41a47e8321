"""Wald's method for two proportions, and Agresti and Caffo's repair of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from abtest.stats.comparison_table import ArmRows, ComparisonTable, compare_rows
from abtest.stats.moments import Floats
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
    that with few units an estimate may lie outside. No share falls by more than everything: the
    relative set has no value below -1.

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
        lower, upper = (
            None if end is None else max(end, -1.0) for end in (found.lower, found.upper)
        )
        if found.status == "two_rays" and upper == -1.0:  # all of the gap lies below
            return RelativeInterval(self.ratio, None, None, "unbounded")
        return RelativeInterval(self.ratio, lower, upper, found.status)

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


def wald_rows(
    counts: tuple[Floats, Floats, Floats, Floats],
    method: Literal["wald", "agresti_caffo"],
    alternative: Alternative,
    confidence_level: float,
) -> ComparisonTable:
    """Return what `wald_pair` and `AddedPair` say of many pairs, counts of shape (r,)."""
    x0, n0, x1, n1 = counts
    more = 1.0 if method == "agresti_caffo" else 0.0
    y0, m0, y1, m1 = x0 + more, n0 + 2.0 * more, x1 + more, n1 + 2.0 * more
    flat = np.any([x0 == 0.0, x0 == n0, x1 == 0.0, x1 == n1], axis=0)
    found = compare_rows(
        ArmRows(
            np.stack([n0, n1]),
            np.stack([y0 / m0, y1 / m1]),
            np.stack([y0 / m0 * ((m0 - y0) / m0) / m0, y1 / m1 * ((m1 - y1) / m1) / m1]),
            np.full(n0.shape, np.inf),
            warnings={} if more else {"constant_arm": flat},
        ),
        measure="proportion",
        method=method,
        alternative=alternative,
        confidence_level=confidence_level,
    )
    if not more:
        return found
    with np.errstate(all="ignore"):  # no ratio without a success of control
        ratio = np.where(x0 > 0.0, x1 / n1 / (x0 / n0) - 1.0, np.nan)
    # as `AddedPair.relative` says of one pair
    none = (found.relative_status == "two_rays") & (found.relative_upper <= -1.0)
    low, high = np.isinf(found.relative_lower) | none, np.isinf(found.relative_upper) | none
    return replace(
        found,
        estimate=x1 / n1 - x0 / n0,
        relative_estimate=ratio,
        relative_lower=np.where(low, -np.inf, np.maximum(found.relative_lower, -1.0)),
        relative_upper=np.where(high, np.inf, np.maximum(found.relative_upper, -1.0)),
        relative_status=np.where(none, "unbounded", found.relative_status),
        control_value=x0 / n0,
        treatment_value=x1 / n1,
    )


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
