"""Which periods a unit was active in, as bits of whole numbers: no counting of distinct values."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from operator import add, and_, or_

import ibis
import ibis.expr.types as ir

from abtest.data import engine

WORD = 62
"""Bits of one number: below the sign, on every engine."""


def words_for(periods: int) -> int:
    """Return how many numbers hold so many periods."""
    return -(-periods // WORD)


def mask_aggregates(place: ir.Value, periods: int, prefix: str = "mask") -> dict[str, ir.Value]:
    """Return aggregates that set the bit of every place met, as columns prefix0, prefix1 ...

    Parameters
    ----------
    place
        A whole number per row; those outside [0, periods) set nothing.
    periods
        Bits in all.
    """
    return {
        f"{prefix}{word}": bit_in_word(place, periods, word).bit_or()
        for word in range(words_for(periods))
    }


def bit_in_word(place: ir.Value, periods: int, word: int) -> ir.IntegerValue:
    """Return the bit of a place in one of the numbers; null where it has none there."""
    first = word * WORD
    inside = (place >= first) & (place < min(first + WORD, periods))
    bit = ibis.literal(1, "int64") << (place - first).cast("int64")
    return ibis.ifelse(inside, bit, None).cast("int64")


def any_bit(table: ir.Table, first: int, last: int, prefix: str = "mask") -> ir.BooleanValue:
    """Return whether a bit from `first` to `last` is set."""
    return reduce(or_, _compared(table, first, last, prefix, lambda word, bits: (word & bits) != 0))


def every_bit(table: ir.Table, first: int, last: int, prefix: str = "mask") -> ir.BooleanValue:
    """Return whether all bits from `first` to `last` are set."""
    return reduce(
        and_, _compared(table, first, last, prefix, lambda word, bits: (word & bits) == bits)
    )


def count_bits(table: ir.Table, first: int, last: int, prefix: str = "mask") -> ir.IntegerValue:
    """Return how many bits from `first` to `last` are set; a word that is null has none."""

    def counted(word: ir.Value, bits: ir.Value) -> ir.Value:
        return engine.number_of_bits(word & bits).fill_null(0)

    return reduce(add, _compared(table, first, last, prefix, counted))


def _compared(
    table: ir.Table,
    first: int,
    last: int,
    prefix: str,
    test: Callable[[ir.Value, ir.Value], ir.Value],
) -> list[ir.Value]:
    parts = []
    for word in range(first // WORD, last // WORD + 1):
        low, high = max(first - word * WORD, 0), min(last - word * WORD, WORD - 1)
        bits = ((1 << (high - low + 1)) - 1) << low
        parts.append(test(table[f"{prefix}{word}"], ibis.literal(bits, "int64")))
    return parts
