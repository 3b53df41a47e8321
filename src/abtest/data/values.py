"""Values per unit: one pass over the log tells all that a unit's events add up to.

Most values ask whether something happened, on which days, or when first: a repeated row changes
none of these. Only events that are counted or summed must be looked at once each; they are read a
second time, with all that is asked of these events alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import ibis
import ibis.expr.types as ir

from abtest.data import activity
from abtest.data.activity import EventCounts, EventRows
from abtest.data.clock import microseconds
from abtest.data.day_marks import Mask, mark_aggregates, masks_of, read_marks
from abtest.data.local_days import local_days
from abtest.data.plan import split_sum
from abtest.data.request import Design, EventValue, SessionValue, StepsValue
from abtest.data.sessions import SessionRule, session_values
from abtest.data.steps import step_values
from abtest.data.windows import ANY, EVERY_TIME, Span, is_inside

ADDED = frozenset({"count", "sum"})
"""What a repeated event would change."""
SINGLES = frozenset({"first_time", "last_value"})
"""What is taken of one event, and null without one."""
UNIT = ("uid", "status", "crossover", "time", "phase", "day", "key")
"""Columns of units that are kept."""
_MARGIN = timedelta(days=4)
_SHIFT = 2.0
"""Days by which dates and 24 hours after exposure are apart at most, changed clocks included."""

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
    exposed
        Times of the first and the last exposure, as UTC wall clocks.
    first_event
        The event that starts a unit's clock. The rows of it at time zero are the exposure, not
        activity; None where exposures have times, or any event (``"*"``) starts it.
    """

    events: EventRows
    units: ir.Table
    design: Design
    counts: EventCounts
    as_of: datetime
    exposed: tuple[datetime, datetime]
    first_event: str | None

    def rows(
        self, names: Iterable[str] = (ANY,), span: Span = EVERY_TIME, *, dates: bool = False
    ) -> ir.Table:
        """Return uid, name, passed (microseconds since exposure) and, where known, value, session.

        Parameters
        ----------
        names
            Of events; ``"*"`` is any.
        span
            When they were, after exposure.
        dates
            Adds place, the local dates since that of exposure.
        """
        rows = self._rows(names, span, dates=dates)
        exposure = self._is_exposure(rows)
        return rows if exposure is None else rows.filter(~exposure)

    def once(self, names: Iterable[str], span: Span, *, dates: bool = False) -> ir.Table:
        """Return rows with exact repeats once, and in ``same`` how many rows say the same.

        The exposure has no time passed.
        """
        rows = self._rows(names, span, dates=dates)
        asked = {"same": rows.count()}
        if dates:
            asked["place"] = rows["place"].arbitrary()
        once = rows.group_by("uid", "name", "passed", *self._details).aggregate(**asked)
        exposure = self._is_exposure(once)
        if exposure is None:
            return once
        return once.mutate(passed=exposure.ifelse(None, once["passed"]))

    def _rows(self, names: Iterable[str], span: Span, *, dates: bool) -> ir.Table:
        chosen, names = activity.believed(self.events, self.as_of), tuple(names)
        if ANY not in names:
            chosen = chosen.filter(chosen["name"].isin(names))
        # what is too early or too late for every unit need not be read from a file in order of time
        start, end = span
        first, last = self.exposed
        if start is not None:
            earliest = ibis.literal(first + timedelta(microseconds=start), "timestamp(6)")
            chosen = chosen.filter(chosen["time"] >= earliest)
        if end is not None:
            over = ibis.literal(last + timedelta(microseconds=end), "timestamp(6)")
            chosen = chosen.filter(chosen["time"] < over)
        units = self.units
        zero = units["time"]
        passed = chosen["time"].delta(zero, unit="microsecond")
        columns = {"uid": units["uid"], "name": chosen["name"], "passed": passed}
        columns |= {name: chosen[name] for name in self._details}
        if dates:
            known_from = None
            if start is not None:
                known_from = first.replace(tzinfo=UTC) + timedelta(microseconds=min(start, 0))
                known_from -= _MARGIN
            day, day_zero = (
                local_days(time, self.design.timezone, known_from, self.as_of)
                for time in (chosen["time"], zero)
            )
            columns["place"] = day.delta(day_zero, unit="day")
        rows = chosen.join(units, "key").select(**columns)
        # without a condition on it, DuckDB computes the time anew wherever it is used
        if start is not None:
            rows = rows.filter(rows["passed"] >= start)
        return rows if end is None else rows.filter(rows["passed"] < end)

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
    that some value counts or adds up. ``idle`` units have no event from exposure to the end of the
    longest window.

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
    masks = {value: mask for one in passes for value, mask in one.masks.items()}
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
    masks: Mapping[EventValue, Mask]


def _passes(log: Log, values: Mapping[EventValue, str], asked: Asked) -> Iterator[_Pass]:
    """Yield a pass over all events and, where some must be looked at once, one over these."""
    added = [value for value in values if value.aggregate in ADDED]
    counted = dict.fromkeys((*added, *asked.by_step))
    names = dict.fromkeys(name for value in counted for name in value.events)
    ends = (value.window[1] for value in (*asked.values, *counted))
    over = microseconds(max(ends, default=0.0))
    if ANY in names:
        every = dict.fromkeys((*values, *counted))
        rows = log.once((ANY,), _span(every, over), dates=any(map(_has_dates, every)))
        yield _pass(log, rows, values, asked.valueless, over=over, counted=counted)
        return
    # few events are counted: what else is told by these is told there
    few, lacking = (
        {value: name for value, name in part.items() if names.keys() >= {*value.events}}
        for part in (values, asked.valueless)
    )
    others, rest = (
        {value: name for value, name in part.items() if not names.keys() >= {*value.events}}
        for part in (values, asked.valueless)
    )
    rows = log.rows((ANY,), _span(others, over), dates=any(map(_has_dates, others)))
    yield _pass(log, rows, others, rest, over=over)
    if names:
        every = dict.fromkeys((*few, *counted))
        rows = log.once(names, _span(every), dates=any(map(_has_dates, every)))
        yield _pass(log, rows, few, lacking, counted=counted)


def _span(values: Iterable[EventValue], over: int | None = None) -> tuple[int, int]:
    """Return when events matter to some values; with `over`, all from exposure to then do too."""
    spans = [] if over is None else [(0, over)]
    for value in values:
        more = _SHIFT if _has_dates(value) else 0.0
        start, end = value.window
        spans.append((microseconds(start - more), microseconds(end + more)))
    return min(start for start, _ in spans), max(end for _, end in spans)


def _pass(
    log: Log,
    rows: ir.Table,
    values: Mapping[EventValue, str],
    valueless: Mapping[EventValue, str],
    *,
    over: int | None = None,
    counted: Iterable[EventValue] = (),
) -> _Pass:
    """Return what is made of some rows.

    With `over`, also whether a unit was active until then; with `counted`, how many rows only
    repeat one that these values count or add up.
    """
    masks = masks_of(values, "once" if counted else "days")
    rows, ends = _with_ends(log, rows, values)
    rows, asked = mark_aggregates(rows, masks.values())
    if over is not None:
        asked["active"] = ((rows["passed"] >= 0) & (rows["passed"] < over)).any()
    if counted:
        repeated = (rows["same"] > 1) & ibis.or_(*(is_inside(rows, value) for value in counted))
        asked["repeats"] = (rows["same"] - 1).sum(where=repeated)
    for value, name in values.items():
        if value not in masks:
            inside = is_inside(rows, value)
            if value.until:
                inside = inside & (rows["passed"] <= rows[ends[_until(value)]]).fill_null(True)
            asked[name] = _aggregate(rows, value, inside, log.counts)
    for value, name in valueless.items():
        asked[name] = (is_inside(rows, value) & rows["value"].isnull()).any()
    return _Pass(rows.group_by("uid").aggregate(**asked), masks)


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
    ending = [EventValue(until, "any", window) for until, window in names]
    closing = log.rows(dict.fromkeys(name for until, _ in names for name in until), _span(ending))
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


def _value(
    table: ir.Table, value: EventValue, name: str, masks: Mapping[EventValue, Mask]
) -> ir.Value:
    """Return a value from the columns of the passes; 0 without events, null for a single one."""
    if value in masks:
        return read_marks(table, value, masks[value])
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
    once = log.once(value.events, _span([value]), dates=_has_dates(value))
    inside = once.filter(is_inside(once, value))
    inside = inside.mutate(step=(inside["passed"] // microseconds(step)).cast("int64"))
    if value.aggregate == "count":
        amount = inside.count().cast("float64")
    else:
        high, low = split_sum(inside["value"], log.counts.reach, log.counts.rows)
        amount = (high + low).fill_null(0.0)
    return inside.group_by("uid", "step").aggregate(amount=amount)
