"""Step curves with as few corners as the eye can tell apart."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MOST_VERTICES = 300
"""Of one line: an axis is some 530 pixels wide, so that two of them share a column at most."""


def step_vertices(
    times: Floats, values: Floats, *, first: Floats, end: float, most: int = MOST_VERTICES
) -> tuple[Floats, Floats]:
    """Return the corners of step curves from 0 to `end`, thinned where they are closer than pixels.

    With few steps these are the steps. With many, the axis is cut into columns about two pixels
    wide: of each column in which a curve moves its last point is kept, with a corner before it
    where the column to its left is empty. Steps then move by less than two columns, flat parts
    stay flat, and no line has more than `most` corners.

    Parameters
    ----------
    times
        Rising, 0 or later, shape (k,).
    values
        One row per curve, just after each time, shape (m, k).
    first
        The curves before the first time, shape (m,).
    end
        Where the lines stop; later times are left out.
    most
        Corners of one line, at least 8.

    Returns
    -------
    tuple
        Times of the corners, shape (v,), and the curves there, shape (m, v).

    Examples
    --------
    >>> x, y = step_vertices(np.array([2.0]), np.array([[0.5]]), first=np.ones(1), end=3.0)
    >>> x.tolist(), y.tolist()
    ([0.0, 2.0, 2.0, 3.0], [[1.0, 1.0, 0.5, 0.5]])
    """
    inside = times <= end
    x, after = times[inside], values[:, inside]
    before = np.concatenate([first[:, None], after], axis=1)[:, :-1]
    moved = (after != before).any(axis=0)
    x, after, before = x[moved], after[:, moved], before[:, moved]
    last = after[:, -1:] if x.size else first[:, None]
    if 2 * x.size + 2 <= most:
        corners = np.stack([before, after], axis=2).reshape(first.size, -1)
        middle = np.repeat(x, 2)
    else:
        middle, corners = _columns(x, after, before, end, most)
    return (
        np.concatenate([[0.0], middle, [end]]),
        np.concatenate([first[:, None], corners, last], axis=1),
    )


def _columns(
    x: Floats, after: Floats, before: Floats, end: float, most: int
) -> tuple[Floats, Floats]:
    """Return one corner for each column where a curve moves, two where the one before is empty."""
    count = most - 3
    column = np.minimum(x / end * count, count - 1).astype(np.int64)
    opens = np.flatnonzero(np.diff(column, prepend=-1))
    closes = np.concatenate([opens[1:] - 1, [x.size - 1]])
    lonely = np.diff(column[opens], prepend=-1) > 1
    places = np.concatenate([opens[lonely], closes])
    kind = np.concatenate([np.zeros(int(lonely.sum())), np.ones(closes.size)])
    order = np.lexsort((kind, column[places]))
    all_x = x[places][order]
    all_y = np.concatenate([before[:, opens[lonely]], after[:, closes]], axis=1)[:, order]
    return all_x, all_y


def value_at(times: Floats, values: Floats, first: float, wanted: Floats) -> Floats:
    """Return a step curve just after given times.

    Examples
    --------
    >>> value_at(np.array([2.0]), np.array([0.5]), 1.0, np.array([0.0, 2.0, 9.0])).tolist()
    [1.0, 0.5, 0.5]
    """
    rows = np.searchsorted(times, wanted, side="right")
    return np.asarray(np.concatenate([[first], values])[rows])
