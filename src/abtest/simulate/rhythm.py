"""Times of the day and of the week, in whole microseconds since 1970 (UTC)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

SECOND = 1_000_000
HOUR = 3600 * SECOND
DAY = 24 * HOUR
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EPOCH_WEEKDAY = EPOCH.weekday()


def microseconds(moment: datetime) -> int:
    """Return whole microseconds since 1970 of a moment with a zone."""
    return (moment - EPOCH) // timedelta(microseconds=1)


def weekday(times: Ints) -> Ints:
    """Return the weekday of each time: 0 is Monday."""
    return (times // DAY + EPOCH_WEEKDAY) % 7


def times_of_day(rng: np.random.Generator, hours: Sequence[float], count: int) -> Ints:
    """Return `count` times since midnight whose hours have the given proportions."""
    edges = np.concatenate([[0.0], np.cumsum(hours)]) / np.sum(hours)
    drawn = np.interp(rng.random(count), edges, np.arange(len(hours) + 1) * float(HOUR))
    return np.asarray(np.minimum(drawn.astype(np.int64), DAY - 1))


def moment_in_day_after(begins: Ints, time_of_day: Ints) -> Ints:
    """Return the one moment in [begins, begins + 24 h) that has the given time of day."""
    return begins + (time_of_day - begins) % DAY


def enrolment_times(
    rng: np.random.Generator,
    span: tuple[int, int],
    weekdays: Sequence[float],
    hours: Sequence[float],
    count: int,
) -> Ints:
    """Return `count` moments in [span), busier at the launch and uneven from day to day.

    A day's weight is its weekday's, times 1 + exp(-day / 3) for the rush after the launch,
    times a log-normal number (sigma 0.2) for everything else that makes days differ.
    """
    begin, end = span
    days = np.arange(begin // DAY, (end - 1) // DAY + 1)
    weight = np.asarray(weekdays)[(days + EPOCH_WEEKDAY) % 7]
    weight = weight * (1 + np.exp(-np.arange(days.size) / 3.0))
    weight = weight * rng.lognormal(sigma=0.2, size=days.size)
    chosen = rng.choice(days, size=count, p=weight / weight.sum())
    drawn = chosen * DAY + times_of_day(rng, hours, count)
    # Days that are cut by the ends of the span lend their users to the rest of that day.
    return begin + (drawn - begin) % (end - begin)
