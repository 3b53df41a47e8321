"""Metrics: each kind is one module; this list is all that knows them together."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from abtest.metrics.definition import MetricDefinition, Misfit, day_range
from abtest.metrics.mean import MeanMetric
from abtest.metrics.proportion import ProportionMetric
from abtest.metrics.ratio import RatioMetric

AnyMetric = Annotated[MeanMetric | ProportionMetric | RatioMetric, Field(discriminator="kind")]

__all__ = [
    "AnyMetric",
    "MeanMetric",
    "MetricDefinition",
    "Misfit",
    "ProportionMetric",
    "RatioMetric",
    "day_range",
]
