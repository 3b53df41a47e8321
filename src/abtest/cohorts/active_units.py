"""Active units: how many were active on a day, in a week and in a month up to it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Unpack

import numpy as np

from abtest.cohorts.calendar_span import shown_span
from abtest.cohorts.choices import Choice, refuse
from abtest.cohorts.log import EventLog, LogOptions, LogTable, names_of, open_log
from abtest.cohorts.periods import first_date, period_number
from abtest.cohorts.result import CohortResult
from abtest.cohorts.unit_periods import (
    Counts,
    active_within,
    counts_by_period,
    unit_periods,
)

if TYPE_CHECKING:
    import pandas as pd

    from abtest.show.drawing import Chart

WEEK = 7
Counted = Literal["dau", "wau", "mau"]


@dataclass(frozen=True, eq=False, repr=False)
class ActiveUnits(CohortResult):
    """Active units by calendar day, as `active_units` returns it.

    Attributes
    ----------
    table
        One row per cohort (an arm, or ``all``) and complete calendar day: cohort, day, exposed
        (units exposed by the end of the day; with arms only), dau, wau and mau (units active on
        the day, in the 7 days that end with it, in the `month` days that end with it), dau_mau
        (mean of dau over those `month` days, over mau) and wau_mau. Null where a window begins
        before the log, or before the first exposure; ratios also where nobody was active.
    differences
        None: these numbers are a picture, see the notes.
    """

    active: tuple[str, ...] | None
    month: int

    @property
    def title(self) -> str:
        """What it is."""
        of = f" with {', '.join(self.active)}" if self.active else ""
        return f"Active units{of} by day"

    def plot(self, counted: Counted = "dau") -> Chart:
        """Return lines of daily, weekly and monthly active units; with arms one line per arm.

        Parameters
        ----------
        counted
            With arms: which of ``dau``, ``wau`` and ``mau``.
        """
        from abtest.cohorts.active_units_picture import by_arm, by_length

        todo = "dau, wau or mau"
        refuse([(counted not in ("dau", "wau", "mau"), "counted", counted, todo)])
        return by_arm(self, counted) if "exposed" in self.table else by_length(self)


def active_units(
    events: LogTable,
    *,
    active: str | Sequence[str] | None = None,
    days: int | None = None,
    month: int = 28,
    **options: Unpack[LogOptions],
) -> ActiveUnits:
    """Return daily, weekly and monthly active units of every complete calendar day.

    Parameters
    ----------
    events
        The log: an Ibis table, a DataFrame, the path of a file, or an `EventLog`.
    active
        Events that count as activity; left out: any event.
    days
        How many of the last complete days to return; left out: all of the log.
    month
        Days of a month, at least 8; 28 has every weekday as often as the others.
    **options
        How the log is read, see `LogOptions`. With exposures, units are counted per arm from
        their exposure on; arms are not compared.

    Raises
    ------
    UsageError
        ``bad_choice``.
    DataError
        ``unknown_event``, ``no_complete_period`` and what `open_log` raises.

    Notes
    -----
    Over the same days, the mean of daily active units over the monthly active ones equals the
    mean of active days of the units that were active, over the number of days: both are the
    number of unit-days over units times days. A/B tests take the active days of all exposed
    units, because the treatment may change who is active at all.

    A unit is active in the n days that end with day d if its last active day up to d is later
    than d - n. Each active day thus holds until n days later or the next active day.

    Examples
    --------
    >>> import pandas as pd
    >>> log = pd.DataFrame(
    ...     {"user_id": [1, 2, 1], "time": ["2026-01-05", "2026-01-05", "2026-01-12"]}
    ... )
    >>> found = active_units(log).table
    >>> found.loc[6:, ["day", "dau", "wau"]].values.tolist()
    [['2026-01-11', 0, 2], ['2026-01-12', 1, 1]]
    """
    log = open_log(events, **options)
    refuse(_choices(days, month))
    log.require(active)
    names = None if active is None else names_of(active)
    known, end = shown_span(log, "day")
    rows = unit_periods(log, names, "day", end)
    size = end - known
    starts = counts_by_period(log, rows, rows["number"], known, size)
    active_in = {
        length: active_within(log, rows, length, known, starts, size) for length in (1, WEEK, month)
    }
    exposed = None if log.arms is None else _exposed(log, known, size)
    cohorts = ("all",) if log.arms is None else log.arms.names
    table = _table(active_in, exposed, cohorts, known, size)
    if days is not None:
        table = table.groupby("cohort", sort=False).tail(days).reset_index(drop=True)
    return ActiveUnits(
        table=table, differences=None, notes=_notes(log, month), active=names, month=month
    )


def _choices(days: int | None, month: int) -> Iterator[Choice]:
    yield days is not None and days < 1, "days", days, "1 or more"
    yield not WEEK < month <= 366, "month", month, "a number of days from 8 to 366, such as 28"


def _exposed(log: EventLog, first: int, size: int) -> dict[str, Counts]:
    """Return per arm the units exposed by the end of each day."""
    assert log.arms is not None
    units = log.arms.units.mutate(cohort=log.arms.units["arm"])
    started = period_number(log.local_day(units["start"]), "day")
    found = counts_by_period(log, units, started, first, size)
    return {name: np.cumsum(counts) for name, counts in found.items()}


def _table(
    active_in: dict[int, dict[str, Counts]],
    exposed: dict[str, Counts] | None,
    cohorts: Sequence[str],
    first: int,
    size: int,
) -> pd.DataFrame:
    import pandas as pd

    parts = []
    for name in cohorts:
        dau, wau, mau = (
            counts.get(name, np.zeros(size, dtype=np.int64)) for counts in active_in.values()
        )
        month = max(active_in)
        columns: dict[str, Any] = {
            "cohort": name,
            "day": [first_date(first + i, "day").isoformat() for i in range(size)],
        }
        if exposed is not None:
            columns["exposed"] = exposed.get(name, np.zeros(size, dtype=np.int64))
        part = pd.DataFrame(columns | {"dau": dau, "wau": wau, "mau": mau})
        for column, length in (("wau", WEEK), ("mau", month)):
            known = part.index >= length - 1
            part[column] = part[column].astype("Int64").where(known)
        monthly = part["mau"].astype("float64").replace(0.0, np.nan)
        part["dau_mau"] = part["dau"].rolling(month).mean() / monthly
        part["wau_mau"] = part["wau"].astype("float64") / monthly
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def _notes(log: EventLog, month: int) -> tuple[str, ...]:
    found = [
        f"Days are complete dates in {log.timezone}. wau counts units active in the 7 days that "
        f"end with the day, mau in {month} days.",
        f"dau_mau is the mean of dau over the {month} days, over mau. It equals the mean share of "
        f"those days on which units were active, among units active at all.",
        "It is a picture, not a verdict: whom it divides by, those who were active, the treatment "
        "may have changed. Compare the active days of all exposed units instead (stickiness).",
    ]
    if log.arms is None:
        found.append("Windows that begin before the log are not known, which is not 0.")
    else:
        found.append(
            "Counts per arm grow with enrolment and with the arm's share of units. Windows that "
            "begin before the first exposure are not known."
        )
        if log.arms.crossover:
            found.append(f"{log.arms.crossover:,} units that met two arms are left out.")
    if log.facts.incomplete:
        found.append(f"{log.facts.incomplete:,} rows without unit, event or time are left out.")
    return tuple(found)
