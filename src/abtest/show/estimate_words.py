"""An estimate with its limits in words, as figures write them."""

from __future__ import annotations

import math
from dataclasses import dataclass

from abtest.show.axis_scale import LARGE, SMALL, tick_text
from abtest.show.numbers import decimals_for, number, percent

MOST_DECIMALS = 6


@dataclass(frozen=True)
class Estimate:
    """A number with its limits; None where the interval has no end."""

    value: float
    lower: float | None = None
    upper: float | None = None

    @property
    def decimals(self) -> int:
        """Decimals that show two digits of the interval, at least one; none of whole numbers."""
        known = [x for x in (self.value, self.lower, self.upper) if x is not None]
        if all(x == round(x) for x in known):
            return 0
        ends = [x for x in (self.lower, self.upper) if x is not None]
        spread = max((abs(x - self.value) for x in ends), default=0.0)
        places = max(decimals_for(spread or None, self.value), 1)
        while places < MOST_DECIMALS and any(x and round(x, places) == 0.0 for x in ends):
            places += 1  # a limit beside zero says on which side it is
        return places


def signed(estimate: Estimate, level: float, unit: str = "") -> str:
    """Return a difference with its interval, and a unit after the first.

    Examples
    --------
    >>> signed(Estimate(7.688, 4.2, 11.18), 0.95, "weeks")
    '+7.7 weeks (95% interval +4.2 to +11.2)'
    >>> signed(Estimate(-2.0, -3.0), 0.9)
    '−2 (90% interval −3 or more)'
    """
    value = f"{_shown(estimate.value, estimate, sign=True)} {unit}".rstrip()
    return f"{value} ({interval(estimate, level)})"


def interval(estimate: Estimate, level: float, *, sign: bool = True) -> str:
    """Return the interval of a difference in words, with its level."""
    low, high = estimate.lower, estimate.upper
    named = f"{level_text(level)} interval"
    if low is None and high is None:
        return f"{named} without limits"
    if high is None:
        return f"{named} {_shown(low, estimate, sign=sign)} or more"
    if low is None:
        return f"{named} {_shown(high, estimate, sign=sign)} or less"
    return f"{named} {_shown(low, estimate, sign=sign)} to {_shown(high, estimate, sign=sign)}"


def like(value: float, estimate: Estimate) -> str:
    """Return the value of an arm with the decimals of the difference."""
    if value != round(value) and estimate.decimals == 0:  # of whole differences
        return tick_text(value)
    return _shown(value, estimate, sign=False)


def share_interval(estimate: Estimate) -> str:
    """Return a share with its limits, in per cent.

    Examples
    --------
    >>> share_interval(Estimate(0.5, 0.4, 0.61))
    '50% (40% to 61%)'
    """
    limits = (estimate.lower, estimate.upper)
    spread = max((abs(x - estimate.value) for x in limits if x is not None), default=0.0)
    places = min(max(decimals_for(spread * 100.0 or 10.0), 0), 4)
    low, high = (percent(x, places) for x in limits)
    return f"{percent(estimate.value, places)} ({low} to {high})"


def level_text(level: float) -> str:
    """Return a confidence level: ``95%``."""
    return f"{100.0 * level:.6g}%"


def _shown(value: float | None, estimate: Estimate, *, sign: bool) -> str:
    if value is not None and math.isfinite(value) and value and _is_odd(value, estimate):
        return ("+" if sign and value > 0.0 else "") + tick_text(value)
    return number(value, estimate.decimals, sign=sign)


def _is_odd(value: float, estimate: Estimate) -> bool:
    """Return whether a number is too large or small to be written out."""
    largest = max(abs(x) for x in (estimate.value, estimate.lower, estimate.upper, value) if x)
    return largest >= 1e3 * LARGE or largest < SMALL
