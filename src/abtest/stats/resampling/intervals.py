"""Intervals and p-values of bootstrap replicates, by ranks, so that each pair agrees."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import special

from abtest.errors import UsageError
from abtest.stats.moments import Floats
from abtest.stats.not_estimable import NotEstimable
from abtest.stats.resampling.effects import Replicates
from abtest.stats.results import Alternative, Interval, RelativeInterval, Test


@dataclass(frozen=True, eq=False)
class Levels:
    """The nominal levels at which the ranked replicates are limits.

    Attributes
    ----------
    lower
        Of the m-th smallest as a lower limit, m = 1, ..., replicates + 1, rising to 1.
    upper
        Of the m-th largest as an upper limit.
    """

    lower: Floats
    upper: Floats

    @classmethod
    def plain(cls, replicates: int) -> Levels:
        """Return m / (replicates + 1): Davison & Hinkley 1997, equation 5.6."""
        levels = np.arange(1.0, replicates + 2.0) / (replicates + 1.0)
        return cls(levels, levels)

    @classmethod
    def accelerated(cls, replicates: int, bias: float, acceleration: float) -> Levels:
        """Return those of BCa (Efron 1987, JASA 82, 171), whose map of levels is inverted.

        The replicate at share s of the others is the limit of level
        Phi(y / (1 + a y) - z0) with y = Phi^-1(s) - z0.
        """
        shares = np.arange(1.0, replicates + 1.0) / (replicates + 1.0)

        def levels(z: Floats, z0: float, a: float) -> Floats:
            y = z - z0
            # the map turns back where 1 + a y is not above 0: no level lies beyond
            inner = np.where(1.0 + a * y > 0.0, y / np.maximum(1.0 + a * y, 1e-300), np.inf)
            beyond = np.where(y < 0.0, -np.inf, np.inf)
            found = special.ndtr(np.where(np.isfinite(inner), inner - z0, beyond))
            return np.append(np.maximum(np.maximum.accumulate(found), 1e-300), 1.0)

        z = special.ndtri(shares)
        # from above everything has the other sign
        return cls(levels(z, bias, acceleration), levels(z, -bias, -acceleration))


def test_of(replicates: Replicates, levels: Levels, alternative: Alternative) -> Test:
    """Return the test of 0: the smallest level at which the interval leaves it out."""
    greater = float(levels.lower[int((replicates.low <= 0.0).sum())])
    less = float(levels.upper[int((replicates.high >= 0.0).sum())])
    p_value = {
        "greater": greater,
        "less": less,
        "two-sided": min(2.0 * min(greater, less), 1.0),
    }[alternative]
    return Test(p_value, math.log10(p_value), 0.0, None, alternative)


def interval_of(
    replicates: Replicates, levels: Levels, confidence_level: float, alternative: Alternative
) -> Interval:
    """Return the estimate with the ranked replicates as limits; None where no rank is left."""
    outside = (1.0 - confidence_level) / (2.0 if alternative == "two-sided" else 1.0)
    lower = upper = None
    if alternative != "less":
        rank = int(np.searchsorted(levels.lower, outside))
        lower = _ranked(replicates.low, rank) if rank else None
    if alternative != "greater":
        rank = int(np.searchsorted(levels.upper, outside))
        upper = _ranked(replicates.high, len(replicates.high) + 1 - rank) if rank else None
    return Interval(replicates.estimate, lower, upper)


def _ranked(replicates: Floats, rank: int) -> float | None:
    """Return the rank-th smallest, None if it is infinite."""
    limit = float(np.partition(replicates, rank - 1)[rank - 1])
    return limit if math.isfinite(limit) else None


def relative_of(interval: Interval) -> RelativeInterval:
    """Return an interval of relative effects with its state."""
    ends = (interval.lower is None) + (interval.upper is None)
    status = ("bounded", "half_line", "unbounded")[ends]
    return RelativeInterval(interval.estimate, interval.lower, interval.upper, status)  # type: ignore[arg-type]  # literals


def bias_of(replicates: Replicates) -> float:
    """Return z0: how far the median replicate is from the estimate, ties as half.

    Raises
    ------
    NotEstimable
        ``constant`` if all replicates lie on one side.
    """
    both = np.concatenate([replicates.low, replicates.high])
    at = replicates.estimate
    below = float((both < at).mean() + 0.5 * (both == at).mean())
    if not 0.0 < below < 1.0:
        raise NotEstimable(
            "constant",
            "All replicates lie on one side of the estimate, so their bias has no measure",
            given=f"estimate {at:g}",
            todo='Use method="percentile", or more units.',
        )
    return float(special.ndtri(below))


def require_replicates(replicates: int, confidence_level: float, alternative: Alternative) -> None:
    """Refuse too few replicates for the level.

    Raises
    ------
    UsageError
        If no replicate lies beyond a limit.
    """
    outside = (1.0 - confidence_level) / (2.0 if alternative == "two-sided" else 1.0)
    if (replicates + 1.0) * outside <= 1.0:
        raise UsageError(
            "Too few replicates for this level",
            given=f"{replicates} replicates at level {confidence_level:g}",
            todo=f"Draw at least {math.ceil(1.0 / outside)}, better a hundred times as many.",
        )
