"""Exposures: from rows of who met which variant when to one row per unit."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import ibis
import ibis.expr.types as ir

from abtest.data import engine, reading
from abtest.data import status as row_status
from abtest.data.clock import utc_clock
from abtest.data.request import Design
from abtest.data.settings import Exposures
from abtest.data.source import Source, Sources
from abtest.errors import DataError

ENTERS, NEVER_EXPOSED, TOO_EARLY, TOO_LATE = 0, -20, -21, -22
"""What becomes of a unit; numbers below 0 do not enter."""


@dataclass(frozen=True)
class ExposureRows:
    """Exposure rows in canonical columns: key, variant, status, time and bad_time."""

    table: ir.Table
    source: Source
    timed: bool


def exposure_rows(
    settings: Exposures, source: Source, key: ir.Value, design: Design, sources: Sources
) -> ExposureRows:
    """Return the exposures with the status of every row by unit and variant."""
    variant = reading.text(reading.column(source, settings.variant, "data.exposures.variant"))
    chosen: dict[str, ir.Value] = {
        "key": key,
        "variant": variant,
        "status": row_status.status_of_variant(variant, settings.ignore_variants, design, key),
    }
    if settings.time is not None:
        raw = reading.column(source, settings.time, "data.exposures.time")
        label = f"{source.label}, column {settings.time!r}"
        time = reading.moment(raw, design.timezone, label)
        chosen |= {"time": time, "bad_time": reading.is_unreadable(raw, time)}
    table = source.table.select(**chosen)
    if source.text:
        table = sources.keep(table, source.label)
    return ExposureRows(table, source, settings.time is not None)


@dataclass(frozen=True)
class RowCounts:
    """Exposure rows by what became of them; `latest` is the latest time not in the future."""

    rows: int
    by_status: dict[int, int]
    null_times: int
    latest: datetime | None


def count_rows(
    rows: ExposureRows, settings: Exposures, design: Design, sources: Sources, now: datetime
) -> RowCounts:
    """Return the counts of the exposure rows; refuse empty tables, bad times, missing variants."""
    table = rows.table
    asked: dict[str, ir.Value] = {"rows": table.count()}
    if rows.timed:
        asked |= {
            "nulls": table["time"].isnull().sum(),
            "bad": table["bad_time"].sum(),
            "latest": table["time"].max(where=table["time"] <= row_status.clock(now)),
        }
    found = sources.run(table.group_by("status").aggregate(**asked), rows.source.label).to_pylist()
    total = sum(row["rows"] for row in found)
    reading.refuse_empty(total, rows.source)
    if rows.timed and any(row["bad"] for row in found):
        name = settings.time or ""
        read = reading.moment(rows.source.table[name], design.timezone, rows.source.label)
        reading.refuse_unreadable(sources, rows.source, name, read, code="times_unreadable")
    by_status = {int(row["status"]): int(row["rows"]) for row in found}
    met = {name: by_status.get(index, 0) for index, name in enumerate(design.variants)}
    if not all(met.values()):
        others = list(unknown_units(rows, sources)) if row_status.UNKNOWN in by_status else []
        row_status.refuse_missing_variants(met, design, others, rows.source.label)
    nulls = sum(row["nulls"] for row in found if row["status"] >= 0) if rows.timed else 0
    times = [row["latest"] for row in found if rows.timed and row["latest"] is not None]
    return RowCounts(total, by_status, nulls, max(times, default=None))


def unknown_units(rows: ExposureRows, sources: Sources) -> dict[str, int]:
    """Return units by undeclared variant, the names with most units first."""
    source = Source(rows.table, rows.source.label, text=False)
    table = rows.table
    return row_status.unknown_variants(
        sources, source, table["variant"], table["status"], table["key"]
    )


def timed_units(rows: ExposureRows, design: Design, as_of: datetime) -> ir.Table:
    """Return one row per unit with a believed exposure: its first variant and time.

    Columns: key, status (index of the first variant), time, crossover, repeats (exact
    repeats among its rows), fate. Exposures at or after the end of enrolment do not count,
    not even as a second variant: after the end everybody may get the winner. Of two
    variants at the same first moment the one named first in the file is the first variant.
    """
    table = rows.table
    believed = table.filter((table["status"] >= 0) & (table["time"] < row_status.clock(as_of)))
    once = believed.group_by("key", "status", "time").aggregate(same=believed.count())
    enrolled = _before_end(once["time"], design)
    firsts = {
        f"first{index}": once["time"].min(where=enrolled & (once["status"] == index))
        for index in range(len(design.variants))
    }
    units = once.group_by("key").aggregate(
        repeats=(once["same"] - 1).sum(), last=once["time"].max(), **firsts
    )
    return _first_variant(units, design)


def _before_end(time: ir.Value, design: Design) -> ir.Value:
    return ibis.literal(True) if design.end is None else time < row_status.clock(design.end)


def _first_variant(units: ir.Table, design: Design) -> ir.Table:
    times = [units[f"first{index}"] for index in range(len(design.variants))]
    first = times[0]
    for time in times[1:]:
        first = ibis.cases(
            (first.isnull(), time), (time.isnull(), first), else_=ibis.least(first, time)
        )
    units = units.mutate(time=first)
    times = [units[f"first{index}"] for index in range(len(design.variants))]
    status = ibis.cases(
        *((time == units["time"], index) for index, time in enumerate(times)), else_=0
    )
    met = sum((time.notnull().cast("int64") for time in times), start=ibis.literal(0, "int64"))
    return units.select(
        "key",
        "repeats",
        "time",
        status=status.cast("int64"),
        crossover=met > 1,
        fate=_fate(units["time"], design, TOO_LATE),
    )


def untimed_units(rows: ExposureRows) -> ir.Table:
    """Return one row per unit of exposures without times: key, status, crossover, repeats."""
    table = rows.table.filter(rows.table["status"] >= 0)
    once = table.group_by("key", "status").aggregate(same=table.count())
    return once.group_by("key").aggregate(
        repeats=(once["same"] - 1).sum(),
        status=once["status"].min(),
        crossover=once["status"].nunique() > 1,
    )


def exposed_by_event(units: ir.Table, first: ir.Table, design: Design) -> ir.Table:
    """Return the units with the time of their first event; `first` has key and time."""
    joined = units.left_join(first, "key").select(
        units["key"], units["repeats"], units["status"], units["crossover"], first["time"]
    )
    return joined.mutate(fate=_fate(joined["time"], design, NEVER_EXPOSED))


def _fate(time: ir.Value, design: Design, without: int) -> ir.Value:
    branches: list[tuple[ir.Value, int]] = [(time.isnull(), without)]
    if design.start is not None:
        branches.append((time < row_status.clock(design.start), TOO_EARLY))
    if design.end is not None:
        branches.append((time >= row_status.clock(design.end), TOO_LATE))
    return ibis.cases(*branches, else_=ENTERS).cast("int64")


def numbered(units: ir.Table, design: Design) -> ir.Table:
    """Return the units with a whole number each, their phase and their local day."""
    day = engine.local_day(units["time"], design.timezone)
    key = units["key"]
    # keys that are numbers serve as they are: to number rows, an engine takes one after the other
    uid = key if key.type().is_integer() else ibis.row_number()
    return units.mutate(uid=uid, phase=row_status.phase_of(units["time"], design), day=day)


def refuse_no_exposures(units: int, rows: ExposureRows, as_of: datetime) -> None:
    """Raise a DataError when no unit is exposed by `as_of`."""
    if units == 0:
        raise DataError(
            "No unit is exposed within the enrolment and before as_of",
            given=f"{rows.source.label}; as_of {utc_clock(as_of).isoformat()}Z",
            todo="check start and end of the experiment, the times of the exposures and as_of",
            code="no_exposures",
        )
