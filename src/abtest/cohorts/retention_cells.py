"""The cells of a retention matrix: which units count in them, and which of these came back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import ibis
import ibis.expr.types as ir

from abtest.cohorts.log import EventLog
from abtest.cohorts.periods import ROLLING_DAYS, Period, period_number, unfinished
from abtest.data import masks
from abtest.data.clock import microseconds

RetentionKind = Literal["on", "unbounded", "bracket", "streak"]
Windows = Literal["calendar", "rolling"]
_DEFAULT_PERIODS: dict[str, int] = {"day": 30, "week": 12, "month": 12}


@dataclass(frozen=True)
class Question:
    """What is asked of a log.

    Attributes
    ----------
    kind, period, windows, brackets
        As `retention` has them.
    start, back
        Names of events; None for any.
    periods
        The last period; None for as far as the log reaches.
    recurring
        Whether a unit starts anew in every calendar period.
    """

    kind: RetentionKind
    period: Period
    windows: Windows
    start: tuple[str, ...] | None
    back: tuple[str, ...] | None
    periods: int | None
    brackets: tuple[tuple[int, int], ...]
    recurring: bool


@dataclass(frozen=True)
class Cell:
    """A column of the matrix: its number, the periods it looks at, the first that must be over."""

    number: int
    first: int
    last: int
    known: int
    every: bool = False


def cell_counts(log: EventLog, asked: Question) -> tuple[list[Cell], dict[Any, dict[str, int]]]:
    """Return the cells, and per cohort its size and per cell eligible and retained units.

    Counts are named size, eligible1, retained1, eligible2 ...
    """
    starts = _starts(log, asked)
    last = _reach(log, starts, asked)
    cells = _cells(asked, last)
    return cells, _counted(log, _units(log, starts, asked, last + 1), cells, last + 1)


def _starts(log: EventLog, asked: Question) -> ir.Table:
    """Return unit, cohort, start, and `known`, the first period that has not ended."""
    if log.arms is not None:
        table = log.arms.units.select("unit", "start", cohort="arm")
    else:
        named = log.named(asked.start)
        named = named.mutate(number=period_number(log.event_day(named["time"]), asked.period))
        keys = ("unit", "number") if asked.recurring else ("unit",)
        table = named.group_by(*keys).aggregate(
            start=named["time"].min(), cohort=named["number"].min()
        )
        table = table.select("unit", "start", "cohort")
    if asked.windows == "rolling":
        clock = ibis.literal(log.clock, "timestamp(6)")
        length = microseconds(ROLLING_DAYS[asked.period])
        known = clock.delta(table["start"], unit="microsecond") // length
    else:
        begun = period_number(log.local_day(table["start"]), asked.period)
        known = unfinished(log.as_of, log.timezone, asked.period) - begun
        table = table.mutate(begun=begun)
    return log.keep(table.mutate(known=known.cast("int64")))


def _reach(log: EventLog, starts: ir.Table, asked: Question) -> int:
    """Return the last period that is asked for."""
    if asked.brackets:
        return max(last for _, last in asked.brackets)
    if asked.periods is not None:
        return asked.periods
    longest = log.run(starts.aggregate(known=starts["known"].max()))["known"][0].as_py()
    return max(1, min(_DEFAULT_PERIODS[asked.period], int(longest or 1) - 1))


def _cells(asked: Question, last: int) -> list[Cell]:
    if asked.kind == "bracket":
        return [Cell(i + 1, a, b, b) for i, (a, b) in enumerate(asked.brackets)]
    ahead = range(1, last + 1)
    if asked.kind == "unbounded":
        return [Cell(k, k, last, last) for k in ahead]
    if asked.kind == "streak":
        return [Cell(k, 1, k, k, every=True) for k in ahead]
    return [Cell(k, k, k, k) for k in ahead]


def _units(log: EventLog, starts: ir.Table, asked: Question, bits: int) -> ir.Table:
    """Return cohort, known and the periods of coming back as bits, one row per start."""
    events = log.named(asked.back)
    joined = events.join(starts, "unit")
    after = events["time"] >= starts["start"]
    if asked.windows == "rolling":
        passed = events["time"].delta(starts["start"], unit="microsecond")
        place = passed // microseconds(ROLLING_DAYS[asked.period])
    else:
        place = period_number(log.event_day(events["time"]), asked.period) - starts["begun"]
    met = joined.select(
        events["unit"], starts["start"], place=ibis.ifelse(after, place, -1).cast("int64")
    )
    found = met.group_by("unit", "start").aggregate(**masks.mask_aggregates(met["place"], bits))
    whole = starts.left_join(
        found, [starts["unit"] == found["unit"], starts["start"] == found["start"]]
    )
    words = [f"mask{word}" for word in range(masks.words_for(bits))]
    return whole.select(
        starts["cohort"],
        starts["known"],
        **{word: found[word].fill_null(ibis.literal(0, "int64")) for word in words},
    )


def _counted(
    log: EventLog, units: ir.Table, cells: list[Cell], bits: int
) -> dict[Any, dict[str, int]]:
    """Return per cohort its size, and per cell the eligible and the retained units."""
    words = [f"mask{word}" for word in range(masks.words_for(bits))]
    alike = units.group_by("cohort", "known", *words).aggregate(n=units.count())
    asked: dict[str, ir.Value] = {"size": alike["n"].sum()}
    for cell in cells:
        over = alike["known"] > cell.known
        bits_of = masks.every_bit if cell.every else masks.any_bit
        met = bits_of(alike, cell.first, cell.last)
        asked[f"eligible{cell.number}"] = alike["n"].sum(where=over).fill_null(0)
        asked[f"retained{cell.number}"] = alike["n"].sum(where=over & met).fill_null(0)
    found = log.run(alike.group_by("cohort").aggregate(**asked).order_by("cohort"))
    return {row["cohort"]: row for row in found.to_pylist()}
