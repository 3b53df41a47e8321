"""A request: a design with its units and effects in one shape, and how it is answered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from abtest.errors import UsageError
from abtest.stats.moments import Floats
from abtest.stats.sizing.answers import PowerResult, Solved
from abtest.stats.sizing.contrast import (
    Setting,
    degrees_of_freedom,
    in_metric_units,
    rejection,
    smallest_total,
)
from abtest.stats.sizing.curve import PowerCurve
from abtest.stats.sizing.design import Design, DesignRows
from abtest.stats.sizing.numbers import Truths, Words, broadcast, is_row, number_or_row

MOST_UNITS = 1e15
"""More units than any experiment has."""
_FEW_EVENTS = 10.0
_SMALL, _SMALL_ADJUSTED = 6.0, 7.0
"""Units of an arm below which simulated power of normal values is 2 points short or more."""


@dataclass(frozen=True, eq=False)
class Request:
    """A design with units and effects of one shape (r,); NaN for what is asked for."""

    design: Design
    units: Floats
    effect: Floats
    is_curve: bool
    varied: dict[str, Floats]

    @classmethod
    def of(cls, design: Design | DesignRows, **given: Any) -> Request:
        """Check the arguments and give them one shape."""
        if isinstance(design, DesignRows):
            design = design.design
        if not isinstance(design, Design):
            raise UsageError(
                "Power is asked of a design",
                given=repr(design)[:200],
                todo="Give MeansDesign(...), ProportionsDesign(...) or another design.",
            )
        limits = {"units": (0.0, MOST_UNITS), "effect": (-1e150, 1e150)}
        checked = {name: number_or_row(value, name, *limits[name]) for name, value in given.items()}
        varied = {name: value for name, value in checked.items() if is_row(value)} | design.rows
        units, effect, *_ = broadcast(
            checked.get("units", np.nan), checked.get("effect", np.nan), *varied.values()
        )
        rows = dict(zip(varied, broadcast(units, *varied.values())[1:], strict=True))
        return cls(design, np.array(units), np.array(effect), bool(varied), rows)

    @property
    def smallest(self) -> Floats:
        """The fewest units over all arms, shape (r,)."""
        return np.broadcast_to(smallest_total(self.design), self.units.shape)

    @property
    def target(self) -> Floats:
        """The power that is wanted, shape (r,)."""
        return np.broadcast_to(np.asarray(self.design.target_power, float), self.units.shape)

    @property
    def some_effect(self) -> Floats:
        """An effect that has an answer, to stand in rows that have none."""
        low, high = (np.broadcast_to(limit, self.units.shape) for limit in self.design.limits)
        if self.design.test != "superiority":
            return np.zeros(self.units.shape)
        sign = self.design.sign
        room = np.minimum(np.abs(high if sign > 0 else low), 1.0) / 2.0
        value = np.asarray(self.design.value, float) if self.design.relative else 1.0
        return np.asarray(sign * room / np.abs(value))

    def is_possible(self, effect: Floats) -> Truths:
        """Return where a treatment can have the effect."""
        return self.design.possible(in_metric_units(self.design, effect))

    def power_at(self, units: Floats, effect: Floats) -> Floats:
        """Return the power of the smallest treatment arm."""
        shares = self.design.shares
        setting = Setting.of(self.design, units * shares[0], units * min(shares[1:]), effect)
        return rejection(setting)

    def answer(
        self,
        solved: Solved,
        status: Words,
        effect: Floats,
        exact: Floats,
        units: Floats | None,
    ) -> PowerResult | PowerCurve:
        """Return what was found; units are rounded up by arm where they are None."""
        design = self.design
        ok = status == "ok"
        shown = np.where(ok | (solved != "effect"), effect, np.nan)
        total = np.where(ok, exact, self.smallest)
        arms = total[:, None] * np.array(design.shares)
        if units is None:
            size = design.unit_size
            arms = np.ceil(np.ceil(arms / size * (1.0 - 1e-13)) * size * (1.0 - 1e-13))
        safe = np.where(ok, effect, self.some_effect)
        setting = Setting.of(design, arms[:, 0], arms[:, 1:].min(axis=1), safe)
        gap = np.where(ok, 0.0, np.nan)
        difference = in_metric_units(design, shown)
        value = np.nan if design.value is None else np.asarray(design.value, float)
        baseline = np.broadcast_to(value, total.shape)
        with np.errstate(divide="ignore", invalid="ignore"):
            relative = np.where(baseline == 0.0, np.nan, difference / np.abs(baseline))
        whole = arms.sum(axis=1) if units is None else units
        curve = PowerCurve(
            solved=solved,
            status=np.asarray(status),
            varied=self.varied,
            power=rejection(setting) + gap,
            target_power=self.target,
            effect=shown,
            absolute_effect=difference,
            relative_effect=relative,
            units=whole + (gap if units is None else 0.0),
            units_by_arm=arms + gap[:, None],
            units_exact=exact + gap,
            level=np.broadcast_to(np.asarray(design.level, float), total.shape),
            df=degrees_of_freedom(setting) + gap,
            baseline=baseline,
            few_events=_few_events(setting) & ok,
            small_arms=_small_arms(setting) & ok,
            smallest_possible=ok & (solved == "sample_size") & (exact <= self.smallest),
            tied_quantile=np.full(total.shape, design.steps is not None) & ok,
            details=_details(design, arms + gap[:, None], setting.difference),
            unit_size=design.unit_size if design.clusters else None,
            relative=bool(design.relative),
            sides=design.sides,
            formula=design.formula,
            measure=design.measure,
            test=design.test,
            alternative=design.alternative,
            direction="increase" if design.sign > 0.0 else "decrease",
            margin=design.margin,
        )
        return curve if self.is_curve else curve[0]


def _few_events(setting: Setting) -> Truths:
    """Return where an arm expects fewer than 10 events, or failures of a proportion."""
    per_unit = setting.design.rarer(setting.difference)
    if per_unit is None:
        return np.zeros(setting.difference.shape, dtype=bool)
    fewest = np.minimum(setting.control * per_unit[0], setting.treatment * per_unit[1])
    return np.asarray(fewest < _FEW_EVENTS)


def _details(design: Design, arms: Floats, difference: Floats) -> dict[str, Floats]:
    """Return what else a kind of design says of a plan."""
    found = design.details(arms, difference)
    return {name: np.broadcast_to(row, difference.shape) for name, row in found.items()}


def _small_arms(setting: Setting) -> Truths:
    """Return where an arm has so few independent units that t formulas promise too much."""
    design = setting.design
    n = np.minimum(setting.control, setting.treatment) / design.unit_size
    fewest = np.where(np.asarray(design.units_lost) > 1.0, _SMALL_ADJUSTED, _SMALL)
    # Student's power is exact without covariates, and normal formulas are not about small arms
    judged = (design.judge == "welch") | ((design.judge == "student") & design.is_adjusted)
    return np.asarray((n < fewest) & judged)
