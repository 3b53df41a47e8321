"""Two changes at once, in four arms: the effect of each, and whether they work together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from abtest.stats.answer import Answer
from abtest.stats.arguments import require_interval
from abtest.stats.comparison import Comparison
from abtest.stats.designs.contrast import ArmMeans, ContrastEstimate, span_words
from abtest.stats.designs.ordered import contrast_words
from abtest.stats.display import left_out, p_value, warned
from abtest.stats.floats import Values
from abtest.stats.listing import listing
from abtest.stats.moments import Floats, Moments
from abtest.stats.pairs import ArmPair
from abtest.stats.results import Alternative
from abtest.stats.value_counts import ValueCounts

if TYPE_CHECKING:
    from abtest.show.fragment import Fragment

_CELLS = ("neither", "first", "second", "both")
_SIDES: Mapping[Alternative, str] = {
    "two-sided": "",
    "greater": " (each one-sided: with it above without it)",
    "less": " (each one-sided: with it below without it)",
}


@dataclass(frozen=True)
class FactorialComparison(Answer):
    """The two main effects and the interaction of a 2 x 2 design.

    Attributes
    ----------
    first, second
        Main effects: each change against its absence, averaged over both states of the other
        with equal weight.
    interaction
        How much more the first change does where the second is there (the effect of both, minus
        the effects of each alone); in units of the outcome, always tested two-sided.
    means, n
        Of the cells ``neither``, ``first``, ``second``, ``both``.
    confidence_level
        Of all intervals.
    """

    first: Comparison
    second: Comparison
    interaction: ContrastEstimate
    means: dict[str, float]
    n: dict[str, int]
    confidence_level: float

    def __str__(self) -> str:
        """Return what was found, in one sentence."""
        nulls = self.first.nulls_control + self.first.nulls_treatment
        codes = dict.fromkeys((*self.first.warnings, *self.second.warnings))
        return (
            f"First change {_words(self.first)}, second change {_words(self.second)}"
            f"{_SIDES[self.first.alternative]}; "
            f"interaction {contrast_words(self.interaction, self.confidence_level)}."
            f"{left_out(nulls)}{warned(tuple(codes))}"
        )

    def _fragment(self) -> Fragment:
        """Return the sentence and a table of the cells, for notebooks."""
        rows = [(name, f"{self.n[name]:,}", f"{self.means[name]:.6g}") for name in _CELLS]
        return listing(str(self), ("arm", "units", "mean"), rows)


def compare_factorial(
    neither: Values | Moments | ValueCounts,
    first: Values | Moments | ValueCounts,
    second: Values | Moments | ValueCounts,
    both: Values | Moments | ValueCounts,
    *,
    alternative: Alternative = "two-sided",
    confidence_level: float = 0.95,
) -> FactorialComparison:
    """Return the main effects of two changes and their interaction, from four arms.

    Main effects weigh the cells equally, whatever their sizes: with unequal cells, averages over
    units would mix one change with the other. Variances are never pooled, degrees of freedom are
    Satterthwaite's (1946, Biometrics Bull. 2, 110), and relative effects are Fieller's, against
    the mean of the two cells without the change. Read the interaction first: where it is large a
    main effect describes no arm. Its standard error is twice that of a main effect, so that a
    test that finds none says little in a design that was sized for main effects.

    Parameters
    ----------
    neither, first, second, both
        Samples of the arms: values, `Moments` or `ValueCounts`.
    alternative
        Of the main effects: ``two-sided``, ``greater`` or ``less``.
    confidence_level
        Of all intervals.

    Raises
    ------
    NotEstimable
        ``too_few_units``, ``constant`` or ``not_finite``.
    UsageError
        If the arguments do not fit together.

    Examples
    --------
    >>> result = compare_factorial([1, 2, 3], [2, 4, 6], [3, 3, 4], [8, 9, 10])
    >>> round(result.first.absolute.estimate, 3), round(result.interaction.effect.estimate, 3)
    (3.833, 3.667)
    >>> round(result.interaction.p_value, 4)
    0.0592
    """
    require_interval(confidence_level, alternative)
    cells = ArmMeans.of([neither, first, second, both], [f"the arm {name!r}" for name in _CELLS])
    effects = [
        Comparison.of(
            _main_effect(cells, without, with_it),
            [_Nulls(sum(cells.nulls[i] for i in side)) for side in (without, with_it)],
            alternative,
            confidence_level,
            measure="mean",
        )
        for without, with_it in (([0, 2], [1, 3]), ([0, 1], [2, 3]))
    ]
    together = np.array([1.0, -1.0, -1.0, 1.0])
    return FactorialComparison(
        first=effects[0],
        second=effects[1],
        interaction=cells.contrast("interaction", together, "two-sided", confidence_level),
        means=dict(zip(_CELLS, cells.means.tolist(), strict=True)),
        n={name: int(n) for name, n in zip(_CELLS, cells.n, strict=True)},
        confidence_level=confidence_level,
    )


@dataclass(frozen=True)
class _Nulls:
    """How many units of a side had no value."""

    nulls: int


def _main_effect(cells: ArmMeans, without: list[int], with_it: list[int]) -> ArmPair:
    """Return the mean of two cells against the mean of two others."""
    weights: Floats = np.zeros(4)
    weights[without], weights[with_it] = -0.5, 0.5
    return ArmPair(
        control_value=float(cells.means[without].mean()),
        treatment_value=float(cells.means[with_it].mean()),
        covariance=(
            (float(cells.variances[without].sum()) / 4.0, 0.0),
            (0.0, float(cells.variances[with_it].sum()) / 4.0),
        ),
        df=cells.degrees_of_freedom(weights),
        n_control=int(cells.n[without].sum()),
        n_treatment=int(cells.n[with_it].sum()),
        method="welch",
        warnings=cells.warnings,
    )


def _words(found: Comparison) -> str:
    level = f"{100 * found.confidence_level:.6g}% interval"
    return f"{found.estimate:+.4g} ({level} {span_words(found.effect)}; p = {p_value(found)})"
