"""An event log as every helper reads it: opened once, columns known, believed up to a moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypedDict, Unpack

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from abtest.cohorts.columns import find_column
from abtest.cohorts.exposed import Arms, open_arms
from abtest.data import engine, reading
from abtest.data.clock import aware, default_as_of, utc_clock
from abtest.data.ends import ends_of_complete
from abtest.data.event_ids import first_of_each_id
from abtest.data.frames import as_arrow
from abtest.data.local_days import local_days
from abtest.data.source import Source, Sources
from abtest.errors import DataError, UsageError
from abtest.show.numbers import count, moment

ONE_EVENT = "event"
"""Name of every event of a log without names."""
_TIMES, _NUMBERS = "times_unreadable", "numbers_unreadable"
LogTable = Any
"""An `EventLog`, an Ibis table, a DataFrame, an Arrow table, or the path of a file."""


class LogOptions(TypedDict, total=False):
    """How a log is read; every helper takes these beside its own arguments.

    Attributes
    ----------
    unit, time, event, value, session
        Names of columns; left out: found by common names such as ``user_id`` or ``occurred_at``.
        `value` and `session` may be absent; without `event` every row is one of ``event``.
    id
        Column of an id of the event: of rows of one unit and id the earliest is read.
    property
        A further column to keep, such as a product; `funnel` can hold it constant.
    timezone
        Of calendar days, and of times without a zone; UTC where left out.
    as_of
        The moment up to which the log is believed: what is at or after it is not read. Left out:
        the midnight after the last event if that has passed, else the midnight before.
    exposures
        Who met which variant when, for comparisons of arms: a table, frame or path with the
        column `unit`, a variant and a time.
    variant, exposed
        Names of the columns of the exposures that hold the variant and the time.
    first_event
        Event that starts a unit's clock where the exposures have no time; "*" is any.
    control
        The arm that others are compared with; left out: the one that is called like a control.
    table
        Table of a DuckDB file.
    """

    unit: str
    time: str
    event: str
    value: str
    session: str
    id: str
    property: str
    timezone: str
    as_of: date | str
    exposures: Any
    variant: str
    exposed: str
    first_event: str
    control: str
    table: str


@dataclass(frozen=True)
class LogFacts:
    """What one look over a log tells.

    Attributes
    ----------
    rows
        Rows of the log.
    incomplete
        Rows without unit, event or time: left out.
    later
        Rows at or after `as_of`: left out.
    first, last
        Times of the first and the last row that is read, without zone, in UTC.
    future
        Complete rows later than the moment of reading; they are later than `as_of` too.
    """

    rows: int
    incomplete: int
    later: int
    first: datetime
    last: datetime
    future: int = 0


@dataclass(frozen=True, eq=False, repr=False)
class EventLog:
    """A log that helpers share: ``open_log`` makes one.

    Attributes
    ----------
    events
        Columns unit, event, time (UTC, without zone) and, where the log has them, value and
        session; complete rows before `as_of` only. Nothing is computed before it is needed.
    as_of
        The moment up to which the log is believed.
    timezone
        Of calendar days.
    facts
        Rows read and left out.
    arms
        Who met which variant when; None without exposures.
    """

    events: ir.Table
    as_of: datetime
    timezone: str
    facts: LogFacts
    arms: Arms | None
    sources: Sources
    label: str

    @property
    def clock(self) -> datetime:
        """`as_of` as UTC wall clock, the form in which times are compared."""
        return utc_clock(self.as_of)

    @property
    def until(self) -> str:
        """`as_of` as people write it."""
        return moment(self.as_of.isoformat())

    @property
    def once(self) -> ir.Table:
        """The events with exact repeats once: what counts events needs."""
        return self.events.distinct()

    def __repr__(self) -> str:
        """Return what it is of, how large, and up to when."""
        arms = f", arms {', '.join(self.arms.names)}" if self.arms is not None else ""
        return (
            f"<EventLog of {self.label}: {count(self.facts.rows)} rows, up to {self.until}{arms}>"
        )

    def without_arms(self) -> EventLog:
        """Return the same log for questions about all units, exposed or not."""
        return replace(self, arms=None)

    def named(self, names: str | Sequence[str] | None, table: ir.Table | None = None) -> ir.Table:
        """Return the events of some names, or all of them for None."""
        events = self.events if table is None else table
        if names is None:
            return events
        return events.filter(events["event"].isin(names_of(names)))

    def require(self, *groups: str | Sequence[str] | None) -> None:
        """Refuse names of events of which the log has none.

        Raises
        ------
        DataError
            ``unknown_event``, with the nearest names.
        """
        asked = list(dict.fromkeys(name for names in groups for name in names_of(names)))
        if not asked:
            return
        met = self.run(
            self.events.filter(self.events["event"].isin(asked)).select("event").distinct()
        )
        missing = [name for name in asked if name not in set(met["event"].to_pylist())]
        if not missing:
            return
        known = self.run(self.events.select("event").distinct().order_by("event").limit(10_000))
        names = [str(name) for name in known["event"].to_pylist()]
        close = [one for name in missing for one in get_close_matches(name, names, n=2, cutoff=0.5)]
        raise DataError(
            "The log has no such event",
            given=f"{', '.join(map(repr, missing))} in {self.label}",
            todo=f"did you mean {' or '.join(map(repr, dict.fromkeys(close)))}?"
            if close
            else f"name some of its events: {', '.join(names[:12])}",
            code="unknown_event",
        )

    def local_day(self, time: ir.Value) -> ir.Value:
        """Return the calendar date of any time in the log's timezone."""
        return engine.local_day(time, self.timezone)

    def event_day(self, time: ir.Value) -> ir.Value:
        """Return the calendar date of a time of the log's events, which is found faster."""
        first = self.facts.first.replace(tzinfo=UTC) - timedelta(days=1)
        return local_days(time, self.timezone, first, self.as_of)

    def run(self, expression: ir.Expr) -> pa.Table:
        """Return the result of an expression."""
        return self.sources.run(expression, self.label)

    def keep(self, expression: ir.Table) -> ir.Table:
        """Return the expression computed into a temporary table."""
        return self.sources.keep(expression, self.label)


def open_log(events: LogTable, **options: Unpack[LogOptions]) -> EventLog:
    """Return an event log that several helpers can share.

    Helpers take the same options themselves; opening a log once saves looking over it again.

    Parameters
    ----------
    events
        An Ibis table (its own engine does the work), a pandas or Arrow frame, the path of a
        Parquet, CSV or DuckDB file or a glob of such; or an `EventLog`, which is returned.
    **options
        See `LogOptions`.

    Raises
    ------
    DataError
        ``missing_column``, ``empty_table``, ``times_unreadable`` and what goes wrong with files.
    UsageError
        ``unknown_option``, ``bad_time``, or options beside an `EventLog`, which has its own.

    Examples
    --------
    >>> import pandas as pd
    >>> log = open_log(
    ...     pd.DataFrame(
    ...         {
    ...             "user_id": [1, 1, 2],
    ...             "event": ["open", "buy", "open"],
    ...             "time": ["2026-01-05T10:00Z", "2026-01-05T10:05Z", "2026-01-06T09:00Z"],
    ...         }
    ...     )
    ... )
    >>> log.facts.rows, log.as_of.isoformat()
    (3, '2026-01-07T00:00:00+00:00')
    """
    if isinstance(events, EventLog):
        if options:
            raise UsageError(
                "An opened log has its options already",
                given=", ".join(sorted(options)),
                todo="give them to open_log",
                code="options_of_open_log",
            )
        return events
    _refuse_strange(options)
    zone = options.get("timezone", "UTC")
    sources, source = open_source(events, options.get("table"), None)
    rows, read = _canonical(source, zone, options)
    table = sources.keep(rows, source.label) if source.text else rows
    given = options.get("as_of")
    as_of = None if given is None else moment_of(given, zone, "as_of")
    look = _look(sources, source, table, as_of, list(read))
    for code, (name, values) in read.items():
        if look.bad[code]:
            reading.refuse_unreadable(sources, source, name, values, code=code)
    if as_of is None:
        now = datetime.now(UTC)
        as_of = default_as_of(look.facts.last.replace(tzinfo=UTC), now, zone)
        if utc_clock(as_of) <= look.facts.last:  # today is not over
            look = _look(sources, source, table, as_of, list(read))
    known = table.filter(
        _complete(table) & (table["time"] < ibis.literal(utc_clock(as_of), "timestamp(6)"))
    )
    kept = known.drop(*read) if read else known
    if options.get("id") is not None:
        order = [name for name in ("time", "event", "value", "session") if name in kept.columns]
        kept = sources.keep(first_of_each_id(kept, "unit", order), source.label)
    arms = None
    if options.get("exposures") is not None:
        exposures = open_source(options["exposures"], None, sources)[1]
        arms = open_arms(exposures, sources, dict(options), zone, utc_clock(as_of), kept)
    return EventLog(kept, as_of, zone, look.facts, arms, sources, source.label)


def open_source(given: Any, table: str | None, sources: Sources | None) -> tuple[Sources, Source]:
    """Return a table, frame or path as a source, on the connection of `sources` if there is one.

    Raises
    ------
    DataError
        What is none of them, and what goes wrong with files.
    """
    if isinstance(given, ir.Table):
        if sources is None:
            return Sources(given.get_backend(), Path.cwd(), {}), Source(
                given, "the table", text=False
            )
        if given.get_backend() is not sources.backend:
            given = ibis.memtable(given.to_pyarrow())
        return sources, Source(given, "the table", text=False)
    own = sources or Sources(engine.connect(), Path.cwd(), {})
    if isinstance(given, str | Path):
        if sources is None or sources.backend.name == "duckdb":
            return own, own.open_file(str(given), table)
        files = Sources(engine.connect(), Path.cwd(), {})
        found = files.open_file(str(given), table)
        return own, Source(
            ibis.memtable(files.run(found.table, found.label)), found.label, text=False
        )
    frame = as_arrow(given, "events" if sources is None else "exposures")
    return own, Source(ibis.memtable(frame), "the frame", text=False)


def names_of(names: str | Sequence[str] | None) -> tuple[str, ...]:
    """Return one name or several as a tuple; none for None."""
    if names is None:
        return ()
    return (names,) if isinstance(names, str) else tuple(names)


def _refuse_strange(options: LogOptions) -> None:
    known = list(LogOptions.__annotations__)
    for name in options:
        if name not in known:
            close = get_close_matches(name, known, n=1, cutoff=0.65)
            raise UsageError(
                "There is no such option",
                given=name,
                todo=f"did you mean {close[0]}?"
                if close
                else f"options of a log are {', '.join(known)}; help() of the helper has its own",
                code="unknown_option",
            )


def _canonical(
    source: Source, zone: str, options: LogOptions
) -> tuple[ir.Table, dict[str, tuple[str, ir.Value]]]:
    """Return the rows in canonical columns, and the columns of text that may not be readable.

    The latter by the code of the error: the column's name and what was read of it. The rows
    have a flag under each code.
    """
    unit = find_column(source, "unit", options.get("unit"))
    event = find_column(source, "event", options.get("event"))
    raw = find_column(source, "time", options.get("time"))
    assert unit is not None
    assert raw is not None
    time = reading.moment(raw, zone, f"{source.label}, column {raw.get_name()!r}")
    chosen: dict[str, ir.Value] = {
        "unit": reading.keys([unit])[0],
        "event": ibis.literal(ONE_EVENT) if event is None else reading.text(event),
        "time": time,
    }
    read: dict[str, tuple[str, ir.Value]] = {}
    if raw.type().is_string():
        chosen[_TIMES] = reading.is_unreadable(raw, time)
        read[_TIMES] = raw.get_name(), time
    value = find_column(source, "value", options.get("value"))
    if value is not None:
        number = reading.number(value)
        if number is not None:
            chosen["value"] = number
            if value.type().is_string():
                chosen[_NUMBERS] = reading.is_unreadable(value, number)
                read[_NUMBERS] = value.get_name(), number
        elif options.get("value") is not None:
            raise DataError(
                "A column of values does not hold numbers",
                given=f"value={options['value']!r} of type {value.type()} in {source.label}",
                todo="name a column of numbers",
                code="not_numeric",
            )
    session = find_column(source, "session", options.get("session"))
    if session is not None:
        chosen["session"] = reading.text(session)
    if options.get("id") is not None:
        ident = find_column(source, "id", options["id"])
        assert ident is not None  # it is named
        chosen["id"] = reading.text(ident)
    if options.get("property") is not None:
        kept = find_column(source, "property", options["property"])
        assert kept is not None  # it is named
        chosen["property"] = reading.text(kept)
    return source.table.select(**chosen), read


def _complete(table: ir.Table) -> ir.Value:
    return table["unit"].notnull() & table["event"].notnull() & table["time"].notnull()


@dataclass(frozen=True)
class _Look:
    facts: LogFacts
    bad: dict[str, int]


def _look(
    sources: Sources,
    source: Source,
    table: ir.Table,
    as_of: datetime | None,
    codes: Sequence[str],
) -> _Look:
    """Return what is in the log before `as_of`, or before now; `codes` are columns of flags."""
    now = utc_clock(datetime.now(UTC))
    clock = now if as_of is None else utc_clock(as_of)
    if not codes:
        whole = ends_of_complete(sources, source, table, ("unit", "event", "time"))
        if whole is not None and whole.last < min(clock, now):
            return _Look(LogFacts(whole.rows, 0, 0, whole.first, whole.last), {})
    complete = _complete(table)
    before = complete & (table["time"] < ibis.literal(clock, "timestamp(6)"))
    answer = sources.run(
        table.aggregate(
            rows=table.count(),
            **{code: table[code].sum() for code in codes},
            incomplete=(~complete).sum(),
            first=table["time"].min(where=before),
            last=table["time"].max(where=before),
            before=before.sum(),
            future=(complete & (table["time"] > ibis.literal(now, "timestamp(6)"))).sum(),
        ),
        source.label,
    )
    try:
        found = answer.to_pylist()[0]
    except OverflowError as error:
        raise DataError(
            "The log has times before all calendars",
            given=f"{source.label}: times before the year 1, or minus infinity",
            todo="leave these rows out, or give them their times",
            code="times_out_of_range",
        ) from error
    reading.refuse_empty(found["rows"], source)
    bad = {code: int(found[code] or 0) for code in codes}
    if not found["before"] and not any(bad.values()):
        raise DataError(
            "No row of the log is complete and before as_of",
            given=f"{source.label}: {found['rows']:,} rows, {found['incomplete']:,} of them "
            f"without unit, event or time; as_of {clock.isoformat()}Z",
            todo="check which columns were taken, and as_of",
            code="no_events",
        )
    later = found["rows"] - found["incomplete"] - found["before"]
    ends = found["first"] or clock, found["last"] or clock
    facts = LogFacts(found["rows"], found["incomplete"], later, *ends, int(found["future"] or 0))
    return _Look(facts, bad)


def moment_of(given: date | str, zone: str, name: str) -> datetime:
    """Return a moment with its zone; a date is its midnight.

    Raises
    ------
    UsageError
        ``bad_time`` for what is no date or time, or text that is none in ISO form.
    """
    if isinstance(given, str):
        try:
            given = datetime.fromisoformat(given)
        except ValueError as error:
            raise UsageError(
                "This is not a date or time",
                given=f"{name}={given!r}",
                todo="write it as 2026-01-05 or 2026-01-05T10:00:00Z",
                code="bad_time",
            ) from error
    if not isinstance(given, date):
        raise UsageError(
            "This is not a date or time",
            given=f"{name}={given!r}",
            todo='write it as text such as "2026-01-05", or as a datetime',
            code="bad_time",
        )
    if not isinstance(given, datetime):
        given = datetime.combine(given, time())
    return aware(given, zone)
