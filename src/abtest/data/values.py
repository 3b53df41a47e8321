"""Values per unit: one pass over the log tells all that a unit's events add up to.

Most values ask whether something happened, on which days, or when first: a repeated row changes
none of these. Only events that are counted or summed must be looked at once each.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import ibis
import ibis.expr.types as ir

from abtest.data import activity
from abtest.data.activity import EventCounts, EventRows
from abtest.data.clock import microseconds
from abtest.data.day_marks import (
    Marked,
    Mask,
    mark_aggregates,
    marked_by,
    masks_of,
    read_marks,
)
from abtest.data.local_days import local_days
from abtest.data.plan import split_sum
from abtest.data.request import Design, EventValue, SessionValue, StepsValue
from abtest.data.sessions import SessionRule, session_values
from abtest.data.steps import step_values
from abtest.data.windows import ANY, is_inside

ADDED = frozenset({"count", "sum"})
"""What a repeated event would change."""
SINGLES = frozenset({"first_time", "last_value"})
"""What is taken of one event, and null without one."""
UNIT = ("uid", "status", "crossover", "time", "phase", "day", "key")
"""Columns of units that are kept."""
_MARGIN = timedelta(days=4)

_Until = tuple[tuple[str, ...], tuple[float, float]]
"""Events that end what counts, and the window in which they do."""


@dataclass(frozen=True)
class Asked:
    """Columns that metrics ask for.

    Attributes
    ----------
    values
        Column name for every value.
    valueless
        Column name for every value of which is asked whether one of its events has none.
    by_step
        Values that are asked for by steps of time, and have no column.
    """

    values: Mapping[EventValue | SessionValue | StepsValue, str]
    valueless: Mapping[EventValue, str]
    by_step: Sequence[EventValue] = ()


@dataclass(frozen=True)
class Log:
    """The events of units that are believed.

    Attributes
    ----------
    events
        All event rows.
    units
        One row per unit: key, uid, status, crossover, time, phase, day.
    counts
        What `count_events` returned: the size of sums.
    as_of
        What is at or after it is not believed.
    first_event
        The event that starts a unit's clock. The rows of it at time zero are the exposure, not
        activity; None where exposures have times, or any event (``"*"``) starts it.
    """

    events: EventRows
    units: ir.Table
    design: Design
    counts: EventCounts
    as_of: datetime
    first_event: str | None

    def rows(self, names: Iterable[str] = (ANY,), dates_from: float | None = None) -> ir.Table:
        """Return uid, name, passed (microseconds since exposure) and, where known, value, session.

        Parameters
        ----------
        names
            Of events; ``"*"`` is any.
        dates_from
            Adds place, the local dates since that of exposure, right from so many days after
            exposure on.
        """
        rows = self._rows(names, dates_from)
        exposure = self._is_exposure(rows)
        return rows if exposure is None else rows.filter(~exposure)

    def once(self, names: Iterable[str], dates_from: float | None = None) -> ir.Table:
        """Return rows with exact repeats once, and in ``same`` how many rows say the same.

        The exposure has no time passed.
        """
        rows = self._rows(names, dates_from)
        asked = {"same": rows.count()}
        if dates_from is not None:
            asked["place"] = rows["place"].arbitrary()
        once = rows.group_by("uid", "name", "passed", *self._details).aggregate(**asked)
        exposure = self._is_exposure(once)
        if exposure is None:
            return once
        return once.mutate(passed=exposure.ifelse(None, once["passed"]))

    def _rows(self, names: Iterable[str], dates_from: float | None) -> ir.Table:
        chosen, names = activity.believed(self.events, self.as_of), tuple(names)
        if ANY not in names:
            chosen = chosen.filter(chosen["name"].isin(names))
        units = self.units
        zero = units["time"]
        passed = chosen["time"].delta(zero, unit="microsecond")
        columns = {"uid": units["uid"], "name": chosen["name"], "passed": passed}
        columns |= {name: chosen[name] for name in self._details}
        if dates_from is not None:
            first = self.design.start
            if first is not None:
                first += timedelta(days=min(dates_from, 0.0)) - _MARGIN
            day, day_zero = (
                local_days(time, self.design.timezone, first, self.as_of)
                for time in (chosen["time"], zero)
            )
            columns["place"] = day.delta(day_zero, unit="day")
        return chosen.join(units, "key").select(**columns)

    def _is_exposure(self, rows: ir.Table) -> ir.BooleanValue | None:
        if self.first_event is None or self.first_event == ANY:
            return None
        return (rows["name"] == self.first_event) & (rows["passed"] == 0)

    @property
    def _details(self) -> list[str]:
        known = {"value": self.events.valued, "session": self.events.session}
        return [name for name, there in known.items() if there]


def values_per_unit(log: Log, asked: Asked, rule: SessionRule) -> ir.Table:
    """Return every unit with its values.

    Without events, aggregates are 0, and what is taken of one event is null.

    Exact repeats of an event count once; ``event_repeats`` is how many there are among the events
    that some value counts or adds up. ``idle`` units have no event from exposure on.

    Parameters
    ----------
    log
        The events and the units.
    asked
        Names of the columns that metrics ask for.
    rule
        How events become sessions.
    """
    of_events = {
        value: name for value, name in asked.values.items() if isinstance(value, EventValue)
    }
    found = log.units.select(*UNIT)
    passes = list(_passes(log, of_events, asked))
    for one in passes:
        found = _with(found, one.table)
    masks = {name: mask for one in passes for name, mask in one.masks.items()}
    found = found.select(
        *UNIT,
        event_repeats=found["repeats"].fill_null(0) if "repeats" in found.columns else 0,
        event_rows=found["active"].notnull().cast("int64"),
        idle=~found["active"].fill_null(False),
        **{name: found[name].fill_null(False) for name in asked.valueless.values()},
        **{name: _value(found, value, name, masks) for value, name in of_events.items()},
    )
    of_sessions = {
        value: name for value, name in asked.values.items() if isinstance(value, SessionValue)
    }
    of_steps = {
        value: name for value, name in asked.values.items() if isinstance(value, StepsValue)
    }
    for part in (
        *session_values(log.rows, of_sessions, rule),
        *step_values(log.rows, of_steps),
    ):
        numbers = [name for name in part.columns if name != "uid"]
        found = _with(found, part).mutate(
            **{name: ibis._[name].cast("float64").fill_null(0.0) for name in numbers}
        )
    return found


def _with(units: ir.Table, part: ir.Table) -> ir.Table:
    """Return the units with the columns of a part by unit; null where it has no row."""
    joined = units.left_join(part, units["uid"] == part["uid"])
    names = [name for name in part.columns if name != "uid"]
    return joined.select(*(units[name] for name in units.columns), *(part[name] for name in names))


@dataclass(frozen=True)
class _Pass:
    """What one pass over events gives by unit, and the masks among its columns."""

    table: ir.Table
    masks: Mapping[Marked, Mask]


def _passes(log: Log, values: Mapping[EventValue, str], asked: Asked) -> Iterator[_Pass]:
    """Yield a pass over all events and, where some must be looked at once, one over these."""
    added = {value: name for value, name in values.items() if value.aggregate in ADDED}
    others = {value: name for value, name in values.items() if value not in added}
    names = dict.fromkeys(name for value in (*added, *asked.by_step) for name in value.events)
    if ANY in names:
        yield _pass(log, log.once((ANY,), _dates_from(values)), values, asked.valueless)
        return
    amounts = {value: name for value, name in asked.valueless.items() if value in added}
    rest = {value: name for value, name in asked.valueless.items() if value not in added}
    yield _pass(log, log.rows((ANY,), _dates_from(others)), others, rest)
    if names:
        yield _pass(log, log.once(names, _dates_from(added)), added, amounts, also=True)


def _dates_from(values: Iterable[EventValue]) -> float | None:
    """Return the first day after exposure of which dates are asked; None if none are."""
    return min((value.window[0] for value in values if _has_dates(value)), default=None)


def _pass(
    log: Log,
    rows: ir.Table,
    values: Mapping[EventValue, str],
    valueless: Mapping[EventValue, str],
    *,
    also: bool = False,
) -> _Pass:
    """Return what is made of some rows; `also` leaves out whether the unit was active."""
    masks = masks_of(values)
    rows, ends = _with_ends(log, rows, values)
    if "same" not in rows.columns:
        rows = rows.filter(rows["passed"] >= _earliest(values))
    rows, asked = mark_aggregates(rows, masks)
    if not also:
        asked["active"] = (rows["passed"] >= 0).any()
    if "same" in rows.columns:
        asked["repeats"] = (rows["same"] - 1).sum()
    for value, name in values.items():
        if marked_by(value) is None:
            inside = is_inside(rows, value)
            if value.until:
                inside = inside & (rows["passed"] <= rows[ends[_until(value)]]).fill_null(True)
            asked[name] = _aggregate(rows, value, inside, log.counts)
    for value, name in valueless.items():
        asked[name] = (is_inside(rows, value) & rows["value"].isnull()).any()
    return _Pass(rows.group_by("uid").aggregate(**asked), masks)


def _earliest(values: Iterable[EventValue]) -> int:
    """Return the time before which no event matters, in microseconds since exposure.

    Without that condition on it, DuckDB computes the time anew wherever it is used.
    """
    starts = (value.window[0] - (2.0 if _has_dates(value) else 0.0) for value in values)
    return microseconds(min(0.0, *starts, 0.0))


def _has_dates(value: EventValue) -> bool:
    return value.calendar or value.aggregate == "distinct_days"


def _until(value: EventValue) -> _Until:
    return value.until, value.window


def _with_ends(
    log: Log, rows: ir.Table, values: Iterable[EventValue]
) -> tuple[ir.Table, Mapping[_Until, str]]:
    """Return the rows with the time of their unit's first event that ends what counts."""
    ends = dict.fromkeys(_until(value) for value in values if value.until)
    names = {end: f"ends{number}" for number, end in enumerate(ends)}
    if not names:
        return rows, names
    closing = log.rows(dict.fromkeys(name for until, _ in names for name in until))
    first = closing.group_by("uid").aggregate(
        **{
            name: closing["passed"].min(where=is_inside(closing, EventValue(until, "any", window)))
            for (until, window), name in names.items()
        }
    )
    return _with(rows, first), names


def _aggregate(
    rows: ir.Table, value: EventValue, inside: ir.BooleanValue, counts: EventCounts
) -> ir.Value:
    if value.aggregate == "sum":
        high, low = split_sum(inside.ifelse(rows["value"], None), counts.reach, counts.rows)
        return high + low
    if value.aggregate == "last_value":
        known = inside & rows["value"].notnull()
        return rows["value"].last(where=known, order_by=[rows["passed"], rows["value"]])
    if value.aggregate == "first_time":
        return rows["passed"].min(where=inside)
    if value.aggregate == "max":
        return rows["value"].max(where=inside)
    if value.aggregate == "distinct_days":
        return rows["place"].nunique(where=inside).cast("float64")
    number = inside.sum() if value.aggregate == "count" else inside.any().cast("int8")
    return number.cast("float64")


def _value(table: ir.Table, value: EventValue, name: str, masks: Mapping[Marked, Mask]) -> ir.Value:
    """Return a value from the columns of the passes; 0 without events, null for a single one."""
    if marked_by(value) is not None:
        return read_marks(table, value, masks)
    return table[name] if value.aggregate in SINGLES else table[name].fill_null(0.0)


def amounts_per_step(log: Log, value: EventValue, step: float) -> ir.Table:
    """Return a row per unit (uid) and step of time since exposure in which it has an amount.

    The ``amount`` is the number of events or the sum of their values, step 0 begins at exposure.

    Parameters
    ----------
    log
        The events and the units.
    value
        A ``count`` or a ``sum`` in a window from 0 on.
    step
        Length of a step in days.
    """
    once = log.once(value.events, _dates_from([value]))
    inside = once.filter(is_inside(once, value))
    inside = inside.mutate(step=(inside["passed"] // microseconds(step)).cast("int64"))
    if value.aggregate == "count":
        amount = inside.count().cast("float64")
    else:
        high, low = split_sum(inside["value"], log.counts.reach, log.counts.rows)
        amount = (high + low).fill_null(0.0)
    return inside.group_by("uid", "step").aggregate(amount=amount)
