"""Rows as CSV, Parquet and XLSX; what a spreadsheet would execute is made harmless."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

from abtest.errors import UsageError
from abtest.show.escape import plain

Row = Mapping[str, Any]
WHOLE = frozenset({"n_control", "n_treatment", "excluded"})
TEXT = frozenset(
    {
        "experiment",
        "metric",
        "kind",
        "role",
        "direction",
        "test",
        "variant",
        "control",
        "segment_column",
        "segment_value",
        "status",
        "reason",
        "relative_status",
        "interval",
        "method",
        "outcome",
        "values",
        "warnings",
    }
)
"""Columns of text and of counts; all others hold numbers, also where every value is missing."""
_COMMANDS = ("=", "+", "-", "@", "\t", "\r")
"""How text starts that spreadsheets take for a formula (OWASP, CSV injection)."""


def flat_rows(rows: Sequence[Row]) -> list[Row]:
    """Return the rows with nested values as JSON text, "" where they are empty."""
    return [{name: _flat(value) for name, value in row.items()} for row in rows]


def _flat(value: object) -> object:
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False) if value else ""
    return value


def csv_bytes(rows: Sequence[Row]) -> bytes:
    """Return the rows as UTF-8 CSV with a header; missing values are empty."""
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(rows[0])
    writer.writerows([_harmless(value) for value in row.values()] for row in rows)
    return file.getvalue().encode("utf-8")


def parquet_bytes(rows: Sequence[Row]) -> bytes:
    """Return the rows as Parquet; text is as it is, because nothing executes it."""
    import pyarrow as pa  # only for this format
    from pyarrow import parquet

    schema = pa.schema([(name, _arrow_type(name, pa)) for name in rows[0]])
    sink = io.BytesIO()
    parquet.write_table(pa.Table.from_pylist(list(rows), schema=schema), sink)
    return sink.getvalue()


def xlsx_bytes(rows: Sequence[Row]) -> bytes:
    """Return the rows as an Excel workbook with one sheet.

    Raises
    ------
    UsageError
        openpyxl is not installed.
    """
    try:
        from openpyxl import Workbook  # an optional dependency
    except ImportError:
        raise UsageError(
            "XLSX needs the package openpyxl.",
            given="--format xlsx",
            todo='Install it with: pip install "abtest-toolkit[excel]"',
            code="missing_package",
        ) from None
    book = Workbook()
    sheet: Any = book.active
    sheet.title = "effects"
    sheet.append(list(rows[0]))
    sheet.freeze_panes = "A2"
    for number, row in enumerate(rows, 2):
        for column, value in enumerate(row.values(), 1):
            cell = sheet.cell(number, column)
            cell.value = plain(value) if isinstance(value, str) else value
            if isinstance(value, str):
                cell.data_type = "s"  # text, also where it starts like a formula
                cell.quotePrefix = value.startswith(_COMMANDS)
    sink = io.BytesIO()
    book.save(sink)
    return sink.getvalue()


def _harmless(value: object) -> object:
    """Return `value`; text that starts like a formula gets an apostrophe before it.

    Examples
    --------
    >>> _harmless("=1+1"), _harmless("plain"), _harmless(-1.5)
    ("'=1+1", 'plain', -1.5)
    """
    return f"'{value}" if isinstance(value, str) and value.startswith(_COMMANDS) else value


def _arrow_type(name: str, pa: Any) -> Any:  # pyarrow has no types
    if name in TEXT:
        return pa.string()
    return pa.int64() if name in WHOLE else pa.float64()
