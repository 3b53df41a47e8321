"""Replicates of an effect, made from those of two arms."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from abtest.stats.moments import Floats
from abtest.stats.not_estimable import not_finite

_ROUNDING = 1e-13
"""Replicates this near to 0 or to the estimate, beside the arms, are there but for rounding."""


@dataclass(frozen=True, eq=False)
class Replicates:
    """An estimate with its replicates; what is unknown is -inf in one row and inf in the other.

    Attributes
    ----------
    estimate
        Of the data.
    low, high
        Replicates for the lower and for the upper limit, shape (replicates,).
    """

    estimate: float
    low: Floats
    high: Floats

    def reflected(self) -> Replicates:
        """Return the replicates reflected at the estimate, for basic intervals."""
        return Replicates(
            self.estimate, 2.0 * self.estimate - self.high, 2.0 * self.estimate - self.low
        )

    def studentized(self, error: float, errors: Floats) -> Replicates:
        """Return estimate - error * (replicate - estimate) / its error.

        A replicate without error is infinitely far from the estimate, or on it.
        """

        def turned(replicates: Floats) -> Floats:
            away = replicates - self.estimate
            with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
                t = np.where(away == 0.0, 0.0, away / errors)
                # far away even where the error of the estimate is 0
                return np.where(np.isinf(t), -t, self.estimate - error * t)

        return Replicates(self.estimate, turned(self.high), turned(self.low))


def difference(values: tuple[float, float], arms: tuple[Floats, Floats]) -> Replicates:
    """Return treatment - control.

    Raises
    ------
    NotEstimable
        ``not_finite`` if that overflows.
    """
    with np.errstate(over="ignore"):
        estimate = float(np.float64(values[1]) - values[0])
        replicates = arms[1] - arms[0]
        spread = 2.0 * estimate - replicates
    replicates = _snapped(
        estimate, replicates, np.abs(_ROUNDING * arms[0]) + np.abs(_ROUNDING * arms[1])
    )
    if not (math.isfinite(estimate) and np.isfinite(spread).all()):
        raise not_finite()
    return Replicates(estimate, replicates, replicates)


def relative(values: tuple[float, float], arms: tuple[Floats, Floats]) -> Replicates | None:
    """Return (treatment - control) / |control|, or None over a control of 0."""
    control, treatment = values
    if control == 0.0:
        return None
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        estimate = float((np.float64(treatment) - control) / abs(control))
        ratios = (arms[1] - arms[0]) / np.abs(arms[0])
    if not math.isfinite(estimate):
        return None
    snapped = _snapped(estimate, ratios, _ROUNDING * (2.0 + np.abs(ratios)))
    wrong = (np.sign(arms[0]) != math.copysign(1.0, control)) | np.isnan(ratios)
    low, high = np.where(wrong, -np.inf, snapped), np.where(wrong, np.inf, snapped)
    return Replicates(estimate, low, high)


def _snapped(estimate: float, replicates: Floats, rounding: Floats) -> Floats:
    """Return the replicates with those that rounding alone moves away put on 0 or the estimate."""
    with np.errstate(invalid="ignore"):
        found = np.where(np.abs(replicates - estimate) <= rounding, estimate, replicates)
        return np.where(np.abs(replicates) <= rounding, 0.0, found)
