"""Local calendar days of many events: the clock's few changes are known before they are read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import ibis
import ibis.expr.types as ir

from abtest.data import engine
from abtest.data.clock import clock_changes

_MANY_CHANGES = timedelta(days=10 * 366)


def local_days(moment: ir.Value, zone: str, first: datetime | None, last: datetime) -> ir.Value:
    """Return the calendar date in `zone` of a UTC wall clock, right from `first` to `last`.

    An engine's own conversion of each moment costs some twenty times as much; it is made where
    `first` is not known, or so long ago that the changes of the clock are many.
    """
    if zone == "UTC" or first is None or last - first > _MANY_CHANGES:
        return engine.local_day(moment, zone)
    changes = clock_changes(zone, first, last)
    shifted = [moment + ibis.interval(seconds=int(ahead.total_seconds())) for _, ahead in changes]
    branches = [
        (moment < ibis.literal(since.astimezone(UTC).replace(tzinfo=None), "timestamp(6)"), before)
        for (since, _), before in zip(changes[1:], shifted, strict=False)
        if since is not None
    ]
    local = ibis.cases(*branches, else_=shifted[-1]) if branches else shifted[0]
    return local.date()
