"""Whether the data of an experiment are there and are what its file says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import cast

from abtest.data import measure
from abtest.data import problems as problems_of_columns
from abtest.data.measured import Measured
from abtest.errors import AbtestError, DataError
from abtest.experiment.requests import metric_requests
from abtest.experiment.resolve import Resolved
from abtest.experiment.toml_text import shown
from abtest.show.effect_words import not_computed_reason

ABSENT = "no_such_event"
"""Metrics of events that never happened: no mistake of the data, but perhaps of a name."""


@dataclass(frozen=True)
class DataCheck:
    """What reading the data showed.

    `units` are units by variant, "" for what is unknown; `remarks` are sentences about rows
    that will not enter.
    """

    units: Mapping[str, int]
    problems: tuple[AbtestError, ...]
    remarks: tuple[str, ...] = ()


def check_data(resolved: Resolved) -> DataCheck:
    """Return what is wrong with the data that an experiment names, and rough counts.

    Columns are compared first, which reads no rows; only when they are there are the data
    read once as an analysis would.
    """
    spec = resolved.spec
    requests = tuple(metric_requests(spec).values())
    design = spec.design()
    missing = problems_of_columns(spec.data, requests, design, root=resolved.root)
    if missing:
        return DataCheck({}, tuple(missing))
    try:
        measured = measure(spec.data, requests, design, root=resolved.root)
    except AbtestError as error:
        return DataCheck({}, (error,))
    remarks = (*_absent(measured), *_remarks(measured))
    return DataCheck(dict(measured.tally.exposed), _failures(measured), remarks)


def _failures(measured: Measured) -> tuple[AbtestError, ...]:
    """Return metrics that cannot be computed, as errors."""
    return tuple(
        DataError(
            f"The metric {metric!r} cannot be computed: {not_computed_reason(code)}",
            given=shown(dict(values)) if values else "",
            todo="Correct the data, or the metric.",
            code=code,
        )
        for metric, (code, values) in measured.failures.items()
        if code != ABSENT
    )


def _absent(measured: Measured) -> Iterator[str]:
    """Yield what events are not there: names are wrong, or nothing of the kind happened yet."""
    for metric, (code, values) in measured.failures.items():
        if code == ABSENT:
            events, nearest = (cast("list[str]", values[key]) for key in ("events", "nearest"))
            near = f"; did you mean {' or '.join(map(shown, nearest))}?" if nearest else ""
            names = ", ".join(map(shown, events))
            yield f"{not_computed_reason(code)} for {metric!r}: {names}{near}"


def _remarks(measured: Measured) -> tuple[str, ...]:
    tally = measured.tally
    counts = {
        f"rows of variants that the file does not name ({', '.join(tally.unknown_variant)})": (
            tally.unknown_variant_rows
        ),
        "rows without a variant": tally.null_variant_rows,
        "rows without a unit": tally.null_unit_rows,
        "rows without a time": tally.null_time_rows,
        "units seen in two variants": sum(tally.crossover.values()),
        "units before the start": tally.before_start,
        "units after the end": tally.after_end,
        "events without a unit, a name or a time": tally.null_event_rows,
    } | {
        f"units with an event without the value that {metric!r} is made of": sum(by_arm.values())
        for metric, by_arm in tally.valueless.items()
    }
    return tuple(f"{what}: {count:,}" for what, count in counts.items() if count)
