"""What the comparison of compositions answers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from abtest.stats.answer import Answer
from abtest.stats.display import left_out, p_value, span
from abtest.stats.listing import listing
from abtest.stats.results import Interval, Method, RelativeInterval

if TYPE_CHECKING:
    from abtest.show.fragment import Fragment


@dataclass(frozen=True)
class ShareComparison:
    """One category in one treatment against control.

    Attributes
    ----------
    treatment, category
        Names.
    control_share, treatment_share
        Shares of the whole, between 0 and 1.
    difference
        Treatment - control, with an interval that holds together with all others.
    relative
        The same over the share of control, with the state of its confidence set.
    p_value, log10_p
        Of no difference, by itself.
    adjusted_p_value
        Of no difference, in the family.
    method
        ``miettinen_nurminen`` for counts, ``delta`` for amounts.
    """

    treatment: str
    category: str
    control_share: float
    treatment_share: float
    difference: Interval
    relative: RelativeInterval
    p_value: float
    adjusted_p_value: float
    log10_p: float
    method: Method


@dataclass(frozen=True)
class OmnibusTest:
    """The test that a treatment divides the whole as control does.

    Attributes
    ----------
    p_value, log10_p, statistic
        Of chi-square, or of F.
    df, df_denominator
        Degrees of freedom; the second is None for chi-square.
    """

    p_value: float
    log10_p: float
    statistic: float
    df: float
    df_denominator: float | None


@dataclass(frozen=True)
class CompositionComparison(Answer):
    """The shares of all categories in every treatment against control.

    Attributes
    ----------
    rows
        By treatment and category.
    omnibus
        By treatment: whether anything differs at all. None where too little is left to compare
        once sparse categories are pooled, or where shares depend on each other too closely.
    family
        Number of comparisons that were corrected for.
    alpha
        Error of the family.
    n
        Units by arm, ``control`` first.
    nulls
        Units by arm that were left out because an amount was null.
    """

    rows: tuple[ShareComparison, ...]
    omnibus: dict[str, OmnibusTest | None]
    family: int
    alpha: float
    n: dict[str, int]
    nulls: dict[str, int]

    def __str__(self) -> str:
        """Return which shares differ, and whether the whole does, in sentences."""
        hits = [row for row in self.rows if row.adjusted_p_value < self.alpha]
        several = len(self.omnibus) > 1
        words = ", ".join(
            f"{row.category}{' in ' + row.treatment if several else ''} "
            f"from {row.control_share:.1%} to {row.treatment_share:.1%} "
            f"(adjusted p = {_adjusted(row, self.family)})"
            for row in hits
        )
        plural = "" if self.family == 1 else "s"
        family = f"family-wise alpha {self.alpha:g} ({self.family} comparison{plural})"
        found = f"No share is shown to differ from control at {family}."
        if hits:
            found = f"Shares that differ from control at {family}: {words}."
        whole = "; ".join(
            f"{name + ' ' if several else ''}{_whole(test)}" for name, test in self.omnibus.items()
        )
        nulls = left_out(sum(self.nulls.values()))
        return f"{found} All shares at once: {whole}.{nulls}"

    def _fragment(self) -> Fragment:
        """Return the sentence and a table, for notebooks."""
        level = f"{100 * (1 - self.alpha):.6g}% simultaneous"
        heading = (
            "category",
            "treatment",
            "share in control",
            "share in treatment",
            "difference",
            level,
            "adjusted p",
            "all shares at once",
        )
        rows = [
            (
                row.category,
                row.treatment,
                f"{row.control_share:.2%}",
                f"{row.treatment_share:.2%}",
                f"{100.0 * (row.treatment_share - row.control_share):+.4g} points",
                f"{span(_points(row.difference))} points",
                _adjusted(row, self.family),
                _whole(self.omnibus[row.treatment]),
            )
            for row in self.rows
        ]
        return listing(str(self), heading, rows)


def _whole(test: OmnibusTest | None) -> str:
    if test is None:
        return "not computed"
    statistic = f"chi-square = {test.statistic:.4g} on {test.df:g}"
    if test.df_denominator is not None:
        statistic = f"F = {test.statistic:.4g} on {test.df:g} and {test.df_denominator:.4g}"
    return f"p = {p_value(test)} ({statistic})"


def _adjusted(row: ShareComparison, family: int) -> str:
    return p_value(_Adjusted(row.adjusted_p_value, row.log10_p + math.log10(family)))


def _points(interval: Interval) -> Interval:
    """Return a difference of shares in percentage points."""
    limits = (interval.lower, interval.upper)
    low, high = (None if limit is None else 100.0 * limit for limit in limits)
    return Interval(interval.estimate, low, high)


@dataclass(frozen=True)
class _Adjusted:
    """An adjusted p-value and its logarithm."""

    p_value: float
    log10_p: float
