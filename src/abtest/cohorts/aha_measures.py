"""How well behaviours go with an outcome: the measures of many two by two tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
MEASURES = (
    "reach", "precision", "recall", "npv", "false_omission", "fall_out", "phi", "difference",
    "lift",
)  # fmt: skip
STRENGTHS = ((0.4, "strong"), (0.3, "moderate"), (0.2, "weak"))
"""From which phi on an association is called so: the classes of Amplitude's Compass chart."""


def measures_of(units: Any, retained: Any, did: Any, both: Any) -> dict[str, Floats]:
    """Return the measures of tables of units; null where one is divided by 0.

    Parameters
    ----------
    units, retained, did, both
        All units, those with the outcome, those with the behaviour, those with both; shape (r,).

    Returns
    -------
    dict
        ``reach``: share with the behaviour. ``precision``: share with the outcome among these
        (positive predictive value). ``recall``: share with the behaviour among those with the
        outcome. ``npv``: share without the outcome among those without the behaviour.
        ``false_omission``: 1 - npv. ``fall_out``: share with the behaviour among those without
        the outcome. ``phi``: the correlation of both. ``difference``: precision minus
        false_omission. ``lift``: precision over the share with the outcome.

    Notes
    -----
    phi = (ad - bc) / sqrt((a + b)(c + d)(a + c)(b + d)) of the table with a = both and d = neither
    (Yule 1912, JRSS 75, 579); as a measure of prediction it is Matthews' coefficient (1975,
    Biochim. Biophys. Acta 405, 442). The others as Powers (2011), J. Mach. Learn. Technol. 2, 37.

    Examples
    --------
    Twelve units, eight with the outcome; six of these and one other have the behaviour:

    >>> found = measures_of([12], [8], [7], [6])
    >>> round(float(found["phi"][0]), 3), round(float(found["precision"][0]), 3)
    (0.478, 0.857)
    """
    n, m, k, a = (np.asarray(x, dtype=np.float64) for x in (units, retained, did, both))
    b, c, d = k - a, m - a, n - m - k + a
    with np.errstate(divide="ignore", invalid="ignore"):
        sides = np.sqrt((k * (n - k)) * (m * (n - m)))
        found = {
            "reach": k / n,
            "precision": a / k,
            "recall": a / m,
            "npv": d / (n - k),
            "false_omission": c / (n - k),
            "fall_out": b / (n - m),
            "phi": (a * d - b * c) / sides,
            "difference": a / k - c / (n - k),
            "lift": (a / k) / (m / n),
        }
    return {name: np.where(np.isfinite(found[name]), found[name], np.nan) for name in MEASURES}


def strength(phi: float) -> str:
    """Return what an association of this size is called; those below 0 have no name here.

    Examples
    --------
    >>> strength(0.4), strength(0.25), strength(0.1), strength(-0.5)
    ('strong', 'weak', 'negligible', 'negative')
    """
    if not np.isfinite(phi):
        return "unknown"
    if phi < 0.0:
        return "negative"
    return next((name for least, name in STRENGTHS if phi >= least), "negligible")


def at_least(cells: Mapping[tuple[str, float], Floats], counts: tuple[int, ...]) -> Floats:
    """Return units that did something at least so often, one row per cell, one column per count.

    Parameters
    ----------
    cells
        Units by exact count, from 1 to the largest, which stands for that and more.
    counts
        Of which columns are returned.

    Examples
    --------
    >>> at_least({("view", 7.0): np.array([5.0, 0.0, 2.0])}, (1, 3)).tolist()
    [[7.0, 2.0]]
    """
    if not cells:
        return np.zeros((0, len(counts)))
    exact = np.stack(list(cells.values()))
    above = np.cumsum(exact[:, ::-1], axis=1)[:, ::-1]
    return np.asarray(above[:, [count - 1 for count in counts]])
