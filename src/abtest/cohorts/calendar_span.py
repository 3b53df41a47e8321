"""The complete calendar periods of a log."""

from __future__ import annotations

from datetime import UTC, datetime

from abtest.cohorts.log import EventLog
from abtest.cohorts.periods import Period, number_of_date, unfinished
from abtest.data.clock import local_date
from abtest.errors import DataError


def complete_span(log: EventLog, period: Period) -> tuple[int, int]:
    """Return the number of the log's first calendar period, and of the first that has not ended.

    Raises
    ------
    DataError
        ``no_complete_period``.
    """
    first = number_at(log, log.facts.first, period)
    end = unfinished(log.as_of, log.timezone, period)
    if end <= first:
        raise DataError(
            f"No calendar {period} of the log is complete",
            given=f"{log.label} from {log.facts.first.isoformat()}Z, as_of {log.until}",
            todo="give a later as_of if the log goes on, or take shorter periods",
            code="no_complete_period",
        )
    return first, end


def shown_span(log: EventLog, period: Period) -> tuple[int, int]:
    """Return the span of `complete_span`; with arms it begins with the first exposure.

    Raises
    ------
    DataError
        ``no_complete_period``.
    """
    first, end = complete_span(log, period)
    if log.arms is None:
        return first, end
    begun = log.run(log.arms.units.aggregate(x=log.arms.units["start"].min()))["x"][0].as_py()
    return min(max(first, number_at(log, begun, period)), end - 1), end


def number_at(log: EventLog, clock: datetime, period: Period) -> int:
    """Return the number of the calendar period of a moment, given as UTC without zone."""
    return number_of_date(local_date(clock.replace(tzinfo=UTC), log.timezone), period)
