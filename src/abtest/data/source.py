"""Where rows come from: files of a project or frames of a session, opened as Ibis tables."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import duckdb
import ibis
import ibis.expr.types as ir
from ibis.common.exceptions import TableNotFound

from abtest.data import engine
from abtest.data.finding import by_role, find_files
from abtest.data.frames import as_arrow
from abtest.errors import DataError

DUCKDB = (".duckdb", ".ddb", ".db")
CSV = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".txt", ".txt.gz")
PARQUET = (".parquet", ".pq")


@dataclass(frozen=True)
class Source:
    """A table with the words in which messages speak of it.

    `text` says that every column is text (CSV), so that reading it twice costs twice;
    `parts_are_known` that the file tells ends and nulls of its columns by parts (Parquet), so
    that short questions cost next to nothing.
    """

    table: ir.Table
    label: str
    text: bool
    parts_are_known: bool = False


@dataclass
class Sources:
    """The sources of one experiment on one connection."""

    backend: engine.Backend
    root: Path
    frames: Mapping[str, object]
    _attached: dict[Path, str] = field(default_factory=dict)

    def open(
        self, role: str, source: str | None, table: str | None, *, padded: bool = False
    ) -> Source:
        """Return the table of a role: its frame if there is one, else its file.

        Raises
        ------
        DataError
            ``source_missing``, ``file_missing``, ``no_file_matches``, ``unknown_format``,
            ``table_missing`` and what the engine says about the file.
        """
        if role in self.frames:
            frame = as_arrow(self.frames[role], role)
            return Source(ibis.memtable(frame), f"frame {role!r}", text=False)
        if source is None:
            raise DataError(
                f"No source is named for {role}",
                given="neither a file in [data] nor a frame",
                todo=f'set source in [data] or [data.{role}], or pass data={{"{role}": frame}}',
                code="source_missing",
            )
        return self.open_file(source, table, padded=padded)

    def open_file(self, source: str, table: str | None, *, padded: bool = False) -> Source:
        """Return a file, or the files of a glob, as one table.

        `padded` reads lines of a CSV that are too short as if their last fields were empty.
        """
        paths = find_files(self.root, source)
        kind = file_kind(paths[0], source)
        if kind == "duckdb":
            return self._open_database(paths[0], source, table)
        try:
            if kind == "parquet":
                found = engine.read_parquet(self.backend, paths)
                return Source(found, source, text=False, parts_are_known=True)
            return Source(self._open_csv(paths, source, padded), source, text=True)
        except duckdb.Error as error:
            raise engine.unreadable(error, source) from error

    def run(self, expression: ir.Expr, label: str) -> Any:
        """Return the result of an expression as a pyarrow table."""
        return engine.run(self.backend, expression, label)

    def keep(self, expression: ir.Table, label: str) -> ir.Table:
        """Return the expression computed into a temporary table."""
        return engine.keep(self.backend, expression, label)

    def _open_csv(self, paths: Sequence[Path], source: str, padded: bool) -> ir.Table:
        headers = [read_header(path, source) for path in paths]
        first, delimiter = headers[0]
        if all(header == headers[0] for header in headers):
            return engine.read_csv(self.backend, paths, first, delimiter, padded=padded)
        parts = []
        for path, (header, separator) in zip(paths, headers, strict=True):
            if sorted(header) != sorted(first):
                raise DataError(
                    "The files of one source have different columns",
                    given=f"{source}: {path.name} differs from {paths[0].name}",
                    todo="give them the same header, or name fewer files",
                    code="headers_differ",
                )
            part = engine.read_csv(self.backend, [path], header, separator, padded=padded)
            parts.append(part.select(*first))
        return ibis.union(*parts)

    def _open_database(self, path: Path, source: str, table: str | None) -> Source:
        if path not in self._attached:
            name = f"source_{len(self._attached)}"
            engine.attach(self.backend, path, name, source)
            self._attached[path] = name
        catalog = self._attached[path]
        known = engine.tables_of(self.backend, catalog)
        names = {
            name if schema == "main" else f"{schema}.{name}": (schema, name)
            for schema, name in known
        }
        if table is None and len(names) == 1:
            table = next(iter(names))
        if table is None or table not in names:
            raise DataError(
                "The database has no such table" if table else "No table is named",
                given=f"{source}: {table}" if table else source,
                todo=nearest_of(table or "", list(names), "tables"),
                code="table_missing",
            )
        schema, name = names[table]
        try:
            found = self.backend.table(name, database=(catalog, schema))
        except (duckdb.Error, TableNotFound) as error:  # a view over what is no longer there
            cause = error.__context__ if isinstance(error.__context__, duckdb.Error) else error
            raise engine.unreadable(cause, f"{source}: {table}") from error
        return Source(found, f"{source}: {table}", text=False)


@contextmanager
def open_sources(
    root: Path, frames: Mapping[str, object] | object | None, role: str
) -> Iterator[Sources]:
    """Yield the sources of one experiment; the connection closes afterwards.

    Parameters
    ----------
    root
        Project root, to which file names are relative.
    frames
        A mapping from role to frame, one frame (of the role `role`), or None.
    role
        What a single frame is; "" where the data have several tables.
    """
    backend = engine.connect()
    try:
        yield Sources(backend, Path(root), by_role(frames, role))
    finally:
        backend.disconnect()


def file_kind(path: Path, source: str) -> str:
    """Return ``duckdb``, ``csv`` or ``parquet``, as the ending of the name says."""
    name = path.name.lower()
    for kind, endings in (("duckdb", DUCKDB), ("csv", CSV), ("parquet", PARQUET)):
        if name.endswith(endings):
            return kind
    raise DataError(
        "The kind of this file is not known",
        given=source,
        todo="name a file that ends in .duckdb, .csv, .csv.gz or .parquet",
        code="unknown_format",
    )


def read_header(path: Path, label: str) -> tuple[tuple[str, ...], str]:
    """Return the column names of a CSV file and the separator between them.

    Raises
    ------
    DataError
        ``empty_table`` without a header, ``duplicate_columns``, ``damaged_gzip``, ``not_utf8``.
    """
    try:
        if path.name.lower().endswith(".gz"):
            with gzip.open(path, "rt", encoding="utf-8-sig", newline="") as file:
                return _parse_header(file, label)
        with path.open(encoding="utf-8-sig", newline="") as file:
            return _parse_header(file, label)
    except (EOFError, gzip.BadGzipFile, OSError) as error:
        raise DataError(
            "The file is cut off, damaged or cannot be opened",
            given=f"{label}: {type(error).__name__}",
            todo="copy or download the file again, and check that it may be read",
            code="damaged_gzip" if path.name.lower().endswith(".gz") else "unreadable_data",
        ) from error
    except UnicodeDecodeError as error:
        raise DataError(
            "The file is not UTF-8 text",
            given=label,
            todo="save the file as UTF-8",
            code="not_utf8",
        ) from error


def _parse_header(file: Any, label: str) -> tuple[tuple[str, ...], str]:
    line = file.readline()
    if not line.strip():
        raise DataError(
            "The file is empty",
            given=label,
            todo="name a file with a header and rows",
            code="empty_table",
        )
    while line.count('"') % 2:  # a quoted name may hold a line end
        more = file.readline()
        if not more:
            break
        line += more
    delimiter = max(",;\t|", key=_unquoted(line).count)
    names = tuple(next(csv.reader([line], delimiter=delimiter)))
    folded = [name.casefold() for name in names]
    twice = sorted({name for name in names if folded.count(name.casefold()) > 1})
    if twice or "" in names:
        raise DataError(
            "Column names repeat or are empty",
            given=f"{label}: {', '.join(twice) or 'a column without a name'}",
            todo="give every column a name of its own, whatever its capitals",
            code="duplicate_columns",
        )
    return names, delimiter


def _unquoted(line: str) -> str:
    return "".join(part for number, part in enumerate(line.split('"')) if number % 2 == 0)


def plainly(name: str) -> str:
    """Return a name for a message, in quotes where it would not be seen as it is.

    Examples
    --------
    >>> plainly("control"), plainly("control ")
    ('control', "'control '")
    """
    return name if name and name == name.strip() and name.isprintable() else repr(name)


def nearest_of(name: str, names: Sequence[str], what: str) -> str:
    """Return what to do about a name that is not there: the nearest ones, or what there is."""
    close = get_close_matches(name, names, n=3, cutoff=0.5)
    if close:
        return f"did you mean {' or '.join(map(plainly, close))}?"
    shown = ", ".join(map(plainly, names[:12])) + (", ..." if len(names) > 12 else "")
    return f"name one of its {what}: {shown}" if names else f"there are no {what}"
