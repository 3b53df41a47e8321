"""What the metrics of an experiment ask of its data."""

from __future__ import annotations

from abtest.data.request import MetricRequest
from abtest.data.settings import TotalsData, UnitsData
from abtest.experiment.spec import ExperimentSpec


def metric_requests(spec: ExperimentSpec) -> dict[str, MetricRequest]:
    """Return every metric's request, by its id.

    CUPED is asked for where `analysis.cuped`, or the metric's own `cuped`, says so and the
    data have values of units.
    """
    covariates = spec.data.covariates if isinstance(spec.data, UnitsData) else ()
    able = not isinstance(spec.data, TotalsData)
    return {
        metric.id: metric.request(
            spec.data.kind,
            cuped=able and (spec.analysis.cuped if metric.cuped is None else metric.cuped),
            covariates=covariates,
        )
        for metric in spec.metrics
    }
