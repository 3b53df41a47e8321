"""Days after exposure on which a unit was active: bits of whole numbers that many values share."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir

from abtest.data.clock import microseconds
from abtest.data.masks import WORD, any_bit, count_bits
from abtest.data.request import EventValue
from abtest.data.windows import is_named, is_within

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
    """Where marks stand: columns that start with `prefix`, one for each of the `words`.

    Bit 0 of word 0 is day `origin`, for all masks of dates, and for all others.
    """

    prefix: str
    origin: int
    words: range


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
    origins = {
        dates: min((low for marked, (low, _) in days.items() if marked.dates == dates), default=0)
        for dates in (False, True)
    }
    found = {}
    for number, (marked, (low, high)) in enumerate(days.items()):
        origin = origins[marked.dates]
        words = range((low - origin) // WORD, (high - 1 - origin) // WORD + 1)
        found[marked] = Mask(f"days{number}_", origin, words)
    return found


def _days(value: EventValue, marked: Marked) -> tuple[int, int]:
    """Return the first day that a value looks at, and the one after the last."""
    start, end = value.window
    if marked.dates and not value.calendar:  # clocks that are changed shift dates by one at most
        return math.floor(start) - 1, math.ceil(end) + 2
    return int(start), int(end)


def mark_aggregates(
    rows: ir.Table, masks: Mapping[Marked, Mask]
) -> tuple[ir.Table, dict[str, ir.Value]]:
    """Return the events with what marks need, and their aggregates by unit that make the masks.

    Parameters
    ----------
    rows
        Columns name, passed and, where dates are marked, place: see `is_inside`.
    masks
        What to mark.
    """
    if not masks:
        return rows, {}
    # text is compared, and a bit is made, once for all masks
    lists = {(marked.events, marked.ignored): None for marked in masks}
    names = {which: f"named{number}" for number, which in enumerate(lists)}
    named = {name: is_named(rows, *which) for which, name in names.items()}
    places = {_place_column(marked): _place(rows, marked, mask) for marked, mask in masks.items()}
    rows = rows.mutate(**named, **places)
    found: dict[str, ir.Value] = {}
    for marked, mask in masks.items():
        marks = rows[names[marked.events, marked.ignored]]
        if marked.within is not None:
            marks = marks & is_within(rows, marked.within)
        elif marked.dates:
            marks = marks & ((rows["passed"] >= 0) | (rows["place"] < 0))
        for word in mask.words:
            place = rows[_place_column(marked)] - word * WORD
            inside = marks & (place >= 0) & (place < WORD)
            bit = ibis.literal(1, "int64") << ibis.greatest(ibis.least(place, WORD - 1), 0)
            found[f"{mask.prefix}{word}"] = bit.bit_or(where=inside)
    return rows, found


def _place_column(marked: Marked) -> str:
    return "date_place" if marked.dates else "day_place"


def _place(rows: ir.Table, marked: Marked, mask: Mask) -> ir.Value:
    """Return the day of each event after the first of all masks of its kind."""
    if marked.dates:
        place = rows["place"] - mask.origin
    else:  # rounds towards minus infinity
        place = (rows["passed"] - microseconds(mask.origin)) // microseconds(1.0)
    return place.cast("int64")


def read_marks(table: ir.Table, value: EventValue, masks: Mapping[Marked, Mask]) -> ir.Value:
    """Return a value that marks tell as an expression of the columns of its mask."""
    marked = marked_by(value)
    assert marked is not None
    mask = masks[marked]
    first, end = _days(value, marked)
    bits = first - mask.origin, end - 1 - mask.origin
    if value.aggregate == "any":
        met = any_bit(table, *bits, mask.prefix).fill_null(False)
        return met.cast("int8").cast("float64")
    return count_bits(table, *bits, mask.prefix).cast("float64")
