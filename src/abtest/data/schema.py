"""What the sources of an experiment look like, without measuring anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import ibis.expr.types as ir

from abtest.data import reading
from abtest.data.columnar import column_failure
from abtest.data.request import ColumnValue, Design, MetricRequest, TotalsRequest
from abtest.data.settings import DataSettings, EventsData, TotalsData, UnitsData
from abtest.data.source import Source, Sources, nearest_of, open_sources
from abtest.data.statistic import outcome_columns
from abtest.errors import AbtestError, DataError

DISTINCT_LIMIT = 1000
"""Distinct values are counted up to this many."""
EXAMPLES = 5


@dataclass(frozen=True)
class Column:
    """A column: its name and its type in plain words.

    `kind` is ``number``, ``boolean``, ``time``, ``text`` or ``other``; a CSV column is what
    all its values can be read as when it was previewed, else text.
    """

    name: str
    kind: str


@dataclass(frozen=True)
class ColumnPreview(Column):
    """A column with what its values look like.

    `distinct` counts values up to `DISTINCT_LIMIT` + 1 (then there are more); `examples` are
    the first few values in sorted order.
    """

    distinct: int
    nulls: int
    examples: tuple[str, ...]


@dataclass(frozen=True)
class Preview:
    """A source: how many rows, and its columns in their order."""

    rows: int
    columns: tuple[ColumnPreview, ...]


def columns(
    settings: DataSettings,
    *,
    root: Path,
    frames: Mapping[str, object] | object | None = None,
) -> dict[str, tuple[Column, ...]]:
    """Return the columns of every source by role; only schemas are read.

    Roles are "exposures", "events", "units" and "totals"; with one file of totals per
    variant, "totals.VARIANT".
    """
    single = "" if isinstance(settings, EventsData) else settings.kind
    with open_sources(root, frames, single) as sources:
        return {
            role: tuple(Column(name, _kind(source.table[name])) for name in source.table.columns)
            for role, source in opened(settings, sources).items()
        }


def problems(
    settings: DataSettings,
    requests: Sequence[MetricRequest],
    design: Design,
    *,
    root: Path,
    frames: Mapping[str, object] | object | None = None,
) -> tuple[DataError, ...]:
    """Return what is wrong with sources and columns, one error per problem; () when all is well.

    Only schemas are read, so this takes no time on large data.
    """
    single = "" if isinstance(settings, EventsData) else settings.kind
    found: list[DataError] = []
    try:
        with open_sources(root, frames, single) as sources:
            tables = opened(settings, sources)
            for role, source in tables.items():
                for name, key in _named(settings, design, role):
                    try:
                        reading.column(source, name, key)
                    except DataError as error:
                        found.append(error)
            found.extend(_of_metrics(requests, tables))
    except DataError as error:
        found.append(error)
    except AbtestError as error:
        found.append(DataError(error.what, given=error.given, todo=error.todo, code=error.code))
    return tuple(found)


def _of_metrics(requests: Sequence[MetricRequest], tables: Mapping[str, Source]) -> list[DataError]:
    found = []
    for request in requests:
        names = (
            list(outcome_columns(request))
            if isinstance(request, TotalsRequest)
            else [
                value.column
                for value in (*request.variables, *request.covariates)
                if isinstance(value, ColumnValue)
            ]
        )
        for name in dict.fromkeys(names):
            for source in tables.values():
                failure = column_failure(source, name)
                if failure is not None:
                    found.append(
                        DataError(
                            f"The metric {request.metric!r} cannot use the column {name!r}",
                            given=f"{source.label}: {failure[0].replace('_', ' ')}",
                            todo=nearest_of(name, source.table.columns, "columns"),
                            code=failure[0],
                        )
                    )
    return found


def _named(settings: DataSettings, design: Design, role: str) -> list[tuple[str, str]]:
    """Return the columns that the settings name in a role, with their keys."""
    part: object = settings
    key = "data"
    if isinstance(settings, EventsData):
        part, key = getattr(settings, role), f"data.{role}"
    elif isinstance(settings, TotalsData):
        part, key = settings.totals, "data.totals"
    names = [
        (getattr(part, name), f"{key}.{name}")
        for name in ("unit", "variant", "time", "name", "value", "session", "id")
        if getattr(part, name, None) is not None
    ]
    if isinstance(settings, TotalsData):
        if role != "totals":
            names = []
        if settings.totals.date is not None:
            names.append((settings.totals.date.column, "data.totals.date"))
        if settings.totals.units is not None:
            names.append((settings.totals.units, "data.totals.units"))
    if role == "units" or isinstance(settings, TotalsData):
        names += [(name, design.key_of(name)) for name in design.attributes]
    return names


def opened(settings: DataSettings, sources: Sources) -> dict[str, Source]:
    """Return every source of the settings by role."""
    if isinstance(settings, UnitsData):
        return {"units": sources.open("units", settings.source, settings.table)}
    if isinstance(settings, TotalsData):
        totals = settings.totals
        if totals.files and "totals" not in sources.frames:
            return {
                f"totals.{name}": sources.open_file(file, None)
                for name, file in totals.files.items()
            }
        return {"totals": sources.open("totals", totals.source, totals.table)}
    found = {}
    for role in ("exposures", "events", "units"):
        part = getattr(settings, role)
        if part is not None:
            found[role] = sources.open(role, part.source or settings.source, part.table)
    return found


def preview(source: str, *, root: Path, table: str | None = None) -> Preview:
    """Return what a file looks like, for proposing an experiment file about it.

    Raises
    ------
    DataError
        When the file is missing, empty or cannot be read.
    """
    with open_sources(root, None, "units") as sources:
        found = sources.open_file(source, table, padded=True)
        held = sources.keep(found.table, found.label) if found.text else found.table
        rows = int(sources.run(held.aggregate(n=held.count()), found.label)["n"][0].as_py())
        reading.refuse_empty(rows, found)
        kept = Source(held, found.label, found.text)
        columns = tuple(_preview(sources, kept, name, rows) for name in held.columns)
        return Preview(rows, columns)


def _preview(sources: Sources, source: Source, name: str, rows: int) -> ColumnPreview:
    column = source.table[name]
    words = source.table.select(x=reading.text(column)).filter(lambda t: t["x"].notnull())
    counted = sources.run(words.aggregate(n=words.count()), source.label)["n"][0].as_py()
    distinct = words.distinct().limit(DISTINCT_LIMIT + 1)
    found = sources.run(distinct.aggregate(n=distinct.count()), source.label)["n"][0].as_py()
    first = words.distinct().order_by("x").limit(EXAMPLES)
    examples = tuple(sources.run(first, source.label)["x"].to_pylist())
    kind = _kind(column) if not source.text else _read_as(sources, source, name)
    return ColumnPreview(name, kind, int(found), rows - int(counted), examples)


def _kind(column: ir.Column) -> str:
    kind = column.type()
    if kind.is_boolean():
        return "boolean"
    if kind.is_numeric():
        return "number"
    if kind.is_timestamp() or kind.is_date():
        return "time"
    return "text" if kind.is_string() else "other"


def _read_as(sources: Sources, source: Source, name: str) -> str:
    """Return what all values of a text column can be read as."""
    column = source.table[name]
    said = column.notnull() & column.strip().lower().notin(reading.NULL_WORDS)
    number = reading.number(column)
    assert number is not None  # text can be asked for numbers
    time = reading.moment(column, "UTC", source.label)
    words = column.strip().lower()
    padded = column.re_search(r"^0[0-9]")
    found = sources.run(
        source.table.aggregate(
            said=said.sum(),
            number=(said & number.notnull() & ~padded).sum(),
            boolean=(said & words.isin(("true", "false"))).sum(),
            time=(said & time.notnull()).sum(),
        ),
        source.label,
    ).to_pylist()[0]
    for kind in ("boolean", "number", "time"):
        if found["said"] and found[kind] == found["said"]:
            return kind
    return "text"
