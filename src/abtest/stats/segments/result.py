"""What the analysis of segments answers: frozen, and as a sentence."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal

from abtest.stats.answer import Answer
from abtest.stats.display import p_value, span
from abtest.stats.listing import listing
from abtest.stats.multiplicity.adjusted import AdjustMethod
from abtest.stats.results import Interval
from abtest.stats.segments.door import EffectScale
from abtest.stats.segments.spread import SpreadMethod

if TYPE_CHECKING:
    from abtest.show.fragment import Fragment

InteractionTest = Literal["cochran_q", "welch_f"]
"""Whether variances are taken as known, or as estimated."""
SpreadSet = Literal["bounded", "empty"]
"""State of the confidence sets of tau squared and I squared."""


@dataclass(frozen=True)
class SegmentEffect:
    """The effect in one segment.

    Attributes
    ----------
    name
        The segment.
    effect
        Its own estimate with its own interval.
    variance
        Sampling variance of the estimate.
    shrunken
        The estimate drawn towards the mean of all, with its interval; None below four segments.
    shrinkage
        Share of the way to the mean, from 0 to below 1; None below four segments.
    """

    name: str
    effect: Interval
    variance: float
    shrunken: Interval | None
    shrinkage: float | None


@dataclass(frozen=True)
class Heterogeneity(Answer):
    """Whether and how much effects differ between segments.

    Attributes
    ----------
    segments
        The effects, in the order given.
    q
        Cochran's Q: the Wald statistic of the interaction of treatment and segment.
    test
        ``cochran_q`` (Q against chi-square) or ``welch_f`` (Welch's F, which allows for
        variances being estimated from few units).
    statistic
        Q or F.
    df, df_denominator
        Segments - 1; and that of F, None for Q.
    p_value, log10_p
        Of the hypothesis that all segments have the same effect.
    i_squared
        Part of the variation between estimates that is not chance, from 0 to 1.
    tau2
        Variance of the true effects around their average, with its Q-profile interval.
    spread_set
        ``bounded``, or ``empty`` where estimates are so alike that even segments of one effect
        would rarely give them: then no value of `i_squared` or `tau2` fits, and neither has
        limits.
    tau2_method
        How its estimate was made.
    common
        The effect if it is the same everywhere: weights 1 / variance.
    average
        The mean of the segments' effects if it is not: weights 1 / (variance + tau2), with
        Hartung and Knapp's interval.
    confidence_level
        Of all intervals.
    scale
        ``absolute`` differences or ``relative`` ones, which are shares of |control|: of
        `segments`, `tau2` (squared), `common` and `average`.
    """

    segments: tuple[SegmentEffect, ...]
    q: float
    test: InteractionTest
    statistic: float
    df: int
    df_denominator: float | None
    p_value: float
    log10_p: float
    i_squared: Interval
    tau2: Interval
    spread_set: SpreadSet
    tau2_method: SpreadMethod
    common: Interval
    average: Interval
    confidence_level: float
    scale: EffectScale = "absolute"

    def __getitem__(self, name: str) -> SegmentEffect:
        """Return the segment of this name."""
        return next(segment for segment in self.segments if segment.name == name)

    def __str__(self) -> str:
        """Return what was found, in one sentence."""
        differ = self.p_value < 1.0 - self.confidence_level
        verdict = "differs" if differ else "is not shown to differ"
        level = f"{100.0 * self.confidence_level:.6g}% interval"
        if self.spread_set == "empty":
            limits = f"{level} empty: the segments are more alike than chance would have them"
        else:
            limits = f"{level} {span(self.i_squared, '{:.0%}')}"
        return (
            f"{_subject(self)} {verdict} between {len(self.segments)} segments: "
            f"p = {p_value(self)} ({self.test}, Q = {self.q:.4g} on {self.df}); "
            f"I2 = {self.i_squared.estimate:.0%} ({limits})."
        )

    def _fragment(self) -> Fragment:
        """Return the sentence and a table of the segments, for notebooks."""
        drawn = any(segment.shrunken is not None for segment in self.segments)
        cells = partial(_cells, form="{:.4g}" if self.scale == "absolute" else "{:.2%}")
        rows = [
            (segment.name, *cells(segment.effect), *(cells(segment.shrunken) if drawn else ()))
            for segment in self.segments
        ]
        # one effect and several are different questions: a reader gets the answers to both
        for name, mean in (("same everywhere", self.common), ("average", self.average)):
            rows.append((f"({name})", *cells(mean), *(("", "") if drawn else ())))
        level = f"{100.0 * self.confidence_level:.6g}% interval"
        effect = "effect" if self.scale == "absolute" else "relative effect"
        heading = ("segment", effect, level, *(("shrunken", level) if drawn else ()))
        return listing(str(self), heading, rows)


@dataclass(frozen=True)
class HeterogeneityFamily(Answer):
    """Heterogeneity over several dimensions of segments, judged together.

    Attributes
    ----------
    dimensions
        Names, such as ``platform`` and ``country``.
    results
        One per dimension.
    adjusted
        p-values adjusted over the dimensions.
    differs
        Whether ``adjusted <= alpha``.
    method
        How they were adjusted.
    alpha
        Level of the family.
    """

    dimensions: tuple[str, ...]
    results: tuple[Heterogeneity, ...]
    adjusted: tuple[float, ...]
    differs: tuple[bool, ...]
    method: AdjustMethod
    alpha: float

    def __getitem__(self, dimension: str) -> Heterogeneity:
        """Return the result of a dimension."""
        return self.results[self.dimensions.index(dimension)]

    def __str__(self) -> str:
        """Return where the effect differs, in one sentence."""
        hits = [name for name, hit in zip(self.dimensions, self.differs, strict=True) if hit]
        found = f"differs by {', '.join(hits)}" if hits else "is not shown to differ by any"
        return (
            f"{_subject(self.results[0])} {found} of {len(self.dimensions)} dimensions "
            f"(alpha {self.alpha:g}, {self.method})."
        )

    def _fragment(self) -> Fragment:
        """Return the sentence and a table of the dimensions, for notebooks."""
        rows = [
            (
                name,
                str(len(one.segments)),
                p_value(one),
                f"{p:.3g}",
                f"{one.i_squared.estimate:.0%}",
                "empty" if one.spread_set == "empty" else span(one.i_squared, "{:.0%}"),
            )
            for name, one, p in zip(self.dimensions, self.results, self.adjusted, strict=True)
        ]
        level = f"{100.0 * (1.0 - self.alpha):.6g}% interval of I2"
        heading = ("dimension", "segments", "p-value", "adjusted p-value", "I2", level)
        return listing(str(self), heading, rows)


def _subject(result: Heterogeneity) -> str:
    return "The effect" if result.scale == "absolute" else "The relative effect"


def _cells(interval: Interval | None, form: str) -> tuple[str, str]:
    if interval is None:
        return "", ""
    return form.replace(":", ":+").format(interval.estimate), span(interval, form)
