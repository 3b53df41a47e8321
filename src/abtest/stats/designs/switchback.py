"""Switchback experiments: whole periods are treated or not, in an order that was drawn."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from abtest.errors import UsageError
from abtest.stats.arguments import require_count, require_one_of
from abtest.stats.clusters.compare import compare_clustered_means
from abtest.stats.clusters.level import ClusterWeights, compare_means_of_clusters
from abtest.stats.clusters.table import ClusterTable
from abtest.stats.comparison import Comparison
from abtest.stats.designs.switchback_table import SwitchbackTable
from abtest.stats.display import sentence
from abtest.stats.not_estimable import NotEstimable
from abtest.stats.results import Alternative

WEIGHTS = frozenset({"equal", "size"})


@dataclass(frozen=True)
class SwitchbackComparison(Comparison):
    """A comparison of treated and untreated periods.

    Attributes
    ----------
    clustered_by
        What counts as one observation: ``blocks`` that were assigned together, or, after a
        wash-out, ``spells`` from one switch to the next. `n_control` and `n_treatment` count
        them. The other fields are those of `Comparison`.
    washout
        Periods left out after each switch.
    periods, periods_dropped
        Of all regions: how many there were, and how many of them the wash-out left out.
    """

    clustered_by: Literal["blocks", "spells"] = "blocks"
    washout: int = 0
    periods: int = 0
    periods_dropped: int = 0

    def __str__(self) -> str:
        """Return the result in two sentences."""
        return f"{sentence(self)} {dropped_words(self.periods, self.periods_dropped, self.washout)}"


def compare_switchback(
    table: SwitchbackTable,
    *,
    washout: int = 0,
    weights: ClusterWeights = "size",
    alternative: Alternative = "two-sided",
    confidence_level: float = 0.95,
) -> SwitchbackComparison:
    """Return the difference of treated and untreated periods that were assigned at random.

    For changes that all users of a market feel at once, such as prices or dispatch: users cannot
    be assigned, so time is, in each region by itself where there are several (Bojinov,
    Simchi-Levi & Zhao 2023, Manag. Sci. 69, 3759). Rows of a period are alike, so that what was
    assigned is the observation: errors are those of clusters, CR2 with Satterthwaite's degrees of
    freedom (`compare_clustered_means`), or Welch's of their means.

    Parameters
    ----------
    table
        The periods; see `SwitchbackTable`.
    washout
        How many periods the arm before is still felt: so many are left out after each switch, and
        at the start of each region, where something else was before. To be fixed before the data
        are seen.
    weights
        ``size``: by how much the mean of a row changes. ``equal``: that of the mean of an average
        block or spell. See `compare_means_of_clusters`.
    alternative
        ``two-sided``, ``greater`` (treatment above control) or ``less``.
    confidence_level
        Of both intervals.

    Returns
    -------
    SwitchbackComparison
        With ``few_clusters`` where an arm is worth fewer than 10 clusters: `switchback_test`
        needs no large number of them, and below 15 blocks it is the test to rely on. With
        ``arms_alternate`` where at least 8 blocks took turns.

    Raises
    ------
    UsageError
        If `table` is another thing, or an argument is out of range.
    NotEstimable
        ``too_few_units`` (fewer than two blocks or spells in an arm are left), ``constant``,
        ``not_finite``, ``too_small``.

    Notes
    -----
    *Without wash-out* the observation is the block. Values may go up and down with the time of
    day and be alike from block to block, as long as arms were drawn for each block by itself.
    Arms that take turns (A B A B) are not: a daily cycle then counts as effect, with the warning
    ``arms_alternate``. Where one of every two blocks was treated, intervals are too wide if pairs
    are alike: `compare_paired_means` of the blocks' means keeps what pairing saves.

    *With wash-out* what is left of a block depends on the block before it, so that blocks are no
    longer apart: where neighbours are alike (autocorrelation 0.9), tests at 5% that take blocks as
    observations reject in 7% to 24% of own draws without effect. Spells from switch to switch are
    used: 0% to 5% there, up to 7% in a strong daily cycle.

    Examples
    --------
    >>> values = [5, 7, 9, 9, 4, 6, 3, 8, 11, 9, 12, 9, 5, 6, 10, 8]
    >>> periods = [1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8]
    >>> treated = [0, 0, 1, 1, 0, 0, 0, 0, 1, 1, 1, 1, 0, 0, 1, 1]
    >>> table = SwitchbackTable.from_rows(values, periods, treated)
    >>> result = compare_switchback(table)
    >>> round(result.estimate, 3), round(result.p_value, 4), result.n_control
    (4.125, 0.0001, 4)
    >>> hours = SwitchbackTable.from_rows(values, range(16), treated)
    >>> late = compare_switchback(hours, washout=1)
    >>> late.periods_dropped, late.clustered_by, round(late.estimate, 3)
    (6, 'spells', 3.4)
    """
    require_one_of(weights, WEIGHTS, "way to weight clusters")
    kept = kept_periods(table, washout)
    places, by = units(table, washout)
    arms = [_arm(table, places, kept & (table.treated == treated)) for treated in (False, True)]
    if weights == "size":
        found = compare_clustered_means(
            *arms, alternative=alternative, confidence_level=confidence_level
        )
    else:
        found = compare_means_of_clusters(
            *arms, weights="equal", alternative=alternative, confidence_level=confidence_level
        )
    base = {one.name: getattr(found, one.name) for one in fields(Comparison)}
    base |= {"nulls_control": table.nulls[0], "nulls_treatment": table.nulls[1]}
    dropped = len(table) - int(kept.sum())
    base["warnings"] = (*found.warnings, *table.warnings)
    base["details"] = {
        **{name: one for name, one in found.details.items() if _known(table, name)},
        "periods": float(len(table)),
        "periods_dropped": float(dropped),
    }
    return SwitchbackComparison(
        **base,
        clustered_by=by,
        washout=int(washout),
        periods=len(table),
        periods_dropped=dropped,
    )


def _known(table: SwitchbackTable, name: str) -> bool:
    """Return whether a detail is known: without squares, no design effect."""
    return bool(table.m2.any() or table.n.max() <= 1.0) or not name.startswith("design_effect")


def kept_periods(table: SwitchbackTable, washout: int) -> NDArray[np.bool_]:
    """Return which lines of a table the wash-out leaves.

    Raises
    ------
    UsageError
        If it is no table, or the wash-out no whole number of at least 0.
    """
    if not isinstance(table, SwitchbackTable):
        raise UsageError(
            "A switchback experiment is a table of its periods",
            given=type(table).__name__,
            todo="Give SwitchbackTable.from_rows(values, periods, treated).",
        )
    return table.kept(require_count(washout, "washout"))


def units(
    table: SwitchbackTable, washout: int
) -> tuple[NDArray[np.int64], Literal["blocks", "spells"]]:
    """Return the number of the block of each line, or of the spell where there is a wash-out."""
    if washout == 0:
        return table.block, "blocks"
    begins, _ = table.switches(table.treated[None, :])
    return np.cumsum(begins[0]) - 1, "spells"


def dropped_words(periods: int, dropped: int, washout: int) -> str:
    """Return how many periods the wash-out left out, in a sentence."""
    if not washout:
        return f"{periods:,} periods, none left out after switches."
    return f"{dropped:,} of {periods:,} periods left out: the first {washout:,} after each switch."


def _arm(
    table: SwitchbackTable, places: NDArray[np.int64], chosen: NDArray[np.bool_]
) -> ClusterTable:
    """Return the chosen lines of one arm as clusters.

    Raises
    ------
    NotEstimable
        ``too_few_units`` if fewer than two are left.
    """
    chosen = chosen & (table.n > 0.0)
    left = len(np.unique(places[chosen]))
    if left < 2:
        raise NotEstimable(
            "too_few_units",
            "An arm has fewer than two blocks or spells that are left with a value",
            given=f"{left} of {len(table)} periods' blocks or spells",
            todo="Take a shorter wash-out, or wait for more switches.",
        )
    n, shift = table.n[chosen], table.shift[chosen]
    with np.errstate(over="ignore", invalid="ignore"):  # judged by the table
        totals = n * shift
        squares = table.m2[chosen] + totals * shift
    return ClusterTable.from_sums(places[chosen], n, totals, squares, pilot=table.centre)
