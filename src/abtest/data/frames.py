"""Frames of a session as plain Arrow tables that the engine reads like any other."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from abtest.errors import DataError


def as_arrow(frame: object, role: str) -> pa.Table:
    """Return a pandas, Arrow or other data frame as an Arrow table of plain types.

    Categories become their values, times microseconds, columns of nothing but nulls text.

    Raises
    ------
    DataError
        ``not_a_frame``, ``duplicate_columns`` or ``mixed_types``.
    """
    table = _convert(frame, role)
    names = [str(name) for name in table.column_names]
    if len({name.casefold() for name in names}) != len(names):
        raise DataError(
            "Column names repeat",
            given=f"frame {role!r}",
            todo="give every column a name of its own, whatever its capitals",
            code="duplicate_columns",
        )
    columns = [_plain(column) for column in table.columns]
    return pa.table(dict(zip(names, columns, strict=True)))


def _convert(frame: Any, role: str) -> pa.Table:
    try:
        if isinstance(frame, pa.Table):
            return frame
        if hasattr(frame, "iloc"):
            named = frame.set_axis([str(name) for name in frame.columns], axis=1)
            return pa.Table.from_pandas(named, preserve_index=False)
        if hasattr(frame, "__arrow_c_stream__"):
            return pa.table(frame)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as error:
        raise DataError(
            "A column of the frame mixes types",
            given=f"frame {role!r}: {str(error).splitlines()[0]}",
            todo='give the column one type, such as frame["column"].astype("string")',
            code="mixed_types",
        ) from error
    raise DataError(
        "This is not a data frame",
        given=f"{role}: {type(frame).__name__}",
        todo="pass a pandas DataFrame or a pyarrow Table",
        code="not_a_frame",
    )


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _plain(column.cast(kind.value_type))
    if pa.types.is_null(kind):
        return column.cast(pa.string())
    if pa.types.is_timestamp(kind) and kind.unit != "us":
        return column.cast(pa.timestamp("us", tz=kind.tz), safe=False)
    return column
