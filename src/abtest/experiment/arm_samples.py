"""What is known of a metric in every arm: samples for any function of `abtest.stats`."""

from __future__ import annotations

from functools import reduce
from operator import add

from abtest.data.measured import Measured
from abtest.data.request import UnitRequest
from abtest.data.samples import Sample
from abtest.errors import UsageError
from abtest.experiment.requests import metric_requests
from abtest.experiment.spec import ExperimentSpec
from abtest.metrics import MetricDefinition
from abtest.stats import Moments


def arm_samples(
    spec: ExperimentSpec, measured: Measured, metric: MetricDefinition
) -> dict[str, Sample]:
    """Return the metric in every arm, control first, without its covariates.

    Raises
    ------
    UsageError
        ``several_phases`` or ``no_samples``.
    NotEstimable
        Where an arm is no sample.
    """
    if measured.phases > 1:
        raise UsageError(
            "Units of phases with other allocations must not be put together",
            given=f"{measured.phases} phases",
            todo="read the rows of effects, which combine the differences of the phases",
            code="several_phases",
        )
    if metric.id in measured.failures:
        raise UsageError(
            "The metric has no samples",
            given=f"{metric.id}: {measured.failures[metric.id][0]}",
            todo="its row in effects says why",
            code="no_samples",
        )
    request = metric_requests(spec)[metric.id]
    outcomes = len(request.variables) if isinstance(request, UnitRequest) else None
    arms = (spec.variants.control, *spec.variants.treatments)
    return {
        name: _of_outcomes(reduce(add, measured.samples(metric.id, name)), outcomes)
        for name in arms
    }


def _of_outcomes(sample: Sample, many: int | None) -> Sample:
    """Return a sample without the covariates that CUPED adjusts for."""
    if not isinstance(sample, Moments) or many is None:
        return sample
    return Moments(sample.n, sample.mean[:many], sample.m2[:many, :many], sample.nulls)
