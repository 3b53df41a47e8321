"""Settings of a design that must fit together, checked and brought to one form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from abtest.errors import UsageError
from abtest.stats.sizing.formulas import TestKind
from abtest.stats.sizing.numbers import is_row, number_or_row, one_number

_LARGEST = 1e150
"""What can still be squared."""


def checked_allocation(weights: Sequence[float]) -> tuple[float, ...]:
    """Return the weights of the arms.

    Raises
    ------
    UsageError
        If there are fewer than two, or one is not above 0.
    """
    row = number_or_row(weights, "Every weight of an arm", 1e-15, 1e16)
    if not is_row(row) or row.size < 2:
        raise UsageError(
            "An experiment has at least two arms",
            given=f"allocation {weights}",
            todo="Give one weight per arm, control first.",
        )
    return tuple(row.tolist())


def checked_reduction(reduction: Any, correlation: Any) -> Any:
    """Return the share of variance that covariates remove.

    Raises
    ------
    UsageError
        If both are given, or one is out of range.
    """
    share = number_or_row(reduction, "variance_reduction", -1e-12, 1.0)
    if correlation is None:
        return np.maximum(share, 0.0) if is_row(share) else max(share, 0.0)
    if np.any(np.asarray(share) != 0.0):
        raise UsageError(
            "A correlation and a variance reduction say the same thing",
            given=f"correlation {correlation}, reduction {reduction}",
            todo="Give one of them.",
        )
    value = number_or_row(correlation, "correlation", -1.0, 1.0)
    return value * value


def checked_margin(margin: Any, test: TestKind, *, whole: bool) -> Any:
    """Return the margin: None, one number above 0, or a pair (fall, rise) of them.

    With `whole` it is a fall by a share of the baseline, which must leave some of it.

    Raises
    ------
    UsageError
        If the test has no use for it, needs one, or it cannot be.
    """
    if (margin is None) != (test == "superiority"):
        raise UsageError(
            "A margin belongs to tests of non-inferiority and equivalence, which need one",
            given=f"test {test!r} with margin {margin!r}",
            todo='Give margin=0.01 with test="non_inferiority", or leave it out.',
        )
    if margin is None:
        return None
    checked = (
        _pair(margin, test)
        if isinstance(margin, tuple | list)
        else one_number(margin, "margin", 0.0, _LARGEST)
    )
    fall = checked[0] if isinstance(checked, tuple) else checked
    if whole and fall >= 1.0:
        raise UsageError(
            "A relative margin lies below 1, which is all of the baseline",
            given=repr(margin),
            todo="Give it as 0.02 for 2%, not in per cent.",
        )
    return checked


def _pair(margin: Any, test: TestKind) -> tuple[float, float]:
    ends = number_or_row(list(margin), "Every part of a margin", 0.0, _LARGEST)
    if test != "equivalence" or len(ends) != 2:
        raise UsageError(
            "A pair of margins is (fall, rise), for a test of equivalence",
            given=f"test {test!r} with margin {margin!r}",
            todo="Give margin=(0.2, 0.25), or one number.",
        )
    return float(ends[0]), float(ends[1])
