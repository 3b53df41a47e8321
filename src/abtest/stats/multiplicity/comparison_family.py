"""A family of comparisons as one frozen answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from abtest.stats.answer import Answer
from abtest.stats.display import p_value, span, warned
from abtest.stats.listing import listing
from abtest.stats.results import Alternative, Interval, Method, RelativeInterval, WarningCode

if TYPE_CHECKING:
    from abtest.show.fragment import Fragment

IntervalKind = Literal["simultaneous", "individual"]
"""Whether all intervals of a family hold together at its level, or each by itself."""

_FOUND: Mapping[Alternative, str] = {
    "two-sided": "differ from",
    "greater": "are above",
    "less": "are below",
}


@dataclass(frozen=True)
class AdjustedComparison:
    """One comparison of a family.

    Attributes
    ----------
    name
        The comparison.
    absolute, relative
        Treatment - control, and the same over |control|, with intervals.
    interval
        ``simultaneous`` (all intervals of the family hold together with probability 1 - alpha)
        or ``individual`` (each by itself).
    confidence_level
        Level of this row's intervals, each by itself.
    p_value, log10_p
        Before adjustment.
    adjusted_p_value, adjusted_log10_p
        The smallest alpha of the family at which this test would be rejected.
    rejected
        Whether the adjusted p-value is at most alpha.
    statistic, df
        Of the single test; `df` is None for the normal distribution.
    pair_method
        How the two arms were compared.
    warnings
        Codes of what a reader should know.
    """

    name: str
    absolute: Interval
    relative: RelativeInterval
    interval: IntervalKind
    confidence_level: float
    p_value: float
    log10_p: float
    adjusted_p_value: float
    adjusted_log10_p: float
    rejected: bool
    statistic: float
    df: float | None
    pair_method: Method
    warnings: tuple[WarningCode, ...]


@dataclass(frozen=True)
class ComparisonFamily(Answer):
    """Comparisons that are judged together.

    Attributes
    ----------
    rows
        One per comparison, in the order given.
    method
        How p-values are adjusted, such as ``bonferroni`` or ``dunnett``.
    alternative
        Of every test.
    alpha
        Level of the family.
    """

    rows: tuple[AdjustedComparison, ...]
    method: str
    alternative: Alternative
    alpha: float

    def __getitem__(self, name: str) -> AdjustedComparison:
        """Return the comparison of this name."""
        return next(row for row in self.rows if row.name == name)

    def __str__(self) -> str:
        """Return what was rejected, in one sentence."""
        hits = [f"{row.name} ({_signed(row.absolute)})" for row in self.rows if row.rejected]
        found = f": {', '.join(hits)}" if hits else ""
        codes = [f"{', '.join(row.warnings)} ({row.name})" for row in self.rows if row.warnings]
        return (
            f"{len(hits)} of {len(self.rows)} comparisons {_FOUND[self.alternative]} 0 at alpha "
            f"{self.alpha:g} ({self.method}){found}.{warned(codes)}"
        )

    def _fragment(self) -> Fragment:
        """Return the sentence and a table, for notebooks."""
        heading = ["comparison", "difference", "interval", "of", "p-value", "adjusted p-value"]
        noted = any(row.warnings for row in self.rows)
        heading += ["warnings"] if noted else []
        rows = [
            (
                row.name,
                _signed(row.absolute),
                span(row.absolute),
                f"{100 * (1.0 - self.alpha):.4g}%, {row.interval}",
                p_value(row),
                p_value(_Adjusted(row.adjusted_p_value, row.adjusted_log10_p)),
                *([", ".join(row.warnings)] if noted else []),
            )
            for row in self.rows
        ]
        return listing(str(self), heading, rows)


@dataclass(frozen=True)
class _Adjusted:
    """An adjusted p-value and its logarithm."""

    p_value: float
    log10_p: float


def _signed(interval: Interval) -> str:
    return "none" if interval.estimate is None else f"{interval.estimate:+.4g}"
