"""Score statistics of two proportions, on numbers or arrays, against any bound."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from abtest.stats.moments import Floats

Numbers: TypeAlias = float | Floats
"""A number, or one for each of many tables."""
Counts: TypeAlias = tuple[Numbers, Numbers, Numbers, Numbers]
"""Successes and units of control, then of treatment."""

_MOST_STEPS = 60
_NEAR = 1e-8
"""Relative length of the last Newton step, after which the share has all its digits."""
_LAST_DIGIT = 4e-16


def difference_scores(counts: Counts, bound: Numbers, *, corrected: bool) -> Floats:
    """Return the score statistic of the difference against `bound`; it falls with the bound.

    (d - bound) / sqrt(c (p0 q0 / n0 + p1 q1 / n1)) with p0, p1 the most likely proportions that
    differ by the bound, and c = N / (N - 1) with `corrected` (Miettinen & Nurminen 1985, Stat.
    Med. 4, 213), c = 1 without (Mee 1984, Biometrics 40, 1175). At 0 and without correction it is
    the pooled z statistic. 0 where the data leave no variance and no distance.
    """
    x0, n0, x1, n1 = (np.asarray(count, dtype=np.float64) for count in counts)
    bounds = np.asarray(bound, dtype=np.float64)
    # arms swapped for bounds below 0, and failures counted for successes where those are fewer:
    # then both shares are next to 0 rather than to 1 where they are rare, and keep their digits
    rise, swapped = np.abs(bounds), bounds < 0.0
    x0, x1 = np.where(swapped, x1, x0), np.where(swapped, x0, x1)
    n0, n1 = np.where(swapped, n1, n0), np.where(swapped, n0, n1)
    mirrored = _slope_in_the_middle(x0, n0, x1, n1, rise) > 0.0
    x0, x1 = np.where(mirrored, n1 - x1, x0), np.where(mirrored, n0 - x0, x1)
    n0, n1 = np.where(mirrored, n1, n0), np.where(mirrored, n0, n1)
    p0 = _constrained_control(x0, n0, x1, n1, rise)
    variance = p0 * (1.0 - p0) / n0 + (p0 + rise) * (1.0 - rise - p0) / n1
    score = _standardised(x1 / n1 - x0 / n0 - rise, variance * _factor(n0 + n1, corrected))
    return np.where(swapped, -score, score)


def ratio_scores(
    counts: Counts, ratio: Numbers, *, corrected: bool, relative: Numbers | None = None
) -> Floats:
    """Return the score statistic of the risk ratio against `ratio` > 0; it falls with the ratio.

    (p1^ - ratio p0^) / sqrt(c (p1 q1 / n1 + ratio^2 p0 q0 / n0)) with p0 and p1 = ratio p0 the
    most likely proportions of that ratio (Miettinen & Nurminen 1985; without the
    correction c it is Koopman 1984, Biometrics 40, 513). At ratio 1 it is the statistic of a
    difference of 0. `relative` is ratio - 1 where that is known to more digits.
    """
    x0, n0, x1, n1 = (np.asarray(count, dtype=np.float64) for count in counts)
    r = np.asarray(ratio, dtype=np.float64)
    more = r - 1.0 if relative is None else np.asarray(relative, dtype=np.float64)
    f0, f1, successes = n0 - x0, n1 - x1, x0 + x1
    # N r p0^2 - (r (n1 + x0) + n0 + x1) p0 + x0 + x1 = 0, smaller root; the discriminant is a sum
    # of what is not negative, so that neither it nor the root cancels
    root = np.sqrt((more * (n1 + x0) + f1 - f0) ** 2 + 4.0 * r * f0 * f1)
    scale = r * (n1 + x0) + n0 + x1 + root
    p1 = 2.0 * r * successes / scale
    # the failures of their own: next to 1, 1 - p would have lost its digits
    e0, e1 = f0 + f1 + more * (n1 + x0), f0 + r * f1 - more * successes
    with np.errstate(all="ignore"):  # the form that is not taken may divide by 0
        q0 = np.where(e0 >= 0.0, root + e0, -4.0 * more * f0 * successes / (root - e0)) / scale
        q1 = np.where(e1 >= 0.0, root + e1, 4.0 * r * more * f1 * successes / (root - e1)) / scale
    variance = p1 * (q1 / n1 + r * q0 / n0)
    s0, s1 = x0 / n0, x1 / n1
    mostly = (s0 + s1 > 1.0) & (more > -0.5)
    distance = np.where(mostly, f0 / n0 - f1 / n1 - more * s0, s1 - r * s0)
    return _standardised(distance, variance * _factor(n0 + n1, corrected))


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


def _slope_in_the_middle(x0: Floats, n0: Floats, x1: Floats, n1: Floats, rise: Floats) -> Floats:
    """Return a number with the sign of the likelihood's slope halfway between its two ends."""
    return x0 - (n1 - x1) + (1.0 - rise) / (1.0 + rise) * (x1 - (n0 - x0))


def _constrained_control(x0: Floats, n0: Floats, x1: Floats, n1: Floats, rise: Floats) -> Floats:
    """Return the most likely control proportion if treatment - control is `rise` >= 0.

    The likelihood equation x0 / p + x1 / (p + rise) = k, with k = f0 / (1 - p) + f1 / (1 - rise
    - p) of the failures f, is a cubic with one root in range (Miettinen & Nurminen 1985;
    Farrington & Manning 1990, Stat. Med. 9, 1447). Its trigonometric solution loses up to all
    digits where successes are rare. Times p it is the zero of a concave function, to which
    Newton steps from above can only fall, and cannot pass it. They start at the root of the
    quadratic that k of p = 0 makes of it: k hardly depends on p in the lower half of the range.
    The root must lie in that half.
    """
    successes, f0, f1 = x0 + x1, n0 - x0, n1 - x1
    width = np.maximum(1.0 - rise, 0.0)
    with np.errstate(all="ignore"):  # without width there is no choice, and 0 / 0
        k = f0 + f1 / width
        middle = successes - k * rise
        root = np.sqrt(middle * middle + 4.0 * k * x0 * rise)
        start = np.where(
            middle > 0.0, (middle + root) / (2.0 * k), 2.0 * x0 * rise / (root - middle)
        )
        p = np.fmin(np.where(root > 0.0, start, 0.0), 0.5 * width)
        for _ in range(_MOST_STEPS):
            k1, k0, k = x1 / (p + rise), f0 / (1.0 - p), f1 / (width - p)
            value = x0 + p * (k1 - k0 - k)
            slope = k1 * rise / (p + rise) - k0 / (1.0 - p) - k * width / (width - p)
            better = np.fmin(np.fmax(p - value / slope, 0.0), p)  # but for the last digit
            step, p = p - better, better
            if not (step > _NEAR * p + _LAST_DIGIT * rise).any():
                break
    return np.where(rise == 0.0, successes / (n0 + n1), np.where(width > 0.0, p, 0.0))


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
