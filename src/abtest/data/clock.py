"""Moments on this side of the engine: midnights, UTC wall clocks, the default `as_of`."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo


def midnight(day: date, zone: str) -> datetime:
    """Return the moment at which a calendar day starts in a timezone."""
    return datetime.combine(day, time(0), tzinfo=ZoneInfo(zone))


def local_date(moment: datetime, zone: str) -> date:
    """Return the calendar day in a timezone on which a moment falls.

    Examples
    --------
    >>> local_date(datetime(2026, 1, 4, 23, tzinfo=UTC), "Europe/Berlin")
    datetime.date(2026, 1, 5)
    """
    return moment.astimezone(ZoneInfo(zone)).date()


def clock_changes(
    zone: str, first: datetime, last: datetime
) -> list[tuple[datetime | None, timedelta]]:
    """Return what a zone's clock is ahead of UTC between two moments, with when that began.

    The first began before, with None. Two changes within a day of UTC are not told apart.

    Examples
    --------
    >>> moments = datetime(2026, 1, 4, tzinfo=UTC), datetime(2026, 7, 4, tzinfo=UTC)
    >>> for since, ahead in clock_changes("Europe/Berlin", *moments):
    ...     print(since, ahead)
    None 1:00:00
    2026-03-29 01:00:00+00:00 2:00:00
    """
    place = ZoneInfo(zone)

    def ahead(moment: datetime) -> timedelta:
        found = moment.astimezone(place).utcoffset()
        assert found is not None  # a zone has one at every moment
        return found

    start = first.astimezone(UTC)
    found: list[tuple[datetime | None, timedelta]] = [(None, ahead(start))]
    while start < last:
        end = start + timedelta(days=1)
        if ahead(end) != ahead(start):
            before, after = start, end
            while after - before > timedelta(seconds=1):
                middle = before + (after - before) / 2
                before, after = (
                    (middle, after) if ahead(middle) == ahead(start) else (before, middle)
                )
            found.append((after.replace(microsecond=0), ahead(end)))
        start = end
    return found


def default_as_of(latest: datetime, now: datetime, zone: str) -> datetime:
    """Return the midnight after the latest time if that has passed, else the midnight before.

    Examples
    --------
    >>> latest = datetime(2026, 1, 4, 18, tzinfo=UTC)
    >>> default_as_of(latest, datetime(2026, 3, 1, tzinfo=UTC), "UTC").isoformat()
    '2026-01-05T00:00:00+00:00'
    >>> default_as_of(latest, datetime(2026, 1, 4, 20, tzinfo=UTC), "UTC").isoformat()
    '2026-01-04T00:00:00+00:00'
    """
    day = local_date(latest, zone)
    after = midnight(day + timedelta(days=1), zone)
    return after if after <= now else midnight(day, zone)


def aware(moment: datetime, zone: str) -> datetime:
    """Return the moment with a zone; without one it was meant in `zone`."""
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=ZoneInfo(zone))


def utc_clock(moment: datetime) -> datetime:
    """Return the zone-less UTC wall clock of a moment: the form in which times are compared."""
    return moment.astimezone(UTC).replace(tzinfo=None)


def microseconds(days: float) -> int:
    """Return days of 24 hours as microseconds.

    Examples
    --------
    >>> microseconds(0.5)
    43200000000
    """
    return round(days * 86_400_000_000)
