"""Numbers of a design: one each, or a row of them, refused when they cannot be."""

from __future__ import annotations

import math
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from abtest.errors import UsageError
from abtest.stats.floats import as_floats
from abtest.stats.moments import Floats

_LARGEST = 1e150
_NO_NUMBERS = (str, bytes, bool, np.bool_, complex, np.datetime64, np.timedelta64)
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
    several = isinstance(value, list | tuple)
    if any(_is_none(item) for item in (value if several else [value])):
        raise _refused(value, name, low, high)
    try:
        several = several or np.ndim(value) > 0
        row = as_floats(value if several else [value], name)
    except ValueError as error:  # rows of different lengths
        raise _refused(value, name, low, high) from error
    is_truth = getattr(getattr(value, "dtype", None), "kind", "") == "b"
    inside = (row >= low) & (row <= high) if closed else (row > low) & (row < high)
    if is_truth or not row.size or not (np.isfinite(row) & inside).all():
        raise _refused(value, name, low, high)
    return row if several else float(row[0])


def one_number(
    value: Any, name: str, low: float = -math.inf, high: float = math.inf, *, closed: bool = False
) -> float:
    """Return `number_or_row` of what must be one number.

    Raises
    ------
    UsageError
        Also if there are several.
    """
    if isinstance(value, list | tuple) or np.ndim(value) != 0:
        raise _refused(value, name, low, high)
    return float(number_or_row(value, name, low, high, closed=closed))


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


def _is_none(item: Any) -> bool:
    """Return whether it is no number, though NumPy might make one of it."""
    return item is None or item is np.ma.masked or isinstance(item, _NO_NUMBERS)


def _refused(value: object, name: str, low: float, high: float) -> UsageError:
    floor = 0.0 if 0.0 < low <= 1e-15 else low
    if low <= -_LARGEST and high >= _LARGEST:
        wanted = "a finite number that can be squared"
    elif high >= _LARGEST:
        wanted = f"a finite number above {floor:g} that can be squared"
    else:
        wanted = f"a number between {floor:g} and {high:g}"
    return UsageError(
        f"{name} must be {wanted}",
        given=repr(value)[:200],
        todo="Look at what was given for it.",
    )
