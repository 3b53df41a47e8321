"""Maximum likelihood of positive parameters: on their logarithms, from several starts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from abtest.stats.moments import Floats

LARGEST_LOG = 9.0
"""Parameters lie between exp(-9) and exp(9) in units of the data's own scale."""
_STEP = 1e-4
"""Of logarithms, for second derivatives from first ones."""
_DECREMENT = 1e-8
"""A maximum is closer than this in log likelihood."""
_CONDITION = 1e-9
"""Smallest eigenvalue over the largest of a matrix that is inverted."""

LogLikelihood = Callable[[Floats], tuple[float, Floats]]
"""From parameters to the log likelihood and its derivatives by each parameter."""


@dataclass(frozen=True, eq=False)
class Maximum:
    """Where a likelihood is highest.

    Attributes
    ----------
    parameters
        Shape (k,).
    log_likelihood
        There.
    covariance
        Inverse of the observed information; None where that is no maximum inside the range.
    """

    parameters: Floats
    log_likelihood: float
    covariance: Floats | None


def maximum(likelihood: LogLikelihood, starts: Sequence[Sequence[float]]) -> Maximum:
    """Return where a likelihood of positive parameters is highest.

    From every start by L-BFGS-B on the logarithms; the best of them by Newton's steps until the
    next would gain less than 1e-8.

    Parameters
    ----------
    likelihood
        With parameters of the order of 1.
    starts
        Parameters to start from.
    """
    from scipy import optimize

    def falling(logs: Floats) -> tuple[float, Floats]:
        parameters = np.exp(logs)
        value, slopes = likelihood(parameters)
        return -value, -slopes * parameters

    scale = max(1.0, abs(falling(np.log(np.asarray(starts[0])))[0]))
    edges = [(-LARGEST_LOG, LARGEST_LOG)] * len(starts[0])
    best: Floats | None = None
    lowest = np.inf
    for start in starts:
        found = optimize.minimize(
            lambda logs: tuple(part / scale for part in falling(logs)),
            np.clip(np.log(np.asarray(start)), -LARGEST_LOG + 1.0, LARGEST_LOG - 1.0),
            jac=True,
            method="L-BFGS-B",
            bounds=edges,
            options={"maxiter": 2_000, "ftol": 1e-14, "gtol": 1e-10},
        )
        if found.fun < lowest:
            best, lowest = np.asarray(found.x), float(found.fun)
    assert best is not None
    logs, curvature = _polished(falling, best)
    parameters = np.exp(logs)
    covariance = None
    if curvature is not None:
        covariance = np.linalg.inv(curvature) * np.outer(parameters, parameters)
    return Maximum(parameters, -falling(logs)[0], covariance)


def _polished(
    falling: Callable[[Floats], tuple[float, Floats]], logs: Floats
) -> tuple[Floats, Floats | None]:
    """Return the place after Newton's steps, and the second derivatives if it is a minimum."""
    for _ in range(30):
        value, slopes = falling(logs)
        curvature = _curvature(falling, logs)
        if (np.abs(logs) > LARGEST_LOG - 0.01).any() or not _is_curved(curvature):
            return logs, None
        step = np.linalg.solve(curvature, slopes)
        if float(slopes @ step) / 2.0 < _DECREMENT:
            return logs, curvature
        shorter = 1.0
        while falling(logs - shorter * step)[0] > value and shorter > 1e-6:
            shorter /= 2.0
        logs = np.clip(logs - shorter * step, -LARGEST_LOG, LARGEST_LOG)
    return logs, None


def _curvature(falling: Callable[[Floats], tuple[float, Floats]], logs: Floats) -> Floats:
    rows = []
    for place in range(logs.size):
        step = np.zeros(logs.size)
        step[place] = _STEP
        rows.append((falling(logs + step)[1] - falling(logs - step)[1]) / (2.0 * _STEP))
    table = np.stack(rows)
    return np.asarray((table + table.T) / 2.0)


def _is_curved(curvature: Floats) -> bool:
    """Return whether the matrix is positive definite, and far enough from not being it."""
    if not np.isfinite(curvature).all():
        return False
    values = np.linalg.eigvalsh(curvature)
    return bool(values[0] > _CONDITION * values[-1])
