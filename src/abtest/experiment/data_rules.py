"""Rules between `[data]` and the rest: whether these data can carry these metrics."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from abtest.data.request import EventValue, UnitRequest, sources_of
from abtest.data.settings import EventsData, Exposures, TotalsData, UnitsData
from abtest.experiment.covariate_rules import covariate_count
from abtest.experiment.key_path import KeyPath
from abtest.experiment.problems import Finding
from abtest.experiment.toml_text import quoted, shown
from abtest.metrics import MetricDefinition

AnyData = EventsData | UnitsData | TotalsData
Metrics = Mapping[int, MetricDefinition | None]

LONGEST_WINDOW_DAYS = 36_500
"""Longer than any experiment, and short enough for the clocks of every database."""


def data_rules(
    data: AnyData,
    variants: tuple[str, ...] | None,
    metrics: Metrics,
    own: Mapping[str, Any],
    *,
    data_given: bool,
) -> list[Finding]:
    """Return what does not fit together.

    Parameters
    ----------
    data
        The validated table.
    variants
        Names of all arms; None where they are not known.
    metrics
        Valid metrics by position, None for the others.
    own
        Values that the file itself states.
    data_given
        The data are handed over in Python, so no source is needed.
    """
    found: list[Finding] = []
    if not data_given:
        found += _sources(data)
    if isinstance(data, EventsData):
        found += _clock(data.exposures)
    if isinstance(data, TotalsData):
        found += _totals(data, variants, own)
    if isinstance(data, UnitsData):
        found += covariate_count(data.covariates, ("data", "covariates"))
    for position, metric in metrics.items():
        if metric is not None:
            found += _metric(data, metric, ("metrics", position))
    return found


def _sources(data: AnyData) -> Iterator[Finding]:
    """Yield a finding where tables have no file."""
    if isinstance(data, TotalsData):
        return
    common = data.source
    if isinstance(data, UnitsData):
        tables: dict[KeyPath, Any] = {("data",): data}
    else:
        parts = {"exposures": data.exposures, "events": data.events, "units": data.units}
        tables = {("data", key): part for key, part in parts.items() if part is not None}
    lacking = [at for at, part in tables.items() if (part.source or common) is None]
    if lacking:
        names = ", ".join(".".join(map(str, at)) for at in lacking)
        todo = 'Add source = "data/file.csv": DuckDB, CSV (.gz) or Parquet.'
        yield Finding(("data", "source"), "is missing: no file is named", f"for {names}", todo)


def _clock(exposures: Exposures) -> Iterator[Finding]:
    at: KeyPath = ("data", "exposures", "time")
    if exposures.time is None and exposures.first_event is None:
        todo = "Add `time`, the column of the exposure time, or `first_event`."
        yield Finding(at, "is missing: nothing says when a unit's clock starts", "", todo)
    if exposures.time is not None and exposures.first_event is not None:
        given = f"time {quoted(exposures.time)}, first_event {quoted(exposures.first_event)}"
        yield Finding(at, "time and first_event exclude each other", given, "Keep one of the two.")


def _totals(
    data: TotalsData, variants: tuple[str, ...] | None, own: Mapping[str, Any]
) -> Iterator[Finding]:
    totals = data.totals
    at: KeyPath = ("data", "totals")
    if (totals.files is None) == (totals.source is None):
        what = "needs either files (one per variant) or source (all variants)"
        given = "both" if totals.files is not None else "neither"
        yield Finding((*at, "files"), what, given, "Keep one of the two.")
    if totals.source is not None and totals.variant is None:
        todo = "Add the column that names the variant of a row."
        yield Finding((*at, "variant"), "is missing: source needs it", "", todo)
    if totals.files is not None and variants is not None and set(totals.files) != set(variants):
        todo = f"Give one file for each of {', '.join(map(quoted, variants))}."
        given = shown(list(totals.files))
        yield Finding((*at, "files"), "must name every variant and no other", given, todo)
    analysis = own.get("analysis")
    if isinstance(analysis, Mapping) and analysis.get("cuped") is True:
        yield _no_cuped(("analysis", "cuped"), "totals have no values of units")


def _no_cuped(at: KeyPath, why: str) -> Finding:
    return Finding(at, f"CUPED is not possible: {why}", "true", "Leave it out, or write false.")


def _metric(data: AnyData, metric: MetricDefinition, at: KeyPath) -> Iterator[Finding]:
    misfits = metric.misfits(data.kind)
    for misfit in misfits:
        yield Finding((*at, misfit.key), misfit.what, f"metric {quoted(metric.id)}", misfit.todo)
    if metric.cuped and isinstance(data, TotalsData):
        yield _no_cuped((*at, "cuped"), "totals have no values of units")
    named = metric.covariates if metric.covariates is not None else ()
    if metric.cuped and isinstance(data, UnitsData) and not (named or data.covariates):
        yield _no_cuped((*at, "cuped"), "data.covariates names no pre-exposure column")
    if isinstance(data, EventsData):
        windows = list(_window(metric, at))
        yield from windows
        if not misfits and not windows:
            yield from _values(data, metric, at)


def _window(metric: MetricDefinition, at: KeyPath) -> Iterator[Finding]:
    path = (*at, "window_days")
    todo = "Write window_days = [0, 7]: the first seven days after exposure."
    if metric.window_days is None:
        what = "is missing: a metric on events counts in a window after exposure"
        given = f"{metric.role} {quoted(metric.id)}"
        later = "" if metric.decides else ' Totals to date are of kind "cumulative".'
        yield Finding(path, what, given, todo + later)
        return
    start, end = metric.window_days
    if not (math.isfinite(start) and 0 <= start < end <= LONGEST_WINDOW_DAYS):
        what = (
            "must be [start, end] with 0 <= start < end, in days after exposure, "
            f"at most {LONGEST_WINDOW_DAYS}"
        )
        yield Finding(path, what, shown(list(metric.window_days)), todo)
    elif metric.window == "calendar" and (start != int(start) or end != int(end)):
        what = "calendar days are whole days"
        yield Finding(path, what, shown(list(metric.window_days)), todo)


def _values(data: EventsData, metric: MetricDefinition, at: KeyPath) -> Iterator[Finding]:
    request = metric.request("events", cuped=False, covariates=())
    assert isinstance(request, UnitRequest)
    numeric = {
        value.aggregate
        for one in (*request.variables, *([] if metric.group is None else [metric.group]))
        for value in sources_of(one)
        if isinstance(value, EventValue) and value.aggregate in ("sum", "max", "last_value")
    }
    if numeric and data.events.value is None:
        answers = numeric == {"last_value"}
        names = "an answer" if answers else " and ".join(sorted(numeric))
        what = f"{names} needs the events' value column"
        todo = "Name the column in data.events.value."
        key = "event" if answers else "aggregate"
        yield Finding((*at, key), what, f"metric {quoted(metric.id)}", todo)
