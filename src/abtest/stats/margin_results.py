"""What tests against a margin answer: non-inferiority and equivalence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from abtest.stats.answer import Answer
from abtest.stats.display import p_value, relative_set, span, warned
from abtest.stats.listing import listing
from abtest.stats.results import Interval, Method, RelativeInterval, Test, WarningCode

if TYPE_CHECKING:
    from abtest.show.fragment import Fragment

Direction = Literal["increase", "decrease"]
"""Which way is good."""
MarginScale = Literal["absolute", "relative"]
"""Whether a margin is in the unit of the metric or a share of control."""


@dataclass(frozen=True)
class _MarginResult(Answer):
    """Fields that both answers share; they are described there."""

    scale: MarginScale
    absolute: Interval
    relative: RelativeInterval
    alpha: float
    confidence_level: float
    p_value: float
    log10_p: float
    n_control: int
    n_treatment: int
    nulls_control: int | None
    nulls_treatment: int | None
    control_value: float
    treatment_value: float
    method: Method
    variance_reduction: float | None
    warnings: tuple[WarningCode, ...]

    @property
    def effect(self) -> Interval:
        """The effect on the scale of the margin."""
        return self.absolute if self.scale == "absolute" else self.relative

    def _fragment(self) -> Fragment:
        """Return the sentence and a table, for notebooks."""
        level = f"{100.0 * self.confidence_level:.6g}% interval"
        absolute, relative = self.absolute.estimate, self.relative.estimate
        rows = [
            ("units", f"{self.n_control:,} control, {self.n_treatment:,} treatment"),
            ("values", f"{self.control_value:.6g} control, {self.treatment_value:.6g} treatment"),
            ("difference", "" if absolute is None else f"{absolute:+.6g}"),
            (f"difference, {level}", span(self.absolute, "{:.6g}")),
            ("relative effect", "no estimate" if relative is None else f"{relative:+.3%}"),
            (f"relative effect, {level}", relative_set(self.relative)),
            *self._asked(),
            ("p-value", p_value(self)),
            ("one-sided alpha", f"{self.alpha:g}"),
            ("method", self.method),
        ]
        if self.variance_reduction is not None:
            rows.append(("variance saved", f"{self.variance_reduction:.1%}"))
        if self.nulls_control or self.nulls_treatment:
            nulls = f"{self.nulls_control:,} control, {self.nulls_treatment:,} treatment"
            rows.append(("units without a value", nulls))
        if self.warnings:
            rows.append(("warnings", ", ".join(self.warnings)))
        return listing(str(self), ("", "value"), rows)

    def _asked(self) -> list[tuple[str, str]]:
        """Return the rows of what was tested, by name and value."""
        raise NotImplementedError

    def _shown(self, value: float) -> str:
        return f"{value:+.4g}" if self.scale == "absolute" else f"{value:+.2%}"

    def _found(self) -> str:
        """Return effect, interval, p-value, method and warnings in words."""
        level = f"{100.0 * self.confidence_level:.6g}% interval"
        limits = span(self.absolute) if self.scale == "absolute" else relative_set(self.relative)
        estimate = self.effect.estimate
        shown = "" if estimate is None else f"{self._shown(estimate)} "
        return (
            f"{self.scale} effect {shown}({level} {limits}); p = {p_value(self)} at one-sided "
            f"alpha {self.alpha:g} ({self.method}).{warned(self.warnings)}"
        )


@dataclass(frozen=True)
class NonInferiority(_MarginResult):
    """Whether treatment is not worse than control by the margin.

    Attributes
    ----------
    scale
        ``absolute`` (the margin is in the unit of the metric) or ``relative`` (a share of
        |control|).
    absolute, relative
        Treatment - control, and the same over |control|, with one-sided intervals.
    alpha
        One-sided error: the probability of calling a treatment non-inferior that is worse by
        exactly the margin.
    confidence_level
        1 - alpha, of the one-sided intervals.
    p_value, log10_p
        Of the one-sided test against the margin.
    n_control, n_treatment
        Units used.
    nulls_control, nulls_treatment
        Units left out because a value was null; None where an estimated pair was given, which
        does not know.
    control_value, treatment_value
        Estimates of the arms.
    method
        How the two arms were compared.
    variance_reduction
        Share of the variance that covariates removed; None where there were none.
    warnings
        Codes of what a reader should know.
    margin
        The loss that is still acceptable, above 0.
    bound
        The effect that is tested against: -margin where more is good, else +margin.
    direction
        ``increase`` or ``decrease``: which way is good.
    statistic, df
        Of the test; `df` is None for score tests.
    non_inferior
        Whether ``p_value < alpha``: the interval leaves the bound out.
    """

    margin: float
    bound: float
    direction: Direction
    statistic: float
    df: float | None
    non_inferior: bool

    def __str__(self) -> str:
        """Return the result as a sentence."""
        verdict = "is" if self.non_inferior else "is not shown to be"
        bound = self._shown(self.bound)
        return f"Treatment {verdict} non-inferior (bound {bound}): {self._found()}"

    def _asked(self) -> list[tuple[str, str]]:
        margin = f"{self.margin:.4g}" if self.scale == "absolute" else f"{self.margin:.2%}"
        good = "more is good" if self.direction == "increase" else "less is good"
        return [
            ("margin", f"{margin}, {self.scale}"),
            ("bound", self._shown(self.bound)),
            ("direction", f"{self.direction}: {good}"),
        ]


@dataclass(frozen=True)
class Equivalence(_MarginResult):
    """Whether treatment differs from control by less than a margin either way.

    Attributes
    ----------
    scale, absolute, relative, n_control, n_treatment, control_value, treatment_value, method
        As in `NonInferiority`; the intervals have two sides.
    nulls_control, nulls_treatment, variance_reduction, warnings
        As in `NonInferiority`.
    alpha
        Error of each of the two one-sided tests, and of the whole.
    confidence_level
        1 - 2 alpha, of the intervals.
    p_value, log10_p
        The larger one of the two tests.
    bounds
        The effects that are tested against: a loss and a gain.
    lower_test, upper_test
        The test that the effect is above the lower bound, and that it is below the upper one.
    equivalent
        Whether ``p_value < alpha``: the interval lies within the bounds.
    """

    bounds: tuple[float, float]
    lower_test: Test
    upper_test: Test
    equivalent: bool

    def __str__(self) -> str:
        """Return the result as a sentence."""
        verdict = "is" if self.equivalent else "is not shown to be"
        low, high = map(self._shown, self.bounds)
        return f"Treatment {verdict} equivalent (bounds {low} and {high}): {self._found()}"

    def _asked(self) -> list[tuple[str, str]]:
        low, high = map(self._shown, self.bounds)
        return [("bounds", f"{low} and {high}, {self.scale}")]
