"""Times to an event, summed up: every distinct time with how many units left and entered there."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from abtest.errors import UsageError
from abtest.stats.floats import Values, as_floats
from abtest.stats.moments import Floats
from abtest.stats.not_estimable import NotEstimable

Counts = NDArray[np.int64]
_COLUMNS = ("events", "censored", "entries")


@dataclass(frozen=True, eq=False)
class EventTimes:
    """Distinct times in rising order with the units that had the event, left, or entered there.

    Any partition of the units merges exactly (``+``), so that ten million units on day counts
    are a table of some hundred rows. Make it with `from_values` or `from_table`, which check
    what they are given.

    Attributes
    ----------
    times
        Distinct finite times since the start of the clock, 0 or later, rising, shape (k,).
    events
        Units whose event was at this time, shape (k,).
    censored
        Units last seen without the event at this time, shape (k,).
    entries
        Units that came under observation only at this time (delayed entry), shape (k,). They are
        at risk after it: the intervals are (entry, time], as in R. Units that were watched from
        the start are not in this column.
    nulls
        Units left out because something about them was null.

    Notes
    -----
    Where times are whole days, a unit without the event has the last day that was watched to its
    end. With the day on which it was lost, it would count as watched for all of that day, and
    arms that lose units at different rates would differ without an effect.

    Examples
    --------
    >>> first = EventTimes.from_values([3.0, 5.0, 5.0], [True, True, False])
    >>> both = first + EventTimes.from_values([2.0, 5.0], [1, 1], entry=[0, 3])
    >>> both.times.tolist(), both.events.tolist(), both.censored.tolist(), both.entries.tolist()
    ([2.0, 3.0, 5.0], [1, 1, 2], [0, 0, 1], [0, 1, 0])
    >>> both.at_risk.tolist()
    [4, 3, 3]
    """

    times: Floats
    events: Counts
    censored: Counts
    entries: Counts
    nulls: int = 0

    @classmethod
    def from_values(cls, time: Values, observed: Values, entry: Values | None = None) -> EventTimes:
        """Build from one row per unit.

        Parameters
        ----------
        time
            When the unit had the event, or was last seen without it; 0 or later.
        observed
            Whether `time` is that of the event (1 or True), not the end of observation.
        entry
            When the unit came under observation, before its `time`; 0 is from the start. All
            from the start unless given.

        Raises
        ------
        UsageError
            If a column is not one column of numbers, or they differ in length.
        NotEstimable
            ``not_finite``, ``not_binary`` (of `observed`) or ``impossible_times`` (before 0, or
            an entry that is not before its time).
        """
        columns = [as_floats(time, "time"), as_floats(observed, "observed")]
        columns.append(np.zeros(columns[0].shape) if entry is None else as_floats(entry, "entry"))
        require_same_length(columns)
        null = np.isnan(columns[0]) | np.isnan(columns[1]) | np.isnan(columns[2])
        if null.any():
            columns = [column[~null] for column in columns]
        times, seen, start = columns
        require_times(times, start)
        if not np.isin(seen, (0.0, 1.0)).all():
            raise NotEstimable(
                "not_binary",
                "Whether the event was observed must be 0 or 1",
                given=str(seen[(seen != 0.0) & (seen != 1.0)][:5].tolist()),
                todo="Give 1 for an event and 0 for the end of observation.",
            )
        late = start > 0.0
        if (start[late] >= times[late]).any():
            raise impossible("A unit enters at or after its own time")
        return cls._summed(
            np.concatenate([times, start[late]]),
            (
                np.concatenate([seen, np.zeros(int(late.sum()))]),
                np.concatenate([1.0 - seen, np.zeros(int(late.sum()))]),
                np.concatenate([np.zeros(times.size), np.ones(int(late.sum()))]),
            ),
            int(null.sum()),
        )

    @classmethod
    def from_table(
        cls, times: Values, events: Values, censored: Values, entries: Values | None = None
    ) -> EventTimes:
        """Build from times, in any order and possibly repeated, and the units at each.

        Units at a null time are counted in `nulls`.

        Raises
        ------
        UsageError
            If a column is not one column of numbers, or they differ in length.
        NotEstimable
            ``not_finite``, ``not_a_count``, or ``impossible_times`` (before 0, or more units
            enter than leave later).

        Examples
        --------
        >>> EventTimes.from_table([7, 0, 7], [1, 4, 2], [0, 0, 93]).events.tolist()
        [4, 3]
        """
        columns = [as_floats(times, "times"), as_floats(events, "events")]
        columns.append(as_floats(censored, "censored"))
        shape = columns[0].shape
        columns.append(np.zeros(shape) if entries is None else as_floats(entries, "entries"))
        require_same_length(columns)
        for name, column in zip(_COLUMNS, columns[1:], strict=True):
            # NaN passes none of these comparisons
            if not ((column >= 0.0) & (column < 2.0**53) & (np.trunc(column) == column)).all():
                raise NotEstimable(
                    "not_a_count",
                    "Numbers of units must be whole and at least 0",
                    given=f"{name}: {column[:5].tolist()}",
                    todo="Give numbers of units at each time, not shares.",
                )
        null = np.isnan(columns[0])
        if columns[3][null].any():
            raise impossible("Units enter at a time that is null")
        known = [column[~null] for column in columns]
        require_times(known[0], known[0])
        summed = cls._summed(
            known[0],
            (known[1], known[2], known[3]),
            int(columns[1][null].sum() + columns[2][null].sum()),
        )
        if summed.entries[summed.times == 0.0].any():
            raise impossible("Units enter at time 0: those are watched from the start")
        if (summed.at_risk < summed.events + summed.censored).any():
            raise impossible("More units enter than leave later")
        return summed

    @classmethod
    def _summed(
        cls, times: Floats, columns: tuple[Floats, Floats, Floats], nulls: int
    ) -> EventTimes:
        """Return the table with one row per distinct time at which anything happens."""
        distinct, place = np.unique(times, return_inverse=True)
        sums = [
            np.bincount(place, weights=column, minlength=distinct.size).astype(np.int64)
            for column in columns
        ]
        kept = (sums[0] + sums[1] + sums[2]) > 0
        # adding 0.0 turns -0.0, which equals 0.0, into it
        events, censored, entries = (column[kept] for column in sums)
        return cls(distinct[kept] + 0.0, events, censored, entries, nulls)

    def __add__(self, other: EventTimes) -> EventTimes:
        """Return the table of the units of both together, exactly."""
        columns = [
            np.concatenate([getattr(self, name), getattr(other, name)]).astype(np.float64)
            for name in _COLUMNS
        ]
        return EventTimes._summed(
            np.concatenate([self.times, other.times]),
            (columns[0], columns[1], columns[2]),
            self.nulls + other.nulls,
        )

    @property
    def n(self) -> int:
        """Units under observation at some time."""
        return int(self.events.sum() + self.censored.sum())

    @cached_property
    def at_risk(self) -> Counts:
        """Units under observation and without the event just before each time, shape (k,)."""
        return self.at_risk_at(self.times)

    def at_risk_at(self, times: Floats) -> Counts:
        """Return the units under observation and without the event just before given times."""
        net = self.events + self.censored - self.entries
        after = np.concatenate([np.cumsum(net[::-1])[::-1], np.zeros(1, dtype=np.int64)])
        return np.asarray(after[np.searchsorted(self.times, times, side="left")])


def arm_event_times(values: object, name: str) -> EventTimes:
    """Return one arm as `EventTimes`: as it came, or from its columns (time, observed[, entry]).

    Raises
    ------
    UsageError
        If it is neither.
    """
    if isinstance(values, EventTimes):
        return values
    if not (isinstance(values, tuple) and len(values) in (2, 3)):
        raise UsageError(
            "Times need to know whether the event was observed",
            given=f"{type(values).__name__} of {name}",
            todo="Give (time, observed), (time, observed, entry), or EventTimes.",
        )
    return EventTimes.from_values(*values)


def require_same_length(columns: list[Floats]) -> None:
    """Refuse columns of different lengths."""
    if len({column.size for column in columns}) != 1:
        raise UsageError(
            "The columns of times must be equally long",
            given=f"lengths {[column.size for column in columns]}",
            todo="Give one entry per unit, or per row of the table, in each.",
        )


def require_times(times: Floats, entries: Floats) -> None:
    """Refuse infinite times, and times before the start of the clock."""
    if np.isinf(times).any() or np.isinf(entries).any():
        raise NotEstimable(
            "not_finite",
            "Times are infinite",
            given="an infinite time",
            todo="A unit without the event has the time when it was last seen, observed = 0.",
        )
    if (times < 0.0).any() or (entries < 0.0).any():
        raise impossible("Times are before the start of the clock")


def impossible(what: str) -> NotEstimable:
    """Return the error of times that cannot be."""
    return NotEstimable(
        "impossible_times",
        what,
        todo="Count times from the start of each unit's clock, entries before exits.",
    )
