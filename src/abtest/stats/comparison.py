"""What the public comparisons return: one frozen answer that reads as a sentence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

from abtest.stats.answer import Answer
from abtest.stats.arguments import require_interval
from abtest.stats.results import (
    Alternative,
    Interval,
    Measure,
    Method,
    PairEstimate,
    RelativeInterval,
    WarningCode,
)

if TYPE_CHECKING:
    from abtest.show.fragment import Fragment

Scale = Literal["difference", "ratio"]
"""What the p-value is about: treatment - control, or treatment over control."""


class HasNulls(Protocol):
    """An arm that knows how many of its units had no value."""

    @property
    def nulls(self) -> int:
        """Units left out because a value was null."""


@dataclass(frozen=True)
class Comparison(Answer):
    """Treatment against control: effect, intervals and test from one method.

    Attributes
    ----------
    measure
        What is compared, such as ``mean`` or ``proportion``.
    scale
        ``difference`` if the test is of treatment - control = 0, ``ratio`` if it is of
        treatment / control = 1 and has no difference (odds, rates, geometric means).
    absolute
        Treatment - control with its interval; without numbers on the ratio scale.
    relative
        The same over |control| (treatment / control - 1 on the ratio scale), with the state of
        its confidence set.
    p_value, log10_p, statistic, df
        The test of no effect; `df` is None for normal and score tests, `statistic` is None where
        the test orders tables and has none.
    method
        Name of the method.
    alternative
        ``two-sided``, ``greater`` or ``less``; the intervals are of the same kind.
    confidence_level
        Of both intervals.
    n_control, n_treatment
        Units used.
    nulls_control, nulls_treatment
        Units left out because a value was null.
    control_value, treatment_value
        Estimates of the arms.
    variance_reduction
        Share of the variance that covariates removed; None where there were none.
    warnings
        Codes of what a reader should know.
    details
        Further numbers of the method by name, such as the threshold of capped means.
    counted
        What `n_control` and `n_treatment` are: ``units``, ``events`` where a rate is made of
        totals, or ``clusters`` of rows.
    """

    measure: Measure
    scale: Scale
    absolute: Interval
    relative: RelativeInterval
    p_value: float
    log10_p: float
    statistic: float | None
    df: float | None
    method: Method
    alternative: Alternative
    confidence_level: float
    n_control: int
    n_treatment: int
    nulls_control: int
    nulls_treatment: int
    control_value: float
    treatment_value: float
    variance_reduction: float | None = None
    warnings: tuple[WarningCode, ...] = ()
    details: dict[str, float] = field(default_factory=dict)
    counted: Literal["units", "events", "clusters"] = "units"

    @classmethod
    def of(
        cls,
        pair: PairEstimate,
        arms: Sequence[HasNulls],
        alternative: Alternative,
        confidence_level: float,
        *,
        measure: Measure,
    ) -> Comparison:
        """Return the comparison of an estimated pair.

        Raises
        ------
        UsageError
            If the alternative has another name, or the level is not between 0 and 1, or below
            0.5 for one side.
        """
        require_interval(confidence_level, alternative)
        test = pair.test(alternative=alternative)
        return cls(
            measure=measure,
            scale="difference",
            absolute=pair.absolute(confidence_level, alternative),
            relative=pair.relative(confidence_level, alternative),
            p_value=test.p_value,
            log10_p=test.log10_p,
            statistic=test.statistic,
            df=test.df,
            method=pair.method,
            alternative=alternative,
            confidence_level=confidence_level,
            n_control=pair.n_control,
            n_treatment=pair.n_treatment,
            nulls_control=arms[0].nulls,
            nulls_treatment=arms[1].nulls,
            control_value=pair.control_value,
            treatment_value=pair.treatment_value,
            variance_reduction=pair.variance_reduction,
            warnings=pair.warnings,
        )

    @property
    def effect(self) -> Interval:
        """The effect that the p-value tests: absolute, or relative on the ratio scale."""
        return self.absolute if self.scale == "difference" else self.relative

    @property
    def estimate(self) -> float | None:
        """Estimate of `effect`."""
        return self.effect.estimate

    @property
    def interval(self) -> tuple[float | None, float | None]:
        """Lower and upper limit of `effect`; None where it has no end."""
        return self.effect.lower, self.effect.upper

    def __str__(self) -> str:
        """Return the result as a sentence."""
        from abtest.stats.display import sentence

        return sentence(self)

    def _fragment(self) -> Fragment:
        """Return the sentence and a table, for notebooks."""
        from abtest.stats.display import fragment

        return fragment(self)
