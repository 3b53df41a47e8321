"""Boschloo's exact unconditional test with the intervals that invert it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from scipy import special

from abtest.stats.moments import Floats
from abtest.stats.proportions.conditional import Conditional
from abtest.stats.proportions.crossings import root
from abtest.stats.proportions.nuisance import (
    Region,
    Tails,
    difference_path,
    largest_probability,
    log_binomials,
    log_size,
    ratio_path,
    require_enumerable,
)
from abtest.stats.proportions.two_by_two import TwoByTwo, require_reachable
from abtest.stats.results import Alternative, Interval, Method, RelativeInterval, Test

_TIE = 1e-9
"""Relative distance below which two of Fisher's p-values are equal."""
_BEYOND = 1e-6
"""Probability that the share of control is where the limits do not look for it."""
_FAR = 60.0
"""Logarithm beyond which a ratio has no limit."""
Scale = Literal["difference", "ratio"]
_SIGNS: dict[Alternative, tuple[float, ...]] = {
    "greater": (1.0,),
    "less": (-1.0,),
    "two-sided": (1.0, -1.0),
}


@dataclass(frozen=True)
class BoschlooPair(TwoByTwo):
    """Two proportions, judged by Boschloo's test; a `PairEstimate`.

    Tables are as extreme as the observed one if Fisher's one-sided p-value is no larger (within
    a relative 1e-9, so that ties count); p is the largest probability of those tables over the
    common share (Boschloo 1970, Stat. Neerl. 24, 1). It keeps its level exactly and is never
    above Fisher's one-sided p. Two-sided it is twice the smaller of both sides, so that p and
    intervals are inversions of the same two one-sided tests: with the order of tables fixed, the
    largest probability rises with treatment - control and with their ratio, the sets have no
    gaps, and each limit keeps half of the error (Buehler 1957, JASA 52, 482; Fay & Hunsberger
    2021, Stat. Surv. 15, 72). For the limits the share of control is looked for where it may be
    at a confidence of 1 - 1e-6 (Berger & Boos 1994, JASA 89, 1012): elsewhere it would make them
    wide for no reason. They cover with their level less 2e-6.

    Examples
    --------
    >>> pair = BoschlooPair(7, 15, 12, 15)
    >>> round(pair.test(alternative="greater").p_value, 6)
    0.034109
    """

    method: Method = "boschloo"

    def absolute(self, confidence_level: float, alternative: Alternative = "two-sided") -> Interval:
        """Return the difference with all values that neither one-sided test rejects."""
        outside = (1.0 - confidence_level) / (2.0 if alternative == "two-sided" else 1.0)
        lower: float | None = None
        upper: float | None = None
        if alternative != "less":
            lower = _limit(self._above("difference", 1.0, outside), self.difference, -1.0, 0.25)
        if alternative != "greater":
            upper = -_limit(self._above("difference", -1.0, outside), -self.difference, -1.0, 0.25)
        lower, upper = self._with_none(lower, upper, confidence_level, alternative)
        return Interval(self.difference, lower, upper)

    def relative(
        self, confidence_level: float, alternative: Alternative = "two-sided"
    ) -> RelativeInterval:
        """Return the ratio minus 1 with all values that neither one-sided test rejects.

        ``half_line`` if control has no success, ``unbounded`` if neither arm has.
        """
        outside = (1.0 - confidence_level) / (2.0 if alternative == "two-sided" else 1.0)
        x0, x1 = self.successes_control, self.successes_treatment
        start = math.log(self.treatment_value / self.control_value) if x0 and x1 else _FAR
        lower: float | None = None
        upper: float | None = None
        if alternative != "less":
            lower = -1.0
            if x1:
                lower = math.expm1(_limit(self._above("ratio", 1.0, outside), start, -_FAR, 1.0))
        if alternative != "greater" and x0:
            start = -start if x1 else _FAR
            upper = math.expm1(-_limit(self._above("ratio", -1.0, outside), start, -_FAR, 1.0))
        if self.successes == 0 or (lower is None and upper is None):
            return RelativeInterval(self.ratio, None, None, "unbounded")
        lower, upper = self._with_none(lower, upper, confidence_level, alternative)
        bounded = lower is not None and upper is not None
        return RelativeInterval(self.ratio, lower, upper, "bounded" if bounded else "half_line")

    def test(
        self,
        *,
        absolute: float = 0.0,
        relative: float | None = None,
        alternative: Alternative = "two-sided",
    ) -> Test:
        """Test treatment - control against a bound, absolute or relative to control.

        The statistic is the one-sided p-value of Fisher that orders the tables. At other bounds
        than no effect p is short of at most 1e-6, as the limits are.

        Raises
        ------
        NotEstimable
            ``bound_out_of_range`` if no two proportions differ by the bound.
        """
        require_reachable(absolute, relative)
        bound = absolute if relative is None else math.log1p(relative)
        scale: Scale = "difference" if relative is None else "ratio"
        signs: tuple[float, ...] = _SIGNS[alternative]
        # the more extreme side first: of the other one only whether it is larger matters
        signs = tuple(sorted(signs, key=lambda sign: self._orders[sign]))
        logs: list[float] = []
        for sign in signs:
            logs.append(self._log_p(scale, sign, sign * bound, min(logs, default=math.inf)))
        smaller = int(np.argmin(logs))
        log_p = min(logs[smaller] + math.log(len(signs)), 0.0)
        order = math.exp(self._orders[signs[smaller]])
        return Test(math.exp(log_p), log_p / math.log(10.0), order, None, alternative)

    @cached_property
    def _regions(self) -> dict[float, Region]:
        """Tables that favour treatment (1) or control (-1) as much as the observed one."""
        keys = _fisher_keys(self.n_control, self.n_treatment)
        found = {}
        for sign in (1.0, -1.0):
            # what favours control are the failures: turn both axes
            side = keys if sign > 0.0 else keys[::-1, ::-1]
            observed = float(side[self.successes_control, self.successes_treatment])
            found[sign] = np.asarray(side <= observed + _TIE)
        return found

    @cached_property
    def _orders(self) -> dict[float, float]:
        """Logarithms of Fisher's one-sided p-values."""
        tables = Conditional.of(self)
        return {sign: tables.log_tail(0.0, upper=sign > 0.0, less=0.0) for sign in (1.0, -1.0)}

    @cached_property
    def _tails(self) -> dict[float, Tails]:
        up, down = self._regions[1.0], self._regions[-1.0]
        n1 = self.n_treatment
        first = np.where(up.any(axis=1), up.argmax(axis=1), n1 + 1)
        last = np.where(down.any(axis=1), n1 - down[:, ::-1].argmax(axis=1), -1)
        return {
            1.0: Tails(first, np.full_like(first, -1), n1),
            -1.0: Tails(np.full_like(last, n1 + 1), last, n1),
        }

    def _log_p(self, scale: Scale, sign: float, bound: float, enough: float) -> float:
        """Return the logarithm of the one-sided p-value of sign x effect against `bound`.

        Of one that is at least `enough` it is some value that is.
        """
        if bound == 0.0:
            return log_size(self._regions[sign], enough)
        largest = self._above(scale, sign, 0.0)(bound)
        return math.log(largest) if largest > 0.0 else -math.inf

    def _above(self, scale: Scale, sign: float, outside: float) -> Callable[[float], float]:
        """Return the largest probability of the region less `outside`; it rises with the bound."""
        x0, n0 = self.successes_control, self.n_control
        half = _BEYOND / 2.0
        low = float(special.betaincinv(x0, n0 - x0 + 1, half)) if x0 else 0.0
        high = float(special.betaincinv(x0 + 1, n0 - x0, 1.0 - half)) if x0 < n0 else 1.0

        def above(bound: float) -> float:
            if scale == "difference":
                path = difference_path(sign * bound, (low, high))
            else:
                path = ratio_path(math.exp(sign * bound), (low, high))
            return largest_probability(self._tails[sign], path) - outside

        return above

    def _with_none(
        self,
        lower: float | None,
        upper: float | None,
        confidence_level: float,
        alternative: Alternative,
    ) -> tuple[float | None, float | None]:
        """Return limits that hold no effect wherever its test, over every share, keeps it."""
        if self.test(alternative=alternative).p_value > 1.0 - confidence_level:
            lower = None if lower is None else min(lower, 0.0)
            upper = None if upper is None else max(upper, 0.0)
        return lower, upper


def _fisher_keys(n0: int, n1: int) -> Floats:
    """Return numbers that order all tables as Fisher's p-value in favour of treatment does.

    ln(2 p) below one half and -ln(2 (1 - p)) above it: next to 1 the p-values themselves would be
    equal to the last digit, and the tables of that side one large tie.
    """
    require_enumerable(n0, n1)
    logs = np.add.outer(log_binomials(n0), log_binomials(n1))
    whole = log_binomials(n0 + n1)
    keys = np.empty((n0 + 1, n1 + 1))
    for m in range(n0 + n1 + 1):
        # all tables with m successes, from the most successes of treatment downwards
        b = np.arange(min(n1, m), max(0, m - n0) - 1, -1)
        terms = logs[m - b, b] - whole[m]
        p = np.logaddexp.accumulate(terms)
        rest = np.full(len(terms), -np.inf)  # 1 - p: the tables further down
        rest[:-1] = np.logaddexp.accumulate(terms[:0:-1])[::-1]
        keys[m - b, b] = np.where(p < -math.log(2.0), p, -2.0 * math.log(2.0) - rest)
    return keys


def _limit(above: Callable[[float], float], estimate: float, low: float, step: float) -> float:
    """Return where a rising function of the bound is 0, below the estimate.

    At the estimate it is far above 0 for every usual level; where it is not, the estimate is
    the limit.
    """
    near = far = estimate
    if above(near) <= 0.0:
        return estimate
    while far > low:
        far, step = max(low, near - step), 2.0 * step
        if above(far) <= 0.0:
            return root(above, far, near)
        near = far
    return low
