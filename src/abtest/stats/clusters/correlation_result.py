"""What the correlation within clusters answers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from abtest.show.escape import html, markdown
from abtest.show.fragment import Fragment
from abtest.stats.answer import Answer
from abtest.stats.display import left_out, warned
from abtest.stats.results import WarningCode

if TYPE_CHECKING:
    from abtest.stats.sizing.sharing import Clusters


@dataclass(frozen=True)
class ClusterCorrelation(Answer):
    """How alike rows of one cluster are, and how many times the error of a mean grows by it.

    Attributes
    ----------
    estimate
        Correlation of two rows of one cluster; may be below 0.
    lower, upper
        Limits of its interval; None where rows of a cluster never differ.
    confidence_level
        Of the interval.
    clusters, rows
        Counted over all arms.
    size_by_row
        Rows in the cluster of the average row, sum n^2 / sum n: the mean size times 1 + the
        squared coefficient of variation of sizes.
    variance_between, variance_within
        Of clusters' means, and of rows in a cluster, in squared units of the values; that between
        may be below 0.
    nulls
        Rows left out because a value was null.
    warnings
        Codes of what a reader should know: ``few_clusters``, ``constant_clusters``.
    """

    estimate: float
    lower: float | None
    upper: float | None
    confidence_level: float
    clusters: int
    rows: int
    size_by_row: float
    variance_between: float
    variance_within: float
    nulls: int
    warnings: tuple[WarningCode, ...] = ()

    @property
    def interval(self) -> tuple[float | None, float | None]:
        """Lower and upper limit of the correlation."""
        return self.lower, self.upper

    @property
    def mean_size(self) -> float:
        """Rows per cluster."""
        return self.rows / self.clusters

    @property
    def design_effect(self) -> float:
        """How many times the variance of a mean over rows is that of independent rows.

        1 + (size_by_row - 1) * estimate, and 1 for an estimate below 0.
        """
        return self._effect(self.estimate)

    @property
    def design_effect_interval(self) -> tuple[float | None, float | None]:
        """The design effects of the limits."""
        lower, upper = self.interval
        return (
            None if lower is None else self._effect(lower),
            None if upper is None else self._effect(upper),
        )

    @property
    def effective_rows(self) -> float:
        """Independent rows that would tell as much: rows over the design effect."""
        return self.rows / self.design_effect

    def planned(self, icc: float | None = None) -> Clusters:
        """Return clusters of these sizes and likeness for `sample_size` and `power`.

        Parameters
        ----------
        icc
            Another correlation, such as the upper limit, to be on the safe side: few clusters tell
            little about it. Without one the estimate, or 0 where that is below.

        Notes
        -----
        However large clusters are, G of them are worth fewer than G / icc independent rows: more
        clusters help, more rows per cluster soon do not.

        Examples
        --------
        >>> from abtest.stats import MeansDesign, intraclass_correlation, sample_size
        >>> values = [3, 4, 3, 7, 8, 3, 1, 6, 2, 5, 7, 6]
        >>> found = intraclass_correlation((values, list("aaabbbcccddd")))
        >>> round(found.design_effect, 2)
        1.54
        >>> units = sample_size(MeansDesign(sd=2.0), effect=1.0).units
        >>> clustered = MeansDesign(sd=2.0, clusters=found.planned())
        >>> units, sample_size(clustered, effect=1.0).units
        (128, 204)
        """
        from abtest.stats.sizing.sharing import Clusters

        return Clusters(
            mean_size=self.mean_size,
            icc=max(self.estimate, 0.0) if icc is None else icc,
            cv=math.sqrt(max(self.size_by_row / self.mean_size - 1.0, 0.0)),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return all fields as plain values, with the design effect and its interval."""
        return {
            **super().to_dict(),
            "design_effect": self.design_effect,
            "design_effect_interval": list(self.design_effect_interval),
            "effective_rows": self.effective_rows,
        }

    def __str__(self) -> str:
        """Return the result as sentences."""
        limits = effects = ""
        if self.lower is not None and self.upper is not None:
            limits = (
                f" ({100 * self.confidence_level:.6g}% interval {self.lower:.4g} to "
                f"{self.upper:.4g})"
            )
            low, high = self._effect(self.lower), self._effect(self.upper)
            effects = f" ({low:.4g} to {high:.4g})"
        return (
            f"Correlation within clusters {self.estimate:.4g}{limits}: design effect "
            f"{self.design_effect:.4g}{effects}, so that {self.rows:,} rows in {self.clusters:,} "
            f"clusters tell as much as {self.effective_rows:,.0f} independent ones."
            f"{left_out(self.nulls).replace('Units', 'Rows')}{warned(self.warnings)}"
        )

    def _fragment(self) -> Fragment:
        """Return the sentences, for notebooks."""
        text = str(self)
        page = f'<div class="abtest"><p>{html(text)}</p></div>'
        return Fragment(page, text, markdown(text))

    def _effect(self, correlation: float) -> float:
        return 1.0 + (self.size_by_row - 1.0) * max(correlation, 0.0)
