"""What the metrics of an experiment ask of its data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from abtest.data.request import MetricRequest, UnitRequest, UnitValue
from abtest.data.settings import UnitsData
from abtest.experiment.spec import ExperimentSpec
from abtest.metrics import MetricDefinition


def metric_requests(spec: ExperimentSpec) -> dict[str, MetricRequest]:
    """Return every metric's request, by its id.

    CUPED is asked for where the metric names covariates, or `analysis.cuped`, or the metric's
    own `cuped`, says so, and the data have values of units.
    """
    metrics = {metric.id: metric for metric in spec.metrics}
    return {name: _request(spec, metric, metrics) for name, metric in metrics.items()}


def _request(
    spec: ExperimentSpec, metric: MetricDefinition, metrics: Mapping[str, MetricDefinition]
) -> MetricRequest:
    kind = spec.data.kind
    cuped = spec.analysis.cuped if metric.cuped is None else metric.cuped
    cuped = kind != "totals" and (cuped or bool(metric.covariates))
    columns = spec.data.covariates if isinstance(spec.data, UnitsData) else ()
    if metric.covariates is not None and kind == "units":
        columns = metric.covariates
    request = metric.request(kind, cuped=cuped, covariates=columns)
    if isinstance(request, UnitRequest):
        request = replace(request, among=metric.group)
    if kind != "events" or not cuped or not isinstance(request, UnitRequest):
        return request
    further = [
        value
        for name in metric.covariates or ()
        for value in _before_exposure(metrics[name])
        if value not in request.covariates
    ]
    return replace(request, covariates=(*request.covariates, *dict.fromkeys(further)))


def _before_exposure(metric: MetricDefinition) -> tuple[UnitValue, ...]:
    """Return the pre-exposure values of a metric on an event log."""
    request = metric.request("events", cuped=True, covariates=())
    assert isinstance(request, UnitRequest)  # events data
    return request.covariates
