"""Events data: exposures and an event log become one row per unit, then cells of sums."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import ibis
import ibis.expr.types as ir
import numpy as np

from abtest.data import activity, exposures, reading
from abtest.data import aggregate as agg
from abtest.data import status as row_status
from abtest.data.absent import absent_events
from abtest.data.activity import EventCounts, EventRows
from abtest.data.attributes import Attributes, segment_column, with_past, with_segments
from abtest.data.caps import CapPlan, with_caps
from abtest.data.clock import default_as_of, local_date, microseconds, utc_clock
from abtest.data.counted import CountPlan
from abtest.data.derived import is_whole, with_derived
from abtest.data.detail import DetailPlan
from abtest.data.entry import EVERY_UNIT, Entry
from abtest.data.exposures import ExposureRows, RowCounts
from abtest.data.measured import Failure, Measured, Tally
from abtest.data.plan import MetricPlan, Spread
from abtest.data.repeated import RepeatPlan
from abtest.data.request import (
    ColumnValue,
    DerivedValue,
    Design,
    EventValue,
    SessionValue,
    StepsValue,
    UnitRequest,
    UnitValue,
    sources_of,
    time_step,
)
from abtest.data.sessions import SessionRule
from abtest.data.settings import EventsData
from abtest.data.source import Sources
from abtest.data.timed import TimePlan, times_on_steps
from abtest.data.values import Asked, Log, amounts_per_step, values_per_unit
from abtest.data.windows import ANY
from abtest.errors import DataError, UsageError

_Enrolment = tuple[float, bool, UnitValue | None]
"""When a window closes, in days after exposure or dates, and which units a metric is about."""


@dataclass(frozen=True)
class _Job:
    """The opened sources of one event log and what they mean."""

    settings: EventsData
    design: Design
    sources: Sources
    exposures: ExposureRows
    events: EventRows
    attributes: Attributes | None
    now: datetime

    @property
    def first_event(self) -> str | None:
        """The event that starts a unit's clock, where no column does."""
        shown = self.settings.exposures
        return shown.first_event if shown.time is None else None


@dataclass(frozen=True)
class _Entered:
    """The units that enter, when the first and the last was exposed, and the others by fate."""

    units: ir.Table
    exposed: tuple[datetime, datetime]
    fates: Mapping[int, int]


@dataclass(frozen=True)
class _Believed:
    """What is believed of the log: events before `as_of`, counted as `counts`."""

    job: _Job
    entered: _Entered
    counts: EventCounts
    as_of: datetime

    @property
    def log(self) -> Log:
        """The events of units."""
        job, entered = self.job, self.entered
        return Log(
            job.events,
            entered.units,
            job.design,
            self.counts,
            self.as_of,
            entered.exposed,
            job.first_event,
        )

    def values(self, asked: Asked) -> ir.Table:
        """Return a row per unit with its values, and whether events lack one."""
        return values_per_unit(self.log, asked, _session_rule(self.job.settings))

    def amounts(self, value: EventValue, step: float) -> ir.Table:
        """Return a row per unit and step of time in which it has an amount."""
        return amounts_per_step(self.log, value, step)


@dataclass(frozen=True)
class _Columns:
    """Columns of units: of every value, of the winsorised ones by metric, and how they spread.

    A threshold is one of the values: what is made of whole numbers is whole.
    """

    names: Mapping[UnitValue, str]
    capped: Mapping[tuple[str, str], str]
    spreads: Mapping[str, Spread]

    def of(self, request: UnitRequest, value: UnitValue) -> str:
        """Return the column of a metric's value."""
        name = self.names[value]
        return self.capped.get((request.metric, name), name)


def _cap_plans(
    requests: Sequence[UnitRequest],
    columns: Mapping[UnitValue, str],
    entries: Mapping[_Enrolment, Entry],
) -> list[CapPlan]:
    """Return what is to be winsorised: the first variable, and the first covariate."""
    return [
        CapPlan(
            request.metric,
            tuple(columns[value] for value in (*request.variables[:1], *request.covariates[:1])),
            request.winsorize,
            entries[_enrolment(request)],
        )
        for request in requests
        if request.winsorize is not None
    ]


def _session_rule(settings: EventsData) -> SessionRule:
    """Return how the events of this log become sessions."""
    chosen = settings.sessions
    by = chosen.by or ("gap" if settings.events.session is None else "column")
    return SessionRule(by, chosen.gap_minutes, chosen.ignore, chosen.start, chosen.end)


def measure_events(
    settings: EventsData,
    requests: Sequence[UnitRequest],
    design: Design,
    sources: Sources,
    *,
    as_of: datetime | None,
    now: datetime,
) -> Measured:
    """Return what is measured of an event log, without its fingerprint."""
    asked = [value for request in requests for value in _event_values(request)]
    asked += _past_sources(design)
    job = _open(settings, design, sources, asked, now)
    rows = exposures.count_rows(job.exposures, settings.exposures, design, sources, now)
    counts = activity.count_events(job.events, settings.events, design, sources, now)
    as_of = _as_of(job, rows, counts) if as_of is None else as_of
    failures = _failures(job, requests, counts)
    going = [request for request in requests if request.metric not in failures]
    values, derived = _values(going, design), _derived(going, design)
    columns = dict[UnitValue, str]([*values.items(), *derived.items()])
    entered = _units(job, as_of)
    believed = _Believed(job, entered, counts, as_of)
    asked_for = Asked(values, _valueless(going), _by_step(going))
    table = with_derived(believed.values(asked_for), columns, derived, design)
    table = with_past(table, columns, design)
    table, duplicate_attributes = with_segments(job.attributes, table, design, sources)
    table, entries = _with_entries(table, going, columns, as_of, design.timezone)
    table = _with_times(table, going, columns, as_of)
    label = job.events.source.label
    table = sources.keep(table, label)
    whole = {name for value, name in columns.items() if is_whole(value)}
    spreads = agg.known_spreads(sources, table, list(columns.values()), label, whole)
    failures |= absent_events(sources, job.events, going, columns, spreads)
    table, capped, caps = with_caps(
        sources, table, _cap_plans(going, columns, entries), design.variants, label
    )
    whole = {name for (_, column), name in capped.items() if column in whole}
    spreads |= agg.known_spreads(sources, table, list(capped.values()), label, whole)
    known = _Columns(columns, capped, spreads)
    answer, plans = _aggregate(believed, table, going, known, entries)
    failures = agg.explained(sources, table, answer, plans, job.events.source.label) | failures
    tally = replace(
        _tally(job, answer, rows, counts, entered.fates, as_of),
        duplicate_unit_rows=duplicate_attributes,
        valueless=_without_value(answer, design, going),
    )
    crossed = answer.extra["crossover"] > 0
    entering = answer.status >= 0
    return Measured(
        as_of=as_of,
        cells=answer.cells(entering & ~crossed, design.variants, without=failures),
        tally=tally,
        first_variant_cells=answer.cells(entering & crossed, design.variants, without=failures)
        if (entering & crossed).any()
        else None,
        fingerprint="",
        failures=failures,
        phases=len(design.phases),
        caps={name: cap for name, cap in caps.items() if name not in failures},
    )


def _values(
    requests: Sequence[UnitRequest], design: Design
) -> dict[EventValue | SessionValue | StepsValue, str]:
    """Return a column name for every distinct value per unit that is needed."""
    names: dict[EventValue | SessionValue | StepsValue, str] = {}
    for request in requests:
        for value in _event_values(request):
            if request.statistic != "repeated_events":
                names.setdefault(value, f"v{len(names)}")
    for value in _past_sources(design):
        names.setdefault(value, f"v{len(names)}")
    return names


def _by_step(requests: Sequence[UnitRequest]) -> list[EventValue]:
    """Return the amounts that are asked for by steps of time."""
    repeated = (request for request in requests if request.statistic == "repeated_events")
    return [value for request in repeated for value in _amounts(request)]


def _past_sources(design: Design) -> list[EventValue | SessionValue | StepsValue]:
    """Return the values that segments by the past are made of."""
    return [
        source
        for levels in design.past
        for source in sources_of(levels.value)
        if not isinstance(source, ColumnValue)
    ]


def _derived(requests: Sequence[UnitRequest], design: Design) -> dict[DerivedValue, str]:
    """Return a column name for every distinct value that follows from others."""
    names: dict[DerivedValue, str] = {}
    past = (levels.value for levels in design.past)
    for value in (*(value for request in requests for value in request.values), *past):
        if isinstance(value, DerivedValue):
            names.setdefault(value, f"d{len(names)}")
    return names


def _valueless(requests: Sequence[UnitRequest]) -> dict[EventValue, str]:
    """Return a column name for every amount whose events may lack a value."""
    names: dict[EventValue, str] = {}
    for request in requests:
        for value in _amounts(request):
            if activity.needs_every_value(value):
                names.setdefault(value, f"valueless{len(names)}")
    return names


def _amounts(request: UnitRequest) -> list[EventValue]:
    """Return the amounts of events that a metric's variables are made of."""
    sources = [source for value in request.variables for source in sources_of(value)]
    return [source for source in sources if isinstance(source, EventValue)]


def _without_value(
    answer: agg.Answer, design: Design, requests: Sequence[UnitRequest]
) -> dict[str, dict[str, int]]:
    """Return units with an event that lacks its value, by metric; of a ratio its worse part."""
    names = _valueless(requests)
    found: dict[str, dict[str, int]] = {}
    for request in requests:
        parts = [
            _by_variant(answer, design, answer.extra[names[value]])
            for value in _valueless([request])
        ]
        worst = max(parts, key=lambda part: sum(part.values()), default={})
        if any(worst.values()):
            found[request.metric] = worst
    return found


def _event_values(request: UnitRequest) -> list[EventValue | SessionValue | StepsValue]:
    found = []
    for value in request.values:
        for source in sources_of(value):
            if isinstance(source, ColumnValue):
                raise UsageError(
                    "An event log has no finished columns",
                    given=f"metric {request.metric!r}",
                    todo="name an event and an aggregate",
                    code="column_on_events",
                )
            found.append(source)
    return found


def _open(
    settings: EventsData,
    design: Design,
    sources: Sources,
    values: Sequence[EventValue | SessionValue | StepsValue],
    now: datetime,
) -> _Job:
    if settings.exposures.time is None and settings.exposures.first_event is None:
        raise UsageError(
            "Exposures have neither a time nor a first event",
            given="data.exposures",
            todo="name the column of the exposure time, or an event that starts a unit's clock",
            code="no_exposure_time",
        )
    shown = sources.open(
        "exposures", settings.exposures.source or settings.source, settings.exposures.table
    )
    log = sources.open("events", settings.events.source or settings.source, settings.events.table)
    columns = [
        reading.column(shown, settings.exposures.unit, "data.exposures.unit"),
        reading.column(log, settings.events.unit, "data.events.unit"),
    ]
    attributes = None
    if design.attributes:
        if settings.units is None:
            raise DataError(
                "Segments and strata need a table of attributes",
                given=", ".join(f"{design.key_of(name)}: {name}" for name in design.attributes),
                todo="name the table in [data.units], or leave these columns out",
                code="segments_need_units",
            )
        attributes = sources.open(
            "units", settings.units.source or settings.source, settings.units.table
        )
        columns.append(reading.column(attributes, settings.units.unit, "data.units.unit"))
    keys = reading.keys(columns)
    return _Job(
        settings,
        design,
        sources,
        exposures.exposure_rows(settings.exposures, shown, keys[0], design, sources),
        activity.event_rows(
            settings.events,
            log,
            keys[1],
            design,
            sources,
            valued=activity.needs_values(values),
        ),
        Attributes(attributes, keys[2]) if attributes is not None else None,
        now,
    )


def _as_of(job: _Job, rows: RowCounts, counts: EventCounts) -> datetime:
    times = [time for time in (rows.latest, counts.latest) if time is not None]
    if not times:
        raise row_status.only_future(f"{job.exposures.source.label}, {job.events.source.label}")
    return default_as_of(max(times).replace(tzinfo=UTC), job.now, job.design.timezone)


def _failures(
    job: _Job, requests: Sequence[UnitRequest], counts: EventCounts
) -> dict[str, Failure]:
    """Return the metrics that need a value column that is not there or holds no numbers."""
    failure: Failure | None = job.events.value_failure
    if failure is None and counts.bad_values:
        name = job.settings.events.value or ""
        raw = job.events.source.table[name]
        read = reading.number(raw)
        assert read is not None  # the column is text
        bad = reading.is_unreadable(raw, read)
        found = job.sources.run(
            job.events.source.table.aggregate(x=raw.min(where=bad)), job.events.source.label
        )
        failure = (
            "not_numeric",
            {"column": name, "rows": counts.bad_values, "example": found["x"][0].as_py()},
        )
    if failure is None:
        return {}
    return {
        request.metric: failure
        for request in requests
        if activity.needs_values(_event_values(request))
    }


def _units(job: _Job, as_of: datetime) -> _Entered:
    """Return the table of units that enter, and units by fate (and repeated rows under 1)."""
    design, sources = job.design, job.sources
    if job.exposures.timed:
        found = exposures.timed_units(job.exposures, design, as_of)
    else:
        name = job.first_event or ANY
        first = activity.first_events(job.events, name, as_of)
        untimed = exposures.untimed_units(job.exposures)
        found = exposures.exposed_by_event(untimed, first, design)
    label = job.exposures.source.label
    units = sources.keep(exposures.numbered(found, design), label)
    counted = sources.run(
        units.group_by("fate").aggregate(
            n=units.count(),
            repeats=units["repeats"].sum(),
            first=units["time"].min(),
            last=units["time"].max(),
        ),
        label,
    ).to_pylist()
    fates = {int(row["fate"]): int(row["n"]) for row in counted}
    fates[1] = sum(int(row["repeats"]) for row in counted)
    if set(fates) <= {1, exposures.NEVER_EXPOSED} and exposures.NEVER_EXPOSED in fates:
        _refuse_strangers(job)
    exposures.refuse_no_exposures(fates.get(exposures.ENTERS, 0), job.exposures, as_of)
    (entering,) = (row for row in counted if row["fate"] == exposures.ENTERS)
    exposed = entering["first"], entering["last"]
    return _Entered(units.filter(units["fate"] == exposures.ENTERS), exposed, fates)


def _refuse_strangers(job: _Job) -> None:
    """Refuse an event log in which no unit of the exposures appears."""
    log, shown = job.events.table, job.exposures.table
    both = log.semi_join(shown.filter(shown["status"] >= 0), "key")
    found = job.sources.run(both.aggregate(n=both.count()), job.events.source.label)
    if not found["n"][0].as_py():
        raise DataError(
            "No event belongs to a unit of the experiment",
            given=f"{job.exposures.source.label} and {job.events.source.label}",
            todo="check the unit columns: leading zeros, prefixes, another kind of id",
            code="no_common_units",
        )


def _enrolment(request: UnitRequest) -> _Enrolment:
    return request.matures_after or 0.0, request.calendar, request.among


def _with_entries(
    table: ir.Table,
    requests: Sequence[UnitRequest],
    columns: Mapping[UnitValue, str],
    as_of: datetime,
    zone: str,
) -> tuple[ir.Table, dict[_Enrolment, Entry]]:
    """Return the units with the flags that say which of them enter the metrics."""
    entries: dict[_Enrolment, Entry] = {}
    flags: dict[str, ir.Value] = {}
    clock = ibis.literal(utc_clock(as_of), "timestamp(6)")
    today = ibis.literal(local_date(as_of, zone))
    for end, calendar, among in dict.fromkeys(map(_enrolment, requests)):
        number = len(entries)
        if calendar:
            closed = table["day"] + ibis.interval(days=int(end)) <= today
        else:
            closed = table["time"] + ibis.interval(microseconds=microseconds(end)) <= clock
        if among is not None:
            inside = table[columns[among]] != 0.0
            flags |= {f"ready{number}": closed & inside, f"outside{number}": closed & ~inside}
            entries[end, calendar, among] = Entry(f"ready{number}", f"outside{number}")
        elif end:
            flags[f"ready{number}"] = closed
            entries[end, calendar, among] = Entry(f"ready{number}")
        else:
            entries[end, calendar, among] = EVERY_UNIT
    return (table.mutate(**flags) if flags else table), entries


def _with_times(
    table: ir.Table,
    requests: Sequence[UnitRequest],
    values: Mapping[UnitValue, str],
    as_of: datetime,
) -> ir.Table:
    """Return the units with the steps they were watched, and the times of metrics of times."""
    clock = ibis.literal(utc_clock(as_of), "timestamp(6)")
    elapsed = clock.delta(table["time"], unit="microsecond")
    for request in requests:
        if request.horizon is None:
            continue
        step = time_step(request.statistic, request.horizon)
        steps = round(request.horizon / step)
        known = ibis.greatest(elapsed - microseconds(request.known_after), 0)
        watched = ibis.least((known // microseconds(step)).cast("int64"), steps)
        if request.statistic == "repeated_events":
            table = table.mutate(**{f"steps_{request.metric}": watched})
            continue
        first = table[values[request.variables[0]]]
        time, observed = times_on_steps(first, watched, step)
        table = table.mutate(**{f"time_{request.metric}": time, f"seen_{request.metric}": observed})
    return table


def _aggregate(
    believed: _Believed,
    table: ir.Table,
    requests: Sequence[UnitRequest],
    columns: _Columns,
    entries: Mapping[_Enrolment, Entry],
) -> tuple[agg.Answer, list[MetricPlan]]:
    job = believed.job
    label = job.events.source.label
    summed = [request for request in requests if request.statistic == "moments"]
    plans = []
    for request in summed:
        names = tuple(columns.of(request, value) for value in request.variables)
        covariates = tuple(columns.of(request, value) for value in request.covariates)
        plans.append(
            MetricPlan(
                request.metric,
                names,
                covariates,
                tuple(columns.spreads[name] for name in names + covariates),
                believed.entered.fates[exposures.ENTERS],
                entry=entries[_enrolment(request)],
                binary=request.binary,
            )
        )
    units = agg.UnitTable(
        table,
        label,
        day="day",
        segments={name: segment_column(job.design, name) for name in job.design.segments},
        flags=("crossover",),
        counts=("idle", "event_repeats", "event_rows", *_valueless(requests).values()),
    )
    details = [
        _detail(believed, request, columns.names, entries[_enrolment(request)])
        for request in requests
        if request.statistic != "moments"
    ]
    return agg.aggregate(job.sources, units, plans, details), plans


def _detail(
    believed: _Believed,
    request: UnitRequest,
    values: Mapping[UnitValue, str],
    entry: Entry,
) -> DetailPlan:
    """Return the plan of a metric that needs more than sums."""
    metric = request.metric
    if request.statistic == "value_counts":
        return CountPlan(metric, values[request.variables[0]], entry)
    if request.statistic == "event_times":
        return TimePlan(metric, f"time_{metric}", f"seen_{metric}", entry)
    value = request.variables[0]
    assert isinstance(value, EventValue)
    assert request.horizon is not None  # repeated events have one
    step = time_step(request.statistic, request.horizon)
    return RepeatPlan(
        metric,
        believed.amounts(value, step),
        f"steps_{metric}",
        step,
        round(request.horizon / step),
        whole=value.aggregate == "count",
        entry=entry,
    )


def _tally(
    job: _Job,
    answer: agg.Answer,
    rows: RowCounts,
    counts: EventCounts,
    fates: Mapping[int, int],
    as_of: datetime,
) -> Tally:
    design = job.design
    if int(answer.extra["event_rows"].sum()) == 0:
        _refuse_strangers(job)
    exposed, by_day = agg.exposed(answer, design)
    crossed = answer.extra["crossover"] > 0
    later = _later_exposures(job, as_of)
    unknown_rows = rows.by_status.get(row_status.UNKNOWN, 0) - later["unknown"]
    tally = Tally(
        rows=rows.rows - later["rows"],
        event_rows=counts.rows,
        exposed=exposed,
        exposed_by_day=by_day,
        crossover=_by_variant(answer, design, answer.units * crossed),
        unknown_variant_rows=unknown_rows,
        ignored_variant_rows=rows.by_status.get(row_status.IGNORED, 0),
        null_unit_rows=rows.by_status.get(row_status.NULL_UNIT, 0),
        null_variant_rows=rows.by_status.get(row_status.NULL_VARIANT, 0),
        null_time_rows=rows.null_times,
        null_event_rows=counts.nulls,
        duplicate_exposure_rows=fates[1],
        duplicate_event_rows=job.events.repeated + int(answer.extra["event_repeats"].sum()),
        never_exposed=fates.get(exposures.NEVER_EXPOSED, 0),
        before_start=fates.get(exposures.TOO_EARLY, 0),
        after_end=fates.get(exposures.TOO_LATE, 0),
        late_rows=later["late"] + _late_events(job, counts, as_of),
        future_rows=later["future"] + counts.future,
        without_events=_by_variant(answer, design, answer.extra["idle"]),
    )
    if not tally.unknown_variant_rows:
        return tally
    believed = job.exposures
    if later["unknown"]:
        before = (believed.table["time"] < row_status.clock(as_of)).fill_null(True)
        believed = replace(believed, table=believed.table.filter(before))
    unknown = exposures.unknown_units(believed, job.sources)
    return replace(tally, unknown_variant=unknown)


def _by_variant(answer: agg.Answer, design: Design, counts: object) -> dict[str, int]:
    array = np.asarray(counts)
    return {
        name: int(array[answer.status == index].sum()) for index, name in enumerate(design.variants)
    }


def _late_events(job: _Job, counts: EventCounts, as_of: datetime) -> int:
    if counts.latest is None or counts.latest < utc_clock(as_of):
        return 0
    return activity.late_events(job.events, job.sources, as_of, job.now)


def _later_exposures(job: _Job, as_of: datetime) -> dict[str, int]:
    """Return exposure rows from `as_of` on: all, of undeclared variants, late and future ones."""
    if not job.exposures.timed:
        return dict.fromkeys(("rows", "unknown", "late", "future"), 0)
    table = job.exposures.table
    clock = row_status.clock(job.now)
    known = table["status"] >= 0
    from_as_of = table["time"] >= row_status.clock(as_of)
    late, future = from_as_of & (table["time"] <= clock), table["time"] > clock
    counted = table.aggregate(
        rows=from_as_of.sum(),
        unknown=(from_as_of & (table["status"] == row_status.UNKNOWN)).sum(),
        late=(known & late).sum(),
        future=(known & future).sum(),
    )
    found = job.sources.run(counted, job.exposures.source.label).to_pylist()[0]
    return {name: int(value or 0) for name, value in found.items()}
