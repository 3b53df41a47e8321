"""Columns read with one meaning whatever their type: names, numbers, moments, keys."""

from __future__ import annotations

from collections.abc import Sequence

import ibis
import ibis.expr.types as ir

from abtest.data import engine
from abtest.data.source import Source, Sources, nearest_of
from abtest.errors import DataError

NULL_WORDS = ("", "na", "n/a", "nan", "null", "none")
"""What stands for a missing number or time in text, in small letters."""

_ZONED = r"[0-9][0-9]:[0-9][0-9].*([zZ]|[+-][0-9][0-9](:?[0-9][0-9])?| UTC| GMT)$"
# DuckDB reads "10:00 EST" or "10:00 Europe/Berlin" as 10:00 and drops the zone without a word.
_ZONELESS = r"^[-0-9:./ tT]+$"
_FIRST_YEAR = 1000
"""A smaller year was written with two digits."""
_LAST_YEAR = 9999


def column(source: Source, name: str, key: str) -> ir.Column:
    """Return a column by its exact name.

    Raises
    ------
    DataError
        ``missing_column``, with the nearest names; `key` is where the name was given.
    """
    names = source.table.columns
    if name not in names:
        raise DataError(
            f"There is no column {name!r}",
            given=f"{key} = {name!r} in {source.label}",
            todo=nearest_of(name, names, "columns"),
            code="missing_column",
        )
    return source.table[name]


def text(value: ir.Column) -> ir.Value:
    """Return the column as text; "" is null, whole floats lose their ".0"."""
    kind = value.type()
    if kind.is_string():
        return value.nullif("")
    if kind.is_boolean():
        return ibis.cases((value, "true"), (~value, "false"), else_=None)
    if kind.is_floating():
        whole = value == value.floor()
        small = value.abs() < float(2**53)
        safe = ibis.ifelse(whole & small, value, None).cast("int64").cast("string")
        return ibis.ifelse(value.isnan(), None, ibis.coalesce(safe, value.cast("string")))
    return value.cast("string")


def number(value: ir.Column) -> ir.Value | None:
    """Return the column as float64 with NaN and missing words null; None for other types.

    Every value is cast here, because means of DECIMAL columns round to their scale. Text
    ``true`` and ``false`` are 1 and 0, as the type boolean is; what cannot be read is null
    and found by `is_unreadable`.
    """
    kind = value.type()
    if kind.is_boolean():
        return value.cast("int8").cast("float64")
    if kind.is_integer() or kind.is_decimal():
        return value.cast("float64")
    if kind.is_floating():
        return _without_nan(value.cast("float64"))
    if kind.is_string():
        return ibis.cases(
            (value.strip().lower() == "true", 1.0),
            (value.strip().lower() == "false", 0.0),
            else_=_without_nan(value.try_cast("float64")),
        )
    return None


def _without_nan(value: ir.Value) -> ir.Value:
    return ibis.ifelse(value.isnan(), None, value)


def moment(value: ir.Column, zone: str, label: str) -> ir.Value:
    """Return the column as a UTC wall clock; without a zone it was written in `zone`.

    Text is read in ISO form, with or without an offset, row by row.

    Raises
    ------
    DataError
        ``times_unreadable`` for a column that is neither time, date nor text.
    """
    kind = value.type()
    if "TIMESTAMPTZ_NS" in str(kind):  # DuckDB 2 has it, Ibis 12 no name for it
        return engine.utc_from_zoned(value.cast("timestamp('UTC', 6)"))
    if kind.is_timestamp() and kind.timezone is not None:
        return engine.utc_from_zoned(value)
    if kind.is_timestamp() or kind.is_date():
        return engine.utc_from_local(value.cast("timestamp(6)"), zone)
    if kind.is_string():
        trimmed = value.strip().re_replace(r"\s+([+-][0-9])", r"\1")
        local = engine.utc_from_local(trimmed.try_cast("timestamp(6)"), zone)
        zoned = engine.utc_from_zoned(trimmed.try_cast("timestamp('UTC', 6)"))
        found = ibis.cases(
            (trimmed.re_search(_ZONED), zoned), (trimmed.re_search(_ZONELESS), local), else_=None
        )
        return ibis.ifelse(found.year().between(_FIRST_YEAR, _LAST_YEAR), found, None)
    todo = "give it a date or timestamp type, or text such as 2026-01-05T10:00:00Z"
    if kind.is_numeric():
        todo += '; numbers since 1970 by pandas.to_datetime(column, unit="s"), or "ms", or "us"'
    raise DataError(
        "A column of times does not hold times",
        given=f"{label}: column of type {kind}",
        todo=todo,
        code="times_unreadable",
    )


def is_unreadable(raw: ir.Column, read: ir.Value) -> ir.Value:
    """Return which rows say something that could not be read."""
    if not raw.type().is_string():
        return ibis.literal(False)
    said = raw.notnull() & raw.strip().lower().notin(NULL_WORDS)
    is_nan = raw.strip().lower() == "nan"
    return said & ~is_nan & read.isnull()


def refuse_unreadable(
    sources: Sources, source: Source, name: str, read: ir.Value, *, code: str
) -> None:
    """Raise a DataError with the number of unreadable rows and the first of their values."""
    raw = source.table[name]
    bad = is_unreadable(raw, read)
    found = sources.run(
        source.table.aggregate(rows=bad.sum(), example=raw.min(where=bad)), source.label
    ).to_pylist()[0]
    kind = "times" if code == "times_unreadable" else "numbers"
    form = "2026-01-05T10:00:00Z" if kind == "times" else "12.5"
    raise DataError(
        f"Some {kind} cannot be read",
        given=f"column {name!r} of {source.label}: {found['rows']} rows, "
        f"such as {found['example']!r}",
        todo=f"write them as {form}, or leave them empty",
        code=code,
    )


def keys(columns: Sequence[ir.Column]) -> tuple[ir.Value, ...]:
    """Return unit columns in one type: whole numbers if all are, else text.

    Ids of a CSV stay text, so that 00012 and 12 are two units.
    """
    if all(value.type().is_integer() and str(value.type()) != "uint64" for value in columns):
        return tuple(value.cast("int64") for value in columns)
    return tuple(text(value) for value in columns)


def refuse_empty(rows: int, source: Source) -> None:
    """Raise a DataError when a table has no rows."""
    if rows == 0:
        raise DataError(
            "The table is empty",
            given=source.label,
            todo="name a table with rows",
            code="empty_table",
        )
