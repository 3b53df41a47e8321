"""Values of any array library become floats."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from abtest.errors import UsageError

Values: TypeAlias = Any
"""One value per unit: a list, an array, a column of a frame; nulls as NaN, None or pandas' NA."""


def as_floats(values: Values, name: str) -> NDArray[np.float64]:
    """Return values as a one-dimensional float64 array with NaN for every kind of null.

    Parameters
    ----------
    values
        A list, NumPy (masked) array, or column of pandas, Polars or Arrow.
    name
        What they are, for the message.

    Raises
    ------
    UsageError
        If they are not numbers, or not one-dimensional.

    Examples
    --------
    >>> as_floats([1, None, True], "control").tolist()
    [1.0, nan, 1.0]
    """
    if isinstance(values, np.ma.MaskedArray):
        values = np.where(np.ma.getmaskarray(values), np.nan, values.data)
    raw = np.asarray(values.to_numpy() if hasattr(values, "to_numpy") else values)
    # Text that looks like a number and dates are converted by NumPy without a word.
    is_text = raw.dtype == object and any(isinstance(value, str | bytes) for value in raw.flat)
    if raw.dtype.kind in "USTMmcV" or is_text:
        raise _not_numbers(name, "text" if is_text else str(raw.dtype))
    try:
        if raw.dtype == object and hasattr(values, "to_numpy"):
            # an extension array of pandas with nulls: it must be told what they become
            raw = values.to_numpy(dtype="float64", na_value=np.nan)
        floats = np.asarray(raw, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise _not_numbers(name, str(error)) from error
    if floats.ndim != 1:
        raise UsageError(
            f"The values of {name} must be one column",
            given=f"an array of shape {floats.shape}",
            todo="Give one value per unit.",
        )
    return floats


def _not_numbers(name: str, given: str) -> UsageError:
    return UsageError(
        f"The values of {name} are not numbers", given=given, todo="Convert the column to numbers."
    )
