"""Days after exposure on which a unit was active: bits of whole numbers that many values share."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir

from abtest.data.clock import microseconds
from abtest.data.masks import any_bit, count_bits, mask_aggregates
from abtest.data.request import EventValue
from abtest.data.windows import is_inside, is_named

MOST_DAYS = 620
"""Values of a longer window are not made of marks."""


@dataclass(frozen=True)
class Marked:
    """What marks a day: which events, and whether days are dates or 24 hours after exposure.

    With `within` only events inside that value's window mark their date. Without, a date before
    that of exposure is marked by every event, another by those from exposure on.
    """

    events: tuple[str, ...]
    ignored: tuple[str, ...]
    dates: bool
    within: EventValue | None = None


@dataclass(frozen=True)
class Mask:
    """Where the marks stand: columns that start with `prefix`, bit 0 is day `low`."""

    prefix: str
    low: int
    high: int


def marked_by(value: EventValue) -> Marked | None:
    """Return the marks that tell a value; None where marks do not."""
    start, end = value.window
    if value.aggregate not in ("any", "distinct_days") or value.until or end - start > MOST_DAYS:
        return None
    if value.calendar:
        both_sides = start < 0 < end
        return Marked(value.events, value.ignored, True, _window(value) if both_sides else None)
    if value.aggregate == "distinct_days":
        return Marked(value.events, value.ignored, True, _window(value))
    whole = float(start).is_integer() and float(end).is_integer()
    return Marked(value.events, value.ignored, False) if whole else None


def _window(value: EventValue) -> EventValue:
    return EventValue(value.events, "any", value.window, value.calendar, value.ignored)


def masks_of(values: Iterable[EventValue]) -> dict[Marked, Mask]:
    """Return the masks that some values are read from, each as wide as these need."""
    days: dict[Marked, tuple[int, int]] = {}
    for value in values:
        marked = marked_by(value)
        if marked is not None:
            low, high = _days(value, marked)
            known = days.get(marked, (low, high))
            days[marked] = min(low, known[0]), max(high, known[1])
    return {
        marked: Mask(f"days{number}_", low, high)
        for number, (marked, (low, high)) in enumerate(days.items())
    }


def _days(value: EventValue, marked: Marked) -> tuple[int, int]:
    """Return the first day that a value looks at, and the one after the last."""
    start, end = value.window
    if marked.dates and not value.calendar:  # clocks that are changed shift dates by one at most
        return math.floor(start) - 2, math.ceil(end) + 3
    return int(start), int(end)


def with_places(rows: ir.Table, masks: Mapping[Marked, Mask]) -> ir.Table:
    """Return the events with the bit that each sets in every mask, below 0 where none.

    Parameters
    ----------
    rows
        Columns name, passed and, where dates are marked, place: see `is_inside`.
    masks
        What to mark.
    """
    places = {mask.prefix: _place(rows, marked, mask) for marked, mask in masks.items()}
    return rows.mutate(**places) if places else rows


def _place(rows: ir.Table, marked: Marked, mask: Mask) -> ir.Value:
    passed, low = rows["passed"], microseconds(mask.low)
    if marked.within is not None:
        marks = is_inside(rows, marked.within)
    elif marked.dates:
        about = (passed >= 0) | (rows["place"] < 0)
        marks = is_named(rows, marked.events, marked.ignored, about)
    else:
        about = (passed >= low) & (passed < microseconds(mask.high))
        marks = is_named(rows, marked.events, marked.ignored, about)
    # from the first day on nothing is negative, so that division rounds down
    place = rows["place"] - mask.low if marked.dates else (passed - low) // microseconds(1.0)
    return ibis.ifelse(marks, place, -1).cast("int64")


def mark_aggregates(rows: ir.Table, masks: Mapping[Marked, Mask]) -> dict[str, ir.Value]:
    """Return the aggregates by unit of events from `with_places` that make the masks."""
    found: dict[str, ir.Value] = {}
    for mask in masks.values():
        found |= mask_aggregates(rows[mask.prefix], mask.high - mask.low, mask.prefix)
    return found


def read_marks(table: ir.Table, value: EventValue, masks: Mapping[Marked, Mask]) -> ir.Value:
    """Return a value that marks tell as an expression of the columns of its mask."""
    marked = marked_by(value)
    assert marked is not None
    mask = masks[marked]
    first, end = _days(value, marked)
    bits = first - mask.low, end - 1 - mask.low
    if value.aggregate == "any":
        met = any_bit(table, *bits, mask.prefix).fill_null(False)
        return met.cast("int8").cast("float64")
    return count_bits(table, *bits, mask.prefix).cast("float64")
