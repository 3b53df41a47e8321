"""Histories of buying, one row per kind of unit: what both models ask of their columns."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from abtest.stats.floats import Values, as_floats
from abtest.stats.moments import Floats
from abtest.stats.not_estimable import NotEstimable, not_finite
from abtest.stats.survival.event_times import impossible, require_same_length


def histories(columns: Mapping[str, Values], weights: Values | None) -> tuple[list[Floats], int]:
    """Return the columns and the units of each row, and how many units had a null.

    Parameters
    ----------
    columns
        By name, one row per unit or per kind of unit.
    weights
        Units of each row; 1 each unless given.

    Raises
    ------
    UsageError
        If they are not columns of numbers of one length.
    NotEstimable
        ``not_finite``, ``not_a_count`` (weights) or ``too_few_units`` (fewer than two).
    """
    found = [as_floats(values, name) for name, values in columns.items()]
    units = np.ones(found[0].shape) if weights is None else as_floats(weights, "weights")
    require_same_length([*found, units])
    require_counts(np.where(np.isnan(units), -1.0, units), "weights")
    null = np.isnan(np.stack(found)).any(axis=0) if found[0].size else np.zeros(0, dtype=bool)
    kept = ~null & (units > 0.0)
    if any(np.isinf(column[kept]).any() for column in found):
        raise not_finite()
    nulls = int(units[null].sum())
    if units[kept].sum() < 2.0:
        raise NotEstimable(
            "too_few_units",
            "A model of buying needs at least two units",
            given=f"{units[kept].sum():.0f} units, {nulls} more with a null",
            todo="Wait for more units, or look at why values are missing.",
        )
    return [*(column[kept] for column in found), units[kept]], nulls


def require_counts(values: Floats, name: str) -> None:
    """Refuse what is not whole and at least 0; nulls are not looked at.

    Raises
    ------
    NotEstimable
        ``not_a_count``.
    """
    known = values[~np.isnan(values)]
    bad = ~((known >= 0.0) & (known < 2.0**53) & (np.trunc(known) == known))
    if bad.any():
        raise NotEstimable(
            "not_a_count",
            f"The column {name} must hold whole numbers of at least 0",
            given=f"{known[bad][:5].tolist()}",
            todo="Give counts.",
        )


def require_history(frequency: Floats, recency: Floats, age: Floats) -> None:
    """Refuse histories that nobody can have.

    Raises
    ------
    NotEstimable
        ``not_a_count`` (frequency) or ``impossible_times``.
    """
    require_counts(frequency, "frequency")
    if ((recency < 0.0) | (recency > age)).any():
        raise impossible("The last purchase is not between the first and the end")
    if ((frequency == 0.0) != (recency == 0.0)).any():
        raise impossible(
            "Recency is the time from the first purchase to the last: 0 for one purchase, and "
            "above 0 for more"
        )
