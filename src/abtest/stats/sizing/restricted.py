"""Variances under a hypothesis: the most likely arms that differ exactly by a bound.

Arrays of shape (r,); `treated` is the share of the treatment arm among the two.
"""

from __future__ import annotations

import numpy as np

from abtest.stats.moments import Floats


def proportions_apart(p0: Floats, p1: Floats, treated: Floats, bound: float) -> Floats:
    """Return the control proportion if treatment - control is `bound`, near expected p0 and p1.

    The root of the likelihood equation in range (Farrington & Manning 1990, Stat. Med. 9, 1447),
    as `abtest.stats.proportions.score` has it for counts.
    """
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
    return np.clip(root, max(0.0, -bound), min(1.0, 1.0 - bound))


def proportions_in_ratio(p0: Floats, p1: Floats, treated: Floats, ratio: float) -> Floats:
    """Return the control proportion if treatment is `ratio` times control.

    Farrington & Manning (1990); Miettinen & Nurminen (1985).
    """
    control = 1.0 - treated
    x0, x1 = control * p0, treated * p1
    middle = treated * ratio + x1 + control + x0 * ratio
    root = np.sqrt(np.maximum(middle * middle - 4.0 * ratio * (x0 + x1), 0.0))
    return np.minimum(2.0 * (x0 + x1) / (middle + root), min(1.0, 1.0 / ratio))


def rates_apart(r0: Floats, r1: Floats, treated: Floats, bound: float) -> Floats:
    """Return the control rate if treatment - control is `bound`, of Poisson counts.

    The positive root of r^2 + (bound - R) r - w0 r0 bound = 0, R the pooled rate.
    """
    pooled = (1.0 - treated) * r0 + treated * r1
    half = 0.5 * (pooled - bound)
    root = half + np.sqrt(half * half + (1.0 - treated) * r0 * bound)
    return np.maximum(root, max(0.0, -bound))


def rates_in_ratio(r0: Floats, r1: Floats, treated: Floats, ratio: float) -> Floats:
    """Return the control rate if treatment is `ratio` times control (Gu et al. 2008)."""
    return ((1.0 - treated) * r0 + treated * r1) / (1.0 - treated + treated * ratio)
