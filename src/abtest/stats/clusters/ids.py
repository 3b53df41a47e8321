"""Names of units and clusters become numbers: one column of any kind, tuples, several columns."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from abtest.errors import UsageError
from abtest.stats.floats import Values


def numbered(
    names: Values, arm: str, *, row: str = "row", group: str = "cluster"
) -> tuple[NDArray[np.int64], list[Hashable]]:
    """Return for each row the number of its group from 0, and the names of the groups.

    Names are compared as they are and never joined as text: (1, 11) and (11, 1) differ.

    Parameters
    ----------
    names
        One name for each row: numbers, text, dates or tuples; or several columns, as a frame, a
        two-dimensional array or a list of arrays.
    arm
        Whose they are, for the message.
    row, group
        What a row and a group are, for the message, such as ``event`` and ``unit``.

    Raises
    ------
    UsageError
        If one is null, in whole or in part, or they are no names.

    Examples
    --------
    >>> numbers, names = numbered([("a", 1), ("b", 1), ("a", 1)], "control")
    >>> numbers.tolist(), names
    ([0, 1, 0], [('a', 1), ('b', 1)])
    """
    import pandas as pd

    try:
        numbers, distinct = pd.factorize(_column(names))
        dates = distinct.dtype.kind in "mM"  # whose units of time may differ between arms
        found = (pd.Index(distinct) if dates else np.asarray(distinct)).tolist()
        null = numbers < 0
        partly = [isinstance(name, tuple) and bool(pd.isna(list(name)).any()) for name in found]
    except (TypeError, ValueError) as error:
        raise UsageError(
            f"The {group}s of {arm} are one name for each {row}",
            given=str(error),
            todo="Give a column of numbers, text or tuples, or several columns.",
        ) from error
    if any(partly):
        null |= np.isin(numbers, np.flatnonzero(partly))
    if null.any():
        raise UsageError(
            f"Each {row} of {arm} needs a {group}",
            given=f"no {group}, or only a part of its name, in {int(null.sum())} {row}s",
            todo=f"Leave these {row}s out, or name their {group}.",
        )
    return numbers.astype(np.int64), found


def _column(names: Any) -> NDArray[Any]:
    """Return names as one column; those of several columns as tuples."""
    if isinstance(names, str | bytes | Mapping):
        raise TypeError(f"{type(names).__name__} is not a column")
    if len(getattr(names, "shape", ())) == 2:
        return _objects(_rows_of_table(names))
    if isinstance(names, list | tuple) and names and all(_is_array(part) for part in names):
        return _objects(list(zip(*(_plain(part) for part in names), strict=True)))
    raw = _plain(names)
    if isinstance(raw, np.ndarray) and raw.dtype != object:
        return raw
    return _objects([tuple(name) if isinstance(name, list | tuple) else name for name in raw])


def _rows_of_table(table: Any) -> list[tuple[Any, ...]]:
    if hasattr(table, "itertuples"):
        return list(table.itertuples(index=False, name=None))
    columns = getattr(table, "column_names", getattr(table, "columns", None))
    if columns is None:
        return [tuple(row) for row in _plain(table).tolist()]
    return list(zip(*(_plain(table[name]) for name in columns), strict=True))


def _plain(column: Any) -> Any:
    """Return a column as an array, or as the list that it is."""
    if isinstance(column, np.ma.MaskedArray):
        objects = column.data.astype(object)
        objects[np.ma.getmaskarray(column)] = None
        return objects
    if type(column).__module__.partition(".")[0] == "pyarrow":
        return column.to_pandas().to_numpy()
    return column.to_numpy() if hasattr(column, "to_numpy") else _sequence(column)


def _sequence(column: Any) -> Any:
    if isinstance(column, np.ndarray):
        if column.ndim not in (1, 2):
            raise ValueError(f"an array of {column.ndim} dimensions")
        return column
    return list(column)


def _is_array(part: object) -> bool:
    """Return whether a member of a sequence is a column of its own and no name."""
    return hasattr(part, "dtype") and len(getattr(part, "shape", ())) == 1


def _objects(names: list[Any]) -> NDArray[Any]:
    """Return names as an array of objects, tuples whole."""
    whole = np.empty(len(names), dtype=object)
    whole[:] = names
    return whole
