"""Daily lifecycle: what state each unit is in on each day, and who is active again tomorrow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np

from abtest.cohorts.calendar_span import shown_span
from abtest.cohorts.choices import level_choice, refuse
from abtest.cohorts.daily_states import (
    ACTIVE,
    AWAY,
    daily_counts,
    rate_moments,
    state_counts,
    state_rows,
)
from abtest.cohorts.differences import ratio_differences
from abtest.cohorts.log import EventLog, LogOptions, LogTable, names_of, open_log
from abtest.cohorts.periods import first_date
from abtest.cohorts.result import CohortResult
from abtest.cohorts.unit_periods import Counts, unit_periods
from abtest.stats import MomentsTable, NotEstimable, ratio_of_totals

if TYPE_CHECKING:
    import pandas as pd

    from abtest.show.drawing import Chart
    from abtest.show.fragment import Fragment

NAMES: Mapping[str, str] = {
    "new": "NURR", "current": "CURR", "reactivated": "RURR", "resurrected": "SURR",
}  # fmt: skip


@dataclass(frozen=True, eq=False, repr=False)
class DailyLifecycle(CohortResult):
    """Units by state and day, and rates of staying active, as `daily_lifecycle` returns them.

    Attributes
    ----------
    table
        One row per cohort (an arm, or ``all``) and complete day: cohort, day, active, then units
        by state: new, current, reactivated, resurrected (together the active ones), at_risk_wau,
        at_risk_mau, dormant.
    rates
        One row per cohort and active state: cohort, rate (its name, such as CURR), state, n
        (units), unit_days (days in the state whose tomorrow is complete), again (of these, with
        activity tomorrow), value (again over unit_days), lower, upper (Fieller by unit, cut at 0
        and 1; null where there are none).
    differences
        Treatment minus control per rate (delta method by unit); None without arms.
    """

    rates: pd.DataFrame
    active: tuple[str, ...] | None
    confidence_level: float

    @property
    def title(self) -> str:
        """What it is."""
        of = f" with {', '.join(self.active)}" if self.active else ""
        return f"Daily lifecycle of units{of}"

    def plot(self, arm: str | None = None) -> Chart:
        """Return units by state and day; with arms the rates of control and one treatment.

        Parameters
        ----------
        arm
            The treatment; left out: the first.
        """
        from abtest.cohorts.daily_lifecycle_picture import rates, states

        return states(self) if self.differences is None else rates(self, arm)

    def fragment(self) -> Fragment:
        """Return figure, notes and tables as HTML, Markdown and text."""
        from abtest.show.fragment import folded, join
        from abtest.show.frame_table import frame_table

        shown = frame_table(self.rates, "Active again on the next day")
        return join([super().fragment(), folded("Rates", shown)])


def daily_lifecycle(
    events: LogTable,
    *,
    active: str | Sequence[str] | None = None,
    confidence_level: float = 0.95,
    **options: Unpack[LogOptions],
) -> DailyLifecycle:
    """Return the daily states of units, and the rates at which active ones are so again tomorrow.

    On a day with activity a unit is new (its first day), current (last active 1 to 7 days
    before), reactivated (8 to 30 days) or resurrected (31 or more). On a day without it is
    at_risk_wau (last active 1 to 6 days before), at_risk_mau (7 to 29) or dormant (30 or more).
    Before its first activity it has no state.

    Parameters
    ----------
    events
        The log: an Ibis table, a DataFrame, the path of a file, or an `EventLog`.
    active
        Events that count as activity; left out: any event.
    confidence_level
        Of every interval by itself.
    **options
        How the log is read, see `LogOptions`. With exposures, states are made of what a unit
        does from its exposure on, and rates are compared between arms.

    Raises
    ------
    UsageError
        ``bad_choice``.
    DataError
        ``unknown_event``, ``no_complete_period`` and what `open_log` raises.

    Notes
    -----
    The states are those of Duolingo's growth model (Gustafson, 2023): with today's active units,
    at_risk_wau makes the units active in 7 days, and at_risk_mau those in 30. NURR, CURR, RURR and
    SURR are P(active tomorrow | new, current, reactivated, resurrected today) over all unit-days.
    Days of one unit depend on each other: intervals and tests are those of a ratio of two sums by
    unit (delta method and Fieller).

    Examples
    --------
    >>> import pandas as pd
    >>> log = pd.DataFrame(
    ...     {"user_id": [1, 1, 1, 2], "time": pd.to_datetime(
    ...         ["2026-01-05", "2026-01-06", "2026-01-08", "2026-01-06"])}
    ... )
    >>> found = daily_lifecycle(log)
    >>> found.table[["day", "new", "current", "at_risk_wau"]].values.tolist()[1:]
    [['2026-01-06', 1, 1, 0], ['2026-01-07', 0, 0, 2], ['2026-01-08', 0, 1, 1]]
    >>> found.rates[["rate", "unit_days", "again"]].values.tolist()[:2]
    [['NURR', 2, 1], ['CURR', 1, 0]]
    """
    log = open_log(events, **options)
    refuse([level_choice(confidence_level)])
    log.require(active)
    names = None if active is None else names_of(active)
    first, end = shown_span(log, "day")
    rows = state_rows(unit_periods(log, names, "day", end))
    counts = daily_counts(log, rows, first, end - first)
    moments = rate_moments(log, rows, end)
    keys = {"rate": list(NAMES.values()), "state": list(NAMES)}
    return DailyLifecycle(
        table=_table(counts, list(moments), first, end),
        differences=None
        if log.arms is None
        else ratio_differences(moments, keys, confidence_level=confidence_level),
        notes=_notes(log),
        rates=_rates(moments, confidence_level),
        active=names,
        confidence_level=confidence_level,
    )


def _table(
    counts: Mapping[str, Mapping[str, Counts]], cohorts: Sequence[str], first: int, end: int
) -> pd.DataFrame:
    import pandas as pd

    days = [first_date(number, "day").isoformat() for number in range(first, end)]
    parts = []
    for name in cohorts:
        states = state_counts(name, counts, end - first)
        active = sum((states[state] for state in ACTIVE), np.zeros(end - first, dtype=np.int64))
        columns = {state: states[state] for state in (*ACTIVE, *AWAY)}
        parts.append(pd.DataFrame({"cohort": name, "day": days, "active": active, **columns}))
    return pd.concat(parts, ignore_index=True)


def _rates(moments: Mapping[str, MomentsTable], confidence_level: float) -> pd.DataFrame:
    import pandas as pd

    rows: list[dict[str, Any]] = []
    for name, table in moments.items():
        for place, (state, rate) in enumerate(NAMES.items()):
            units = int(table.n[place])
            again, days = (
                round(units * total) if units else 0 for total in table.mean[place].tolist()
            )
            lower, upper = _limits(table, place, confidence_level)
            rows.append(
                {
                    "cohort": name, "rate": rate, "state": state, "n": units,
                    "unit_days": days, "again": again,
                    "value": again / days if days else np.nan, "lower": lower, "upper": upper,
                }
            )  # fmt: skip
    return pd.DataFrame(rows)


def _limits(table: MomentsTable, place: int, confidence_level: float) -> tuple[float, float]:
    if not table.n[place]:
        return np.nan, np.nan
    try:
        found = ratio_of_totals(table[place], confidence_level=confidence_level)
    except NotEstimable:
        return np.nan, np.nan
    if found.status != "bounded" or found.lower is None or found.upper is None:
        return np.nan, np.nan
    return max(found.lower, 0.0), min(found.upper, 1.0)


def _notes(log: EventLog) -> tuple[str, ...]:
    found = [
        f"Days are complete dates in {log.timezone}. A unit has no state before its first "
        "activity; rates are of days whose next day is complete.",
        "Units active in 7 days are the active ones and at_risk_wau; in 30 days also at_risk_mau.",
    ]
    if log.arms is None:
        found.append(
            "The log is all that is known: units of before it look new, and nobody can be "
            "resurrected in its first 31 days."
        )
    else:
        found.append(
            "With arms, states are made of what a unit does from its exposure on. Rates are of "
            "unit-days in a state, and the treatment may change who is in it: read them beside "
            "the active days of all exposed units (stickiness)."
        )
        if log.arms.crossover:
            found.append(f"{log.arms.crossover:,} units that met two arms are left out.")
    if log.facts.incomplete:
        found.append(f"{log.facts.incomplete:,} rows without unit, event or time are left out.")
    return tuple(found)
