"""Numbers as documents and people need them: one function rounds, one formats each kind."""

from __future__ import annotations

import math


def json_number(value: float | None) -> float | None:
    """Return `value` with 9 significant digits, or None if it is not finite.

    Examples
    --------
    >>> json_number(0.1234567894321)
    0.123456789
    >>> json_number(float("nan")) is None
    True
    """
    if value is None or not math.isfinite(value):
        return None
    rounded = float(f"{value:.9g}")
    return rounded + 0.0  # -0.0 becomes 0.0
