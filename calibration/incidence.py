"""Events that exclude each other, and events that repeat: incidence and cumulative means."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import product

import numpy as np

from abtest.stats import (
    CompetingTimes,
    RepeatedEvents,
    compare_cumulative_means,
    compare_incidence,
    gray_test,
)
from calibration.cell import Cell, Observed
from calibration.survival import HORIZON, NEEDED, RUNS, SIZES, WATCHED
from calibration.tally import NONE, Tally
from calibration.two_arms import SPLITS, sizes_of

PAID, CANCELLED = 0.06, 0.04
"""Hazards per day of both events."""
FEWEST = 5
"""Units of an arm: fewer have nothing to be estimated from."""


@dataclass(frozen=True)
class Competing:
    """Units that pay or cancel, whichever comes first, at constant hazards.

    Attributes
    ----------
    sizes
        Units of control and treatment.
    ratio
        Treatment's hazard of paying over control's.
    days
        Whether times are whole days.
    """

    sizes: tuple[int, int]
    ratio: float
    days: bool

    def share(self, ratio: float) -> float:
        """Return the share that has paid up to the horizon."""
        paid = PAID * ratio
        together = paid + CANCELLED
        return float(paid / together * -np.expm1(-together * HORIZON))

    def draw(self, rng: np.random.Generator, n: int, ratio: float) -> CompetingTimes:
        """Return n units of an arm."""
        paid = PAID * ratio
        together = paid + CANCELLED
        times, ends = rng.standard_exponential(n) / together, rng.uniform(*WATCHED, n)
        causes = 1 + (rng.random(n) >= paid / together)
        if self.days:
            times, ends = np.ceil(times), np.floor(ends)
        return CompetingTimes.from_values(
            np.minimum(times, ends), np.where(times <= ends, causes, 0)
        )

    def __call__(self, rng: np.random.Generator, runs: int) -> list[Observed]:
        """Return what the difference of shares and Gray's test did."""
        shares = self.share(1.0), self.share(self.ratio)
        difference = shares[1] - shares[0]
        truths = {
            "Aalen-Johansen": (difference, difference / shares[0]),
            "Gray": (self.ratio - 1.0, NONE),
        }
        tally = Tally(truths, powered=True)
        for _ in range(runs):
            arms = self.draw(rng, self.sizes[0], 1.0), self.draw(rng, self.sizes[1], self.ratio)
            tally.compare("Aalen-Johansen", partial(compare_incidence, *arms, horizon=HORIZON))
            tally.test("Gray", partial(_gray, *arms))
        return tally.observed()


def _gray(control: CompetingTimes, treatment: CompetingTimes) -> tuple[float, None]:
    return gray_test(control, treatment).p_value, None


def detectable(sizes: tuple[int, int]) -> float:
    """Return the ratio of hazards of paying that is found with power 0.8.

    By Schoenfeld's formula with the events of that cause alone, which Gray's test nearly is.
    """
    share = sizes[1] / sum(sizes)
    log_ratio = 0.0
    for _ in range(200):  # events depend on the effect
        ratio = float(np.exp(log_ratio))
        events = sizes[0] * _paid(1.0) + sizes[1] * _paid(ratio)
        log_ratio = NEEDED / float(np.sqrt(events * share * (1.0 - share)))
    return float(np.exp(log_ratio))


def _paid(ratio: float) -> float:
    """Return the share of units that is seen to pay while watched."""
    together = PAID * ratio + CANCELLED
    start, end = WATCHED
    left = (np.exp(-together * start) - np.exp(-together * end)) / (together * (end - start))
    return float(PAID * ratio / together * (1.0 - left))


@dataclass(frozen=True)
class Repeated:
    """Orders of units that order at rates of their own, on whole days, perhaps with amounts.

    Attributes
    ----------
    sizes
        Units of control and treatment.
    effect
        Relative effect on all rates.
    money
        Whether an order counts its amount, which is lognormal with mean 1, or once.
    """

    sizes: tuple[int, int]
    effect: float
    money: bool
    rate: float = 0.15
    shape: float = 0.5

    def draw(self, rng: np.random.Generator, n: int, rate: float) -> RepeatedEvents:
        """Return n units of an arm."""
        ends = np.floor(rng.uniform(*WATCHED, n))
        orders = rng.poisson(ends * rate * rng.standard_gamma(self.shape, n) / self.shape)
        units = np.repeat(np.arange(n), orders)
        # given how many there are, they are spread evenly over the days
        days = 1.0 + np.floor(rng.random(units.size) * ends[units])
        amounts = rng.lognormal(-0.5, 1.0, units.size) if self.money else None
        return RepeatedEvents.from_values(ends, units, days, amounts)

    def __call__(self, rng: np.random.Generator, runs: int) -> list[Observed]:
        """Return what the comparison of cumulative means did."""
        method = "Lawless-Nadeau"
        tally = Tally({method: (self.effect * self.rate * HORIZON, self.effect)})
        for _ in range(runs):
            arms = [
                self.draw(rng, n, rate)
                for n, rate in zip(
                    self.sizes, (self.rate, self.rate * (1.0 + self.effect)), strict=True
                )
            ]
            tally.compare(method, partial(compare_cumulative_means, *arms, horizon=HORIZON))
        return tally.observed()


def cells() -> Iterator[Cell]:
    """Return the grid."""
    title = "paid or cancelled"
    for total, days in product(SIZES, (False, True)):
        half, reduced = sizes_of(total, 0.5), total == 200 and days
        unit = "whole days" if days else "exact times"
        for sizes, ratio, note in (
            (half, 1.0, f"50/50, {unit}, no effect"),
            (half, detectable(half), f"50/50, {unit}, effect"),
            (sizes_of(total, 0.1), 1.0, f"90/10, {unit}, no effect"),
        ):
            if min(sizes) < FEWEST:
                continue
            competing = Competing(sizes, ratio, days)
            yield Cell("incidence", title, sizes, note, competing, RUNS, reduced=reduced)
    for total, (split, share), money in product(SIZES, SPLITS.items(), (False, True)):
        sizes = sizes_of(total, share)
        if min(sizes) < FEWEST:
            continue
        for effect in (0.0, 0.5):
            note = f"{split}, {'effect' if effect else 'no effect'}"
            title = "money of orders per unit" if money else "orders per unit"
            drawn = Repeated(sizes, effect, money)
            reduced = total == 200 and split == "50/50"
            yield Cell("cumulative means", title, sizes, note, drawn, RUNS, reduced=reduced)
