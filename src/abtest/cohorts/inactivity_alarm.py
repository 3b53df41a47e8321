"""Inactivity alarm: units that are silent for longer than they usually are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np

from abtest.cohorts.choices import Choice, level_choice, refuse
from abtest.cohorts.inactivity_gaps import ALL, Question, Silence, silence_of
from abtest.cohorts.log import EventLog, LogOptions, LogTable, names_of, open_log, open_source
from abtest.cohorts.result import CohortResult
from abtest.cohorts.shares import share_limits

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

    from abtest.show.drawing import Chart

GROUPS = ("tier", "segment", "group")
"""Names of columns of groups, the first that is there is taken."""


@dataclass(frozen=True, eq=False, repr=False)
class InactivityAlarm(CohortResult):
    """Units that are silent for longer than they usually are, as `inactivity_alarm` returns them.

    Attributes
    ----------
    table
        One row per arm ("all units" without arms) and origin of the threshold: arm, threshold_from
        (``own gaps``, ``all gaps``, or ``both``), units, over (silent for longer than their
        threshold), share, lower, upper (Wilson), median_threshold in days, and never_active: units
        of an arm without an active day since exposure, which are in no other column.
    differences
        None: this describes, and is no metric of an experiment.
    by_group
        With `by`, the same per arm and group: arm, group, units, over, share, lower, upper and
        median_threshold; None without.
    top
        The units furthest over their threshold: unit, arm, last_active, days_silent, gaps,
        threshold, threshold_from, times (days silent over the threshold).
    gaps
        One row per arm and length of a gap in days: arm, days, gaps, share (at or below).
    units
        All units with an active day, in the engine, with the columns of `top` and ``over``.
    pooled_threshold
        The quantile of all gaps; None where there is no gap.
    """

    by_group: pd.DataFrame | None
    top: pd.DataFrame
    gaps: pd.DataFrame
    units: ir.Table
    pooled_threshold: int | None
    asked: Question
    confidence_level: float

    @property
    def title(self) -> str:
        """What it is."""
        of = f" of {', '.join(self.asked.active)}" if self.asked.active else ""
        return f"Gaps between active days{of}, and units silent for longer"

    def plot(self, arm: str | None = None) -> Chart:
        """Return how long gaps are, with the pooled threshold; with arms those of two.

        Parameters
        ----------
        arm
            The treatment; left out: the first.
        """
        from abtest.cohorts.inactivity_picture import picture

        return picture(self, arm)


def inactivity_alarm(
    events: LogTable,
    *,
    active: str | Sequence[str] | None = None,
    quantile: float = 0.95,
    min_gaps: int = 10,
    top: int = 50,
    by: Any = None,
    confidence_level: float = 0.95,
    **options: Unpack[LogOptions],
) -> InactivityAlarm:
    """Return which units are silent for longer than their own gaps let expect.

    A gap is the number of days from one active day of a unit to the next: 1 on consecutive days. A
    unit is over its threshold when the gap it is in is already longer than nearly all it had.

    Parameters
    ----------
    events
        The log: an Ibis table, a DataFrame, the path of a file, or an `EventLog`.
    active
        Events that make a day an active one; left out: any event.
    quantile
        The threshold is this quantile of a unit's gaps: the shortest gap that so large a share of
        its gaps does not exceed.
    min_gaps
        Units with fewer gaps have the quantile of the gaps of all units as their threshold.
    top
        Rows of the list of units.
    by
        A table or frame with the columns unit and ``tier``, ``segment`` or ``group``, one row per
        unit, such as the ``units`` of `tiers` or `rfm`.
    confidence_level
        Of the intervals of shares.
    **options
        How the log is read, see `LogOptions`.

    Raises
    ------
    UsageError
        ``bad_choice`` for choices that cannot be.
    DataError
        ``unknown_event`` and what `open_log` raises.

    Notes
    -----
    Days are those of the calendar in the log's timezone. The gap that a unit is in lasts at least
    until the day of `as_of`; an alarm needs it to be longer than the threshold, not as long.
    The quantile is the inverse of the distribution function (type 1 of Hyndman & Fan 1996). With
    fewer than 1 / (1 - quantile) gaps it is the longest of them.

    With exposures the days from the exposure on count, and only units of arms.

    Examples
    --------
    >>> import pandas as pd
    >>> days = [1, 2, 3, 4, 6]
    >>> log = pd.DataFrame(
    ...     {"user_id": 1, "event": "open", "time": [f"2026-01-0{day}T09:00Z" for day in days]}
    ... )
    >>> found = inactivity_alarm(log, min_gaps=4, as_of="2026-01-09")
    >>> found.top[["days_silent", "gaps", "threshold"]].values.tolist()
    [[3, 4, 2]]
    """
    log = open_log(events, **options)
    asked = Question(
        active=None if active is None else names_of(active),
        quantile=quantile,
        min_gaps=min_gaps,
        top=top,
    )
    refuse([*_choices(asked), level_choice(confidence_level)])
    log.require(active)
    found = silence_of(log, asked, None if by is None else _groups(log, by))
    return InactivityAlarm(
        table=_table(log, found, confidence_level),
        differences=None,
        notes=_notes(log, asked, found),
        by_group=None if by is None else _group_table(log, found, confidence_level),
        top=found.top,
        gaps=found.gaps,
        units=found.units,
        pooled_threshold=found.pooled,
        asked=asked,
        confidence_level=confidence_level,
    )


def _choices(asked: Question) -> Iterator[Choice]:
    todo = "a share between 0 and 1, such as 0.95"
    yield not 0.0 < asked.quantile < 1.0, "quantile", asked.quantile, todo
    yield not _is_count(asked.min_gaps, 1), "min_gaps", asked.min_gaps, "a whole number, 1 or more"
    yield not _is_count(asked.top, 0), "top", asked.top, "a whole number, 0 or more"


def _is_count(number: object, least: int) -> bool:
    return isinstance(number, int) and not isinstance(number, bool) and number >= least


def _groups(log: EventLog, by: Any) -> ir.Table:
    """Return the columns unit and group of a table of groups."""
    table = open_source(by, None, log.sources)[1].table
    names = [name for name in GROUPS if name in table.columns]
    known = "unit" in table.columns and bool(names)
    todo = f"a table with the columns unit and {' or '.join(GROUPS)}"
    refuse([(not known, "by", list(table.columns), todo)])
    unit = table["unit"].cast(log.events["unit"].type())
    return table.select(unit=unit, group=table[names[0]])


def _group_table(log: EventLog, found: Silence, confidence_level: float) -> pd.DataFrame:
    import pandas as pd

    names = (ALL,) if log.arms is None else log.arms.names
    order = sorted(found.groups, key=lambda key: (names.index(key[0]), key[1]))
    rows = []
    for arm, group in order:
        units, over, middle = found.groups[arm, group]
        share, lower, upper = share_limits(over, units, confidence_level)
        rows.append(
            {"arm": arm, "group": group, "units": units, "over": over, "share": share,
             "lower": lower, "upper": upper, "median_threshold": middle}
        )  # fmt: skip
    return pd.DataFrame(rows)


def _table(log: EventLog, found: Silence, confidence_level: float) -> pd.DataFrame:
    import pandas as pd

    rows: list[dict[str, Any]] = []
    for arm in (ALL,) if log.arms is None else log.arms.names:
        for origin in ("both", "own gaps", "all gaps"):
            units, over, middle = found.counts.get((arm, origin), (0, 0, np.nan))
            share, low, high = share_limits(over, units, confidence_level)
            rows.append(
                {"arm": arm, "threshold_from": origin, "units": units, "over": over,
                 "share": share, "lower": low, "upper": high,
                 "median_threshold": middle,
                 "never_active": found.never.get(arm, 0) if origin == "both" else 0}
            )  # fmt: skip
    return pd.DataFrame(rows)


def _notes(log: EventLog, asked: Question, found: Silence) -> tuple[str, ...]:
    notes = [
        "A gap is the number of days from one active day of a unit to the next. A unit is over its "
        f"threshold when its gap up to {log.until} is longer than "
        f"{100 * asked.quantile:g}% of its gaps.",
        f"Units with fewer than {asked.min_gaps} gaps have the threshold of all gaps. Units that "
        "come often have most of these, so that it is short for those that come rarely.",
        "This describes who to look at. It is no metric of an experiment: a treatment moves the "
        "gaps and the threshold, and about one gap in "
        f"{1 / (1 - asked.quantile):.3g} is that long without anybody leaving.",
    ]
    if found.pooled is None:
        notes.append("No unit has two active days: there is no threshold, and no alarm.")
    if log.arms is not None:
        notes.append(
            "Days from the exposure on count. Units without an active day since are not among "
            "the units, but in never_active."
        )
        if log.arms.crossover:
            notes.append(f"{log.arms.crossover:,} units that met two arms are left out.")
    if log.facts.incomplete:
        notes.append(f"{log.facts.incomplete:,} rows without unit, event or time are left out.")
    return tuple(notes)
