"""Rules of covariates and strata: known before exposure, and there in these data."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from abtest.data.request import ColumnValue, UnitRequest
from abtest.data.settings import EventsData, TotalsData, UnitsData
from abtest.experiment.key_path import KeyPath
from abtest.experiment.problems import Finding
from abtest.experiment.project import nearest
from abtest.experiment.spec import Analysis
from abtest.experiment.toml_text import quoted, shown
from abtest.metrics import MetricDefinition

MOST_COVARIATES = 20
"""Every pair of covariates is summed; more of them than this add cost and no precision."""


def covariate_rules(
    data: EventsData | UnitsData | TotalsData,
    metrics: Mapping[int, MetricDefinition | None],
    analysis: Analysis,
) -> Iterator[Finding]:
    """Yield what does not fit in the covariates and strata of metrics.

    Parameters
    ----------
    data
        The validated table.
    metrics
        Valid metrics by position, None for the others.
    analysis
        Has the segments that need no attributes.
    """
    past = {segment.name for segment in analysis.past_segments}
    known = {metric.id: metric for metric in metrics.values() if metric is not None}
    complete = all(metric is not None for metric in metrics.values())
    for position, metric in metrics.items():
        if metric is None:
            continue
        at: KeyPath = ("metrics", position)
        yield from _strata(data, metric, at, past)
        yield from _stated(metric, at)
        if isinstance(data, TotalsData) and metric.covariates:
            what = "covariates are not possible: totals have no values of units"
            todo = "Leave the covariates out."
            yield Finding((*at, "covariates"), what, shown(list(metric.covariates)), todo)
        if isinstance(data, EventsData):
            yield from _other_metrics(metric, known, (*at, "covariates"), complete=complete)
        if isinstance(data, UnitsData):
            yield from _columns(data, metric, at)


def covariate_count(names: Sequence[str], at: KeyPath) -> Iterator[Finding]:
    """Yield a finding where there are too many covariates, or one twice."""
    if len(names) > MOST_COVARIATES:
        todo = f"Keep at most {MOST_COVARIATES}: those that say most about the metric."
        yield Finding(at, "there are too many covariates", str(len(names)), todo)
    if len(set(names)) < len(names):
        yield Finding(at, "a covariate is there twice", shown(list(names)), "Name each once.")


def _stated(metric: MetricDefinition, at: KeyPath) -> Iterator[Finding]:
    """Yield what is wrong with the list of covariates by itself."""
    named = metric.covariates or ()
    path = (*at, "covariates")
    yield from covariate_count(named, path)
    if named and metric.cuped is False:
        todo = "Leave out one of the two."
        yield Finding(path, "covariates and cuped = false exclude each other", shown(named), todo)
    if named and metric.kind_name == "ratio":
        what = "a ratio is adjusted by its own numerator and denominator before exposure alone"
        yield Finding(path, what, shown(list(named)), "Leave the covariates out.")


def _strata(
    data: EventsData | UnitsData | TotalsData,
    metric: MetricDefinition,
    at: KeyPath,
    past: Collection[str],
) -> Iterator[Finding]:
    path = (*at, "strata")
    if len(set(metric.strata)) < len(metric.strata):
        todo = "Name each column once."
        yield Finding(path, "a column is there twice", shown(list(metric.strata)), todo)
    columns = [name for name in metric.strata if name not in past]
    if columns and isinstance(data, EventsData) and data.units is None:
        todo = "Name the table of attributes in [data.units], or a segment by the past."
        yield Finding(path, "strata need attributes of units", shown(list(metric.strata)), todo)


def _other_metrics(
    metric: MetricDefinition,
    known: Mapping[str, MetricDefinition],
    path: KeyPath,
    *,
    complete: bool,
) -> Iterator[Finding]:
    """Yield covariates on an event log that are no other metric with one number per unit."""
    for name in metric.covariates or ():
        other = known.get(name)
        if other is None and complete:
            near = nearest(name, tuple(known))
            hint = f"Did you mean {near}? " if near else ""
            todo = f"{hint}On an event log a covariate is another metric of this experiment."
            yield Finding(path, "is not a metric of this experiment", quoted(name), todo)
        elif name == metric.id:
            todo = "Leave it out: its own pre-exposure value is always used."
            yield Finding(path, "a metric is its own covariate already", quoted(name), todo)
        elif other is not None and other.kind_name == "ratio":
            what = "a ratio has two numbers per unit and cannot be a covariate"
            todo = "Name a mean of its numerator or of its denominator."
            yield Finding(path, what, quoted(name), todo)
        elif other is not None and not other.adjusts:
            what = f"a metric of kind {other.kind_name} has no value before exposure"
            yield Finding(path, what, quoted(name), "Name a mean or a proportion.")


def _columns(data: UnitsData, metric: MetricDefinition, at: KeyPath) -> Iterator[Finding]:
    """Yield outcomes that are among the covariates of a table of units."""
    if metric.misfits("units"):
        return
    request = metric.request("units", cuped=False, covariates=())
    assert isinstance(request, UnitRequest)  # units data
    named = data.covariates if metric.covariates is None else metric.covariates
    where = "data.covariates" if metric.covariates is None else "the metric's covariates"
    for value in request.variables:
        if isinstance(value, ColumnValue) and value.column in named:
            what = "is a covariate too: a covariate is known before exposure, an outcome is not"
            todo = f"Take the column out of {where}, or leave the metric out."
            yield Finding((*at, "value"), what, quoted(value.column), todo)
