"""Do plans from pilots keep their promise: times, quantiles, scores of answers, repeated events?

Every population has the truths of its design: the hazard ratio, the shift, the tilted answers. The
effect is the one for which so many units are needed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
from scipy import optimize

from abtest.stats import (
    CumulativeDesign,
    EventTimes,
    ExponentialTimes,
    HazardDesign,
    NotEstimable,
    PowerResult,
    QuantileDesign,
    RepeatedEvents,
    ScoreDesign,
    SurvivalDesign,
    ValueCounts,
    compare_cumulative_means,
    compare_quantiles,
    compare_scores,
    compare_survival,
    log_rank_test,
    minimum_detectable_effect,
    power,
)
from abtest.stats.moments import Floats
from abtest.stats.sizing.design import Design
from abtest.stats.survival.compare import SurvivalMeasure
from calibration.cell import Cell, Observed
from calibration.two_arms import SPLITS

RUNS = 2_000
Draw = Callable[[np.random.Generator, int, bool], Any]
"""From a generator, a number of units and whether they are treated to a sample."""


@dataclass(frozen=True)
class Promise:
    """What a plan promises at a size, with its population and its test.

    Attributes
    ----------
    title
        In words.
    design
        What is planned.
    total
        Units over all arms.
    population
        From the effect to the draws.
    test
        From both samples to an answer with a p-value.
    effect
        The one that is promised; None for the one that has 80%.
    """

    title: str
    design: Design
    total: int
    population: Callable[[float], Draw]
    test: Callable[..., Any]
    effect: float | None = None

    @cached_property
    def plan(self) -> PowerResult:
        """Power, units and effect that belong together."""
        if self.effect is not None:
            return power(self.design, units=self.total, effect=self.effect)
        return minimum_detectable_effect(self.design, units=self.total)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Units by arm."""
        return tuple(round(n) for n in self.plan.units_by_arm)

    def __call__(self, rng: np.random.Generator, runs: int) -> list[Observed]:
        """Return how many experiments of this size find the effect."""
        draw = self.population(self.plan.effect)
        shown = missing = 0
        n0, n1 = self.sizes
        for _ in range(runs):
            try:
                found = self.test(draw(rng, n0, False), draw(rng, n1, True))
            except NotEstimable:
                missing += 1
                continue
            shown += found.p_value < self.design.level
        promised = round(self.plan.power, 4)
        return [
            Observed(self.plan.formula, "promised_power", promised, shown, runs - missing, missing)
        ]


def times(world: ExponentialTimes, ratio: float) -> Draw:
    """Return times with a hazard ratio."""

    def draw(rng: np.random.Generator, n: int, treated: bool) -> EventTimes:
        event = rng.exponential(1.0 / (world.hazard * (ratio if treated else 1.0)), n)
        end = world.follow_up + world.accrual * rng.random(n)
        if world.drop_out:
            end = np.minimum(end, rng.exponential(1.0 / world.drop_out, n))
        return EventTimes.from_values(np.minimum(event, end), event <= end)

    return draw


def shifted(values: Callable[[np.random.Generator, int], Floats], effect: float) -> Draw:
    """Return values that are moved by the effect."""

    def draw(rng: np.random.Generator, n: int, treated: bool) -> Floats:
        return values(rng, n) + (effect if treated else 0.0)

    return draw


def answering(design: ScoreDesign, points: Floats, effect: float) -> Draw:
    """Return answers of some of the units, tilted so that the score has the effect."""
    answers = design.answers
    shares = answers.counts / answers.n

    def tilted(tilt: float) -> Floats:
        weights = shares * np.exp(tilt * points / np.ptp(points))
        return np.asarray(weights / weights.sum())

    tilt = optimize.brentq(lambda t: float((tilted(t) - shares) @ points) - effect, -20.0, 20.0)

    def draw(rng: np.random.Generator, n: int, treated: bool) -> ValueCounts:
        answered = rng.binomial(n, design.response)
        counts = rng.multinomial(answered, tilted(tilt) if treated else shares)
        return ValueCounts.from_table(answers.values, counts)

    return draw


def repeated(rng: np.random.Generator, n: int, rate: float) -> RepeatedEvents:
    """Return events at a pace of each unit's own, 30% of them watched for less than 28 days."""
    end = np.where(rng.random(n) < 0.3, np.ceil(28.0 * rng.random(n)), 28.0)
    counts = rng.poisson(rate * rng.exponential(1.0, n) * end)
    unit = np.repeat(np.arange(n), counts)
    return RepeatedEvents.from_values(end, unit, np.ceil(rng.random(unit.size) * end[unit]))


WORLDS = {
    "rare events, more of them": (ExponentialTimes(0.05, 1.0), "increase"),
    "accrual and drop-out": (ExponentialTimes(0.5, 2.0, 1.0, 0.1), "decrease"),
    "all have the event": (ExponentialTimes(1.0, 30.0), "decrease"),
}
SHARES = (np.arange(20_000) + 0.5) / 20_000
DENSE = ValueCounts.from_values(-60.0 * np.log1p(-SHARES))
ROUNDS = ValueCounts.from_table([0, 1, 2, 3, 5, 8], [30, 40, 50, 40, 30, 10])
ANSWERS = ValueCounts.from_table([3, 6, 7, 8, 9, 10], [40, 60, 80, 70, 50, 30])
PROMOTERS = np.array([-100.0, -100.0, 0.0, 0.0, 100.0, 100.0])
STARS = ValueCounts.from_table([1, 2, 3, 4, 5], [5, 10, 25, 35, 25])
WORTH = {1.0: 0.0, 2.0: 25.0, 3.0: 50.0, 4.0: 75.0, 5.0: 100.0}
MEASURES: dict[str, SurvivalMeasure] = {"restricted mean time": "rmst", "share": "survival"}
PACE = 0.05
TOTALS, FEWER = (1_000, 10_000), (100, 1_000)
"""Units; of quantiles fewer, whose test takes milliseconds."""


def promises(allocation: tuple[float, float]) -> Iterator[Promise]:
    """Return the plans for arms of these weights."""
    yield from _of_times(allocation)
    yield from _of_quantiles(allocation)
    asked = ScoreDesign(ANSWERS, 0.4, allocation=allocation)
    stars = ScoreDesign(STARS, 0.4, "ordinal", scores=WORTH, allocation=allocation)
    pilot = repeated(np.random.default_rng(1), 40_000, PACE)
    # of counts at a pace of each unit's own some variance grows as the mean, some as its square
    totals = CumulativeDesign.from_repeated_events(
        pilot, 28.0, relative=True, variance_power=1.6, allocation=allocation
    )
    by_worth: Any = partial(compare_scores, kind="ordinal", scores=WORTH)
    by_horizon: Any = partial(compare_cumulative_means, horizon=28.0)
    for total in TOTALS:
        score = partial(answering, asked, PROMOTERS)
        yield Promise("NPS, 40% answer", asked, total, score, compare_scores)
        score = partial(answering, stars, np.array(list(WORTH.values())))
        yield Promise("ordinal score, 40% answer", stars, total, score, by_worth)
        yield Promise("mean cumulative function", totals, total, more_often, by_horizon)


def _of_times(allocation: tuple[float, float]) -> Iterator[Promise]:
    for total in TOTALS:
        for name, (world, direction) in WORLDS.items():
            hazards = HazardDesign(world, allocation=allocation, direction=direction)
            by_ratio = partial(_of_ratio, world)
            yield Promise(f"hazard ratio, {name}", hazards, total, by_ratio, log_rank_test)
        world = WORLDS["accrual and drop-out"][0]
        for title, compared in MEASURES.items():
            design = SurvivalDesign(world, 2.0, compared, allocation=allocation)
            compare: Any = partial(compare_survival, horizon=2.0, measure=compared)
            by_gap = partial(_of_gap, design, world)
            yield Promise(f"{title}, with accrual and drop-out", design, total, by_gap, compare)


def _of_quantiles(allocation: tuple[float, float]) -> Iterator[Promise]:
    for total in FEWER:
        for share in (0.5, 0.9):
            design = QuantileDesign(DENSE, share, allocation=allocation)
            compare: Any = partial(compare_quantiles, quantile=share)
            yield Promise(f"quantile {share}, exponential", design, total, _waiting, compare)
    median = QuantileDesign(ROUNDS, allocation=allocation)
    total = FEWER[-1]
    yield Promise("median, an atom", median, total, _rounds, compare_quantiles, effect=1.0)


def _of_ratio(world: ExponentialTimes, effect: float) -> Draw:
    return times(world, 1.0 + effect)


def _of_gap(design: SurvivalDesign, world: ExponentialTimes, effect: float) -> Draw:
    log_ratio = design.restricted.ratio_for(np.array([design.value + effect]))
    return times(world, float(np.exp(log_ratio[0])))


def _waiting(effect: float) -> Draw:
    return shifted(lambda rng, n: rng.exponential(60.0, n), effect)


def _rounds(effect: float) -> Draw:
    shares = ROUNDS.counts / ROUNDS.n
    return shifted(lambda rng, n: rng.choice(ROUNDS.values, n, p=shares), effect)


def more_often(effect: float) -> Draw:
    """Return repeated events, in treatment a share more of them."""

    def draw(rng: np.random.Generator, n: int, treated: bool) -> RepeatedEvents:
        return repeated(rng, n, PACE * (1.0 + effect if treated else 1.0))

    return draw


def cells() -> Iterator[Cell]:
    """Return the grid."""
    for split, share in SPLITS.items():
        for promise in promises((1.0 - share, share)):
            yield Cell("planned sizes", promise.title, promise.sizes, split, promise, RUNS)
