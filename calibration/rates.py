"""Rates of events: Poisson tests where events are Poisson, and where users differ."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from abtest.stats import compare_rates
from abtest.stats.moments import Floats
from abtest.stats.rates.compare import RatesMethod
from calibration.answers import Answers
from calibration.cell import Cell
from calibration.two_arms import RUNS, SPLITS, Method, TwoArms, detectable, sizes_of
from calibration.worlds import Arm, World

SIZES = (30, 100, 1_000, 10_000)
RATE = 0.5


def events(spread: float | None, title: str) -> World:
    """Return events per user: Poisson, or with rates that differ by a gamma of shape `spread`."""

    def treatment(effect: float, unequal: bool) -> Arm:
        assert not unequal
        rate = RATE * (1.0 + effect)

        def draw(rng: np.random.Generator, size: tuple[int, int]) -> Floats:
            if spread is None:
                return rng.poisson(rate, size).astype(float)
            # a Poisson count with a gamma rate is negative binomial
            return rng.negative_binomial(spread, spread / (spread + rate), size).astype(float)

        extra = 0.0 if spread is None else rate * rate / spread
        return Arm(draw, rate, rate + extra)

    return World(title, treatment(0.0, False), treatment, unequal=False, largest=5.0)


def _method(name: RatesMethod) -> Method:
    return Method(name, lambda c, t: Answers.of_table(compare_rates(c, t, method=name)))


POISSON = (_method("score"), _method("exact"), _method("mid_p"), _method("quasi_poisson"))


def cells() -> Iterator[Cell]:
    """Return the grid."""
    for world in (
        events(None, "Poisson events, 0.5 per user"),
        events(0.5, "users with rates of their own (gamma 1/2)"),
    ):
        for total in SIZES:
            for split, share in SPLITS.items():
                sizes = sizes_of(total, share)
                for powered in (False, True):
                    drawn = TwoArms(world, POISSON, sizes, unequal=False, powered=powered)
                    if powered and not detectable(drawn) <= world.largest:
                        continue
                    note = f"{split}, {'effect' if powered else 'no effect'}"
                    reduced = total in (100, 1_000)
                    yield Cell("rates", world.title, sizes, note, drawn, RUNS, reduced=reduced)
