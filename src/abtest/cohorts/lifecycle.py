"""Lifecycle: of the units of each period, which are new, returning, resurrected or dormant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Unpack

import ibis.expr.types as ir
import numpy as np

from abtest.cohorts.calendar_span import number_at, shown_span
from abtest.cohorts.choices import refuse
from abtest.cohorts.log import EventLog, LogOptions, LogTable, names_of, open_log
from abtest.cohorts.periods import PERIODS, Period, first_date, period_name
from abtest.cohorts.result import CohortResult
from abtest.cohorts.unit_periods import Counts, counts_by_period, unit_periods

if TYPE_CHECKING:
    import pandas as pd

    from abtest.show.drawing import Chart

ACTIVE = ("new", "returning", "resurrected")


@dataclass(frozen=True, eq=False, repr=False)
class Lifecycle(CohortResult):
    """Units by state and calendar period, as `lifecycle` returns it.

    Attributes
    ----------
    table
        One row per cohort (an arm, or ``all``) and complete period: cohort, period (its first
        day, or the month), active, new, returning, resurrected, dormant. Without arms dormant is
        null in the first period: who was active before it is not known.
    differences
        None: the number of units in a state depends on when units entered, see the notes.
    """

    active: tuple[str, ...] | None
    period: Period

    @property
    def title(self) -> str:
        """What it is."""
        of = f" with {', '.join(self.active)}" if self.active else ""
        return f"Lifecycle of units{of} by {self.period}"

    def plot(self, arm: str | None = None) -> Chart:
        """Return stacked bars of the active states, with dormant units below zero.

        Parameters
        ----------
        arm
            The arm to show; left out: control.
        """
        from abtest.cohorts.lifecycle_picture import stacked

        return stacked(self, arm)


def lifecycle(
    events: LogTable,
    *,
    active: str | Sequence[str] | None = None,
    period: Period = "week",
    **options: Unpack[LogOptions],
) -> Lifecycle:
    """Return how many units are new, returning, resurrected and dormant in each calendar period.

    New: active for the first time in the log. Returning: active in this period and the one
    before. Resurrected: active in this period and before, but not in the period before. Dormant:
    active in the period before, not in this one; each unit counts in the first period it misses.

    Parameters
    ----------
    events
        The log: an Ibis table, a DataFrame, the path of a file, or an `EventLog`.
    active
        Events that count as activity; left out: any event.
    period
        ``day``, ``week`` (from Monday) or ``month``.
    **options
        How the log is read, see `LogOptions`. With exposures, units are counted per arm from
        their exposure on, so that a unit's first activity after it is new.

    Raises
    ------
    UsageError
        ``bad_choice``.
    DataError
        ``unknown_event``, ``no_complete_period`` and what `open_log` raises.

    Notes
    -----
    Active units are new + returning + resurrected, and dormant units are the active ones of the
    period before less those returning.

    Examples
    --------
    >>> import pandas as pd
    >>> log = pd.DataFrame(
    ...     {
    ...         "user_id": [1, 1, 1, 2],
    ...         "time": ["2026-01-05", "2026-01-06", "2026-01-08", "2026-01-06"],
    ...     }
    ... )
    >>> found = lifecycle(log, period="day").table
    >>> found[["active", "new", "returning", "resurrected"]].values.tolist()
    [[1, 1, 0, 0], [2, 1, 1, 0], [0, 0, 0, 0], [1, 0, 0, 1]]
    >>> found["dormant"].tolist()
    [<NA>, 0, 2, 0]
    """
    log = open_log(events, **options)
    refuse([(period not in PERIODS, "period", period, "day, week or month")])
    log.require(active)
    names = None if active is None else names_of(active)
    first, end = shown_span(log, period)
    rows = unit_periods(log, names, period, end)
    counts = {
        state: counts_by_period(log, part, part["number"], first, end - first)
        for state, part in _states(rows).items()
    }
    cohorts = ("all",) if log.arms is None else log.arms.names
    return Lifecycle(
        table=_table(counts, cohorts, first, end, period, arms=log.arms is not None),
        differences=None,
        notes=_notes(log, period, first),
        active=names,
        period=period,
    )


def _states(rows: ir.Table) -> dict[str, ir.Table]:
    """Return the rows of each active state."""
    before = rows["before"]
    follows = before == rows["number"] - 1
    return {
        "new": rows.filter(before.isnull()),
        "returning": rows.filter(follows),
        "resurrected": rows.filter(before.notnull() & ~follows),
    }


def _table(
    counts: dict[str, dict[str, Counts]],
    cohorts: Sequence[str],
    first: int,
    end: int,
    period: Period,
    *,
    arms: bool,
) -> pd.DataFrame:
    import pandas as pd

    none = np.zeros(end - first, dtype=np.int64)
    parts = []
    for name in cohorts:
        found = {state: counts[state].get(name, none) for state in ACTIVE}
        units = found["new"] + found["returning"] + found["resurrected"]
        part = pd.DataFrame(
            {
                "cohort": name,
                "period": [period_name(number, period) for number in range(first, end)],
                "active": units,
                **found,
                "dormant": np.concatenate([[0], units[:-1]]) - found["returning"],
            }
        )
        part["dormant"] = part["dormant"].astype("Int64")
        if not arms:
            part.loc[0, "dormant"] = pd.NA
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def _notes(log: EventLog, period: Period, first: int) -> tuple[str, ...]:
    found = [
        f"Periods are complete {period}s of the calendar in {log.timezone}. A unit is dormant in "
        "the first period it misses only: dormant units are the active ones of the period before "
        "less those returning.",
    ]
    begun = first_date(number_at(log, log.facts.first, "day"), "day")
    if log.arms is None:
        found.append(
            f"The log begins on {begun.isoformat()}: units of before it look new "
            "in its first periods, and nobody can be resurrected in the first two."
        )
    else:
        found.append(
            "With arms a unit's first activity from its exposure on is new, also of units that "
            "were active before. Counts follow enrolment and the arm's share of units: compare "
            "retention, active days or the daily rates (daily_lifecycle), which are by unit."
        )
        if log.arms.crossover:
            found.append(f"{log.arms.crossover:,} units that met two arms are left out.")
    if first_date(first, period) < begun:
        found.append(f"The first {period} is not whole: it began before the log.")
    if log.facts.incomplete:
        found.append(f"{log.facts.incomplete:,} rows without unit, event or time are left out.")
    return tuple(found)
