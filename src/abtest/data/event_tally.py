"""Rows and units of an event log, counted on the way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

import numpy as np

from abtest.data import activity, exposures
from abtest.data import aggregate as agg
from abtest.data import status as row_status
from abtest.data.activity import EventCounts
from abtest.data.asked_values import valueless_names
from abtest.data.clock import utc_clock
from abtest.data.event_job import EventJob, refuse_strangers
from abtest.data.exposures import RowCounts
from abtest.data.measured import Tally
from abtest.data.request import (
    Design,
    UnitRequest,
)


def tally_of(
    job: EventJob,
    answer: agg.Answer,
    rows: RowCounts,
    counts: EventCounts,
    fates: Mapping[int, int],
    as_of: datetime,
) -> Tally:
    """Return what was counted; units without a value and repeated attributes are not in it."""
    design = job.design
    if int(answer.extra["event_rows"].sum()) == 0:
        refuse_strangers(job)
    exposed, by_day = agg.exposed(answer, design)
    crossed = answer.extra["crossover"] > 0
    later = _later_exposures(job, as_of)
    unknown_rows = rows.by_status.get(row_status.UNKNOWN, 0) - later["unknown"]
    tally = Tally(
        rows=rows.rows - later["rows"],
        event_rows=counts.rows,
        exposed=exposed,
        exposed_by_day=by_day,
        crossover=by_variant(answer, design, answer.units * crossed),
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
        without_events=by_variant(answer, design, answer.extra["idle"]),
    )
    if not tally.unknown_variant_rows:
        return tally
    believed = job.exposures
    if later["unknown"]:
        before = (believed.table["time"] < row_status.clock(as_of)).fill_null(True)
        believed = replace(believed, table=believed.table.filter(before))
    unknown = exposures.unknown_units(believed, job.sources)
    return replace(tally, unknown_variant=unknown)


def by_variant(answer: agg.Answer, design: Design, counts: object) -> dict[str, int]:
    """Return the sum of some counts of cells by the name of the variant."""
    array = np.asarray(counts)
    return {
        name: int(array[answer.status == index].sum()) for index, name in enumerate(design.variants)
    }


def _late_events(job: EventJob, counts: EventCounts, as_of: datetime) -> int:
    if counts.latest is None or counts.latest < utc_clock(as_of):
        return 0
    return activity.late_events(job.events, job.sources, as_of, job.now)


def _later_exposures(job: EventJob, as_of: datetime) -> dict[str, int]:
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


def without_value(
    answer: agg.Answer, design: Design, requests: Sequence[UnitRequest]
) -> dict[str, dict[str, int]]:
    """Return units with an event that lacks its value, by metric; of a ratio its worse part."""
    names = valueless_names(requests)
    found: dict[str, dict[str, int]] = {}
    for request in requests:
        parts = [
            by_variant(answer, design, answer.extra[names[value]])
            for value in valueless_names([request])
        ]
        worst = max(parts, key=lambda part: sum(part.values()), default={})
        if any(worst.values()):
            found[request.metric] = worst
    return found
