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
LEAST_UNITS = 10
"""Of what few units do there is a difference, but no test and no limits."""
FEW = "few_units"
"""Status of rows without a test."""


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


def residual_ratio_differences(
    arms: Mapping[str, MomentsTable], keys: Mapping[str, Sequence[Any]], *, confidence_level: float
) -> pd.DataFrame:
    """Return `ratio_differences`; p is the larger of the delta method's and that of residuals.

    With R the ratio of both arms together, n - R t is what a unit has beyond what is expected of
    it. To deal the units to the arms in another way does not change R: Student's t test of the
    means of n - R t is what the permutation test of units comes to with many of them. It holds its
    level in unequal arms where few units have much, and the delta method's does not; that one holds
    where the arms differ in spread.
    """
    found = ratio_differences(arms, keys, confidence_level=confidence_level)
    control, *treatments = arms
    dealt = []
    for name in treatments:
        one, two = arms[control], arms[name]
        sums = one.n[:, None] * one.mean + two.n[:, None] * two.mean
        expected = sums[:, 0] / np.where(sums[:, 1] > 0.0, sums[:, 1], 1.0)
        residuals = _residuals(one, expected), _residuals(two, expected)
        dealt.append(compare_means(*residuals, method="student").p_value)
    found["p_value"] = np.maximum(found["p_value"], np.concatenate(dealt))  # NaN stays NaN
    return found


def _residuals(arm: MomentsTable, expected: Floats) -> MomentsTable:
    """Return the moments of numerator - expected ratio * denominator."""
    mean = arm.mean[:, 0] - expected * arm.mean[:, 1]
    m2 = arm.m2[:, 0, 0] - 2.0 * expected * arm.m2[:, 0, 1] + expected**2 * arm.m2[:, 1, 1]
    return MomentsTable(arm.n, mean[:, None], np.maximum(m2, 0.0)[:, None, None])


def discovered(found: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with p-values that hold false discoveries down over all of a treatment.

    Benjamini & Hochberg 1995 (JRSS B 57, 289).
    """
    for _, part in found.groupby("arm", sort=False):
        adjusted = holm(part["p_value"].to_numpy(dtype=np.float64), "benjamini_hochberg")
        found.loc[part.index, "p_adjusted"] = adjusted
    return found


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
