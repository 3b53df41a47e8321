"""Ratios of rates from log-linear models: quasi-Poisson in closed form, its dispersion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from abtest.stats.moments import Floats
from abtest.stats.rates.totals import EventTotals
from abtest.stats.results import Alternative
from abtest.stats.tails import critical_values, tail_rows

VarianceKind = Literal["robust", "model"]
"""Whether a regression's variance is that of the units (sandwich) or that of its model."""

_SURPRISE = 3.09
"""Standard errors (a probability of 0.001) by which dispersion exceeds 1 where it is named."""
_WORTH_NAMING = 1.1
"""Dispersion below this shortens an interval by less than 5%."""


@dataclass(frozen=True, eq=False)
class LogRatios:
    """Logarithms of rate ratios of r comparisons.

    Attributes
    ----------
    estimate, variance, df
        Of treatment over control, shape (r,); infinite degrees of freedom are the normal.
    """

    estimate: Floats
    variance: Floats
    df: Floats

    def limits(self, confidence_level: float, alternative: Alternative) -> tuple[Floats, Floats]:
        """Return the limits of the ratio - 1; infinite above where a float does not hold them."""
        two_sided = alternative == "two-sided"
        width = critical_values(confidence_level, self.df, two_sided=two_sided)
        width = width * np.sqrt(self.variance)
        with np.errstate(over="ignore"):
            return np.expm1(self.estimate - width), np.expm1(self.estimate + width)

    def test(self, alternative: Alternative) -> tuple[Floats, Floats, Floats]:
        """Return p-values, their base-10 logarithms and the statistics."""
        statistic = self.estimate / np.sqrt(self.variance)
        return *tail_rows(statistic, self.df, alternative), statistic


def quasi_poisson(totals: EventTotals, variance: VarianceKind) -> LogRatios:
    """Return the log rate ratios of a Poisson regression on the arm with log exposure as offset.

    Its estimates are the arms' rates. The robust variance of a log rate is that of the units,
    sum (y - r T)^2 n / (n - 1) / (sum y)^2 (McCullagh & Nelder 1989, "Generalized Linear
    Models"; the sandwich estimate with n / (n - 1), which for equal exposures is HC2), with
    Welch's degrees of freedom. The model's is phi / sum y with phi = Pearson's statistic over
    N - 2 of both arms, and N - 2 degrees of freedom.
    """
    events, n = totals.events, totals.units
    with np.errstate(all="ignore"):  # rows without a number get a status
        estimate = np.log(totals.rates[1]) - np.log(totals.rates[0])
        if variance == "model":
            degrees = n.sum(axis=0) - 2.0
            phi = totals.pearson.sum(axis=0) / degrees
            return LogRatios(estimate, phi * (1.0 / events).sum(axis=0), degrees)
        parts = totals.spread * (n / (n - 1.0)) / events / events
        return LogRatios(estimate, parts.sum(axis=0), welch_df(parts, n))


def welch_df(parts: Floats, n: Floats) -> Floats:
    """Return Welch's degrees of freedom of a sum of two variances, each shape (2, r)."""
    share = parts / parts.max(axis=0)
    return np.asarray(share.sum(axis=0) ** 2 / (share**2 / (n - 1.0)).sum(axis=0))


def dispersion(totals: EventTotals) -> tuple[Floats, Floats]:
    """Return Pearson's dispersion of the events of units, and whether it is beyond Poisson.

    1 for Poisson counts. Beyond: above 1.1 and more than 3.09 standard errors above what Poisson
    counts give; Pearson's statistic of n units with mean m then has the variance n (2 + 1 / m).
    Moments of units with different exposures x_i do not tell Pearson's: its dispersion is NaN, and
    what is beyond is the plain sum of squares sum (y_i - r x_i)^2 with r = sum y / sum x, whose
    mean and variance for Poisson counts are sum y (1 - sum x_i^2 / (sum x)^2) and
    sum y + 2 r^2 sum x_i^2. NaN and False where units are not known.
    """
    n = totals.units
    with np.errstate(all="ignore"):
        statistic, degrees = totals.pearson.sum(axis=0), n.sum(axis=0) - 2.0
        phi = statistic / degrees
        variance = (n * (2.0 + n / totals.events)).sum(axis=0)
        beyond = (phi > _WORTH_NAMING) & (statistic - degrees > _SURPRISE * np.sqrt(variance))
        if totals.squares is not None and np.isnan(phi).any():
            shares = totals.squares / totals.exposure**2
            expected = (totals.events * (1.0 - shares)).sum(axis=0)
            variance = (totals.events + 2.0 * totals.rates**2 * totals.squares).sum(axis=0)
            spread = totals.spread.sum(axis=0)
            uneven = (spread > _WORTH_NAMING * expected) & (
                spread - expected > _SURPRISE * np.sqrt(variance)
            )
            beyond = np.where(np.isnan(phi), uneven, beyond)
    return phi, beyond
