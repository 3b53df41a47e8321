"""Sessions: runs of a unit's events, how many and how long, and how that hangs on the timeout."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Unpack, get_args

import ibis.expr.types as ir
import numpy as np

from abtest.cohorts.choices import Choice, is_above, level_choice, refuse
from abtest.cohorts.log import EventLog, LogOptions, LogTable, names_of, open_log
from abtest.cohorts.result import CohortResult
from abtest.cohorts.sessions_numbers import differences_of, long_rows, wide_row
from abtest.cohorts.sessions_runs import EDGES, By, Question, Runs, runs_of
from abtest.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

    from abtest.show.drawing import Chart

_DAYS = 28.0


@dataclass(frozen=True, eq=False, repr=False)
class Sessions(CohortResult):
    """Sessions of units, as `sessions` returns them.

    Attributes
    ----------
    table
        One row per arm (``all`` without arms): units, sessions, sessions_per_unit, mean_seconds and
        median_seconds of a session, events_per_session, bounce_share (of sessions with one view). A
        ratio over no session is null.
    differences
        Treatment minus control per measure, by unit; None without arms.
    sensitivity
        One row per rule, arm and measure: rule, minutes (null where the rule has no timeout), arm,
        measure, value, lower, upper. Limits are by unit (Fieller); the median has none.
    difference_sensitivity
        The differences under every rule, with columns rule and minutes; None without arms. Their
        p-values are adjusted within a rule only: it is a look at how much hangs on the rule.
    pauses
        Pauses between a unit's events by length: up_to (the class's upper end, null for the last
        class), seconds (the same as a number), pauses, share.
    sessions
        The sessions themselves, an Ibis table in the engine: arm, unit, session (from 1 within a
        unit), start, end (of its last event), events.
    """

    sensitivity: pd.DataFrame
    difference_sensitivity: pd.DataFrame | None
    pauses: pd.DataFrame
    sessions: ir.Table
    asked: Question
    confidence_level: float

    @property
    def title(self) -> str:
        """What it is."""
        return f"Sessions by {rule_text(self.asked)}"

    def plot(self, arm: str | None = None) -> Chart:
        """Return the pauses between events, and how the numbers hang on the timeout.

        Parameters
        ----------
        arm
            The treatment beside control; left out: the first.
        """
        from abtest.cohorts.sessions_picture import picture

        return picture(self, arm)


def sessions(  # noqa: PLR0913  every one is a choice of its own, and has a default
    events: LogTable,
    *,
    by: By = "gap",
    gap_minutes: float = 30.0,
    start: str | Sequence[str] | None = None,
    end: str | Sequence[str] | None = None,
    active: str | Sequence[str] | None = None,
    ignore: str | Sequence[str] | None = None,
    view: str | Sequence[str] | None = None,
    timeouts: Sequence[float] = (5, 15, 30, 60),
    days: float | None = None,
    confidence_level: float = 0.95,
    **options: Unpack[LogOptions],
) -> Sessions:
    """Return how many sessions units have, how long these are, and what the timeout changes.

    Without `exposures` the whole log counts; with them the events of `days` days from each unit's
    exposure, and only units whose days are over. Units without a session count with 0 sessions.

    Parameters
    ----------
    events
        The log: an Ibis table, a DataFrame, the path of a file, or an `EventLog`.
    by
        ``gap``: an event later than `gap_minutes` after the one before it starts a session; one
        that is exactly as late does not, and midnight does not either. ``column``: events of one
        session id are a session. ``start_end``: one of the `start` events begins a session if none
        is open, one of the `end` events ends it: a second start and a lone end are nothing. All
        events at the moment of the end belong to it.
    gap_minutes
        The timeout of ``gap``.
    start, end
        Events of ``start_end``.
    active
        Events that open and extend sessions; left out: all but `ignore`.
    ignore
        Events that do neither and are not counted, such as messages sent by a server.
    view
        Events that are views, for the share of sessions with one view (bounce); left out: any.
    timeouts
        Minutes to try, whatever the rule, for `Sessions.sensitivity`.
    days
        Days from exposure; left out: 28. With exposures only.
    confidence_level
        Of every interval by itself.
    **options
        How the log is read, see `LogOptions`.

    Raises
    ------
    UsageError
        ``bad_choice`` for choices that cannot be, or do not go together.
    DataError
        ``unknown_event``, ``missing_column`` if the log has no session ids and is asked for
        sessions of these, and what `open_log` raises.

    Notes
    -----
    A session lasts from its first to its last event: what happens after the last is not known, and
    a session of one event lasts 0 seconds. Sessions of one unit are alike, so that they are no
    sample: means per session are ratios of two totals over units, with Fieller's limits, and their
    differences have those of the delta method (Deng, Knoblich & Lu 2018, KDD). The sessions of a
    shorter timeout nest in those of a longer one: events are sorted once for all timeouts.

    Examples
    --------
    >>> import pandas as pd
    >>> log = pd.DataFrame(
    ...     {
    ...         "user_id": [1, 1, 1, 2],
    ...         "event": "view",
    ...         "time": pd.to_datetime(
    ...             ["2026-01-05 10:00", "2026-01-05 10:30", "2026-01-05 11:01", "2026-01-05 12:00"]
    ...         ),
    ...     }
    ... )
    >>> found = sessions(log)
    >>> found.table[["units", "sessions", "mean_seconds", "bounce_share"]].round(2).values.tolist()
    [[2.0, 3.0, 600.0, 0.67]]
    """
    log = open_log(events, **options)
    asked = Question(
        by=by,
        gap=gap_minutes,
        starts=names_of(start),
        ends=names_of(end),
        ignored=names_of(ignore),
        active=names_of(active),
        view=names_of(view),
        timeouts=tuple(sorted({float(minutes) for minutes in timeouts})),
        days=(_DAYS if days is None else days) if log.arms else days,
    )
    refuse([*_choices(asked, arms=log.arms is not None), level_choice(confidence_level)])
    log.require(start, end, active, ignore, view)
    if by == "column" and "session" not in log.events.columns:
        raise DataError(
            "The log has no column of session ids",
            given=f"by='column' with {log.label}",
            todo='say which one it is: session="...", or take by="gap"',
            code="missing_column",
        )
    found = runs_of(log, asked)
    arms = list(found.units)
    rules = _rules(asked)
    return Sessions(
        table=_table(found, arms, asked.minutes),
        differences=_differences(found, arms, rules[:1], confidence_level),
        notes=_notes(log, asked, found),
        sensitivity=_sensitivity(found, arms, rules, confidence_level),
        difference_sensitivity=_differences(found, arms, rules, confidence_level),
        pauses=_pauses(found),
        sessions=found.sessions,
        asked=asked,
        confidence_level=confidence_level,
    )


def _choices(asked: Question, *, arms: bool) -> Iterator[Choice]:
    by = asked.by
    yield by not in get_args(By), "by", by, "gap, column or start_end"
    yield not is_above(asked.gap), "gap_minutes", asked.gap, "more than 0 minutes"
    times = asked.timeouts
    yield not times, "timeouts", times, "one timeout or more, such as (5, 15, 30, 60)"
    todo = "minutes above 0"
    yield not all(is_above(minutes) for minutes in times), "timeouts", times, todo
    both = bool(asked.starts) and bool(asked.ends)
    todo = 'start and end events together with by="start_end"'
    yield by == "start_end" and not both, "start, end", (asked.starts, asked.ends), todo
    some = asked.starts or asked.ends
    yield by != "start_end" and bool(some), "start, end", (asked.starts, asked.ends), todo
    todo = "different events to start and to end a session"
    yield bool(set(asked.starts) & set(asked.ends)), "end", asked.ends, todo
    named = {*asked.active, *asked.starts, *asked.ends, *asked.view}
    todo = "events that nothing else names"
    yield bool(named & set(asked.ignored)), "ignore", asked.ignored, todo
    todo = "views that are among the active events"
    odd = asked.active and not set(asked.view) <= {*asked.active, *asked.starts, *asked.ends}
    yield bool(odd), "view", asked.view, todo
    days = asked.days
    yield days is not None and not arms, "days", days, "it with exposures only"
    yield days is not None and not is_above(days), "days", days, "more than 0 days"


def rule_text(asked: Question, minutes: float | None = None) -> str:
    """Return the rule that was asked for in words, or that of a timeout."""
    if minutes is None and asked.by != "gap":
        return {"column": "session id", "start_end": "start and end events"}[asked.by]
    return f"a timeout of {asked.gap if minutes is None else minutes:g} min"


def _rules(asked: Question) -> list[tuple[str, float]]:
    """Return name and minutes of every rule, the one that was asked for first."""
    others = [minutes for minutes in asked.timeouts if minutes != asked.minutes]
    return [(rule_text(asked), asked.minutes)] + [(rule_text(asked, m), m) for m in others]


def _table(found: Runs, arms: Sequence[str], minutes: float) -> pd.DataFrame:
    import pandas as pd

    rows = [wide_row(arm, found.units[arm], found.totals.get((minutes, arm))) for arm in arms]
    return pd.DataFrame(rows)


def _sensitivity(
    found: Runs, arms: Sequence[str], rules: list[tuple[str, float]], confidence_level: float
) -> pd.DataFrame:
    import pandas as pd

    rows: list[dict[str, Any]] = []
    for rule, minutes in rules:
        for arm in arms:
            totals = found.totals.get((minutes, arm))
            for row in long_rows(arm, found.units[arm], totals, confidence_level):
                rows.append({"rule": rule, "minutes": minutes or np.nan, "arm": arm} | row)
    return pd.DataFrame(rows)


def _differences(
    found: Runs, arms: Sequence[str], rules: list[tuple[str, float]], confidence_level: float
) -> pd.DataFrame | None:
    import pandas as pd

    if len(arms) < 2:
        return None
    parts = []
    for rule, minutes in rules:
        totals = {arm: found.totals.get((minutes, arm)) for arm in arms}
        part = differences_of(arms, found.units, totals, confidence_level)
        part.insert(0, "rule", rule)
        part.insert(1, "minutes", minutes or np.nan)
        parts.append(part)
    every = pd.concat(parts, ignore_index=True)
    return every if len(rules) > 1 else every.drop(columns=["rule", "minutes"])


def _pauses(found: Runs) -> pd.DataFrame:
    import pandas as pd

    names = [name for _, name in EDGES]
    counts = np.array(found.pauses)
    total = counts.sum()
    return pd.DataFrame(
        {
            "up_to": [*names, None],
            "seconds": [*(float(seconds) for seconds, _ in EDGES), np.nan],
            "pauses": counts,
            "share": counts / total if total else np.full(len(counts), np.nan),
        }
    )


def _notes(log: EventLog, asked: Question, found: Runs) -> tuple[str, ...]:
    said = {
        "gap": f"A session ends when a unit does nothing for more than {asked.gap:g} minutes; "
        "midnight does not end it.",
        "column": "A session are the events of one unit with one session id.",
        "start_end": "A session runs from a start event to the next end event; a start in an open "
        "session and an end without one are nothing.",
    }
    notes = [
        said[asked.by],
        "It lasts from its first to its last event: a session of one event lasts 0 seconds, and "
        "what follows the last event is not known.",
        "Limits are of units: sessions of one unit are alike, and are no sample by themselves.",
    ]
    if asked.ignored:
        notes.append(f"Neither open nor extend a session: {', '.join(asked.ignored)}.")
    if asked.active:
        notes.append(f"Only these open and extend sessions: {', '.join(asked.active)}.")
    what = ", ".join(asked.view) if asked.view else "any event"
    notes.append(f"Bounce: sessions with one view ({what}), of all sessions.")
    if found.without_id:
        notes.append(f"{found.without_id:,} events without a session id are left out.")
    if log.arms is not None:
        notes.append(
            f"Events of the first {asked.days:g} days from exposure, of units whose days have "
            f"ended; {found.waiting:,} units still wait. Sessions are cut at both ends. Units "
            "without a session count as 0."
        )
        if log.arms.crossover:
            notes.append(f"{log.arms.crossover:,} units that met two arms are left out.")
    else:
        notes.append("Units of the whole log; those without a session count as 0.")
    notes.append(f"Believed up to {log.until}: sessions open then are cut there.")
    if log.facts.incomplete:
        notes.append(f"{log.facts.incomplete:,} rows without unit, event or time are left out.")
    return tuple(notes)
