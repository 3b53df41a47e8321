"""Grambsch and Therneau's test whether a hazard ratio is the same at all times."""

from __future__ import annotations

from typing import Literal

import numpy as np

from abtest.stats.moments import Floats
from abtest.stats.results import Test
from abtest.stats.survival.cox import HazardRows, Partial
from abtest.stats.tails import chi_square_test

Transform = Literal["km", "identity"]
"""The scale of time on which a trend of the ratio is looked for."""


def proportionality_tests(
    rows: HazardRows, found: Partial, transform: Transform
) -> tuple[Test, ...]:
    """Return the tests of each value of the rows, and of all together.

    With coefficients b + c g(t), the score of c at c = 0 is sum g u over the times of events, u
    the score of each; its variance is what the information of b leaves of sum g^2 V (Grambsch &
    Therneau 1994, Biometrika 81, 515, the score form that R's ``cox.zph`` has used since 2019).
    Where nothing varies over the transformed time, as with one time of events, p is 1.
    """
    moved = _centred(rows, transform)
    score = moved @ found.score
    whole = found.information.sum(axis=0)
    crossed = np.einsum("t,tij->ij", moved, found.information)
    own = np.einsum("t,tij->ij", moved * moved, found.information)
    explained = np.linalg.solve(whole, crossed)
    left = own - crossed.T @ explained
    tests = [
        chi_square_test(_over(score[i] ** 2, left[i, i], own[i, i]), 1) for i in range(score.size)
    ]
    together = 0.0
    if np.linalg.matrix_rank(left, tol=1e-10 * max(float(np.abs(own).max()), 1e-300)) == len(left):
        together = max(float(score @ np.linalg.solve(left, score)), 0.0)
    return (*tests, chi_square_test(together, score.size))


def _over(square: float, variance: float, size: float) -> float:
    """Return the statistic, 0 where the variance is the rounding of none."""
    return float(square / variance) if variance > 1e-10 * size else 0.0


def _centred(rows: HazardRows, transform: Transform) -> Floats:
    """Return the transformed times of events, centred at their mean and at most 1 in size."""
    if transform == "km":
        after = np.cumprod(1.0 - np.minimum(rows.events / rows.at_risk, 1.0))
        scale = 1.0 - np.concatenate([[1.0], after[:-1]])
    else:
        scale = rows.times / max(float(rows.times[-1]), np.finfo(np.float64).tiny)
    centred = scale - np.average(scale, weights=rows.events)
    largest = float(np.abs(centred).max())
    return np.asarray(centred / largest if largest > 0.0 else centred)
