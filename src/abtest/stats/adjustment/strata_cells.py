"""Strata of two arms: from values with labels or mappings, and sparse ones joined."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from abtest.errors import UsageError
from abtest.stats.adjustment.strata_balance import UNBALANCED, split_p_value
from abtest.stats.columns import arm_moments, filled
from abtest.stats.floats import Values, as_floats
from abtest.stats.moments import Floats, Moments
from abtest.stats.not_estimable import NotEstimable, too_few_units
from abtest.stats.results import WarningCode


@dataclass(frozen=True, eq=False)
class MergedStrata:
    """Strata of two arms with at least two units in each arm.

    Attributes
    ----------
    control, treatment
        Moments by stratum.
    sparse
        Strata with fewer than two units in an arm, which were joined with others.
    sparse_units
        Units in them.
    warnings
        ``strata_merged`` where there were such, ``strata_unbalanced`` where the arms are split
        differently from stratum to stratum.
    """

    control: list[Moments]
    treatment: list[Moments]
    sparse: int
    sparse_units: int
    warnings: tuple[WarningCode, ...]


def merge_strata(
    control: Sequence[Moments], treatment: Sequence[Moments], labels: Sequence[Any] | None = None
) -> MergedStrata:
    """Return strata of which each has two units in both arms, joining sparse ones with the next.

    What is joined does not depend on outcomes. A joined stratum weighs what its units do: its
    share of all units is the sum of those of its parts. That compares like with like where it
    is chance that an arm has so few units of a part; where it is not, units of one arm would be
    compared with other units of the other, and no number is given. Strata without units are
    left out.

    Parameters
    ----------
    control, treatment
        Moments by stratum, in an order in which neighbours belong together.
    labels
        Names of the strata, for the error.

    Raises
    ------
    NotEstimable
        ``too_few_units`` if an arm has fewer than two units in all; ``strata_unbalanced`` if the
        arms are not split in the same way over strata (`split_p_value` below 0.001) and neither
        over those that would be joined.
    """
    units = np.array([[m.n for m in arm] for arm in (control, treatment)], dtype=np.float64)
    if (units.sum(axis=1) < 2.0).any():
        raise too_few_units(*(int(n) for n in units.sum(axis=1)))
    sparse = (units.min(axis=0) < 2.0) & (units.sum(axis=0) > 0.0)
    unbalanced = split_p_value(units) < UNBALANCED
    if unbalanced and split_p_value(units, sparse) < UNBALANCED:
        raise _unbalanced(units, sparse, labels)
    groups: list[tuple[Moments, Moments]] = []
    waiting: tuple[Moments, Moments] | None = None
    for one, other in zip(control, treatment, strict=True):
        if one.n + other.n == 0:
            continue
        waiting = (one, other) if waiting is None else (waiting[0] + one, waiting[1] + other)
        if min(waiting[0].n, waiting[1].n) >= 2:
            groups.append(waiting)
            waiting = None
    if waiting is not None:
        # both arms have two units in all: where nothing came together, all is waiting
        last = groups.pop() if groups else None
        groups.append(waiting if last is None else (last[0] + waiting[0], last[1] + waiting[1]))
    codes: list[WarningCode] = ["strata_merged"] if sparse.any() else []
    return MergedStrata(
        [group[0] for group in groups],
        [group[1] for group in groups],
        int(sparse.sum()),
        int(units[:, sparse].sum()),
        (*codes, "strata_unbalanced") if unbalanced else tuple(codes),
    )


def _unbalanced(
    units: Floats, sparse: NDArray[np.bool_], labels: Sequence[Any] | None
) -> NotEstimable:
    """Return the error of strata that are almost empty in an arm, naming the largest."""
    worst = int(np.argmax(np.where(sparse, units.sum(axis=0), -1.0)))
    name = f"stratum {labels[worst]!r}" if labels is not None else "a stratum"
    return NotEstimable(
        "strata_unbalanced",
        "Strata are almost empty in one arm, and it cannot be chance",
        given=f"{name} with {units[0, worst]:.0f} control and {units[1, worst]:.0f} treatment "
        "units" + (f", and {sparse.sum() - 1} more" if sparse.sum() > 1 else ""),
        todo="Look at how units were assigned, or compare without the strata of one arm alone.",
    )


@dataclass(frozen=True, eq=False)
class StrataCells:
    """Moments of both arms by stratum, with the codes of what a reader should know."""

    labels: list[Any]
    arms: tuple[list[Moments], list[Moments]]
    warnings: tuple[WarningCode, ...] = ()


def strata_cells(
    control: Any,
    treatment: Any,
    strata: tuple[Sequence[Any], Sequence[Any]] | None,
    covariates: tuple[Values, Values] | None,
) -> StrataCells:
    """Return both arms by stratum, from mappings or from values with labels.

    Raises
    ------
    UsageError
        If the arguments do not fit together.
    """
    mapped = [isinstance(values, Mapping) for values in (control, treatment)]
    if all(mapped):
        if strata is not None or covariates is not None:
            raise UsageError(
                "Values that are given by stratum have their strata and covariates",
                given="mappings with further strata or covariates",
                todo="Leave them out; sum covariates into each Moments.",
            )
        return _from_mappings(control, treatment)
    if any(mapped) or strata is None or len(strata) != 2:
        raise UsageError(
            "Both arms need strata",
            given="no strata of (control, treatment), or one arm by stratum",
            todo="Give strata=(control_strata, treatment_strata), or two mappings.",
        )
    return _from_labels((control, treatment), strata, covariates)


def _from_mappings(control: Mapping[Any, Any], treatment: Mapping[Any, Any]) -> StrataCells:
    labels = list(dict.fromkeys([*control, *treatment]))
    arms: list[list[Moments | None]] = [
        [arm_moments((arm[key],), (), f"stratum {key!r}") if key in arm else None for key in labels]
        for arm in (control, treatment)
    ]
    sizes = {len(cell.mean) for arm in arms for cell in arm if cell is not None}
    if len(sizes) != 1:
        raise UsageError(
            "All strata need the same variables",
            given=f"strata with {sorted(sizes)} variables",
            todo="Give at least one stratum, and the same covariates in each.",
        )
    empty = Moments.from_columns([[]] * sizes.pop())
    first, second = ([empty if cell is None else cell for cell in arm] for arm in arms)
    return StrataCells(labels, (first, second))


def _from_labels(
    values: tuple[Values, Values],
    strata: tuple[Sequence[Any], Sequence[Any]],
    covariates: tuple[Values, Values] | None,
) -> StrataCells:
    outcomes = [
        as_floats(arm, name) for arm, name in zip(values, ("control", "treatment"), strict=True)
    ]
    extra, codes = filled(covariates, with_mean=True)
    keys = [_labels(arm) for arm in strata]
    columns = [[outcomes[side], *(pair[side] for pair in extra)] for side in (0, 1)]
    for side, arm in enumerate(columns):
        if len({len(keys[side]), *(len(column) for column in arm)}) != 1:
            raise UsageError(
                "Values, strata and covariates of an arm must be equally long",
                given=f"{[len(column) for column in arm]} values, {len(keys[side])} strata",
                todo="Give one of each per unit.",
            )
    labels = sorted({key for arm in keys for key in arm}, key=_order)
    places = {label: place for place, label in enumerate(labels)}
    arms = []
    for side, arm in enumerate(columns):
        place = np.array([places[key] for key in keys[side]], dtype=np.int64)
        arms.append(
            [
                Moments.from_columns([column[place == here] for column in arm])
                for here in range(len(labels))
            ]
        )
    return StrataCells(labels, (arms[0], arms[1]), codes)


def _labels(strata: Sequence[Any]) -> list[Any]:
    """Return labels as plain hashable values, every kind of null as None."""
    if isinstance(strata, str) or not hasattr(strata, "__len__"):
        raise UsageError(
            "Strata are one label per unit",
            given=repr(strata),
            todo="Give strata=(control_strata, treatment_strata), a column each.",
        )
    raw = strata.tolist() if hasattr(strata, "tolist") else list(strata)
    return [None if _is_null(label) else label for label in raw]


def _is_null(label: Any) -> bool:
    if label is None or type(label).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(label, float) and math.isnan(label)


def _order(label: Any) -> tuple[int, float, str]:
    """Return a key that sorts numbers by size, then text, then what is missing."""
    if label is None:
        return 2, 0.0, ""
    if isinstance(label, bool | int | float):
        return 0, float(label), ""
    return 1, 0.0, str(label)


def strata_weights(weights: Mapping[Any, float] | None, labels: Sequence[Any]) -> Floats | None:
    """Return the known weights in the order of the strata, summing to 1.

    A stratum whose weight is known needs units of its own: joined with another one it would count
    with the effect on units that are not of it.

    Raises
    ------
    UsageError
        If a stratum has no weight above 0, or there are weights of others.
    """
    if weights is None:
        return None
    if not isinstance(weights, Mapping) or set(weights) != set(labels):
        raise UsageError(
            "Weights name every stratum once",
            given=f"weights of {list(weights)}, strata {list(labels)}",
            todo="Give one weight per stratum.",
        )
    values = as_floats([weights[label] for label in labels], "weights")
    if not (np.isfinite(values).all() and (values > 0.0).all()):
        raise UsageError(
            "Weights of strata are above 0",
            given=str(dict(weights)),
            todo="Give the shares of the strata in the population.",
        )
    return np.asarray(values / values.sum())


def require_full(cells: StrataCells) -> None:
    """Refuse strata of known weight without two units in each arm.

    Raises
    ------
    NotEstimable
        ``too_few_units``, naming the first such stratum.
    """
    for label, one, other in zip(cells.labels, *cells.arms, strict=True):
        if min(one.n, other.n) < 2:
            raise NotEstimable(
                "too_few_units",
                "A stratum of known weight has fewer than two units in an arm",
                given=f"stratum {label!r} with {one.n} control and {other.n} treatment units",
                todo="Join it with a stratum like it, under one label and with both weights.",
            )
