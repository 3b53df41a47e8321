"""Events data: exposures and an event log become one row per unit, then cells of sums."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from abtest.data import activity, exposures
from abtest.data import aggregate as agg
from abtest.data.absent import absent_events
from abtest.data.asked_values import (
    derived_names,
    event_values,
    named_values,
    past_sources,
    valueless_names,
    values_by_step,
)
from abtest.data.attributes import with_past, with_segments
from abtest.data.caps import with_caps
from abtest.data.derived import is_whole, with_derived
from abtest.data.enrolment import with_entries, with_times
from abtest.data.event_job import default_belief, entering_units, open_events, value_failures
from abtest.data.event_plans import Believed, Columns, aggregate_events, cap_plans
from abtest.data.event_tally import tally_of, without_value
from abtest.data.measured import Measured
from abtest.data.request import (
    Design,
    UnitRequest,
    UnitValue,
)
from abtest.data.settings import EventsData
from abtest.data.source import Sources
from abtest.data.values import Asked


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
    asked = [value for request in requests for value in event_values(request)]
    asked += past_sources(design)
    job = open_events(settings, design, sources, asked, now)
    rows = exposures.count_rows(job.exposures, settings.exposures, design, sources, now)
    counts = activity.count_events(job.events, settings.events, design, sources, now)
    as_of = default_belief(job, rows, counts) if as_of is None else as_of
    failures = value_failures(job, requests, counts)
    going = [request for request in requests if request.metric not in failures]
    values, derived = named_values(going, design), derived_names(going, design)
    columns = dict[UnitValue, str]([*values.items(), *derived.items()])
    entered = entering_units(job, as_of)
    believed = Believed(job, entered, counts, as_of)
    asked_for = Asked(values, valueless_names(going), values_by_step(going))
    table = with_derived(believed.values(asked_for), columns, derived, design)
    table = with_past(table, columns, design)
    table, duplicate_attributes = with_segments(job.attributes, table, design, sources)
    table, entries = with_entries(table, going, columns, as_of, design.timezone)
    table = with_times(table, going, columns, as_of)
    label = job.events.source.label
    table = sources.keep(table, label)
    whole = {name for value, name in columns.items() if is_whole(value)}
    spreads = agg.known_spreads(sources, table, list(columns.values()), label, whole)
    failures |= absent_events(sources, job.events, going, columns, spreads)
    table, capped, caps = with_caps(
        sources, table, cap_plans(going, columns, entries), design.variants, label
    )
    whole = {name for (_, column), name in capped.items() if column in whole}
    spreads |= agg.known_spreads(sources, table, list(capped.values()), label, whole)
    known = Columns(columns, capped, spreads)
    answer, plans = aggregate_events(believed, table, going, known, entries)
    failures = agg.explained(sources, table, answer, plans, job.events.source.label) | failures
    tally = replace(
        tally_of(job, answer, rows, counts, entered.fates, as_of),
        duplicate_unit_rows=duplicate_attributes,
        valueless=without_value(answer, design, going),
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
