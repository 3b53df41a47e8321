"""Variances under a hypothesis: the most likely arms that differ exactly by a bound.

Arrays of shape (r,); `treated` is the share of the treatment arm among the two.
"""

from __future__ import annotations

import numpy as np

from abtest.stats.moments import Floats

_RARE = 1e-3
"""Proportions that are Poisson rates but for a thousandth."""


def proportions_apart(p0: Floats, p1: Floats, treated: Floats, bound: float) -> Floats:
    """Return the control proportion if treatment - control is `bound`, near expected p0 and p1.

    The root of the likelihood equation in range (Farrington & Manning 1990, Stat. Med. 9, 1447),
    as `abtest.stats.proportions.score` has it for counts.
    """
    if bound == 0.0:
        return np.asarray((1.0 - treated) * p0 + treated * p1)
    common = np.asarray(p0 + p1 > 1.0)  # then failures are rarer, and can be told apart from 0
    turned = np.where(common, -bound, bound)
    q0, q1 = np.where(common, 1.0 - p0, p0), np.where(common, 1.0 - p1, p1)
    root = _rare_apart(q0, q1, treated, turned)
    return np.asarray(np.where(common, 1.0 - root, root))


def _rare_apart(p0: Floats, p1: Floats, treated: Floats, bound: Floats) -> Floats:
    """Return the root of `proportions_apart`, which cosines know to 8 decimals, with all digits."""
    control = 1.0 - treated
    x0, x1 = control * p0, treated * p1
    l2 = (treated + 2.0 * control) * bound - 1.0 - (x0 + x1)
    l1 = (control * bound - 1.0 - 2.0 * x0) * bound + x0 + x1
    l0 = x0 * bound * (1.0 - bound)
    q = l2**3 / 27.0 - l1 * l2 / 6.0 + l0 / 2.0
    p = np.copysign(np.sqrt(np.maximum(l2 * l2 / 9.0 - l1 / 3.0, 0.0)), q)
    with np.errstate(divide="ignore", invalid="ignore"):  # p = 0: a triple root
        cosine = np.where(p == 0.0, 0.0, np.clip(q / p**3, -1.0, 1.0))
    root = 2.0 * p * np.cos((np.pi + np.arccos(cosine)) / 3.0) - l2 / 3.0
    low, high = np.maximum(0.0, -bound), np.minimum(1.0, 1.0 - bound)
    rare = (np.maximum(p0, p1) < _RARE) & (np.abs(bound) < 100.0 * _RARE)
    root = np.clip(np.where(rare, rates_apart(p0, p1, treated, bound), root), low, high)
    for _ in range(5):
        value = ((root + l2) * root + l1) * root + l0
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            step = value / ((3.0 * root + 2.0 * l2) * root + l1)
        step = np.where(np.abs(step) <= 1e-6 + 0.5 * root, step, 0.0)
        root = np.clip(root - step, low, high)
    return np.asarray(root)


def proportions_in_ratio(p0: Floats, p1: Floats, treated: Floats, ratio: float) -> Floats:
    """Return the control proportion if treatment is `ratio` times control.

    Farrington & Manning (1990); Miettinen & Nurminen (1985).
    """
    control = 1.0 - treated
    x0, x1 = control * p0, treated * p1
    middle = treated * ratio + x1 + control + x0 * ratio
    root = np.sqrt(np.maximum(middle * middle - 4.0 * ratio * (x0 + x1), 0.0))
    return np.minimum(2.0 * (x0 + x1) / (middle + root), min(1.0, 1.0 / ratio))


def rates_apart(r0: Floats, r1: Floats, treated: Floats, bound: Floats | float) -> Floats:
    """Return the control rate if treatment - control is `bound`, of Poisson counts.

    The positive root of r^2 + (bound - R) r - w0 r0 bound = 0, R the pooled rate.
    """
    pooled = (1.0 - treated) * r0 + treated * r1
    half = 0.5 * (pooled - bound)
    product = (1.0 - treated) * r0 * bound
    far = np.abs(half) + np.sqrt(half * half + product)
    root = np.where(half < 0.0, product / np.where(far > 0.0, far, 1.0), far)  # nothing cancels
    return np.maximum(root, np.maximum(0.0, -bound))


def rates_in_ratio(r0: Floats, r1: Floats, treated: Floats, ratio: float) -> Floats:
    """Return the control rate if treatment is `ratio` times control (Gu et al. 2008)."""
    return ((1.0 - treated) * r0 + treated * r1) / (1.0 - treated + treated * ratio)
