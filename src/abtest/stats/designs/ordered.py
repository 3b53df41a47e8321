"""Arms in order of a dose: does the mean rise with it, and does the rise bend?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from abtest.errors import UsageError
from abtest.stats.answer import Answer
from abtest.stats.arguments import require_interval
from abtest.stats.designs.contrast import ArmMeans, ContrastEstimate, require_doses, span_words
from abtest.stats.display import left_out, p_value, warned
from abtest.stats.floats import Values
from abtest.stats.listing import listing
from abtest.stats.moments import Floats, Moments
from abtest.stats.results import Alternative, WarningCode
from abtest.stats.value_counts import ValueCounts

if TYPE_CHECKING:
    from abtest.show.fragment import Fragment


@dataclass(frozen=True)
class DoseResponse(Answer):
    """Means of ordered arms, their slope and their bend.

    Attributes
    ----------
    linear
        Slope of the least-squares line through the arms' means, in units of the outcome per unit
        of dose.
    quadratic
        Coefficient of dose^2 in the least-squares parabola through them, in units of the outcome
        per squared unit of dose, always tested two-sided: below 0 the curve bends downward, and
        doses in the middle do better than the line says. None for two arms.
    doses, means, n
        Of the arms, in the order given.
    nulls
        Units left out because a value was null.
    confidence_level
        Of both intervals.
    warnings
        ``constant_arm`` where an arm has the same value in every unit.
    """

    linear: ContrastEstimate
    quadratic: ContrastEstimate | None
    doses: tuple[float, ...]
    means: tuple[float, ...]
    n: tuple[int, ...]
    nulls: int
    confidence_level: float
    warnings: tuple[WarningCode, ...] = ()

    def __str__(self) -> str:
        """Return what was found, in one sentence."""
        words = (
            f"The mean changes by {contrast_words(self.linear, self.confidence_level)} per unit of"
        )
        words += f" dose{sided(self.linear.alternative, 'the mean')}"
        if self.quadratic is not None:
            bend = "is not shown to bend"
            if self.quadratic.p_value < 1.0 - self.confidence_level:
                down = (self.quadratic.effect.estimate or 0.0) < 0.0
                bend = "bends downward" if down else "bends upward"
            words += f"; the curve {bend} (p = {p_value(self.quadratic)})"
        return f"{words}.{left_out(self.nulls)}{warned(self.warnings)}"

    def _fragment(self) -> Fragment:
        """Return the sentence and a table of the arms, for notebooks."""
        rows = [
            (f"{dose:g}", f"{n:,}", f"{mean:.6g}")
            for dose, n, mean in zip(self.doses, self.n, self.means, strict=True)
        ]
        return listing(str(self), ("dose", "units", "mean"), rows)


def compare_ordered_means(
    arms: Sequence[Values | Moments | ValueCounts],
    doses: Values,
    *,
    alternative: Alternative = "two-sided",
    confidence_level: float = 0.95,
) -> DoseResponse:
    """Return the linear and the quadratic contrast of arms in order of a dose.

    Orthogonal polynomials of the doses, which need not be equally far apart (as R's
    ``contr.poly(k, scores = doses)``), scaled to slopes. Variances are never pooled; degrees of
    freedom are Satterthwaite's (1946, Biometrics Bull. 2, 110). One contrast for a trend uses all
    arms at once, where comparisons of pairs would each see two. Both tests answer questions of
    their own; where either may decide, adjust for two.

    Parameters
    ----------
    arms
        One sample per arm: values, `Moments` or `ValueCounts`.
    doses
        The dose of each arm, such as messages per week; all different.
    alternative
        Of the slope: ``two-sided``, ``greater`` or ``less``.
    confidence_level
        Of both intervals.

    Raises
    ------
    NotEstimable
        ``too_few_units``, ``constant`` or ``not_finite``.
    UsageError
        If the arguments do not fit together.

    Examples
    --------
    >>> result = compare_ordered_means([[1, 2, 3], [3, 4, 6], [4, 4, 5]], doses=[0, 1, 3])
    >>> round(result.linear.effect.estimate, 4), round(result.linear.p_value, 4)
    (0.6667, 0.0319)
    >>> round(result.quadratic.effect.estimate, 4), round(result.quadratic.p_value, 3)
    (-0.7778, 0.213)
    """
    require_interval(confidence_level, alternative)
    samples = require_samples(arms)
    scores = require_doses(doses, len(samples))
    found = ArmMeans.of(samples, [f"the arm of dose {dose:g}" for dose in scores])
    linear, quadratic = dose_weights(scores)
    bend = None
    if len(samples) > 2:
        bend = found.contrast("quadratic", quadratic, "two-sided", confidence_level)
    return DoseResponse(
        linear=found.contrast("linear", linear, alternative, confidence_level),
        quadratic=bend,
        doses=tuple(scores.tolist()),
        means=tuple(found.means.tolist()),
        n=tuple(int(n) for n in found.n),
        nulls=sum(found.nulls),
        confidence_level=confidence_level,
        warnings=found.warnings,
    )


def dose_weights(doses: Floats) -> tuple[Floats, Floats]:
    """Return weights of means that give the slope of a line, and the bend of a parabola."""
    unit = float(np.ptp(doses))
    line = (doses - doses[0]) / unit
    line = line - line.mean()
    square = line**2 - (line**2).mean()
    bend = square - line * (square @ line) / (line @ line)
    flat = bend @ bend  # two arms have no bend
    return line / (line @ line) / unit, bend / (flat if flat > 0.0 else 1.0) / unit**2


def require_samples(arms: Any) -> list[Any]:
    """Return the samples of ordered arms as a list.

    Raises
    ------
    UsageError
        If there is one sample alone.
    """
    if isinstance(arms, str | bytes | Moments | ValueCounts) or not hasattr(arms, "__iter__"):
        raise UsageError(
            "Ordered arms are a sequence of samples",
            given=type(arms).__name__,
            todo="Give one sample per arm.",
        )
    return list(arms)


def contrast_words(found: ContrastEstimate, confidence_level: float) -> str:
    """Return an estimate with its interval and p-value."""
    span = span_words(found.effect)
    return (
        f"{found.effect.estimate:+.4g} ({100 * confidence_level:.6g}% interval {span}; "
        f"p = {p_value(found)})"
    )


def sided(alternative: Alternative, outcome: str) -> str:
    """Return what a one-sided test of a slope looks for; "" for a two-sided one."""
    if alternative == "two-sided":
        return ""
    return f" (one-sided: {outcome} {'rises' if alternative == 'greater' else 'falls'} with it)"
