"""What tests against a margin answer: non-inferiority and equivalence."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from abtest.stats.listing import listing
from abtest.stats.results import Interval, Method, RelativeInterval, Test, WarningCode

Direction = Literal["increase", "decrease"]
"""Which way is good."""
MarginScale = Literal["absolute", "relative"]
"""Whether a margin is in the unit of the metric or a share of control."""


@dataclass(frozen=True)
class _MarginResult:
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
    control_value: float
    treatment_value: float
    method: Method
    variance_reduction: float | None
    warnings: tuple[WarningCode, ...]

    @property
    def effect(self) -> Interval:
        """The effect on the scale of the margin."""
        return self.absolute if self.scale == "absolute" else self.relative

    def to_dict(self) -> dict[str, Any]:
        """Return all fields as plain values; intervals and tests become dictionaries."""
        return {**asdict(self), "warnings": list(self.warnings)}

    def _repr_mimebundle_(
        self, include: object = None, exclude: object = None
    ) -> tuple[dict[str, str], dict[str, Any]]:
        """Return the sentence and a table, for notebooks."""
        rows = [
            ("units", f"{self.n_control:,} control, {self.n_treatment:,} treatment"),
            ("values", f"{self.control_value:.6g} control, {self.treatment_value:.6g} treatment"),
            ("difference", _range(self.absolute, "{:+.4g}")),
            ("relative effect", _range(self.relative, "{:+.2%}")),
            ("p-value", f"{self.p_value:.3g}"),
            ("one-sided alpha", f"{self.alpha:g}"),
            ("method", self.method),
        ]
        return listing(str(self), ("", "value"), rows)._repr_mimebundle_(include, exclude)

    def _shown(self, value: float) -> str:
        return f"{value:+.4g}" if self.scale == "absolute" else f"{value:+.2%}"

    def _found(self) -> str:
        """Return effect, interval, p-value and method in words."""
        form = "{:+.4g}" if self.scale == "absolute" else "{:+.2%}"
        level = f"{100.0 * self.confidence_level:.6g}% interval"
        p = f"{self.p_value:.3g}" if self.p_value > 0.0 else f"1e{self.log10_p:.0f}"
        return (
            f"{self.scale} effect {_range(self.effect, form, level)}; "
            f"p = {p} at one-sided alpha {self.alpha:g} ({self.method})."
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


@dataclass(frozen=True)
class Equivalence(_MarginResult):
    """Whether treatment differs from control by less than a margin either way.

    Attributes
    ----------
    scale, absolute, relative, n_control, n_treatment, control_value, treatment_value, method
        As in `NonInferiority`; the intervals have two sides.
    variance_reduction, warnings
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


def _range(interval: Interval, form: str, level: str = "interval") -> str:
    """Return an estimate with its interval, or the words for one that has no number."""
    if interval.estimate is None:
        return "not defined (control is 0)"
    text = form.format(interval.estimate)
    if isinstance(interval, RelativeInterval) and interval.status in ("two_rays", "unbounded"):
        return f"{text} ({level}: without limits)"
    low, high = interval.lower, interval.upper
    if low is None and high is None:
        return f"{text} ({level}: without limits)"
    if high is None and low is not None:
        return f"{text} ({level} from {form.format(low)})"
    if low is None and high is not None:
        return f"{text} ({level} up to {form.format(high)})"
    return f"{text} ({level} {form.format(low)} to {form.format(high)})"
