"""How one alpha is shared by several tests."""

from __future__ import annotations

import math
from collections.abc import Sequence

from abtest.errors import UsageError


def alpha_shares(weights: Sequence[float], alpha: float) -> tuple[float, ...]:
    """Return the part of `alpha` that each test gets, in proportion to its weight.

    Equal weights are Bonferroni's shares; unequal ones keep the error over all tests at most
    `alpha` under any dependence, since the shares sum to it.

    Parameters
    ----------
    weights
        One positive weight per test.
    alpha
        Error probability to share, between 0 and 1.

    Raises
    ------
    UsageError
        If a weight is not positive and finite, or alpha is not between 0 and 1.

    Examples
    --------
    >>> alpha_shares([1, 1], 0.05)
    (0.025, 0.025)
    """
    if not 0.0 < alpha < 1.0:
        raise UsageError(
            "alpha must lie between 0 and 1", given=str(alpha), todo="Give it as 0.05, not 5."
        )
    if any(not (weight > 0.0 and math.isfinite(weight)) for weight in weights):
        raise UsageError(
            "Weights of tests must be positive numbers",
            given=str(list(weights)),
            todo="Leave out a test that should get nothing.",
        )
    total = math.fsum(weights)
    return tuple(alpha * weight / total for weight in weights)
