"""Periods: calendar days, weeks and months of a log, or stretches of days after a start."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Literal

import ibis
import ibis.expr.types as ir

from abtest.data.clock import local_date

Period = Literal["day", "week", "month"]
PERIODS: tuple[Period, ...] = ("day", "week", "month")
ROLLING_DAYS: dict[str, int] = {"day": 1, "week": 7, "month": 28}
"""Days of a period that counts from a unit's start; a month is four weeks."""
_EPOCH = date(1970, 1, 1)
_MONDAY = 3
"""Days from a Monday to the epoch, a Thursday."""


def period_number(day: ir.Value, period: Period) -> ir.Value:
    """Return the number of the calendar period in which a date lies; they count on.

    Weeks start on Monday (ISO 8601).
    """
    if period == "month":
        return (day.year() * 12 + day.month() - 1).cast("int64")
    days = day.delta(ibis.literal(_EPOCH), unit="day").cast("int64")
    return days if period == "day" else ((days + _MONDAY) // 7).cast("int64")


def number_of_date(day: date, period: Period) -> int:
    """Return the number of the calendar period of a date, as `period_number` counts.

    Examples
    --------
    >>> number_of_date(date(2026, 1, 5), "week") - number_of_date(date(2026, 1, 4), "week")
    1
    """
    if period == "month":
        return day.year * 12 + day.month - 1
    days = (day - _EPOCH).days
    return days if period == "day" else (days + _MONDAY) // 7


def first_date(number: int, period: Period) -> date:
    """Return the first date of a calendar period.

    Examples
    --------
    >>> first_date(number_of_date(date(2026, 1, 7), "week"), "week").isoformat()
    '2026-01-05'
    """
    if period == "month":
        return date(number // 12, number % 12 + 1, 1)
    return _EPOCH + timedelta(days=number if period == "day" else 7 * number - _MONDAY)


def unfinished(as_of: datetime, zone: str, period: Period) -> int:
    """Return the number of the first calendar period that has not ended at a moment."""
    return number_of_date(local_date(as_of, zone), period)


def period_name(number: int, period: Period) -> str:
    """Return a calendar period as people write it: a month, or its first day.

    Examples
    --------
    >>> period_name(number_of_date(date(2026, 1, 7), "month"), "month")
    '2026-01'
    """
    first = first_date(number, period)
    return f"{first:%Y-%m}" if period == "month" else first.isoformat()


def days_label(period: int, days: int) -> str:
    """Return the days of a period that counts from a start; day 0 is the first.

    Examples
    --------
    >>> days_label(1, 7), days_label(3, 1)
    ('days 7–13', 'day 3')
    """
    first = period * days
    return f"day {first}" if days == 1 else f"days {first}–{first + days - 1}"
