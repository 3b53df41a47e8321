"""What tests of allocation answer: frozen, and as a sentence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from abtest.stats.answer import Answer
from abtest.stats.listing import listing
from abtest.stats.results import Test

if TYPE_CHECKING:
    from abtest.show.fragment import Fragment

RatioMethod = Literal["chi_square", "exact_binomial", "exact_multinomial"]
"""How counts were tested against shares."""


@dataclass(frozen=True)
class SampleRatio(Answer):
    """Counts of units against planned shares.

    Attributes
    ----------
    counts
        Units by arm, per phase of allocation.
    expected
        Units by arm that the shares would give, per phase.
    statistic
        Pearson's chi-square, summed over phases, whatever the method.
    df
        Its degrees of freedom: arms - 1, summed over phases with units.
    p_value, log10_p
        Probability of counts this far from the plan, or further.
    method
        ``chi_square``, or ``exact_binomial`` and ``exact_multinomial`` for small counts.
    """

    counts: tuple[tuple[int, ...], ...]
    expected: tuple[tuple[float, ...], ...]
    statistic: float
    df: int
    p_value: float
    log10_p: float
    method: RatioMethod

    @property
    def smallest_expected(self) -> float:
        """Smallest expected count; below 5 chi-square is only a rough guide."""
        return min(value for phase in self.expected for value in phase)

    def __str__(self) -> str:
        """Return the result as a sentence."""
        seen = "; ".join(", ".join(f"{count:,}" for count in phase) for phase in self.counts)
        planned = "; ".join(", ".join(f"{x:,.1f}" for x in phase) for phase in self.expected)
        p = f"{self.p_value:.3g}" if self.p_value > 0.0 else f"1e{self.log10_p:.0f}"
        rough = ""
        if self.method == "chi_square" and self.smallest_expected < 5.0:
            rough = "; roughly, since an expected count is below 5"
        return f"Units {seen} against {planned} expected: p = {p} ({self.method}{rough})."

    def _fragment(self) -> Fragment:
        """Return the sentence and a table, for notebooks."""
        rows = [
            (f"phase {place}, arm {arm}", f"{count:,}", f"{expected:,.1f}")
            for place, (seen, planned) in enumerate(
                zip(self.counts, self.expected, strict=True), start=1
            )
            for arm, (count, expected) in enumerate(zip(seen, planned, strict=True), start=1)
        ]
        return listing(str(self), ("", "units", "expected"), rows)


@dataclass(frozen=True)
class SegmentRatio:
    """Allocation within one segment.

    Attributes
    ----------
    name
        The segment.
    counts, expected
        Units by arm, and what the shares would give.
    p_value, adjusted_p_value
        Of the test within the segment, and adjusted over segments; None without units.
    method
        How it was tested; None without units.
    mismatch
        Whether the adjusted p-value is at most alpha.
    arm
        The arm that deviates most.
    residual
        Its deviation in standard deviations, with the sign of units too many.
    """

    name: str
    counts: tuple[int, ...]
    expected: tuple[float, ...]
    p_value: float | None
    adjusted_p_value: float | None
    method: RatioMethod | None
    mismatch: bool
    arm: str
    residual: float


@dataclass(frozen=True)
class SegmentRatios(Answer):
    """Allocation by segment, with the culprit named.

    Attributes
    ----------
    arms
        Names of the arms.
    segments
        One row per segment, in the order given.
    overall
        All segments together.
    homogeneity
        Test of whether all segments have the same shares, whatever they are; None with fewer
        than two segments large enough.
    culprit
        (segment, arm) that deviates most among the segments with a mismatch; None without one.
    correction
        How p-values are adjusted over segments.
    alpha
        Level of the family.
    """

    arms: tuple[str, ...]
    segments: tuple[SegmentRatio, ...]
    overall: SampleRatio
    homogeneity: Test | None
    culprit: tuple[str, str] | None
    correction: str
    alpha: float

    def __getitem__(self, name: str) -> SegmentRatio:
        """Return the segment of this name."""
        return next(segment for segment in self.segments if segment.name == name)

    def __str__(self) -> str:
        """Return what was found, in one or two sentences."""
        wrong = [segment.name for segment in self.segments if segment.mismatch]
        if self.culprit is None:
            if self.overall.p_value <= self.alpha:
                return (
                    f"The shares are not as planned (p = {self.overall.p_value:.2g}), and no "
                    "single segment stands out: look for a cause that concerns all."
                )
            if self.homogeneity is not None and self.homogeneity.p_value <= self.alpha:
                return (
                    f"The shares differ between segments (p = {self.homogeneity.p_value:.2g}), and "
                    "no single one stands out: look for a cause that acts on segments."
                )
            return f"No mismatch is shown in any of {len(self.segments)} segments."
        name, arm = self.culprit
        row = self[name]
        more = "many" if row.residual > 0.0 else "few"
        text = (
            f"The shares are not as planned in {len(wrong)} of {len(self.segments)} segments, most "
            f"of all in {name}: too {more} units in {arm} (adjusted p = {row.adjusted_p_value:.2g})"
        )
        alike = self.homogeneity is None or self.homogeneity.p_value > self.alpha
        if len(self.segments) > 1 and alike:
            text += (
                "; segments do not differ from each other, so look for a cause that concerns all"
            )
        return text + "."

    def _fragment(self) -> Fragment:
        """Return the sentence and a table of the segments, for notebooks."""
        rows = [
            (
                segment.name,
                *(f"{count:,}" for count in segment.counts),
                "" if segment.p_value is None else f"{segment.p_value:.3g}",
                "" if segment.adjusted_p_value is None else f"{segment.adjusted_p_value:.3g}",
                f"{segment.arm} ({segment.residual:+.1f} sd)",
            )
            for segment in self.segments
        ]
        blanks = [""] * len(self.arms)
        for name, test in (("all together", self.overall), ("alike", self.homogeneity)):
            if test is not None:
                rows.append((name, *blanks, f"{test.p_value:.3g}", "", ""))
        heading = ("segment", *self.arms, "p-value", "adjusted p-value", "deviates most")
        return listing(str(self), heading, rows)
