"""How one alpha is shared by several tests."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from abtest.errors import UsageError
from abtest.stats.arguments import require_share
from abtest.stats.floats import as_floats


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
        If weights are not a sequence of positive, finite numbers, or alpha is not between 0 and 1.

    Examples
    --------
    >>> alpha_shares([1, 1], 0.05)
    (0.025, 0.025)
    """
    require_share(alpha, "alpha")
    values = as_floats(weights, "weights")
    truths = getattr(weights, "dtype", None) == np.bool_ or any(
        isinstance(weight, bool | np.bool_) for weight in weights
    )
    if truths or not ((values > 0.0) & np.isfinite(values)).all():
        raise UsageError(
            "Weights of tests must be positive numbers",
            given=str(list(weights)),
            todo="Leave out a test that should get nothing.",
        )
    if not len(values):
        return ()
    largest = float(values.max())
    parts = (values / largest).tolist()  # a sum of weights near 1e308 must not overflow
    total = math.fsum(parts)
    return tuple(float(alpha) * part / total for part in parts)
