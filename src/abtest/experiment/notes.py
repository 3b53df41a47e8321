"""What each metric measures, for the people who read the report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from abtest.data.request import ColumnValue, MetricRequest, UnitRequest
from abtest.experiment.requests import metric_requests
from abtest.experiment.spec import ExperimentSpec
from abtest.metrics import MetricDefinition, day_range


@dataclass(frozen=True)
class MetricNote:
    """A metric's name, definition, day range and good direction, as readers see them.

    `covariates` and `strata` are what the file asks to be taken out of the noise, in words; the
    method of a row says whether that was possible.
    """

    metric: str
    label: str
    kind: str
    role: str
    direction: str
    sentence: str
    window: str
    description: str | None
    covariates: str = ""
    strata: str = ""


def notes(spec: ExperimentSpec) -> tuple[MetricNote, ...]:
    """Return a note per metric, in the order of the file."""
    requests = metric_requests(spec)
    return tuple(_note(metric, requests[metric.id]) for metric in spec.metrics)


def _note(metric: MetricDefinition, request: MetricRequest) -> MetricNote:
    return MetricNote(
        metric=metric.id,
        label=metric.label,
        kind=metric.kind_name,
        role=metric.role,
        direction=metric.direction,
        sentence=metric.meaning,
        window=day_range(metric.window_days, dates=metric.window == "calendar"),
        description=metric.description,
        covariates=_covariates(metric, request),
        strata=_listed(metric.strata),
    )


def _covariates(metric: MetricDefinition, request: MetricRequest) -> str:
    """Return what is known before exposure in words: columns, or earlier values of metrics."""
    if not isinstance(request, UnitRequest) or not request.covariates:
        return ""
    columns = [one.column for one in request.covariates if isinstance(one, ColumnValue)]
    if columns:
        return _listed(columns)
    return f"{_listed(['its own value', *(metric.covariates or ())])} before exposure"


def _listed(names: Sequence[str]) -> str:
    """Return names as they stand in a sentence.

    Examples
    --------
    >>> _listed(["plan", "country", "platform"])
    'plan, country and platform'
    """
    *others, last = names or [""]
    return f"{', '.join(others)} and {last}" if others else last
