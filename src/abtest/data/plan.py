"""What one aggregation computes per metric: sums about pilot constants, which merge."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import ibis.expr.types as ir
import numpy as np
from numpy.typing import NDArray

from abtest.data.entry import EVERY_UNIT, Entry
from abtest.data.samples import CellUnits, MetricSums

Values = Mapping[str, NDArray[np.float64]]

LARGEST_WHOLE = 2.0**53
"""Up to here a float64 holds every whole number."""
ILL_CONDITIONED = 100.0
"""Squared distance of mean and pilot, in variances, above which the pilot is taken anew."""


@dataclass(frozen=True)
class Spread:
    """What is known of a column before it is summed: its pilot and its largest distance from it.

    `whole` says that values and pilot are whole numbers, whose sums are exact while small;
    `complete` that no value is missing; `flag` that all are 0 or 1, each its own square.
    """

    pilot: float
    reach: float
    whole: bool = False
    complete: bool = False
    flag: bool = False

    @classmethod
    def of(
        cls, low: float, high: float, pilot: float, *, whole: bool = False, complete: bool = False
    ) -> Spread:
        """Build from the smallest and largest value met."""
        flag = whole and pilot == 0.0 and low >= 0.0 and high <= 1.0
        return cls(pilot, max(abs(low - pilot), abs(high - pilot)), whole, complete, flag)


@dataclass(frozen=True)
class MetricPlan:
    """One metric in the aggregation.

    `values` and `covariates` are columns of the table of units, `spreads` what is known of
    them in that order; `entry` says which units enter.
    `binary` asks to count values other than 0 and 1. `rows` is the number of units.
    `indicated` are the positions of covariates with missing values: for each a further
    variable says 1 where it was missing and 0 elsewhere (`methods.md` 5: no unit is dropped).
    """

    metric: str
    values: tuple[str, ...]
    covariates: tuple[str, ...]
    spreads: tuple[Spread, ...]
    rows: int
    entry: Entry = EVERY_UNIT
    binary: bool = False
    indicated: tuple[int, ...] = ()

    @property
    def counted(self) -> bool:
        """Whether counts of 0 and 1 are the whole statistic (exact, and cheaper than sums)."""
        return self.binary and len(self.values) == 1 and not self.covariates

    def expressions(self, table: ir.Table, prefix: str) -> dict[str, ir.Value]:
        """Return the aggregates of this metric, their names starting with `prefix`."""
        enters = self.entry.condition(table)
        values = [table[name] for name in self.values]
        if self.counted:
            value = values[0] if enters is None else enters.ifelse(values[0], None)
            found = {
                "n": value.count(),
                "one": (value == 1.0).sum().fill_null(0),
                "zero": (value == 0.0).sum().fill_null(0),
            }
        else:
            found = self._sums(values, [table[name] for name in self.covariates], enters)
        found |= self.entry.counts(table)
        return {f"{prefix}{name}": value for name, value in found.items()}

    def _sums(
        self, values: list[ir.Value], covariates: list[ir.Value], enters: ir.Value | None
    ) -> dict[str, ir.Value]:
        shifted = [_from_pilot(*pair) for pair in zip(values, self.spreads, strict=False)]
        if len(values) > 1 or covariates:
            for value, spread in zip(values, self.spreads, strict=False):
                if not spread.complete:
                    enters = value.notnull() if enters is None else enters & value.notnull()
        if enters is not None:
            shifted = [enters.ifelse(value, None) for value in shifted]
        entering = shifted[0].count()
        if enters is not None and all(one.complete for one in self.spreads[: len(values)]):
            entering = enters.sum().fill_null(0)  # the same for all metrics of one window
        found = {"n": entering}
        ahead = self.spreads[len(values) :]
        for i, (value, spread) in enumerate(zip(covariates, ahead, strict=True)):
            filled = _from_pilot(value, spread)
            if not spread.complete:
                filled = filled.fill_null(0.0)  # a missing covariate stands at the pilot
                missing = value.isnull()
                gap = missing if enters is None else missing & enters
                found[f"gap{i}"] = gap.sum().fill_null(0)
            shifted.append(filled if enters is None else enters.ifelse(filled, None))
        for i in self.indicated:
            absent = covariates[i].isnull().cast("float64")
            shifted.append(absent if enters is None else enters.ifelse(absent, None))
        if self.binary and not self.spreads[0].flag:
            value = values[0] if enters is None else enters.ifelse(values[0], None)
            found["other"] = ((value != 0.0) & (value != 1.0)).sum().fill_null(0)
        spreads = self._all_spreads
        for i, left in enumerate(shifted):
            spread = spreads[i]
            found |= exact_sum(f"s{i}", left, spread.reach, self.rows, whole=spread.whole)
            for j in range(i + 1 if spread.flag else i, len(shifted)):
                other = spreads[j]
                found |= exact_sum(
                    f"p{i}_{j}",
                    left * shifted[j],
                    spread.reach * other.reach,
                    self.rows,
                    whole=spread.whole and other.whole,
                )
        return found

    @property
    def _all_spreads(self) -> tuple[Spread, ...]:
        """Spreads of values and covariates, then of the indicators."""
        return self.spreads + (Spread(0.0, 1.0, whole=True),) * len(self.indicated)

    def read(self, answer: Values, prefix: str, units: NDArray[np.int64]) -> MetricSums:
        """Return the metric's sums from the columns of the aggregation's answer."""
        n = answer[f"{prefix}n"].astype(np.int64)
        left_out = [
            answer.get(f"{prefix}{name}", np.zeros(len(n))).astype(np.int64)
            for name in ("immature", "outside")
        ]
        spreads = self._all_spreads
        size = len(spreads)
        sums = np.zeros((len(n), size))
        products = np.zeros((len(n), size, size))
        pilot = np.array([spread.pilot for spread in spreads])
        if self.counted:
            pilot = np.zeros(1)
            sums[:, 0] = products[:, 0, 0] = answer[f"{prefix}one"]
        else:
            for i in range(size):
                sums[:, i] = total(answer, f"{prefix}s{i}")
                if spreads[i].flag:
                    products[:, i, i] = sums[:, i]
                for j in range(i + 1 if spreads[i].flag else i, size):
                    products[:, i, j] = products[:, j, i] = total(answer, f"{prefix}p{i}_{j}")
        gaps = np.zeros((len(n), len(self.covariates)), dtype=np.int64)
        for i in range(len(self.covariates)):
            gaps[:, i] = answer.get(f"{prefix}gap{i}", np.zeros(len(n)))
        cells = CellUnits.of(n, units, *left_out)
        return MetricSums(cells, pilot, sums, products, gaps, self.indicated)

    def not_binary(self, answer: Values, prefix: str, keep: NDArray[np.bool_]) -> int:
        """Return how many units of the kept cells have a value other than 0 and 1."""
        if not self.binary:
            return 0
        if self.counted:
            rest = answer[f"{prefix}n"] - answer[f"{prefix}one"] - answer[f"{prefix}zero"]
            return int(rest[keep].sum())
        if self.spreads[0].flag:
            return 0
        return int(answer[f"{prefix}other"][keep].sum())

    def improved(self, sums: MetricSums, variant: NDArray[np.object_]) -> MetricPlan | None:
        """Return the plan for another pass, or None where this one was good.

        Pilots are good when they are near the mean, measured in standard deviations within
        the variants. A covariate with missing values needs the other pass in any case: its
        pilot becomes the mean of the known ones, which does not depend on the order of rows,
        and an indicator says where it was missing.
        """
        if self.counted or not np.isfinite(sums.products).all():
            return None
        n = int(sums.n.sum())
        if n < 2:
            return None
        within = np.zeros(len(self.spreads))
        for name in sorted(set(variant.tolist())):
            here = variant == name
            count = sums.n[here].sum()
            if count:
                diagonal = np.einsum("cii->i", sums.products[here])
                within += np.maximum(diagonal - sums.sums[here].sum(axis=0) ** 2 / count, 0.0)
        gaps = [0] * len(self.values) + sums.covariate_nulls.sum(axis=0).tolist()
        spreads = list(self.spreads)
        for i, spread in enumerate(self.spreads):
            known = n - gaps[i]
            shift = float(sums.sums[:, i].sum()) / known if known else 0.0
            if shift == 0.0:
                continue
            if gaps[i] or shift**2 * n > ILL_CONDITIONED * within[i]:
                whole = spread.whole and not gaps[i]
                moved = spread.pilot + shift
                pilot = float(round(moved)) if whole else float(f"{moved:.12g}")
                reach = spread.reach + abs(pilot - spread.pilot)
                spreads[i] = Spread(pilot, reach, whole, spread.complete)
        first = len(self.values)
        indicated = tuple(i for i in range(len(self.covariates)) if 0 < gaps[first + i] < n)
        better = replace(self, spreads=tuple(spreads), indicated=indicated)
        return None if better == self else better


def _from_pilot(value: ir.Value, spread: Spread) -> ir.Value:
    return value - spread.pilot if spread.pilot else value


def exact_sum(
    name: str, value: ir.Value, reach: float, rows: int, *, whole: bool
) -> dict[str, ir.Value]:
    """Return the aggregates of one sum; whole numbers below 2^53 add up without rounding."""
    if whole and reach * rows < LARGEST_WHOLE:
        return {f"{name}_high": value.sum().fill_null(0.0)}
    high, low = split_sum(value, reach, rows)
    return {f"{name}_high": high.fill_null(0.0), f"{name}_low": low.fill_null(0.0)}


def total(answer: Values, name: str) -> NDArray[np.float64]:
    """Return a sum from the parts that `exact_sum` asked for."""
    low = answer.get(f"{name}_low")
    return answer[f"{name}_high"] if low is None else answer[f"{name}_high"] + low


def split_sum(value: ir.Value, reach: float, rows: int) -> tuple[ir.Value, ir.Value]:
    """Return two aggregates whose total is the sum, the same bits in whatever order rows come.

    The value is split at a power of two above rows x reach: the high parts are multiples of
    one unit and add without rounding, the low parts are too small for their rounding to show
    (Rump, Ogita & Oishi 2008, "Accurate floating-point summation", algorithm 3.2; Demmel &
    Nguyen 2013, "Fast reproducible floating-point summation"). A wrong `reach` costs this
    reproducibility, never the value: the parts always add up to the number.
    """
    scale = max(reach, 1e-300) * max(rows, 1)
    exponent = math.ceil(math.log2(scale)) if math.isfinite(scale) else 1000
    splitter = 2.0 ** min(exponent, 1000)
    high = (value + splitter) - splitter
    return high.sum(), (value - high).sum()
