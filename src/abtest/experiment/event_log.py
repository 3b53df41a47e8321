"""The event log of an experiment, for the helpers of `abtest.cohorts`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import ibis
import ibis.expr.types as ir

from abtest.cohorts.log import EventLog, LogOptions, open_log
from abtest.data import engine, reading
from abtest.data.clock import aware, utc_clock
from abtest.data.settings import EventsData
from abtest.data.source import Sources
from abtest.errors import UsageError
from abtest.experiment.resolve import Resolved

_VARIANT, _EXPOSED = "variant", "exposed_at"


def experiment_log(
    resolved: Resolved, frames: Mapping[str, Any] | None, as_of: datetime | None
) -> EventLog:
    """Return the log with the units that enter the experiment, by its file.

    Raises
    ------
    UsageError
        ``no_event_log`` for experiments on other data.
    DataError
        What goes wrong with the data, see `open_log`.
    """
    spec = resolved.spec
    settings = spec.data
    if not isinstance(settings, EventsData):
        raise UsageError(
            "This experiment has no event log",
            given=f'data.kind = "{settings.kind}" in {spec.experiment.name!r}',
            todo="open a log of its events with abtest.cohorts.open_log",
            code="no_event_log",
        )
    sources = Sources(engine.connect(), resolved.root, dict(frames or {}))
    log = sources.open("events", settings.events.source or settings.source, settings.events.table)
    options: LogOptions = {
        "unit": settings.events.unit,
        "time": settings.events.time,
        "event": settings.events.name,
        "timezone": spec.experiment.timezone,
        "control": spec.variants.control,
        "variant": _VARIANT,
        "exposures": _exposures(resolved, settings, sources),
    }
    if settings.events.value is not None:
        options["value"] = settings.events.value
    if settings.events.session is not None:
        options["session"] = settings.events.session
    if settings.events.id is not None:
        options["id"] = settings.events.id
    if settings.exposures.time is None and settings.exposures.first_event is not None:
        options["first_event"] = settings.exposures.first_event
    else:
        options["exposed"] = _EXPOSED
    if as_of is not None:
        options["as_of"] = as_of
    return open_log(log.table, **options)


def _exposures(resolved: Resolved, settings: EventsData, sources: Sources) -> ir.Table:
    """Return the exposures to the experiment's variants while it enrolled."""
    spec, shown = resolved.spec, settings.exposures
    source = sources.open("exposures", shown.source or settings.source, shown.table)
    table, design = source.table, spec.design()
    variant = reading.text(reading.column(source, shown.variant, "data.exposures.variant"))
    unit = reading.column(source, shown.unit, "data.exposures.unit")
    chosen: dict[str, ir.Value] = {settings.events.unit: unit, _VARIANT: variant}
    if shown.time is not None:
        raw = reading.column(source, shown.time, "data.exposures.time")
        label = f"{source.label}, column {shown.time!r}"
        chosen[_EXPOSED] = reading.moment(raw, design.timezone, label)
    found = table.select(**chosen)
    found = found.filter(found[_VARIANT].isin(design.variants))
    if shown.time is None:
        return found
    for moment, is_end in ((design.start, False), (design.end, True)):
        if moment is not None:
            clock = ibis.literal(utc_clock(aware(moment, design.timezone)), "timestamp(6)")
            time = found[_EXPOSED]
            found = found.filter(time < clock if is_end else time >= clock)
    return found
