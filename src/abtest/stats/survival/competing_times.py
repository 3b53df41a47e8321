"""Times to the first of several events, summed up: distinct times with the units of each cause."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from abtest.errors import UsageError
from abtest.stats.arguments import require_count
from abtest.stats.floats import Values, as_floats
from abtest.stats.moments import Floats
from abtest.stats.not_estimable import NotEstimable
from abtest.stats.survival.event_times import Counts, EventTimes, require_same_length, require_times

MOST_CAUSES = 100
"""More causes than this are no causes but something else, such as ids."""


@dataclass(frozen=True, eq=False)
class CompetingTimes:
    """Distinct times in rising order with the units that had each event first, or left there.

    A unit has one of several events that exclude each other (it pays, or cancels), or none yet.
    Any partition of the units merges exactly (``+``). Make it with `from_values` or
    `from_table`, which check what they are given. All units are watched from the start.

    Attributes
    ----------
    times
        Distinct finite times since the start of the clock, 0 or later, rising, shape (k,).
    events
        Units whose first event was here, one column per cause, shape (k, causes); the first
        column is cause 1.
    censored
        Units last seen without any event at this time, shape (k,).
    nulls
        Units left out because something about them was null.

    Examples
    --------
    >>> first = CompetingTimes.from_values([3.0, 5.0, 5.0], [1, 2, 0])
    >>> both = first + CompetingTimes.from_values([2.0, 5.0], [1, 1])
    >>> both.times.tolist(), both.events.tolist(), both.censored.tolist()
    ([2.0, 3.0, 5.0], [[1, 0], [1, 0], [1, 1]], [0, 0, 1])
    """

    times: Floats
    events: Counts
    censored: Counts
    nulls: int = 0

    @classmethod
    def from_values(cls, time: Values, cause: Values) -> CompetingTimes:
        """Build from one row per unit.

        Parameters
        ----------
        time
            When the unit had its first event, or was last seen without one; 0 or later.
        cause
            Which event it was: 1, 2, ... up to 100; 0 where none was seen.

        Raises
        ------
        UsageError
            If a column is not one column of numbers, or they differ in length.
        NotEstimable
            ``not_finite``, ``not_a_count`` (of `cause`) or ``impossible_times`` (before 0).
        """
        columns = [as_floats(time, "time"), as_floats(cause, "cause")]
        require_same_length(columns)
        null = np.isnan(columns[0]) | np.isnan(columns[1])
        times, causes = (column[~null] for column in columns)
        require_times(times, times)
        whole = (causes >= 0.0) & (causes <= MOST_CAUSES) & (np.trunc(causes) == causes)
        if not whole.all():
            raise NotEstimable(
                "not_a_count",
                f"Causes are whole numbers from 0 to {MOST_CAUSES}",
                given=str(causes[~whole][:5].tolist()),
                todo="Number the events 1, 2, ... and give 0 where none was seen.",
            )
        distinct, place = np.unique(times, return_inverse=True)
        width = int(causes.max(initial=1.0)) + 1
        cells = place * width + causes.astype(np.int64)
        units = np.bincount(cells, minlength=distinct.size * width).reshape(-1, width)
        return cls(distinct + 0.0, units[:, 1:], units[:, 0], int(null.sum()))

    @classmethod
    def from_table(cls, times: Values, events: Values, censored: Values) -> CompetingTimes:
        """Build from times, in any order and possibly repeated, and the units at each.

        Parameters
        ----------
        times
            The times, shape (k,).
        events
            One column of units per cause: a sequence of columns, each of shape (k,).
        censored
            Units last seen without any event, shape (k,).

        Raises
        ------
        UsageError
            If a column is not one column of numbers, they differ in length, or there is none.
        NotEstimable
            ``not_finite``, ``not_a_count`` or ``impossible_times`` (before 0).

        Examples
        --------
        >>> table = CompetingTimes.from_table([7, 0, 7], [[1, 4, 2], [0, 1, 0]], [0, 0, 93])
        >>> table.events.tolist()
        [[4, 1], [3, 0]]
        """
        if not isinstance(events, list | tuple | np.ndarray) or not 0 < len(events) <= MOST_CAUSES:
            raise UsageError(
                "Events are one column of units per cause",
                given=type(events).__name__,
                todo="Give a list of columns, such as events=[paid, cancelled].",
            )
        parts = [
            EventTimes.from_table(times, column, np.zeros(np.shape(column))) for column in events
        ]
        left = EventTimes.from_table(times, np.zeros(np.shape(censored)), censored)
        every = np.unique(np.concatenate([part.times for part in (*parts, left)]))
        units = np.zeros((every.size, len(parts)), dtype=np.int64)
        for cause, part in enumerate(parts):
            units[np.searchsorted(every, part.times), cause] = part.events
        gone = np.zeros(every.size, dtype=np.int64)
        gone[np.searchsorted(every, left.times)] = left.censored
        return cls(every, units, gone, left.nulls + sum(part.nulls for part in parts))

    def __add__(self, other: CompetingTimes) -> CompetingTimes:
        """Return the table of the units of both together, exactly."""
        every = np.union1d(self.times, other.times)
        causes = max(self.events.shape[1], other.events.shape[1])
        units = np.zeros((every.size, causes), dtype=np.int64)
        gone = np.zeros(every.size, dtype=np.int64)
        for part in (self, other):
            rows = np.searchsorted(every, part.times)
            units[rows, : part.events.shape[1]] += part.events
            gone[rows] += part.censored
        return CompetingTimes(every, units, gone, self.nulls + other.nulls)

    @property
    def n(self) -> int:
        """Units."""
        return int(self.events.sum() + self.censored.sum())

    @cached_property
    def any_event(self) -> EventTimes:
        """The times to whichever event came first."""
        nobody = np.zeros(self.times.shape, dtype=np.int64)
        return EventTimes(self.times, self.events.sum(axis=1), self.censored, nobody, self.nulls)

    def of_cause(self, cause: int) -> Counts:
        """Return the units that had one cause at each time; none where it has no column."""
        if cause > self.events.shape[1]:
            return np.zeros(self.times.shape, dtype=np.int64)
        return np.asarray(self.events[:, cause - 1])


def arm_competing_times(values: object, name: str) -> CompetingTimes:
    """Return one arm as `CompetingTimes`: as it came, or from its columns (time, cause).

    Raises
    ------
    UsageError
        If it is neither.
    """
    if isinstance(values, CompetingTimes):
        return values
    if not (isinstance(values, tuple) and len(values) == 2):
        raise UsageError(
            "Times need to know which event was the first",
            given=f"{type(values).__name__} of {name}",
            todo="Give (time, cause), with cause 0 where none was seen, or CompetingTimes.",
        )
    return CompetingTimes.from_values(*values)


def require_cause(cause: int) -> int:
    """Return the number of a cause.

    Raises
    ------
    UsageError
        If it is no whole number from 1 to 100.
    """
    number = require_count(cause, "cause", smallest=1)
    if number > MOST_CAUSES:
        raise UsageError(
            f"Causes are numbered from 1 to {MOST_CAUSES}",
            given=repr(cause),
            todo="Give the number that the event of interest has in the data.",
        )
    return number
