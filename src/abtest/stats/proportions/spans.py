"""Ends of the span of a confidence set that can have gaps."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

Keeps: TypeAlias = Callable[[float], bool]
"""Whether the test keeps a bound."""
MayKeep: TypeAlias = Callable[[float, float], bool]
"""Whether it may keep one between two, the one next to the estimate first."""

_STEPS = 16
"""Steps of the search from the estimate to the first guess."""
_HALVINGS = 20


@dataclass(frozen=True)
class Search:
    """Where the end on one side is looked for.

    Attributes
    ----------
    estimate, guess, end
        The estimate, a first guess of the limit, and how far the search goes.
    quiet
        Steps in a row that keep nothing, after which it ends.
    """

    estimate: float
    guess: float
    end: float
    quiet: int

    @property
    def sign(self) -> float:
        """Return the direction: 1 upwards, -1 downwards."""
        return math.copysign(1.0, self.end)

    @property
    def step(self) -> float:
        """Return the width of a step."""
        return max(abs(self.guess - self.estimate) / _STEPS, 1e-3)


def sampled_end(keeps: Keeps, search: Search) -> float:
    """Return the outermost bound that is kept, of those that the steps meet, to 20 halvings."""
    sign, step, end = search.sign, search.step, search.end
    place, quiet, outermost = search.guess, 0, None
    while quiet < search.quiet and sign * (end - place) > 0.0:
        if keeps(place):
            outermost, quiet = place, 0
        else:
            quiet += 1
        place += sign * step
    if outermost is None:
        place = search.guess
        while sign * (place - search.estimate) > 0.0 and not keeps(place):
            place -= sign * step
        outermost = place if sign * (place - search.estimate) > 0.0 else search.estimate
    if sign * (end - outermost) <= step and keeps(end - sign * 1e-12):
        return end
    inside, out = outermost, outermost + sign * min(step, abs(end - outermost))
    for _ in range(_HALVINGS):
        middle = 0.5 * (inside + out)
        inside, out = (middle, out) if keeps(middle) else (inside, middle)
    return inside


def certain_end(keeps: Keeps, may_keep: MayKeep, search: Search) -> float:
    """Return the outermost bound that is kept, in islands of any width of the steps searched.

    Steps outwards from the guess until enough in a row can keep nothing; if none can, inwards to
    the estimate.
    """
    sign, step = search.sign, search.step
    last = search.end - sign * 1e-12
    place, quiet = search.guess, 0
    pieces: list[tuple[float, float]] = []
    while quiet < search.quiet and sign * (last - place) > 0.0:
        far = place + sign * min(step, abs(last - place))
        if may_keep(place, far):
            pieces.append((place, far))
            quiet = 0
        else:
            quiet += 1
        place = far
    if place == last and keeps(last):
        return search.end
    for piece in reversed(pieces):
        found = _outermost(keeps, may_keep, *piece, _HALVINGS)
        if found is not None:
            return found
    place = search.guess
    while sign * (place - search.estimate) > 0.0:
        near = place - sign * min(step, abs(place - search.estimate))
        found = _outermost(keeps, may_keep, near, place, _HALVINGS)
        if found is not None:
            return found
        place = near
    return search.estimate


def _outermost(
    keeps: Keeps, may_keep: MayKeep, inner: float, outer: float, halvings: int
) -> float | None:
    """Return the outermost bound between two that is kept; None if there is none."""
    if not may_keep(inner, outer):
        return None
    if halvings == 0:
        return next((place for place in (outer, inner) if keeps(place)), None)
    middle = 0.5 * (inner + outer)
    found = _outermost(keeps, may_keep, middle, outer, halvings - 1)
    if found is None:
        found = _outermost(keeps, may_keep, inner, middle, halvings - 1)
    return found
