"""One answer about power, with the formula it is from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from abtest.stats.answer import Answer
from abtest.stats.results import Alternative, Measure
from abtest.stats.sizing.duration import days_until
from abtest.stats.sizing.formulas import FORMULAS, Formula, TestKind

if TYPE_CHECKING:
    from abtest.show.fragment import Fragment

Solved = Literal["power", "sample_size", "effect"]
"""What was asked for."""
PowerWarning = Literal["few_events", "small_arms", "smallest_possible", "tied_quantile"]
"""``few_events``: an arm expects fewer than 10 events (or failures), where normal formulas are
rough. ``small_arms``: an arm has so few units that the true power may be several points lower.
``smallest_possible``: the fewest units that have a variance are more than enough.
``tied_quantile``: so many units share the value at the quantile that it moves to another of the
values or not at all."""


@dataclass(frozen=True)
class PowerResult(Answer):
    """Power, units and effect that belong together.

    Attributes
    ----------
    solved
        ``power``, ``sample_size`` or ``effect``: which of them was asked for.
    power
        Probability that the test shows what it is to show, at `units_by_arm`; for a sample size
        the power achieved after rounding up.
    target_power
        What was wanted of this test (a share of the decision's errors where there is a rule).
    effect, relative
        Assumed or detectable effect, as a share of the baseline if `relative`.
    absolute_effect, relative_effect
        The same on both scales; `relative_effect` is None without a baseline.
    units, units_by_arm, clusters_by_arm
        Units over all arms and by arm, control first; whole numbers for a sample size. Clusters
        are None where units are not clustered.
    units_exact
        Units over all arms before rounding: the inverse of power to 1e-6.
    level, sides
        Level of this test and its number of tails (for equivalence of each of the two tests).
    df
        Degrees of freedom at the assumed variances; None for normal formulas.
    formula
        Name of the formula; `formula_text` says it.
    measure, test, alternative, direction, margin, baseline
        As in the design.
    warnings
        ``few_events``, ``small_arms``, ``smallest_possible``, ``tied_quantile``; see
        `PowerWarning`.
    details
        What a kind of design says besides, over all arms: ``events`` that are expected, or
        ``answers`` of the units that are asked.
    """

    solved: Solved
    power: float
    target_power: float
    effect: float
    relative: bool
    absolute_effect: float
    relative_effect: float | None
    units: float
    units_by_arm: tuple[float, ...]
    clusters_by_arm: tuple[float, ...] | None
    units_exact: float
    level: float
    sides: int
    df: float | None
    formula: Formula
    measure: Measure
    test: TestKind
    alternative: Alternative
    direction: str
    margin: float | tuple[float, float] | None
    baseline: float | None
    warnings: tuple[PowerWarning, ...] = ()
    details: dict[str, float] = field(default_factory=dict)

    @property
    def formula_text(self) -> str:
        """What the formula computes, with its source."""
        return FORMULAS[self.formula]

    def days(self, units_per_day: float | Sequence[float], *, maturity: float = 0) -> int:
        """Return whole days until the units are there and the last of them is mature.

        Parameters
        ----------
        units_per_day
            New units over all arms: one number, or one for each day (traffic that brings ever
            fewer new units is not a straight line).
        maturity
            Days that a unit is watched after it came.

        Raises
        ------
        UsageError
            If the days given do not bring that many units.
        """
        return days_until(self.units, units_per_day, maturity)

    def to_dict(self) -> dict[str, Any]:
        """Return all fields as plain values that are strict JSON, and the formula in words."""
        return {**super().to_dict(), "formula_text": self.formula_text}

    def __str__(self) -> str:
        """Return the answer as a sentence, with its warnings in words."""
        from abtest.stats.sizing.display import sentence

        return sentence(self)

    def _fragment(self) -> Fragment:
        """Return the sentence and a table, for notebooks."""
        from abtest.stats.sizing.display import fragment

        return fragment(self)
