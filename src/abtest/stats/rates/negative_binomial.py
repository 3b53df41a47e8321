"""Negative binomial regression of events per unit on the arm, by maximum likelihood."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import special

from abtest.stats.moments import Floats
from abtest.stats.rates.log_rates import LogRatios, VarianceKind, welch_df

_MOST_EVENTS = 100_000
"""Above this many events of a unit sums over its events become differences of digammas."""
_LARGEST = 1e6
"""Dispersion above which the data say nothing about it."""


@dataclass(frozen=True, eq=False)
class NegativeBinomialFit:
    """Rates of two arms with one dispersion.

    Attributes
    ----------
    rates
        (control, treatment).
    dispersion
        alpha in var(y) = m + alpha m^2; 0 where the events vary no more than Poisson counts do.
    log_ratio
        Logarithm of treatment over control with its variance.
    """

    rates: tuple[float, float]
    dispersion: float
    log_ratio: LogRatios


def negative_binomial(
    control: Floats, treatment: Floats, variance: VarianceKind
) -> NegativeBinomialFit:
    """Return the maximum likelihood fit of two arms with a common dispersion.

    log m = log T + arm, var(y) = m + alpha m^2 (Lawless 1987, "Negative binomial and mixed
    Poisson regression", Can. J. Stat. 15, 209; MASS::glm.nb with theta = 1 / alpha; statsmodels'
    NegativeBinomial, nb2). Without exposures the rates are the arms' means whatever alpha is.
    The model's variance of a log rate is 1 / sum m / (1 + alpha m), the robust one the sandwich
    with n / (n - 1).

    Parameters
    ----------
    control, treatment
        (events, exposure, units), shape (3, k), each with at least one event.
    variance
        Which of the two variances.
    """
    arms = [arm[:, arm[1] > 0.0] for arm in (control, treatment)]
    alpha = _dispersion(arms)
    rates = [_rate(arm, alpha) for arm in arms]
    n = np.array([[float(arm[2].sum())] for arm in (control, treatment)])
    parts = []
    for (events, exposure, units), rate in zip(arms, rates, strict=True):
        mean = rate * exposure
        information = float((units * mean / (1.0 + alpha * mean)).sum())
        scores = float((units * ((events - mean) / (1.0 + alpha * mean)) ** 2).sum())
        parts.append(scores / information**2 if variance == "robust" else 1.0 / information)
    shares = np.array(parts)[:, None]
    estimate = np.array([math.log(rates[1]) - math.log(rates[0])])
    if variance == "model":
        log_ratio = LogRatios(estimate, shares.sum(axis=0), np.array([np.inf]))
    else:
        with np.errstate(all="ignore"):  # no variation is refused by the caller
            shares = shares * (n / (n - 1.0))
            log_ratio = LogRatios(estimate, shares.sum(axis=0), welch_df(shares, n))
    return NegativeBinomialFit((rates[0], rates[1]), alpha, log_ratio)


def _dispersion(arms: list[Floats]) -> float:
    """Return alpha at which the profile likelihood is highest, 0 if it falls from the start."""
    from scipy import optimize

    def slope(log_alpha: float) -> float:
        alpha = math.exp(log_alpha)
        return sum(_slope(arm, _rate(arm, alpha), alpha) for arm in arms)

    start = 0.0
    for arm in arms:
        events, exposure, units = arm
        mean = _rate(arm, 0.0) * exposure
        start += float((units * ((events - mean) ** 2 - events)).sum())
    low = -20.0
    if start <= 0.0 or slope(low) <= 0.0:
        return 0.0
    high = math.log(_LARGEST)
    if slope(high) >= 0.0:
        return _LARGEST
    return math.exp(optimize.brentq(slope, low, high, xtol=1e-13, rtol=1e-14))


def _slope(arm: Floats, rate: float, alpha: float) -> float:
    """Return the derivative of the log likelihood of one arm with respect to alpha."""
    events, exposure, units = arm
    t = alpha * rate * exposure
    # log(1 + t) - t / (1 + t), which is t^2 / 2 to first order
    small = t < 1e-2
    series = sum((-1.0) ** m * (m - 1.0) / m * t**m for m in range(2, 12))
    bend = np.where(small, series, np.log1p(t) - t / (1.0 + t)) / (alpha * alpha)
    rest = events * rate * exposure / (1.0 + t)
    return float((units * (_steps(events, alpha) + bend - rest)).sum())


def _steps(events: Floats, alpha: float) -> Floats:
    """Return sum of j / (1 + alpha j) for j below each number of events."""
    largest = float(events.max())
    if largest <= _MOST_EVENTS:
        j = np.arange(largest)
        sums = np.concatenate([[0.0], np.cumsum(j / (1.0 + alpha * j))])
        return np.asarray(sums[events.astype(np.int64)])
    inverse = 1.0 / alpha
    digammas = special.digamma(events + inverse) - special.digamma(inverse)
    return np.asarray(inverse * (events - inverse * digammas))


def _rate(arm: Floats, alpha: float) -> float:
    """Return the rate at which sum (y - r T) / (1 + alpha r T) is 0; it falls with r."""
    events, exposure, units = arm
    plain = float((units * events).sum() / (units * exposure).sum())
    if alpha == 0.0 or float(np.ptp(exposure)) == 0.0:
        return plain
    from scipy import optimize

    def slope(log_rate: float) -> float:
        mean = math.exp(log_rate) * exposure
        return float((units * (events - mean) / (1.0 + alpha * mean)).sum())

    # the root lies between the smallest and the largest rate of a unit
    rates = events / exposure
    high = math.log(float(rates.max()))
    low = math.log(float(rates[rates > 0.0].min())) - 1.0
    while slope(low) < 0.0:
        low -= 2.0
    if slope(high) >= 0.0:
        return math.exp(high)
    return math.exp(optimize.brentq(slope, low, high, xtol=1e-14, rtol=1e-14))
