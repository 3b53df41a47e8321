"""Numbers of a design: one each, or a row of them, refused when they cannot be."""

from __future__ import annotations

import math
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from abtest.errors import UsageError
from abtest.stats.columns import as_floats
from abtest.stats.moments import Floats

Truths: TypeAlias = NDArray[np.bool_]
Words: TypeAlias = NDArray[np.str_]


def number_or_row(
    value: Any, name: str, low: float = -math.inf, high: float = math.inf, *, closed: bool = False
) -> Any:
    """Return one number as a float, several as an array of shape (k,).

    Parameters
    ----------
    value
        A number, or a list, array or column of numbers.
    name
        What it is, for the message.
    low, high
        Every number lies strictly between; with `closed` it may be one of them.

    Raises
    ------
    UsageError
        If it is text, a truth value, null, infinite, out of range, empty or of two dimensions.
    """
    if isinstance(value, str | bytes | bool | np.bool_ | complex) or value is None:
        raise _refused(value, name, low, high)
    try:
        row = as_floats([value] if np.ndim(value) == 0 else value, name)
    except ValueError as error:  # rows of different lengths
        raise _refused(value, name, low, high) from error
    is_truth = getattr(getattr(value, "dtype", None), "kind", "") == "b" or (
        np.ndim(value) == 1 and any(isinstance(item, bool | np.bool_) for item in value)
    )
    inside = (row >= low) & (row <= high) if closed else (row > low) & (row < high)
    if is_truth or not row.size or not (np.isfinite(row) & inside).all():
        raise _refused(value, name, low, high)
    return float(row[0]) if np.ndim(value) == 0 else row


def is_row(value: Any) -> bool:
    """Return whether it is several numbers."""
    return isinstance(value, np.ndarray)


def broadcast(*values: Any) -> tuple[Floats, ...]:
    """Return numbers and rows as arrays of one common shape (k,).

    Raises
    ------
    UsageError
        If rows have different lengths.
    """
    try:
        return tuple(np.atleast_1d(row) for row in np.broadcast_arrays(*values))
    except ValueError as error:
        raise UsageError(
            "Rows of numbers have different lengths",
            given=", ".join(str(np.size(value)) for value in values if np.size(value) > 1),
            todo="Give arrays of one length; repeat values to make a grid.",
        ) from error


def _refused(value: object, name: str, low: float, high: float) -> UsageError:
    if math.isinf(low) and math.isinf(high):
        wanted = "a finite number"
    elif math.isinf(high):
        wanted = f"a finite number above {low:g}"
    else:
        wanted = f"a number between {low:g} and {high:g}"
    return UsageError(
        f"{name} must be {wanted}",
        given=repr(value)[:200],
        todo="Give one number, or a list of numbers.",
    )
