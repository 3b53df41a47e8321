"""Days after exposure on which a unit was active: bits of whole numbers that many values share."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import reduce
from itertools import zip_longest
from operator import and_

import ibis
import ibis.expr.types as ir

from abtest.data import engine
from abtest.data.clock import microseconds
from abtest.data.masks import WORD, any_bit, count_bits
from abtest.data.request import EventValue
from abtest.data.windows import is_named

MOST_DAYS = 620
"""Values of a longer window are not made of marks."""


@dataclass(frozen=True)
class Marked:
    """What marks a day: which events, and whether days are dates or 24 hours after exposure.

    The date of exposure is two days: what came before exposure on it marks the first of them. Only
    events from `since` on and before `until`, in days after exposure, mark dates; None is no limit.
    """

    events: tuple[str, ...]
    ignored: tuple[str, ...]
    dates: bool
    since: float | None = None
    until: float | None = None


@dataclass(frozen=True)
class Mask:
    """Where marks stand: columns that start with `prefix`, one for each of the `words`.

    Bit 0 of word 0 is day `origin`, for all masks of dates, and for all others.
    """

    marked: Marked
    prefix: str
    origin: int
    words: range


def is_marked(value: EventValue) -> bool:
    """Return whether marks tell a value."""
    start, end = value.window
    if value.aggregate not in ("any", "distinct_days") or value.until or end - start > MOST_DAYS:
        return False
    if value.aggregate == "distinct_days":
        return start >= 0 or end <= 0  # else the date of exposure would be two days
    return value.calendar or (float(start).is_integer() and float(end).is_integer())


def masks_of(values: Iterable[EventValue], prefix: str) -> dict[EventValue, Mask]:
    """Return the mask from which each value is read, few for many and as wide as these need."""
    marked_values = [value for value in values if is_marked(value)]
    chosen: dict[EventValue, Marked] = {}
    for kind in dict.fromkeys(map(_kind, marked_values)):
        alike = [value for value in marked_values if _kind(value) == kind]
        candidates = list(_candidates(kind, alike))
        for value in alike:
            chosen[value] = next(marked for marked in candidates if _tells(marked, value))
    days: dict[Marked, tuple[int, int]] = {}
    for value, marked in chosen.items():
        low, high = _bits(value)
        known = days.get(marked, (low, high))
        days[marked] = min(low, known[0]), max(high, known[1])
    origins = {
        dates: min((low for marked, (low, _) in days.items() if marked.dates == dates), default=0)
        for dates in (False, True)
    }
    found = {}
    for number, (marked, (low, high)) in enumerate(days.items()):
        origin = origins[marked.dates]
        words = range((low - origin) // WORD, (high - origin) // WORD + 1)
        found[marked] = Mask(marked, f"{prefix}{number}_", origin, words)
    return {value: found[marked] for value, marked in chosen.items()}


def _kind(value: EventValue) -> Marked:
    """Return what marks the days of a value, limits aside."""
    dates = value.calendar or value.aggregate == "distinct_days"
    return Marked(value.events, value.ignored, dates)


def _candidates(kind: Marked, values: Iterable[EventValue]) -> Iterator[Marked]:
    """Yield marks that between them tell all values of a kind.

    What comes before exposure and what comes after has bits of its own, so that one mask serves a
    limit on either side.
    """
    values = list(values)
    limited = [value for value in values if kind.dates and not value.calendar]
    starts = sorted({value.window[0] for value in limited if value.window[1] == 0})
    ends = sorted({value.window[1] for value in limited if value.window[0] == 0})
    for since, until in zip_longest(starts, ends):
        yield Marked(kind.events, kind.ignored, kind.dates, since, until)
    for value in limited:
        if 0 not in value.window:
            yield Marked(kind.events, kind.ignored, kind.dates, *value.window)
    yield kind


def _tells(marked: Marked, value: EventValue) -> bool:
    """Return whether a value can be read from marks of its kind."""
    start, end = value.window
    if not marked.dates:
        return True
    if value.calendar:  # clocks that are changed shift dates by one at most
        early = marked.since is None or marked.since <= (0.0 if start >= 0 else start - 2.0)
        late = marked.until is None or marked.until >= (0.0 if end <= 0 else end + 2.0)
        return early and late
    if 0 not in value.window:
        return (marked.since, marked.until) == value.window
    return marked.since == start if end == 0 else marked.until == end


def _bits(value: EventValue) -> tuple[int, int]:
    """Return the first and the last day that a value looks at; dates from exposure on are moved."""
    start, end = value.window
    if not (value.calendar or value.aggregate == "distinct_days"):
        return int(start), int(end) - 1
    after_exposure = start >= 0, end > 0
    if not value.calendar:  # clocks that are changed shift dates by one at most
        start, end = math.floor(start) - 1, math.ceil(end) + 2
    first = max(int(start), 0) + 1 if after_exposure[0] else int(start)
    last = int(end) - 1
    return first, last + 1 if after_exposure[1] else min(last, 0)


def mark_aggregates(rows: ir.Table, masks: Iterable[Mask]) -> tuple[ir.Table, dict[str, ir.Value]]:
    """Return the events with what marks need, and their aggregates by unit that make the masks.

    Parameters
    ----------
    rows
        Columns name, passed and, where dates are marked, place: see `is_inside`.
    masks
        What to mark.
    """
    masks = list(dict.fromkeys(masks))
    if not masks:
        return rows, {}
    # text is compared, and a bit is made, once for all masks
    lists = {(mask.marked.events, mask.marked.ignored): None for mask in masks}
    names = {which: f"named{number}" for number, which in enumerate(lists)}
    named = {name: is_named(rows, *which) for which, name in names.items()}
    places = {_place_column(mask): _place(rows, mask) for mask in masks}
    rows = rows.mutate(**named, **places)
    found: dict[str, ir.Value] = {}
    for mask in masks:
        marked = mask.marked
        since = marked.since if marked.dates else mask.origin
        limits = [rows[names[marked.events, marked.ignored]]]
        if since is not None:
            limits.append(rows["passed"] >= microseconds(since))
        if marked.until is not None:
            limits.append(rows["passed"] < microseconds(marked.until))
        marks = reduce(and_, limits)
        for word in mask.words:
            place = rows[_place_column(mask)] - word * WORD
            inside = marks & (place >= 0) & (place < WORD)
            bit = ibis.literal(1, "int64") << ibis.greatest(ibis.least(place, WORD - 1), 0)
            found[f"{mask.prefix}{word}"] = bit.bit_or(where=inside)
    return rows, found


def _place_column(mask: Mask) -> str:
    return "date_place" if mask.marked.dates else "day_place"


def _place(rows: ir.Table, mask: Mask) -> ir.Value:
    """Return the day of each event after the first of all masks of its kind.

    Of 24 hours it is right from that day on.
    """
    if mask.marked.dates:
        place = rows["place"] + (rows["passed"] >= 0).cast("int64") - mask.origin
        return place.cast("int64")
    return engine.whole_quotient(rows["passed"] - microseconds(mask.origin), microseconds(1.0))


def read_marks(table: ir.Table, value: EventValue, mask: Mask) -> ir.Value:
    """Return a value that marks tell as an expression of the columns of its mask."""
    first, last = (bit - mask.origin for bit in _bits(value))
    if value.aggregate == "any":
        met = any_bit(table, first, last, mask.prefix).fill_null(False)
        return met.cast("int8").cast("float64")
    return count_bits(table, first, last, mask.prefix).cast("float64")
