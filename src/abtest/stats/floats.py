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
    try:
        raw = _array(values)
        # Text that looks like a number, dates and (before NumPy 2.4) lists of one number are
        # converted by NumPy without a word.
        odd = str(raw.dtype) if raw.dtype.kind in "USTMmcV" else ""
        if raw.dtype == object:
            odd = next((kind for value in raw.flat if (kind := _no_number(value))), "")
        if raw.dtype == object and not odd and _library(values) == "pandas":
            # an extension array with nulls: it must be told what they become
            raw = values.to_numpy(dtype="float64", na_value=np.nan)
        floats = None if odd else np.asarray(raw, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise _not_numbers(name, str(error)) from error
    if floats is None:
        raise _not_numbers(name, odd)
    if floats.ndim != 1:
        raise UsageError(
            f"The values of {name} must be one column",
            given=f"an array of shape {floats.shape}",
            todo="Give one value per unit.",
        )
    return floats


def _array(values: Values) -> NDArray[Any]:
    """Return values as an array of whatever type they have."""
    if isinstance(values, np.ma.MaskedArray):
        return np.where(np.ma.getmaskarray(values), np.nan, values.data)
    if isinstance(values, list | tuple) and any(value is np.ma.masked for value in values):
        return np.asarray([np.nan if value is np.ma.masked else value for value in values])
    if _library(values) == "pyarrow":
        # nulls and truth values have no NumPy memory of their own, so that Arrow must copy
        return np.asarray(values.to_numpy(zero_copy_only=False))
    return np.asarray(values.to_numpy() if hasattr(values, "to_numpy") else values)


def _no_number(value: object) -> str:
    """Return what an element is that must not become a number; "" for all others."""
    if isinstance(value, str | bytes):
        return "text"
    return "lists" if isinstance(value, list | np.ndarray) else ""


def _library(values: Values) -> str:
    return type(values).__module__.partition(".")[0]


def _not_numbers(name: str, given: str) -> UsageError:
    return UsageError(
        f"The values of {name} are not numbers", given=given, todo="Convert the column to numbers."
    )
