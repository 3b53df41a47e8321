"""Integrals of positive functions known by their logarithm: exact far into the tails."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import special

from abtest.stats.moments import Floats
from abtest.stats.not_estimable import NotEstimable

LogIntegrands = Callable[[Floats], Floats]
"""From places, shape (n,), to logarithms of q functions there, shape (q, n)."""

NODES, WEIGHTS = special.roots_legendre(16)
_NEGLIGIBLE = 45.0
"""Below exp(-45) of the largest part a part of an integral is left out."""
_STEEPEST, _MOST_BENT = 16.0, 2.0
"""So far 16 nodes integrate exp(logarithm) over one panel to 14 digits."""
_WIDEST = 3.0
"""So many times as wide as one of its neighbours a panel may be."""
_ROUNDS = 80


def log_integrals(integrands: LogIntegrands, places: Floats) -> Floats:
    """Return logarithms of the integrals of q functions over one interval, shape (q,).

    Gauss-Legendre quadrature on panels that are halved until every function is nearly
    log-linear on each of them. The functions met here are log-concave in the coordinate they are
    integrated over (products of log-concave densities, distribution and survival functions), so
    that such panels cannot step over a peak. Working with logarithms keeps the digits of
    probabilities of any size. Nothing is drawn: the same data always give the same answer.

    Parameters
    ----------
    integrands
        Logarithms of functions above 0; -inf for 0.
    places
        At least two places; the first and last are the ends of the interval, those between are
        where it is divided to begin with. Where a function turns within a step much shorter than
        the interval, and little, there have to be some.

    Raises
    ------
    NotEstimable
        If there is nothing between the places that double precision can tell apart.

    Examples
    --------
    >>> from scipy import special
    >>> normal = lambda t: -0.5 * t[None, :] ** 2
    >>> round(float(np.exp(log_integrals(normal, np.array([-40.0, 1.0, 40.0])))[0]) ** 2, 12)
    6.28318530718
    """
    left, right = _panels(integrands, places)
    half = 0.5 * (right - left)
    nodes = (left + half)[:, None] + half[:, None] * NODES
    values = integrands(nodes.ravel())
    weights = np.log(half)[:, None] + np.log(WEIGHTS)
    return log_sum(values + weights.ravel())


def log_sum(values: Floats) -> Floats:
    """Return log(sum(exp(values))) along the last axis; -inf where all are.

    Examples
    --------
    >>> round(float(np.exp(log_sum(np.log([[0.25, 0.5]])))[0]), 6)
    0.75
    """
    largest = np.max(values, axis=-1, keepdims=True, initial=-np.inf)
    shift = np.where(np.isfinite(largest), largest, 0.0)
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(np.exp(values - shift).sum(axis=-1)) + shift[..., 0])


def _panels(integrands: LogIntegrands, places: Floats) -> tuple[Floats, Floats]:
    """Return the ends of the panels on which the functions are worth integrating."""
    grid = _graded(np.unique(places))
    if grid.size < 2:
        raise NotEstimable(
            "not_finite",
            "Prior and data are too far apart for double precision",
            todo="Check the unit of the values and of the prior.",
        )
    logs = integrands(grid)
    left, right, at_left, at_right = grid[:-1], grid[1:], logs[:, :-1], logs[:, 1:]
    settled = np.full((len(logs), 1), -np.inf)  # the largest of panels that are done
    found: list[tuple[Floats, Floats]] = []
    for last in range(_ROUNDS, -1, -1):
        middle = left + 0.5 * (right - left)
        inner = integrands(middle)
        ends = np.stack([at_left, inner, at_right])
        size = ends.max(axis=0) + np.log(right - left)
        largest = np.maximum(settled, size.max(axis=1, keepdims=True))
        matters = (size >= largest - _NEGLIGIBLE) & np.isfinite(largest)
        # a panel too narrow for a place between its ends cannot be halved
        narrow = (middle <= left) | (middle >= right)
        split = (matters & _rough(ends)).any(axis=0) & ~narrow & (last > 0)
        kept = matters.any(axis=0) & ~split
        found.append((left[kept], right[kept]))
        settled = np.maximum(settled, size[:, kept].max(axis=1, keepdims=True, initial=-np.inf))
        if not split.any():
            break
        left, right = (
            np.concatenate([left[split], middle[split]]),
            np.concatenate([middle[split], right[split]]),
        )
        at_left, at_right = (
            np.concatenate([at_left[:, split], inner[:, split]], axis=1),
            np.concatenate([inner[:, split], at_right[:, split]], axis=1),
        )
    lefts, rights = zip(*found, strict=True)
    return np.concatenate(lefts), np.concatenate(rights)


def _graded(grid: Floats) -> Floats:
    """Halve panels beside much narrower ones.

    A function may bend without end at a place, or just outside of it: panels there have to
    become wider step by step, or 16 nodes miss what happens at their end.
    """
    for _ in range(_ROUNDS):
        widths = np.pad(np.diff(grid), 1, constant_values=np.inf)
        wide = widths[1:-1] > _WIDEST * np.minimum(widths[:-2], widths[2:])
        if not wide.any():
            break
        grid = np.sort(np.concatenate([grid, grid[:-1][wide] + 0.5 * widths[1:-1][wide]]))
    return grid


def _rough(ends: Floats) -> NDArray[np.bool_]:
    """Return where the logarithms at ends and middles are too steep, or too far from straight."""
    with np.errstate(invalid="ignore"):  # -inf less -inf: nothing there to halve for
        slope = np.abs(ends[2] - ends[0])
        bend = np.abs(ends[1] - 0.5 * (ends[0] + ends[2]))
    highest = ends.max(axis=0)
    rounding = 1e-12 * np.abs(highest)  # where the logarithm is large itself
    straight = (slope < _STEEPEST + rounding) & (bend < _MOST_BENT + rounding)
    return np.asarray(~straight & np.isfinite(highest))
