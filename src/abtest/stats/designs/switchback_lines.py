"""Rows of a switchback experiment at the door: which period, region and block each belongs to."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from abtest.errors import UsageError
from abtest.stats.clusters.ids import numbered
from abtest.stats.floats import Values, as_floats

_CHANCE = 10
"""Blocks that agree between regions by a chance of 1 in 2 to this power."""


@dataclass(frozen=True, eq=False)
class Lines:
    """Which line each row belongs to, and what the lines are, ordered by region and time.

    Attributes
    ----------
    place
        Number of the line of each row.
    arm
        Whether each row was treated.
    period, region, block, treated
        Of each line; blocks are numbered in order of region and time.
    regions, blocks
        Names of the regions, and (region, block) of each block.
    """

    place: NDArray[np.int64]
    arm: NDArray[np.bool_]
    period: NDArray[np.int64]
    region: NDArray[np.int64]
    block: NDArray[np.int64]
    treated: NDArray[np.bool_]
    regions: tuple[Hashable, ...]
    blocks: tuple[tuple[Hashable, Hashable], ...]

    @classmethod
    def of(
        cls,
        rows: int,
        periods: Values,
        treated: Values,
        regions: Values | None,
        blocks: Values | None,
    ) -> Lines:
        """Return the lines of a number of rows.

        Raises
        ------
        UsageError
            If they do not fit together, or are no switchback experiment.
        """
        time, arm = _whole(periods), _arms(treated)
        region = np.zeros(rows, dtype=np.int64)
        region_names: list[Hashable] = [None]
        if regions is not None:
            region, region_names = numbered(regions, "the periods", group="region")
        block, names = time, None
        if blocks is not None:
            block, names = numbered(blocks, "the periods", group="block")
        if {len(part) for part in (time, arm, region, block)} != {rows}:
            raise UsageError(
                "Every row has a period, and an arm, and a region and a block where there are some",
                given=f"{rows} rows, {len(time)} periods, {len(arm)} arms, {len(region)} regions, "
                f"{len(block)} blocks",
                todo="Give one of each for every row.",
            )
        times, code = np.unique(time, return_inverse=True)
        count = max(len(times), 1)
        lines, first, place = np.unique(
            region * count + np.asarray(code).reshape(-1), return_index=True, return_inverse=True
        )
        period, own_region = times[lines % count], lines // count
        _require_same(
            arm, arm[first][place], "period", "was treated in some rows and not in others"
        )
        _require_same(block, block[first][place], "period", "is in two blocks")
        pairs, number = _blocks(own_region, block[first])
        treated_lines = arm[first]
        starts = np.flatnonzero(np.diff(number, prepend=-1))
        _require_same(
            treated_lines, treated_lines[starts][number], "block", "was treated in a part of it"
        )
        _require_own_switches(period, treated_lines, pairs)
        return cls(
            place=place,
            arm=arm,
            period=period,
            region=own_region,
            block=number,
            treated=treated_lines,
            regions=tuple(region_names),
            blocks=tuple(
                (region_names[one], names[own] if names is not None else own) for one, own in pairs
            ),
        )


def _blocks(
    region: NDArray[np.int64], block: NDArray[np.int64]
) -> tuple[list[tuple[int, int]], NDArray[np.int64]]:
    """Return (region, block) of the blocks in order, and the number of each line's."""
    starts = np.ones(block.size, dtype=bool)
    starts[1:] = (np.diff(block) != 0) | (np.diff(region) != 0)
    pairs = list(zip(region[starts].tolist(), block[starts].tolist(), strict=True))
    if len(set(pairs)) < len(pairs):
        raise UsageError(
            "The periods of a block follow each other",
            given="a block that goes on after another one began",
            todo="Name blocks apart; leave blocks out if each period was assigned by itself.",
        )
    return pairs, np.cumsum(starts) - 1


def _whole(periods: Values) -> NDArray[np.int64]:
    time = as_floats(periods, "periods")
    if not (np.isfinite(time).all() and (time % 1.0 == 0.0).all() and (np.abs(time) < 2**53).all()):
        raise UsageError(
            "Periods are whole numbers that count time",
            given="a period that is no whole number, or too large a one",
            todo="Number the periods, such as hours since the start of the experiment.",
        )
    return time.astype(np.int64)


def _arms(treated: Values) -> NDArray[np.bool_]:
    arm = as_floats(treated, "treated")
    if not np.isin(arm, (0.0, 1.0)).all():
        raise UsageError(
            "A period was treated or it was not",
            given="values other than 0 and 1",
            todo="Give 1 or True for treated rows, 0 or False for the others.",
        )
    return np.asarray(arm == 1.0)


def _require_same(found: NDArray[Any], first: NDArray[Any], what: str, fault: str) -> None:
    odd = int((found != first).sum())
    if odd:
        raise UsageError(
            f"A {what} {fault}",
            given=f"{odd} lines that differ from the first one of their {what}",
            todo="Look at how periods were cut: arms switch between them, not within.",
        )


def _require_own_switches(
    period: NDArray[np.int64],
    treated: NDArray[np.bool_],
    blocks: list[tuple[int, int]],
) -> None:
    """Refuse regions that always have the same arm at the same time: time alone was assigned."""
    by_region = np.bincount([one for one, _ in blocks])
    if len(by_region) < 2 or len(blocks) - by_region.max() < _CHANCE:
        return
    _, first, same = np.unique(period, return_index=True, return_inverse=True)
    same = np.asarray(same).reshape(-1)
    if (treated == treated[first][same]).all() and len(first) < len(period):
        raise UsageError(
            "All regions were switched together",
            given=f"{len(by_region)} regions with the same arm in every period they share",
            todo="Leave regions out: what was assigned is the period, whatever its regions.",
        )
