"""Health of a log: what is missing, repeated or strange in it, before anything is concluded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Unpack

import numpy as np

from abtest.cohorts.choices import level_choice, refuse
from abtest.cohorts.differences import share_differences
from abtest.cohorts.log import EventLog, LogOptions, LogTable, open_log
from abtest.cohorts.log_health_counts import (
    EXTREME,
    Counted,
    Exposed,
    count_exposed,
    count_log,
    events_by_day,
    events_by_name,
)
from abtest.cohorts.result import CohortResult

if TYPE_CHECKING:
    import pandas as pd

    from abtest.show.drawing import Chart
    from abtest.show.fragment import Fragment

Status = Literal["ok", "look"]
Row = tuple[str, int, int | None, bool, str]
"""What is counted, how many, of how many, whether to look at it, what it means."""
FEW, SOME, MANY = 0.01, 0.05, 0.1
"""Shares from which something is worth a look."""


@dataclass(frozen=True, eq=False, repr=False)
class LogHealth(CohortResult):
    """What was found in a log, as `log_health` returns it.

    Attributes
    ----------
    table
        One row per check: check, value (a count), share (of rows, events, days or units, as the
        reading says; null where it is of nothing), status (``ok`` or ``look``), reading.
    daily
        One row per day from the first to the last with events: day, events, gap (none), quiet
        (less than a tenth of the median of the 15 days around it, where that is 20 or more; not
        the first and last day, which may be cut).
    names
        One row per event: event, events, units, share of all events.
    differences
        Treatment minus control in the share of exposed units without events; None without arms.
    """

    daily: pd.DataFrame
    names: pd.DataFrame

    @property
    def title(self) -> str:
        """What it is."""
        return "Health of the log"

    def plot(self) -> Chart:
        """Return events per day, days without events marked."""
        from abtest.cohorts.log_health_picture import by_day

        return by_day(self)

    def fragment(self) -> Fragment:
        """Return figure, notes and tables as HTML, Markdown and text."""
        from abtest.show.fragment import folded, join
        from abtest.show.frame_table import frame_table

        parts = [
            super().fragment(),
            folded("Events by name", frame_table(self.names, "Events by name")),
            folded("Events by day", frame_table(self.daily, "Events by day")),
        ]
        return join(parts)


def log_health(
    events: LogTable, *, confidence_level: float = 0.95, **options: Unpack[LogOptions]
) -> LogHealth:
    """Return what is missing, repeated or strange in a log.

    A row with the status ``look`` is no error: it is what someone who knows how the log is made
    should explain before a conclusion rests on it.

    Parameters
    ----------
    events
        The log: an Ibis table, a DataFrame, the path of a file, or an `EventLog`.
    confidence_level
        Of the intervals of differences.
    **options
        How the log is read, see `LogOptions`. With exposures it is also looked for units without
        events and events of units without exposure.

    Raises
    ------
    UsageError
        ``bad_choice``.
    DataError
        What `open_log` raises.

    Notes
    -----
    Tables have no order of rows, so that rows out of order cannot be seen and do no harm; what
    has no order in time are events of one unit at the same moment, and these are counted.

    Examples
    --------
    >>> import pandas as pd
    >>> log = pd.DataFrame(
    ...     {"user_id": [1, 1, 2, None], "time": ["2026-01-05T08:00Z", "2026-01-05T08:00Z",
    ...         "2026-01-07T09:00Z", "2026-01-07T09:00Z"]}
    ... )
    >>> found = log_health(log).table.set_index("check")
    >>> found.loc[["incomplete rows", "exact repeats", "days without events"], "value"].tolist()
    [1, 1, 1]
    """
    log = open_log(events, **options)
    refuse([level_choice(confidence_level)])
    once = log.keep(log.once)
    counted, daily = count_log(log, once), events_by_day(log)
    exposed = None if log.arms is None else count_exposed(log, once)
    rows = [*_of_rows(log, counted), *_of_times(counted, daily), *_of_units(counted)]
    if exposed is not None:
        rows.extend(_of_exposures(log, counted, exposed))
    return LogHealth(
        table=_table(rows),
        differences=None if exposed is None else _differences(exposed, confidence_level),
        notes=_notes(log),
        daily=daily,
        names=events_by_name(log, once),
    )


def _table(rows: list[Row]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(
        {
            "check": [row[0] for row in rows],
            "value": [row[1] for row in rows],
            "share": [row[1] / row[2] if row[2] else np.nan for row in rows],
            "status": ["look" if row[3] else "ok" for row in rows],
            "reading": [row[4] for row in rows],
        }
    )


def _of_rows(log: EventLog, counted: Counted) -> Iterator[Row]:
    facts = log.facts
    yield "rows", facts.rows, None, False, f"Rows of the log; {counted.events:,} of them are read."
    incomplete = facts.incomplete
    yield (
        "incomplete rows", incomplete, facts.rows, incomplete > FEW * facts.rows,
        "Of rows. Without unit, event or time: left out.",
    )  # fmt: skip
    yield (
        "rows from as_of on", facts.later, facts.rows, False,
        f"Of rows. At or after {log.until}: left out.",
    )  # fmt: skip
    yield (
        "rows of the future", facts.future, facts.rows, facts.future > 0,
        "Of rows. Later than the moment of reading: clocks that run ahead, or a wrong timezone.",
    )  # fmt: skip
    yield (
        "exact repeats", counted.repeats, counted.events, counted.repeats > FEW * counted.events,
        "Of the rows read. Alike in every column that is read: they count once where events are "
        "counted.",
    )  # fmt: skip


def _of_times(counted: Counted, daily: pd.DataFrame) -> Iterator[Row]:
    yield (
        "events before 2000", counted.old, counted.events, counted.old > 0,
        f"Of the rows read. Clocks that were never set; {counted.epoch:,} are of 1 January 1970.",
    )  # fmt: skip
    yield (
        "events at midnight", counted.midnight, counted.events,
        counted.midnight > MANY * counted.events,
        "Of the rows read. Exactly at local midnight: many of them are dates without a time, and "
        "windows shorter than a day do not hold.",
    )  # fmt: skip
    yield (
        "events tied in time", counted.tied, counted.once, counted.tied > SOME * counted.once,
        "Of the events. They share unit and moment with another event, so their order is not "
        "known: funnels and paths depend on it.",
    )  # fmt: skip
    gaps = daily[daily["gap"]]["day"].tolist()
    shown = f": {', '.join(gaps[:5])}{' ...' if len(gaps) > 5 else ''}" if gaps else ""
    yield (
        "days without events", len(gaps), len(daily), bool(gaps),
        f"Of the days from the first to the last event{shown}.",
    )  # fmt: skip
    quiet = daily[daily["quiet"]]["day"].tolist()
    shown = f": {', '.join(quiet[:5])}{' ...' if len(quiet) > 5 else ''}" if quiet else ""
    yield (
        "quiet days", len(quiet), len(daily), bool(quiet),
        f"Of the same days. Less than a tenth of the median of 15 days around{shown}.",
    )  # fmt: skip


def _of_units(counted: Counted) -> Iterator[Row]:
    yield (
        "units", counted.units, None, False,
        f"Units with events; the median unit has {counted.median:,.4g}, one of a hundred has "
        f"{counted.high:,.4g} or more.",
    )  # fmt: skip
    yield (
        "events of the busiest unit", counted.most, counted.once,
        counted.most > max(FEW, 10.0 / counted.units) * counted.once,
        "Of the events. One unit with more than a hundredth of the log, and ten times the mean, "
        "may be a robot, a test account or an id that many share.",
    )  # fmt: skip
    yield (
        "units with extreme counts", counted.extreme, counted.units,
        counted.extreme_events > SOME * counted.once,
        f"Of units. More than {EXTREME} times the 99th percentile; they have "
        f"{counted.extreme_events:,} events. Leave them out only by a rule fixed on what was "
        "before exposure.",
    )  # fmt: skip


def _of_exposures(log: EventLog, counted: Counted, exposed: Exposed) -> Iterator[Row]:
    assert log.arms is not None
    for name, units in exposed.units.items():
        silent = exposed.silent[name]
        yield (
            f"exposed without events: {name}", silent, units, silent == units,
            "Of the arm's units. No event from exposure on; they count as 0, not as missing.",
        )  # fmt: skip
    whole = sum(exposed.units.values()) + log.arms.crossover
    yield (
        "units of two arms", log.arms.crossover, whole, log.arms.crossover > FEW * whole,
        "Of exposed units. Left out of comparisons.",
    )  # fmt: skip
    yield (
        "units without an arm", exposed.strangers, counted.units, False,
        "Of units with events. Not exposed, or of two arms; ids that are written in two ways "
        "would be here too.",
    )  # fmt: skip
    yield (
        "exposed before the log", exposed.early, sum(exposed.units.values()), exposed.early > 0,
        "Of exposed units in arms. Their exposure is before the first event: what they did first "
        "may be missing.",
    )  # fmt: skip
    yield (
        "events before exposure", exposed.before, exposed.of_exposed, False,
        "Of the events of units in arms. They do not count in comparisons.",
    )  # fmt: skip


def _differences(exposed: Exposed, confidence_level: float) -> pd.DataFrame:
    arms = {name: ([units], [exposed.silent[name]]) for name, units in exposed.units.items()}
    keys = {"check": ["exposed without events"]}
    return share_differences(arms, keys, confidence_level=confidence_level)


def _notes(log: EventLog) -> tuple[str, ...]:
    found = [
        "A row to look at is no error: someone who knows how the log is made should explain it "
        "before a conclusion rests on it.",
        f"Days are dates in {log.timezone}; the last may not be over. Events are rows without "
        "exact repeats.",
        "Tables have no order of rows: rows out of order do no harm, events of one unit at the "
        "same moment have no order.",
    ]
    if log.arms is not None:
        found.append(
            "A difference of the arms in units without events is an effect, or a log that loses "
            "events in one arm: find out which."
        )
    return tuple(found)
