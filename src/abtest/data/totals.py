"""Totals data: rows of totals per variant and day, turned into the same cells as units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import numpy as np

from abtest.data import reading
from abtest.data import status as row_status
from abtest.data.clock import midnight
from abtest.data.measured import Cells, Failure, Measured, Tally
from abtest.data.request import Design, TotalsRequest
from abtest.data.samples import MetricSums
from abtest.data.settings import TotalsData
from abtest.data.source import Source, Sources
from abtest.data.statistic import LARGEST_COUNT, Outcome, outcome_columns, read_outcome
from abtest.errors import DataError, UsageError

MAX_ROWS = 1_000_000
"""Rows of totals that are read at most: more are no totals."""


@dataclass(frozen=True)
class TotalsRow:
    """One row: its arm, day and segments, and the cells of its columns (None: empty)."""

    variant: str
    day: date | None
    segments: tuple[str, ...]
    values: Mapping[str, object]


def measure_totals(
    settings: TotalsData, requests: Sequence[TotalsRequest], design: Design, sources: Sources
) -> Measured:
    """Return what is measured of totals, without its fingerprint."""
    rows, counts, schema = _rows(settings, requests, design, sources)
    rows.sort(key=lambda row: _order(row, design))
    if settings.totals.date is not None:
        _refuse_repeated(rows)
    failures: dict[str, Failure] = {}
    metrics: dict[str, MetricSums] = {}
    skipped: dict[str, tuple[date, ...]] = {}
    for request in requests:
        missing = [name for name in outcome_columns(request) if name not in schema]
        if missing:
            failures[request.metric] = ("missing_column", {"column": missing[0], "nearest": None})
            continue
        found = read_outcome(request, rows, design, skip=settings.totals.missing == "skip_day")
        if isinstance(found, Outcome):
            metrics[request.metric] = found.sums
            if found.skipped:
                skipped[request.metric] = found.skipped
        else:
            failures[request.metric] = found
    units = _units(settings, requests, rows)
    return Measured(
        as_of=None,
        cells=_cells(rows, design, units, metrics),
        tally=_tally(rows, design, units, counts, skipped),
        first_variant_cells=None,
        fingerprint="",
        failures=failures,
        phases=len(design.phases),
    )


@dataclass
class _Counts:
    rows: int = 0
    null_variants: int = 0
    unknown_rows: int = 0
    unknown: dict[str, int] | None = None


def _rows(
    settings: TotalsData, requests: Sequence[TotalsRequest], design: Design, sources: Sources
) -> tuple[list[TotalsRow], _Counts, frozenset[str]]:
    totals = settings.totals
    counts = _Counts(unknown={})
    rows: list[TotalsRow] = []
    columns: set[str] | None = None
    for variant, source in _sources(settings, design, sources):
        names = frozenset(source.table.columns)
        columns = set(names) if columns is None else columns & names
        wanted = [name for request in requests for name in outcome_columns(request)]
        if totals.units is not None:
            reading.column(source, totals.units, "data.totals.units")
            wanted.append(totals.units)
        for record in _records(settings, source, design, wanted, sources):
            counts.rows += 1
            name = variant if variant is not None else record.pop("variant")
            if name is None:
                counts.null_variants += 1
            elif name not in design.variants:
                counts.unknown_rows += 1
                assert counts.unknown is not None
                counts.unknown[name] = counts.unknown.get(name, 0) + 1
            else:
                rows.append(_row(settings, source, design, str(name), record))
    met = {name: sum(row.variant == name for row in rows) for name in design.variants}
    label = totals.source or ", ".join((totals.files or {}).values()) or "the totals"
    row_status.refuse_missing_variants(met, design, list(counts.unknown or {}), label)
    return rows, counts, frozenset(columns or ())


def _sources(
    settings: TotalsData, design: Design, sources: Sources
) -> list[tuple[str | None, Source]]:
    """Return the tables with the variant each belongs to; None where a column says it."""
    totals = settings.totals
    if totals.files and "totals" not in sources.frames:
        missing = [name for name in design.variants if name not in totals.files]
        if missing:
            raise DataError(
                f"No file is named for the variant {missing[0]!r}",
                given=f"files for {', '.join(totals.files)}",
                todo="name one file per variant in [data.totals] files",
                code="variant_missing",
            )
        return [
            (name, sources.open_file(totals.files[name], None, padded=True))
            for name in design.variants
        ]
    if totals.variant is None:
        raise UsageError(
            "Totals in one table need the column of the variant",
            given="data.totals",
            todo="name it as data.totals.variant, or give one file per variant",
            code="totals_variant",
        )
    return [(None, sources.open("totals", totals.source, totals.table, padded=True))]


def _records(
    settings: TotalsData, source: Source, design: Design, wanted: Sequence[str], sources: Sources
) -> list[dict[str, Any]]:
    totals = settings.totals
    chosen = {}
    if not (totals.files and source.label in totals.files.values()) and totals.variant:
        column = reading.column(source, totals.variant, "data.totals.variant")
        chosen["variant"] = reading.text(column)
    if totals.date is not None:
        chosen["day"] = reading.column(source, totals.date.column, "data.totals.date")
    for number, name in enumerate(design.segments):
        column = reading.column(source, name, design.key_of(name))
        chosen[f"segment{number}"] = reading.text(column).fill_null("")
    for name in dict.fromkeys(wanted):
        if name in source.table.columns:
            raw = source.table[name]
            read = reading.number(raw)
            chosen[f"value:{name}"] = raw.cast("string") if read is None else read
            chosen[f"bad:{name}"] = reading.is_unreadable(raw, raw if read is None else read)
    found = sources.run(source.table.select(**chosen).limit(MAX_ROWS + 1), source.label)
    reading.refuse_empty(found.num_rows, source)
    if found.num_rows > MAX_ROWS:
        raise DataError(
            "This is too long for a table of totals",
            given=f"{source.label}: more than {MAX_ROWS:,} rows",
            todo='one row per unit is kind = "units"',
            code="too_many_totals",
        )
    rows: list[dict[str, Any]] = found.to_pylist()
    return rows


def _row(
    settings: TotalsData, source: Source, design: Design, variant: str, record: Mapping[str, Any]
) -> TotalsRow:
    values: dict[str, object] = {}
    for key, value in record.items():
        if key.startswith("value:"):
            name = key.removeprefix("value:")
            values[name] = "not a number" if record[f"bad:{name}"] else value
    segments = tuple(record[f"segment{number}"] for number in range(len(design.segments)))
    day = None if settings.totals.date is None else _day(settings, source, record["day"])
    return TotalsRow(variant, day, segments, values)


def _day(settings: TotalsData, source: Source, value: object) -> date:
    how = settings.totals.date
    assert how is not None  # asked for only where there is a date
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    text = "" if value is None else str(value).strip()
    try:
        if how.year is not None:
            return datetime.strptime(f"{how.year} {text}", f"%Y {how.format}").date()
        return datetime.strptime(text, how.format).date()
    except ValueError as error:
        raise DataError(
            "A date of the totals cannot be read",
            given=f"{text!r} in column {how.column!r} of {source.label}, format {how.format!r}",
            todo='say how dates are written: date = { column = "...", format = "%Y-%m-%d" }',
            code="times_unreadable",
        ) from error


def _order(row: TotalsRow, design: Design) -> tuple[int, date, tuple[str, ...]]:
    return design.variants.index(row.variant), row.day or date.min, row.segments


def _refuse_repeated(rows: Sequence[TotalsRow]) -> None:
    seen = [(row.variant, row.day, row.segments) for row in rows]
    repeated = len(seen) - len(set(seen))
    if repeated:
        raise DataError(
            "Some days have several rows of one variant",
            given=f"{repeated} rows too many",
            todo="give one row per variant and day, or name what else splits them as segments",
            code="repeated_totals",
        )


def _phase(row: TotalsRow, design: Design) -> int:
    starts = [phase.start for phase in design.phases[1:] if phase.start is not None]
    if not starts:
        return 0
    if row.day is None:
        raise DataError(
            "Phases of allocation need days",
            given=f"{len(design.phases)} phases, totals without dates",
            todo="name the column of the day in [data.totals], or remove variants.phases",
            code="phases_need_times",
        )
    start = midnight(row.day, design.timezone)
    return sum(start >= phase for phase in starts)


def _units(
    settings: TotalsData, requests: Sequence[TotalsRequest], rows: Sequence[TotalsRow]
) -> list[int]:
    """Return randomised units per row: the units column, else the first n or trials in order."""
    name = settings.totals.units
    if name is None:
        counts = [request.trials or request.n for request in requests]
        name = next((count for count in counts if _holds_counts(rows, count)), None)
    if name is None:
        return [0] * len(rows)
    if not _holds_counts(rows, name):
        raise DataError(
            "The units of totals are not whole numbers",
            given=f"data.totals.units = {name!r}: "
            + str(next(row.values[name] for row in rows if not _is_count(row.values.get(name)))),
            todo="name a column that counts the randomised units",
            code="not_numeric",
        )
    return [int(value) if isinstance(value := row.values.get(name), float) else 0 for row in rows]


def _holds_counts(rows: Sequence[TotalsRow], name: str | None) -> bool:
    """Return whether a column holds numbers of units; empty cells do not speak against it."""
    return name is not None and all(_is_count(row.values.get(name)) for row in rows)


def _is_count(value: object) -> bool:
    if value is None:
        return True
    return isinstance(value, float) and 0 <= value <= LARGEST_COUNT and value == int(value)


def _cells(
    rows: Sequence[TotalsRow],
    design: Design,
    units: Sequence[int],
    metrics: Mapping[str, MetricSums],
) -> Cells:
    def objects(values: Sequence[object]) -> np.ndarray[Any, np.dtype[np.object_]]:
        array = np.empty(len(values), dtype=object)
        array[:] = values
        return array

    return Cells(
        variant=objects([row.variant for row in rows]),
        phase=np.array([_phase(row, design) for row in rows], dtype=np.int64),
        day=objects([row.day for row in rows]),
        segments={
            name: objects([row.segments[number] for row in rows])
            for number, name in enumerate(design.segments)
        },
        units=np.array(units, dtype=np.int64),
        metrics=metrics,
    )


def _tally(
    rows: Sequence[TotalsRow],
    design: Design,
    units: Sequence[int],
    counts: _Counts,
    skipped: Mapping[str, tuple[date, ...]],
) -> Tally:
    exposed = dict.fromkeys(design.variants, 0)
    by_day: dict[tuple[int, date | None], dict[str, int]] = {}
    for row, number in zip(rows, units, strict=True):
        key = (_phase(row, design), row.day)
        exposed[row.variant] += number
        by_day.setdefault(key, dict.fromkeys(design.variants, 0))[row.variant] += number
    ordered = sorted(by_day, key=lambda key: (key[0], key[1] or date.min))
    return Tally(
        rows=counts.rows,
        exposed=exposed,
        exposed_by_day={key: by_day[key] for key in ordered},
        crossover=dict.fromkeys(design.variants, 0),
        unknown_variant=dict(sorted((counts.unknown or {}).items())),
        unknown_variant_rows=counts.unknown_rows,
        null_variant_rows=counts.null_variants,
        skipped_days=skipped,
    )
