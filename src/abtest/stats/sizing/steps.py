"""The detectable effect of a design whose effects are steps: the nearest that has the power."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from abtest.stats.moments import Floats
from abtest.stats.sizing.request import Request


def smallest_step(request: Request, totals: Floats) -> Floats:
    """Return for each number of units the nearest step with the power, NaN where none has.

    Steps are looked up from the hypothesis in the good direction; for equivalence the farthest
    one that is still shown to be within the margins, from no effect on.
    """
    design = request.design
    assert design.steps is not None
    scale = float(np.abs(np.asarray(design.value, float))) if design.relative else 1.0
    equivalent = design.test == "equivalence"
    start = 0.0 if equivalent else design.bounds[0]
    distances = (design.steps / scale - start) * design.sign
    kept = np.flatnonzero((distances >= 0.0) if equivalent else (distances > 1e-12 * abs(start)))
    order = kept[np.argsort(distances[kept])]
    effects = design.steps[order] / scale
    found = np.full(totals.shape, np.nan)
    for row in range(totals.size):

        def enough(place: int, row: int = row) -> bool:
            given = np.full(totals.shape, effects[place])
            return bool(request.power_at(totals, given)[row] >= request.target[row] - 1e-9)

        place = _last(enough, effects.size) if equivalent else _first(enough, effects.size)
        if place is not None:
            found[row] = effects[place]
    return found


def _first(enough: Callable[[int], bool], count: int) -> int | None:
    """Return the first place that is enough, as all after it are."""
    low, high = 0, count
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle + 1, high)
    return low if low < count else None


def _last(enough: Callable[[int], bool], count: int) -> int | None:
    """Return the last place that is enough, as all before it are."""
    beyond = _first(lambda place: not enough(place), count)
    last = count - 1 if beyond is None else beyond - 1
    return last if last >= 0 else None
