"""Times to an event: exponential, Weibull and crossing hazards, censored, in whole days or not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import product

import numpy as np
from scipy import optimize, special

from abtest.stats import (
    EventTimes,
    Interval,
    compare_hazards,
    compare_survival,
    compare_survival_quantiles,
    log_rank_test,
)
from abtest.stats.moments import Floats
from calibration.answers import LEVEL, POWER
from calibration.cell import Cell, Observed
from calibration.tally import NONE, Tally
from calibration.two_arms import sizes_of

SIZES = (20, 50, 200, 1_000, 10_000)
RUNS = 2_000
HORIZON = 7.0
SHARES = (0.3, 0.5)
"""Of units with the event, whose times are compared."""
MEAN = 15.0
WATCHED = (4.0, 28.0)
"""Units came on any day of an experiment: each is watched for a time between these."""
LATE = (2.0, 14.0)
NEEDED = float(special.ndtri(0.5 + LEVEL / 2.0) + special.ndtri(POWER))


@dataclass(frozen=True)
class Weibull:
    """Times with P(T > t) = exp(-(t / scale)^shape)."""

    shape: float
    scale: float

    def survival(self, time: Floats | float) -> Floats:
        """Return the share without the event."""
        return np.asarray(np.exp(-((np.asarray(time) / self.scale) ** self.shape)))

    def restricted_mean(self, horizon: float) -> float:
        """Return the mean time without the event up to a horizon: an incomplete gamma."""
        power = 1.0 / self.shape
        part = special.gammainc(power, (horizon / self.scale) ** self.shape)
        return float(self.scale * special.gamma(1.0 + power) * part)

    def time_of(self, share: float) -> float:
        """Return the time by which a share has had the event."""
        return float(self.scale * (-np.log1p(-share)) ** (1.0 / self.shape))

    def faster(self, ratio: float) -> Weibull:
        """Return times whose hazard is so many times as high, always."""
        return Weibull(self.shape, self.scale * ratio ** (-1.0 / self.shape))

    def draw(self, rng: np.random.Generator, n: int) -> Floats:
        """Return the times of n units."""
        return np.asarray(self.scale * rng.standard_exponential(n) ** (1.0 / self.shape))

    def seen(self, watched: tuple[float, float]) -> float:
        """Return the share whose event comes while the unit is watched."""
        start, end = watched
        mean = self.restricted_mean(end) - self.restricted_mean(start)
        return 1.0 - mean / (end - start)


@dataclass(frozen=True)
class Arm:
    """Times of an arm, how long its units are watched, and whether in whole days."""

    times: Weibull
    watched: tuple[float, float]
    days: bool

    def draw(self, rng: np.random.Generator, n: int) -> EventTimes:
        """Return n units."""
        times, ends = self.times.draw(rng, n), rng.uniform(*self.watched, n)
        if self.days:  # a unit without the event has the last day watched to its end
            times, ends = np.ceil(times), np.floor(ends)
        return EventTimes.from_values(np.minimum(times, ends), times <= ends)

    def restricted_mean(self) -> float:
        """Return the mean time without the event up to the horizon."""
        if not self.days:
            return self.times.restricted_mean(HORIZON)
        return float(self.times.survival(np.arange(HORIZON)).sum())

    def time_of(self, share: float) -> float:
        """Return the time by which a share has had the event."""
        time = self.times.time_of(share)
        return float(np.ceil(time)) if self.days else time


@dataclass(frozen=True)
class Times:
    """All comparisons of times on the same draws.

    Attributes
    ----------
    control, treatment
        The arms.
    sizes
        Units of each.
    ratio
        Treatment's hazard over control's; None where it changes over time.
    """

    control: Arm
    treatment: Arm
    sizes: tuple[int, int]
    ratio: float | None

    @cached_property
    def truths(self) -> dict[str, tuple[float, float]]:
        """The true effects of every measure."""
        arms = self.control, self.treatment
        values = {
            "RMST": [arm.restricted_mean() for arm in arms],
            "Kaplan-Meier": [float(arm.times.survival(HORIZON)) for arm in arms],
        }
        values |= {_of_share(share): [arm.time_of(share) for arm in arms] for share in SHARES}
        found = {name: _effects(*both) for name, both in values.items()}
        if self.ratio is not None:
            found["log-rank"] = (self.ratio - 1.0, NONE)
            found["Cox"] = (self.ratio - 1.0, self.ratio - 1.0)
            found["proportional hazards"] = (0.0, NONE)
        return found

    def __call__(self, rng: np.random.Generator, runs: int) -> list[Observed]:
        """Return what they did in every draw."""
        tally = Tally(self.truths, powered=self.ratio is not None)
        for _ in range(runs):
            arms = self.control.draw(rng, self.sizes[0]), self.treatment.draw(rng, self.sizes[1])
            self._compared(tally, *arms)
        return tally.observed()

    def _compared(self, tally: Tally, *arms: EventTimes) -> None:
        survival = partial(compare_survival, *arms, horizon=HORIZON)
        tally.compare("RMST", survival)
        tally.compare("Kaplan-Meier", partial(survival, measure="survival"))
        for share in SHARES:
            call = partial(compare_survival_quantiles, *arms, share=share)
            tally.compare(_of_share(share), call)
        if self.ratio is None:
            return
        tally.test("log-rank", lambda: (log_rank_test(*arms).p_value, None))
        found = None

        def ratio() -> tuple[float, Interval]:
            nonlocal found
            found = compare_hazards(*arms)
            return found.p_value, found.hazard_ratio

        tally.test("Cox", ratio)
        if found is None:
            tally.miss("proportional hazards")
            return
        p_value = found.proportionality.p_value
        tally.test("proportional hazards", lambda: (p_value, None))


def _of_share(share: float) -> str:
    return f"time of {share:.0%}"


def _effects(control: float, treatment: float) -> tuple[float, float]:
    """Return the difference and the relative effect of two true values."""
    difference = treatment - control
    if abs(difference) < 1e-9 * abs(control):
        return 0.0, 0.0
    return difference, difference / control


def detectable(arm: Arm, sizes: tuple[int, int]) -> float:
    """Return the hazard ratio that the log-rank test finds with power 0.8.

    log ratio = (z + z) / sqrt(D p (1 - p)) with D events and the share p in treatment
    (Schoenfeld 1981, Biometrika 68, 316).
    """
    share = sizes[1] / sum(sizes)
    log_ratio = 0.0
    for _ in range(200):  # events depend on the effect
        treated = arm.times.faster(float(np.exp(log_ratio)))
        events = sizes[0] * arm.times.seen(arm.watched) + sizes[1] * treated.seen(arm.watched)
        log_ratio = NEEDED / float(np.sqrt(events * share * (1.0 - share)))
    return float(np.exp(log_ratio))


def crossing(control: Weibull) -> Weibull:
    """Return times with a rising hazard, late at first, and the same mean up to the horizon."""
    target = control.restricted_mean(HORIZON)
    scale = optimize.brentq(
        lambda scale: Weibull(2.0, scale).restricted_mean(HORIZON) - target, 1.0, 100.0, xtol=1e-12
    )
    return Weibull(2.0, float(scale))


EXPONENTIAL, FALLING = Weibull(1.0, MEAN), Weibull(0.6, MEAN)


def cells() -> Iterator[Cell]:
    """Return the grid."""
    for total, days in product(SIZES, (False, True)):
        reduced = total == 200 and days
        half = sizes_of(total, 0.5)
        for title, times, watched in (
            ("exponential times", EXPONENTIAL, (WATCHED, WATCHED)),
            ("Weibull times, treatment watched half as long", FALLING, (WATCHED, LATE)),
        ):
            arms = Arm(times, watched[0], days), Arm(times, watched[1], days)
            yield _cell(title, "50/50, no effect", Times(*arms, half, 1.0), reduced)
        title = "exponential times"
        control = Arm(EXPONENTIAL, WATCHED, days)
        ratio = detectable(control, half)
        faster = Arm(EXPONENTIAL.faster(ratio), WATCHED, days)
        yield _cell(title, "50/50, effect", Times(control, faster, half, ratio), reduced)
        if total > 20:
            uneven = Times(control, control, sizes_of(total, 0.1), 1.0)
            yield _cell(title, "90/10, no effect", uneven, reduced=False)
        crossed = Times(control, Arm(crossing(EXPONENTIAL), WATCHED, days), half, None)
        yield _cell("crossing hazards", "50/50, no effect", crossed, reduced)


def _cell(title: str, note: str, drawn: Times, reduced: bool) -> Cell:
    split, effect = note.split(", ")
    unit = "whole days" if drawn.control.days else "exact times"
    note = f"{split}, {unit}, {effect}"
    return Cell("times to an event", title, drawn.sizes, note, drawn, RUNS, reduced=reduced)
