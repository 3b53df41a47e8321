"""What a comparison by ranks answers: the index, the shift and one test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from abtest.stats.answer import Answer
from abtest.stats.listing import listing
from abtest.stats.results import Alternative, Interval, Method, WarningCode

if TYPE_CHECKING:
    from abtest.show.fragment import Fragment


@dataclass(frozen=True)
class RankComparison(Answer):
    """Treatment against control by the order of their values.

    Attributes
    ----------
    index
        The probabilistic index P(T > C) + P(T = C) / 2: how likely a unit of treatment has the
        larger value than a unit of control, ties as half. Between 0 and 1; 0.5 is no difference.
        Also called the common language effect size, or the area under the ROC curve.
    shift
        The Hodges-Lehmann shift, in units of the values: the median of the differences of all
        pairs of a treatment and a control unit, with the interval of Lehmann. A limit is None
        where too few units give none at this level.
    p_value, log10_p
        The test of no effect; see `method`.
    statistic, df
        t of Brunner & Munzel with its degrees of freedom, or z of Mann & Whitney, whose df is
        None. The statistic of exact tests is `u`; separated arms have none.
    u
        Pairs of units in which treatment is larger, ties as half: Mann-Whitney's U of treatment.
    method
        ``brunner_munzel`` (tests whether the index is 0.5, and its interval is that test's),
        ``mann_whitney`` or ``mann_whitney_exact`` (test whether both arms have one
        distribution).
    alternative
        ``two-sided``, ``greater`` or ``less``; the intervals are of the same kind.
    confidence_level
        Of both intervals.
    n_control, n_treatment
        Units used.
    nulls_control, nulls_treatment
        Units left out because a value was null.
    warnings
        ``separated_arms``: no values of the arms overlap, so the index has no measured error.
        ``tied_shift``: both limits of the shift are one value, because so many units share it.
    """

    index: Interval
    shift: Interval
    p_value: float
    log10_p: float
    statistic: float | None
    df: float | None
    u: float
    method: Method
    alternative: Alternative
    confidence_level: float
    n_control: int
    n_treatment: int
    nulls_control: int
    nulls_treatment: int
    warnings: tuple[WarningCode, ...] = ()

    @property
    def estimate(self) -> float | None:
        """Estimate of the index."""
        return self.index.estimate

    @property
    def interval(self) -> tuple[float | None, float | None]:
        """Lower and upper limit of the index; None where it has no end."""
        return self.index.lower, self.index.upper

    def __str__(self) -> str:
        """Return what was found, in one sentence."""
        level = f"{100 * self.confidence_level:.6g}% interval"
        return (
            f"A treatment unit is above a control unit with probability "
            f"{self.index.estimate:.4g} ({level} {_span(self.index)}; ties as half), "
            f"shift {self.shift.estimate:+.4g} ({level} {_span(self.shift)}); "
            f"p = {self._p()} ({self.method})."
        )

    def _fragment(self) -> Fragment:
        """Return the sentence and a table, for notebooks."""
        rows = [
            ("P(T > C) + P(T = C) / 2", f"{self.index.estimate:.6g}", _span(self.index)),
            ("Hodges-Lehmann shift", f"{self.shift.estimate:+.6g}", _span(self.shift)),
            ("p-value", self._p(), f"{self.method}, {self.alternative}"),
            ("units", f"{self.n_control:,} control", f"{self.n_treatment:,} treatment"),
        ]
        if self.nulls_control or self.nulls_treatment:
            nulls = (f"{self.nulls_control:,} control", f"{self.nulls_treatment:,} treatment")
            rows.append(("units without a value", *nulls))
        if self.warnings:
            rows.append(("warnings", ", ".join(self.warnings), ""))
        heading = ("", "estimate", f"{100 * self.confidence_level:.6g}% interval")
        return listing(str(self), heading, rows)

    def _p(self) -> str:
        return f"{self.p_value:.3g}" if self.p_value > 0.0 else f"1e{self.log10_p:.0f}"


def _span(interval: Interval) -> str:
    if interval.lower is None and interval.upper is None:
        return "without limits"
    if interval.upper is None:
        return f"{interval.lower:.4g} or more"
    if interval.lower is None:
        return f"{interval.upper:.4g} or less"
    return f"{interval.lower:.4g} to {interval.upper:.4g}"
