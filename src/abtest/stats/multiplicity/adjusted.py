"""Adjusted p-values of a family as one frozen answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from abtest.stats.answer import Answer
from abtest.stats.listing import listing

if TYPE_CHECKING:
    from abtest.show.fragment import Fragment

AdjustMethod = Literal[
    "benjamini_hochberg",
    "benjamini_yekutieli",
    "bonferroni",
    "hochberg",
    "holm",
    "hommel",
    "sidak",
]
"""How p-values of a family are adjusted."""
Controls = Literal["family_wise_error", "false_discovery_rate"]
"""What an adjustment keeps at alpha: any false rejection, or their expected share."""


@dataclass(frozen=True)
class AdjustedPValues(Answer):
    """A family of tests, judged together.

    Attributes
    ----------
    names
        The tests of the family, in the order given.
    p_values
        Their p-values before adjustment.
    adjusted
        Adjusted p-values: the smallest alpha at which the procedure would reject the test.
    rejected
        Whether ``adjusted <= alpha``.
    weights
        Shares of alpha that the tests start with; they sum to at most 1. None for a method
        that has no weights.
    method
        Name of the procedure; ``graph`` for gatekeeping.
    controls
        ``family_wise_error`` (the probability of any false rejection is at most alpha) or
        ``false_discovery_rate`` (the expected share of false ones among the rejections is).
    alpha
        Level of the family.

    Examples
    --------
    >>> from abtest.stats import adjust
    >>> print(adjust({"revenue": 0.01, "retention": 0.06}))
    1 of 2 tests rejected at alpha 0.05 (holm): revenue.
    """

    names: tuple[str, ...]
    p_values: tuple[float, ...]
    adjusted: tuple[float, ...]
    rejected: tuple[bool, ...]
    weights: tuple[float, ...] | None
    method: AdjustMethod | Literal["graph"]
    controls: Controls
    alpha: float

    def __getitem__(self, name: str) -> float:
        """Return the adjusted p-value of a test by name."""
        return self.adjusted[self.names.index(name)]

    def __str__(self) -> str:
        """Return what was rejected, in one sentence."""
        hits = [name for name, hit in zip(self.names, self.rejected, strict=True) if hit]
        found = f": {', '.join(hits)}" if hits else ""
        return (
            f"{len(hits)} of {len(self.names)} tests rejected at alpha {self.alpha:g} "
            f"({self.method}){found}."
        )

    def _fragment(self) -> Fragment:
        """Return the sentence and a table, for notebooks."""
        rows = [
            (name, f"{p:.4g}", f"{adjusted:.4g}", "yes" if hit else "no")
            for name, p, adjusted, hit in zip(
                self.names, self.p_values, self.adjusted, self.rejected, strict=True
            )
        ]
        heading = ("test", "p-value", "adjusted p-value", "rejected")
        return listing(str(self), heading, rows)
