"""Keys of metrics that count events of a unit."""

from __future__ import annotations

from abtest.data.request import Single, UnitValue
from abtest.data.settings import Names
from abtest.metrics.activity import (
    Counted,
    EventNames,
    UnitAggregate,
    counted_value,
    names_of,
)
from abtest.metrics.definition import MetricDefinition


class CountingMetric(MetricDefinition):
    """A metric of the number of a unit's events."""

    event: EventNames | None = None
    """Event that is counted, or a list of events of which each counts (events data); "*" is any."""
    ignore: Names = ()
    """Events that do not count where `event` is "*" (events data)."""

    def counted(self, aggregate: UnitAggregate | Single) -> UnitValue:
        """Return the number of a unit's events in the window, or what is taken of one."""
        assert self.event is not None
        assert self.window_days is not None
        events = Counted(names_of(self.event), self.ignore)
        return counted_value(events, aggregate, self.window_days, self.window)
