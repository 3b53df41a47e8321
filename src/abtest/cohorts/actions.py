"""The mix of actions: what units do, how many of them, how often, and how often in a session."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Unpack, get_args

import numpy as np

from abtest.cohorts.actions_counts import Counted, Question, counted
from abtest.cohorts.active_days import too_long
from abtest.cohorts.choices import Choice, is_above, level_choice, refuse
from abtest.cohorts.differences import (
    FEW,
    LEAST_UNITS,
    discovered,
    mean_differences,
    moments_of,
    residual_ratio_differences,
    share_differences,
)
from abtest.cohorts.log import EventLog, LogOptions, LogTable, names_of, open_log
from abtest.cohorts.result import CohortResult
from abtest.cohorts.rows import Row, records
from abtest.cohorts.shares import share_limits
from abtest.stats import MomentsTable

if TYPE_CHECKING:
    import pandas as pd

    from abtest.show.drawing import Chart

Measure = Literal["per_unit", "per_session", "share"]
COLUMNS = (
    *("arm", "event", "eligible", "units", "share", "lower", "upper"),
    *("events", "share_of_events", "per_unit", "sessions", "per_session"),
)
"""Of the table."""
MOST_DAYS = 366
MOST_EVENTS = 100


@dataclass(frozen=True, eq=False, repr=False)
class Actions(CohortResult):
    """What units did, as `actions` returns it.

    Attributes
    ----------
    table
        One row per arm (or ``all``) and event, the event that most units did first: arm, event,
        eligible (units of the arm, or without arms those with any event), units (that did it at
        least once), share, lower, upper (Wilson), events, share_of_events (of all events, of
        other names too), per_unit (events over eligible), sessions, per_session (events over
        sessions).
    differences
        Treatment minus control by unit, one row per measure (per_unit, per_session, share) and
        event; None without arms. `p_adjusted` holds false discoveries down over all rows of a
        treatment (Benjamini-Hochberg).
    """

    days: int
    confidence_level: float

    @property
    def title(self) -> str:
        """What it is."""
        return f"What units do in {self.days} day{'' if self.days == 1 else 's'}"

    def plot(self, arm: str | None = None, *, measure: Measure = "per_unit") -> Chart:
        """Return bars by event; with arms those of control and one treatment, and the difference.

        Parameters
        ----------
        arm
            The treatment; left out: the first.
        measure
            Length of the bars: events ``per_unit`` or ``per_session``, or the ``share`` of units.
        """
        from abtest.cohorts.actions_picture import picture

        todo = "per_unit, per_session or share"
        refuse([(measure not in get_args(Measure), "measure", measure, todo)])
        return picture(self, arm, measure)


def actions(
    events: LogTable,
    names: str | Sequence[str] | None = None,
    *,
    days: int = 28,
    most: int = 20,
    gap_minutes: float = 30.0,
    confidence_level: float = 0.95,
    **options: Unpack[LogOptions],
) -> Actions:
    """Return which events units have, how many units, and how often: per unit and per session.

    Without exposures the window are the last complete calendar days before `as_of`, and units
    count that have any event in it. With exposures it starts at each unit's exposure, only units
    count whose window is over, and those without events count as 0.

    Parameters
    ----------
    events
        The log: an Ibis table, a DataFrame, the path of a file, or an `EventLog`.
    names
        Events to look at; left out: those that most units have.
    days
        Length of the window, at most 366; with exposures of 24 hours each.
    most
        How many events are looked at where none are named, at most 100.
    gap_minutes
        A longer pause ends a session. A log with session ids has these for sessions instead.
    confidence_level
        Of every interval by itself.
    **options
        How the log is read, see `LogOptions`.

    Raises
    ------
    UsageError
        ``bad_choice`` for choices that cannot be, and for a window that begins before the log.
    DataError
        ``unknown_event`` and what `open_log` raises.

    Notes
    -----
    Events per session is the ratio of two sums over units, not the mean of sessions: sessions of
    a unit are alike (delta method, Deng, Knoblich & Lu 2018). Its p-value is the larger of that of
    the delta method and of the difference of mean residuals, which holds its level in unequal
    arms. Means per unit are compared by Welch's test, shares by Miettinen & Nurminen's score
    intervals. What fewer than 10 units of both arms together did is not tested. Exact repeats of
    an event are one.

    An action per session may rise because sessions become fewer: read it beside per unit.

    Examples
    --------
    >>> import pandas as pd
    >>> log = pd.DataFrame(
    ...     {
    ...         "user_id": [1, 1, 1, 2, 2],
    ...         "event": ["open", "post", "post", "open", "open"],
    ...         "time": pd.to_datetime(
    ...             ["2026-01-05 10:00", "2026-01-05 10:01", "2026-01-05 10:02"]
    ...             + ["2026-01-05 11:00", "2026-01-06 11:00"]
    ...         ),
    ...     }
    ... )
    >>> found = actions(log, days=2, as_of="2026-01-07")
    >>> found.table[["event", "units", "events", "per_unit", "per_session"]].values.tolist()
    [['open', 2, 3, 1.5, 1.0], ['post', 1, 2, 1.0, 0.6666666666666666]]
    """
    log = open_log(events, **options)
    asked = Question(None if names is None else names_of(names), days, most, gap_minutes)
    refuse(_choices(asked))
    refuse([level_choice(confidence_level)])
    if log.arms is None:
        refuse([too_long(log, days)])
    log.require(names)
    found = counted(log, asked)
    differences = None if log.arms is None else _differences(found, confidence_level)
    return Actions(
        table=_table(found, confidence_level),
        differences=differences,
        notes=_notes(log, asked, found),
        days=days,
        confidence_level=confidence_level,
    )


def _choices(asked: Question) -> Iterator[Choice]:
    yield not 1 <= asked.days <= MOST_DAYS, "days", asked.days, f"1 to {MOST_DAYS}"
    yield not 1 <= asked.most <= MOST_EVENTS, "most", asked.most, f"1 to {MOST_EVENTS}"
    gap = asked.gap_minutes
    yield not is_above(gap), "gap_minutes", gap, "minutes above 0"
    names = asked.names
    if names is not None:
        yield not names, "names", names, "one event or more, or none at all for the most frequent"
        yield len(set(names)) < len(names), "names", names, "each event once"


def _table(found: Counted, confidence_level: float) -> pd.DataFrame:
    import pandas as pd

    of = {row["arm"]: row for row in records(found.totals)}
    rows: list[dict[str, Any]] = []
    for row in records(found.sums):
        whole = of[row["arm"]]
        eligible, sessions = int(whole["units"]), int(whole["sessions"])
        share, lower, upper = share_limits(row["units"], eligible, confidence_level)
        rows.append(
            {
                "arm": row["arm"], "event": row["event"], "eligible": eligible,
                "units": row["units"], "share": share, "lower": lower, "upper": upper,
                "events": row["events"], "share_of_events": _over(row["events"], whole["events"]),
                "per_unit": _over(row["events"], eligible), "sessions": sessions,
                "per_session": _over(row["events"], sessions),
            }
        )  # fmt: skip
    return pd.DataFrame(rows, columns=COLUMNS)


def _over(part: float, whole: float) -> float:
    return float(part / whole) if whole else np.nan


def _differences(found: Counted, confidence_level: float) -> pd.DataFrame:
    import pandas as pd

    names = [str(arm) for arm in found.totals["arm"]]
    parts = {arm: found.sums[found.sums["arm"] == arm] for arm in names}
    of = {row["arm"]: row for row in records(found.totals)}
    means, ratios, counts = {}, {}, {}
    for arm, part in parts.items():
        n = np.full(len(part), of[arm]["units"])
        events, squares = (part[name].to_numpy(dtype=np.float64) for name in ("events", "squares"))
        means[arm] = moments_of(n, [events], {(0, 0): squares})
        ratios[arm] = _with_sessions(part, n, of[arm])
        counts[arm] = n, part["units"].to_numpy()
    events_of = list(found.events)
    level = {"confidence_level": confidence_level}
    measures = {
        "per_unit": mean_differences(means, {"event": events_of}, **level),
        "per_session": residual_ratio_differences(ratios, {"event": events_of}, **level),
        "share": share_differences(counts, {"event": events_of}, **level),
    }
    control = parts[names[0]]["units"].to_numpy()
    did = np.concatenate([control + parts[arm]["units"].to_numpy() for arm in names[1:]])
    for name, frame in measures.items():
        frame.insert(0, "measure", name)
        if name != "share":  # its score test needs no normal sums
            few = (did < LEAST_UNITS) & (frame["status"] == "ok").to_numpy()
            frame.loc[few, ["lower", "upper", "relative", "p_value"]] = np.nan
            frame.loc[few, "status"] = FEW
    return discovered(pd.concat(list(measures.values()), ignore_index=True))


def _with_sessions(part: pd.DataFrame, n: Any, whole: Row) -> MomentsTable:
    events = part["events"].to_numpy(dtype=np.float64)
    sessions, squares = (np.full(len(part), float(whole[x])) for x in ("sessions", "squares"))
    products = {
        (0, 0): part["squares"].to_numpy(),
        (0, 1): part["products"].to_numpy(),
        (1, 1): squares,
    }
    return moments_of(n, [events, sessions], products)


def _notes(log: EventLog, asked: Question, found: Counted) -> tuple[str, ...]:
    by_id = "session" in log.events.columns
    made = "session ids of the log" if by_id else f"pauses of more than {asked.gap_minutes:g} min"
    if log.arms is None:
        first = (
            f"The last {asked.days} complete days before {log.until}, of units with "
            "any event in them."
        )
    else:
        first = (
            f"{asked.days} days of 24 hours from each unit's exposure, of units whose window was "
            f"over by {log.until}; {found.waiting:,} units still wait. Units without "
            "events count as 0."
        )
    notes = [
        first,
        f"Sessions are told apart by {made}, and made of events of any name.",
    ]
    if found.others and asked.names is None:
        notes.append(f"{found.others:,} further events, which fewer units have, are not listed.")
    if log.arms is not None:
        notes.append(
            "Adjusted p-values hold false discoveries down over all rows of a treatment "
            f"(Benjamini-Hochberg). What fewer than {LEAST_UNITS} units did is not tested."
        )
        if log.arms.crossover:
            notes.append(f"{log.arms.crossover:,} units that met two arms are left out.")
    if log.facts.incomplete:
        notes.append(f"{log.facts.incomplete:,} rows without unit, event or time are left out.")
    return tuple(notes)
