"""When an experiment is complete."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from abtest.metrics import MetricDefinition


def closes_at(end: datetime | None, metrics: Sequence[MetricDefinition]) -> datetime | None:
    """Return the moment at which the last deciding metric may be judged; None without an end."""
    if end is None:
        return None
    longest = max((metric.closes_after for metric in metrics if metric.decides), default=0.0)
    return end + timedelta(days=longest)


def is_complete(as_of: datetime | None, closes: datetime | None) -> bool:
    """Whether the data reach the close of the last window; data without times are complete."""
    return as_of is None or closes is None or as_of >= closes
