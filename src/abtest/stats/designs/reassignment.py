"""Ways in which blocks of a switchback experiment could have been assigned by the same design."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from abtest.errors import UsageError
from abtest.stats.arguments import require_one_of
from abtest.stats.designs.switchback_table import SwitchbackTable

SwitchbackDesign = Literal["complete", "independent", "pairs"]
"""How blocks were assigned: so many of each region, by a fair coin each, or one of every two."""
_DESIGNS = frozenset(get_args(SwitchbackDesign))
MOST = 20_000
"""Assignments that are counted one by one; where there are more, they are drawn."""


@dataclass(frozen=True, eq=False)
class Assignments:
    """Assignments of blocks, those of a design or some of them.

    Attributes
    ----------
    treated
        Which blocks each one treats, shape (a, blocks).
    counted
        Whether they are all that the design can make, each as likely as the others.
    """

    treated: NDArray[np.bool_]
    counted: bool


def assignments(
    table: SwitchbackTable,
    design: SwitchbackDesign | Any,
    *,
    replicates: int,
    rng: np.random.Generator,
) -> Assignments:
    """Return all assignments of a design, or some drawn at random where there are too many.

    Raises
    ------
    UsageError
        If there is no such design, or what was assigned is none of its assignments.
    """
    if not isinstance(design, str):
        return Assignments(_given(design, len(table.blocks)), counted=False)
    require_one_of(design, _DESIGNS, "switchback design")
    starts = table.block_starts
    treated, region = table.treated[starts], table.region[starts]
    own = [treated[region == one] for one in range(len(table.regions))]
    if design == "independent":
        return _by_coins(treated.size, replicates, rng)
    if design == "pairs":
        return _by_pairs(own, replicates, rng)
    return _complete(own, replicates, rng)


def _by_coins(blocks: int, replicates: int, rng: np.random.Generator) -> Assignments:
    if 2.0**blocks > MOST:
        return Assignments(rng.random((replicates, blocks)) < 0.5, counted=False)
    return Assignments(_every(blocks), counted=True)


def _by_pairs(
    own: list[NDArray[np.bool_]], replicates: int, rng: np.random.Generator
) -> Assignments:
    for blocks in own:
        if blocks.size % 2 or (blocks[::2] == blocks[1::2]).any():
            raise UsageError(
                "In pairs, one of every two blocks of a region is treated",
                given=f"blocks of a region treated as {blocks.astype(int).tolist()}",
                todo="Leave out a block without its pair; or name the design that was used.",
            )
    pairs = sum(blocks.size for blocks in own) // 2
    counted = 2.0**pairs <= MOST
    first = _every(pairs) if counted else rng.random((replicates, pairs)) < 0.5
    return Assignments(np.stack([first, ~first], axis=2).reshape(len(first), -1), counted=counted)


def _complete(
    own: list[NDArray[np.bool_]], replicates: int, rng: np.random.Generator
) -> Assignments:
    number = math.prod(math.comb(blocks.size, int(blocks.sum())) for blocks in own)
    if number > MOST:
        drawn = [rng.permuted(np.tile(blocks, (replicates, 1)), axis=1) for blocks in own]
        return Assignments(np.concatenate(drawn, axis=1), counted=False)
    found = np.zeros((1, 0), dtype=bool)
    for blocks in own:
        chosen = list(itertools.combinations(range(blocks.size), int(blocks.sum())))
        every = np.zeros((len(chosen), blocks.size), dtype=bool)
        np.put_along_axis(every, np.array(chosen, dtype=np.int64), True, axis=1)
        found = np.concatenate(
            [np.repeat(found, len(every), axis=0), np.tile(every, (len(found), 1))], axis=1
        )
    return Assignments(found, counted=True)


def _every(places: int) -> NDArray[np.bool_]:
    """Return all ways to say yes or no at a number of places."""
    return np.asarray((np.arange(2**places)[:, None] >> np.arange(places)) & 1 == 1)


def _given(design: Any, blocks: int) -> NDArray[np.bool_]:
    """Return assignments that were drawn by the experimenter's own design.

    Raises
    ------
    UsageError
        If they are no table of 0 and 1 with one column for each block.
    """
    try:
        drawn = np.asarray(design)
        fits = drawn.ndim == 2 and drawn.shape[1] == blocks and drawn.shape[0] > 0
        fits = fits and drawn.dtype.kind in "biuf" and bool(np.isin(drawn, (0, 1)).all())
    except (TypeError, ValueError):
        fits = False
    if not fits:
        raise UsageError(
            "A design is a name, or assignments that it could have made",
            given=type(design).__name__,
            todo=f"Give one of {', '.join(sorted(_DESIGNS))}; or an array of 0 and 1, one row for "
            f"each assignment and one column for each of the {blocks} blocks of the table.",
        )
    return np.asarray(drawn == 1)
