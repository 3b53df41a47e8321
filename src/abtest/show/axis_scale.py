"""Where numbers stand on an axis: linear, logarithmic, or logarithmic on both sides of zero."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np

from abtest.show.numbers import MINUS, number, round_step
from abtest.show.step_line import Floats

FEW_TICKS = 3
"""So many ticks tell little about an axis."""
LARGE, SMALL = 1e6, 1e-4
"""Numbers beyond are written with a power of ten."""
DAYS = (1.0, 2.0, 7.0, 14.0, 28.0, 56.0, 91.0, 182.0, 364.0)
HOURS = (1.0, 2.0, 6.0, 12.0, 24.0, 48.0, 168.0)


@dataclass(frozen=True)
class AxisScale:
    """An axis from `low` to `high`.

    ``bent`` is the sign times log(1 + |x| / bend): nearly linear within `bend` of zero and
    logarithmic beyond, so that zero, small and large values can be seen on one axis.
    """

    low: float
    high: float
    kind: Literal["linear", "log", "bent"] = "linear"
    bend: float = 1.0

    def place(self, values: Sequence[float] | Floats) -> Floats:
        """Return where values stand, from 0 at the low end to 1 at the high one.

        Examples
        --------
        >>> AxisScale(1.0, 100.0, "log").place([10.0]).tolist()
        [0.5]
        """
        ends = self._stretched(np.array([self.low, self.high]))
        width = float(ends[1] - ends[0])
        placed = (self._stretched(np.asarray(values, dtype=np.float64)) - ends[0]) / width
        return np.asarray(np.clip(placed, -9.0, 10.0))

    def ticks(self, most: int = 7, *, whole: bool = False) -> list[tuple[float, str]]:
        """Return places of round numbers on the axis with their labels; of whole ones if asked.

        Examples
        --------
        >>> [text for _, text in AxisScale(0.0, 500.0, "bent").ticks()]
        ['0', '1', '3', '10', '30', '100', '300']
        """
        values = self._even(most, whole) if self.kind == "linear" else self._powers(most)
        step = min((b - a for a, b in pairwise(values)), default=1.0)
        texts = [
            tick_text(value, step if self.kind == "linear" else abs(value) or None)
            for value in values
        ]
        return list(zip(self.place(values).tolist(), texts, strict=True))

    def _stretched(self, values: Floats) -> Floats:
        if self.kind == "log":
            return np.asarray(np.log10(np.maximum(values, 5e-324)))
        if self.kind == "bent":
            with np.errstate(divide="ignore"):  # the logarithm of zero
                times = np.log(np.abs(values)) - math.log(self.bend)
            return np.asarray(np.sign(values) * np.logaddexp(0.0, times))
        return values

    def _even(self, most: int, whole: bool) -> list[float]:
        """Return multiples of a round step."""
        step = round_step((self.high - self.low) / most)
        step = max(step, 1.0) if whole else step
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [index * step for index in range(first, last + 1)]

    def _powers(self, most: int) -> list[float]:
        """Return zero, powers of ten and three times these; two and five times if these are few."""
        smallest = self.low if self.kind == "log" else self.bend
        largest = max(abs(self.low), abs(self.high))
        powers = range(math.ceil(math.log10(largest)), math.floor(math.log10(smallest)) - 1, -1)
        sizes = [factor * 10.0**power for factor in (1.0, 3.0, 2.0, 5.0) for power in powers]
        signs = (1.0,) if self.kind == "log" else (1.0, -1.0)
        shown = [0.0] if self.kind == "bent" and self.low <= 0.0 <= self.high else []
        for index, value in enumerate(sign * size for size in sizes for sign in signs):
            if 2 * index >= len(sizes) * len(signs) and len(shown) > FEW_TICKS:
                break
            apart = np.abs(self.place([value]) - self.place(shown)) if shown else np.ones(1)
            if self.low <= value <= self.high and float(apart.min()) > 0.5 / most:
                shown.append(value)
        return sorted(shown)


def power_below(value: float) -> float:
    """Return the largest power of ten that is not above a positive value, or a number near it.

    Examples
    --------
    >>> power_below(37.0), power_below(0.002)
    (10.0, 0.001)
    """
    return max(10.0 ** math.floor(math.log10(value)), 1e-300)


def tick_text(value: float, step: float | None = None) -> str:
    """Return a number for an axis or a table under it: as short as it can be.

    Examples
    --------
    >>> tick_text(2500.0), tick_text(0.25, 0.05), tick_text(3e8), tick_text(16.25)
    ('2,500', '0.25', '3e8', '16.2')
    """
    if value and not SMALL <= abs(value) < LARGE:
        mantissa, _, power = f"{abs(value):.3g}".partition("e")
        if not power:  # three digits of a number that needs no power
            mantissa, _, power = f"{abs(value):.2e}".partition("e")
            mantissa = mantissa.rstrip("0").rstrip(".")
        return f"{MINUS if value < 0.0 else ''}{mantissa}e{int(power)}"
    if step is not None:
        return number(value, max(0, min(6, -math.floor(math.log10(step) + 1e-9))))
    if value == round(value):
        return number(value, 0)
    return number(value, max(0, min(6, 2 - math.floor(math.log10(abs(value))))))


def time_ticks(end: float, unit: str, most: int) -> list[float]:
    """Return round times from 0 to `end`: whole weeks where days are many.

    Examples
    --------
    >>> time_ticks(28.0, "days", 7), time_ticks(35.0, "weeks", 8)
    ([0.0, 7.0, 14.0, 21.0, 28.0], [0.0, 5.0, 10.0, 15.0, 20.0, 25.0, 30.0, 35.0])
    """
    named = {"day": DAYS, "hour": HOURS}.get(unit.strip().lower().rstrip("s"), ())
    rough = end / most
    step = next((size for size in named if size >= rough), round_step(rough))
    if named and rough < named[0] / 2:
        step = round_step(rough)
    return [index * step for index in range(math.floor(end / step + 1e-9) + 1)]
