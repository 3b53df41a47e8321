"""Limits of a difference or a ratio of two quantities whose own limits are known at all levels."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from abtest.stats.moments import Floats
from abtest.stats.quantiles.order import Discrete, Limits
from abtest.stats.results import Alternative, Interval, RelativeInterval

Effect = Callable[[Floats, Floats], Floats]
"""Function of the rows and the columns of pairs, rising along the columns."""
_NEGLIGIBLE = 1e-17
"""Chances of values that no limit of any level in use depends on."""
_LISTED = 200_000
"""This many pairs of values are sorted outright."""


@dataclass(frozen=True, eq=False)
class Melded:
    """Two arms' limits, joined (Fay, Proschan & Brittain 2015, Biometrics 71, 146).

    For every pair of levels drawn independently, treatment's lower limit less control's upper
    limit is a lower limit of the difference; its quantile at alpha is the melded one.

    Attributes
    ----------
    control, treatment
        Limits of each arm.
    """

    control: Limits
    treatment: Limits

    @cached_property
    def p_greater(self) -> float:
        """One-sided p-value of no effect against treatment above control."""
        lower, upper = self.treatment.lower, self.control.upper
        place = np.searchsorted(upper.values, lower.values)
        return float(lower.chances @ np.append(upper.at_or_above, 0.0)[place])

    @cached_property
    def p_less(self) -> float:
        """One-sided p-value of no effect against treatment below control."""
        upper, lower = self.treatment.upper, self.control.lower
        place = np.searchsorted(lower.values, upper.values, side="right")
        return float(upper.chances @ np.insert(lower.at_or_below, 0, 0.0)[place])

    def difference(self, estimate: float, outside: float, alternative: Alternative) -> Interval:
        """Return treatment - control with its limits, `outside` being the level beyond each."""
        lower = upper = None
        if alternative != "less":
            columns = self.control.upper.mirrored()
            lower = smallest_reached(
                self.treatment.lower, columns, outside, lambda t, minus_c: t + minus_c
            )
            lower = _held(lower, estimate, self.p_greater < outside, below=True)
        if alternative != "greater":
            columns = self.treatment.upper.mirrored()
            upper = -smallest_reached(
                self.control.lower, columns, outside, lambda c, minus_t: c + minus_t
            )
            upper = _held(upper, estimate, self.p_less < outside, below=False)
        return Interval(estimate, _end(lower), _end(upper))

    def relative(
        self, values: tuple[float, float], outside: float, alternative: Alternative
    ) -> RelativeInterval:
        """Return (treatment - control) / |control| with its limits.

        Parameters
        ----------
        values
            Estimates of control and treatment.
        outside
            The level beyond each limit.
        alternative
            As in `difference`.
        """
        control, treatment = values
        if control == 0.0:
            return RelativeInterval(None, None, None, "undefined")
        with np.errstate(over="ignore"):
            estimate = float((np.float64(treatment) - control) / abs(control))
        if not math.isfinite(estimate):
            return RelativeInterval(None, None, None, "undefined")
        if control < 0.0:
            turned = Melded(self.control.mirrored(), self.treatment.mirrored())
            lower, upper = turned._over_positive(outside)
            lower, upper = -upper, -lower
        else:
            lower, upper = self._over_positive(outside)
        low = None if alternative == "less" else _end(min(lower, estimate))
        high = None if alternative == "greater" else _end(max(upper, estimate))
        if low is None and high is None:
            return RelativeInterval(estimate, None, None, "unbounded")
        status = "half_line" if low is None or high is None else "bounded"
        return RelativeInterval(estimate, low, high, status)  # type: ignore[arg-type]  # literal

    def _over_positive(self, outside: float) -> tuple[float, float]:
        """Return the limits of (treatment - control) / control for a control above 0.

        Where control may be below 0 at this level there are none; where treatment may be, no
        lower one. Chances beyond are taken to the side that makes the limits wider.
        """
        control, treatment = self.control, self.treatment
        if control.lower.below(0.0) >= outside:
            return -math.inf, math.inf
        if treatment.lower.below(0.0) >= outside:
            lower = -math.inf
        else:
            columns = _floored(control.upper).mirrored()
            lower = smallest_reached(treatment.lower, columns, outside, _above_least)
        columns = treatment.upper.mirrored()
        return lower, -smallest_reached(control.lower, columns, outside, _minus_below_most)


def smallest_reached(rows: Discrete, columns: Discrete, outside: float, effect: Effect) -> float:
    """Return the smallest x with P(effect <= x) of at least `outside`; infinite if there is none.

    With many pairs none are listed: the search halves the range between two values of the
    effect, and looks up by bisection how far each row reaches.
    """
    kept = rows.chances > _NEGLIGIBLE
    values, chances = rows.values[kept], rows.chances[kept]
    likely = columns.chances > _NEGLIGIBLE
    if values.size * int(likely.sum()) <= _LISTED:
        effects = effect(values[:, None], columns.values[likely]).ravel()
        order = np.argsort(effects)
        reached = np.cumsum(np.outer(chances, columns.chances[likely]).ravel()[order])
        place = int(np.searchsorted(reached, outside))
        return float(effects[order[place]]) if place < order.size else math.inf
    return _Pairs(values, chances, columns, effect).smallest(outside)


@dataclass(frozen=True, eq=False)
class _Pairs:
    """All pairs of a row and a column, with the effect that rises along the columns."""

    values: Floats
    chances: Floats
    columns: Discrete
    effect: Effect

    def smallest(self, outside: float) -> float:
        """Return the smallest effect x with P(effect <= x) of at least `outside`."""
        reached = np.insert(self.columns.at_or_below, 0, 0.0)

        def chance(counts: NDArray[np.int64]) -> float:
            return float(self.chances @ reached[counts])

        none, all_ = self._counts(-math.inf), self._counts(np.finfo(np.float64).max)
        if chance(none) >= outside:
            return -math.inf
        if chance(all_) < outside:
            return math.inf
        low, high = self._after(none), self._upto(all_)
        while low < high:  # the answer is one of the effects from low to high
            middle = low / 2.0 + high / 2.0
            counts = self._counts(middle if low < middle < high else low)
            if chance(counts) >= outside:
                high = self._upto(counts)
            else:
                low = self._after(counts)
        return high

    def _after(self, counts: NDArray[np.int64]) -> float:
        """Return the smallest effect beyond so many columns of each row."""
        some = counts < self.columns.values.size
        return float(self.effect(self.values[some], self.columns.values[counts[some]]).min())

    def _upto(self, counts: NDArray[np.int64]) -> float:
        """Return the largest effect among so many columns of each row."""
        some = counts > 0
        return float(self.effect(self.values[some], self.columns.values[counts[some] - 1]).max())

    def _counts(self, x: float) -> NDArray[np.int64]:
        """Return for every row how many columns have an effect of at most x."""
        low = np.zeros(self.values.shape, dtype=np.int64)
        high = np.full(self.values.shape, self.columns.values.size)
        for _ in range(int(self.columns.values.size).bit_length()):
            middle = (low + high) // 2
            place = np.minimum(middle, self.columns.values.size - 1)
            held = (self.effect(self.values, self.columns.values[place]) <= x) & (low < high)
            low, high = np.where(held, middle + 1, low), np.where(held, high, middle)
        return low


def _floored(limit: Discrete) -> Discrete:
    """Return a limit whose chances below 0 are taken to infinity."""
    wrong = limit.below(0.0)
    kept = limit.values >= 0.0
    values, chances = limit.values[kept], limit.chances[kept]
    if wrong > 0.0:
        values, chances = np.append(values, math.inf), np.append(chances, wrong)
    at_or_above = np.cumsum(chances[::-1])[::-1]
    return Discrete(values, chances, np.cumsum(chances), at_or_above)


def _above_least(t: Floats, minus_c: Floats) -> Floats:
    """Return t / c - 1 for lower limits: at least -1, infinite over a control of 0."""
    c = -minus_c
    known = (t > 0.0) & (c > 0.0) & np.isfinite(c)
    with np.errstate(over="ignore"):
        ratio = (np.where(known, t, 1.0) - np.where(known, c, 1.0)) / np.where(known, c, 1.0)
    least = np.where(np.isneginf(t), -math.inf, -1.0)
    return np.where(known, ratio, np.where((t > 0.0) & (c == 0.0), math.inf, least))


def _minus_below_most(c: Floats, minus_t: Floats) -> Floats:
    """Return 1 - t / c for upper limits: without end over a control of 0, at least -1."""
    t = -minus_t
    known = (t >= 0.0) & (c > 0.0) & np.isfinite(t)
    with np.errstate(over="ignore"):
        ratio = (np.where(known, c, 1.0) - np.where(known, t, 1.0)) / np.where(known, c, 1.0)
    return np.where(known, ratio, np.where(t < 0.0, 1.0, -math.inf))


def _held(limit: float, estimate: float, rejected: bool, *, below: bool) -> float:
    """Return a limit that holds the estimate, and 0 unless the test rejects it."""
    cut = min if below else max
    limit = cut(limit, estimate)
    return limit if rejected else cut(limit, 0.0)


def _end(limit: float | None) -> float | None:
    return None if limit is None or math.isinf(limit) else limit + 0.0  # no -0.0
