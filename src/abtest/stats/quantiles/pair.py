"""A quantile of two arms as one estimate, for experiments: margins and phases included."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from abtest.stats.fieller import Contrast
from abtest.stats.means.ranks import inverse_quantile
from abtest.stats.moments import Floats
from abtest.stats.not_estimable import NotEstimable, not_finite
from abtest.stats.phased import weighted_counts
from abtest.stats.quantiles.compare import compared, require_subtractable
from abtest.stats.quantiles.order import Discrete, unit_limits
from abtest.stats.results import Alternative, Interval, Method, RelativeInterval, Test, WarningCode
from abtest.stats.value_counts import ValueCounts

_TOO_MUCH = 0.005
"""Chance of no limit at all above which a variance means nothing."""
_ROUNDING = 4.0 * float(np.finfo(np.float64).eps)
"""Share of a value by which two ways to the same number may differ."""


@dataclass(frozen=True, eq=False)
class QuantilePair:
    """A quantile of two arms; a `PairEstimate` with the limits and tests of `compare_quantiles`.

    Bounds are tested by moving or scaling control's values: the quantile of moved values is the
    moved quantile, so that a margin is judged as exactly as no difference.

    Attributes
    ----------
    control, treatment
        Value counts, phases weighted.
    quantile
        Which one.
    n_control, n_treatment
        Units.
    warnings
        Codes of what a reader should know.

    Examples
    --------
    >>> control = ValueCounts.from_table([1, 2, 3, 4, 9], [20, 40, 60, 50, 30])
    >>> treatment = ValueCounts.from_table([1, 2, 3, 4, 9], [20, 20, 40, 80, 50])
    >>> pair = estimate_quantiles([control], [treatment], quantile=0.5)
    >>> pair.control_value, pair.treatment_value, round(pair.test().p_value, 4)
    (3.0, 4.0, 0.0064)
    >>> f"{pair.test(absolute=-0.5, alternative='greater').p_value:.3g}"
    '9.73e-07'
    """

    control: ValueCounts
    treatment: ValueCounts
    quantile: float
    n_control: int
    n_treatment: int
    warnings: tuple[WarningCode, ...] = ()
    variance_reduction: float | None = None
    method: Method = "melded"

    def with_warnings(self, *codes: WarningCode) -> QuantilePair:
        """Return the same pair with further warning codes."""
        return replace(self, warnings=(*self.warnings, *codes)) if codes else self

    @property
    def control_value(self) -> float:
        """Quantile of the control arm."""
        return inverse_quantile(self.control, self.quantile)

    @property
    def treatment_value(self) -> float:
        """Quantile of the treatment arm."""
        return inverse_quantile(self.treatment, self.quantile)

    def absolute(self, confidence_level: float, alternative: Alternative = "two-sided") -> Interval:
        """Return treatment - control with its interval; a limit is None where there is none."""
        arms = self.control, self.treatment
        return compared(arms, self.quantile, alternative, confidence_level).absolute

    def relative(
        self, confidence_level: float, alternative: Alternative = "two-sided"
    ) -> RelativeInterval:
        """Return (treatment - control) / |control| with its set."""
        arms = self.control, self.treatment
        return compared(arms, self.quantile, alternative, confidence_level).relative

    def test(
        self,
        *,
        absolute: float = 0.0,
        relative: float | None = None,
        alternative: Alternative = "two-sided",
    ) -> Test:
        """Test treatment - control against a bound, absolute or relative to |control|.

        Raises
        ------
        NotEstimable
            ``bound_out_of_range`` for a relative bound that turns the order of control's values,
            ``not_finite`` where a bound moves them beyond the largest number.
        """
        if relative is None:
            factor = 1.0
        else:
            factor = 1.0 + relative if self.control_value > 0.0 else 1.0 - relative
            if not factor > 0.0:
                raise NotEstimable(
                    "bound_out_of_range",
                    "A quantile cannot change by all of itself or more",
                    given=f"a bound of {relative:g}",
                    todo="Test a bound between -1 and 1, or an absolute one.",
                )
        shift = absolute if relative is None else 0.0
        moved = _moved(self.control.values, factor, shift, self.treatment.values)
        control = ValueCounts.from_table(moved, self.control.counts)
        arms = control, self.treatment
        require_subtractable(*arms)
        found = compared(arms, self.quantile, alternative, 0.95)
        return Test(found.p_value, found.log10_p, 0.0, None, alternative)

    @cached_property
    def contrast(self) -> Contrast:
        """Difference and baseline with the variances of their limits.

        Raises
        ------
        NotEstimable
            ``too_few_units`` where an arm has no limits.
        """
        arms = (self.control, self.treatment)
        first, second = (_variance(arm, self.quantile) for arm in arms)
        values = self.control_value, self.treatment_value
        return Contrast(values[1] - values[0], values[0], first + second, first, -first)


def estimate_quantiles(
    control: Sequence[ValueCounts], treatment: Sequence[ValueCounts], *, quantile: float
) -> QuantilePair:
    """Return a quantile of two arms, one `ValueCounts` per phase of allocation.

    With one phase these are the numbers of `compare_quantiles`; several are weighted to one
    population (see `weighted_counts`).

    Parameters
    ----------
    control, treatment
        Value counts by phase.
    quantile
        Which one, as a share of units.

    Raises
    ------
    NotEstimable
        ``too_few_units``, or ``not_finite`` for values too far apart to subtract.
    UsageError
        If phases do not fit.

    Examples
    --------
    >>> control = ValueCounts.from_table([1, 2, 3], [30, 40, 30])
    >>> treatment = ValueCounts.from_table([1, 2, 3], [20, 20, 60])
    >>> pair = estimate_quantiles([control], [treatment], quantile=0.5)
    >>> pair.control_value, pair.treatment_value, pair.method
    (2.0, 3.0, 'melded')
    """
    first, second, dropped = weighted_counts(control, treatment, quantile)
    require_subtractable(first, second)
    limits = (unit_limits(first, quantile), unit_limits(second, quantile))
    warnings: list[WarningCode] = ["phase_dropped"] if dropped else []
    if any(arm.lower.single(0.95) for arm in limits):
        warnings.append("tied_quantile")
    return QuantilePair(
        first,
        second,
        quantile,
        sum(arm.n for arm in control),
        sum(arm.n for arm in treatment),
        tuple(warnings),
    )


def _moved(values: Floats, factor: float, shift: float, others: Floats) -> Floats:
    """Return values times a factor and shifted, those on one of `others` equal to it.

    0.1 + 0.2 is above 0.3: without this a treatment that lies at its bound, in values that many
    units share, would be within it.

    Raises
    ------
    NotEstimable
        ``not_finite``.
    """
    if factor == 1.0 and shift == 0.0:
        return values
    with np.errstate(over="ignore"):
        moved = values * factor + shift
    if not np.isfinite(moved).all():
        raise not_finite()
    place = np.searchsorted(others, moved)
    for near in (np.minimum(place, others.size - 1), np.maximum(place - 1, 0)):
        nearest = others[near]
        size = np.maximum(np.abs(values * factor), np.abs(shift))
        moved = np.where(np.abs(moved - nearest) <= _ROUNDING * size, nearest, moved)
    return moved


def _variance(arm: ValueCounts, quantile: float) -> float:
    """Return the variance of an arm's limits over all levels, which is that of its bootstrap."""
    limits = unit_limits(arm, quantile)
    return (_spread(limits.lower, arm) + _spread(limits.upper, arm)) / 2.0


def _spread(limit: Discrete, arm: ValueCounts) -> float:
    finite = np.isfinite(limit.values)
    if 1.0 - float(limit.chances[finite].sum()) > _TOO_MUCH:
        raise NotEstimable(
            "too_few_units",
            "The quantile has no limits in so few units",
            given=f"{arm.n} units",
            todo="Compare fewer and larger groups.",
        )
    chances = limit.chances[finite] / limit.chances[finite].sum()
    middle = float(chances @ limit.values[finite])
    return float(chances @ (limit.values[finite] - middle) ** 2)
