"""Scores of survey answers from 0 to 10: net promoter score, top box, ordinal scores."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import product

import numpy as np
from numpy.typing import NDArray

from abtest.stats import Comparison, ValueCounts, compare_scores
from abtest.stats.score_pairs import FEW_ANSWERS
from calibration.answers import Answers
from calibration.cell import Cell, Observed
from calibration.two_arms import RUNS, SPLITS, sizes_of

SIZES = (30, 100, 1_000, 10_000)
TOP_RUNS, ORDINAL_RUNS = 2_000, 4_000
"""For what takes 2 and 0.3 milliseconds."""
ANSWERS = np.arange(11.0)
Weights = tuple[float, ...]
"""One number for each of the answers 0 to 10."""
Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Kind:
    """A score, under the name that it has on the page.

    Attributes
    ----------
    name
        Of the score.
    points
        What each answer counts for: the score is the mean of these.
    compare
        Compares two samples of answers.
    runs
        Draws of a cell.
    """

    name: str
    points: Weights
    compare: Callable[[ValueCounts, ValueCounts], Comparison]
    runs: int

    @cached_property
    def groups(self) -> Counts:
        """Which answers count for the same, as columns of 0 and 1, shape (11, groups)."""
        return np.equal.outer(self.points, np.unique(self.points)).astype(np.int64)


NPS = Kind("NPS", (-100.0,) * 7 + (0.0,) * 2 + (100.0,) * 2, compare_scores, RUNS)
TOP_BOX = Kind(
    "top box",
    (0.0,) * 9 + (1.0,) * 2,
    partial(compare_scores, kind="top_box", scale=(0, 10), top=2),
    TOP_RUNS,
)
_STEPS = (0.0, 0.0, 1.0, 2.0, 4.0, 6.0, 7.0, 8.0, 9.0, 10.0, 10.0)
ORDINAL = Kind(
    "ordinal score",
    _STEPS,
    partial(compare_scores, kind="ordinal", scores=dict(zip(range(11), _STEPS, strict=True))),
    ORDINAL_RUNS,
)


@dataclass(frozen=True)
class Answered:
    """Answers of two arms: how many gave each, drawn as multinomials.

    Attributes
    ----------
    control, treatment
        Shares of the answers 0 to 10.
    sizes
        Answers of control and treatment.
    kind
        What is made of them.
    """

    control: Weights
    treatment: Weights
    sizes: tuple[int, int]
    kind: Kind

    @property
    def truth(self) -> tuple[float, float]:
        """True difference and true relative effect, whose sign is that of the difference."""
        control, treatment = (
            float(np.dot(shares, self.kind.points)) for shares in (self.control, self.treatment)
        )
        same = self.control == self.treatment
        return (0.0, 0.0) if same else (treatment - control, (treatment - control) / abs(control))

    @property
    def name(self) -> str:
        """The score, and whether answers are added to it because there are few."""
        few = self.kind is NPS and min(self.sizes) < FEW_ANSWERS
        return f"{self.kind.name}, three answers added" if few else self.kind.name

    def __call__(self, rng: np.random.Generator, runs: int) -> list[Observed]:
        """Return what the score did in every draw."""
        shares = self.control, self.treatment
        drawn = np.stack(
            [rng.multinomial(n, p, runs) for n, p in zip(self.sizes, shares, strict=True)], axis=1
        )
        # draws that are the same to the score are judged once: the top box takes milliseconds
        known: dict[bytes, Comparison] = {}

        def compare(counts: Counts) -> Comparison:
            key = (counts @ self.kind.groups).tobytes()
            if key not in known:
                arms = (ValueCounts.from_table(ANSWERS, n) for n in counts)
                known[key] = self.kind.compare(*arms)
            return known[key]

        answers = Answers.of_calls(partial(compare, counts) for counts in drawn)
        found = answers.observed(self.name, self.truth, power=float("nan"))
        return [one for one in found if one.quantity != "power"]


TYPICAL: Weights = (0.03, 0.01, 0.02, 0.03, 0.04, 0.08, 0.09, 0.16, 0.21, 0.15, 0.18)
PLEASED: Weights = (0.0, 0.0, 0.0, 0.0, 0.0, 0.01, 0.01, 0.08, 0.20, 0.30, 0.40)
CASES = (
    ("answers that are spread out", TYPICAL, (NPS, TOP_BOX, ORDINAL)),
    ("hardly any detractors", PLEASED, (NPS,)),
)
MOVED = 0.25
"""Share of those with 7 and 8 that the treatment makes a promoter, and of those with less a 7."""


def moved(shares: Weights) -> Weights:
    """Return the shares of answers after some gave a higher one."""
    found = np.array(shares)
    low, middle = found[:7] * MOVED, found[7:9] * MOVED
    found[:7] -= low
    found[7:9] -= middle
    found[7] += low.sum()
    found[9] += middle.sum()
    return tuple(found.tolist())


def cells() -> Iterator[Cell]:
    """Return the grid."""
    for title, shares, kinds in CASES:
        for kind, total, split, effect in product(kinds, SIZES, SPLITS, (False, True)):
            sizes = sizes_of(total, SPLITS[split])
            drawn = Answered(shares, moved(shares) if effect else shares, sizes, kind)
            if kind is TOP_BOX and total > 1_000:
                continue  # 2 milliseconds per draw, for a test that proportions have a table of
            note = f"{split}, {'effect' if effect else 'no effect'}"
            reduced = total == 100 and effect and (kind is NPS or split == "90/10")
            situation = f"{kind.name}, {title}"
            yield Cell("survey scores", situation, sizes, note, drawn, kind.runs, reduced=reduced)
