"""Exact probabilities of counts: every table that could have come, by enumeration."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy import special

from abtest.stats.moments import Floats

LARGEST_ENUMERATION = 1_000_000
"""Tables above which an exact test is left to chi-square."""
_TIE = 1e-7
"""Relative tolerance within which two probabilities are the same, as in R's binom.test."""


def table_count(units: int, arms: int) -> int:
    """Return in how many ways units fall into arms."""
    return math.comb(units + arms - 1, arms - 1)


def enumerable(sizes: Sequence[tuple[int, int]]) -> bool:
    """Return whether an exact test of phases of (units, arms) is quick enough.

    The largest phase is sorted, the others are crossed with each other.
    """
    tables = sorted(table_count(units, arms) for units, arms in sizes)
    return tables[-1] <= LARGEST_ENUMERATION and math.prod(tables[:-1]) <= LARGEST_ENUMERATION


def log_exact_p(counts: Sequence[Floats], shares: Sequence[Floats]) -> float:
    """Return log P of all tables that are no more probable than the one observed.

    The exact multinomial test, which with two arms is the binomial one; over phases the
    probability of a table is the product of theirs.

    Parameters
    ----------
    counts
        Units by arm, per phase.
    shares
        Shares that sum to 1, per phase.

    Examples
    --------
    >>> p = log_exact_p([np.array([1.0, 9.0])], [np.array([0.5, 0.5])])
    >>> round(math.exp(p), 6)
    0.021484
    """
    observed = sum(_log_probability(x, p) for x, p in zip(counts, shares, strict=True))
    phases = [log_probabilities(int(x.sum()), p) for x, p in zip(counts, shares, strict=True)]
    phases.sort(key=len)
    limit = observed + math.log1p(_TIE)
    if len(phases) == 1:
        rare = phases[0][phases[0] <= limit]
        whole = len(rare) == len(phases[0])  # exactly 1, without the rounding of the sum
        return 0.0 if whole else min(float(special.logsumexp(rare)), 0.0)
    crossed = np.zeros(1)
    for phase in phases[:-1]:
        crossed = (crossed[:, None] + phase[None, :]).ravel()
    largest = np.sort(phases[-1])
    below = np.searchsorted(largest, limit - crossed, side="right")
    kept = below > 0
    cumulative = np.logaddexp.accumulate(largest)
    return min(float(special.logsumexp(crossed[kept] + cumulative[below[kept] - 1])), 0.0)


def log_probabilities(units: int, shares: Floats) -> Floats:
    """Return the log probability of every table of units in arms with these shares.

    Parameters
    ----------
    units
        Units of all arms together.
    shares
        Summing to 1, shape (k,).
    """
    logs = np.log(shares)
    factorials = special.gammaln(np.arange(units + 1) + 1.0)
    left = np.array([units])
    values = np.array([factorials[units]])
    for log_share in logs[:-1]:
        # every table so far, with 0, 1, ... up to all that is left in the next arm
        ways = left + 1
        starts = np.cumsum(ways) - ways
        taken = np.arange(int(ways.sum())) - np.repeat(starts, ways)
        values = np.repeat(values, ways) + taken * log_share - factorials[taken]
        left = np.repeat(left, ways) - taken
    return np.asarray(values + left * logs[-1] - factorials[left])


def _log_probability(counts: Floats, shares: Floats) -> float:
    terms = special.xlogy(counts, shares) - special.gammaln(counts + 1.0)
    return float(special.gammaln(counts.sum() + 1.0) + terms.sum())
