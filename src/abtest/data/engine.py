"""What is special about DuckDB: connection, errors, functions Ibis has no name for."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import duckdb
import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir
import pyarrow as pa

from abtest.errors import DataError

Backend = Any
"""An Ibis DuckDB backend; Ibis has no types for its attributes."""

BITMAP_LIMIT = 1 << 30
"""Widest range of whole numbers, in bits, that `distinct_whole_numbers` counts in one bitmap."""

_UTC = dt.Timestamp(timezone="UTC", scale=6)
_PLAIN = dt.Timestamp(scale=6)


@ibis.udf.scalar.builtin(name="timezone", signature=((dt.string, _PLAIN), _UTC))  # type: ignore[untyped-decorator]  # Ibis has no types
def _in_zone(zone: str, moment: Any) -> Any:
    """Moment whose wall clock in `zone` shows `moment`."""


@ibis.udf.scalar.builtin(name="timezone", signature=((dt.string, _UTC), _PLAIN))  # type: ignore[untyped-decorator]  # Ibis has no types
def _wall_clock(zone: str, moment: Any) -> Any:
    """Wall clock of `zone` at `moment`."""


@ibis.udf.scalar.builtin(name="epoch_us", signature=((_UTC,), dt.int64))  # type: ignore[untyped-decorator]  # Ibis has no types
def _microseconds(moment: Any) -> Any:
    """Microseconds since 1970; null for an infinite time."""


@ibis.udf.scalar.builtin(name="epoch_us", signature=((_PLAIN,), dt.int64))  # type: ignore[untyped-decorator]  # Ibis has no types
def _plain_microseconds(clock: Any) -> Any:
    """Microseconds of a UTC wall clock since 1970; null for an infinite one."""


@ibis.udf.scalar.builtin(name="make_timestamp", signature=((dt.int64,), _PLAIN))  # type: ignore[untyped-decorator]  # Ibis has no types
def _clock_of(microseconds: Any) -> Any:
    """UTC wall clock so many microseconds after 1970."""


@ibis.udf.scalar.builtin(name="make_timestamptz", signature=((dt.int64,), _UTC))  # type: ignore[untyped-decorator]  # Ibis has no types
def _moment_of(microseconds: Any) -> Any:
    """Moment so many microseconds after 1970."""


@ibis.udf.agg.builtin(name="bitstring_agg", signature=((dt.int64, dt.int64, dt.int64), dt.binary))  # type: ignore[untyped-decorator]  # Ibis has no types
def _bitmap(value: Any, low: Any, high: Any) -> Any:
    """Bitmap with one bit per value met."""


@ibis.udf.scalar.builtin(name="bit_count", signature=((dt.binary,), dt.int64))  # type: ignore[untyped-decorator]  # Ibis has no types
def _bit_count(bitmap: Any) -> Any:
    """Return the number of bits set."""


@ibis.udf.scalar.builtin(name="md5", signature=((dt.string,), dt.string))  # type: ignore[untyped-decorator]  # Ibis has no types
def md5(text: Any) -> Any:
    """Return the MD5 digest of a text in small hexadecimal digits: the same on every engine."""


@ibis.udf.scalar.builtin(name="bit_count", signature=((dt.int64,), dt.int8))  # type: ignore[untyped-decorator]  # Ibis has no types
def _bits_of_number(number: Any) -> Any:
    """Return the number of bits set."""


@ibis.udf.scalar.builtin(name="divide", signature=((dt.int64, dt.int64), dt.int64))  # type: ignore[untyped-decorator]  # Ibis has no types
def _divide(number: Any, by: Any) -> Any:
    """Divide whole numbers and drop what is left."""


def connect() -> Backend:
    """Return an in-memory connection in UTC, without installing and without progress bars."""
    backend = ibis.duckdb.connect(
        autoinstall_known_extensions=False,
        autoload_known_extensions=False,
        temp_directory=str(Path(tempfile.gettempdir()) / "abtest-duckdb"),
    )
    backend.settings["TimeZone"] = "UTC"
    with suppress(duckdb.InvalidInputException):  # a notebook without ipywidgets has no bars
        backend.settings["enable_progress_bar"] = False
    return backend


def attach(backend: Backend, path: Path, name: str, label: str) -> None:
    """Attach a DuckDB file under `name`, for reading only.

    Raises
    ------
    DataError
        ``database_locked`` when another process has it open for writing, ``not_duckdb``
        when it is not a DuckDB file.
    """
    try:
        backend.attach(str(path).replace("'", "''"), name, read_only=True)
    except duckdb.Error as error:
        text = str(error)
        if "lock" in text.lower() or "already attached" in text or "handle conflict" in text:
            raise DataError(
                "The database is open for writing elsewhere",
                given=label,
                todo="close the notebook or process that has it open for writing, then run again",
                code="database_locked",
            ) from error
        raise DataError(
            "This is not a DuckDB file that can be read",
            given=f"{label}: {first_line(text)}",
            todo="name a DuckDB file, or write it again with this version of DuckDB",
            code="not_duckdb",
        ) from error


def tables_of(backend: Backend, catalog: str) -> tuple[tuple[str, str], ...]:
    """Return (schema, name) of every table and view of an attached file, sorted."""
    rows = backend.con.execute(
        "select table_schema, table_name from information_schema.tables "
        "where table_catalog = ? order by 1, 2",
        [catalog],
    ).fetchall()
    return tuple((str(schema), str(name)) for schema, name in rows)


def read_csv(
    backend: Backend,
    paths: Sequence[Path],
    header: Sequence[str],
    delimiter: str,
    *,
    padded: bool = False,
) -> ir.Table:
    """Return CSV files as a table of text columns; nothing about them is guessed.

    Guessing types fails late (a letter in row 20,001) and loses leading zeros; guessing the
    dialect skips rows of files that are not well formed. A line with too many fields is
    refused; one with too few too, unless `padded` reads the missing fields as empty.
    """
    return backend.read_csv(
        [_literal_path(path) for path in paths],
        columns=dict.fromkeys(header, "VARCHAR"),
        auto_detect=False,
        header=True,
        delim=delimiter,
        quote='"',
        escape='"',
        skip=0,
        null_padding=padded,
    )


def read_parquet(backend: Backend, paths: Sequence[Path]) -> ir.Table:
    """Return Parquet files as one table, columns matched by name."""
    return backend.read_parquet([_literal_path(path) for path in paths], union_by_name=True)


def _literal_path(path: Path) -> str:
    """Return a path in which the engine finds no wildcard of its own."""
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in str(path))


def run(backend: Backend, expression: ir.Expr, label: str) -> pa.Table:
    """Return the result of an expression; what goes wrong while reading is a DataError."""
    try:
        return backend.to_pyarrow(expression)
    except duckdb.Error as error:
        raise unreadable(error, label) from error


def keep(backend: Backend, expression: ir.Table, label: str) -> ir.Table:
    """Return the expression computed into a temporary table, dropped with the connection."""
    try:
        return backend.create_table(ibis.util.gen_name("abtest"), expression, temp=True)
    except duckdb.Error as error:
        raise unreadable(error, label) from error


def unreadable(error: Exception, label: str) -> DataError:
    """Return the DataError for what the engine said about a source."""
    text = str(error)
    for sign, what, todo, code in _SIGNS:
        if sign in text:
            return DataError(what, given=f"{label}: {first_line(text)}", todo=todo, code=code)
    return DataError(
        "The data cannot be read",
        given=f"{label}: {first_line(text)}",
        todo="look at the data named here",
        code="unreadable_data",
    )


_SIGNS = (
    (
        "GZIP",
        "The gzip file is cut off or damaged",
        "copy or download the file again",
        "damaged_gzip",
    ),
    (
        "magic bytes",
        "This is not a Parquet file",
        "name a Parquet file, or give it the ending of what it is",
        "not_parquet",
    ),
    (
        "too small to be a Parquet",
        "This is not a Parquet file",
        "name a Parquet file, or give it the ending of what it is",
        "not_parquet",
    ),
    (
        "not utf-8",
        "The file is not UTF-8 text",
        "save the file as UTF-8",
        "not_utf8",
    ),
    (
        "CSV Error",
        "A line of the CSV file does not fit its header",
        "give every line as many fields as the header, and quote fields that hold the separator",
        "malformed_csv",
    ),
    (
        "Unknown TimeZone",
        "The timezone is not known to the database engine",
        'name a timezone such as "Europe/Berlin"',
        "unknown_timezone",
    ),
)


def first_line(text: str) -> str:
    """Return the first line of an engine's message without its class and without any path."""
    line = text.strip().splitlines()[0] if text.strip() else ""
    words = (
        Path(word.strip("\"':,")).name if word.strip("\"':,").startswith("/") else word
        for word in line.split()
    )
    return " ".join(words)


def utc_from_local(moment: ir.Value, zone: str) -> ir.Value:
    """Return the UTC wall clock of a zone-less time that was written in `zone`."""
    return moment if zone == "UTC" else utc_from_zoned(_in_zone(zone, moment))


def utc_from_zoned(moment: ir.Value) -> ir.Value:
    """Return the UTC wall clock of a time that carries its zone; null for an infinite one.

    By arithmetic: the engine's own conversion takes some fifty times as long, and hides from it
    which parts of a file lie in a span of time.
    """
    return _clock_of(_microseconds(moment.cast(_UTC)))


def local_day(moment: ir.Value, zone: str) -> ir.Value:
    """Return the calendar date in `zone` of a UTC wall clock."""
    if zone == "UTC":
        return moment.date()
    return _wall_clock(zone, _moment_of(_plain_microseconds(moment))).date()


def number_of_bits(number: ir.Value) -> ir.Value:
    """Return how many bits of a whole number are set."""
    return _bits_of_number(number).cast("int64")  # 8 bits overflow where they are added up


def whole_quotient(number: ir.Value, by: int) -> ir.Value:
    """Return how often `by` fits into a whole number from 0 on; other numbers round towards 0.

    Ibis divides as floats and rounds down.
    """
    return _divide(number.cast("int64"), by)


def distinct_whole_numbers(column: ir.Value, low: int, high: int) -> ir.Value:
    """Return an aggregate that counts distinct whole numbers between two bounds.

    One bit per number of the range: exact, and ten times faster than a hash table. The
    caller keeps `high - low` below `BITMAP_LIMIT`.
    """
    bounds = (ibis.literal(low, "int64"), ibis.literal(high, "int64"))
    return _bit_count(_bitmap(column.cast("int64"), *bounds))
