"""Populations that experiments meet, drawn as moments of many samples at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy import special

from abtest.stats import MomentsTable
from abtest.stats.moments import Floats

CHUNK = 2_000_000
"""Numbers drawn at once."""

Draw = Callable[[np.random.Generator, tuple[int, int]], Floats]
"""From a generator and (samples, units) to values of that shape, or (variables, samples, units)."""


@dataclass(frozen=True)
class Arm:
    """One arm of a population: how its units are drawn, and the truth about them.

    Attributes
    ----------
    draw
        Draws values of units.
    value
        True mean, or ratio of means.
    variance
        True variance of a unit's value (of its influence value for ratios).
    summed
        Draws the moments of (runs, units) at once, where they have a known distribution.
    """

    draw: Draw
    value: float
    variance: float
    summed: Callable[[np.random.Generator, int, int], MomentsTable] | None = None


@dataclass(frozen=True)
class World:
    """Two arms with a common form, the treatment lifted by a relative effect.

    Attributes
    ----------
    title
        In words, for the page.
    control
        The control arm.
    treatment
        From (relative effect, whether its variance is another one) to the treatment arm.
    unequal
        Whether the treatment can have another variance at the same mean.
    largest
        Relative effects above this one do not exist in this population.
    """

    title: str
    control: Arm
    treatment: Callable[[float, bool], Arm]
    unequal: bool = True
    largest: float = float("inf")


def moments(arm: Arm, rng: np.random.Generator, runs: int, n: int) -> MomentsTable:
    """Return the moments of `runs` samples of `n` units."""
    if arm.summed is not None:
        return arm.summed(rng, runs, n)
    step = max(1, CHUNK // n)
    parts = []
    for start in range(0, runs, step):
        values = arm.draw(rng, (min(step, runs - start), n))
        values = values if values.ndim == 3 else values[None]
        mean = values.mean(axis=2)
        centred = values - mean[:, :, None]
        parts.append((mean.T, np.einsum("krn,lrn->rkl", centred, centred)))
    mean = np.concatenate([part[0] for part in parts])
    m2 = np.concatenate([part[1] for part in parts])
    return MomentsTable(np.full(runs, float(n)), mean, m2)


def normal() -> World:
    """Return normal values; the other variance is four times as large."""

    def treatment(effect: float, unequal: bool) -> Arm:
        mean, sd = 5.0 * (1.0 + effect), 4.0 if unequal else 2.0
        return Arm(lambda rng, size: rng.normal(mean, sd, size), mean, sd * sd)

    return World("normal", treatment(0.0, False), treatment, largest=10.0)


def exponential() -> World:
    """Return exponential values; the other variance is that of a gamma of shape 1/2."""

    def treatment(effect: float, unequal: bool) -> Arm:
        mean, shape = 1.0 + effect, 0.5 if unequal else 1.0
        return Arm(
            lambda rng, size: rng.standard_gamma(shape, size) * (mean / shape),
            mean,
            mean * mean / shape,
        )

    return World("exponential", treatment(0.0, False), treatment, largest=10.0)


def revenue() -> World:
    """Return revenue: nine units in ten have none, the others a lognormal amount."""
    share = 0.1

    def treatment(effect: float, unequal: bool) -> Arm:
        sigma = 1.5 if unequal else 1.0
        mean = 10.0 * (1.0 + effect)
        mu = np.log(mean / share) - sigma * sigma / 2.0
        square = share * np.exp(2.0 * mu + 2.0 * sigma * sigma)

        def draw(rng: np.random.Generator, size: tuple[int, int]) -> Floats:
            values = np.zeros(size)
            buys = rng.random(size) < share
            values[buys] = rng.lognormal(mu, sigma, int(buys.sum()))
            return values

        return Arm(draw, mean, float(square - mean * mean))

    title = "revenue (90% zeros, lognormal)"
    return World(title, treatment(0.0, False), treatment, largest=10.0)


def rare_event(base: float = 0.004) -> World:
    """Return a share of successes, whose variance follows from it."""

    def treatment(effect: float, unequal: bool) -> Arm:
        assert not unequal
        share = base * (1.0 + effect)

        def summed(rng: np.random.Generator, runs: int, n: int) -> MomentsTable:
            successes = rng.binomial(n, share, runs).astype(float)
            spread = successes * (n - successes) / n
            units = np.full(runs, float(n))
            return MomentsTable(units, (successes / n)[:, None], spread[:, None, None])

        return Arm(
            lambda rng, size: (rng.random(size) < share).astype(float),
            share,
            share * (1 - share),
            summed,
        )

    control = treatment(0.0, False)
    return World(
        f"proportion of {100 * base:g}%", control, treatment, unequal=False, largest=0.4 / base
    )


def clicks_per_view() -> World:
    """Return clicks over views: users differ in both, and those who view more click less often."""
    target, _ = _ratio_truth(1.0, 0.3)

    def treatment(effect: float, unequal: bool) -> Arm:
        spread = 0.5 if unequal else 1.0  # shape of the gamma: smaller is wider
        # the same ratio whatever the spread
        level = 0.3 * (1.0 + effect) * target / _ratio_truth(spread, 0.3)[0]

        def draw(rng: np.random.Generator, size: tuple[int, int]) -> Floats:
            activity = rng.standard_gamma(spread, size) / spread
            views = 1 + rng.poisson(4.0 * activity)
            clicks = rng.binomial(views, level / (1.0 + 0.5 * activity))
            return np.stack([clicks.astype(float), views.astype(float)])

        def summed(rng: np.random.Generator, runs: int, n: int) -> MomentsTable:
            return _of_counts(*_clicks_and_views(spread, level), rng, runs, n)

        return Arm(draw, *_ratio_truth(spread, level), summed)

    return World("clicks / views, correlated", treatment(0.0, False), treatment, largest=1.5)


def _of_counts(
    points: Floats, shares: Floats, rng: np.random.Generator, runs: int, n: int
) -> MomentsTable:
    """Return moments of n units with few distinct values: how many have each is multinomial.

    Parameters
    ----------
    points
        The distinct values, shape (k, variables).
    shares
        Share of units at each, shape (k,), the largest first: the draw stops where none are left.
    """
    pilot = shares @ points
    centred = points - pilot
    products = np.einsum("ki,kj->kij", centred, centred).reshape(len(points), -1)
    width = points.shape[1]
    step = max(1, CHUNK // len(points))
    parts = []
    for start in range(0, runs, step):
        counts = rng.multinomial(n, shares, min(step, runs - start)).astype(float)
        shift = counts @ centred / n
        m2 = (counts @ products).reshape(-1, width, width) - n * np.einsum(
            "ri,rj->rij", shift, shift
        )
        parts.append((pilot + shift, m2))
    mean, m2 = (np.concatenate(part) for part in zip(*parts, strict=True))
    return MomentsTable(np.full(runs, float(n)), mean, m2)


@cache
def _clicks_and_views(spread: float, level: float) -> tuple[Floats, Floats]:
    """Return the values that `draw` of `clicks_per_view` can give, and the share of each.

    What is rarer than 1e-17 is left out: a thousand million units would not have one.
    """
    g, w = _activity(spread)
    habit = level / (1.0 + 0.5 * g)
    views = np.arange(1.0, 1.0 + special.pdtrik(1.0 - 1e-16, 4.0 * g[-1]) + 10.0)
    seen = np.exp(
        (views - 1.0) * np.log(4.0 * g)[:, None] - 4.0 * g[:, None] - special.gammaln(views)
    )
    found, shares = [], []
    for place, many in enumerate(views):
        clicks = np.arange(many + 1.0)
        ways = special.binom(many, clicks)
        given = ways * habit[:, None] ** clicks * (1.0 - habit[:, None]) ** (many - clicks)
        found.append(np.stack([clicks, np.full(len(clicks), many)], axis=1))
        shares.append((w * seen[:, place]) @ given)
    points, share = np.concatenate(found), np.concatenate(shares)
    order = np.argsort(-share, kind="stable")
    order = order[share[order] > 1e-17]
    return points[order], share[order] / share[order].sum()


def _ratio_truth(spread: float, level: float) -> tuple[float, float]:
    """Return E clicks / E views and the variance of a unit's influence value, by quadrature.

    Given activity g, views are 1 + Poisson(4 g) and clicks binomial with level / (1 + g / 2).
    """
    g, w = _activity(spread)
    habit, views, views_variance = level / (1.0 + 0.5 * g), 1.0 + 4.0 * g, 4.0 * g
    ratio = float((w * habit * views).sum() / (w * views).sum())
    # influence (y - R x) / E x given g: mean (h - R) v, variance v h (1 - h) + (h - R)^2 Var(x)
    given = views * habit * (1.0 - habit) + (habit - ratio) ** 2 * views_variance
    total = (w * (given + ((habit - ratio) * views) ** 2)).sum()
    return ratio, float(total / (w * views).sum() ** 2)


@cache
def _activity(spread: float) -> tuple[Floats, Floats]:
    """Return nodes and weights of a mean over a gamma of mean 1 and shape `spread`."""
    nodes, weights = np.polynomial.legendre.leggauss(400)
    # the mean over a gamma is an integral over the quantiles u in (0, 1)
    g = special.gammaincinv(spread, 0.5 * (nodes + 1.0)) / spread
    return g, 0.5 * weights
