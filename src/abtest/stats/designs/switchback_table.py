"""A switchback experiment as one line per region and period, with its switches and wash-out."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from abtest.stats.clusters.table import ClusterTable
from abtest.stats.designs.switchback_lines import Lines
from abtest.stats.floats import Values, as_floats
from abtest.stats.moments import Floats
from abtest.stats.results import WarningCode

_TURNS = 8
"""Switches in a row that fair coins make in 1 of 256 experiments."""


@dataclass(frozen=True, eq=False)
class SwitchbackTable:
    """Periods of an experiment in which whole periods were treated, ordered by region and time.

    Attributes
    ----------
    period
        Number in time of each line, shape (p,).
    region, block
        Numbers of its region, and of its block of periods that were assigned together.
    treated
        Whether it was treated.
    n
        Rows with a value, 0 where there were none, shape (p,).
    centre
        A number near the mean of all rows.
    shift
        Means of the lines minus `centre`, shape (p,).
    m2
        Sums of squares about the lines' means, shape (p,).
    regions
        Names of the regions; one without a name where none were given.
    blocks
        (region, block) of each block, in order of region and time.
    nulls
        Rows left out because a value was null, of (control, treatment).

    Examples
    --------
    Six periods of two rows each, assigned two at a time:

    >>> values = [5, 7, 6, 6, 9, 9, 8, 10, 4, 6, 5, 7]
    >>> periods = [1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6]
    >>> treated = [0, 0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0]
    >>> blocks = ["a", "a", "a", "a", "b", "b", "b", "b", "c", "c", "c", "c"]
    >>> table = SwitchbackTable.from_rows(values, periods, treated, blocks=blocks)
    >>> len(table), len(table.blocks), int(table.kept(1).sum())
    (6, 3, 3)
    """

    period: NDArray[np.int64]
    region: NDArray[np.int64] = field(repr=False)
    block: NDArray[np.int64] = field(repr=False)
    treated: NDArray[np.bool_]
    n: Floats
    centre: float
    shift: Floats = field(repr=False)
    m2: Floats = field(repr=False)
    regions: tuple[Hashable, ...]
    blocks: tuple[tuple[Hashable, Hashable], ...] = field(repr=False)
    nulls: tuple[int, int]

    @classmethod
    def from_rows(
        cls,
        values: Values,
        periods: Values,
        treated: Values,
        *,
        regions: Values | None = None,
        blocks: Values | None = None,
    ) -> SwitchbackTable:
        """Build from one row per order, trip or user, say.

        Parameters
        ----------
        values
            One per row; rows with a null value are left out and counted. A period without any
            row is told by one row without a value.
        periods
            The period of each row: whole numbers that count time, such as hours since the start.
        treated
            1 or True where the row's period was treated, 0 or False where it was not.
        regions
            Where each region was switched by itself: names, as clusters have.
        blocks
            Where several periods in a row were assigned together: the name of that block for each
            row, such as the day. Every period is a block of its own unless given.

        Raises
        ------
        UsageError
            If lengths differ, a period is no whole number, one period or block has both arms, the
            periods of a block do not follow each other, or all regions were switched together.
        NotEstimable
            ``not_finite`` if a value is infinite, ``too_small``.
        """
        rows = as_floats(values, "the values")
        lines = Lines.of(rows.size, periods, treated, regions, blocks)
        summed = ClusterTable.from_rows(rows, lines.place, name="the periods")
        null = np.bincount(lines.arm.astype(np.int64), weights=np.isnan(rows), minlength=2)
        return cls._of_lines(lines, summed, (int(null[0]), int(null[1])))

    @classmethod
    def from_sums(
        cls,
        counts: Values,
        sums: Values,
        periods: Values,
        treated: Values,
        *,
        squares: Values | None = None,
        pilot: float = 0.0,
        regions: Values | None = None,
        blocks: Values | None = None,
    ) -> SwitchbackTable:
        """Build from one line per region and period, or several, such as a database gives.

        Parameters
        ----------
        counts
            Rows of each line; 0 where a period had none.
        sums
            sum(v - pilot) of each line.
        periods, treated, regions, blocks
            As in `from_rows`, for each line.
        squares
            sum((v - pilot)^2), for the design effect alone: estimate and test need none.
        pilot
            What was subtracted before summing; near the mean it keeps digits.

        Raises
        ------
        UsageError
            As `from_rows`; or if a count is no whole number.
        NotEstimable
            ``not_finite``, ``too_small``.
        """
        n, totals = as_floats(counts, "counts"), as_floats(sums, "sums")
        lines = Lines.of(n.size, periods, treated, regions, blocks)
        if squares is None and n.shape == totals.shape:
            with np.errstate(over="ignore", invalid="ignore"):  # judged by the table
                squares = totals / np.maximum(n, 1.0) * totals
        summed = ClusterTable.from_sums(lines.place, n, totals, squares, pilot=pilot)
        return cls._of_lines(lines, summed, (0, 0))

    @classmethod
    def _of_lines(
        cls, lines: Lines, summed: ClusterTable, nulls: tuple[int, int]
    ) -> SwitchbackTable:
        """Return the table of lines and their sums; lines without rows have none."""
        n, shift, m2 = np.zeros((3, lines.period.size))
        held = np.array(summed.clusters, dtype=np.int64)
        n[held], shift[held], m2[held] = summed.n, summed.shift[:, 0], summed.m2[:, 0, 0]
        return cls(
            period=lines.period,
            region=lines.region,
            block=lines.block,
            treated=lines.treated,
            n=n,
            centre=float(summed.centre[0]),
            shift=shift,
            m2=m2,
            regions=lines.regions,
            blocks=lines.blocks,
            nulls=nulls,
        )

    def __len__(self) -> int:
        """Return the number of regions' periods."""
        return self.period.size

    @property
    def block_starts(self) -> NDArray[np.int64]:
        """First line of each block."""
        return np.flatnonzero(np.diff(self.block, prepend=-1))

    @property
    def warnings(self) -> tuple[WarningCode, ...]:
        """``arms_alternate`` where every block switches, which hardly ever happens by chance."""
        starts = self.block_starts
        same_region = self.region[starts][1:] == self.region[starts][:-1]
        switched = self.treated[starts][1:] != self.treated[starts][:-1]
        often = np.count_nonzero(same_region) >= _TURNS
        return ("arms_alternate",) if often and switched[same_region].all() else ()

    def kept(self, washout: int) -> NDArray[np.bool_]:
        """Return which lines are left if the first `washout` periods after each switch are not."""
        _, since = self.switches(self.treated[None, :])
        return np.asarray(since[0] >= washout)

    def switches(self, treated: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
        """Return where spells of one arm begin, and the time since their beginning.

        A region's first period begins one: what was there before is another thing.

        Parameters
        ----------
        treated
            Arms of the lines in a number of assignments, shape (a, p).
        """
        begins = np.ones(treated.shape, dtype=bool)
        begins[:, 1:] = treated[:, 1:] != treated[:, :-1]
        begins[:, 1:] |= self.region[1:] != self.region[:-1]
        place = np.where(begins, np.arange(len(self)), 0)
        return begins, self.period - self.period[np.maximum.accumulate(place, axis=1)]
