"""Whether a covariate is missing as often in one arm as in the other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from abtest.stats.moments import Floats

DIFFERS = 0.001
"""A difference of missing shares with a smaller p-value is no chance of random assignment."""
_EXACT_BELOW = 20.0
"""Expected units in a cell of the table, summed over phases, below which the test is exact."""
_LONGEST = 20_000
"""Values of the exact distribution above which it is not written out."""


@dataclass(frozen=True)
class MissingShares:
    """How often a covariate is missing in both arms.

    Attributes
    ----------
    control, treatment
        Shares of the units without a value; 0 in an arm without units.
    p_value
        Of the test of equal shares (see `missing_p_value`); None where no unit misses it, or
        every one does.
    """

    control: float
    treatment: float
    p_value: float | None

    @classmethod
    def of(cls, gaps: ArrayLike, units: ArrayLike) -> MissingShares:
        """Build from the units without a value and all units, shape (2,) or (2, P) by phase."""
        absent = np.asarray(gaps, dtype=np.float64).reshape(2, -1)
        every = np.asarray(units, dtype=np.float64).reshape(2, -1)
        shares = absent.sum(axis=1) / np.maximum(every.sum(axis=1), 1.0)
        return cls(float(shares[0]), float(shares[1]), missing_p_value(absent, every))

    @property
    def differs(self) -> bool:
        """Whether the shares differ at p < 0.001."""
        return self.p_value is not None and self.p_value < DIFFERS


def missing_p_value(gaps: Floats, units: Floats) -> float | None:
    """Return the two-sided p-value that values are missing as often in both arms, or None.

    The Cochran-Mantel-Haenszel test within phases of allocation, without correction for
    continuity (Mantel & Haenszel 1959, JNCI 22, 719): for one phase the N - 1 chi-square test.
    Below 20 expected units in a cell it is exact, given the margins of each phase: the
    probability of all tables that are no more likely, for one phase Fisher's test.

    Parameters
    ----------
    gaps, units
        Units without a value, and all units, shape (2, P).

    Examples
    --------
    >>> f"{missing_p_value(np.array([[0.0], [10.0]]), np.array([[50.0], [50.0]])):.6f}"
    '0.001187'
    """
    n = units.sum(axis=0)
    kept = n > 1.0
    n, (n0, n1), (g0, g1) = n[kept], units[:, kept], gaps[:, kept]
    total = g0 + g1
    expected = total * n1 / n
    variance = float((n0 * n1 * total * (n - total) / (n * n * (n - 1.0))).sum())
    if not variance > 0.0:
        return None
    smallest = min(
        float(share.sum())
        for share in (expected, total - expected, n1 - expected, n0 - total + expected)
    )
    lowest, highest = np.maximum(total - n0, 0.0), np.minimum(total, n1)
    if smallest < _EXACT_BELOW and (highest - lowest).sum() < _LONGEST:
        return _exact(n0, n1, total, float((g1 - lowest).sum()))
    statistic = float((g1 - expected).sum()) ** 2 / variance
    return float(special.chdtrc(1.0, statistic))


def _exact(n0: Floats, n1: Floats, total: Floats, above: float) -> float:
    """Return the probability of sums that are no more likely than `above` the lowest possible."""
    chances = np.ones(1)
    for control, treatment, missing in zip(n0, n1, total, strict=True):
        chances = np.convolve(chances, _hypergeometric(control, treatment, missing))
    likely = chances <= chances[int(above)] * (1.0 + 1e-7)  # ties differ by rounding
    return min(float(chances[likely].sum()), 1.0)


def _hypergeometric(control: float, treatment: float, missing: float) -> Floats:
    """Return the chances of each possible number of missing values in treatment."""
    here = np.arange(max(missing - control, 0.0), min(missing, treatment))
    ratios = (missing - here) * (treatment - here) / ((here + 1.0) * (control - missing + here + 1))
    logs = np.concatenate([[0.0], np.cumsum(np.log(ratios))])
    chances = np.exp(logs - logs.max())
    return np.asarray(chances / chances.sum())
