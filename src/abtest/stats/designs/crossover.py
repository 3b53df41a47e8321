"""Two conditions on the same units, one after the other, in an order that was drawn."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from abtest.stats.arguments import require_interval
from abtest.stats.comparison import Comparison
from abtest.stats.designs.changes import GroupMeans, changes
from abtest.stats.designs.contrast import ContrastEstimate
from abtest.stats.designs.ordered import contrast_words
from abtest.stats.display import sentence
from abtest.stats.not_estimable import NotEstimable
from abtest.stats.results import Alternative

_DOUBT = 0.05
"""p-value below which an effect that carries over is said."""


@dataclass(frozen=True)
class CrossoverComparison(Comparison):
    """A comparison of two conditions within units, free of what the second period changed.

    Attributes
    ----------
    period
        How much higher values are in the second period than in the first, whatever the
        condition; None where it has no error to be measured against.
    carry_over
        How much more treatment leaves behind for the period after it than control does: units'
        sums of both values with treatment first, minus those with control first. Half of it is
        missing in the estimate. None where sums do not vary. The other fields are those of
        `Comparison`; both arms are made of all units.
    """

    period: ContrastEstimate | None = None
    carry_over: ContrastEstimate | None = None

    def __str__(self) -> str:
        """Return the result in two sentences."""
        said = [
            f"{name} {contrast_words(found, self.confidence_level)}"
            for name, found in (
                ("second period", self.period),
                ("carry-over of treatment", self.carry_over),
            )
            if found is not None
        ]
        return f"{sentence(self)} Also: {', '.join(said)}." if said else sentence(self)


def compare_crossover_means(
    control_first: Any,
    treatment_first: Any,
    *,
    alternative: Alternative = "two-sided",
    confidence_level: float = 0.95,
) -> CrossoverComparison:
    """Return the difference of two conditions that units went through in an order that was drawn.

    The mean difference within units is taken for each order and averaged over both with equal
    weight, so that what changed from the first period to the second falls out, however many units
    each order has (Jones & Kenward 2014, Design and Analysis of Cross-Over Trials, section 2.3;
    Hills & Armitage 1979, Br. J. Clin. Pharmacol. 8, 7). Variances of the orders are their own,
    degrees of freedom Welch's.

    Parameters
    ----------
    control_first, treatment_first
        The units of each order: (control, treatment), two columns with one value for each unit,
        both times control before treatment; or `Moments` of both variables. Units without a value
        in both are left out and counted.
    alternative
        ``two-sided``, ``greater`` (treatment above control) or ``less``; of the effect. Period
        and carry-over are tested two-sided.
    confidence_level
        Of all intervals.

    Returns
    -------
    CrossoverComparison
        With ``carry_over`` among the warnings where that has p below 0.05.

    Raises
    ------
    NotEstimable
        ``too_few_units`` (fewer than two units of an order), ``constant``, ``not_finite``,
        ``too_small``.
    UsageError
        If the samples are not pairs of columns, or an argument is out of range.

    Notes
    -----
    Carry-over is tested between units, with little power: that none is found does not say that
    there is none, and to choose the analysis by this test breaks its level (Freeman 1989, Stat.
    Med. 8, 1421). What helps is a pause between the periods that was planned beforehand.

    Examples
    --------
    Peak flow of 13 children under salbutamol (control) and formoterol (Senn 2002, Cross-over
    Trials in Clinical Research, chapter 3):

    >>> control_first = ([370, 310, 380, 290, 260, 90], [385, 400, 410, 320, 340, 220])
    >>> formoterol = [310, 310, 370, 410, 250, 380, 330]
    >>> treatment_first = ([270, 260, 300, 390, 210, 350, 365], formoterol)
    >>> result = compare_crossover_means(control_first, treatment_first)
    >>> round(result.estimate, 2), round(result.p_value, 4)
    (46.61, 0.0022)
    >>> round(result.period.effect.estimate, 2), round(result.carry_over.p_value, 2)
    (15.89, 0.87)
    """
    require_interval(confidence_level, alternative)
    names = ("control first", "treatment first")
    groups = tuple(
        changes(sample, 2, name)
        for sample, name in zip((control_first, treatment_first), names, strict=True)
    )
    means = GroupMeans(groups)
    half, whole = np.array([0.5, 0.0]), np.array([0.0, 0.5])
    n = groups[0].n + groups[1].n
    pair = means.pair([half, half], [whole, whole], (n, n), "crossover_welch")
    period = _beside(means, "period", (whole, -whole), confidence_level)
    sums = np.array([2.0, 1.0])
    carried = _beside(means, "carry_over", (-sums, sums), confidence_level)
    if carried is not None and carried.p_value < _DOUBT:
        pair = pair.with_warnings("carry_over")
    found = Comparison.of(pair, (means, means), alternative, confidence_level, measure="mean")
    found = replace(found, details=_details(period, carried))
    return CrossoverComparison(
        **{one.name: getattr(found, one.name) for one in fields(Comparison)},
        period=period,
        carry_over=carried,
    )


def _details(period: ContrastEstimate | None, carried: ContrastEstimate | None) -> dict[str, float]:
    """Return what a table shows of the other two effects."""
    found: dict[str, float] = {}
    for name, one in (("second_period", period), ("carry_over", carried)):
        if one is not None and one.effect.estimate is not None:
            found |= {name: one.effect.estimate, f"{name}_p_value": one.p_value}
    return found


def _beside(
    means: GroupMeans, name: str, weights: tuple[Any, Any], confidence_level: float
) -> ContrastEstimate | None:
    """Return a contrast, or None where nothing varies in it."""
    try:
        return means.contrast(name, weights, confidence_level)
    except NotEstimable:
        return None
