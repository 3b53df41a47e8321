"""The door of the public functions: values of any array library become floats or moments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from abtest.errors import UsageError
from abtest.stats.moments import Floats, Moments
from abtest.stats.results import WarningCode

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
    """Return the moments of one arm: its own if it came as `Moments`, else those of its columns.

    Raises
    ------
    UsageError
        If moments come with separate covariates: they carry them as further variables.
    """
    if len(columns) == 1 and isinstance(columns[0], Moments):
        if covariates:
            raise UsageError(
                "Moments carry their covariates themselves",
                given=f"moments of {name} and a separate covariate",
                todo="Sum value and covariate into one Moments, or give arrays for both.",
            )
        return columns[0]
    return Moments.from_columns([as_floats(column, name) for column in (*columns, *covariates)])


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
