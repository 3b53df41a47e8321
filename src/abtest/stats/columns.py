"""The door of the public functions: values of any array library become floats or moments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from abtest.errors import UsageError
from abtest.stats.moments import Floats, Moments
from abtest.stats.not_estimable import NotEstimable
from abtest.stats.results import WarningCode
from abtest.stats.value_counts import ValueCounts

Values: TypeAlias = Any
"""One value per unit: a list, an array, a column of a frame; nulls as NaN, None or pandas' NA."""


def as_floats(values: Values, name: str) -> Floats:
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


def arm_moments(columns: Sequence[Values], covariates: Sequence[Values], name: str) -> Moments:
    """Return the moments of one arm: its own if it came summed up, else those of its columns.

    Raises
    ------
    UsageError
        If moments or value counts come with separate covariates: moments carry them as further
        variables, value counts cannot.
    """
    first = columns[0]
    if isinstance(first, Moments | ValueCounts):
        if covariates:
            raise UsageError(
                "A sample that is summed up cannot be joined with covariates",
                given=f"{type(first).__name__} of {name} and a separate covariate",
                todo="Sum value and covariate into one Moments, or give arrays for both.",
            )
        return first if isinstance(first, Moments) else first.moments()
    return Moments.from_columns([as_floats(column, name) for column in (*columns, *covariates)])


def arm_counts(values: Values | ValueCounts, name: str) -> ValueCounts:
    """Return the value counts of one arm, for methods that need more than moments.

    Raises
    ------
    UsageError
        If it came as `Moments`, or is not one column of numbers.
    NotEstimable
        ``not_finite`` if a value is infinite.
    """
    if isinstance(values, ValueCounts):
        return values
    if isinstance(values, Moments):
        raise UsageError(
            "Moments do not tell this method enough",
            given=f"Moments of {name}",
            todo="Give the values themselves, or ValueCounts.",
        )
    floats = as_floats(values, name)
    if np.isinf(floats).any():
        raise NotEstimable(
            "not_finite",
            "Values are infinite",
            given=name,
            todo="Look for infinite values in the column.",
        )
    return ValueCounts.from_values(floats)


def filled(
    covariates: tuple[Values, Values] | None, *, with_mean: bool
) -> tuple[tuple[tuple[Floats, Floats], ...], tuple[WarningCode, ...]]:
    """Return covariates of (control, treatment) without nulls, and a warning code if there were.

    The result is empty for None and otherwise one entry, so that entries can be joined. A missing
    covariate must not cost a unit (that would select on the past): it becomes the mean over both
    arms, or 0 where no past means a count of none.
    """
    if covariates is None:
        return (), ()
    if len(covariates) != 2:
        raise UsageError(
            "Covariates are a pair: those of control and those of treatment",
            given=f"{len(covariates)} parts",
            todo="Give covariates=(control_values, treatment_values).",
        )
    control, treatment = (as_floats(part, "covariates") for part in covariates)
    known = np.concatenate([control, treatment])
    known = known[~np.isnan(known)]
    value = float(known.mean()) if with_mean and known.size else 0.0
    missing = known.size < control.size + treatment.size
    pair = (
        np.where(np.isnan(control), value, control),
        np.where(np.isnan(treatment), value, treatment),
    )
    return (pair,), (("covariate_missing",) if missing else ())


def _not_numbers(name: str, given: str) -> UsageError:
    return UsageError(
        f"The values of {name} are not numbers", given=given, todo="Convert the column to numbers."
    )
