"""Quantiles of units, of events that belong to units, and many quantiles in one band."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import product
from typing import Protocol

import numpy as np
from scipy import optimize, special, stats

from abtest.stats import (
    Interval,
    compare_event_quantiles,
    compare_many_quantiles,
    compare_quantiles,
)
from abtest.stats.moments import Floats
from calibration.answers import ALPHA, LEVEL, POWER
from calibration.cell import Cell, Observed
from calibration.tally import NONE, Tally
from calibration.two_arms import SPLITS, sizes_of

SIZES = (30, 100, 1_000, 10_000)
UNITS = (20, 100, 400, 1_000)
"""Those that have events, in both arms."""
RUNS = 2_000
SHARES = (0.5, 0.9, 0.99)
QUARTERS = (0.1, 0.25, 0.5, 0.75, 0.9)
"""Quantiles of a band."""
LARGEST = 5.0
"""Relative effects above this one are not looked for."""
PLAIN = ("50/50", "no effect")
MANY = 1_000
"""With more units, values that are all different take long: 0.1 seconds per call."""
NEEDED = float(special.ndtri(0.5 + LEVEL / 2.0) + special.ndtri(POWER))


class Population(Protocol):
    """One arm's values."""

    def draw(self, rng: np.random.Generator, n: int) -> Floats:
        """Return the values of n units."""

    def quantile(self, share: float) -> float:
        """Return the smallest value that at least this share does not exceed."""


@dataclass(frozen=True)
class Lognormal:
    """Lognormal values around a median, with zeros for some units."""

    median: float = 1.0
    spread: float = 1.0
    zeros: float = 0.0

    def draw(self, rng: np.random.Generator, n: int) -> Floats:
        """Return the values of n units."""
        values = self.median * rng.lognormal(0.0, self.spread, n)
        return values if not self.zeros else np.where(rng.random(n) < self.zeros, 0.0, values)

    def quantile(self, share: float) -> float:
        """Return 0, or that of the others."""
        if share <= self.zeros:
            return 0.0
        other = (share - self.zeros) / (1.0 - self.zeros)
        return float(self.median * np.exp(self.spread * special.ndtri(other)))

    def error(self, share: float, n: int) -> float:
        """Return the standard error of a sample's quantile above the zeros, in large samples."""
        value = self.quantile(share)
        z = np.log(value / self.median) / self.spread
        density = (1.0 - self.zeros) * stats.norm.pdf(z) / (self.spread * value)
        return float(np.sqrt(share * (1.0 - share) / n) / density)


@dataclass(frozen=True)
class Events:
    """Events per user, whose rates differ: a negative binomial of shape 1."""

    rate: float = 4.0

    def draw(self, rng: np.random.Generator, n: int) -> Floats:
        """Return the numbers of n units."""
        return rng.negative_binomial(1.0, 1.0 / (1.0 + self.rate), n).astype(np.float64)

    def quantile(self, share: float) -> float:
        """Return that of the distribution."""
        return float(stats.nbinom.ppf(share, 1.0, 1.0 / (1.0 + self.rate)))


def _effects(control: float, treatment: float) -> tuple[float, float]:
    """Return the true difference and the true relative effect, if it has one."""
    difference = treatment - control
    return difference, (difference / abs(control) if control else NONE)


@dataclass(frozen=True)
class Quantiles:
    """One quantile of the units of two arms."""

    control: Population
    treatment: Population
    share: float
    sizes: tuple[int, int]
    powered: bool = False

    def __call__(self, rng: np.random.Generator, runs: int) -> list[Observed]:
        """Return what the comparison did in every draw."""
        arms = self.control, self.treatment
        truth = _effects(*(arm.quantile(self.share) for arm in arms))
        tally = Tally({"melded": truth}, powered=self.powered)
        for _ in range(runs):
            drawn = [arm.draw(rng, n) for arm, n in zip(arms, self.sizes, strict=True)]
            tally.compare("melded", partial(compare_quantiles, *drawn, quantile=self.share))
        return tally.observed()


@dataclass(frozen=True)
class Band:
    """Several quantiles at once."""

    control: Population
    treatment: Population
    sizes: tuple[int, int]

    def __call__(self, rng: np.random.Generator, runs: int) -> list[Observed]:
        """Return how often anything was said to differ, and the band held all differences."""
        arms = self.control, self.treatment
        truths = [
            self.treatment.quantile(share) - self.control.quantile(share) for share in QUARTERS
        ]
        alarms = held = 0
        for _ in range(runs):
            drawn = [arm.draw(rng, n) for arm, n in zip(arms, self.sizes, strict=True)]
            found = compare_many_quantiles(*drawn, quantiles=QUARTERS)
            alarms += found.p_value < ALPHA
            held += all(map(_holds, found.band, truths))
        observed = [Observed("simultaneous band", "coverage", LEVEL, held, runs)]
        if not any(truths):
            observed.append(Observed("simultaneous band", "type_i", ALPHA, alarms, runs))
        return observed


def _holds(interval: Interval, truth: float) -> bool:
    above = interval.lower is None or interval.lower <= truth
    return above and (interval.upper is None or truth <= interval.upper)


@dataclass(frozen=True)
class Durations:
    """Lognormal durations of events; units differ in pace, and slow ones have more events.

    Attributes
    ----------
    slower
        What all durations are multiplied by.
    pace
        Standard deviation of the logarithm of a unit's pace; that of an event is 1.
    seconds
        Whether durations are rounded up to whole numbers.
    """

    slower: float = 1.0
    pace: float = 0.7
    seconds: bool = False

    def draw(self, rng: np.random.Generator, units: int) -> tuple[Floats, Floats]:
        """Return values and units of the events: 1 + Poisson(4 e^pace) of each unit."""
        pace = rng.normal(0.0, self.pace, units)
        events = 1 + rng.poisson(4.0 * np.exp(pace - self.pace**2 / 2.0))
        whose = np.repeat(np.arange(units), events)
        values = 5.0 * self.slower * np.exp(pace[whose] + rng.normal(size=whose.size))
        return (np.ceil(values) if self.seconds else values), whose.astype(np.float64)

    @property
    def mean(self) -> float:
        """That of all events, not rounded."""
        even, by_pace = np.exp(self.pace**2 / 2.0), np.exp(1.5 * self.pace**2)
        return 5.0 * self.slower * float(np.exp(0.5) * (0.2 * even + 0.8 * by_pace))

    def quantile(self, share: float) -> float:
        """Return that of all events: one in five is drawn evenly, the others by pace."""
        spread = float(np.hypot(1.0, self.pace))

        def below(log: float) -> float:
            even, by_pace = (special.ndtr((log - at) / spread) for at in (0.0, self.pace**2))
            return float(0.2 * even + 0.8 * by_pace) - share

        value = 5.0 * self.slower * float(np.exp(optimize.brentq(below, -9.0, 9.0, xtol=1e-13)))
        return float(np.ceil(value)) if self.seconds else value


@dataclass(frozen=True)
class EventQuantiles:
    """One quantile of the events of two arms of units."""

    control: Durations
    treatment: Durations
    share: float
    sizes: tuple[int, int]

    @cached_property
    def truth(self) -> tuple[float, float]:
        """The true difference and relative effect."""
        return _effects(self.control.quantile(self.share), self.treatment.quantile(self.share))

    def __call__(self, rng: np.random.Generator, runs: int) -> list[Observed]:
        """Return what the comparison did in every draw."""
        method = "melded, clustered"
        tally = Tally({method: self.truth})
        for _ in range(runs):
            drawn = [
                arm.draw(rng, n)
                for arm, n in zip((self.control, self.treatment), self.sizes, strict=True)
            ]
            tally.compare(method, partial(compare_event_quantiles, *drawn, quantile=self.share))
        return tally.observed()


def detectable(control: Lognormal, share: float, sizes: tuple[int, int]) -> float:
    """Return the relative effect on all values that normal theory finds with power 0.8."""
    effect = 0.0
    for _ in range(200):  # the variance depends on the effect
        treated = Lognormal(control.median * (1.0 + effect), control.spread, control.zeros)
        error = np.hypot(control.error(share, sizes[0]), treated.error(share, sizes[1]))
        effect = NEEDED * float(error) / control.quantile(share)
        if effect > LARGEST:
            return float("inf")
    return effect


def _of_units() -> Iterator[Cell]:
    money, zeros = Lognormal(), Lognormal(zeros=0.85)
    for share, total, (split, part) in product(SHARES, SIZES, SPLITS.items()):
        sizes = sizes_of(total, part)
        name = f"p{100 * share:g}"
        reduced = total == 100 and share == 0.9
        pairs: list[tuple[str, str, Population, Population, bool]] = [
            ("events per user (atoms)", "no effect", Events(), Events(), False),
            ("events per user (atoms)", "effect", Events(), Events(5.0), False),
            ("85% zeros, lognormal", "no effect", zeros, zeros, False),
            ("lognormal", "no effect", money, money, False),
        ]
        if share > zeros.zeros:
            for title, control in (("lognormal", money), ("85% zeros, lognormal", zeros)):
                effect = detectable(control, share, sizes)
                if split == "50/50" and np.isfinite(effect):
                    treated = Lognormal(1.0 + effect, zeros=control.zeros)
                    pairs.append((title, "effect", control, treated, True))
        if share == 0.5:
            wider = "lognormal, treatment spread thrice"
            pairs.append((wider, "no effect", money, Lognormal(spread=3.0), False))
        for title, effects, first, second, powered in pairs:
            slow = "atoms" not in title and (share < 0.9 or (split, effects) != PLAIN)
            if total > MANY and slow:
                continue
            drawn = Quantiles(first, second, share, sizes, powered)
            note = f"{split}, {effects}"
            yield Cell("quantiles", f"{name}, {title}", sizes, note, drawn, RUNS, reduced=reduced)


def _of_events() -> Iterator[Cell]:
    for share, total, seconds in product((0.5, 0.9), UNITS, (False, True)):
        sizes = sizes_of(total, 0.5)
        unit = "rounded to seconds" if seconds else "exact"
        for slower, effect in ((1.0, "no effect"), (1.3, "effect")):
            if effect == "effect" and not seconds:
                continue  # alike, and slow
            control = Durations(seconds=seconds)
            drawn = EventQuantiles(control, Durations(slower, seconds=seconds), share, sizes)
            title, note = f"p{100 * share:g}, durations of events, clustered", f"{unit}, {effect}"
            reduced = total == UNITS[0] and seconds
            yield Cell("event quantiles", title, sizes, note, drawn, RUNS, reduced=reduced)


def _bands() -> Iterator[Cell]:
    title, note = "{} quantiles, {}", "50/50, {}"
    for total in SIZES:
        sizes = sizes_of(total, 0.5)
        money, counts = Lognormal(), Events()
        pairs: list[tuple[str, str, Population, Population]] = [
            ("lognormal", "no effect", money, money),
            ("lognormal", "scaled", money, Lognormal(1.5)),
            ("lognormal", "another shape", money, Lognormal(spread=2.0)),
            ("events per user (atoms)", "no effect", counts, counts),
            ("events per user (atoms)", "scaled", counts, Events(6.0)),
        ]
        for name, change, first, second in pairs:
            if name == "lognormal" and (
                total > MANY or (total == MANY and not change.startswith("a"))
            ):
                continue
            drawn = Band(first, second, sizes)
            yield Cell(
                "quantile bands",
                title.format(len(QUARTERS), name),
                sizes,
                note.format(change),
                drawn,
                RUNS,
                reduced=total == 100 and name != "lognormal" and change == "scaled",
            )


def cells() -> Iterator[Cell]:
    """Return the grid."""
    yield from _of_units()
    yield from _of_events()
    yield from _bands()
