"""What the comparison of compositions answers."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from abtest.stats.designs.contrast import span_words
from abtest.stats.listing import listing
from abtest.stats.results import Interval, Method, RelativeInterval


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
class CompositionComparison:
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
        Units by arm.
    """

    rows: tuple[ShareComparison, ...]
    omnibus: dict[str, OmnibusTest | None]
    family: int
    alpha: float
    n: dict[str, int]

    def to_dict(self) -> dict[str, Any]:
        """Return all fields as plain values."""
        found = asdict(self)
        return {**found, "rows": list(found["rows"])}

    def __str__(self) -> str:
        """Return which shares differ, in one sentence."""
        hits = [row for row in self.rows if row.adjusted_p_value < self.alpha]
        several = len(self.omnibus) > 1
        if not hits:
            return (
                f"No share differs from control at family-wise alpha {self.alpha:g} "
                f"({self.family} comparisons)."
            )
        words = ", ".join(
            f"{row.category}{' in ' + row.treatment if several else ''} "
            f"{row.control_share:.1%} to {row.treatment_share:.1%} "
            f"(adjusted p = {row.adjusted_p_value:.3g})"
            for row in hits
        )
        return (
            f"Shares that differ from control at family-wise alpha {self.alpha:g} "
            f"({self.family} comparisons): {words}."
        )

    def _repr_mimebundle_(
        self, include: object = None, exclude: object = None
    ) -> tuple[dict[str, str], dict[str, Any]]:
        """Return the sentence and a table, for notebooks."""
        level = f"{100 * (1 - self.alpha):.6g}% simultaneous"
        heading = ("category", "treatment", "control", "share", "difference", level, "adjusted p")
        rows = [
            (
                row.category,
                row.treatment,
                f"{row.control_share:.2%}",
                f"{row.treatment_share:.2%}",
                f"{row.treatment_share - row.control_share:+.4g}",
                span_words(row.difference),
                f"{row.adjusted_p_value:.3g}",
            )
            for row in self.rows
        ]
        return listing(str(self), heading, rows)._repr_mimebundle_(include, exclude)
