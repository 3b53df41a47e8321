"""What past units say for a design, and the baseline that shares of it need."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from abtest.errors import UsageError
from abtest.stats.moments import Floats, Moments

if TYPE_CHECKING:
    from abtest.stats.sizing.design import Design


def require_baseline(value: Any, name: str) -> None:
    """Refuse a missing baseline, or one of 0, where effects are shares of it.

    Raises
    ------
    UsageError
        If it is.
    """
    if value is None or np.any(np.asarray(value) == 0.0):
        raise UsageError(
            "There are no shares of a baseline that is missing or 0",
            given=f"{name} {value}",
            todo="Give the baseline, or absolute effects (relative=False).",
        )


def past_covariance(moments: Moments, sizes: tuple[int, int]) -> Floats:
    """Return the sample covariance matrix of past units.

    Raises
    ------
    UsageError
        If these are no moments of so many variables and two or more units.
    """
    if not isinstance(moments, Moments) or len(moments.mean) not in sizes or moments.n < 2:
        raise UsageError(
            f"Past units are Moments of {' or '.join(map(str, sorted(set(sizes))))} variables, of "
            "two units or more",
            given=repr(moments)[:200],
            todo="Use Moments.from_columns([values]).",
        )
    return np.asarray(moments.m2 / (moments.n - 1))


def squared_correlation(covariance: Floats) -> float:
    """Return the squared correlation of two variables, below 1."""
    (v0, c), (_, v1) = covariance
    return float(min(c / v0 * (c / v1), 1.0 - 1e-12)) if v0 > 0.0 else 0.0


def refuse_adjustment(design: Design, what: str) -> None:
    """Refuse covariates and clusters where the analysis has none.

    Raises
    ------
    UsageError
        If there are.
    """
    if design.clusters is not None or design.is_adjusted:
        raise UsageError(
            f"{what} are compared without covariates and clusters",
            given="clusters" if design.clusters is not None else "a variance reduction",
            todo="Leave them out.",
        )
