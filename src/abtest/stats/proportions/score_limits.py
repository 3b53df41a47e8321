"""Limits of a difference of two proportions: where its score statistic is the critical value."""

from __future__ import annotations

import numpy as np

from abtest.stats.moments import Floats
from abtest.stats.proportions.crossings import zeros
from abtest.stats.proportions.hybrid import hybrid_widths
from abtest.stats.proportions.score_statistics import Counts, Numbers, difference_scores


def difference_limits(counts: Counts, critical: float, *, corrected: bool) -> tuple[Floats, Floats]:
    """Return the lower and the upper limit, of one pair or of many.

    Both are looked for in distances from the estimate, so that they keep their digits however
    small they are. The estimate itself where `critical` is not above 0.

    Parameters
    ----------
    counts
        Successes and units of control, then of treatment; numbers, or of shape (r,).
    critical
        Quantile of the normal distribution.
    corrected
        As in `difference_scores`.
    """
    x0, n0, x1, n1 = np.broadcast_arrays(*(np.asarray(c, dtype=np.float64) for c in counts))
    fewer = x0 / n0 + x1 / n1 > 1.0  # of successes and failures the rarer keep the digits
    estimate = np.where(fewer, (n0 - x0) / n0 - (n1 - x1) / n1, x1 / n1 - x0 / n0)
    if critical <= 0.0:
        return estimate, estimate
    sides = np.stack([np.full(estimate.shape, -1.0), np.ones(estimate.shape)])
    far = 1.0 - sides * estimate
    guess = np.clip(hybrid_widths((x0, n0, x1, n1), 1.0, critical), 1e-18 * far, far)
    every = np.broadcast_arrays(sides, guess, far, estimate, x0, n0, x1, n1)
    open_ = far > 0.0  # an estimate of -1 or 1 is its own limit on that side
    rows = tuple(part[open_] for part in every)

    def excess(place: Floats, *of: Floats) -> Floats:
        side, start, some = of[0], of[3], (of[4], of[5], of[6], of[7])
        bound = np.where(place < 1.0, start + side * _distance(place, of[1], of[2]), side)
        score = -side * difference_scores(some, bound, corrected=corrected)
        # infinite at -1 and 1; at the estimate its rounding may exceed a tiny critical value
        return np.where(place > 0.0, np.minimum(score / critical - 1.0, 1.0), -1.0)

    limits = estimate + 0.0 * sides
    limits[open_] += rows[0] * _distance(zeros(excess, rows), rows[1], rows[2])
    limits = np.clip(limits, -1.0, 1.0)
    return limits[0], limits[1]


def _distance(place: Numbers, guess: Floats, far: Floats) -> Floats:
    """Return distances from 0 to `far` for places from 0 to 1, with the guess next to one half.

    Newcombe's limits are the guess: they are near, also where only one arm is large.
    """
    return place * guess / (1.0 - place + place * guess / far)
