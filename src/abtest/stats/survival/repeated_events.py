"""Events that repeat, summed up: what happened at each pair of times in the same units."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from abtest.errors import UsageError
from abtest.stats.floats import Values, as_floats
from abtest.stats.moments import SMALLEST_SQUARES, Floats
from abtest.stats.not_estimable import NotEstimable, not_finite, too_small
from abtest.stats.survival.event_times import Counts, impossible, require_same_length, require_times

MOST_TIMES = 2_000
"""More distinct times than this make tables of pairs that are too large."""
Places: TypeAlias = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class RepeatedEvents:
    """Distinct times with the units last seen there, and sums of amounts at pairs of times.

    All that the mean cumulative function and its variance by unit need, whatever the number of
    units. Any partition of the units (each with all its events in one part) merges by ``+``:
    exactly where amounts are whole numbers. All units are watched from the start.

    Attributes
    ----------
    times
        Distinct finite times since the start of the clock, 0 or later, rising, shape (k,).
    ended
        Units last seen at each time, shape (k,).
    by_end
        ``by_end[i, j]``: sum of amounts at ``times[j]`` of units last seen at ``times[i]``,
        shape (k, k).
    products
        ``products[i, j]``: sum over units of their amount at ``times[i]`` times that at
        ``times[j]``, shape (k, k).
    nulls
        Units left out because something about them was null.

    Examples
    --------
    Two units, watched for 5 and 3 days; the first has events on days 2 and 4, the second on 2:

    >>> sample = RepeatedEvents.from_values([5, 3], unit=[0, 0, 1], time=[2, 4, 2])
    >>> sample.times.tolist(), sample.by_end.sum(axis=0).tolist()
    ([2.0, 3.0, 4.0, 5.0], [2.0, 0.0, 1.0, 0.0])
    """

    times: Floats
    ended: Counts
    by_end: Floats
    products: Floats
    nulls: int = 0

    @classmethod
    def from_values(
        cls, end: Values, unit: Values, time: Values, amount: Values | None = None
    ) -> RepeatedEvents:
        """Build from one row per unit and one row per event.

        Parameters
        ----------
        end
            When each unit was last seen; 0 or later, shape (n,).
        unit
            The unit of each event: its place in `end`, from 0, shape (events,).
        time
            When it happened, not after the unit was last seen.
        amount
            What it counts for, such as money spent; 1 each unless given. May be negative.

        Raises
        ------
        UsageError
            If a column is not one column of numbers, columns differ in length, a unit is not in
            `end`, or there are more than 2,000 distinct times.
        NotEstimable
            ``not_finite``, ``too_small`` (amounts whose squares are), or ``impossible_times``
            (before 0, or events after their unit was last seen).
        """
        ends = as_floats(end, "end")
        columns = [as_floats(unit, "unit"), as_floats(time, "time")]
        columns.append(np.ones(columns[0].shape) if amount is None else as_floats(amount, "amount"))
        require_same_length(columns)
        whose = _places(columns[0], ends.size)
        null = np.isnan(ends)
        np.logical_or.at(null, whose[np.isnan(columns[1]) | np.isnan(columns[2])], True)
        kept = ~null[whose]
        whose, moments, amounts = whose[kept], columns[1][kept], columns[2][kept]
        require_times(ends[~null], ends[~null])
        require_times(moments, moments)
        if (moments > ends[whose]).any():
            raise impossible("Events come after their unit was last seen")
        if np.isinf(amounts).any():
            raise not_finite()
        times = np.unique(np.concatenate([ends[~null], moments])) + 0.0
        _require_few(times)
        left = np.searchsorted(times, ends[~null])
        renumbered = np.cumsum(~null) - 1
        by_end, products, any_amount = _pairs(
            renumbered[whose], np.searchsorted(times, moments), amounts, left, times.size
        )
        _require_squares(products, any_amount)
        return cls(
            times, np.bincount(left, minlength=times.size), by_end, products, int(null.sum())
        )

    @classmethod
    def from_table(
        cls, times: Values, ended: Values, by_end: Values, products: Values
    ) -> RepeatedEvents:
        """Build from the sums as described, such as a database makes of days.

        Raises
        ------
        UsageError
            If times do not rise, shapes do not fit, or there are more than 2,000 times.
        NotEstimable
            ``not_finite``, ``not_a_count`` (of `ended`) or ``impossible_times`` (before 0, or
            amounts after the units were last seen).

        Examples
        --------
        >>> table = RepeatedEvents.from_table([1, 2], [0, 9], [[0, 0], [4, 3]], [[6, 2], [2, 3]])
        >>> table.n
        9
        """
        moments, units = as_floats(times, "times"), as_floats(ended, "ended")
        require_same_length([moments, units])
        _require_few(moments)
        if np.isnan(moments).any() or not (np.diff(moments) > 0.0).all():
            raise UsageError("Times must rise", given=str(moments[:5].tolist()), todo="Sort them.")
        require_times(moments, moments)
        if not ((units >= 0.0) & (units < 2.0**53) & (np.trunc(units) == units)).all():
            raise NotEstimable(
                "not_a_count",
                "Numbers of units must be whole and at least 0",
                given=f"ended: {units[:5].tolist()}",
                todo="Give the units last seen at each time.",
            )
        tables = [_square(table, moments.size) for table in (by_end, products)]
        if np.tril(tables[0].T, -1).any():
            raise impossible("Amounts come after their units were last seen")
        if not np.array_equal(tables[1], tables[1].T):
            raise UsageError("Products are of pairs in any order", todo="Make them symmetric.")
        _require_squares(tables[1], bool(tables[0].any()))
        # nothing is known of times after the last unit left
        seen = int(np.flatnonzero(units)[-1]) + 1 if units.any() else 0
        if tables[1][seen:].any():
            raise impossible("Amounts come after their units were last seen")
        kept = np.ix_(range(seen), range(seen))
        return cls(moments[:seen], units[:seen].astype(np.int64), tables[0][kept], tables[1][kept])

    def __add__(self, other: RepeatedEvents) -> RepeatedEvents:
        """Return the sums of the units of both together."""
        times = np.union1d(self.times, other.times)
        _require_few(times)
        ended = np.zeros(times.size, dtype=np.int64)
        by_end, products = np.zeros((times.size,) * 2), np.zeros((times.size,) * 2)
        for part in (self, other):
            rows = np.searchsorted(times, part.times)
            ended[rows] += part.ended
            by_end[np.ix_(rows, rows)] += part.by_end
            products[np.ix_(rows, rows)] += part.products
        return RepeatedEvents(times, ended, by_end, products, self.nulls + other.nulls)

    @property
    def n(self) -> int:
        """Units."""
        return int(self.ended.sum())

    @property
    def at_risk(self) -> Counts:
        """Units still watched at each time, shape (k,)."""
        return np.asarray(np.cumsum(self.ended[::-1])[::-1])


def arm_repeated_events(values: object, name: str) -> RepeatedEvents:
    """Return one arm as `RepeatedEvents`: as it came, or from (end, unit, time[, amount]).

    Raises
    ------
    UsageError
        If it is neither.
    """
    if isinstance(values, RepeatedEvents):
        return values
    if not (isinstance(values, tuple) and len(values) in (3, 4)):
        raise UsageError(
            "Events that repeat need their units, and how long those were watched",
            given=f"{type(values).__name__} of {name}",
            todo="Give (end, unit, time), (end, unit, time, amount), or RepeatedEvents.",
        )
    return RepeatedEvents.from_values(*values)


def _pairs(
    whose: Places, place: Places, amounts: Floats, left: Places, k: int
) -> tuple[Floats, Floats, bool]:
    """Return the amounts by end, the products, and whether any amount is left.

    Amounts of one unit at one time add up, so that a refund may leave nothing.
    """
    from scipy import sparse

    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        table = sparse.coo_array((amounts, (whose, place)), shape=(left.size, k)).tocsr()
        ends = sparse.coo_array((np.ones(left.size), (left, np.arange(left.size))), (k, left.size))
        by_end, products = ends.tocsr() @ table, table.T @ table
    return np.asarray(by_end.toarray()), np.asarray(products.toarray()), bool(table.data.any())


def _places(unit: Floats, n: int) -> Places:
    """Return the places of units as whole numbers."""
    known = (unit >= 0.0) & (unit < n) & (np.trunc(unit) == unit)
    if not known.all():
        raise UsageError(
            "The unit of an event is its place among the units",
            given=f"{unit[~known][:5].tolist()} of {n} units",
            todo=f"Give whole numbers from 0 to {n - 1}.",
        )
    return unit.astype(np.intp)


def _square(table: Values, k: int) -> Floats:
    """Return a table of k x k finite numbers."""
    try:
        found = np.asarray(table, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise UsageError("Sums must be numbers", given=str(error), todo="Give a table.") from error
    if found.shape != (k, k):
        raise UsageError(
            "Sums of pairs have one row and one column per time",
            given=f"shape {found.shape} with {k} times",
            todo="Give a square table.",
        )
    if not np.isfinite(found).all():
        raise not_finite()
    return found


def _require_few(times: Floats) -> None:
    if times.size > MOST_TIMES:
        raise UsageError(
            f"Events that repeat are compared on at most {MOST_TIMES:,} distinct times",
            given=f"{times.size:,} distinct times",
            todo="Round times up to whole days, and the ends of observation down.",
        )


def _require_squares(products: Floats, amounts: bool) -> None:
    """Refuse products that overflow, or that underflow though there are amounts."""
    if not np.isfinite(products).all():
        raise not_finite()
    if amounts and 0.0 <= float(np.trace(products)) < SMALLEST_SQUARES:
        raise too_small()
