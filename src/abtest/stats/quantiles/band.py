"""Many quantiles at once: the effect along the distribution, with a band for all of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from abtest.errors import UsageError
from abtest.stats.answer import Answer
from abtest.stats.arguments import require_interval, require_share
from abtest.stats.comparison import Comparison
from abtest.stats.display import span
from abtest.stats.floats import Values
from abtest.stats.listing import listing
from abtest.stats.quantiles.compare import compared, quantile_arms
from abtest.stats.quantiles.crossing import crossing
from abtest.stats.results import Alternative, Interval, RelativeInterval, WarningCode
from abtest.stats.value_counts import ValueCounts

if TYPE_CHECKING:
    from abtest.show.fragment import Fragment

DECILES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
_MOST = 199


@dataclass(frozen=True)
class QuantileEffects(Answer):
    """The differences of many quantiles of two arms.

    Attributes
    ----------
    quantiles
        Which, as shares of units, rising.
    effects
        Each by itself: estimate, interval and p-value of that quantile alone.
    band
        The same differences with limits that hold for all of them at once.
    relative_band
        The same relative to |control|.
    adjusted_p_values
        Of each quantile, for looking at all of them: below 1 - confidence level exactly where
        the band leaves 0 out.
    p_value, log10_p
        That any of these quantiles differs: the smallest adjusted one.
    level_of_each
        Confidence level of a single interval of the band.
    alternative
        ``two-sided``, ``greater`` or ``less``; intervals and band are of the same kind.
    confidence_level
        Of the whole band, and of each interval in `effects`.
    n_control, n_treatment
        Units used.
    nulls_control, nulls_treatment
        Units left out because a value was null.
    warnings
        ``tied_quantile`` if it holds for any of the quantiles.
    """

    quantiles: tuple[float, ...]
    effects: tuple[Comparison, ...]
    band: tuple[Interval, ...]
    relative_band: tuple[RelativeInterval, ...]
    adjusted_p_values: tuple[float, ...]
    p_value: float
    log10_p: float
    level_of_each: float
    alternative: Alternative
    confidence_level: float
    n_control: int
    n_treatment: int
    nulls_control: int
    nulls_treatment: int
    warnings: tuple[WarningCode, ...] = ()

    def __str__(self) -> str:
        """Return what was found, in one sentence."""
        out = [
            f"{share:g}"
            for share, p in zip(self.quantiles, self.adjusted_p_values, strict=True)
            if p < 1.0 - self.confidence_level
        ]
        found = f"differ at {', '.join(out)}" if out else "are not told apart"
        p_value = f"{self.p_value:.3g}" if self.p_value > 0.0 else f"1e{self.log10_p:.0f}"
        return (
            f"Of {len(self.quantiles)} quantiles treatment and control {found} "
            f"(simultaneous band of level {100 * self.confidence_level:.6g}%); p = {p_value}."
        )

    def _fragment(self) -> Fragment:
        """Return the sentence and a table, for notebooks."""
        rows = [
            (
                f"{share:g}",
                f"{effect.control_value:.6g}",
                f"{effect.treatment_value:.6g}",
                f"{effect.estimate:+.6g}",
                span(band, "{:.6g}"),
                f"{p:.3g}",
            )
            for share, effect, band, p in zip(
                self.quantiles, self.effects, self.band, self.adjusted_p_values, strict=True
            )
        ]
        heading = ("quantile", "control", "treatment", "difference", "band", "adjusted p")
        return listing(str(self), heading, rows)


def compare_many_quantiles(
    control: Values | ValueCounts,
    treatment: Values | ValueCounts,
    *,
    quantiles: Sequence[float] = DECILES,
    alternative: Alternative = "two-sided",
    confidence_level: float = 0.95,
) -> QuantileEffects:
    """Return the differences of many quantiles of units, each alone and all in one band.

    Shows where along the distribution the arms differ: a treatment may move the few heavy users
    and nobody else, which a mean cannot tell from a small effect on all.

    Parameters
    ----------
    control, treatment
        One value per unit, or `ValueCounts`: the answer is the same. Nulls are left out and
        counted.
    quantiles
        Shares of units, rising, at most 199; deciles unless given.
    alternative
        ``two-sided``, ``greater`` or ``less``.
    confidence_level
        Of each interval, and of the band as a whole.

    Raises
    ------
    UsageError
        If the samples come as `Moments`, the quantiles are not rising shares, or there are more
        than 199.
    NotEstimable
        As `compare_quantiles`.

    Notes
    -----
    Each quantile has the melded interval of `compare_quantiles`; in the band it has that at
    `level_of_each`, chosen so that the largest deviation of the Brownian bridge of these
    quantiles, each in units of its error, stays within with the level of the band (see
    `crossing`). That correlation of neighbours is exact where the arms have one shape, or one is
    the other shifted or scaled; where their densities differ the correlation is lower and the
    band holds slightly less than its level (in the worst case, independent quantiles,
    `level_of_each` to the power of their number). The bridge is for large samples; the melded
    intervals themselves are on the safe side.

    Examples
    --------
    >>> control = list(range(200))
    >>> treatment = [x + (60 if x > 120 else 0) for x in control]
    >>> result = compare_many_quantiles(control, treatment, quantiles=[0.25, 0.5, 0.75])
    >>> [effect.estimate for effect in result.effects], round(result.level_of_each, 4)
    ([0.0, 0.0, 60.0], 0.981)
    >>> [p < 0.05 for p in result.adjusted_p_values]
    [False, False, True]
    """
    require_interval(confidence_level, alternative)
    shares = _shares(quantiles)
    arms = quantile_arms(control, treatment)
    chances = crossing(shares, two_sided=alternative == "two-sided")
    level = 1.0 - chances.level(1.0 - confidence_level)
    effects = [compared(arms, share, alternative, confidence_level) for share in shares]
    wider = [compared(arms, share, alternative, level) for share in shares]
    adjusted = [chances.chance(effect.p_value) for effect in effects]
    p_value = min(adjusted)
    log10_p = min(effect.log10_p for effect in effects) + math.log10(len(shares))
    return QuantileEffects(
        quantiles=shares,
        effects=tuple(effects),
        band=tuple(effect.absolute for effect in wider),
        relative_band=tuple(effect.relative for effect in wider),
        adjusted_p_values=tuple(adjusted),
        p_value=p_value,
        log10_p=math.log10(p_value) if p_value > 1e-280 else min(log10_p, 0.0),
        level_of_each=level,
        alternative=alternative,
        confidence_level=confidence_level,
        n_control=arms[0].n,
        n_treatment=arms[1].n,
        nulls_control=arms[0].nulls,
        nulls_treatment=arms[1].nulls,
        warnings=("tied_quantile",) if any(effect.warnings for effect in effects) else (),
    )


def _shares(quantiles: Sequence[float]) -> tuple[float, ...]:
    """Return quantiles as rising shares.

    Raises
    ------
    UsageError
        If they are not.
    """
    try:
        shares = tuple(quantiles)
    except TypeError:
        shares = ()
    for share in shares:
        require_share(share, "a quantile", "0.5")
    rising = all(low < high for low, high in pairwise(shares))
    if not (shares and rising and len(shares) <= _MOST):
        raise UsageError(
            f"Quantiles are 1 to {_MOST} rising shares",
            given=repr(quantiles)[:200],
            todo="Give them as [0.25, 0.5, 0.75].",
        )
    return tuple(float(share) for share in shares)
