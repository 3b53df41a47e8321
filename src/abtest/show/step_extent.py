"""How far the axes of step curves go."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from abtest.show.step_curves import StepArm

AFTER_HORIZON = 1.5
"""The time axis goes on so many times the horizon where units were watched for longer."""


def axis_end(arms: Iterable[StepArm], horizon: float) -> float:
    """Return the end of the time axis: what is known, but not much more than the horizon."""
    last = max((arm.last for arm in arms), default=horizon)
    return float(max(horizon, min(last, AFTER_HORIZON * horizon)))


def reach(arms: Iterable[StepArm], horizon: float, end: float) -> tuple[float, float]:
    """Return the lowest and the highest point of curves up to `end` and bands up to the horizon.

    Bands beyond may be cut off by the axis; curves never are.
    """
    found: list[float] = []
    for arm in arms:
        known, banded = arm.times <= end, arm.times <= horizon
        found += [arm.first, *arm.values[known], *arm.lower[banded], *arm.upper[banded]]
    return float(min(found)), float(max(found))
