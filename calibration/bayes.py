"""Bayesian comparisons: where the prior is the truth, and at a fixed truth under weak priors."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy import special

from abtest.stats import (
    BetaPrior,
    GammaPrior,
    Moments,
    MomentsTable,
    NormalPrior,
)
from abtest.stats.bayesian.arm_models import BetaModel, GammaModel
from abtest.stats.bayesian.effects import EffectPosterior
from abtest.stats.bayesian.normal_model import NormalModel
from abtest.stats.bayesian.priors import Prior, PriorScale
from abtest.stats.moments import Floats
from abtest.stats.rates.totals import event_arm
from calibration import worlds
from calibration.answers import ALPHA, LEVEL, POWER
from calibration.cell import Cell, Observed
from calibration.monotone import between
from calibration.rates import RATE, events
from calibration.two_arms import SPLITS, TwoArms, detectable, sizes_of
from calibration.worlds import World

SIZES = (20, 50, 200, 1_000, 10_000)
RUNS = 2_000
"""An integral of two arms takes 4 milliseconds."""
SHARES = (0.01, 0.1, 0.5)
LOW, HIGH = 0.5 - LEVEL / 2.0, 0.5 + LEVEL / 2.0
SIGNS = "signs by P(better)"
RELATIVE = NormalPrior()
"""Relative effects of 0 with a standard deviation of 30%."""

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Counts:
    """How arms whose units are counted are drawn and judged.

    Attributes
    ----------
    parameters
        From a generator, a shape and a prior to shares or rates.
    draw
        From a generator, units of an arm and its share or rate to what is counted.
    effect
        From the counts of both arms, their units, a prior and the scale to the posterior.
    variance
        Roughly that of a unit, from its mean.
    """

    parameters: Callable[[np.random.Generator, tuple[int, int], Prior], Floats]
    draw: Callable[[np.random.Generator, int, Floats], NDArray[np.int64]]
    effect: Callable[[tuple[int, int], tuple[int, int], Prior | None, PriorScale], EffectPosterior]
    variance: Callable[[Floats], Floats]


def _shares(rng: np.random.Generator, shape: tuple[int, int], prior: Prior) -> Floats:
    assert isinstance(prior, BetaPrior)
    return rng.beta(prior.successes, prior.failures, shape)


def _rates(rng: np.random.Generator, shape: tuple[int, int], prior: Prior) -> Floats:
    assert isinstance(prior, GammaPrior)
    return rng.gamma(prior.events, 1.0 / prior.exposure, shape)


def _share_effect(
    found: tuple[int, int], units: tuple[int, int], prior: Prior | None, scale: PriorScale
) -> EffectPosterior:
    return BetaModel(found, units, (0, 0), scale).effects(prior)[0]


def _rate_effect(
    found: tuple[int, int], units: tuple[int, int], prior: Prior | None, scale: PriorScale
) -> EffectPosterior:
    arms = [event_arm(x, float(n), "an arm") for x, n in zip(found, units, strict=True)]
    return GammaModel(arms, scale).effects(prior)[0]


SUCCESSES = Counts(_shares, lambda rng, n, p: rng.binomial(n, p), _share_effect, lambda p: p - p**2)
EVENTS = Counts(_rates, lambda rng, n, rate: rng.poisson(n * rate), _rate_effect, lambda rate: rate)


@dataclass(frozen=True)
class Arms:
    """Two arms whose units are counted, under one prior for each.

    Attributes
    ----------
    counts
        Successes or events.
    sizes
        Units of each arm.
    prior
        Of the analysis; None for the default, which may depend on the counts.
    truth
        Share or rate of control and of treatment; None draws them from the prior every time.
    method
        Name of the prior on the page.
    """

    counts: Counts
    sizes: tuple[int, int]
    prior: Prior | None
    truth: tuple[float, float] | None
    method: str

    def __call__(self, rng: np.random.Generator, runs: int) -> list[Observed]:
        """Return how often intervals and P(better) were right."""
        if self.truth is None:
            assert self.prior is not None
            true = self.counts.parameters(rng, (2, runs), self.prior)
        else:
            true = np.repeat(np.array(self.truth)[:, None], runs, axis=1)
        drawn = [
            self.counts.draw(rng, n, values) for n, values in zip(self.sizes, true, strict=True)
        ]
        found = np.stack(drawn)
        control, treatment = true
        none = np.zeros(runs)
        inside = (np.full(runs, LOW), np.full(runs, HIGH))
        signs = inside if self.truth else signs_held(treatment > control, rng.random(runs))
        return _observed(
            self.method,
            None if self.truth is None else self.truth[0] == self.truth[1],
            self.held(found, none, "absolute", signs),
            self.held(found, treatment - control, "absolute", inside),
            self.held(found, treatment / control - 1.0, "relative", inside),
        )

    def held(
        self, found: NDArray[np.int64], true: Floats, scale: PriorScale, limits: tuple[Floats, ...]
    ) -> Flags:
        """Return where the posterior probability of less than the truth is between limits.

        Under one prior it rises with the truth and with what control has, and falls with what
        treatment has. The default gamma prior depends on the events of both arms together, so
        that only draws with as many are compared.
        """

        def below(i: int) -> float:
            control, treatment = (int(one) for one in found[:, i])
            effect = self.counts.effect((control, treatment), self.sizes, self.prior, scale)
            return math.exp(effect.log_tails(float(true[i]))[0])

        low, high = limits
        together = found.sum(axis=0) if self.prior is None else np.zeros(len(true))
        places = np.stack([found[0], -found[1], true, together, -together])
        return between(places, below, (low, high), self._guesses(found, true, scale))

    def _guesses(self, found: NDArray[np.int64], true: Floats, scale: PriorScale) -> Floats:
        units = np.array(self.sizes)[:, None]
        control, treatment = means = (found + 1.0) / (units + 2.0)
        first, second = self.counts.variance(means) / units
        factor = 1.0 + true if scale == "relative" else np.ones_like(true)
        shift = 0.0 if scale == "relative" else true
        gap = factor * control + shift - treatment
        return np.asarray(special.ndtr(gap / np.sqrt(factor**2 * first + second)))


def signs_held(better: Flags, chance: Floats) -> tuple[Floats, Floats]:
    """Return between which values of P(worse) a random set of signs holds the true one.

    Of the line from 0 to 1 the part up to P(worse) is that of worse, the rest that of better. A
    point drawn evenly from the part of the true sign is spread evenly over the line if
    P(worse) is right, and lies between 2.5% and 97.5% with probability 0.95.

    Parameters
    ----------
    better
        Whether treatment is better.
    chance
        Where in the part of its sign the point lies, 0 to 1 from the end of the line inwards.
    """
    # worse: the point is chance * P(worse); better: 1 - chance * (1 - P(worse))
    low, high = LOW / chance, HIGH / chance
    return np.where(better, 1.0 - high, low), np.where(better, 1.0 - low, high)


def _observed(
    method: str, null: bool | None, sign: Flags, difference: Flags, relative: Flags
) -> list[Observed]:
    """Return what was held as rates.

    Parameters
    ----------
    method
        Name of the prior.
    null
        Whether there is no effect; None where effects are drawn.
    sign
        Where P(better) leaves the sign open, or, of drawn effects, the set of signs holds it.
    difference, relative
        Where intervals hold the true effects.
    """
    runs = len(sign)
    if null is None:
        first = Observed(f"{method}, {SIGNS}", "coverage", LEVEL, int(sign.sum()), runs)
    elif null:
        first = Observed(method, "type_i", ALPHA, int((~sign).sum()), runs)
    else:
        first = Observed(method, "power", POWER, int((~sign).sum()), runs)
    held = int(difference.sum()), int(relative.sum())
    return [
        first,
        Observed(method, "coverage", LEVEL, held[0], runs),
        Observed(method, "relative_coverage", LEVEL, held[1], runs),
    ]


@dataclass(frozen=True)
class Means:
    """Means of two arms, under normal priors on their difference.

    Attributes
    ----------
    world
        The population.
    sizes
        Units of each arm.
    lift
        Relative effect; None draws it from the prior every time and adds it to every unit.
    """

    world: World
    sizes: tuple[int, int]
    lift: float | None

    @property
    def priors(self) -> dict[str, NormalPrior | None]:
        """The priors tried: drawn effects are those of one prior, said on either scale."""
        if self.lift is None:
            sd = RELATIVE.sd * self.world.control.value
            return {"absolute prior": NormalPrior(0.0, sd, "absolute"), "relative prior": RELATIVE}
        return {"flat prior": None, "Normal(0, 0.3) on the relative effect": RELATIVE}

    def __call__(self, rng: np.random.Generator, runs: int) -> list[Observed]:
        """Return how often intervals and P(better) were right."""
        control = self.world.control
        if self.lift is None:
            treated, lifts = control, rng.normal(0.0, RELATIVE.sd, runs)
            shift = lifts * control.value
        else:
            treated, lifts = self.world.treatment(self.lift, False), np.full(runs, self.lift)
            shift = np.zeros(runs)
        tables = [
            worlds.moments(arm, rng, runs, n)
            for arm, n in zip((control, treated), self.sizes, strict=True)
        ]
        pairs = list(zip(_rows(tables[0], np.zeros(runs)), _rows(tables[1], shift), strict=True))
        true = lifts * control.value
        limits = (LOW, HIGH) if self.lift is not None else signs_held(lifts > 0.0, rng.random(runs))
        found = []
        for method, prior in self.priors.items():
            rows = [
                _below(pair, prior, float(value), float(lift))
                for pair, value, lift in zip(pairs, true, lifts, strict=True)
            ]
            worse, difference, relative = np.array(rows).T
            found += _observed(
                method,
                None if self.lift is None else self.lift == 0.0,
                (limits[0] <= worse) & (worse <= limits[1]),
                (difference >= LOW) & (difference <= HIGH),
                (relative >= LOW) & (relative <= HIGH),
            )
        return found


def _rows(table: MomentsTable, shift: Floats) -> list[Moments]:
    """Return the rows of a table, with a number added to all values of each."""
    return [
        Moments(int(table.n[row]), table.mean[row] + shift[row], table.m2[row])
        for row in range(len(table))
    ]


def _below(
    pair: tuple[Moments, Moments], prior: NormalPrior | None, difference: float, lift: float
) -> tuple[float, float, float]:
    """Return the posterior probabilities of less than 0, the difference and the relative effect."""

    def effect(scale: PriorScale) -> EffectPosterior:
        treatments = {"treatment": pair[1]}
        model = NormalModel.of(pair[0], treatments, measure="mean", covariates=None, scale=scale)
        return model.effects(prior)[0]

    absolute, relative = effect("absolute"), effect("relative")
    return (
        math.exp(absolute.log_tails(0.0)[0]),
        math.exp(absolute.log_tails(difference)[0]),
        math.exp(relative.log_tails(lift)[0]),
    )


def cells() -> Iterator[Cell]:
    """Return the grid."""
    for total, (split, share) in product(SIZES, SPLITS.items()):
        sizes = sizes_of(total, share)
        small = total == 200 and split == "50/50"
        for mean in SHARES:
            prior = BetaPrior(1.0, 1.0 / mean - 1.0)
            drawn = Arms(SUCCESSES, sizes, prior, None, "same prior")
            yield _cell(f"shares from {prior}", split, drawn, reduced=small and mean == SHARES[1])
        gamma = GammaPrior(1.0, 1.0 / RATE)
        drawn = Arms(EVENTS, sizes, gamma, None, "same prior")
        yield _cell(f"rates from {gamma}", split, drawn, reduced=False)
        for world in (worlds.normal(), worlds.exponential()):
            title = f"{world.title}, effects from the prior"
            yield _cell(title, split, Means(world, sizes, None), reduced=small)
        for lifted in (False, True):
            note = f"{split}, {'effect' if lifted else 'no effect'}"
            yield from _fixed(sizes, note, lifted=lifted, reduced=small)


def _fixed(sizes: tuple[int, int], note: str, *, lifted: bool, reduced: bool) -> Iterator[Cell]:
    """Return cells of one truth, where the population has so large an effect."""
    poisson = events(None, f"Poisson events, {RATE} per unit")
    counted = [
        *((worlds.rare_event(share), SUCCESSES, BetaPrior(), "Beta(1, 1)") for share in SHARES),
        (poisson, EVENTS, None, "gamma prior of one event"),
    ]
    for world, counts, prior, method in counted:
        lift = _lift(world, sizes) if lifted else 0.0
        if lift <= world.largest:
            truth = world.control.value, world.control.value * (1.0 + lift)
            drawn = Arms(counts, sizes, prior, truth, method)
            yield _cell(world.title, note, drawn, reduced)
    for world in (worlds.normal(), worlds.exponential()):
        lift = _lift(world, sizes) if lifted else 0.0
        if lift <= world.largest:
            yield _cell(world.title, note, Means(world, sizes, lift), reduced)


def _lift(world: World, sizes: tuple[int, int]) -> float:
    """Return the relative effect that a z test finds with power 0.8."""
    return detectable(TwoArms(world, (), sizes, unequal=False, powered=True))


def _cell(title: str, note: str, drawn: Arms | Means, reduced: bool) -> Cell:
    return Cell("Bayesian", title, drawn.sizes, note, drawn, RUNS, reduced=reduced)
