"""Pictures of one metric, from what was measured of it."""

from __future__ import annotations

from functools import reduce
from operator import add
from typing import TYPE_CHECKING

from abtest.experiment.ruling import Ruled
from abtest.metrics import MetricDefinition
from abtest.stats import NotEstimable

if TYPE_CHECKING:
    from abtest.show.drawing import Chart


def metric_pictures(ruled: Ruled, metric: MetricDefinition, control: str) -> tuple[Chart, ...]:
    """Return the pictures of a metric, with intervals at the level of its rows.

    None where the allocation changed: an arm's curve over several phases mixes early and late
    units in other shares than the other arm's, and would show what the effect leaves out.
    """
    measured = ruled.measured
    if metric.id in measured.failures or measured.phases > 1:
        return ()
    level = next(
        (
            row.effect.confidence_level
            for row in ruled.rows
            if row.metric.id == metric.id and row.effect.segment is None
        ),
        None,
    )
    try:
        arms = {
            name: reduce(add, measured.samples(metric.id, name)) for name in measured.tally.exposed
        }
    except NotEstimable:  # the rows say why an arm is no sample
        return ()
    return metric.pictures(arms, control, 0.95 if level is None else level)
