"""How a whole is divided: shares of categories that are judged as one family."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Protocol

import numpy as np

from abtest.stats import Interval, RelativeInterval, compare_compositions
from calibration.answers import ALPHA, LEVEL
from calibration.cell import Cell, Observed
from calibration.two_arms import SPLITS, sizes_of

SIZES = (100, 1_000, 10_000)
Shares = tuple[float, ...]
CASES: dict[str, tuple[Shares, Shares]] = {
    "no effect": ((0.6, 0.3, 0.1), (0.6, 0.3, 0.1)),
    "effect": ((0.6, 0.3, 0.1), (0.5, 0.3, 0.2)),
    "a rare category, no effect": ((0.75, 0.23, 0.02), (0.75, 0.23, 0.02)),
}
"""Shares of three categories in control and in treatment."""


class Whole(Protocol):
    """What is divided."""

    title: str
    runs: int

    def arm(self, rng: np.random.Generator, shares: Shares, units: int) -> dict[str, Any]:
        """Return one arm by category."""
        ...


class Counts:
    """Units, each in one category."""

    title = "units by category"
    runs = 1_000
    """A draw takes 6 milliseconds: a score interval of 2 for each category."""

    def arm(self, rng: np.random.Generator, shares: Shares, units: int) -> dict[str, Any]:
        """Return units by category."""
        return dict(zip("abc", rng.multinomial(units, shares).tolist(), strict=True))


class Amounts:
    """Amounts of units, such as minutes; those who have more give more of it to the first.

    The share of totals is therefore not the mean of the units' shares.
    """

    title = "amounts by category"
    runs = 1_500
    """A draw takes 3 milliseconds."""

    def arm(self, rng: np.random.Generator, shares: Shares, units: int) -> dict[str, Any]:
        """Return a column of amounts by category, each with its share as its mean."""
        activity = rng.standard_gamma(2.0, units)
        columns = rng.standard_exponential((len(shares), units))
        columns[0] *= activity**2 / 6.0
        columns[1:] *= activity / 2.0
        return dict(zip("abc", np.array(shares)[:, None] * columns, strict=True))


@dataclass(frozen=True)
class Divided:
    """Two arms that divide a whole."""

    whole: Whole
    control: Shares
    treatment: Shares
    sizes: tuple[int, int]

    @property
    def truths(self) -> dict[str, tuple[float, float]]:
        """True differences and relative effects by category."""
        return {
            name: (new - old, new / old - 1.0)
            for name, old, new in zip("abc", self.control, self.treatment, strict=True)
        }

    def __call__(self, rng: np.random.Generator, runs: int) -> list[Observed]:
        """Return false alarms of the family and of the whole, and how often all intervals hold."""
        truths = self.truths
        null = self.control == self.treatment
        alarms = omnibus = held = relative = tested = 0
        for _ in range(runs):
            found = compare_compositions(
                self.whole.arm(rng, self.control, self.sizes[0]),
                {"new": self.whole.arm(rng, self.treatment, self.sizes[1])},
                alpha=ALPHA,
            )
            alarms += any(row.adjusted_p_value < ALPHA for row in found.rows)
            held += all(holds(row.difference, truths[row.category][0]) for row in found.rows)
            relative += all(
                holds_relative(row.relative, truths[row.category][1]) for row in found.rows
            )
            whole = found.omnibus["new"]
            if whole is not None:
                tested += 1
                omnibus += whole.p_value < ALPHA
        rows = [
            Observed("all shares", "coverage", LEVEL, held, runs),
            Observed("all shares", "relative_coverage", LEVEL, relative, runs),
        ]
        if null:
            rows.append(Observed("all shares", "type_i", ALPHA, alarms, runs))
            rows.append(Observed("omnibus", "type_i", ALPHA, omnibus, tested, runs - tested))
        return rows


def holds(interval: Interval, truth: float) -> bool:
    """Return whether a truth is in an interval, whose missing ends are open."""
    return (interval.lower is None or interval.lower <= truth) and (
        interval.upper is None or truth <= interval.upper
    )


def holds_relative(interval: RelativeInterval, truth: float) -> bool:
    """Return whether a truth is in a relative interval; that of two rays is what lies outside."""
    if interval.status != "two_rays":
        return holds(interval, truth)
    return not holds(interval, truth)


WHOLES: Sequence[Whole] = (Counts(), Amounts())


def cells() -> Iterator[Cell]:
    """Return the grid."""
    for whole, total, split, case in product(WHOLES, SIZES, SPLITS, CASES):
        if isinstance(whole, Counts) and total > 1_000:
            continue  # nothing new, at milliseconds a draw
        if case.startswith("a rare") and split == "50/50":
            continue  # the harder split alone
        sizes = sizes_of(total, SPLITS[split])
        drawn = Divided(whole, *CASES[case], sizes)
        reduced = isinstance(whole, Amounts) and (total, split, case) == (100, "90/10", "no effect")
        note = f"{split}, {case}"
        yield Cell("compositions", whole.title, sizes, note, drawn, whole.runs, reduced=reduced)
