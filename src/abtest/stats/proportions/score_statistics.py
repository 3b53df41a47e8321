"""Score statistics of two proportions, on numbers or arrays, against any bound."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from abtest.stats.moments import Floats

Numbers: TypeAlias = float | Floats
"""A number, or one for each of many tables."""
Counts: TypeAlias = tuple[Numbers, Numbers, Numbers, Numbers]
"""Successes and units of control, then of treatment."""


def difference_scores(counts: Counts, bound: Numbers, *, corrected: bool) -> Floats:
    """Return the score statistic of the difference against `bound`; it falls with the bound.

    (d - bound) / sqrt(c (p0 q0 / n0 + p1 q1 / n1)) with p0, p1 the most likely proportions that
    differ by the bound, and c = N / (N - 1) with `corrected` (Miettinen & Nurminen 1985, Stat.
    Med. 4, 213), c = 1 without (Mee 1984, Biometrics 40, 1175). At 0 and without correction it is
    the pooled z statistic. 0 where the data leave no variance and no distance.
    """
    x0, n0, x1, n1 = (np.asarray(count, dtype=np.float64) for count in counts)
    bounds = np.asarray(bound, dtype=np.float64)
    p0 = _constrained_control(x0, n0, x1, n1, bounds)
    p1 = np.clip(p0 + bounds, 0.0, 1.0)
    variance = p0 * (1.0 - p0) / n0 + p1 * (1.0 - p1) / n1
    return _standardised(x1 / n1 - x0 / n0 - bounds, variance * _factor(n0 + n1, corrected))


def ratio_scores(counts: Counts, ratio: Numbers, *, corrected: bool) -> Floats:
    """Return the score statistic of the risk ratio against `ratio` > 0; it falls with the ratio.

    (p1^ - ratio p0^) / sqrt(c (p1 q1 / n1 + ratio^2 p0 q0 / n0)) with p0 and p1 = ratio p0 the
    most likely proportions of that ratio (Miettinen & Nurminen 1985; without the
    correction c it is Koopman 1984, Biometrics 40, 513). At ratio 1 it is the statistic of a
    difference of 0.
    """
    x0, n0, x1, n1 = (np.asarray(count, dtype=np.float64) for count in counts)
    r = np.asarray(ratio, dtype=np.float64)
    # N r p0^2 - (a + b) p0 + (x0 + x1) = 0, smaller root; the discriminant is a sum of what is
    # not negative, so that neither it nor the root cancels
    a, b = r * (n1 + x0), n0 + x1
    root = np.sqrt((a - b) ** 2 + 4.0 * r * (n0 - x0) * (n1 - x1))
    p0 = np.minimum(np.minimum(2.0 * (x0 + x1) / (a + b + root), 1.0), 1.0 / r)
    p1 = np.minimum(r * p0, 1.0)
    variance = p1 * (1.0 - p1) / n1 + r * p1 * (1.0 - p0) / n0
    return _standardised(x1 / n1 - r * (x0 / n0), variance * _factor(n0 + n1, corrected))


def odds_scores(counts: Counts, ratio: Numbers, *, corrected: bool) -> Floats:
    """Return the score statistic of the odds ratio against `ratio` > 0; it falls with the ratio.

    n1 (p1^ - p1) sqrt((1 / (n1 p1 q1) + 1 / (n0 p0 q0)) / c) with p0, p1 the most likely
    proportions of that odds ratio (Miettinen & Nurminen 1985; without the correction c
    it is Cornfield's statistic of 1956). At ratio 1 it is the statistic of a difference of 0.
    """
    x0, n0, x1, n1 = (np.asarray(count, dtype=np.float64) for count in counts)
    r = np.asarray(ratio, dtype=np.float64)
    m = x0 + x1
    p0 = _positive_root(n0, n1, m, r)
    q0 = _positive_root(n0, n1, n0 + n1 - m, 1.0 / r)  # of the failures, without 1 - p0
    with np.errstate(all="ignore"):  # 0 / 0 where nobody or everybody succeeded: no information
        p1 = p0 * r / (q0 + r * p0)
        q1 = q0 / (q0 + r * p0)
        inverse = 1.0 / (n1 * p1 * q1) + 1.0 / (n0 * p0 * q0)
        distance = _distance(((x1, n1 * p1), (n1 - x1, n1 * q1), (x0, n0 * p0), (n0 - x0, n0 * q0)))
        score = distance * np.sqrt(inverse / _factor(n0 + n1, corrected))
    return np.where((m == 0.0) | (m == n0 + n1), 0.0, score)


def _distance(cells: tuple[tuple[Floats, Floats], ...]) -> Floats:
    """Return observed less expected successes of treatment: all four cells differ by that.

    Taken from the smallest cell, in which it cancels least.
    """
    signs = (1.0, -1.0, -1.0, 1.0)
    size = np.stack([np.broadcast_arrays(np.maximum(*cell), cells[0][1])[0] for cell in cells])
    apart = np.stack(
        [
            np.broadcast_arrays(sign * (seen - hoped), cells[0][1])[0]
            for sign, (seen, hoped) in zip(signs, cells, strict=True)
        ]
    )
    return np.asarray(np.take_along_axis(apart, size.argmin(axis=0)[None], axis=0)[0])


def _constrained_control(x0: Floats, n0: Floats, x1: Floats, n1: Floats, bound: Floats) -> Floats:
    """Return the most likely control proportion if treatment - control is `bound`.

    The likelihood equation is a cubic with one root in range (Miettinen & Nurminen 1985;
    Farrington & Manning 1990, Stat. Med. 9, 1447). Its trigonometric solution loses
    up to half of the digits where successes are rare; Newton steps on the likelihood equation
    itself bring them back.
    """
    low, high = np.maximum(0.0, -bound), np.minimum(1.0, 1.0 - bound)
    total = n0 + n1
    l2 = (n1 + 2.0 * n0) * bound - total - (x0 + x1)
    l1 = (n0 * bound - total - 2.0 * x0) * bound + x0 + x1
    l0 = x0 * bound * (1.0 - bound)
    q = l2**3 / (3.0 * total) ** 3 - l1 * l2 / (6.0 * total**2) + l0 / (2.0 * total)
    p = np.sqrt(np.maximum(l2**2 / (3.0 * total) ** 2 - l1 / (3.0 * total), 0.0))
    p = np.copysign(p, q)
    with np.errstate(all="ignore"):  # p of 0 and proportions of 0 or 1 are left as they are
        cosine = np.where(p == 0.0, 0.0, np.clip(q / p**3, -1.0, 1.0))
        angle = (np.pi + np.arccos(cosine)) / 3.0
        p0 = np.clip(2.0 * p * np.cos(angle) - l2 / (3.0 * total), low, high)
        for _ in range(2):
            p1 = p0 + bound
            slope = x0 / p0**2 + (n0 - x0) / (1.0 - p0) ** 2
            slope += x1 / p1**2 + (n1 - x1) / (1.0 - p1) ** 2
            score = x0 / p0 - (n0 - x0) / (1.0 - p0) + x1 / p1 - (n1 - x1) / (1.0 - p1)
            better = p0 + score / slope
            p0 = np.where((better > low) & (better < high), better, p0)
    return np.where(bound == 0.0, (x0 + x1) / total, p0)


def _positive_root(n0: Floats, n1: Floats, m: Floats, ratio: Floats) -> Floats:
    """Return p0 with n0 p0 + n1 p1 = m and odds p1 : odds p0 = `ratio`."""
    middle = ratio * (n1 - m) + n0 + m
    squares = (n0 - m) ** 2 + (ratio * (n1 - m)) ** 2
    root = np.sqrt(squares + 2.0 * ratio * (n0 * n1 + m * (n0 + n1 - m)))
    with np.errstate(all="ignore"):  # the form that is not taken may divide by 0
        return np.where(
            middle > 0.0, 2.0 * m / (middle + root), (root - middle) / (2.0 * n0 * (ratio - 1.0))
        )


def _factor(total: Floats, corrected: bool) -> Numbers:
    return total / (total - 1.0) if corrected else 1.0


def _standardised(distance: Floats, variance: Floats) -> Floats:
    with np.errstate(all="ignore"):  # without variance the sign of the distance decides
        infinite = np.where(np.abs(distance) < 1e-15, 0.0, np.copysign(np.inf, distance))
        return np.where(variance > 0.0, distance / np.sqrt(variance), infinite)
