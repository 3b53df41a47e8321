"""What each metric measures, for the people who read the report."""

from __future__ import annotations

from dataclasses import dataclass

from abtest.experiment.spec import ExperimentSpec
from abtest.metrics import MetricDefinition, day_range


@dataclass(frozen=True)
class MetricNote:
    """A metric's name, definition, day range and good direction, as readers see them."""

    metric: str
    label: str
    kind: str
    role: str
    direction: str
    sentence: str
    window: str
    description: str | None
    adjustment: str = ""


def notes(spec: ExperimentSpec) -> tuple[MetricNote, ...]:
    """Return a note per metric, in the order of the file."""
    return tuple(_note(metric) for metric in spec.metrics)


def _note(metric: MetricDefinition) -> MetricNote:
    return MetricNote(
        metric=metric.id,
        label=metric.label,
        kind=metric.kind_name,
        role=metric.role,
        direction=metric.direction,
        sentence=metric.definition(),
        window=day_range(metric.window_days),
        description=metric.description,
        adjustment=_adjustment(metric),
    )


def _adjustment(metric: MetricDefinition) -> str:
    """Return in words what the file asks to be taken out of the noise."""
    parts = []
    if metric.covariates:
        parts.append(f"adjusted for {', '.join(metric.covariates)} before exposure")
    if metric.strata:
        parts.append(f"compared within {' x '.join(metric.strata)}")
    return "; ".join(parts)
