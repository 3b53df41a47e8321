"""Methods called one by one on samples that they share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from abtest.stats import Comparison, Interval, NotEstimable
from abtest.stats.moments import Floats
from calibration.answers import NOTHING, POWER, Answers, Row, end_of, row_of
from calibration.cell import Observed

NONE = float("nan")
ROUNDING = 1e-12
"""Quantiles of counts are often limits themselves: a truth this near to a limit is on it."""


@dataclass
class Tally:
    """What every method said in every draw so far.

    Attributes
    ----------
    truths
        By method: the true difference and the true relative effect. NaN where the method has no
        such interval; a difference of 0 is a true null.
    powered
        Whether the effect is one that power is to be shown for.
    """

    truths: Mapping[str, tuple[float, float]]
    powered: bool = False
    rows: dict[str, list[Row]] = field(default_factory=dict)

    def compare(self, method: str, call: Callable[[], Comparison]) -> None:
        """Note what a comparison says."""
        self.rows.setdefault(method, []).append(row_of(call))

    def test(self, method: str, call: Callable[[], tuple[float, Interval | None]]) -> None:
        """Note a p-value and, of methods that have one, the interval of a ratio."""
        row = NOTHING
        try:
            p_value, ratio = call()
            row = (1.0, p_value, NONE, NONE, *_relative(ratio), 0.0)
        except NotEstimable:
            pass
        self.rows.setdefault(method, []).append(row)

    def difference(self, method: str, call: Callable[[], tuple[float, Interval]]) -> None:
        """Note a p-value and the interval of a difference."""
        row = NOTHING
        try:
            p_value, found = call()
            limits = end_of(found.lower, -np.inf), end_of(found.upper, np.inf)
            row = (1.0, p_value, *limits, NONE, NONE, 0.0)
        except NotEstimable:
            pass
        self.rows.setdefault(method, []).append(row)

    def miss(self, method: str) -> None:
        """Note that there was nothing to say."""
        self.rows.setdefault(method, []).append(NOTHING)

    def observed(self) -> list[Observed]:
        """Return false alarms, coverage and, where it is to be shown, power."""
        return [
            one
            for method, rows in self.rows.items()
            for one in _wider(Answers.of_rows(rows)).observed(method, self.truths[method], POWER)
            if one.quantity != "power" or self.powered
        ]


def _wider(answers: Answers) -> Answers:
    """Return intervals that hold a limit of their own, whatever its last digit."""

    def moved(limits: Floats, sign: float) -> Floats:
        return limits + sign * ROUNDING * np.maximum(np.abs(limits), 1.0)

    return replace(
        answers,
        lower=moved(answers.lower, -1.0),
        upper=moved(answers.upper, 1.0),
        relative_lower=moved(answers.relative_lower, -1.0),
        relative_upper=moved(answers.relative_upper, 1.0),
    )


def _relative(ratio: Interval | None) -> tuple[float, float]:
    """Return the limits of a relative effect from those of a ratio."""
    if ratio is None:
        return NONE, NONE
    return end_of(ratio.lower, -np.inf) - 1.0, end_of(ratio.upper, np.inf) - 1.0
