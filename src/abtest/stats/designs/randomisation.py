"""The randomisation test of a switchback experiment: what its design could have shown by chance."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from abtest.stats.answer import Answer
from abtest.stats.arguments import require_interval, require_one_of
from abtest.stats.clusters.level import ClusterWeights
from abtest.stats.designs.reassignment import SwitchbackDesign, assignments
from abtest.stats.designs.switchback import WEIGHTS, dropped_words, kept_periods, units
from abtest.stats.designs.switchback_effects import deals
from abtest.stats.designs.switchback_table import SwitchbackTable
from abtest.stats.display import p_value, span, warned
from abtest.stats.resampling.answer import require_draws
from abtest.stats.resampling.deals import Deals
from abtest.stats.resampling.intervals import require_replicates
from abtest.stats.results import Alternative, Interval, WarningCode

if TYPE_CHECKING:
    from abtest.show.fragment import Fragment


@dataclass(frozen=True)
class SwitchbackTest(Answer):
    """What a switchback experiment shows, against what its design shows by chance.

    Attributes
    ----------
    absolute
        Treatment - control, in units of the outcome, with the effects that the test does not
        reject; a limit is None where no effect is too large for the design to be rejected.
    p_value, log10_p
        The test of no effect in any period.
    method
        ``randomisation_exact`` if all assignments were counted, else ``randomisation``.
    alternative
        ``two-sided`` (twice the smaller tail), ``greater`` or ``less``; so is the interval.
    confidence_level
        Of the interval.
    control_value, treatment_value
        Means of the arms.
    n_control, n_treatment
        Blocks of each arm, or spells after a wash-out, that are left with a value.
    washout, periods, periods_dropped
        Periods left out after each switch; how many periods there were, and how many were left
        out.
    assignments
        How many the test counted or drew, those without an effect to compare left out.
    seed
        Of the random numbers; None where nothing was drawn.
    warnings
        ``arms_alternate`` where arms took turns: then no design above was drawn.
    """

    absolute: Interval
    p_value: float
    log10_p: float
    method: Literal["randomisation", "randomisation_exact"]
    alternative: Alternative
    confidence_level: float
    control_value: float
    treatment_value: float
    n_control: int
    n_treatment: int
    washout: int
    periods: int
    periods_dropped: int
    assignments: int
    seed: int | None
    warnings: tuple[WarningCode, ...] = ()

    @property
    def estimate(self) -> float | None:
        """Treatment - control."""
        return self.absolute.estimate

    @property
    def interval(self) -> tuple[float | None, float | None]:
        """Lower and upper limit; None where there is none."""
        return self.absolute.lower, self.absolute.upper

    def __str__(self) -> str:
        """Return what was found in two sentences."""
        side = "" if self.alternative == "two-sided" else f", one-sided: {self.alternative}"
        level = f"{100 * self.confidence_level:.6g}% interval {span(self.absolute)}"
        found = f"difference {self.absolute.estimate:+.4g} ({level}); p = {p_value(self)}"
        return (
            f"Treatment {self.treatment_value:.4g} against control {self.control_value:.4g}: "
            f"{found} ({self.method} of {self.assignments:,} assignments{side}). "
            f"{dropped_words(self.periods, self.periods_dropped, self.washout)}"
            f"{warned(self.warnings)}"
        )

    def _fragment(self) -> Fragment:
        """Return the sentences and a table of the arms, for notebooks."""
        from abtest.stats.listing import listing

        rows = [
            ("control", f"{self.n_control:,}", f"{self.control_value:.6g}"),
            ("treatment", f"{self.n_treatment:,}", f"{self.treatment_value:.6g}"),
        ]
        heading = ("arm", "spells" if self.washout else "blocks", "mean")
        return listing(str(self), heading, rows)


def switchback_test(
    table: SwitchbackTable,
    *,
    seed: int,
    design: SwitchbackDesign | Any = "complete",
    washout: int = 0,
    weights: ClusterWeights = "size",
    replicates: int = 10_000,
    alternative: Alternative = "two-sided",
    confidence_level: float = 0.95,
) -> SwitchbackTest:
    """Return the difference of treated and untreated periods with its randomisation test.

    If the treatment does nothing to any period, then neither has another assignment: what each
    would have shown can be computed, wash-out and all, and the test counts those that show as
    much as was seen (Fisher 1935; Bojinov, Simchi-Levi & Zhao 2023, Manag. Sci. 69, 3759, section
    4.1). It holds its level with any number of blocks and any trend, cycle or likeness of
    neighbours, if `design` is how the blocks were assigned.

    Parameters
    ----------
    table
        The periods; see `SwitchbackTable`.
    seed
        Of the random numbers, at least 0.
    design
        ``complete``: of each region's blocks as many are treated as there were, all choices
        equally likely. ``independent``: each block by the toss of a fair coin. ``pairs``: of every
        two blocks of a region, in order, one. Or assignments that any other design drew anew: an
        array of 0 and 1, one row for each, one column for each of `table.blocks`.
    washout, weights
        As in `compare_switchback`; with the same ones the estimate is the same.
    replicates
        Assignments that are drawn where the design has more than 20,000; else all are counted.
    alternative
        ``two-sided`` (twice the smaller tail), ``greater`` or ``less``.
    confidence_level
        Of the interval.

    Raises
    ------
    UsageError
        If the blocks were not assigned by that design, or an argument is not one of those above.
    NotEstimable
        ``too_few_units`` (an arm without a period that is left), ``constant`` (all assignments
        show the same), ``not_finite``.

    Notes
    -----
    Assignments that leave an arm without a period (such as all blocks treated) cannot be compared
    and are left out, which depends on no outcome. Drawn ones count the data as one of them:
    p = (1 + as extreme) / (1 + drawn) (Phipson & Smyth 2010, Stat. Appl. Genet. Mol. Biol. 9, 39).

    *Interval*: the effects d, the same for each row and without carry-over, that are not
    rejected. Without the effect, rows that were treated are d less; another assignment then shows
    D_a - d k_a, with D_a its difference of means and k_a that of the shares that were treated, so
    that it is as extreme as the data if d is at least (D - D_a) / (1 - k_a): limits are quantiles
    of these numbers.

    Examples
    --------
    Tomato plants in a row, eleven positions (Box, Hunter & Hunter 2005, Statistics for
    Experimenters, section 3.1), where 154 of all 462 arrangements favour B as much:

    >>> pounds = [29.9, 11.4, 26.6, 23.7, 25.3, 28.5, 14.2, 17.9, 16.5, 21.1, 24.3]
    >>> fertiliser_b = [0, 0, 1, 1, 0, 1, 1, 1, 0, 0, 1]
    >>> table = SwitchbackTable.from_rows(pounds, range(11), fertiliser_b)
    >>> result = switchback_test(table, seed=1, alternative="greater")
    >>> round(result.estimate, 2), result.assignments, round(result.p_value, 3)
    (1.69, 462, 0.333)
    """
    require_interval(confidence_level, alternative)
    require_one_of(weights, WEIGHTS, "way to weight blocks")
    size = require_draws(replicates, seed)
    kept = kept_periods(table, washout)
    rng = np.random.default_rng(seed)
    dealt = assignments(table, design, replicates=size, rng=rng)
    dealt_anew, (control, treatment) = deals(table, dealt, int(washout), weights)
    if not dealt.counted:
        require_replicates(dealt_anew.size, confidence_level, alternative)
    absolute, chance = _answer(
        dealt_anew, float(treatment - control), confidence_level, alternative
    )
    places, _ = units(table, int(washout))
    left = [kept & (table.n > 0.0) & (table.treated == treated) for treated in (False, True)]
    return SwitchbackTest(
        absolute=absolute,
        p_value=chance,
        log10_p=math.log10(chance),
        method="randomisation_exact" if dealt.counted else "randomisation",
        alternative=alternative,
        confidence_level=confidence_level,
        control_value=float(table.centre + control),
        treatment_value=float(table.centre + treatment),
        n_control=len(np.unique(places[left[0]])),
        n_treatment=len(np.unique(places[left[1]])),
        washout=int(washout),
        periods=len(table),
        periods_dropped=len(table) - int(kept.sum()),
        assignments=dealt_anew.size,
        seed=None if dealt.counted or not isinstance(design, str) else int(seed),
        warnings=table.warnings,
    )


def _answer(
    found: Deals, estimate: float, confidence_level: float, alternative: Alternative
) -> tuple[Interval, float]:
    """Return the interval and the p-value of one test."""
    greater, less = found.chance_at_most(0.0), found.chance_at_least(0.0)
    chance = {
        "greater": greater,
        "less": less,
        "two-sided": min(2.0 * min(greater, less), 1.0),
    }[alternative]
    outside = (1.0 - confidence_level) / (2.0 if alternative == "two-sided" else 1.0)
    lower = None if alternative == "less" else found.smallest(found.shifts[0], outside)
    upper = None if alternative == "greater" else found.smallest(-found.shifts[1], outside)
    return Interval(estimate, lower, None if upper is None else 0.0 - upper), chance
