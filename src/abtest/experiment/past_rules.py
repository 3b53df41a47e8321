"""Rules of segments by what units did before exposure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from itertools import pairwise

from abtest.data.settings import EventsData, TotalsData, UnitsData
from abtest.experiment.key_path import KeyPath
from abtest.experiment.past import DEFAULT_WINDOW, PastSegment
from abtest.experiment.problems import Finding
from abtest.experiment.project import nearest
from abtest.experiment.spec import Analysis
from abtest.experiment.toml_text import quoted, shown
from abtest.metrics import MetricDefinition

LONGEST_PAST = 36_500.0
"""In days."""


def past_rules(
    analysis: Analysis,
    data: EventsData | UnitsData | TotalsData,
    metrics: Mapping[int, MetricDefinition | None],
) -> Iterator[Finding]:
    """Yield what is wrong with `analysis.past_segments`.

    Parameters
    ----------
    analysis, data
        The validated tables.
    metrics
        Valid metrics by position, None for the others.
    """
    seen: set[str] = set(analysis.segments)
    for position, segment in enumerate(analysis.past_segments):
        at: KeyPath = ("analysis", "past_segments", position)
        if not isinstance(data, EventsData):
            what = "only an event log says what units did before exposure"
            todo = "Leave it out, or name a column in analysis.segments."
            yield Finding(at, what, quoted(segment.name), todo)
        if segment.name in seen:
            todo = "Give each segment a name of its own."
            yield Finding((*at, "name"), "is a segment already", quoted(segment.name), todo)
        seen.add(segment.name)
        yield from _by_itself(segment, at)
        if segment.metric is not None:
            yield from _of_metric(segment.metric, metrics, (*at, "metric"))


def _by_itself(segment: PastSegment, at: KeyPath) -> Iterator[Finding]:
    if (segment.metric is None) == (segment.event is None):
        given = f"metric {shown(segment.metric)}, event {shown(segment.event)}"
        todo = 'Write metric = "active_days", or event = "@active".'
        yield Finding(at, "is of one metric or of events: one of the two", given, todo)
    start, end = segment.window_days or DEFAULT_WINDOW
    if segment.metric is not None and segment.window_days is not None:
        what = "a metric has its own window before exposure"
        todo = "Leave window_days out, or count events instead."
        yield Finding((*at, "window_days"), what, shown(list(segment.window_days)), todo)
    elif not (math.isfinite(start) and -LONGEST_PAST <= start < end <= 0):
        what = "must be [start, end) before exposure, in days"
        todo = "Write window_days = [-28, 0]: what happens later is up to the treatment."
        yield Finding((*at, "window_days"), what, shown([start, end]), todo)
    if any(low >= high for low, high in pairwise(segment.cuts)):
        todo = "Write them from the smallest to the largest."
        yield Finding((*at, "cuts"), "cuts rise", shown(list(segment.cuts)), todo)
    if segment.labels and len(set(segment.labels)) != len(segment.cuts) + 1:
        what = f"{len(segment.cuts)} cuts make {len(segment.cuts) + 1} levels, each with its name"
        yield Finding((*at, "labels"), what, shown(list(segment.labels)), "Name each level once.")


def _of_metric(
    name: str, metrics: Mapping[int, MetricDefinition | None], at: KeyPath
) -> Iterator[Finding]:
    known = {metric.id: metric for metric in metrics.values() if metric is not None}
    if name not in known:
        if all(metric is not None for metric in metrics.values()):
            near = nearest(name, tuple(known))
            hint = f"Did you mean {near}? " if near else ""
            todo = f"{hint}Add the metric, or count events with `event`."
            yield Finding(at, "is not a metric of this experiment", quoted(name), todo)
    elif known[name].kind_name == "ratio" or not known[name].adjusts:
        what = f"a metric of kind {known[name].kind_name} has no one number before exposure"
        yield Finding(at, what, quoted(name), "Name a mean or a proportion, or count events.")
