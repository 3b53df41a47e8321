"""Units data: one row per unit with finished columns, summed where they stand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import ibis
import ibis.expr.types as ir

from abtest.data import aggregate as agg
from abtest.data import engine, reading, repeats
from abtest.data import status as row_status
from abtest.data.caps import with_caps
from abtest.data.clock import default_as_of
from abtest.data.columnar import FinishedColumns
from abtest.data.measured import Measured, Tally
from abtest.data.request import Design, UnitRequest
from abtest.data.settings import UnitsData
from abtest.data.source import Source, Sources


@dataclass(frozen=True)
class _Job:
    """One table of units with all that its reading needs."""

    settings: UnitsData
    design: Design
    sources: Sources
    source: Source
    columns: FinishedColumns

    @property
    def label(self) -> str:
        return self.source.label


def measure_units(
    settings: UnitsData,
    requests: Sequence[UnitRequest],
    design: Design,
    sources: Sources,
    *,
    as_of: datetime | None,
    now: datetime,
) -> Measured:
    """Return what is measured of a table of units, without its fingerprint.

    Every unit is mature: its columns are finished. `as_of` has a meaning only with a time
    column; rows at or after it are late.
    """
    source = sources.open("units", settings.source, settings.table)
    job = _Job(settings, design, sources, source, FinishedColumns.of(requests, source))
    table, rows, duplicates = _canonical_rows(job)
    if settings.time is None:
        as_of = None
    elif as_of is None:
        as_of = _default_as_of(job, table, now)
    table = _with_status(job, table, as_of, now)
    table, capped, caps = with_caps(
        sources, table, job.columns.cap_plans(requests), design.variants, job.label
    )
    names = [*job.columns.aliases.values(), *capped.values()]
    aliases = job.columns.whole
    whole = aliases | {name for (_, column), name in capped.items() if column in aliases}
    spreads = agg.sampled_spreads(sources, table, names, job.label, whole) if names else {}
    plans = job.columns.plans(requests, spreads, rows, capped)
    details = job.columns.details(requests)
    answer = agg.aggregate(sources, _unit_table(job, table), plans, details)
    _refuse_bad_times(job, answer)
    tally = _tally(job, answer, rows, duplicates)
    _refuse_missing_variants(job, tally)
    entering = answer.status >= 0
    counts = {
        alias: int(answer.extra[f"bad_{alias}"][entering].sum())
        for alias in job.columns.text.values()
    }
    failures = dict(job.columns.failures) | agg.explained(sources, table, answer, plans, job.label)
    failures |= job.columns.unreadable(requests, counts, source, sources)
    return Measured(
        as_of=as_of,
        cells=answer.cells(entering, design.variants, without=failures),
        tally=tally,
        first_variant_cells=None,
        fingerprint="",
        failures=failures,
        phases=len(design.phases),
        caps={name: cap for name, cap in caps.items() if name not in failures},
    )


def _canonical_rows(job: _Job) -> tuple[ir.Table, int, int]:
    """Return the rows in canonical columns, how many were read, and how many were repeats."""
    table = _canonical(job, job.source.table)
    if job.source.text:
        table = job.sources.keep(table, job.label)
    rows = int(job.sources.run(table.aggregate(n=table.count()), job.label)["n"][0].as_py())
    reading.refuse_empty(rows, job.source)
    if job.settings.unit is None:
        return table, rows, 0
    duplicates = repeats.repeated_rows(job.sources, table, "unit", job.label)
    if duplicates:
        raw = job.source.table
        unit = ibis.ifelse(_raw_status(job, raw) >= 0, _unit(job, raw), None)
        repeats.refuse_conflicts(job.sources, raw, unit, job.label, tuple(raw.columns))
        entering = table.filter(table["status"] >= 0)
        duplicates = repeats.repeated_rows(job.sources, entering, "unit", job.label)
        table = job.sources.keep(_once(table), job.label)
    return table, rows, duplicates


def _once(table: ir.Table) -> ir.Table:
    """Return the table with one row per unit; rows that do not enter stay as they are."""
    entering = table["status"] >= 0
    return ibis.union(table.filter(entering).distinct(), table.filter(~entering))


def _unit(job: _Job, table: ir.Table) -> ir.Value:
    name = job.settings.unit
    assert name is not None  # asked for only where there is one
    return reading.keys([reading.column(Source(table, job.label, False), name, "data.unit")])[0]


def _raw_status(job: _Job, table: ir.Table) -> ir.Value:
    """Return the status of every row of the source as far as unit and variant tell."""
    settings = job.settings
    source = Source(table, job.label, text=job.source.text)
    variant = reading.text(reading.column(source, settings.variant, "data.variant"))
    unit = None if settings.unit is None else _unit(job, table)
    return row_status.status_of_variant(variant, settings.ignore_variants, job.design, unit)


def _canonical(job: _Job, table: ir.Table) -> ir.Table:
    """Return status, unit, time, phase, segments and values in columns of fixed names."""
    settings, design = job.settings, job.design
    source = Source(table, job.label, job.source.text)
    chosen: dict[str, ir.Value] = {"status": _raw_status(job, table)}
    if settings.unit is not None:
        chosen["unit"] = _unit(job, table)
    if settings.time is not None:
        raw = reading.column(source, settings.time, "data.time")
        time = reading.moment(raw, design.timezone, f"{job.label}, column {settings.time!r}")
        chosen |= {"time": time, "bad_time": reading.is_unreadable(raw, time)}
    for number, name in enumerate(design.segments):
        column = reading.column(source, name, design.key_of(name))
        chosen[f"segment{number}"] = reading.text(column).fill_null("")
    return table.select(**chosen, **job.columns.values(table))


def _default_as_of(job: _Job, table: ir.Table, now: datetime) -> datetime:
    latest = row_status.latest_time(job.sources, table, table["time"], now, job.label)
    if latest is None:
        bad = job.sources.run(table.aggregate(n=table["bad_time"].sum()), job.label)["n"][0].as_py()
        if bad:
            _raise_bad_times(job)
        raise row_status.only_future(job.label)
    return default_as_of(latest.replace(tzinfo=UTC), now, job.design.timezone)


def _with_status(job: _Job, table: ir.Table, as_of: datetime | None, now: datetime) -> ir.Table:
    """Return the table with phase and day; rows that do not enter fall into few cells."""
    time = table["time"] if job.settings.time is not None else None
    phase = row_status.phase_of(time, job.design)
    if time is not None and as_of is not None:
        status = row_status.status_of_time(
            table["status"], time, as_of=as_of, now=now, design=job.design
        )
        day = engine.local_day(time, job.design.timezone)
        table = table.mutate(status=status, phase=phase, day=day)
        enters = table["status"] >= 0
        table = table.mutate(
            phase=enters.ifelse(table["phase"], 0), day=enters.ifelse(table["day"], None)
        )
    else:
        table = table.mutate(phase=phase)
    enters = table["status"] >= 0
    names = [f"segment{number}" for number in range(len(job.design.segments))]
    return table.mutate(**{name: enters.ifelse(table[name], "") for name in names})


def _unit_table(job: _Job, table: ir.Table) -> agg.UnitTable:
    timed = job.settings.time is not None
    return agg.UnitTable(
        table,
        job.label,
        day="day" if timed else None,
        segments={name: f"segment{i}" for i, name in enumerate(job.design.segments)},
        counts=(
            *(["bad_time"] if timed else []),
            *(f"bad_{alias}" for alias in job.columns.text.values()),
        ),
    )


def _refuse_bad_times(job: _Job, answer: agg.Answer) -> None:
    if job.settings.time is not None and answer.extra["bad_time"].sum():
        _raise_bad_times(job)


def _raise_bad_times(job: _Job) -> None:
    assert job.settings.time is not None
    read = reading.moment(job.source.table[job.settings.time], job.design.timezone, job.label)
    reading.refuse_unreadable(
        job.sources, job.source, job.settings.time, read, code="times_unreadable"
    )


def _tally(job: _Job, answer: agg.Answer, rows: int, duplicates: int) -> Tally:
    def of(status: int) -> int:
        return int(answer.units[answer.status == status].sum())

    exposed, by_day = agg.exposed(answer, job.design)
    tally = Tally(
        rows=rows - of(row_status.LATE) - of(row_status.FUTURE),
        exposed=exposed,
        exposed_by_day=by_day,
        crossover=dict.fromkeys(job.design.variants, 0),
        unknown_variant_rows=of(row_status.UNKNOWN),
        ignored_variant_rows=of(row_status.IGNORED),
        null_unit_rows=of(row_status.NULL_UNIT),
        null_variant_rows=of(row_status.NULL_VARIANT),
        null_time_rows=of(row_status.NULL_TIME),
        duplicate_unit_rows=duplicates,
        before_start=of(row_status.BEFORE),
        after_end=of(row_status.AFTER),
        late_rows=of(row_status.LATE),
        future_rows=of(row_status.FUTURE),
    )
    if not tally.unknown_variant_rows:
        return tally
    return replace(tally, unknown_variant=_unknown(job))


def _unknown(job: _Job) -> Mapping[str, int]:
    table = job.source.table
    variant = reading.text(table[job.settings.variant])
    unit = None if job.settings.unit is None else _unit(job, table)
    status = _raw_status(job, table)
    return row_status.unknown_variants(job.sources, job.source, variant, status, unit)


def _refuse_missing_variants(job: _Job, tally: Tally) -> None:
    """Refuse data in which a variant has no row at all, late or early rows included."""
    if all(tally.exposed.values()):
        return
    table = job.source.table
    variant = reading.text(table[job.settings.variant])
    met = row_status.rows_by_variant(job.sources, job.source, variant, job.design)
    row_status.refuse_missing_variants(met, job.design, list(tally.unknown_variant), job.label)
