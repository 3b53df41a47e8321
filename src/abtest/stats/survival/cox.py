"""Cox's partial likelihood with Efron's ties, from rows that stand for many units each."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from abtest.stats.moments import Floats
from abtest.stats.not_estimable import NotEstimable

_MOST_STEPS = 50
_FURTHEST = 40.0
"""A log hazard ratio per standard deviation beyond this is on its way to infinity."""


@dataclass(frozen=True, eq=False)
class HazardRows:
    """Distinct rows of units, for sums over those at risk at each time of an event.

    Attributes
    ----------
    place
        Number of distinct times of events up to and with the row's time, shape (r,): the row is
        at risk at so many of them.
    observed
        Whether the row's time is that of its event, shape (r,).
    units
        Units of the row, shape (r,); negative for units that entered at its time, which were not
        at risk until then.
    values
        The arm and the covariates, centred and scaled, shape (r, p).
    times
        Distinct times of events, shape (k,).
    events
        Events at each, shape (k,).
    """

    place: NDArray[np.intp]
    observed: NDArray[np.bool_]
    units: Floats
    values: Floats
    times: Floats
    events: Floats

    @property
    def at_risk(self) -> Floats:
        """Units at risk at each time, shape (k,)."""
        return _tail_sums(self.place, self.units, self.times.size)


@dataclass(frozen=True, eq=False)
class Partial:
    """The partial likelihood at some coefficients.

    `log_likelihood` of all; `score` (k, p) and `information` (k, p, p) of each time of events.
    """

    log_likelihood: float
    score: Floats
    information: Floats


def partial_likelihood(rows: HazardRows, coefficients: Floats) -> Partial:
    """Return Cox's partial likelihood with Efron's treatment of ties, and its derivatives.

    At a time with d events, of which the rows have the weight D of the weight S at risk, Efron's
    factors are S - (l / d) D for l = 0 ... d - 1 (Efron 1977, JASA 72, 557; Klein & Moeschberger
    2003, eq. 8.4.3). With a = d S / D their sums are those of 1 / (a - l) and its square, which
    have a closed form: a day with a million events costs what a day with one does.
    """
    k, p = rows.times.size, rows.values.shape[1]
    linear = rows.values @ coefficients
    weight = rows.units * np.exp(linear - linear.max())
    died = np.flatnonzero(rows.observed)
    here = rows.place[died] - 1
    s0, d0 = _tail_sums(rows.place, weight, k), np.bincount(here, weight[died], k)
    s1, d1, seen = np.zeros((k, p)), np.zeros((k, p)), np.zeros((k, p))
    s2, d2 = np.zeros((k, p, p)), np.zeros((k, p, p))
    for i in range(p):
        value = rows.values[:, i]
        s1[:, i] = _tail_sums(rows.place, weight * value, k)
        d1[:, i] = np.bincount(here, (weight * value)[died], k)
        seen[:, i] = np.bincount(here, (rows.units * value)[died], k)
        for j in range(i + 1):
            product = weight * value * rows.values[:, j]
            s2[:, i, j] = s2[:, j, i] = _tail_sums(rows.place, product, k)
            d2[:, i, j] = d2[:, j, i] = np.bincount(here, product[died], k)
    d = rows.events
    a = np.maximum(d * s0 / d0, d)
    one, two = _inverse_sums(a, d)
    # sums over l of (l / d)^m / (S - l D / d)^r, in that unit
    first, first_tied = one * d / d0, (a * one - d) / d0
    mean = s1 * first[:, None] - d1 * first_tied[:, None]
    square = (d / d0) ** 2 * two
    crossed = (d / d0) ** 2 * (a * two - one) / d
    tied = (a * a * two - 2.0 * a * one + d) / d0**2
    information = (
        s2 * first[:, None, None]
        - d2 * first_tied[:, None, None]
        - _outer(s1, s1) * square[:, None, None]
        + (_outer(s1, d1) + _outer(d1, s1)) * crossed[:, None, None]
        - _outer(d1, d1) * tied[:, None, None]
    )
    factors = d * np.log(d0 / d) + special.gammaln(a + 1.0) - special.gammaln(a - d + 1.0)
    own = float(((linear - linear.max()) * rows.units)[died].sum())
    return Partial(own - float(factors.sum()), seen - mean, information)


def maximised(rows: HazardRows) -> tuple[Floats, Partial]:
    """Return the coefficients of the largest partial likelihood, and that likelihood.

    Raises
    ------
    NotEstimable
        ``separated`` if it grows without end, ``constant`` if it does not depend on them.
    """
    coefficients = np.zeros(rows.values.shape[1])
    found = partial_likelihood(rows, coefficients)
    if not (np.diagonal(found.information.sum(axis=0)) > 1e-12).all():
        raise NotEstimable(
            "constant",
            "At no time with an event could what is compared have differed",
            todo="Look whether both arms were under observation at the same times.",
        )
    for _ in range(_MOST_STEPS):
        try:
            step = np.linalg.solve(found.information.sum(axis=0), found.score.sum(axis=0))
        except np.linalg.LinAlgError:
            break
        taken = np.abs(step).max()
        if not math.isfinite(taken):
            break
        step *= min(1.0, 5.0 / max(taken, 1e-300))
        tolerance = 1e-9 * (1.0 + abs(found.log_likelihood))
        for _half in range(30):
            tried = partial_likelihood(rows, coefficients + step)
            if tried.log_likelihood >= found.log_likelihood - tolerance:
                break
            step = step / 2.0
        coefficients, found = coefficients + step, tried
        if np.abs(coefficients).max() > _FURTHEST:
            break
        if taken < 1e-9:
            return coefficients, found
    raise separated()


def separated() -> NotEstimable:
    """Return the error of a ratio that is 0 or infinite."""
    return NotEstimable(
        "separated",
        "A hazard ratio is 0 or infinite: events come only on one side of what is compared",
        todo="Wait for events on the other side, or leave out the covariate that sorts them.",
    )


def _tail_sums(place: NDArray[np.intp], weights: Floats, k: int) -> Floats:
    """Return at each of k times the sum over rows that are at risk there."""
    sums = np.bincount(place, weights, k + 1).astype(np.float64)
    return np.asarray(np.cumsum(sums[::-1])[::-1][1:])


def _outer(first: Floats, second: Floats) -> Floats:
    return np.asarray(first[:, :, None] * second[:, None, :])


def _inverse_sums(a: Floats, d: Floats) -> tuple[Floats, Floats]:
    """Return the sums of 1 / (a - l) and 1 / (a - l)^2 over l = 0 ... d - 1, for a >= d.

    They are differences of polygamma functions (DLMF 5.5.2, 5.15.1); where those cancel, of
    their expansions around half-integers (DLMF 5.11.2 and 2.10.1).
    """
    low, high = a - d + 0.5, a + 0.5
    far = low > 50.0
    one = np.where(
        far,
        np.log1p(d / low) + _first_rest(high) - _first_rest(low),
        special.digamma(high + 0.5) - special.digamma(low + 0.5),
    )
    two = np.where(
        far,
        d / (low * high) + _second_rest(low) - _second_rest(high),
        special.zeta(2.0, low + 0.5) - special.zeta(2.0, high + 0.5),
    )
    return one, two


def _first_rest(x: Floats) -> Floats:
    """Return digamma(x + 1/2) - log(x), for x above 20."""
    y = 1.0 / (x * x)
    return np.asarray(y * (1.0 / 24.0 - y * (7.0 / 960.0 - y * 31.0 / 8064.0)))


def _second_rest(x: Floats) -> Floats:
    """Return trigamma(x + 1/2) - 1 / x, for x above 20."""
    y = 1.0 / (x * x)
    return np.asarray(-y / x * (1.0 / 12.0 - y * (7.0 / 240.0 - y * 31.0 / 1344.0)))
