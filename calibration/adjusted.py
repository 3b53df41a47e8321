"""Adjustments of units one by one: strata, Lin's regression, CUPAC, and the test of balance."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import product

import numpy as np

from abtest.stats import (
    Comparison,
    Moments,
    compare_adjusted_means,
    compare_cupac_means,
    compare_stratified_means,
    diagnose_adjustment,
)
from abtest.stats.adjustment.diagnosis import ALARM
from abtest.stats.adjustment.regression import RobustErrors
from abtest.stats.moments import Floats
from calibration import worlds
from calibration.answers import ALPHA, Answers
from calibration.cell import Cell, Observed
from calibration.two_arms import SPLITS, sizes_of
from calibration.worlds import Arm, Draw

LIFT = 0.5
STRATA_RUNS, LIN_RUNS, CUPAC_RUNS, BALANCE_RUNS = 3_000, 3_000, 2_000, 2_000
"""Each takes a call per draw, from 0.4 to 3 milliseconds."""
Truth = tuple[float, float]
"""The true difference and the true relative effect."""


@dataclass(frozen=True)
class Strata:
    """Units of three kinds: shares and means of the kinds, and the effect on each.

    The shares are those of the population: how many units of each kind an arm has is chance.

    Attributes
    ----------
    shares, means, effects, spreads
        By kind; spreads are standard deviations within it.
    skewed
        Whether units of a kind are exponential about its mean, instead of normal.
    sizes
        Units of control and treatment.
    """

    shares: tuple[float, ...]
    means: tuple[float, ...]
    effects: tuple[float, ...]
    spreads: tuple[float, ...]
    skewed: bool
    sizes: tuple[int, int]

    @property
    def truth(self) -> Truth:
        """What is true of the population, whose shares are known."""
        difference = float(np.dot(self.shares, self.effects))
        return difference, difference / float(np.dot(self.shares, self.means))

    def arm(self, rng: np.random.Generator, treated: bool) -> dict[int, Moments]:
        """Return one arm by kind; a kind that it has no unit of is not there."""
        found = {}
        counts = rng.multinomial(self.sizes[treated], self.shares)
        for kind, n in enumerate(counts.tolist()):
            if n == 0:
                continue
            noise = rng.standard_exponential(n) - 1.0 if self.skewed else rng.standard_normal(n)
            mean = float(noise.mean())
            square = float(((noise - mean) ** 2).sum())
            level, spread = self.means[kind] + treated * self.effects[kind], self.spreads[kind]
            found[kind] = Moments(
                n, np.array([level + spread * mean]), np.array([[spread**2 * square]])
            )
        return found

    def __call__(self, rng: np.random.Generator, runs: int) -> list[Observed]:
        """Return what post-stratification did."""

        def calls() -> Iterator[Callable[[], Comparison]]:
            for _ in range(runs):
                yield partial(compare_stratified_means, self.arm(rng, False), self.arm(rng, True))

        return _judged("post-stratification", Answers.of_calls(calls()), self.truth)


EFFECTS = {
    "equal, no effect": (0.0, 0.0, 0.0),
    "effects that differ and cancel, no effect": (-1.0, 1.0, 1.0),
    "effects that differ, effect": (0.0, 1.0, 2.0),
}
"""Effects on the kinds, of which the first has half of the units."""


def _strata() -> Iterator[Cell]:
    for skewed, total, split, note in product(
        (False, True), (30, 100, 1_000, 10_000), SPLITS, EFFECTS
    ):
        if not skewed and note != "effects that differ, effect":
            continue  # the harder population has them all
        sizes = sizes_of(total, SPLITS[split])
        drawn = Strata((0.5, 0.3, 0.2), (2.0, 5.0, 10.0), EFFECTS[note], (1, 2, 4), skewed, sizes)
        situation = f"three strata, {'exponential' if skewed else 'normal'} within"
        reduced = total == 100 and split == "90/10" and skewed and drawn.truth[0] != 0.0
        noted = f"{split}, {note}"
        yield Cell(
            "post-stratification", situation, sizes, noted, drawn, STRATA_RUNS, reduced=reduced
        )


@dataclass(frozen=True)
class ByUnits:
    """Two arms whose methods take (value, covariates) of every unit, shape (1 + k, n) each."""

    control: Arm
    treatment: Arm
    sizes: tuple[int, int]
    methods: dict[str, Callable[[Floats, Floats], Comparison]]

    @property
    def truth(self) -> Truth:
        """What is true of the population."""
        difference = self.treatment.value - self.control.value
        return difference, difference / self.control.value

    def __call__(self, rng: np.random.Generator, runs: int) -> list[Observed]:
        """Return what every method did, all on the same draws."""
        control, treatment = (
            arm.draw(rng, (runs, n))
            for arm, n in zip((self.control, self.treatment), self.sizes, strict=True)
        )
        found = []
        for name, compare in self.methods.items():
            answers = Answers.of_calls(
                partial(compare, control[:, row], treatment[:, row]) for row in range(runs)
            )
            found += _judged(name, answers, self.truth)
        return found


def _judged(name: str, answers: Answers, truth: Truth) -> list[Observed]:
    """Return what was promised: no power is."""
    found = answers.observed(name, truth, power=float("nan"))
    return [one for one in found if one.quantity != "power"]


def one_past(effect: float, *, growing: bool, steeper: bool) -> Arm:
    """Return (value, past) of units, whose past is a gamma of mean 2.

    Parameters
    ----------
    effect
        Added to the mean.
    growing
        Whether the errors grow with the past.
    steeper
        Whether the value grows more with it: an effect that is larger for those with more past.
    """
    slope = 1.6 if steeper else 1.0

    def draw(rng: np.random.Generator, size: tuple[int, int]) -> Floats:
        past = rng.standard_gamma(2.0, size)
        spread = 0.75 * past if growing else 1.5
        value = 4.0 + effect + slope * (past - 2.0) + spread * rng.standard_normal(size)
        return np.stack([value, past])

    noise = 0.75**2 * 6.0 if growing else 1.5**2  # E past^2 = 6
    return Arm(draw, 4.0 + effect, slope * slope * 2.0 + noise)


def _lin(errors: RobustErrors, control: Floats, treatment: Floats) -> Comparison:
    pasts = control[1], treatment[1]
    return compare_adjusted_means(control[0], treatment[0], covariates=pasts, errors=errors)


LIN: dict[str, Callable[[Floats, Floats], Comparison]] = {
    "lin_hc2": partial(_lin, "hc2"),
    "lin_hc3": partial(_lin, "hc3"),
}
ERRORS = {
    "equal errors, no effect": (False, False, 0.0),
    "errors that grow with the past, no effect": (True, False, 0.0),
    "errors and effects that grow with the past, effect": (True, True, LIFT),
}
"""Whether errors grow, whether effects do, and the mean effect."""


def _regressions() -> Iterator[Cell]:
    for total, split, note in product((30, 60, 100, 1_000), SPLITS, ERRORS):
        growing, steeper, effect = ERRORS[note]
        sizes = sizes_of(total, SPLITS[split])
        control = one_past(0.0, growing=growing, steeper=False)
        treatment = one_past(effect, growing=growing, steeper=steeper)
        drawn = ByUnits(control, treatment, sizes, LIN)
        reduced = total == 60 and split == "50/50" and steeper
        title = "mean, one skewed covariate"
        noted = f"{split}, {note}"
        yield Cell("robust regression", title, sizes, noted, drawn, LIN_RUNS, reduced=reduced)


def many_features(effect: float, features: int, steeper: bool) -> Arm:
    """Return (value, features) of units: two normal features matter, the first by its square too.

    With `steeper` the effect is larger for those with more of the first.
    """
    slope = 1.5 if steeper else 1.0

    def draw(rng: np.random.Generator, size: tuple[int, int]) -> Floats:
        found = rng.standard_normal((1 + features, *size))  # the first is the noise, then the value
        found[0] += 4.0 + effect + slope * found[1] + 0.5 * found[2] + 0.5 * (found[1] ** 2 - 1.0)
        return found

    return Arm(draw, 4.0 + effect, 1.0 + slope * slope + 0.25 + 0.5)  # Var x^2 = 2


def useless_features(features: int) -> Arm:
    """Return (value, features) of units, all normal; no feature says anything of the value."""

    def draw(rng: np.random.Generator, size: tuple[int, int]) -> Floats:
        found = rng.standard_normal((1 + features, *size))  # the first is the value
        found[0] += 4.0
        return found

    return Arm(draw, 4.0, 1.0)


def _cupac(control: Floats, treatment: Floats, folds: int = 5) -> Comparison:
    features = control[1:].T, treatment[1:].T
    return compare_cupac_means(control[0], treatment[0], features=features, folds=folds)


def _predictions() -> Iterator[Cell]:
    for (features, total), split, steeper in product(
        ((3, 100), (3, 1_000), (20, 100)), SPLITS, (False, True)
    ):
        if not steeper and (features, total) != (3, 100):
            continue  # a model call per fold and draw: the harder case alone
        sizes = sizes_of(total, SPLITS[split])
        control = many_features(0.0, features, False)
        treatment = many_features(LIFT if steeper else 0.0, features, steeper)
        drawn = ByUnits(control, treatment, sizes, {"cupac": _cupac})
        noted = f"{split}, {'effects that differ, effect' if steeper else 'equal, no effect'}"
        title = f"mean, {features} features of which 2 matter"
        reduced = (features, total, split) == (3, 100, "50/50") and steeper
        yield Cell("CUPAC", title, sizes, noted, drawn, CUPAC_RUNS, reduced=reduced)
    yield from _useless()


def _useless() -> Iterator[Cell]:
    """Yield what must save nothing: with few units, and with folds of one unit per arm."""
    title, arm = "mean, a useless feature", useless_features(1)
    for total, split in ((20, "50/50"), (100, "50/50"), (100, "90/10")):
        sizes, noted = sizes_of(total, SPLITS[split]), f"{split}, equal, no effect"
        drawn = ByUnits(arm, arm, sizes, {"cupac": _cupac})
        yield Cell("CUPAC", title, sizes, noted, drawn, CUPAC_RUNS)
        if split == "50/50":
            drawn = ByUnits(arm, arm, sizes, {"cupac": partial(_cupac, folds=total // 2)})
            noted = f"{split}, a pair per fold, no effect"
            yield Cell("CUPAC", title, sizes, noted, drawn, CUPAC_RUNS // 2)


@dataclass(frozen=True)
class Balanced:
    """Two arms of one population, and the test of whether they were alike before exposure."""

    draw: Draw
    sizes: tuple[int, int]

    def __call__(self, rng: np.random.Generator, runs: int) -> list[Observed]:
        """Return how often they are said to differ."""
        arm = Arm(self.draw, float("nan"), float("nan"))
        tables = [worlds.moments(arm, rng, runs, n) for n in self.sizes]
        differ = alarms = missing = 0
        for row in range(runs):
            arms = [Moments(int(t.n[row]), t.mean[row], t.m2[row]) for t in tables]
            balance = diagnose_adjustment(arms[0], arms[1]).balance
            if balance is None:
                missing += 1
            else:
                differ += balance.p_value < ALPHA
                alarms += balance.p_value < ALARM
        judged = runs - missing
        return [
            Observed("joint test", "type_i", ALPHA, differ, judged, missing),
            Observed("joint test, alarm", "type_i", ALARM, alarms, judged, missing),
        ]


def past_of(covariates: int) -> Draw:
    """Return a draw of (value, covariates): a gamma, a count that goes with it, and a normal."""

    def draw(rng: np.random.Generator, size: tuple[int, int]) -> Floats:
        first = rng.standard_gamma(2.0, size)
        others = [rng.poisson(2.0 * first).astype(float), first + rng.standard_normal(size)]
        pasts = [first, *others][:covariates]
        return np.stack([first + rng.standard_normal(size), *pasts])

    return draw


def _balances() -> Iterator[Cell]:
    for covariates, total, split in product((1, 3), (30, 100, 1_000), SPLITS):
        if covariates == 1 and total == 1_000:
            continue  # it is Welch's test, which has a table of its own
        sizes = sizes_of(total, SPLITS[split])
        drawn = Balanced(past_of(covariates), sizes)
        title = "one skewed covariate" if covariates == 1 else f"{covariates} correlated covariates"
        reduced = total == 100 and split == "90/10" and covariates == 3
        note = f"{split}, no effect"
        yield Cell(
            "balance before exposure", title, sizes, note, drawn, BALANCE_RUNS, reduced=reduced
        )


def cells() -> Iterator[Cell]:
    """Return the grid."""
    yield from _strata()
    yield from _regressions()
    yield from _predictions()
    yield from _balances()
