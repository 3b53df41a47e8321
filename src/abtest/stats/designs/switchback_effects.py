"""What a switchback experiment would have shown under other assignments of its blocks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from abtest.stats.clusters.level import ClusterWeights
from abtest.stats.designs.reassignment import Assignments
from abtest.stats.designs.switchback_table import SwitchbackTable
from abtest.stats.moments import Floats
from abtest.stats.not_estimable import NotEstimable, constant_arms, not_finite
from abtest.stats.resampling.deals import Deals

_CELLS = 2_000_000
_ROUNDING = 1e-12
"""Effects that differ by less than this, beside the values' size, are equal."""


@dataclass(frozen=True, eq=False)
class ArmMeans:
    """Means of both arms under each of a number of assignments, arrays of shape (a, 2).

    Attributes
    ----------
    n
        Rows, or blocks, of each arm; what is 0 has no mean.
    values
        Means about the table's centre.
    treated
        Shares that were treated in truth.
    sizes
        Means of how large values are, whatever their sign: what rounding is measured by.
    """

    n: Floats
    values: Floats
    treated: Floats
    sizes: Floats

    @classmethod
    def of(
        cls,
        table: SwitchbackTable,
        treated: NDArray[np.bool_],
        washout: int,
        weights: ClusterWeights,
    ) -> ArmMeans:
        """Return the means if the blocks were treated so, shape (a, blocks)."""
        held = np.maximum(table.n, 1.0)
        with np.errstate(over="ignore"):  # judged by what is made of it
            sizes = np.abs(table.shift) + np.sqrt(table.m2 / held)
        facts = np.stack([np.ones(len(table)), table.shift, table.treated, sizes], axis=1)
        step = max(1, _CELLS // max(len(table), 1))
        parts = [
            _arm_sums(table, treated[start : start + step, table.block], facts, washout, weights)
            for start in range(0, len(treated), step)
        ]
        sums = np.concatenate(parts) if parts else np.zeros((0, 2, 4))
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            means = sums / sums[:, :, :1]
        return cls(sums[:, :, 0], means[:, :, 1], means[:, :, 2], means[:, :, 3])

    def chosen(self, rows: NDArray[np.bool_]) -> ArmMeans:
        """Return those of some assignments."""
        return ArmMeans(self.n[rows], self.values[rows], self.treated[rows], self.sizes[rows])


def _arm_sums(
    table: SwitchbackTable,
    treated: NDArray[np.bool_],
    facts: Floats,
    washout: int,
    weights: ClusterWeights,
) -> Floats:
    """Return sums of the facts over each arm's kept rows, or over its blocks, (a, 2, facts)."""
    begins, since = table.switches(treated)
    kept = since >= washout
    found = np.zeros((len(treated), 2, facts.shape[1]))
    with np.errstate(over="ignore", invalid="ignore"):  # judged by what is made of it
        if weights == "size":
            rows = table.n[:, None] * facts
            for arm, lines in enumerate((kept & ~treated, kept & treated)):
                found[:, arm] = lines.astype(np.float64) @ rows
            return found
        unit = (
            np.cumsum(begins, axis=1) - 1 if washout else np.broadcast_to(table.block, kept.shape)
        )
        place = (unit + len(table) * np.arange(len(treated))[:, None]).ravel()
        n = np.where(kept, table.n, 0.0)

        def by_unit(lines: Floats) -> Floats:
            sums = np.bincount(place, lines.ravel(), minlength=kept.size)
            return np.asarray(sums.reshape(kept.shape))

        total, arm_rows = by_unit(n), by_unit(n * treated)
        for number in range(facts.shape[1]):
            mean = by_unit(n * facts[:, number]) / np.maximum(total, 1.0)
            for arm, units in enumerate(((total > 0.0) & (arm_rows == 0.0), arm_rows > 0.0)):
                found[:, arm, number] = (units * mean).sum(axis=1)
    return found


def deals(
    table: SwitchbackTable, dealt: Assignments, washout: int, weights: ClusterWeights
) -> tuple[Deals, Floats]:
    """Return assignments as deals, each with the effect from which on it is as extreme as the data.

    Returns
    -------
    tuple
        The deals that leave both arms a period; and the data's means of (control, treatment)
        about the table's centre.

    Raises
    ------
    NotEstimable
        ``too_few_units`` (an arm of the data has no period left), ``constant``, ``not_finite``.
    """
    own = ArmMeans.of(table, table.treated[None, table.block_starts], washout, weights)
    if not own.n.all():
        raise NotEstimable(
            "too_few_units",
            "An arm has no period that is left with a value",
            given=f"{len(table)} periods, a wash-out of {washout}",
            todo="Take a shorter wash-out, or wait for more switches.",
        )
    every = ArmMeans.of(table, dealt.treated, washout, weights)
    usable = np.asarray(every.n.all(axis=1))
    every = every.chosen(usable)
    if not (np.isfinite(every.sizes).all() and np.isfinite(own.sizes).all()):
        raise not_finite()
    effect = own.values[0, 1] - own.values[0, 0]
    with np.errstate(over="ignore"):
        away = effect - (every.values[:, 1] - every.values[:, 0])
        noise = _ROUNDING * (every.sizes.sum(axis=1) + own.sizes.sum())
    if not np.isfinite(away).all():
        raise not_finite()
    away[np.abs(away) <= noise] = 0.0
    held = table.shift[table.n > 0.0]
    if not away.any() and np.ptp(held) <= noise.max(initial=0.0):
        raise constant_arms(*(table.centre + own.values[0]).tolist())
    rest = 1.0 - (every.treated[:, 1] - every.treated[:, 0])
    none = rest <= _ROUNDING  # the same arms for all that is left: no effect makes a difference
    with np.errstate(over="ignore"):
        shift = away / np.where(none, 1.0, rest)
    shifts = (
        np.where(none, np.where(away > 0.0, np.inf, -np.inf), shift),
        np.where(none, np.where(away < 0.0, -np.inf, np.inf), shift),
    )
    ways = np.ones(len(away)) if dealt.counted else None
    return Deals(shifts, ways, None), own.values[0]
