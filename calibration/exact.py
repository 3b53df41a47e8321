"""Small designs of two proportions, enumerated: every table with its probability."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from scipy import special

from abtest.stats import ComparisonTable, MomentsTable, NotEstimable, compare_proportions
from abtest.stats.moments import Floats
from abtest.stats.proportions.barnard import BarnardPair
from abtest.stats.proportions.boschloo import BoschlooPair
from abtest.stats.proportions.fisher import FisherPair
from abtest.stats.proportions.rows import RowsMethod
from calibration.answers import ALPHA, LEVEL
from calibration.cell import Cell, Observed

DESIGNS = ((10, 10), (20, 20), (10, 30), (30, 30))
SHARES = np.linspace(0.0, 1.0, 201)[1:-1]
CERTAIN = 10**12
"""Runs of what has no Monte Carlo error."""
CLOSED: tuple[RowsMethod, ...] = ("score", "pooled_z", "newcombe", "agresti_caffo", "wald")
PValue = Callable[[int, int, int, int], float]
"""From successes and units of control, then of treatment, to the two-sided p-value."""
EXACT: Mapping[str, PValue] = {
    "fisher": lambda *counts: FisherPair(*counts).odds_test().p_value,
    "fisher_midp": lambda a, n, b, m: (
        FisherPair(a, n, b, m, method="fisher_midp").odds_test().p_value
    ),
    "barnard": lambda *counts: BarnardPair(*counts).test().p_value,
    "boschloo": lambda *counts: BoschlooPair(*counts).test().p_value,
}


@dataclass(frozen=True)
class Enumerated:
    """All tables of a design."""

    sizes: tuple[int, int]

    def __call__(self, rng: np.random.Generator, runs: int) -> list[Observed]:
        """Return the largest error over common shares, and the mean coverage over all shares."""
        del rng, runs  # nothing is drawn
        binomial = [_binomial(n) for n in self.sizes]
        found = []
        for method in CLOSED:
            table = compare_proportions(*_tables(self.sizes), method=method)
            shape = (self.sizes[0] + 1, self.sizes[1] + 1)
            rejected = ((table.status == "ok") & (table.p_value < ALPHA)).reshape(shape)
            found.append(_size(method, rejected, binomial))
            found.append(_coverage(method, table, shape, binomial))
        for name, p_value in EXACT.items():
            found.append(_size(name, _rejected(p_value, self.sizes), binomial))
        return found


def _binomial(n: int) -> Floats:
    """Return probabilities of 0 .. n successes, a row per share."""
    k = np.arange(n + 1.0)
    logs = special.gammaln(n + 1.0) - special.gammaln(k + 1.0) - special.gammaln(n - k + 1.0)
    shares = SHARES[:, None]
    return np.asarray(np.exp(logs + k * np.log(shares) + (n - k) * np.log1p(-shares)))


def _tables(sizes: tuple[int, int]) -> tuple[MomentsTable, MomentsTable]:
    """Return all tables of a design: those of control change slowest."""
    first, second = np.divmod(np.arange((sizes[0] + 1) * (sizes[1] + 1)), sizes[1] + 1)
    arms = []
    for n, successes in zip(sizes, (first, second), strict=True):
        spread = successes * (n - successes) / n
        units = np.full(successes.shape, float(n))
        arms.append(MomentsTable(units, (successes / n)[:, None], spread[:, None, None]))
    return arms[0], arms[1]


def _rejected(p_value: PValue, sizes: tuple[int, int]) -> Floats:
    """Return 1 for tables with p < 0.05 and 0 for others."""
    rejected = np.zeros((sizes[0] + 1, sizes[1] + 1))
    for first, second in np.ndindex(*rejected.shape):
        try:
            found = p_value(first, sizes[0], second, sizes[1])
        except NotEstimable:
            continue
        rejected[first, second] = found < ALPHA
    return rejected


def _size(method: str, rejected: Floats, binomial: list[Floats]) -> Observed:
    rates = np.einsum("sa,ab,sb->s", binomial[0], rejected.astype(float), binomial[1])
    largest = float(rates.max())
    return Observed(f"{method}, enumerated", "type_i", ALPHA, largest * CERTAIN, CERTAIN)


def _coverage(
    method: str, table: ComparisonTable, shape: tuple[int, int], binomial: list[Floats]
) -> Observed:
    """Return the mean coverage over a grid of both shares; no interval holds nothing."""
    step = 10  # of the shares: a grid of 20 x 20
    lower, upper = (np.nan_to_num(x.reshape(shape), nan=2.0) for x in (table.lower, table.upper))
    rates = []
    for i in range(0, len(SHARES), step):
        for j in range(0, len(SHARES), step):
            truth = SHARES[j] - SHARES[i]
            inside = ((lower <= truth) & (truth <= upper)).astype(float)
            rates.append(float(binomial[0][i] @ inside @ binomial[1][j]))
    mean = float(np.mean(rates))
    return Observed(f"{method}, mean, enumerated", "coverage", LEVEL, mean * CERTAIN, CERTAIN)


def cells() -> Iterator[Cell]:
    """Return the designs."""
    for sizes in DESIGNS:
        note = f"{sizes[0]} and {sizes[1]}"
        small = sizes == (10, 10)
        yield Cell(
            "small tables", "proportions", sizes, note, Enumerated(sizes), runs=1, reduced=small
        )
