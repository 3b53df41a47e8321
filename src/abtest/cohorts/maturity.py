"""Maturity: how many units have completed a window of so many days, now and on later dates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Unpack, get_args

import ibis
import ibis.expr.types as ir
import numpy as np

from abtest.cohorts.choices import Choice, level_choice, refuse
from abtest.cohorts.differences import share_differences
from abtest.cohorts.log import EventLog, LogOptions, LogTable, names_of, open_log
from abtest.cohorts.periods import first_date, period_number, unfinished
from abtest.cohorts.result import CohortResult
from abtest.cohorts.retention_cells import Windows
from abtest.cohorts.unit_periods import Counts
from abtest.data.clock import microseconds

if TYPE_CHECKING:
    import pandas as pd

    from abtest.show.drawing import Chart
    from abtest.show.fragment import Fragment

LONGEST = 1_000


@dataclass(frozen=True, eq=False, repr=False)
class Maturity(CohortResult):
    """Units whose window is over, as `maturity` returns them.

    Attributes
    ----------
    table
        At `as_of`, one row per cohort (an arm, or ``all``) and window: cohort, days, units (that
        have started), mature, share, complete_on (the first date at whose midnight all of them
        are).
    by_date
        One row per cohort, window and date: cohort, days, date, mature (at the midnight with
        which the date begins), share (of the units that have started by `as_of`), ahead (whether
        the date is after `as_of`).
    differences
        Treatment minus control in the share mature at `as_of`; None without arms. In a fair
        allocation there is none: arms that differ were exposed at different times.
    """

    by_date: pd.DataFrame
    days: tuple[int, ...]
    as_of_date: str

    @property
    def title(self) -> str:
        """What it is."""
        return "Units whose window is over"

    def plot(self, days: int | None = None) -> Chart:
        """Return units by date: a line per window, or with arms a line per arm for one window.

        Parameters
        ----------
        days
            With arms: which window; left out: the longest.
        """
        from abtest.cohorts.maturity_picture import by_arm, by_window

        known = f"one of {', '.join(map(str, self.days))}"
        refuse([(days is not None and days not in self.days, "days", days, known)])
        if self.differences is None:
            return by_window(self)
        return by_arm(self, self.days[-1] if days is None else days)

    def fragment(self) -> Fragment:
        """Return figure, notes and tables as HTML, Markdown and text."""
        from abtest.show.fragment import folded, join
        from abtest.show.frame_table import frame_table

        shown = frame_table(self.by_date, f"{self.title}, by date")
        return join([super().fragment(), folded("By date", shown)])


def maturity(
    events: LogTable,
    *,
    days: int | Sequence[int] = (7, 14, 28),
    start: str | Sequence[str] | None = None,
    windows: Windows = "rolling",
    confidence_level: float = 0.95,
    **options: Unpack[LogOptions],
) -> Maturity:
    """Return how many units have completed windows of some days, at `as_of` and by date.

    Parameters
    ----------
    events
        The log: an Ibis table, a DataFrame, the path of a file, or an `EventLog`.
    days
        Lengths of the windows.
    start
        Events of which the first starts a unit's window; left out: any event. Not with
        exposures, with which it starts at exposure.
    windows
        ``rolling``: days of 24 hours from the start. ``calendar``: dates in the log's timezone,
        that of the start is the first.
    confidence_level
        Of the intervals of differences.
    **options
        How the log is read, see `LogOptions`.

    Raises
    ------
    UsageError
        ``bad_choice``.
    DataError
        ``unknown_event`` and what `open_log` raises.

    Notes
    -----
    Dates ahead are of units that have started by `as_of`: those who start later come on top.

    Examples
    --------
    >>> import pandas as pd
    >>> log = pd.DataFrame({"user_id": [1, 2], "time": ["2026-01-05T12:00Z", "2026-01-08"]})
    >>> found = maturity(log, days=[2, 7])
    >>> found.table[["days", "units", "mature", "complete_on"]].values.tolist()
    [[2, 2, 1, '2026-01-10'], [7, 2, 0, '2026-01-15']]
    """
    log = open_log(events, **options)
    lengths = (days,) if isinstance(days, int) else tuple(sorted(set(days)))
    refuse(_choices(lengths, start, windows, arms=log.arms is not None))
    refuse([level_choice(confidence_level)])
    log.require(start)
    units = _starts(log, None if start is None else names_of(start))
    cohorts = ("all",) if log.arms is None else log.arms.names
    ripe = {length: _ripe(log, units, length, windows) for length in lengths}
    table = _table(ripe, cohorts, _mature_now(log, units, lengths, windows))
    return Maturity(
        table=table,
        differences=None if log.arms is None else _differences(table, cohorts, confidence_level),
        notes=_notes(log, windows),
        by_date=_by_date(log, ripe, cohorts),
        days=lengths,
        as_of_date=first_date(unfinished(log.as_of, log.timezone, "day"), "day").isoformat(),
    )


def _choices(
    days: tuple[int, ...], start: str | Sequence[str] | None, windows: str, *, arms: bool
) -> Iterator[Choice]:
    bad = not days or not all(isinstance(x, int) and 1 <= x <= LONGEST for x in days)
    yield bad, "days", days, f"whole numbers from 1 to {LONGEST:,}, such as (7, 14, 28)"
    yield windows not in get_args(Windows), "windows", windows, "rolling or calendar"
    todo = "none with exposures: the window starts at exposure"
    yield arms and start is not None, "start", start, todo


def _starts(log: EventLog, names: tuple[str, ...] | None) -> ir.Table:
    """Return cohort and start of every unit, and the number of the start's date."""
    if log.arms is not None:
        units = log.arms.units.select("start", cohort="arm")
    else:
        events = log.named(names)
        first = events.group_by("unit").aggregate(start=events["time"].min())
        units = first.select("start", cohort=ibis.literal("all"))
    return log.keep(units.mutate(begun=period_number(log.local_day(units["start"]), "day")))


def _ripe(log: EventLog, units: ir.Table, length: int, windows: Windows) -> dict[str, Any]:
    """Return per cohort {date: units}: the first date at whose midnight the window is over."""
    if windows == "calendar":
        over = units["begun"] + length
    else:
        # a window that ends at midnight is over then; any later moment waits for the next one
        last = units["start"] + ibis.interval(microseconds=microseconds(length) - 1)
        over = period_number(log.local_day(last), "day") + 1
    dates = units.select("cohort", over=over)
    found: dict[str, dict[int, int]] = {}
    for row in log.run(dates.group_by("cohort", "over").aggregate(n=dates.count())).to_pylist():
        found.setdefault(row["cohort"], {})[row["over"]] = row["n"]
    return found


def _mature_now(
    log: EventLog, units: ir.Table, lengths: Sequence[int], windows: Windows
) -> dict[str, dict[str, int]]:
    """Return per cohort the units whose windows are over at `as_of`, by n and the length."""
    clock = ibis.literal(log.clock, "timestamp(6)")
    today = unfinished(log.as_of, log.timezone, "day")
    asked = {}
    for length in lengths:
        end = units["start"] + ibis.interval(microseconds=microseconds(length))
        over = units["begun"] + length <= today if windows == "calendar" else end <= clock
        asked[f"n{length}"] = over.cast("int64").sum()
    found = log.run(units.group_by("cohort").aggregate(**asked)).to_pylist()
    return {row["cohort"]: row for row in found}


def _table(
    ripe: Mapping[int, Mapping[str, Mapping[int, int]]],
    cohorts: Sequence[str],
    now: Mapping[str, Mapping[str, int]],
) -> pd.DataFrame:
    import pandas as pd

    rows = []
    for name in cohorts:
        for length, found in ripe.items():
            dates = found.get(name, {})
            units = sum(dates.values())
            mature = now[name][f"n{length}"] if units else 0
            rows.append(
                {
                    "cohort": name, "days": length, "units": units, "mature": mature,
                    "share": mature / units if units else np.nan,
                    "complete_on": first_date(max(dates), "day").isoformat() if dates else None,
                }
            )  # fmt: skip
    return pd.DataFrame(rows)


def _by_date(
    log: EventLog, ripe: Mapping[int, Mapping[str, Mapping[int, int]]], cohorts: Sequence[str]
) -> pd.DataFrame:
    """Return the running counts from the first start's date to the last window's end."""
    import pandas as pd

    today = unfinished(log.as_of, log.timezone, "day")
    known = [date for found in ripe.values() for dates in found.values() for date in dates]
    first, last = min([*(date - 1 for date in known), today]), max([*known, today])
    numbers = range(first, last + 1)
    parts = []
    for name in cohorts:
        for length, found in ripe.items():
            dates = found.get(name, {})
            mature: Counts = np.cumsum([dates.get(number, 0) for number in numbers])
            units = sum(dates.values())
            parts.append(
                pd.DataFrame(
                    {
                        "cohort": name,
                        "days": length,
                        "date": [first_date(number, "day").isoformat() for number in numbers],
                        "mature": mature,
                        "share": mature / units if units else np.nan,
                        "ahead": [number > today for number in numbers],
                    }
                )
            )
    return pd.concat(parts, ignore_index=True)


def _differences(
    table: pd.DataFrame, cohorts: Sequence[str], confidence_level: float
) -> pd.DataFrame:
    parts = {name: table[table["cohort"] == name] for name in cohorts}
    counts = {name: (part["units"], part["mature"]) for name, part in parts.items()}
    keys = {"days": parts[cohorts[0]]["days"].tolist()}
    return share_differences(counts, keys, confidence_level=confidence_level)


def _notes(log: EventLog, windows: Windows) -> tuple[str, ...]:
    kind = "days of 24 hours" if windows == "rolling" else f"dates in {log.timezone}"
    begins = "a unit's exposure" if log.arms is not None else "a unit's first event in the log"
    found = [
        f"Windows are {kind} from {begins} on; a unit is mature when its window is over.",
        f"Dates after {log.until} are of the units that have started by then: units "
        "that start later come on top.",
    ]
    if log.arms is not None:
        found.append(
            "In a fair allocation equal shares of the arms are mature; a difference says that "
            "arms were exposed at different times."
        )
        if log.arms.crossover:
            found.append(f"{log.arms.crossover:,} units that met two arms are left out.")
    if log.facts.incomplete:
        found.append(f"{log.facts.incomplete:,} rows without unit, event or time are left out.")
    return tuple(found)
