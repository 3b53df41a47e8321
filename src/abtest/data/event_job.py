"""An event log and its exposures, opened: whose events they are, and when they are believed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import ibis.expr.types as ir

from abtest.data import activity, exposures, reading
from abtest.data import status as row_status
from abtest.data.activity import EventCounts, EventRows
from abtest.data.asked_values import event_values
from abtest.data.attributes import Attributes
from abtest.data.clock import default_as_of
from abtest.data.exposures import ExposureRows, RowCounts
from abtest.data.measured import Failure
from abtest.data.request import (
    Design,
    EventValue,
    SessionValue,
    StepsValue,
    UnitRequest,
)
from abtest.data.sessions import SessionRule
from abtest.data.settings import EventsData
from abtest.data.source import Sources
from abtest.data.windows import ANY
from abtest.errors import DataError, UsageError


@dataclass(frozen=True)
class EventJob:
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
class Entered:
    """The units that enter, when the first and the last was exposed, and the others by fate."""

    units: ir.Table
    exposed: tuple[datetime, datetime]
    fates: Mapping[int, int]


def open_events(
    settings: EventsData,
    design: Design,
    sources: Sources,
    values: Sequence[EventValue | SessionValue | StepsValue],
    now: datetime,
) -> EventJob:
    """Return the sources of an event log, opened.

    Raises
    ------
    UsageError
        ``no_exposure_time`` if nothing says when units were exposed.
    DataError
        ``segments_need_units``, and what is amiss with the sources and their columns.
    """
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
    return EventJob(
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


def default_belief(job: EventJob, rows: RowCounts, counts: EventCounts) -> datetime:
    """Return the moment up to which data are believed where none is given.

    Raises
    ------
    DataError
        ``no_past_times`` where no time lies in the past.
    """
    times = [time for time in (rows.latest, counts.latest) if time is not None]
    if not times:
        raise row_status.only_future(f"{job.exposures.source.label}, {job.events.source.label}")
    return default_as_of(max(times).replace(tzinfo=UTC), job.now, job.design.timezone)


def value_failures(
    job: EventJob, requests: Sequence[UnitRequest], counts: EventCounts
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
        if activity.needs_values(event_values(request))
    }


def entering_units(job: EventJob, as_of: datetime) -> Entered:
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
        refuse_strangers(job)
    exposures.refuse_no_exposures(fates.get(exposures.ENTERS, 0), job.exposures, as_of)
    (entering,) = (row for row in counted if row["fate"] == exposures.ENTERS)
    exposed = entering["first"], entering["last"]
    return Entered(units.filter(units["fate"] == exposures.ENTERS), exposed, fates)


def refuse_strangers(job: EventJob) -> None:
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


def session_rule(settings: EventsData) -> SessionRule:
    """Return how the events of this log become sessions."""
    chosen = settings.sessions
    by = chosen.by or ("gap" if settings.events.session is None else "column")
    return SessionRule(by, chosen.gap_minutes, chosen.ignore, chosen.start, chosen.end)
