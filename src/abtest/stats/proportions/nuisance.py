"""The largest probability of a set of tables over the nuisance parameter of two proportions."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import special

from abtest.errors import UsageError
from abtest.stats.moments import Floats

Region: TypeAlias = NDArray[np.bool_]
"""Which tables belong: rows are successes of control, columns those of treatment."""
Path: TypeAlias = Callable[[Floats], tuple[Floats, Floats]]
"""From numbers in [0, 1] to the proportions of control and treatment that a hypothesis allows."""


@dataclass(frozen=True, eq=False)
class Tails:
    """A region that has, for every success count of control, the ends of treatment's.

    Attributes
    ----------
    first
        Successes of treatment from which on tables belong; n1 + 1 for none, shape (n0 + 1,).
    last
        Successes of treatment up to which tables belong; -1 for none.
    n1
        Units of treatment.
    """

    first: NDArray[np.int_]
    last: NDArray[np.int_]
    n1: int

    @classmethod
    def of(cls, scores: Callable[[Floats], Floats], low: float, high: float, n1: int) -> Tails:
        """Return the tables with a score of at least `high`, or at most `low`.

        Parameters
        ----------
        scores
            From successes of treatment, one for each of control's, to scores that rise with them.
        low, high
            Bounds; infinite where that side does not count.
        n1
            Units of treatment.
        """
        return cls(
            _first(lambda b: scores(b) >= high, scores, n1),
            _first(lambda b: scores(b) > low, scores, n1) - 1,
            n1,
        )


MOST_TABLES = 4_000_000
_TOLERANCE = 1e-10
"""Of the logarithm of the certified maximum."""
_MOST_TERMS = 2_000_000
"""Terms in one pass of the search. Above one half, where nothing is decided, the probability can
be so flat that no piece would ever be left: then the tolerance grows until this many suffice."""


def require_enumerable(n0: int, n1: int) -> None:
    """Refuse sample sizes of which not all tables can be looked at.

    Raises
    ------
    UsageError
        If there are more than four million tables.
    """
    if (n0 + 1) * (n1 + 1) > MOST_TABLES:
        raise UsageError(
            "An exact unconditional test looks at every possible table",
            given=f"{n0:,} x {n1:,} units: {(n0 + 1) * (n1 + 1):,} tables",
            todo='Use method="score": with so many units it keeps its level too.',
        )


def log_binomials(n: int) -> Floats:
    """Return ln C(n, k) for k = 0 .. n."""
    logs = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1.0, n + 1.0)))])
    return np.asarray(logs[-1] - logs - logs[::-1])


def log_size(region: Region, enough: float = math.inf) -> float:
    """Return the logarithm of the largest probability of a region under a common share.

    With m = a + b successes in all and c_m the number of equally probable outcomes of the region
    with m, the probability is sum_m c_m p^m (1 - p)^(N - m). In t = logit p its logarithm is
    A(t) - B(t), with A = ln sum c_m e^(m t) and B = N ln(1 + e^t) both convex. On a piece
    [a, b] A lies below its chord and B above any of its tangents, so that the logarithm exceeds
    the larger of its two ends by at most max B'' (b - a)^2 / 8. Pieces that cannot hold the
    maximum are left, the others halved, until none can exceed the best value found by more than
    1e-10: the maximum is certain, not only found (see `_MOST_TERMS` for those next to 1). Below
    p = m_min / N the probability rises and above m_max / N it falls, which bounds the search.
    Where it is at least `enough` any such value is returned.
    """
    n0, n1 = region.shape[0] - 1, region.shape[1] - 1
    total = n0 + n1
    if region[0, 0] or region[n0, n1]:
        return 0.0  # at a share of 0 or 1 that table is certain
    successes, log_counts = _by_successes(region)
    if successes.size == 0:
        return -math.inf

    def log_probability(t: Floats) -> Floats:
        heights = log_counts + np.multiply.outer(t, successes)
        return np.asarray(special.logsumexp(heights, axis=1) - total * np.logaddexp(0.0, t))

    angles = np.arcsin(np.sqrt(successes[[0, -1]] / total))
    pieces = 1 + math.ceil(float(angles[1] - angles[0]) * math.sqrt(total) / 0.1)
    shares = np.sin(np.linspace(angles[0], angles[1], pieces + 1)) ** 2
    points = special.logit(shares)
    values = log_probability(points)
    left, right = points[:-1], points[1:]
    at_left, at_right = values[:-1], values[1:]
    best = float(values.max())
    tolerance = _TOLERANCE
    while left.size and best < enough:
        if best > -math.log(2.0) and left.size * successes.size > _MOST_TERMS:
            tolerance *= 10.0
        middle = 0.5 * (left + right)
        slack = total * _largest_slope(left, right) * (right - left) ** 2 / 8.0
        open_ = np.maximum(at_left, at_right) + slack > best + tolerance
        left, middle, right = left[open_], middle[open_], right[open_]
        at_left, at_right = at_left[open_], at_right[open_]
        if not left.size:
            break
        at_middle = log_probability(middle)
        best = max(best, float(at_middle.max()))
        left, right = np.concatenate([left, middle]), np.concatenate([middle, right])
        at_left = np.concatenate([at_left, at_middle])
        at_right = np.concatenate([at_middle, at_right])
    return min(best, 0.0)


def largest_probability(tails: Tails, path: Path) -> float:
    """Return the largest probability of a region over the proportions of a path.

    On a grid that is finer than the binomial distributions are wide, then ever closer around the
    three highest of its peaks.
    """
    n0, n1 = tails.first.size - 1, tails.n1
    logs = log_binomials(n0), log_binomials(n1)

    def probability(places: Floats) -> Floats:
        share0, share1 = path(places)
        rows = _binomials(logs[0], share0)
        columns = _binomials(logs[1], share1)
        none = np.zeros((share0.size, 1))
        below = np.concatenate([none, columns.cumsum(axis=1)], axis=1)
        above = np.concatenate([columns[:, ::-1].cumsum(axis=1)[:, ::-1], none], axis=1)
        inside = above[:, tails.first] + below[:, tails.last + 1]
        return np.asarray((rows * inside).sum(axis=1))

    places = np.linspace(0.0, 1.0, 33 + int(4.0 * math.sqrt(n0 + n1)))
    values = probability(places)
    best = float(values.max())
    padded = np.concatenate([[-1.0], values, [-1.0]])
    peaks = np.flatnonzero((values >= padded[:-2]) & (values >= padded[2:]))
    centres = places[peaks[np.argsort(values[peaks])[-3:]]]
    step = float(places[1])
    for _ in range(4):
        around = np.clip(centres[:, None] + step * np.linspace(-1.0, 1.0, 9), 0.0, 1.0)
        found = probability(around.ravel()).reshape(around.shape)
        best = max(best, float(found.max()))
        centres = around[np.arange(centres.size), found.argmax(axis=1)]
        step /= 4.0
    return min(best, 1.0)


def difference_path(bound: float, shares: tuple[float, float] = (0.0, 1.0)) -> Path:
    """Return the proportions with treatment - control = `bound`, control within `shares`.

    Where no such treatment exists it is the nearest one.
    """
    low, high = max(shares[0], -bound), min(shares[1], 1.0 - bound)
    if low > high:
        low, high = shares
    control = _between(low, high)

    def path(places: Floats) -> tuple[Floats, Floats]:
        share = control(places)
        return share, np.clip(share + bound, 0.0, 1.0)

    return path


def ratio_path(ratio: float, shares: tuple[float, float] = (0.0, 1.0)) -> Path:
    """Return the proportions with treatment = `ratio` x control, control within `shares`.

    Where no such treatment exists it is the nearest one.
    """
    low, high = shares[0], min(shares[1], 1.0 / ratio)
    if low > high:
        low, high = shares
    control = _between(low, high)

    def path(places: Floats) -> tuple[Floats, Floats]:
        share = control(places)
        return share, np.clip(ratio * share, 0.0, 1.0)

    return path


def _between(low: float, high: float) -> Callable[[Floats], Floats]:
    """Return shares from low to high in steps that are equal for the binomial distribution."""
    first, last = (math.asin(math.sqrt(share)) for share in (low, high))
    return lambda places: np.clip(np.sin(first + (last - first) * places) ** 2, low, high)


def _first(
    belongs: Callable[[Floats], NDArray[np.bool_]], scores: Callable[[Floats], Floats], n1: int
) -> NDArray[np.int_]:
    """Return the smallest count of treatment that belongs, for every one of control."""
    low = np.zeros(scores(np.zeros(1)).shape, dtype=np.int_)
    high = np.full_like(low, n1 + 1)
    while (low < high).any():
        middle = (low + high) // 2
        inside = belongs(np.minimum(middle, n1).astype(np.float64)) & (middle <= n1)
        high = np.where(inside, middle, high)
        low = np.where(inside | (low >= high), low, middle + 1)
    return low


def _by_successes(region: Region) -> tuple[Floats, Floats]:
    """Return all successes m that a region has, and ln of its outcomes with each."""
    n0, n1 = region.shape[0] - 1, region.shape[1] - 1
    rows, columns = np.nonzero(region)
    logs = log_binomials(n0)[rows] + log_binomials(n1)[columns]
    together = rows + columns
    largest = np.full(n0 + n1 + 1, -np.inf)
    np.maximum.at(largest, together, logs)
    sums = np.bincount(together, np.exp(logs - largest[together]), minlength=n0 + n1 + 1)
    present = np.flatnonzero(sums)
    return present.astype(np.float64), largest[present] + np.log(sums[present])


def _largest_slope(left: Floats, right: Floats) -> Floats:
    """Return the largest p (1 - p) of each piece; p is the logistic of its ends."""
    nearest = np.where((left < 0.0) & (right > 0.0), 0.0, np.minimum(abs(left), abs(right)))
    return np.asarray(special.expit(nearest) * special.expit(-nearest))


def _binomials(logs: Floats, shares: Floats) -> Floats:
    """Return binomial probabilities: a row for every share."""
    n = logs.size - 1
    k = np.arange(n + 1.0)
    inside = np.clip(shares, 1e-300, 1.0 - 1e-16)[:, None]  # 0 times infinity does not count
    with np.errstate(under="ignore"):
        return np.asarray(np.exp(logs + k * np.log(inside) + (n - k) * np.log1p(-inside)))
