"""Differences of arms by unit, for many rows at once, as tidy tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from abtest.stats import MomentsTable, adjust, compare_means, compare_proportions, compare_ratios
from abtest.stats.comparison_table import ComparisonTable

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
Arm = tuple[Floats, ...]


def share_differences(
    arms: Mapping[str, tuple[Any, Any]],
    keys: Mapping[str, Sequence[Any]],
    *,
    confidence_level: float,
) -> pd.DataFrame:
    """Return differences of shares of units.

    Miettinen & Nurminen's score intervals, as `abtest.stats.compare_proportions` has them.

    Parameters
    ----------
    arms
        Per arm, control first: units and successes, each of shape (r,).
    keys
        Columns that name the r rows.
    confidence_level
        Of every interval by itself.

    Examples
    --------
    >>> found = share_differences(
    ...     {"control": ([100], [25]), "new": ([100], [50])}, {"day": [1]}, confidence_level=0.95
    ... )
    >>> found[["day", "arm", "difference"]].values.tolist()
    [[1, 'new', 0.25]]
    """

    def moments(arm: tuple[Any, Any]) -> MomentsTable:
        n, successes = (np.asarray(x, dtype=np.float64) for x in arm)
        with np.errstate(invalid="ignore"):
            share = np.where(n > 0, successes / np.maximum(n, 1.0), np.nan)
        return MomentsTable(n, share[:, None], (n * share * (1.0 - share))[:, None, None])

    def compared(control: MomentsTable, treatment: MomentsTable) -> ComparisonTable:
        return compare_proportions(
            control, treatment, method="score", confidence_level=confidence_level
        )

    return _frame({name: moments(arm) for name, arm in arms.items()}, keys, compared)


def mean_differences(
    arms: Mapping[str, MomentsTable], keys: Mapping[str, Sequence[Any]], *, confidence_level: float
) -> pd.DataFrame:
    """Return differences of means of units by Welch's test; arms as in `share_differences`."""

    def compared(control: MomentsTable, treatment: MomentsTable) -> ComparisonTable:
        return compare_means(control, treatment, confidence_level=confidence_level)

    return _frame(arms, keys, compared)


def ratio_differences(
    arms: Mapping[str, MomentsTable], keys: Mapping[str, Sequence[Any]], *, confidence_level: float
) -> pd.DataFrame:
    """Return differences of ratios of two sums over units, by the delta method and Fieller.

    Arms hold the moments of numerator and denominator per unit.
    """

    def compared(control: MomentsTable, treatment: MomentsTable) -> ComparisonTable:
        return compare_ratios(control, treatment, confidence_level=confidence_level)

    return _frame(arms, keys, compared)


def moments_of(
    n: Any, sums: Sequence[Any], products: Mapping[tuple[int, int], Any]
) -> MomentsTable:
    """Return moments from sums over units.

    Parameters
    ----------
    n
        Units, shape (r,).
    sums
        Sum of each variable, shape (r,) each.
    products
        Sum of the product of variables i and j for i <= j, shape (r,) each. Sums must be of
        whole numbers or of small ones: large ones with little spread lose digits here.
    """
    units = np.asarray(n, dtype=np.float64)
    totals = [np.asarray(x, dtype=np.float64) for x in sums]
    safe = np.where(units > 0, units, np.nan)
    means = np.stack([total / safe for total in totals], axis=1)
    size = len(totals)
    m2 = np.zeros((len(units), size, size))
    for (i, j), product in products.items():
        centred = np.asarray(product, dtype=np.float64) - totals[i] * totals[j] / safe
        m2[:, i, j] = m2[:, j, i] = np.maximum(centred, 0.0) if i == j else centred
    return MomentsTable(units, means, m2)


def _frame(
    arms: Mapping[str, MomentsTable],
    keys: Mapping[str, Sequence[Any]],
    compared: Callable[[MomentsTable, MomentsTable], ComparisonTable],
) -> pd.DataFrame:
    import pandas as pd

    control, *treatments = arms
    parts = []
    for name in treatments:
        found = compared(arms[control], arms[name])
        parts.append(
            pd.DataFrame(
                {
                    **{key: list(values) for key, values in keys.items()},
                    "arm": name,
                    "control": control,
                    "n_control": arms[control].n.astype(np.int64),
                    "n": arms[name].n.astype(np.int64),
                    "control_value": arms_value(found.control_value),
                    "value": arms_value(found.treatment_value),
                    "difference": found.estimate,
                    "lower": found.lower,
                    "upper": found.upper,
                    "relative": found.relative_estimate,
                    "p_value": found.p_value,
                    "p_adjusted": holm(found.p_value),
                    "status": found.status,
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def arms_value(values: Floats) -> Floats:
    """Return the values as plain floats."""
    return np.asarray(values, dtype=np.float64)


def holm(p_values: Floats, method: str = "holm") -> Floats:
    """Return p-values adjusted for being read together; rows without one stay without."""
    found = np.full(len(p_values), np.nan)
    known = np.isfinite(p_values)
    if known.any():
        adjusted = adjust(np.asarray(p_values)[known], method=method)  # type: ignore[arg-type]
        found[known] = adjusted.adjusted
    return found
