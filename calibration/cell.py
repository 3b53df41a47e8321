"""One situation, and what was observed in it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

Quantity = Literal["type_i", "coverage", "relative_coverage", "power", "promised_power"]
"""What is counted: rejections of a true null, intervals that hold the truth (of the difference,
of the relative effect), rejections of a false null, and those at the size that was planned for
them."""


@dataclass(frozen=True)
class Observed:
    """How often one method did something in one cell.

    Attributes
    ----------
    method
        Name of the method.
    quantity
        What was counted.
    promised
        The rate that the method promises.
    count, runs
        How often, of how many draws in which the method gave a number.
    missing
        Draws in which it gave none.
    """

    method: str
    quantity: Quantity
    promised: float
    count: float
    runs: int
    missing: int = 0

    @property
    def rate(self) -> float:
        """Observed rate; NaN where no draw gave a number."""
        return self.count / self.runs if self.runs else float("nan")

    @property
    def error(self) -> float:
        """Monte Carlo standard error of the rate, at the larger of promised and observed noise."""
        if not self.runs:
            return float("nan")
        at = [rate * (1.0 - rate) for rate in (self.rate, self.promised)]
        return float(np.sqrt(max(at) / self.runs))


Simulate = Callable[[np.random.Generator, int], Sequence[Observed]]
"""From a generator and a number of draws to what was observed."""


@dataclass(frozen=True)
class Cell:
    """One situation.

    Attributes
    ----------
    family
        Which section of the page it belongs to.
    situation
        The population, in words: the rows of a table.
    sizes
        Units by arm, control first.
    note
        What else distinguishes the cell within its row: ``equal``, ``unequal variances`` ...
    simulate
        Draws it.
    runs
        Draws in the full grid; 0 for what is enumerated.
    reduced
        Whether the reduced grid has it too.
    """

    family: str
    situation: str
    sizes: tuple[int, ...]
    note: str
    simulate: Simulate
    runs: int
    reduced: bool = False

    @property
    def key(self) -> str:
        """Name of the cell, the same from run to run."""
        sizes = "/".join(map(str, self.sizes))
        return f"{self.family} | {self.situation} | {sizes} | {self.note}"

    def run(self, seed: int, runs: int) -> list[Observed]:
        """Return what is observed in `runs` draws with a seed that is this cell's own."""
        digest = hashlib.sha256(self.key.encode()).digest()
        words = np.frombuffer(digest[:16], dtype=np.uint32)
        sequence = np.random.SeedSequence([seed, *(int(word) for word in words)])
        return list(self.simulate(np.random.Generator(np.random.PCG64(sequence)), runs))


def as_dict(observed: Sequence[Observed]) -> list[dict[str, Any]]:
    """Return observations as plain values."""
    return [asdict(one) for one in observed]
