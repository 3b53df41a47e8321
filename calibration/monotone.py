"""A function that rises with every coordinate, computed only where its neighbours do not tell."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from abtest.stats.moments import Floats


def between(
    places: Floats, value: Callable[[int], float], limits: tuple[Floats, Floats], guesses: Floats
) -> NDArray[np.bool_]:
    """Return where a function is between its limits, ends included.

    It is at least what it was at a place all of whose coordinates are smaller, and at most what
    it was where all are larger: of thousands of places some dozen near the limits are computed.

    Parameters
    ----------
    places
        Coordinates with each of which the function rises, or at least does not fall, shape (k, n).
    value
        From the number of a place to the function there.
    limits
        Lower and upper limit at every place.
    guesses
        Roughly the function at every place. Those nearest to a limit are computed first; the
        answer does not depend on them.
    """
    low, high = limits
    least, most = np.full(places.shape[1], -np.inf), np.full(places.shape[1], np.inf)
    gaps = np.minimum(np.abs(guesses - low), np.abs(guesses - high))
    for i in np.argsort(gaps, kind="stable"):
        outside = most[i] < low[i] or least[i] > high[i]
        if outside or (least[i] >= low[i] and most[i] <= high[i]):
            continue
        found = value(int(i))
        above = (places >= places[:, i, None]).all(axis=0)
        below = (places <= places[:, i, None]).all(axis=0)
        least[above] = np.maximum(least[above], found)
        most[below] = np.minimum(most[below], found)
    return np.asarray((least >= low) & (most <= high))
