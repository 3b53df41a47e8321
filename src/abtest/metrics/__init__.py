"""Metrics: each kind is one module; this list is all that knows them together."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from abtest.metrics.cumulative import CumulativeMetric
from abtest.metrics.days import day_range
from abtest.metrics.definition import MetricDefinition
from abtest.metrics.mean import MeanMetric
from abtest.metrics.misfit import Misfit
from abtest.metrics.proportion import ProportionMetric
from abtest.metrics.quantile import QuantileMetric
from abtest.metrics.ratio import RatioMetric
from abtest.metrics.score import ScoreMetric
from abtest.metrics.time_to_event import TimeToEventMetric

AnyMetric = Annotated[
    MeanMetric
    | ProportionMetric
    | RatioMetric
    | QuantileMetric
    | TimeToEventMetric
    | ScoreMetric
    | CumulativeMetric,
    Field(discriminator="kind"),
]

__all__ = [
    "AnyMetric",
    "CumulativeMetric",
    "MeanMetric",
    "MetricDefinition",
    "Misfit",
    "ProportionMetric",
    "QuantileMetric",
    "RatioMetric",
    "ScoreMetric",
    "TimeToEventMetric",
    "day_range",
]
