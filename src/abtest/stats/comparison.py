"""What the public comparisons return: one frozen answer that reads as a sentence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, get_args

from abtest.errors import UsageError
from abtest.stats.moments import Moments
from abtest.stats.results import (
    Alternative,
    Interval,
    Method,
    PairEstimate,
    RelativeInterval,
    WarningCode,
)


@dataclass(frozen=True)
class Comparison:
    """Treatment against control: effect, intervals and test from one method.

    Attributes
    ----------
    absolute
        Treatment - control with its interval.
    relative
        The same over |control|, with the state of its confidence set.
    p_value, log10_p, statistic, df
        The test of no difference; `df` is None for score tests.
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
        Share of the variance that CUPED removed; None where it was not used.
    warnings
        Codes of what a reader should know.
    """

    absolute: Interval
    relative: RelativeInterval
    p_value: float
    log10_p: float
    statistic: float
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
    variance_reduction: float | None
    warnings: tuple[WarningCode, ...]

    @classmethod
    def of(
        cls,
        pair: PairEstimate,
        arms: Sequence[Moments],
        alternative: Alternative,
        confidence_level: float,
    ) -> Comparison:
        """Return the comparison of an estimated pair.

        Raises
        ------
        UsageError
            If the alternative has another name, or the level is not between 0 and 1.
        """
        if alternative not in get_args(Alternative):
            raise UsageError(
                "There is no such alternative",
                given=str(alternative),
                todo=f"Use one of {', '.join(get_args(Alternative))}.",
            )
        if not 0.0 < confidence_level < 1.0:
            raise UsageError(
                "A confidence level lies between 0 and 1",
                given=str(confidence_level),
                todo="Give it as 0.95, not 95.",
            )
        test = pair.test(alternative=alternative)
        return cls(
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

    def to_dict(self) -> dict[str, Any]:
        """Return all fields as plain values; intervals become dictionaries."""
        return {**asdict(self), "warnings": list(self.warnings)}

    def __str__(self) -> str:
        """Return the result as a sentence."""
        level = f"{100 * self.confidence_level:.6g}% interval"
        relative = self.relative
        sentence = (
            f"Treatment {self.treatment_value:.4g} against control {self.control_value:.4g}: "
            f"difference {self.absolute.estimate:+.4g} "
            f"({level} {_span(self.absolute, '{:.4g}')})"
        )
        if relative.estimate is not None:
            sentence += f", relative {relative.estimate:+.2%}"
        sentence += f" ({_relative_words(relative)})"
        return f"{sentence}; p = {_p_value(self.p_value, self.log10_p)} ({self.method})."


def _span(interval: Interval, form: str) -> str:
    if interval.lower is None and interval.upper is None:
        return "without limits"
    if interval.upper is None:
        return f"{form.format(interval.lower)} or more"
    if interval.lower is None:
        return f"{form.format(interval.upper)} or less"
    return f"{form.format(interval.lower)} to {form.format(interval.upper)}"


def _relative_words(relative: RelativeInterval) -> str:
    if relative.status == "undefined":
        return "no relative effect: control is 0"
    if relative.status == "unbounded":
        return "any relative effect is possible"
    span = _span(relative, "{:.2%}")
    return f"anything but {span}" if relative.status == "two_rays" else span


def _p_value(p_value: float, log10_p: float) -> str:
    return f"{p_value:.3g}" if p_value > 0.0 else f"1e{log10_p:.0f}"
