"""Design for quantiles of units."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Literal

import numpy as np

from abtest.errors import UsageError
from abtest.stats.arguments import require_one_of, require_share
from abtest.stats.moments import Floats
from abtest.stats.quantiles.compare import require_subtractable
from abtest.stats.results import Measure
from abtest.stats.sizing.design import Design
from abtest.stats.sizing.formulas import Formula, Judge
from abtest.stats.sizing.numbers import Truths
from abtest.stats.sizing.past import refuse_adjustment
from abtest.stats.sizing.quantile_power import Arms, Pilot, chance_of_showing
from abtest.stats.value_counts import ValueCounts

_SMOOTH_UNITS = 50
"""Fewer units of a pilot say next to nothing about how dense values are."""

_SMALLEST, _LARGEST = 1e-140, 1e140
"""Ranges of values whose squares, and those of the gaps between them, are numbers."""


@dataclass(frozen=True)
class QuantileDesign(Design):
    """A comparison of a quantile of units, as `compare_quantiles` makes it.

    Attributes
    ----------
    pilot
        Values of past units, of 50 units or more: the more, the better known is how dense values
        are at the quantile, on which sizes depend with the square.
    quantile
        Which one, as a share of units.
    change
        What the effect does to values: ``shift`` moves all by the same, ``scale`` multiplies all
        by the same (for values of at least 0). Both move the quantile by the effect.

    Raises
    ------
    UsageError
        If settings contradict each other, or the pilot is too small.

    Notes
    -----
    Power is that of the melded test: the probability that exact limits of both arms, from ranks,
    leave no room for the hypothesis. Where values are dense it is that of a normal estimate with
    variance q (1 - q) / f^2 per unit, with f the density, taken from the pilot's values over just
    the ranks that decide: no bandwidth is chosen. Which values lie near the quantile differs from
    sample to sample: with fewer than about 100 units in an arm the power may be two points off.

    *Atoms.* Where many units share the value at the quantile (half a percent of the pilot, five
    units) a sample's quantile is that value or another one, never between. Effects then are steps
    to another of the pilot's values, others are refused (``out_of_range``), and the smallest
    detectable effect is a step: often the next value. All units are moved by it, which is more
    than it takes to move the quantile alone; a change of the shares that does not move the
    quantile is not found by any number of units. Answers have the warning ``tied_quantile``: a
    mean, or the share beyond a value, is the better metric.

    Examples
    --------
    >>> from abtest.stats import minimum_detectable_effect, sample_size
    >>> seconds = ValueCounts.from_values(np.random.default_rng(1).exponential(60.0, 5_000))
    >>> sample_size(QuantileDesign(seconds), effect=5.0).formula
    'melded_quantile'
    >>> rounds = ValueCounts.from_table([0, 1, 2, 3, 5, 8], [30, 40, 50, 40, 30, 10])
    >>> plan = minimum_detectable_effect(QuantileDesign(rounds), units=500)
    >>> plan.effect, plan.warnings
    (1.0, ('tied_quantile',))
    """

    pilot: ValueCounts
    quantile: float = 0.5
    change: Literal["shift", "scale"] = "shift"
    known: Pilot = field(init=False, repr=False, compare=False)
    """The distribution of control."""

    def __post_init__(self) -> None:
        require_share(self.quantile, "quantile", "0.5")
        require_one_of(self.change, ("shift", "scale"), "change")
        if not isinstance(self.pilot, ValueCounts) or self.pilot.n < _SMOOTH_UNITS:
            raise UsageError(
                f"Quantiles are planned from a pilot of {_SMOOTH_UNITS} units or more",
                given=repr(self.pilot)[:200],
                todo="Use ValueCounts.from_values(values) of past units.",
            )
        require_subtractable(self.pilot)
        if self.pilot.values.size < 2:
            raise UsageError(
                "The pilot's values do not vary, so there is nothing to plan",
                given=f"{self.pilot.n} units with {self.pilot.values[0]:g}",
                todo="Check that the metric counts what it should.",
            )
        spread = float(self.pilot.values[-1] - self.pilot.values[0])
        if not _SMALLEST < spread < _LARGEST:
            raise UsageError(
                "The pilot's values are too large or too small to be squared",
                given=f"a range of {spread:g}",
                todo="Give them in another unit.",
            )
        self._set(quantile=float(self.quantile))
        self._set(known=Pilot(self.pilot, self.quantile))
        self._check_kinds()
        if (self.relative or self.change == "scale") and not (
            self.value > 0.0 and self.pilot.values[0] >= 0.0
        ):
            raise UsageError(
                "Shares of a quantile need values of at least 0, and a quantile above 0",
                given=f"a quantile of {self.value:g}, smallest value {self.pilot.values[0]:g}",
                todo='Give absolute effects with change="shift".',
            )
        super().__post_init__()
        refuse_adjustment(self, "Quantiles")

    @property
    def judge(self) -> Judge:
        """Normal, of ranks."""
        return "z"

    @property
    def formula(self) -> Formula:
        """Name of the formula."""
        return "melded_quantile"

    @property
    def measure(self) -> Measure:
        """A quantile."""
        return "quantile"

    @property
    def value(self) -> float:
        """The quantile of control."""
        return self.known.value

    @property
    def limits(self) -> tuple[float, float]:
        """Steps stay among the pilot's values; scaled values stay above 0."""
        if self.steps is not None:
            return float(self.steps[0]), float(self.steps[-1])
        return (-self.value if self.change == "scale" else -np.inf), np.inf

    @property
    def steps(self) -> Floats | None:
        """Differences to the pilot's other values where the quantile is an atom."""
        return self.pilot.values - self.value if self.known.is_tied else None

    def possible(self, difference: Floats) -> Truths:
        """Return for each difference whether the quantile can have moved by it."""
        difference = np.asarray(difference, dtype=np.float64)
        steps = self.steps
        if steps is None:
            inside = np.isfinite(difference)
            return inside & (difference > -self.value) if self.change == "scale" else inside
        place = np.clip(np.searchsorted(steps, difference), 1, steps.size - 1)
        gap = np.minimum(np.abs(steps[place - 1] - difference), np.abs(steps[place] - difference))
        room = 1e-9 * np.maximum(np.abs(difference), np.abs(self.value) * 1e-3)
        return np.asarray(gap <= room)

    def unit_variances(self, difference: Floats) -> tuple[Floats, Floats]:
        """Return about the variance of a unit's part in the quantile, for a first guess."""
        q = self.quantile
        spread = float(np.sqrt(q * (1.0 - q) / self.pilot.n)) * 3.0
        ends = np.clip([q - spread, q + spread], 0.5 / self.pilot.n, 1.0 - 0.5 / self.pilot.n)
        reached = (np.cumsum(self.pilot.counts) - self.pilot.counts / 2.0) / self.pilot.n
        low, high = np.interp(ends, reached, self.pilot.values)
        gap = max(float(high - low), float(np.diff(self.pilot.values).min()))
        both = np.full(np.shape(difference), q * (1.0 - q) * (gap / (ends[1] - ends[0])) ** 2)
        return both, both

    def rejection(self, control: Floats, treatment: Floats, difference: Floats) -> Floats:
        """Return the power of arms of so many units."""
        tails = np.broadcast_to(np.asarray(self.level) / self.sides, difference.shape)
        rows = zip(control, treatment, difference, tails, strict=True)
        return np.array([self._row(*map(float, row)) for row in rows])

    def _row(self, control: float, treatment: float, difference: float, tail: float) -> float:
        scaled = self.change == "scale" and not self.known.is_tied
        factor = max(1.0 + difference / self.value, 1e-12) if scaled else 1.0
        arms = Arms(control, treatment, 0.0 if scaled else difference, factor)
        bounds = [partial(self._beyond, bound) for bound in self.bounds]
        show = partial(chance_of_showing, self.known, arms, tail=tail)
        if self.test == "equivalence":
            both = show(bounds[0], upwards=True) + show(bounds[1], upwards=False) - 1.0
            return max(both, 0.0)
        found = show(bounds[0], upwards=self.sign > 0.0)
        if self.sides == 2:
            found += show(bounds[0], upwards=self.sign < 0.0)
        return min(found, 1.0)

    def _beyond(self, bound: float, x: Floats) -> Floats:
        """Return the value that treatment must be beyond, for values of control."""
        return np.asarray(x * (1.0 + bound) if self.relative else x + bound)
