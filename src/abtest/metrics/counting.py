"""Keys of metrics that count events of a unit."""

from __future__ import annotations

from dataclasses import replace

from abtest.data.request import EventValue, Single, UnitValue, mapped
from abtest.data.settings import Names
from abtest.metrics.activity import (
    Counted,
    EventNames,
    UnitAggregate,
    counted_value,
    names_of,
)
from abtest.metrics.definition import MetricDefinition
from abtest.metrics.wording import event_name


class CountingMetric(MetricDefinition):
    """A metric of the number of a unit's events."""

    event: EventNames | None = None
    """Event that is counted, or a list of events of which each counts (events data); "*" is any."""
    ignore: Names = ()
    """Events that do not count where `event` is "*" (events data)."""

    up_to: EventNames | None = None
    """Only what comes before the first of these counts, or with it (events data)."""

    @property
    def ending(self) -> str:
        """What ends the counting, as it follows the number in a sentence."""
        return "" if self.up_to is None else f" up to the first {event_name(self.up_to)}"

    def counted(self, aggregate: UnitAggregate | Single) -> UnitValue:
        """Return the number of a unit's events in the window, or what is taken of one."""
        assert self.event is not None
        assert self.window_days is not None
        events = Counted(names_of(self.event), self.ignore)
        value = counted_value(events, aggregate, self.window_days, self.window)
        if self.up_to is None:
            return value
        names = names_of(self.up_to)

        def ended(source: UnitValue) -> UnitValue:
            return replace(source, until=names) if isinstance(source, EventValue) else source

        return mapped(value, ended)
